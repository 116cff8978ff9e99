#include "ledger/block_rules.h"

#include <algorithm>

#include "crypto/merkle.h"
#include "ledger/election.h"
#include "ledger/stake_rules.h"

namespace meshchain::ledger {
namespace {

using base::Errc;
using base::Error;

std::unexpected<Error> header_failure(std::string what) {
    return base::failure(Errc::invalid_argument, std::move(what), "block header");
}

std::expected<void, Error> check_header(const BlockContext& context,
                                        const wire::BlockHeader& header) {
    if (header.parent != context.parent) {
        return header_failure("parent " + crypto::to_hex(header.parent) + " is not " +
                              crypto::to_hex(context.parent));
    }
    if (header.height.value == 0 || header.height.value - 1 != context.parent_height.value) {
        return header_failure("height " + std::to_string(header.height.value) +
                              " on a parent of height " +
                              std::to_string(context.parent_height.value));
    }
    if (header.slot <= context.parent_slot) {
        return header_failure("slot " + std::to_string(header.slot.value) +
                              " is not after its parent's " +
                              std::to_string(context.parent_slot.value));
    }
    if (header.parent_state != context.parent_state) {
        return header_failure("state " + crypto::to_hex(header.parent_state) +
                              " is not the parent's " + crypto::to_hex(context.parent_state));
    }
    return {};
}

}  // namespace

BlockContext context_after(const Genesis& genesis) {
    const wire::ChainId chain = chain_id(genesis);
    return {chain,
            chain,
            wire::Height{},
            wire::Slot{},
            genesis_state(genesis).digest(),
            genesis.block_bytes_limit};
}

void apply(const BlockEffects& effects, wire::Amount before, wire::Amount after,
           crypto::SetHash& state) {
    for (const Coin& coin : effects.spent) state.remove(coin_hash(coin));
    for (const Coin& coin : effects.created) state.add(coin_hash(coin));
    for (const StakeChange& row : effects.stakes) {
        if (row.before) state.remove(stake_hash(row.key, *row.before));
        if (row.after) state.add(stake_hash(row.key, *row.after));
    }
    if (before == after) return;
    remove(FeeBalance{effects.proposer, before}, state);
    add(FeeBalance{effects.proposer, after}, state);
}

void revert(const BlockEffects& effects, wire::Amount before, wire::Amount after,
            crypto::SetHash& state) {
    for (const Coin& coin : effects.created) state.remove(coin_hash(coin));
    for (const Coin& coin : effects.spent) state.add(coin_hash(coin));
    for (const StakeChange& row : effects.stakes) {
        if (row.after) state.remove(stake_hash(row.key, *row.after));
        if (row.before) state.add(stake_hash(row.key, *row.before));
    }
    if (before == after) return;
    remove(FeeBalance{effects.proposer, after}, state);
    add(FeeBalance{effects.proposer, before}, state);
}

BlockBuilder::BlockBuilder(const BlockContext& context, wire::Slot slot,
                           const CoinView& parent_coins, const VerifiedSet& verified,
                           SignatureQueue* later)
    : chain_(context.chain),
      block_bytes_limit_(context.block_bytes_limit),
      slot_(slot),
      verified_(&verified),
      later_(later),
      coins_(context.chain, parent_coins),
      parent_(&parent_coins),
      block_bytes_(encoded_bytes(wire::Block{})) {}

std::expected<void, Error> BlockBuilder::raise_epoch() {
    MESH_ASSERT(effects_.transactions.empty() && !effects_.elected);
    StakeBook book(coins_);
    MESH_TRY(wire::Roster roster, ledger::raise_epoch(chain_, slot_, book));
    MESH_TRY(auto changes, stake_changes(book.writes()));
    change_stakes(std::move(changes), book.writes());
    effects_.elected = std::move(roster);
    return {};
}

std::expected<std::optional<BlockBuilder::EpochClaim>, Error> BlockBuilder::epoch_claim() const {
    MESH_TRY(const auto economy, StakeBook(coins_).economy());
    if (!economy) return std::nullopt;
    return EpochClaim{economy->epoch, economy->next};
}

std::expected<void, Error> BlockBuilder::add(const wire::WireTransaction& transaction) {
    if (transaction_count() == wire::BlockAnnouncement::transactions_max) {
        return base::failure(Errc::too_large,
                             "over " + std::to_string(transaction_count()) + " transactions",
                             "block");
    }
    MESH_TRY(CheckedTransaction checked,
             check(chain_, transaction, slot_, coins_, *verified_, later_));
    MESH_CHECK(check_room(checked));
    const auto& does = checked.transaction.body.operation;
    if (testified_ && does && std::holds_alternative<wire::Testimony>(*does)) {
        return base::failure(Errc::conflict, "a second testimony", "block");
    }
    MESH_TRY(auto stakes, stake_changes(checked.stakes));
    const auto& inputs = checked.transaction.body.inputs;
    for (const wire::Input& input : inputs) coins_.spend(input.outpoint);
    const std::vector<Coin> created = created_coins(checked);
    if (auto result = create_all(created); !result) {
        for (const wire::Input& input : inputs) coins_.unspend(input.outpoint);
        return result;
    }
    if (const auto& operation = checked.transaction.body.operation) {
        ++operations_;
        if (const auto* said = std::get_if<wire::Testimony>(&*operation)) testified_ = said->seat;
    }
    change_stakes(std::move(stakes), checked.stakes);
    const auto fees = wire::add(effects_.fees, checked.fee);
    MESH_ASSERT(fees.has_value());  // every fee was part of a coin, so their sum is in the supply
    effects_.fees = *fees;
    block_bytes_ += checked.shortest_bytes;
    effects_.transactions.push_back(std::move(checked));
    return {};
}

std::expected<void, Error> BlockBuilder::check_room(const CheckedTransaction& checked) const {
    const bool is_operation = checked.transaction.body.operation.has_value();
    if (is_operation && operations_ == block_operations_max) {
        return base::failure(Errc::too_large,
                             "over " + std::to_string(operations_) + " operations on stakes",
                             "block");
    }
    if (checked.shortest_bytes <= block_bytes_limit_ - std::min(block_bytes_, block_bytes_limit_)) {
        return {};
    }
    return base::failure(Errc::too_large,
                         std::to_string(block_bytes_ + checked.shortest_bytes) +
                             " bytes, of at most " + std::to_string(block_bytes_limit_),
                         "block");
}

/// Each row with what it was after the parent.
std::expected<std::vector<StakeChange>, Error> BlockBuilder::stake_changes(
    const StakeWrites& writes) const {
    std::vector<StakeChange> changes;
    for (const auto& [key, value] : writes) {
        MESH_TRY(auto before, parent_->stake_row(key));
        changes.push_back({key, std::move(before), value});
    }
    return changes;
}

void BlockBuilder::change_stakes(std::vector<StakeChange> changes, const StakeWrites& writes) {
    for (StakeChange& change : changes) {
        const auto at =
            std::ranges::lower_bound(effects_.stakes, change.key, {}, &StakeChange::key);
        if (at != effects_.stakes.end() && at->key == change.key) {
            at->after = std::move(change.after);
        } else {
            effects_.stakes.insert(at, std::move(change));
        }
    }
    coins_.write(writes);
}

std::expected<void, Error> BlockBuilder::pay_fees(wire::ValidatorIndex proposer) {
    if (testified_ && *testified_ != proposer) {
        return header_failure("a testimony of seat " + std::to_string(testified_->value) +
                              " in a block of " + std::to_string(proposer.value));
    }
    StakeBook book(coins_);
    MESH_TRY(const bool paid, ledger::pay_fees(proposer, effects_.fees, book));
    if (!paid) return {};
    MESH_TRY(auto changes, stake_changes(book.writes()));
    change_stakes(std::move(changes), book.writes());
    effects_.fees = {};
    return {};
}

std::expected<void, Error> BlockBuilder::create_all(const std::vector<Coin>& coins) {
    for (auto coin = coins.begin(); coin != coins.end(); ++coin) {
        if (auto result = coins_.create(*coin); !result) {
            while (coin != coins.begin()) coins_.uncreate((--coin)->outpoint);
            return result;
        }
    }
    return {};
}

wire::Hash BlockBuilder::transaction_root() const {
    std::vector<wire::Hash> leaves;
    for (const CheckedTransaction& transaction : effects_.transactions) {
        leaves.push_back(transaction.wtxid.hash);
    }
    return crypto::merkle_root(leaves);
}

std::vector<wire::WireTransaction> BlockBuilder::transactions() const {
    std::vector<wire::WireTransaction> result;
    for (const CheckedTransaction& transaction : effects_.transactions) {
        result.push_back(transaction.shortest);
    }
    return result;
}

BlockEffects BlockBuilder::finish(wire::ValidatorIndex proposer) && {
    effects_.proposer = proposer;
    for (const CheckedTransaction& transaction : effects_.transactions) {
        const auto& inputs = transaction.transaction.body.inputs;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            if (coins_.is_created(inputs[i].outpoint)) continue;
            effects_.spent.push_back({inputs[i].outpoint, transaction.spent[i]});
        }
        for (const Coin& coin : created_coins(transaction)) {
            if (!coins_.is_spent(coin.outpoint)) effects_.created.push_back(coin);
        }
    }
    std::erase_if(effects_.stakes, [](const StakeChange& row) { return row.before == row.after; });
    return std::move(effects_);
}

