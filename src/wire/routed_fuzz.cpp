#include "wire/clock_question.h"
#include "wire/routed.h"
#include "wire/test_fuzz.h"

// First byte: which parser.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    base::Reader in(std::as_bytes(std::span(data, size)));
    switch (in.u8()) {
        case 0: wire::test::parse_then_encode(in.rest(), wire::parse_routed); break;
        case 1: wire::test::parse_then_encode(in.rest(), wire::parse_receipt); break;
        case 2: wire::test::parse_then_encode(in.rest(), wire::parse_clock_ask); break;
        case 3: wire::test::parse_then_encode(in.rest(), wire::parse_clock_answer); break;
        default: break;
    }
    return 0;
}
