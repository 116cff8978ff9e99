#include "chain/past_state.h"

#include "ledger/genesis.h"

namespace meshchain::chain {

PastState::PastState(const ledger::Genesis& genesis,
                     const std::map<wire::Outpoint, wire::Output>& coins)
    : coins_(&coins),
      context_(ledger::context_after(genesis)),
      stakes_(ledger::genesis_stakes(genesis)),
      state_(ledger::genesis_state(genesis)) {}

void PastState::advance(const wire::Hash& hash, const wire::BlockHeader& header,
                        const ledger::BlockEffects& effects) {
    // Fees are among the rows of stakes.
    ledger::apply(effects, {}, {}, state_);
    for (const ledger::StakeChange& row : effects.stakes) {
        if (row.after) {
            stakes_[row.key] = *row.after;
        } else {
            stakes_.erase(row.key);
        }
    }
    context_.parent = hash;
    context_.parent_height = header.height;
    context_.parent_slot = header.slot;
}

std::expected<ledger::BlockEffects, base::Error> PastState::execute(
    const wire::Block& block) const {
    ledger::BlockContext context = context_;
    context.parent_state = state_.digest();
    return ledger::execute(context, block, *this, ledger::NothingVerified());
}

std::expected<std::optional<wire::Output>, base::Error> PastState::coin(
    const wire::Outpoint& outpoint) const {
    const auto found = coins_->find(outpoint);
    if (found == coins_->end()) return std::nullopt;
    return found->second;
}

/// One that was spent since may be among them: no signature fits it.
std::expected<ledger::Candidates, base::Error> PastState::candidates(
    const wire::ShortOutpoint& position) const {
    ledger::Candidates result;
    for (const auto& [outpoint, output] : *coins_) {
        if (wire::short_outpoint(context_.chain, outpoint) == position) result.insert(outpoint);
    }
    return result;
}

std::expected<std::optional<base::Buffer>, base::Error> PastState::stake_row(
    const base::Buffer& key) const {
    const auto found = stakes_.find(key);
    if (found == stakes_.end()) return std::nullopt;
    return found->second;
}

}  // namespace meshchain::chain
