#pragma once
// Joins the pieces that other radios send, and says how many are missing when no more come.
//
// Pieces of one message are those with one sender and one transfer id. The id is a hash of the
// message, so pieces that do not belong together are found out when they are joined. A wish is
// spoken after a random pause, and not at all if somebody else was heard to miss as many.
//
// Who claims to have sent a packet is not proven, so nobody is blamed. When room is needed, the
// transfers that have gathered least go first: a flood of single pieces pushes out each other.
//
// Time:      handed in, never falling.
// Ownership: a joined message is handed over.
// Limits:    those of ReassemblyLimits, whatever arrives; memory grows with what has arrived only.
// Errors:    what is of no use is counted by its reason.

#include <array>
#include <map>
#include <string_view>

#include "base/lru_cache.h"
#include "base/random.h"
#include "base/time.h"
#include "radio/packet.h"

namespace meshchain::radio {

struct ReassemblyLimits {
    std::size_t message_bytes_max = 8'192;
    std::size_t transfers_max = 16;
    std::size_t transfers_of_one_max = 4;  ///< of one sender
    std::size_t done_max = 64;    ///< remembered, so that what repairs others is not joined
    std::uint8_t wishes_max = 6;  ///< without a new piece in between; then it is silent
    /// Between two pieces, until there are two to measure by.
    base::Duration piece_gap = std::chrono::seconds(5);
    base::Duration pause = std::chrono::seconds(2);          ///< before a wish, half of it random
    base::Duration answer_in = std::chrono::seconds(20);     ///< after a wish; doubled each time
    base::Duration forget_after = std::chrono::minutes(30);  ///< without a new piece
};

class Reassembly {
public:
    Reassembly(const ReassemblyLimits& limits, base::Random random);

    struct Joined {
        wire::MessageType type;
        Head head;
        base::Buffer bytes;
    };
    /// Takes a piece. The whole message, if it was the last one needed.
    std::optional<Joined> handle_piece(base::Instant now, NodeNumber sender, const Piece& piece);
    /// Somebody else's wish was heard.
    void handle_wish(base::Instant now, const Wish& wish);
    /// What to ask for now, until there is nothing.
    std::optional<Wish> poll_wish(base::Instant now);
    /// What poll_wish() would give.
    std::optional<Wish> next_wish(base::Instant now) const;
    /// When there will be a wish that is not due yet, or something is to be forgotten; `never`
    /// while nothing is under way.
    base::Instant poll_timeout(base::Instant now) const;
    /// Forgets what has waited too long. Call at or after poll_timeout().
    void handle_timeout(base::Instant now);

    std::size_t transfers() const { return transfers_.size(); }
    /// What the pieces held take, without the tables.
    std::size_t bytes() const;

    enum class Refusal : std::uint8_t {
        too_long,     ///< a longer message than we join
        contradicts,  ///< another type or cut than the transfer's first piece
        known,        ///< a piece that we have, or of a message that is joined
        displaced,    ///< the transfer made room for another
        untrue,       ///< joined to something else than the id names
        forgotten,    ///< no piece came any more
    };
    static constexpr std::size_t refusals = 6;
    /// Pieces refused, or transfers given up.
    std::uint64_t count(Refusal refusal) const {
        return counts_[static_cast<std::size_t>(refusal)];
    }

    /// Asserts that no limit is exceeded.
    void check_invariants() const;

private:
    using Key = std::pair<NodeNumber, TransferId>;
    struct Transfer {
        wire::MessageType type;
        Head head;
        coding::PieceCollector pieces;
        base::Instant heard;  ///< the last new piece
        std::uint8_t rest = 0;
        base::Duration gap;
        base::Instant wish_at;
        std::uint8_t wishes = 0;

        std::size_t gathered() const { return pieces.cut().pieces() - pieces.missing(); }
    };

    void refuse(Refusal refusal) { ++counts_[static_cast<std::size_t>(refusal)]; }
    Transfer& open(base::Instant now, const Key& key, const Piece& piece);
    void make_room(NodeNumber sender);
    void note_piece(base::Instant now, Transfer& transfer, const Piece& piece);
    void note_wish(base::Instant now, Transfer& transfer) const;
    std::map<Key, Transfer>::const_iterator find_wishing(base::Instant now) const;
    static Wish wish_of(const Key& key, const Transfer& transfer);
    std::optional<Joined> finish(const Key& key);

    ReassemblyLimits limits_;
    base::Random random_;
    std::map<Key, Transfer> transfers_;
    base::LruCache<Key, bool> done_;
    std::array<std::uint64_t, refusals> counts_{};
};

std::string_view name(Reassembly::Refusal refusal);

}  // namespace meshchain::radio
