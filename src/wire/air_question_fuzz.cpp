#include "wire/air_question.h"

#include "wire/short_vote.h"
#include "wire/test_fuzz.h"

// First byte: which parser.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    base::Reader in(std::as_bytes(std::span(data, size)));
    switch (in.u8()) {
        case 0: wire::test::parse_then_encode(in.rest(), wire::parse_air_question); break;
        case 1: wire::test::parse_then_encode(in.rest(), wire::parse_block_row); break;
        case 2: wire::test::parse_then_encode(in.rest(), wire::parse_short_vote); break;
        default: break;
    }
    return 0;
}