namespace {

/// The header's epoch is its parent's or the next, and it names the roster that follows.
std::expected<void, Error> check_epoch(const wire::BlockHeader& header, BlockBuilder& builder) {
    MESH_TRY(auto claim, builder.epoch_claim());
    if (!claim) return {};
    if (header.epoch == std::uint64_t{claim->epoch} + 1) {
        MESH_CHECK(builder.raise_epoch());
        MESH_TRY(claim, builder.epoch_claim());
    }
    if (header.epoch != claim->epoch) {
        return header_failure("epoch " + std::to_string(header.epoch) + " on a parent of epoch " +
                              std::to_string(claim->epoch));
    }
    if (header.certificate == claim->next) return {};
    return header_failure("the roster of the next epoch is " + crypto::to_hex(claim->next) +
                          ", not " + crypto::to_hex(header.certificate));
}

}  // namespace

std::expected<BlockEffects, Error> execute(const BlockContext& context, const wire::Block& block,
                                           const CoinView& coins, const VerifiedSet& verified,
                                           SignatureQueue* later) {
    MESH_CHECK(check_header(context, block.header));
    BlockBuilder builder(context, block.header.slot, coins, verified, later);
    MESH_CHECK(check_epoch(block.header, builder));
    for (const wire::WireTransaction& transaction : block.transactions) {
        if (auto added = builder.add(transaction); !added) {
            Error error = std::move(added).error();
            error.where += " " + std::to_string(builder.transaction_count()) + " of the block";
            return std::unexpected(std::move(error));
        }
    }
    if (builder.transaction_root() != block.header.transaction_root) {
        return header_failure("transaction root " + crypto::to_hex(block.header.transaction_root) +
                              " is not " + crypto::to_hex(builder.transaction_root()));
    }
    MESH_CHECK(builder.pay_fees(block.header.proposer));
    return std::move(builder).finish(block.header.proposer);
}

}  // namespace meshchain::ledger
