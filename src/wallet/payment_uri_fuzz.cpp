// What parses as a payment request is written, and read again as the same request.

#include <cstdint>
#include <cstdlib>

#include "wallet/payment_uri.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    const auto text = base::as_text(std::as_bytes(std::span(data, size)));
    const auto request = wallet::parse_uri(text);
    if (!request) return 0;
    const auto written = wallet::encode_uri(*request);
    if (!written || wallet::parse_uri(*written).value() != *request) std::abort();
    return 0;
}
