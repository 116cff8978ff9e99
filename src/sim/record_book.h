#pragma once
// Records that honest nodes signed, and what became of each: held by all whom it concerns, or
// ended, replaced or lost with a disk, never made up. And what the origins of important alerts were
// told of who holds them.
//
// Ownership: the stores that are judged are borrowed for the call.
// Limits:    memory grows with the records.

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "records/record_store.h"
#include "sim/findings.h"

namespace meshchain::sim {

class RecordBook {
public:
    struct Entry {
        records::Address address;
        wire::RecordId id;
        std::uint64_t sequence = 0;
        std::uint32_t expires = 0;
        records::Segment segment;
        std::size_t machine = 0;
        base::Instant sent;
        bool is_excused = false;      ///< lost with a disk, or dated as others do not take it
        bool wants_receipts = false;  ///< an important alert to all, whose origin kept its disk
        std::optional<base::Duration> to_all{};  ///< of an alert
    };
    /// A machine that is judged.
    struct View {
        std::size_t machine;
        records::RecordStore* store;
    };
    using Views = std::vector<View>;
    /// What the origin of an alert shows: whose receipts it has, and whom it can reach; ascending.
    struct Told {
        std::vector<crypto::PublicKey> holders;
        std::vector<crypto::PublicKey> reachable;
    };
    /// Nothing where no receipts are judged.
    using ToldOf = std::function<std::optional<Told>(const Entry&)>;

    explicit RecordBook(const wire::ChainId& chain) : chain_(chain) {}

    /// Somebody who may hold records, judged or not.
    void note_node(const crypto::PublicKey& key) { nodes_.insert(key); }
    /// What a node is about to sign; nothing else may be found anywhere. The node chooses the keys
    /// of alerts and acknowledgements itself.
    void note_draft(const crypto::PublicKey& origin, const records::Draft& draft);
    /// What it has signed and said to be durable. `wall`: the true time, `own`: by its clock.
    void note(std::size_t machine, const wire::Record& record, base::Instant now,
              base::WallTime wall, base::WallTime own);
    void note_refusal() { ++refused_; }
    /// Its disk is gone or damaged, and with it what it was told of its alerts.
    void forget_receipts(std::size_t machine);
    /// A disk is gone or damaged: what none of these holds is lost with good reason.
    void excuse(const Views& others);
    /// Which alerts have come to all of these by now.
    void follow(const Views& all, base::Instant now);

    /// Whether all hold the same, and everything that they should, and are known to.
    bool is_settled(const Views& all, base::WallTime wall, const ToldOf& told_of) const;
    void complain(const Views& all, base::WallTime wall, const ToldOf& told_of,
                  Findings& findings) const;
    /// The newest of each address that should be found everywhere.
    std::vector<const Entry*> due(base::WallTime wall) const;
    bool was_drafted(const records::Address& address, base::Bytes body) const;

    const std::vector<Entry>& entries() const { return entries_; }
    std::size_t refused() const { return refused_; }
    /// Dated by a clock that was wrong, so that others need not take them.
    std::size_t misdated() const { return misdated_; }
    /// Alerts whose receipts are judged.
    std::size_t with_receipts(base::WallTime wall) const;

private:
    using Complaint = std::function<void(std::string rule, std::string text)>;

    void check_held(const Views& all, base::WallTime wall, const Complaint& complaint) const;
    void check_equal(const Views& all, const Complaint& complaint) const;
    void check_genuine(const View& view, const Complaint& complaint) const;
    void check_receipts(const Views& all, base::WallTime wall, const ToldOf& told_of,
                        const Complaint& complaint) const;
    void check_receipts_of(const Entry& entry, const Told& told, const Views& all,
                           const Complaint& complaint) const;
    bool is_due(const Entry& entry, base::WallTime wall) const;

    wire::ChainId chain_;
    std::vector<Entry> entries_;
    std::map<records::Address, std::size_t> newest_;  ///< entry of the highest sequence
    std::set<records::Address> wrongly_dated_;
    std::vector<std::size_t> alerts_under_way_;
    std::set<std::pair<records::Address, wire::Hash>> drafts_;  ///< with the hash of the body
    std::set<crypto::PublicKey> nodes_;
    std::vector<std::string> late_dates_;  ///< wrong dates by clocks that were right
    std::size_t refused_ = 0;
    std::size_t misdated_ = 0;
};

}  // namespace meshchain::sim
