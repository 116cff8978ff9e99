#pragma once
// How far a store is known to have come: kept beside it, so that an older copy in its place is
// noticed. Two slots, written in turn, so that a write that is cut leaves the other.
//
// Format: docs/formats/store-marker.md

#include <array>
#include <expected>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "consensus/vote_store.h"
#include "crypto/hash.h"

namespace meshchain::host {

struct StoreMark {
    /// The newest that the validating key signed.
    struct Signed {
        crypto::PublicKey key;
        wire::Round round;
        wire::Slot block_slot;
    };

    crypto::Hash store = {};     ///< of its configured path; zero where nothing is known
    std::uint64_t sequence = 0;  ///< of a commit that was durable (kv::Store::sequence)
    std::optional<Signed> last_signed;
};

StoreMark::Signed signed_by(const consensus::SigningRecord& record);
/// What the mark keeps of both: for one key it never falls, whichever copy of the store is there.
/// Of another key, `now` alone.
std::optional<StoreMark::Signed> newest(const std::optional<StoreMark::Signed>& before,
                                        const std::optional<StoreMark::Signed>& now);

inline constexpr std::size_t store_mark_bytes = 98;
/// Slots lie so far apart that no sector holds both.
inline constexpr std::size_t store_mark_distance = 4096;
inline constexpr std::size_t store_marker_bytes = 2 * store_mark_distance;

using StoreMarkBytes = std::array<std::byte, store_mark_bytes>;
/// `turn` tells the newer of two.
StoreMarkBytes encode(const StoreMark& mark, std::uint64_t turn);

struct NumberedMark {
    StoreMark mark;
    std::uint64_t turn = 0;
};
/// Of the start of `slot`; nothing where it is not whole.
std::optional<NumberedMark> parse_store_mark(base::Bytes slot);
/// Of the file's content: the newer slot. The sentence that earlier programs wrote knows nothing.
/// Errors: corrupt (neither slot is whole).
std::expected<NumberedMark, base::Error> parse_store_marker(base::Bytes content);

}  // namespace meshchain::host
