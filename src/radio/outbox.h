#pragma once
// Messages that wait for the air, the most urgent first, and those that left in pieces, for as long
// as somebody may still miss some of them.
//
// What is longer than a packet is cut (coding/erasure_code.h). All its pieces leave once; then
// radios say how many they miss (radio/packet.h, Wish), and the most that anybody misses, and a
// quarter more, are made anew: each is of use to everyone, whichever pieces he lacks.
//
// Time:      handed in, never falling.
// Ownership: keeps copies of what is submitted.
// Limits:    those of OutboxLimits. What waits is displaced by what is more urgent, and what came
// by
//            other links by our own that is as urgent; it never has more than half of the room.
// Errors:    too_large and full, of submit().

#include <functional>
#include <tuple>
#include <vector>

#include "base/time.h"
#include "radio/airtime_budget.h"
#include "radio/packet.h"

namespace meshchain::radio {

struct OutboxLimits {
    std::size_t packet_bytes_max = payload_bytes_max;  ///< ours; a signing radio takes fewer
    std::size_t messages_max = 32;
    std::size_t message_bytes_max = 8'192;
    std::size_t bytes_max = 32'768;
    base::Duration gather = std::chrono::seconds(3);  ///< after a wish, for those of others
    base::Duration keep = std::chrono::minutes(15);   ///< after the last piece left
    /// Of a message in pieces no more than so many times its length is sent, whoever wishes.
    std::size_t repeats_max = 4;
};

/// How so many joined bytes leave in packets of ours; all zero: they fit one.
coding::Cut cut_of(std::size_t joined_bytes, std::size_t bytes_a_packet);

class Outbox {
public:
    explicit Outbox(const OutboxLimits& limits);

    /// When something may leave, and how many others may say it first (wire::Spoken).
    struct Turn {
        base::Instant from{};
        base::Instant until = base::never;  ///< if it did not by then, it never does
        std::size_t crowd = 0;
        bool bridged = false;  ///< it is not ours: leaves after ours that is as urgent
    };
    /// Queues a copy. What waits already is not queued twice; what left in pieces and is kept
    /// leaves anew, in pieces that nobody has seen.
    /// Errors: too_large, full (of what is as urgent or more).
    std::expected<void, base::Error> submit(base::Instant now, Priority priority,
                                            std::uint8_t hop_limit, const Message& message,
                                            const Turn& turn);
    /// At once.
    std::expected<void, base::Error> submit(base::Instant now, Priority priority,
                                            std::uint8_t hop_limit, const Message& message) {
        return submit(now, priority, hop_limit, message, Turn{.from = now});
    }
    /// New turns from `from` on for all that others may say, too.
    void draw_turns(base::Instant from,
                    const std::function<base::Duration(std::size_t crowd)>& draw);
    /// Somebody else says the same: what has not left yet need not any more.
    void handle_overheard(TransferId transfer);
    /// A radio misses pieces of ours. False: we have none of these any more, or sent enough.
    bool handle_wish(base::Instant now, TransferId transfer, std::uint8_t missing);

    struct Next {
        Priority priority;
        std::size_t packet_bytes;
        bool bridged;
    };
    enum class Whose : std::uint8_t { all, own };
    /// What would leave now.
    std::optional<Next> next(base::Instant now, Whose whose = Whose::all) const;
    /// Every packet that may leave now, in their order.
    std::vector<Next> ready(base::Instant now) const;
    struct Departure {
        base::Buffer packet;
        std::uint8_t hop_limit;
        wire::MessageType type;
    };
    /// Takes it out. Asserts that there is one.
    Departure take(base::Instant now, Whose whose = Whose::all);

    /// When something will be ready that is not yet, or is to be forgotten; `never` if neither.
    base::Instant poll_timeout(base::Instant now) const;
    void handle_timeout(base::Instant now);

    std::size_t packet_bytes_max() const { return limits_.packet_bytes_max; }
    std::size_t waiting() const;
    std::size_t kept() const { return entries_.size() - waiting(); }
    std::size_t bytes() const;
    void check_invariants() const;

private:
    struct Entry {
        Priority priority;
        std::uint64_t order;
        std::uint8_t hop_limit;
        wire::MessageType type;
        Head head;
        base::Buffer joined;
        TransferId transfer;
        coding::Cut cut;          ///< zero: it fits one packet
        std::size_t rest = 0;     ///< packets of it that wait
        std::uint8_t index = 0;   ///< of the next piece
        std::size_t sent = 0;     ///< pieces
        std::size_t wished = 0;   ///< by who missed most
        base::Instant answer_at;  ///< then what is wished leaves
        Turn turn;
        base::Instant forget_at;

        bool is_cut() const { return cut.piece_bytes > 0; }
        bool is_waiting() const { return rest > 0 || wished > 0; }
        bool is_unsaid() const { return rest > 0 && sent == 0; }
        bool is_ready(base::Instant now) const {
            const bool is_late = is_unsaid() && now >= turn.until;
            return (rest > 0 && now >= turn.from && !is_late) || (wished > 0 && now >= answer_at);
        }
        std::size_t packet_bytes() const;
        /// What leaves first is the least.
        std::tuple<Priority, bool, std::uint64_t> rank() const {
            return {priority, turn.bridged, order};
        }
    };

    Entry* find(TransferId transfer);
    bool make_room(Priority priority, bool bridged, std::size_t bytes);
    /// Whether one more fits: beside all, or beside the others that are not ours.
    bool fits(std::size_t bytes, bool bridged) const;
    const Entry* first(base::Instant now, Whose whose) const;
    static base::Buffer whole_packet(const Entry& entry);
    static base::Buffer piece_packet(Entry& entry);

    OutboxLimits limits_;
    std::vector<Entry> entries_;
    std::uint64_t orders_ = 0;
};

}  // namespace meshchain::radio
