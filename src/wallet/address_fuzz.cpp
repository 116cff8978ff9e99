// Any text either is refused or is the one address, up to case, of the key it yields.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "wallet/address.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string text(reinterpret_cast<const char*>(data), size);
    const auto key = meshchain::wallet::parse_address(text);
    if (!key) return 0;
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    if (meshchain::wallet::encode_address(*key) != text) std::abort();
    return 0;
}
