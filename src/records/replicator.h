#pragma once
// Spreads records (PROTOCOL.md P4.3; rows G1, G4, G7): what is new goes on at once along the tree
// of shortest ways, and neighbours reconcile what they hold from time to time, so that whoever was
// away or missed something gets it at the cost of what is new.
//
// Urgent kinds are repeated to each neighbour until it has said that it holds them, and the
// holders' receipts go back the way the record came. Alarms leave by their priority, what was said
// of an alarm by that alarm's, all else after them (records/turn_queue.h).
//
// Time:      `now` never goes backwards.
// Ownership: store, book and neighbourhood outlive this.
// Limits:    Options below; of one neighbour `waiting_max` records and `messages_max` messages
//            waiting, `unconfirmed_max` urgent ones; `tracked_max` records of others whose receipts
//            are gathered, `holders_max` of each. What finds no room, the lowest priority first, is
//            found by reconciliation later.
// Errors:    of the store. What peers do wrong is a verdict.
// Format:    docs/formats/record.md

#include <chrono>
#include <deque>
#include <map>
#include <set>

#include "base/lru_cache.h"
#include "base/random.h"
#include "base/token_bucket.h"
#include "records/receipt_book.h"
#include "records/reconciliation.h"
#include "records/record_store.h"
#include "records/turn_queue.h"
#include "wire/neighbourhood.h"
#include "wire/service.h"

namespace meshchain::records {

class Replicator {
public:
    static constexpr std::size_t waiting_max = 1'024;
    static constexpr std::size_t messages_max = 64;
    static constexpr std::size_t unconfirmed_max = 256;
    static constexpr std::size_t tracked_max = 128;
    static constexpr std::size_t holders_max = 1'024;
    static constexpr std::uint8_t tries_max = 7;

    struct Options {
        /// How often two neighbours compare; the one with the lower key begins.
        base::Duration reconcile_interval = std::chrono::seconds(20);
        /// Of records sent to reconcile, to all neighbours together: what keeps links free.
        base::Rate records_rate{.per_minute = 30'000, .burst = 256};
    };
    struct Stats {
        std::uint64_t records_sent = 0;
        std::uint64_t bytes_sent = 0;
        std::uint64_t urgent_repeats = 0;
        std::uint64_t reconciliations = 0;  ///< begun here
        std::uint64_t dropped = 0;          ///< for want of room
    };

    /// `own`: takes the receipts for our own alarms.
    Replicator(RecordStore& store, ReceiptBook& own, crypto::SigningKey self, Options options,
               base::Random random);

    /// Before anything else that follows.
    void attach(const wire::Neighbourhood& neighbourhood) { around_ = &neighbourhood; }

    /// A record that was taken or published just now. `from`: who gave it.
    void spread(base::Now now, const wire::Record& record,
                const std::optional<crypto::PublicKey>& from);

    struct Received {
        wire::Verdict verdict = wire::Verdict::ignore;
        std::optional<wire::Record> taken;  ///< new here, stored, and passed on
    };
    Received handle_record(base::Now now, const crypto::PublicKey& from, base::Bytes payload);
    wire::Verdict handle_reconcile(base::Now now, const crypto::PublicKey& from, base::Bytes body);
    /// Of neighbours; `from` empty: of somebody further away.
    wire::Verdict handle_receipts(base::Now now, const std::optional<crypto::PublicKey>& from,
                                  base::Bytes body);
    /// Ours for a record we hold.
    Receipt receipt_of(const wire::RecordId& id) const;

    void handle_timeout(base::Now now);
    base::Instant poll_timeout(base::Now now) const;
    std::optional<wire::Outgoing> poll_urgent(base::Now now);
    /// All else.
    std::optional<wire::Outgoing> poll_other(base::Now now);

    const Stats& stats() const { return stats_; }

private:
    /// What is urgent, until its receiver has said that it holds it.
    struct Retry {
        std::uint8_t rank;
        base::Instant due = base::never;  ///< never, while it waits for its turn
        std::uint8_t tries = 0;
    };
    struct Neighbour {
        base::Instant next_summary;
        bool begins =
            false;  ///< we compare from time to time; otherwise only when something is new
        std::deque<base::Buffer> messages{};
        TurnQueue waiting{};
        TurnQueue urgent{};  ///< of the unconfirmed
        std::map<wire::RecordId, Retry> unconfirmed{};
        std::vector<Receipt> receipts{};
        base::LruCache<wire::RecordId, base::Instant> sent{waiting_max};
    };
    /// A record whose receipts are gathered, and passed to whoever gave it.
    struct Tracked {
        std::optional<crypto::PublicKey> giver;
        std::map<crypto::PublicKey, crypto::Signature> holders{};
        std::vector<crypto::PublicKey> to_tell{};
    };
    using Neighbours = std::map<crypto::PublicKey, Neighbour>;

    void refresh(base::Now now);
    Neighbour* find(const crypto::PublicKey& key);
    std::uint8_t rank_of(const wire::Record& record);
    std::uint8_t rank_of(const wire::RecordId& id);
    void enqueue(base::Now now, Neighbour& to, const wire::RecordId& id, std::uint8_t rank);
    void enqueue_urgent(base::Now now, Neighbour& to, const wire::RecordId& id, std::uint8_t rank);
    bool make_way(Neighbour& to, std::uint8_t rank);
    bool is_wanted(const Receipt& receipt, const std::vector<crypto::PublicKey>& reachable);
    void note(base::Now now, const Receipt& receipt);
    void confirm(const crypto::PublicKey& to, const wire::RecordId& id);
    void repeat_urgent(base::Now now, Neighbour& to);
    void tell_holders(base::Now now);
    void tell_again(base::Now now);
    void begin(base::Now now, Neighbour& with);
    base::Duration jittered(base::Duration usual);
    std::optional<wire::Outgoing> frame_of(base::Now now, const crypto::PublicKey& to,
                                           Neighbour& neighbour, const wire::RecordId& id);
    std::optional<wire::Outgoing> poll_receipts(Neighbours::iterator next);
    std::optional<wire::Outgoing> poll_messages(Neighbours::iterator next);
    std::optional<wire::Outgoing> poll_urgent_of(base::Now now, Neighbours::iterator next);
    template <class Poll>
    std::optional<wire::Outgoing> poll_in_turn(Poll poll);
    std::optional<wire::Outgoing> poll_waiting(base::Now now, Neighbours::iterator next);

    RecordStore& store_;
    ReceiptBook& own_;
    const crypto::SigningKey self_;
    const Options options_;
    base::Random random_;
    const wire::Neighbourhood* around_ = nullptr;
    Neighbours neighbours_;
    base::Instant refreshed_{};
    base::Instant known_until_{};
    base::LruCache<wire::RecordId, Tracked> tracked_{tracked_max};  ///< of others
    std::set<wire::RecordId> to_tell_;  ///< tracked ones that have something to tell
    base::Instant tell_at_ = base::never;
    /// Of tracked ones: nobody confirms receipts, and one that is lost on its way costs the origin
    /// a message over all of it.
    struct Retelling {
        base::Instant at;
        int left;
    };
    std::map<wire::RecordId, Retelling> retellings_;
    std::optional<base::TokenBucket> bucket_;
    unsigned other_turn_ = 0;
    std::optional<crypto::PublicKey> served_;  ///< last: the next in order comes first
    Stats stats_;
};

}  // namespace meshchain::records
