#pragma once
// Payments that were handed to honest nodes, and what became of each: final, or refused with a
// reason, never forgotten.
//
// Limits: memory grows with the payments.

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "node/node.h"
#include "sim/findings.h"

namespace meshchain::sim {

class FinalHistory;

class PaymentBook {
public:
    struct Entry {
        wire::Txid txid;
        std::size_t payer = 0;
        base::Instant sent;
        std::vector<wire::Input> inputs = {};
        bool is_excused = false;  ///< its node lost its disk, and what it had not passed on
        bool may_fail = false;    ///< it moves stakes, which others may move before it does
        std::optional<base::Duration> to_live{};
        std::optional<base::Duration> to_final{};
    };

    void note(std::size_t payer, const wire::Txid& txid, std::vector<wire::Input> inputs,
              base::Instant now, bool may_fail = false) {
        open_.push_back(entries_.size());
        entries_.push_back({.txid = txid,
                            .payer = payer,
                            .sent = now,
                            .inputs = std::move(inputs),
                            .may_fail = may_fail});
    }
    void note_refusal() { ++refused_; }
    /// Looks at those that are not final yet, as `node` of this payer sees them.
    void look(std::size_t payer, const node::Node& node, base::Instant now);
    /// Its disk is gone. What it had not passed on is forgotten with good reason, and until it has
    /// read the chain again it does not know which coins it spent: what spends them again, or an
    /// output of what is lost, may be lost too. Nothing else is.
    void excuse(std::size_t payer);
    /// Its disk is damaged: what it had not passed on may be what was damaged.
    void excuse_unheard(std::size_t payer, const std::function<bool(const wire::Txid&)>& is_known);
    /// Whether all are in the history, but for those excused.
    bool is_settled(const FinalHistory& history) const;
    /// `where` adds to each who has seen it.
    void complain(const FinalHistory& history, Findings& findings,
                  const std::function<std::string(const wire::Txid&)>& where) const;

    const std::vector<Entry>& entries() const { return entries_; }
    std::size_t refused() const { return refused_; }
    std::size_t final_count() const { return entries_.size() - open_.size(); }

private:
    /// Those that are not in the history, and have no excuse.
    std::vector<const Entry*> forgotten(const FinalHistory& history) const;

    std::vector<Entry> entries_;
    std::vector<std::size_t> open_;       ///< not seen to be final
    std::set<wire::Outpoint> contested_;  ///< spent by those who do not know it any more
    std::size_t refused_ = 0;
};

}  // namespace meshchain::sim
