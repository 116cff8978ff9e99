#pragma once
// What a radio's budget has spent, kept over a restart (rows B9, E9): without it, whoever starts a
// node over and over again gives it a new hour each time.
//
// A row is written once in a minute in which something left, and runs ahead of what is spent by a
// reserve, so that a power cut forgets no more than what one step of the node may send beyond it.
//
// Ownership: borrows the store, which outlives it.
// Time:      minutes of the wall clock. One that runs backwards makes the record newer than it is;
//            when it is set forward, the record is written anew.
// Errors:    restore() those of the store; corrupt (a row that is none: the whole hour counts as
//            spent). note() those of commit: the budget goes on, and the next call tries again.
// Format:    docs/formats/airtime-table.md

#include <optional>

#include "kv/store.h"
#include "radio/airtime_budget.h"

namespace meshchain::radio {

class AirtimeLog {
public:
    /// `radio` names it among those of this node: 1 … kv::key_bytes_max bytes.
    AirtimeLog(kv::Store& store, kv::Table table, base::Buffer radio);

    /// Charges what was spent before this start. Once, before anything is spent.
    std::expected<void, base::Error> restore(base::Now now, AirtimeBudget& budget);
    /// After each step of the node.
    std::expected<void, base::Error> note(base::Now now, const AirtimeBudget& budget);
    /// What was really spent, without a reserve: at the end.
    std::expected<void, base::Error> close(base::Now now, const AirtimeBudget& budget);

private:
    bool is_old(base::Now now) const;
    bool was_set(base::Now now) const;
    std::expected<void, base::Error> write(base::Now now, const AirtimeBudget& budget,
                                           base::Duration reserve);

    kv::Store& store_;
    kv::Table table_;
    base::Buffer radio_;
    base::Duration written_{};           ///< of the total; what is spent beyond it is not on disk
    base::Duration noted_{};             ///< the total at the last write
    std::optional<base::Now> noted_at_;  ///< of the last write
};

}  // namespace meshchain::radio
