#include "wire/aggregated_certificate.h"

#include "wire/test_fuzz.h"

// First byte: which parser.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    base::Reader in(std::as_bytes(std::span(data, size)));
    switch (in.u8()) {
        case 0: wire::test::parse_then_encode(in.rest(), wire::parse_vote); break;
        case 1: wire::test::parse_then_encode(in.rest(), wire::parse_certificate); break;
        case 3: wire::test::parse_then_encode(in.rest(), wire::parse_aggregated_certificate); break;
        case 2: wire::test::parse_then_encode(in.rest(), wire::parse_evidence); break;
        default: break;
    }
    return 0;
}
