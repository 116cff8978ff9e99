#include "sim/payment_book.h"

#include <algorithm>

#include "sim/final_history.h"

namespace meshchain::sim {

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
        if (entry.payer != payer) continue;
        entry.is_excused |= !entry.to_final;
        for (const wire::Input& input : entry.inputs) contested_.insert(input.outpoint);
    }
}

void PaymentBook::excuse_unheard(std::size_t payer,
                                 const std::function<bool(const wire::Txid&)>& is_known) {
    for (Entry& entry : entries_) {
        if (entry.payer != payer || entry.to_live || is_known(entry.txid)) continue;
        entry.is_excused = true;
        for (const wire::Input& input : entry.inputs) contested_.insert(input.outpoint);
    }
}

std::vector<const PaymentBook::Entry*> PaymentBook::forgotten(const FinalHistory& history) const {
    std::set<wire::Txid> lost;
    std::vector<const Entry*> missing;
    // A payment comes after those whose outputs it spends.
    for (const Entry& entry : entries_) {
        if (history.contains(entry.txid)) continue;
        const bool has_excuse =
            entry.is_excused || entry.may_fail ||
            std::ranges::any_of(entry.inputs, [&](const wire::Input& input) {
                return contested_.contains(input.outpoint) || lost.contains(input.outpoint.txid);
            });
        if (has_excuse) {
            lost.insert(entry.txid);
        } else {
            missing.push_back(&entry);
        }
    }
    return missing;
}

bool PaymentBook::is_settled(const FinalHistory& history) const {
    return forgotten(history).empty();
}

void PaymentBook::complain(const FinalHistory& history, Findings& findings,
                           const std::function<std::string(const wire::Txid&)>& where) const {
    for (const Entry* entry : forgotten(history)) {
        findings.add("payment-forgotten", "payment " + crypto::to_hex(entry->txid.hash) +
                                              " of machine " + std::to_string(entry->payer) +
                                              " was taken and is not FINAL" + where(entry->txid));
    }
}

}  // namespace meshchain::sim
