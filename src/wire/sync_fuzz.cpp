#include "wire/sync.h"

#include "wire/test_fuzz.h"

// First byte: which parser.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    base::Reader in(std::as_bytes(std::span(data, size)));
    switch (in.u8()) {
        case 0: wire::test::parse_then_encode(in.rest(), wire::parse_sync_request); break;
        case 1: wire::test::parse_then_encode(in.rest(), wire::parse_sync_response); break;
        case 2: wire::test::parse_then_encode(in.rest(), wire::parse_sync_chunk); break;
        case 3: wire::test::parse_then_encode(in.rest(), wire::parse_proven_final); break;
        case 4: wire::test::parse_then_encode(in.rest(), wire::parse_headers); break;
        default: break;
    }
    return 0;
}
