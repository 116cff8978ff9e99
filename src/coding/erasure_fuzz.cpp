// Any pieces in any order, some of them false: the message comes back whole if all were true, and
// nothing breaks if one was not.

#include <algorithm>
#include <span>

#include "base/assert.h"
#include "base/cursor.h"
#include "coding/erasure_code.h"

// Bytes of message, bytes of a piece, then the indexes of the pieces that arrive: an even number
// between them is a true piece, an odd one comes with its first byte changed. The rest is message.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    base::Reader in(std::as_bytes(std::span(data, size)));
    const coding::Cut cut{in.u16() % 4096U, in.u8()};
    const base::Bytes arriving = in.take(std::min<std::size_t>(in.u16(), in.remaining()));
    if (cut.piece_bytes == 0 || !cut.is_sound()) return 0;
    base::Buffer message = base::to_buffer(in.rest());
    message.resize(cut.message_bytes);
    coding::PieceCollector collector(cut);
    base::Buffer piece(cut.piece_bytes);
    bool all_true = true;
    for (std::size_t i = 0; i + 1 < arriving.size() && collector.missing() > 0; i += 2) {
        const auto index = std::to_integer<std::uint8_t>(arriving[i]);
        coding::make_piece(cut, message, index, piece);
        const bool is_false = (arriving[i + 1] & std::byte{1}) != std::byte{};
        if (is_false) piece[0] ^= std::byte{1};
        if (collector.add(index, piece) && is_false) all_true = false;
    }
    if (collector.missing() > 0) return 0;
    const base::Buffer got = collector.take_message();
    MESH_ASSERT(got.size() == message.size());
    // A code that corrects nothing cannot hide a change either.
    MESH_ASSERT(base::equal(got, message) == all_true);
    return 0;
}
