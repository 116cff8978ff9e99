#include "sim/payment_book.h"

#include <algorithm>
#include <set>

#include "sim/final_history.h"

namespace meshchain::sim {
namespace {

/// A node that lost its disk does not know the payments it had under way: later ones may spend
/// their coins again.
std::set<std::size_t> forgetful(const std::vector<PaymentBook::Entry>& entries) {
    std::set<std::size_t> payers;
    for (const PaymentBook::Entry& entry : entries) {
        if (entry.is_excused) payers.insert(entry.payer);
    }
    return payers;
}

}  // namespace

void PaymentBook::look(std::size_t payer, const node::Node& node, base::Instant now) {
    std::erase_if(open_, [&](std::size_t index) {
        Entry& entry = entries_[index];
        if (entry.payer != payer) return false;
        const auto view = node.transaction(entry.txid);
        if (!view) return false;
        const bool is_final = view->certainty == node::Certainty::final;
        const bool is_live = is_final || view->certainty == node::Certainty::live ||
                             view->certainty == node::Certainty::justified;
        if (is_live && !entry.to_live) entry.to_live = now - entry.sent;
        if (is_final) entry.to_final = now - entry.sent;
        return is_final;
    });
}

void PaymentBook::excuse(std::size_t payer) {
    for (Entry& entry : entries_) {
        if (entry.payer == payer && !entry.to_final) entry.is_excused = true;
    }
}

bool PaymentBook::is_settled(const FinalHistory& history) const {
    const auto excused = forgetful(entries_);
    return std::ranges::all_of(entries_, [&](const Entry& entry) {
        return excused.contains(entry.payer) || history.contains(entry.txid);
    });
}

void PaymentBook::complain(const FinalHistory& history, Findings& findings) const {
    const auto excused = forgetful(entries_);
    for (const Entry& entry : entries_) {
        if (excused.contains(entry.payer) || history.contains(entry.txid)) continue;
        findings.add("payment-forgotten", "payment " + crypto::to_hex(entry.txid.hash) +
                                              " of machine " + std::to_string(entry.payer) +
                                              " was taken and is not FINAL");
    }
}

}  // namespace meshchain::sim
