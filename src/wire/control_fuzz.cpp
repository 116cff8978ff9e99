#include "wire/control.h"

#include "wire/test_fuzz.h"

// First byte: which parser.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    base::Reader in(std::as_bytes(std::span(data, size)));
    switch (in.u8()) {
        case 0: wire::test::parse_then_encode(in.rest(), wire::parse_hello); break;
        case 1: wire::test::parse_then_encode(in.rest(), wire::parse_heartbeat); break;
        case 2: wire::test::parse_then_encode(in.rest(), wire::parse_vote_request); break;
        case 3: {
            const base::Bytes bytes = in.rest();
            const auto cookie = wire::parse_cookie(bytes);
            if (cookie) MESH_ASSERT(base::equal(wire::encode_cookie(*cookie), bytes));
            break;
        }
        default: break;
    }
    return 0;
}
