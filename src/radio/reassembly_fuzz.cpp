// Any packets of any senders at any time: no limit is exceeded, and a message that is joined has
// the hash that its pieces named.
//
// The input is a row of steps: how long to wait, the sender, how many bytes, and those bytes, which
// are a packet; an empty one is a piece of a true message, its index the sender's number.

#include <span>

#include "base/assert.h"
#include "base/cursor.h"
#include "radio/reassembly.h"

namespace meshchain::radio {
namespace {

constexpr ReassemblyLimits limits{
    .message_bytes_max = 600, .transfers_max = 5, .transfers_of_one_max = 2, .done_max = 4};

base::Buffer true_piece(std::uint8_t index) {
    const base::Buffer message(300, std::byte{42});
    const coding::Cut cut = coding::cut_evenly(message.size(), 100);
    base::Buffer piece(cut.piece_bytes);
    coding::make_piece(cut, message, index, piece);
    return encode(Piece{.type = wire::MessageType::block,
                        .head = {},
                        .transfer = transfer_id(wire::MessageType::block, {}, message),
                        .cut = cut,
                        .index = index,
                        .rest = 0,
                        .bytes = piece});
}

void step(Reassembly& reassembly, base::Instant now, NodeNumber sender, base::Bytes bytes) {
    const auto packet = parse_packet(bytes);
    if (!packet) return;
    if (const auto* wish = std::get_if<Wish>(&*packet)) reassembly.handle_wish(now, *wish);
    const auto* piece = std::get_if<Piece>(&*packet);
    if (piece == nullptr) return;
    const auto joined = reassembly.handle_piece(now, sender, *piece);
    if (!joined) return;
    MESH_ASSERT(joined->bytes.size() == piece->cut.message_bytes);
    MESH_ASSERT(transfer_id(joined->type, joined->head, joined->bytes) == piece->transfer);
}

}  // namespace
}  // namespace meshchain::radio

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    base::Reader in(std::as_bytes(std::span(data, size)));
    radio::Reassembly reassembly(radio::limits, base::Random(1));
    base::Instant now{};
    while (in.ok() && in.remaining() > 0) {
        now += std::chrono::seconds(in.u8());
        const std::uint8_t sender = in.u8();
        const base::Bytes bytes = in.take(std::min<std::size_t>(in.u8(), in.remaining()));
        radio::step(reassembly, now, radio::NodeNumber{sender % 4U},
                    bytes.empty() ? radio::true_piece(sender) : base::to_buffer(bytes));
        while (const auto wish = reassembly.poll_wish(now)) MESH_ASSERT(wish->missing > 0);
        reassembly.handle_timeout(now);
        MESH_ASSERT(reassembly.poll_timeout(now) > now);
        reassembly.check_invariants();
        MESH_ASSERT(reassembly.bytes() <=
                    radio::limits.transfers_max * radio::limits.message_bytes_max);
    }
    return 0;
}
