#include "wire/record.h"

#include "wire/test_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    wire::test::parse_then_encode(std::as_bytes(std::span(data, size)), wire::parse_record);
    return 0;
}
