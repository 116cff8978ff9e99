#pragma once
// Records that honest nodes signed, and what became of each: held by all whom it concerns, or
// ended, replaced or lost with a disk, never made up.
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
        bool is_excused = false;  ///< lost with a disk, or dated as others do not take it
        std::optional<base::Duration> to_all{};  ///< of an alert
    };
    /// A machine that is judged.
    struct View {
        std::size_t machine;
        records::RecordStore* store;
    };
    using Views = std::vector<View>;

    explicit RecordBook(const wire::ChainId& chain) : chain_(chain) {}

    /// What a node is about to sign; nothing else may be found anywhere.
    void note_draft(const crypto::PublicKey& origin, const records::Draft& draft);
    /// What it has signed and said to be durable. `wall`: the true time.
    void note(std::size_t machine, const wire::Record& record, base::Instant now,
              base::WallTime wall);
    void note_refusal() { ++refused_; }
    /// A disk is gone or damaged: what none of these holds is lost with good reason.
    void excuse(const Views& others);
    /// Which alerts have come to all of these by now.
    void follow(const Views& all, base::Instant now);

    /// Whether all hold the same, and everything that they should.
    bool is_settled(const Views& all, base::WallTime wall) const;
    void complain(const Views& all, base::WallTime wall, Findings& findings) const;

    const std::vector<Entry>& entries() const { return entries_; }
    std::size_t refused() const { return refused_; }

private:
    using Complaint = std::function<void(std::string rule, std::string text)>;

    void check_held(const Views& all, base::WallTime wall, const Complaint& complaint) const;
    void check_equal(const Views& all, const Complaint& complaint) const;
    void check_genuine(const View& view, const Complaint& complaint) const;
    bool is_due(const Entry& entry, base::WallTime wall) const;

    wire::ChainId chain_;
    std::vector<Entry> entries_;
    std::map<records::Address, std::size_t> newest_;  ///< entry of the highest sequence
    std::set<records::Address> wrongly_dated_;
    std::vector<std::size_t> alerts_under_way_;
    std::set<std::pair<records::Address, wire::Hash>> drafts_;  ///< with the hash of the body
    std::size_t refused_ = 0;
};

}  // namespace meshchain::sim
