// A fuzz target that aborts on one kind of input, to show that the replay finds and reports it.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 4 && data[0] == 0xff) std::abort();
    return 0;
}
