#include "wire/short_block.h"

#include "wire/test_fuzz.h"

// What parses is, with whatever parent, the short form of the block that it stands for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    const auto bytes = std::as_bytes(std::span(data, size));
    wire::test::parse_then_encode(bytes, wire::parse_short_block);
    const auto block = wire::parse_short_block(bytes);
    if (!block) return 0;
    wire::BlockParent parent{.hash = {}, .height = {7}, .epoch = 3, .certificate = {}, .state = {}};
    parent.certificate.bytes.fill(std::byte{0xee});
    const wire::BlockAnnouncement whole = wire::expand(*block, parent);
    const auto again = wire::shorten(whole, {}, parent.epoch, parent.certificate);
    MESH_ASSERT(again && again->signature == block->signature &&
                again->short_ids == block->short_ids && wire::expand(*again, parent) == whole);
    return 0;
}
