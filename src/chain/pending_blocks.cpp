#include "chain/pending_blocks.h"

#include <algorithm>

namespace meshchain::chain {
namespace {

/// Rows of tip and state, and the fee balances of all proposers.
constexpr std::size_t batch_overhead_operations = 2 + wire::validators_max;
constexpr std::size_t batch_overhead_bytes = 4096;
constexpr std::size_t coin_row_bytes = wire::outpoint_bytes + wire::Output::size;
constexpr std::size_t rows_per_operation = 5;
/// In the table and, before and after, in the undo.
constexpr std::size_t stake_change_bytes =
    2 * ledger::stake_key_bytes_max + 3 * (1 + ledger::stake_value_bytes_max) + 1;
constexpr std::size_t position_row_bytes = 5 + wire::outpoint_bytes;

}  // namespace

PendingBlocks::PendingBlocks(const ChainStore& store)
    : store_(&store), context_(store.context()), state_(store.state()) {}

ledger::BlockContext PendingBlocks::context() const { return context_; }

PendingBlocks::Weight PendingBlocks::weight_of(
    const std::vector<wire::WireTransaction>& transactions) {
    // Its proposer's seat changes with the fees, and it may raise the epoch.
    Weight weight{6, 3 * wire::Hash::size + 4 + 2 + wire::BlockHeader::size + 2 +
                         2 * stake_change_bytes + wire::roster_bytes_max};
    for (const wire::WireTransaction& transaction : transactions) {
        const auto* whole = std::get_if<wire::Transaction>(&transaction);
        const std::size_t inputs = whole ? whole->body.inputs.size() : 1;
        const std::size_t outputs = whole ? whole->body.outputs.size() : 2;
        weight.operations += 1 + 2 * (inputs + outputs);
        if (whole && whole->body.operation) {
            weight.operations += rows_per_operation;
            weight.bytes += rows_per_operation * stake_change_bytes;
        }
        weight.bytes += wire::encoded_bytes(transaction) + wire::Hash::size + 6 +
                        inputs * coin_row_bytes +
                        (inputs + outputs) * (coin_row_bytes + position_row_bytes);
    }
    return weight;
}

bool PendingBlocks::has_room(const std::vector<wire::WireTransaction>& transactions) const {
    if (blocks_.empty()) return true;
    const Weight more = weight_of(transactions);
    return batch_overhead_operations + weight_.operations + more.operations <=
               kv::batch_operations_max &&
           batch_overhead_bytes + weight_.bytes + more.bytes <= kv::batch_bytes_max;
}

std::expected<void, base::Error> PendingBlocks::execute(const wire::Hash& hash, wire::Block block,
                                                        const ledger::VerifiedSet& verified,
                                                        ledger::SignatureQueue& later) {
    MESH_TRY(auto effects, ledger::execute(context_, block, *this, verified, &later));
    const wire::BlockHeader& header = block.header;
    MESH_TRY(const wire::Amount before, earned_by(header.proposer));
    const auto after = wire::add(before, effects.fees);
    MESH_ASSERT(after.has_value());  // what was paid in fees was in coins, and is in the supply
    ledger::apply(effects, before, *after, state_);
    earned_[header.proposer] = *after;
    note(effects);
    context_.parent = hash;
    context_.parent_height = header.height;
    context_.parent_slot = header.slot;
    context_.parent_state = state_.digest();
    const Weight more = weight_of(block.transactions);
    weight_.operations += more.operations;
    weight_.bytes += more.bytes;
    blocks_.push_back({hash, std::move(block), std::move(effects)});
    return {};
}

std::expected<wire::Amount, base::Error> PendingBlocks::earned_by(
    wire::ValidatorIndex validator) const {
    const auto found = earned_.find(validator);
    if (found != earned_.end()) return found->second;
    return store_->fees_of(validator);
}

void PendingBlocks::note(const ledger::BlockEffects& effects) {
    for (const ledger::Coin& coin : effects.spent) {
        const auto found = coins_.find(coin.outpoint);
        if (found != coins_.end()) {
            positions_.erase({short_outpoint(context_.chain, coin.outpoint), coin.outpoint});
        }
        coins_[coin.outpoint] = std::nullopt;
    }
    for (const ledger::Coin& coin : effects.created) {
        coins_[coin.outpoint] = coin.output;
        positions_.insert({short_outpoint(context_.chain, coin.outpoint), coin.outpoint});
    }
    for (const ledger::StakeChange& row : effects.stakes) stakes_[row.key] = row.after;
}

std::expected<std::optional<wire::Output>, base::Error> PendingBlocks::coin(
    const wire::Outpoint& outpoint) const {
    const auto found = coins_.find(outpoint);
    if (found != coins_.end()) return found->second;
    return store_->coin(outpoint);
}

std::expected<std::optional<base::Buffer>, base::Error> PendingBlocks::stake_row(
    const base::Buffer& key) const {
    const auto found = stakes_.find(key);
    if (found != stakes_.end()) return found->second;
    return store_->stake_row(key);
}

std::expected<ledger::Candidates, base::Error> PendingBlocks::candidates(
    const wire::ShortOutpoint& position) const {
    MESH_TRY(const ledger::Candidates stored, store_->candidates(position));
    ledger::Candidates result;
    for (const wire::Outpoint& outpoint : stored) {
        const auto found = coins_.find(outpoint);
        if (found == coins_.end() || found->second) result.insert(outpoint);
    }
    for (auto at = positions_.lower_bound({position, wire::Outpoint{}});
         at != positions_.end() && at->first == position; ++at) {
        result.insert(at->second);
    }
    return result;
}

}  // namespace meshchain::chain
