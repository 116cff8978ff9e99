#pragma once
// Whom the alarms of this node are meant for and who has signed that it holds them (row G4), for as
// long as each lives. Of high and critical ones it is in a table of the node's store as well, so
// that a restart of the origin ends neither the proof nor the delivery.
//
// Time:      `now` never goes backwards.
// Ownership: the store outlives this.
// Durable:   what flush() has written; by itself within `flush_after`. A receipt that is lost with
//            the power is asked for again.
// Limits:    `nodes_max` of one alarm, `receipts_max` of all: then those of the lowest priority and
//            of these the oldest give way, never those of a higher one; about 120 bytes each.
//            `unflushed_max` rows that wait for a store that takes nothing.
// Errors:    of the store, but damaged rows are left out and counted. What cannot be written is
//            tried again.
// Format:    docs/formats/record.md

#include <chrono>
#include <map>
#include <vector>

#include "kv/store.h"
#include "records/alert.h"
#include "records/receipt.h"

namespace meshchain::records {

/// Which alarm gives way where there is room for no more: the lower.
struct AlertRank {
    AlertPriority priority = AlertPriority::low;
    wire::HybridTime stamp;
    friend auto operator<=>(const AlertRank&, const AlertRank&) = default;
};

class ReceiptBook {
public:
    static constexpr std::size_t nodes_max = 1'024;
    static constexpr std::size_t receipts_max = 65'536;
    static constexpr std::size_t unflushed_max = 1'024;
    static constexpr base::Duration flush_after = std::chrono::milliseconds(200);

    struct Stats {
        std::size_t held = 0;       ///< nodes with or without a receipt, of all alarms
        std::uint64_t dropped = 0;  ///< for want of room
        std::uint64_t unsound = 0;  ///< rows that could not be read
    };

    /// Without a table nothing outlasts a restart.
    ReceiptBook(kv::Store& store, std::optional<kv::Table> table) : store_(store), table_(table) {}

    /// An alarm of ours. `is_carried`: to everybody in reach, one by one where it must be.
    void begin(const wire::RecordId& id, const wire::Record& record, AlertPriority priority,
               bool is_carried);
    /// What the table holds of the alarms that were begun; the rest of it is erased.
    std::expected<void, base::Error> load(base::Now now);
    /// Who is in reach is to get an alarm that is carried.
    void expect(base::Now now, const wire::RecordId& id,
                const std::vector<crypto::PublicKey>& reachable);
    /// A receipt that is genuine.
    void note(base::Now now, const Receipt& receipt);
    /// The alarm of this key is no more; its name, if there was one.
    std::optional<wire::RecordId> forget(base::Now now, const base::Buffer& key);

    bool has(const wire::RecordId& id) const { return pages_.contains(id); }
    bool is_holder(const wire::RecordId& id, const crypto::PublicKey& node) const;
    bool is_expected(const wire::RecordId& id, const crypto::PublicKey& node) const;
    /// All ascending. Of an alarm that is not carried nobody is a target.
    std::vector<crypto::PublicKey> targets(const wire::RecordId& id) const;
    std::vector<crypto::PublicKey> holders(const wire::RecordId& id) const;
    std::vector<crypto::PublicKey> missing(const wire::RecordId& id) const;

    std::expected<void, base::Error> flush();
    /// Writes what waits. An Error is tried again a second later.
    void handle_timeout(base::Now now);
    base::Instant poll_timeout() const { return flush_at_; }
    const Stats& stats() const { return stats_; }

private:
    struct Page {
        base::Buffer key;  ///< of the alarm
        AlertRank rank;
        bool is_carried = false;
        bool is_stored = false;
        std::map<crypto::PublicKey, bool> nodes{};  ///< whether the receipt has come
    };
    using Pages = std::map<wire::RecordId, Page>;

    template <class Wanted>
    std::vector<crypto::PublicKey> nodes(const wire::RecordId& id, Wanted wanted) const;
    bool make_room(base::Now now, const Page& page);
    void clear(base::Now now, const wire::RecordId& id, Page& page);
    bool has_room_to_write(const Page& page);
    void write(base::Now now, const base::Buffer& row, base::Bytes value);
    void erase(base::Now now, const base::Buffer& row);
    bool read(base::Bytes row, base::Bytes value);

    kv::Store& store_;
    const std::optional<kv::Table> table_;
    Pages pages_;
    kv::Batch batch_;
    base::Instant flush_at_ = base::never;
    Stats stats_;
};

}  // namespace meshchain::records
