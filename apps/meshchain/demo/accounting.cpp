#include "meshchain/demo/accounting.h"

#include <algorithm>

#include "host/chain_audit.h"

namespace meshchain::app {
namespace {

using host::ChainAudit;

bool is_final(const ChainAudit& audit, const std::string& txid) {
    const auto hash = crypto::hash_from_hex(txid);
    const auto found = hash ? audit.transactions.find({*hash}) : audit.transactions.end();
    return found != audit.transactions.end() && found->second <= audit.final_height;
}

void count_payments(const std::vector<ChainAudit>& audits, std::span<const DemoPayment> payments,
                    Accounts& accounts) {
    accounts.final_at.assign(audits.size(), 0);
    for (const DemoPayment& payment : payments) {
        std::size_t nodes = 0;
        for (std::size_t i = 0; i < audits.size(); ++i) {
            if (!is_final(audits[i], payment.txid)) continue;
            ++accounts.final_at[i];
            ++nodes;
        }
        if (nodes != audits.size()) {
            accounts.problems.push_back("payment " + payment.txid + " is FINAL at only " +
                                        std::to_string(nodes) + " nodes");
            continue;
        }
        ++accounts.payments_final;
        if (payment.while_down) ++accounts.payments_while_down;
    }
}

template <class Member>
bool all_equal(const std::vector<ChainAudit>& audits, Member member) {
    return std::ranges::all_of(
        audits, [&](const ChainAudit& audit) { return audit.*member == audits.front().*member; });
}

}  // namespace

Accounts settle(std::span<const DemoNode> nodes, const ledger::Genesis& genesis,
                std::span<const DemoPayment> payments) {
    Accounts accounts;
    std::vector<ChainAudit> audits;
    for (const DemoNode& node : nodes) {
        auto audit = host::audit_chain(node.folder());
        if (audit) {
            audits.push_back(*std::move(audit));
        } else {
            accounts.problems.push_back(node.name() + ": " + sentence(audit.error()));
        }
    }
    if (audits.size() != nodes.size()) return accounts;  // nothing holds for all of them

    accounts.tips_equal = all_equal(audits, &ChainAudit::tip);
    accounts.coins_equal = all_equal(audits, &ChainAudit::state);
    const std::uint64_t supply = ledger::supply(genesis)->units;
    accounts.supply_conserved = std::ranges::all_of(
        audits, [&](const ChainAudit& audit) { return audit.supply() == supply; });
    accounts.final_height =
        std::ranges::min(audits, {}, &ChainAudit::final_height).final_height.value;
    count_payments(audits, payments, accounts);
    if (!accounts.tips_equal) accounts.problems.emplace_back("the tips differ");
    if (!accounts.coins_equal) accounts.problems.emplace_back("the coins differ");
    if (!accounts.supply_conserved) accounts.problems.emplace_back("the supply differs");
    return accounts;
}

}  // namespace meshchain::app
