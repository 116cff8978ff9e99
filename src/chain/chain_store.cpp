#include "chain/chain_store.h"

#include <algorithm>
#include <set>

#include "base/cursor.h"
#include "chain/stored_values.h"

namespace meshchain::chain {
namespace {

base::Error corrupt(std::string what) {
    return {base::Errc::corrupt, std::move(what), "chain store",
            "stop the node and run `meshchain store salvage`"};
}

/// The coin of every input of every transaction, in order.
std::vector<ledger::Coin> inputs_of(const ledger::BlockEffects& effects) {
    std::vector<ledger::Coin> coins;
    for (const ledger::CheckedTransaction& checked : effects.transactions) {
        for (std::size_t i = 0; i < checked.spent.size(); ++i) {
            coins.push_back({checked.transaction.body.inputs[i].outpoint, checked.spent[i]});
        }
    }
    return coins;
}

}  // namespace

ChainStore::ChainStore(kv::Store& store, const ledger::Genesis& genesis)
    : store_(&store),
      genesis_(genesis),
      chain_(ledger::chain_id(genesis)),
      keeps_stakes_(genesis.stakes.has_value()),
      base_{chain_, {}, {}} {}

std::expected<std::unique_ptr<ChainStore>, base::Error> ChainStore::open(
    kv::Store& store, const ledger::Genesis& genesis) {
    std::unique_ptr<ChainStore> chain(new ChainStore(store, genesis));
    MESH_TRY(const auto stored_chain, store.get(tables::meta, meta_keys::chain));
    if (!stored_chain) {
        MESH_CHECK(chain->write_genesis());
        return chain;
    }
    if (!base::equal(*stored_chain, chain->chain_.bytes)) {
        return base::failure(base::Errc::wrong_chain,
                             "the store holds chain " + base::to_hex(*stored_chain) +
                                 ", genesis says " + crypto::to_hex(chain->chain_),
                             "chain store",
                             "use the genesis file this folder was made with, or a new folder");
    }
    MESH_CHECK(chain->load());
    return chain;
}

std::expected<void, base::Error> ChainStore::load() {
    MESH_TRY(const auto tip, store_->get(tables::meta, meta_keys::tip));
    MESH_TRY(const auto state, store_->get(tables::meta, meta_keys::state));
    if (!tip || !state) return std::unexpected(corrupt("tip or state is missing"));
    MESH_TRY(tip_, parse_tip(*tip));
    MESH_TRY(const auto base, store_->get(tables::meta, meta_keys::base));
    if (base) {
        MESH_TRY(base_, parse_tip(*base));
    }
    const auto parsed = crypto::SetHash::parse(*state);
    if (!parsed) return std::unexpected(corrupt("the hash of the state"));
    state_ = *parsed;
    MESH_TRY(const auto named, hash_at(tip_.height));
    if (named != tip_.hash) return std::unexpected(corrupt("tip and height index differ"));
    return {};
}

std::expected<void, base::Error> ChainStore::write_genesis() {
    // At most genesis_allocations_max coins of two entries each: one batch holds them all.
    static_assert(2 * ledger::genesis_allocations_max + 3 * wire::validators_max + 7 <=
                  kv::batch_operations_max);
    kv::Batch batch;
    batch.put(tables::meta, meta_keys::chain, chain_.bytes);
    batch.put(tables::heights, height_key({}), chain_.bytes);
    for (const ledger::Coin& coin : ledger::genesis_coins(genesis_)) put_coin(batch, coin);
    for (const auto& [key, value] : ledger::genesis_stakes(genesis_)) {
        batch.put(tables::stakes, key, value);
    }
    for (std::uint32_t epoch = 0; keeps_stakes_ && epoch < 2; ++epoch) {
        batch.put(tables::epochs, roster_key(epoch),
                  wire::encode(ledger::genesis_roster(genesis_, epoch)));
    }
    return commit(std::move(batch), Tip{chain_, {}, {}}, ledger::genesis_state(genesis_));
}

std::unexpected<base::Error> ChainStore::damaged(kv::Table table, base::Bytes key,
                                                 std::string what) const {
    damage_.note(table, key);
    return std::unexpected(corrupt(std::move(what)));
}

std::expected<std::optional<base::Buffer>, base::Error> ChainStore::read(kv::Table table,
                                                                         base::Bytes key) const {
    auto value = store_->get(table, key);
    if (!value && value.error().code == base::Errc::corrupt) damage_.note(table, key);
    return value;
}

ledger::BlockContext ChainStore::context() const {
    return {.chain = chain_,
            .parent = tip_.hash,
            .parent_height = tip_.height,
            .parent_slot = tip_.slot,
            .parent_state = state_.digest(),
            .block_bytes_limit = genesis_.block_bytes_limit};
}

std::expected<std::optional<wire::Hash>, base::Error> ChainStore::hash_at(
    wire::Height height) const {
    const auto key = height_key(height);
    MESH_TRY(const auto value, read(tables::heights, key));
    if (!value) return std::nullopt;
    base::Reader in(*value);
    const wire::Hash hash{in.array<wire::Hash::size>()};
    if (!in.finish("height index")) return damaged(tables::heights, key, "height index entry");
    return hash;
}

const StoredBlock* ChainStore::find_recent(const wire::Hash& hash) const {
    for (std::uint32_t back = 0; back < blocks_cached && back < tip_.height.value; ++back) {
        const CachedBlock* cached = recent_.get(tip_.height.value - back);
        if (cached != nullptr && cached->hash == hash) return &cached->stored;
    }
    return nullptr;
}

void ChainStore::remember(const CoinChanges& changes) {
    for (const auto& [outpoint, output] : changes) {
        if (output) {
            coins_.put(wire::encode(outpoint), *output);
        } else {
            coins_.erase(wire::encode(outpoint));
        }
    }
}

void ChainStore::forget(const ledger::BlockEffects& effects) {
    for (const ledger::Coin& coin : effects.created) coins_.erase(wire::encode(coin.outpoint));
    for (const ledger::Coin& coin : effects.spent) {
        coins_.put(wire::encode(coin.outpoint), coin.output);
    }
}

std::expected<std::optional<StoredBlock>, base::Error> ChainStore::block(
    const wire::Hash& hash) const {
    if (const StoredBlock* recent = find_recent(hash)) return *recent;
    const auto name = [&] { return crypto::to_hex(hash); };
    MESH_TRY(const auto block, read(tables::blocks, hash.bytes));
    if (!block) return std::nullopt;
    MESH_TRY(const auto undo, read(tables::undo, hash.bytes));
    if (!undo) return damaged(tables::undo, hash.bytes, "no undo for block " + name());
    auto parsed = wire::parse_block(*block);
    if (!parsed) return damaged(tables::blocks, hash.bytes, "block " + name());
    auto known = parse_undo(*undo);
    if (!known) return damaged(tables::undo, hash.bytes, "undo of block " + name());
    return StoredBlock{*std::move(parsed), std::move(known->spent), std::move(known->stakes)};
}

std::expected<std::optional<base::Buffer>, base::Error> ChainStore::block_bytes(
    const wire::Hash& hash) const {
    MESH_TRY(auto bytes, read(tables::blocks, hash.bytes));
    if (bytes && bytes->size() < wire::BlockHeader::size) {
        return damaged(tables::blocks, hash.bytes, "block " + crypto::to_hex(hash));
    }
    return bytes;
}

std::expected<std::optional<wire::BlockHeader>, base::Error> ChainStore::header(
    const wire::Hash& hash) const {
    MESH_TRY(const auto bytes, block_bytes(hash));
    if (!bytes) return std::nullopt;
    base::Reader in(*bytes);
    auto header = wire::read_block_header(in);
    if (!header) return damaged(tables::blocks, hash.bytes, "block " + crypto::to_hex(hash));
    return *std::move(header);
}

std::expected<std::optional<TransactionLocation>, base::Error> ChainStore::find(
    const wire::Txid& txid) const {
    MESH_TRY(const auto value, read(tables::transactions, txid.hash.bytes));
    if (!value) return std::nullopt;
    base::Reader in(*value);
    const TransactionLocation location{{in.u32()}, in.u16()};
    if (!in.finish("transaction index")) {
        return damaged(tables::transactions, txid.hash.bytes, "transaction index entry");
    }
    return location;
}

std::expected<std::optional<wire::Output>, base::Error> ChainStore::coin(
    const wire::Outpoint& outpoint) const {
    using Found = std::expected<std::optional<wire::Output>, base::Error>;
    return coins_.get(wire::encode(outpoint), [&](const CoinKey& key) -> Found {
        MESH_TRY(const auto value, read(tables::coins, key));
        if (!value) return std::nullopt;
        const auto output = parse_output(*value);
        if (!output) return damaged(tables::coins, key, "a coin's value");
        return *output;
    });
}

std::expected<ledger::Candidates, base::Error> ChainStore::candidates(
    const wire::ShortOutpoint& position) const {
    const base::Buffer end = kv::end_of_prefix(position.bytes);
    ledger::Candidates found;
    bool broken = false;
    const auto scanned =
        store_->scan({tables::positions, position.bytes, end}, [&](base::Bytes key, base::Bytes) {
            const auto outpoint = parse_outpoint(key.subspan(5));
            broken = !outpoint || !found.insert(*outpoint);
            return !broken;
        });
    if (broken || (!scanned && scanned.error().code == base::Errc::corrupt)) {
        return damaged(tables::positions, position.bytes, "index of short outpoints");
    }
    MESH_CHECK(scanned);
    return found;
}

std::expected<std::optional<base::Buffer>, base::Error> ChainStore::stake_row(
    const base::Buffer& key) const {
    return read(tables::stakes, key);
}

std::expected<ledger::StakeRows, base::Error> ChainStore::stakes() const {
    ledger::StakeRows rows;
    MESH_CHECK(store_->scan({tables::stakes}, [&](base::Bytes key, base::Bytes value) {
        rows.emplace(base::to_buffer(key), base::to_buffer(value));
        return true;
    }));
    return rows;
}

std::expected<wire::Amount, base::Error> ChainStore::coins_total() const {
    std::optional<wire::Amount> total = wire::Amount{};
    MESH_CHECK(store_->scan({tables::coins}, [&](base::Bytes, base::Bytes value) {
        const auto output = parse_output(value);
        total = output ? wire::add(*total, output->amount) : std::nullopt;
        return total.has_value();
    }));
    if (!total) return std::unexpected(corrupt("a coin's value"));
    return *total;
}

std::expected<wire::Amount, base::Error> ChainStore::fees_of(wire::ValidatorIndex validator) const {
    MESH_TRY(const auto value, read(tables::fees, validator_key(validator)));
    if (!value) return wire::Amount{};
    return parse_amount(*value);
}

std::expected<std::map<wire::ValidatorIndex, wire::Amount>, base::Error> ChainStore::fees() const {
    std::map<wire::ValidatorIndex, wire::Amount> balances;
    bool broken = false;
    MESH_CHECK(store_->scan({tables::fees}, [&](base::Bytes key, base::Bytes value) {
        base::Reader in(key);
        const wire::ValidatorIndex validator{in.u16()};
        const auto amount = parse_amount(value);
        broken = !in.finish("validator") || !amount || *amount == wire::Amount{};
        if (!broken) balances.emplace(validator, *amount);
        return !broken;
    }));
    if (broken) return std::unexpected(corrupt("a fee balance"));
    return balances;
}

std::expected<wire::Amount, base::Error> ChainStore::fees_total() const {
    MESH_TRY(const auto balances, fees());
    std::optional<wire::Amount> total = wire::Amount{};
    for (const auto& [validator, amount] : balances) {
        if (total) total = wire::add(*total, amount);
    }
    if (!total) return std::unexpected(corrupt("fee balances exceed the supply"));
    return *total;
}

void ChainStore::put_coin(kv::Batch& batch, const ledger::Coin& coin) const {
    batch.put(tables::coins, wire::encode(coin.outpoint), encode_output(coin.output));
    batch.put(tables::positions, position_key(chain_, coin.outpoint), {});
}

void ChainStore::erase_coin(kv::Batch& batch, const ledger::Coin& coin) const {
    batch.erase(tables::coins, wire::encode(coin.outpoint));
    batch.erase(tables::positions, position_key(chain_, coin.outpoint));
}

/// Whoever earned nothing has no row, so that taking a block back leaves nothing behind.
void ChainStore::put_fees(kv::Batch& batch, wire::ValidatorIndex validator, wire::Amount balance) {
    if (balance == wire::Amount{}) {
        batch.erase(tables::fees, validator_key(validator));
    } else {
        batch.put(tables::fees, validator_key(validator), encode_amount(balance));
    }
}

bool ChainStore::is_child(const wire::Hash& parent, wire::Height height,
                          const ExecutedBlock& child) const {
    const wire::BlockHeader& header = child.block.header;
    const auto proposer = proposer_of(header);
    return header.parent == parent && header.height.value == height.value + 1 && proposer &&
           wire::block_hash(chain_, header, *proposer) == child.hash;
}

std::expected<void, base::Error> ChainStore::apply(const wire::Hash& hash, const wire::Block& block,
                                                   const ledger::BlockEffects& effects) {
    MESH_TRY(const wire::Amount earned, fees_of(block.header.proposer));
    const auto balance = wire::add(earned, effects.fees);
    if (!balance) return std::unexpected(corrupt("fee balances exceed the supply"));
    crypto::SetHash state = state_;
    ledger::apply(effects, earned, *balance, state);
    const ExecutedBlock executed{hash, block, effects};
    return apply(std::span(&executed, 1), state);
}

ChainStore::CoinChanges ChainStore::changes_of(std::span<const ExecutedBlock> blocks) {
    CoinChanges all;
    for (const ExecutedBlock& executed : blocks) {
        for (const ledger::Coin& coin : executed.effects.spent) {
            all.emplace_back(coin.outpoint, std::nullopt);
        }
        for (const ledger::Coin& coin : executed.effects.created) {
            all.emplace_back(coin.outpoint, coin.output);
        }
    }
    std::ranges::sort(all, {}, [](const auto& change) { return change.first; });
    // A coin that is named twice was made and spent by these blocks.
    CoinChanges net;
    net.reserve(all.size());
    for (auto& change : all) {
        if (!net.empty() && net.back().first == change.first) {
            net.pop_back();
        } else {
            net.push_back(std::move(change));
        }
    }
    return net;
}

/// In key order, which is kind to an engine that keeps its rows so.
void ChainStore::put_coins(kv::Batch& batch, const CoinChanges& changes) const {
    std::vector<std::pair<PositionKey, bool>> positions;
    positions.reserve(changes.size());
    for (const auto& [outpoint, output] : changes) {
        if (output) {
            batch.put(tables::coins, wire::encode(outpoint), encode_output(*output));
        } else {
            batch.erase(tables::coins, wire::encode(outpoint));
        }
        positions.emplace_back(position_key(chain_, outpoint), output.has_value());
    }
    std::ranges::sort(positions);
    for (const auto& [key, made] : positions) {
        if (made) {
            batch.put(tables::positions, key, {});
        } else {
            batch.erase(tables::positions, key);
        }
    }
}

void ChainStore::put_stakes(kv::Batch& batch, const ledger::StakeWrites& writes) {
    for (const auto& [key, value] : writes) {
        if (value) {
            batch.put(tables::stakes, key, *value);
        } else {
            batch.erase(tables::stakes, key);
        }
    }
}

void ChainStore::put_block(kv::Batch& batch, const ExecutedBlock& executed) {
    batch.put(tables::blocks, executed.hash.bytes, wire::encode(executed.block));
    batch.put(tables::undo, executed.hash.bytes,
              encode_undo(inputs_of(executed.effects), executed.effects.stakes));
    batch.put(tables::heights, height_key(executed.block.header.height), executed.hash.bytes);
}

std::expected<void, base::Error> ChainStore::apply(std::span<const ExecutedBlock> blocks,
                                                   const crypto::SetHash& state) {
    Tip tip = tip_;
    kv::Batch batch;
    std::map<wire::ValidatorIndex, wire::Amount> earned;
    ledger::StakeWrites stakes;
    std::vector<std::pair<wire::Txid, TransactionLocation>> locations;
    for (const ExecutedBlock& executed : blocks) {
        const wire::BlockHeader& header = executed.block.header;
        if (!is_child(tip.hash, tip.height, executed)) {
            return base::failure(
                base::Errc::invalid_argument,
                "block " + crypto::to_hex(executed.hash) + " is not the tip's child",
                "chain store");
        }
        tip = {executed.hash, header.height, header.slot};
        earned[header.proposer].units += executed.effects.fees.units;
        for (const ledger::StakeChange& row : executed.effects.stakes) stakes[row.key] = row.after;
        for (std::uint16_t i = 0;
             const ledger::CheckedTransaction& checked : executed.effects.transactions) {
            locations.push_back({checked.txid, {header.height, i++}});
        }
        put_block(batch, executed);
        put_roster(batch, executed);
    }
    std::ranges::sort(locations, {}, [](const auto& entry) { return entry.first; });
    for (const auto& [txid, location] : locations) {
        batch.put(tables::transactions, txid.hash.bytes, encode_location(location));
    }
    const CoinChanges coins = changes_of(blocks);
    put_coins(batch, coins);
    for (const auto& [validator, fees] : earned) {
        MESH_TRY(const wire::Amount before, fees_of(validator));
        const auto balance = wire::add(before, fees);
        if (!balance) return std::unexpected(corrupt("fee balances exceed the supply"));
        put_fees(batch, validator, *balance);
    }
    put_stakes(batch, stakes);
    MESH_CHECK(commit(std::move(batch), tip, state));
    remember(coins);
    const std::size_t recent = std::min(blocks.size(), blocks_cached);
    for (const ExecutedBlock& executed : blocks.last(recent)) {
        recent_.put(executed.block.header.height.value,
                    {executed.hash,
                     {executed.block, inputs_of(executed.effects), executed.effects.stakes}});
    }
    return {};
}

std::expected<RevertedBlock, base::Error> ChainStore::revert() {
    if (tip_.height == base_.height) {
        return base::failure(base::Errc::not_found,
                             "height " + std::to_string(base_.height.value) +
                                 ", where history starts, cannot be taken back",
                             "chain store");
    }
    MESH_TRY(auto stored, block(tip_.hash));
    if (!stored) return std::unexpected(corrupt("the tip's block is missing"));
    MESH_TRY(ledger::BlockEffects effects, effects_of(*stored));
    const wire::BlockHeader& header = stored->block.header;
    const wire::Hash hash = tip_.hash;
    MESH_TRY(const wire::Amount earned, fees_of(header.proposer));
    const auto balance = wire::subtract(earned, effects.fees);
    if (!balance) return std::unexpected(corrupt("a fee balance is too small to take back"));

    MESH_TRY(const Tip parent, parent_of(*stored));
    kv::Batch batch;
    for (const ledger::Coin& coin : effects.created) erase_coin(batch, coin);
    for (const ledger::Coin& coin : effects.spent) put_coin(batch, coin);
    for (const ledger::CheckedTransaction& checked : effects.transactions) {
        batch.erase(tables::transactions, checked.txid.hash.bytes);
    }
    batch.erase(tables::blocks, tip_.hash.bytes);
    batch.erase(tables::undo, tip_.hash.bytes);
    batch.erase(tables::heights, height_key(tip_.height));
    if (effects.elected) {
        batch.erase(tables::epochs, roster_key(effects.elected->epoch));
    }
    put_fees(batch, header.proposer, *balance);
    ledger::StakeWrites stakes;
    for (const ledger::StakeChange& row : effects.stakes) stakes[row.key] = row.before;
    put_stakes(batch, stakes);

    crypto::SetHash state = state_;
    ledger::revert(effects, *balance, earned, state);
    MESH_CHECK(commit(std::move(batch), parent, state));
    forget(effects);
    if (effects.elected) rosters_.erase(effects.elected->epoch);
    recent_.drop_above(parent.height.value);
    return RevertedBlock{hash, std::move(stored->block), std::move(effects.transactions)};
}

/// Whom a block elected that raised the epoch: its undo has the chain's row before and after.
std::expected<std::optional<wire::Roster>, base::Error> ChainStore::elected_in(
    const StoredBlock& stored) const {
    const auto row =
        std::ranges::find(stored.stakes, ledger::economy_key(), &ledger::StakeChange::key);
    if (row == stored.stakes.end() || !row->before || !row->after) return std::nullopt;
    MESH_TRY(const ledger::Economy before, ledger::parse_economy(*row->before));
    MESH_TRY(const ledger::Economy after, ledger::parse_economy(*row->after));
    if (before.epoch == after.epoch) return std::nullopt;
    return roster(after.epoch + 1);
}

std::expected<Tip, base::Error> ChainStore::parent_of(const StoredBlock& stored) const {
    const wire::BlockHeader& header = stored.block.header;
    if (header.parent == base_.hash) return base_;
    MESH_TRY(const auto below, block(header.parent));
    if (!below) return std::unexpected(corrupt("the parent's block is missing"));
    return Tip{header.parent, {header.height.value - 1}, below->block.header.slot};
}

std::expected<void, base::Error> ChainStore::commit(kv::Batch batch, const Tip& tip,
                                                    const crypto::SetHash& state) {
    batch.put(tables::meta, meta_keys::tip, encode_tip(tip));
    batch.put(tables::meta, meta_keys::state, state.encode());
    if (auto committed = store_->commit(batch); !committed) {
        coins_.clear();  // the outcome may be unknown
        return committed;
    }
    tip_ = tip;
    state_ = state;
    return {};
}

std::expected<std::vector<wire::Transaction>, base::Error> ChainStore::expand(
    const StoredBlock& stored) const {
    std::vector<wire::Transaction> expanded;
    auto coin = stored.spent.begin();
    for (const wire::WireTransaction& transaction : stored.block.transactions) {
        const auto* compact = std::get_if<wire::CompactTransfer>(&transaction);
        const std::size_t inputs =
            compact ? 1 : std::get<wire::Transaction>(transaction).body.inputs.size();
        if (static_cast<std::size_t>(stored.spent.end() - coin) < inputs) {
            return std::unexpected(corrupt("a block and its undo differ"));
        }
        if (compact) {
            auto body =
                wire::expand(*compact, coin->outpoint, coin->output, stored.block.header.slot);
            if (!body) return std::unexpected(corrupt("a transaction and its coin differ"));
            expanded.push_back({*std::move(body), {compact->signature}});
        } else {
            expanded.push_back(std::get<wire::Transaction>(transaction));
        }
        coin += static_cast<std::ptrdiff_t>(inputs);
    }
    return expanded;
}

std::expected<ledger::BlockEffects, base::Error> ChainStore::effects_of(
    const StoredBlock& stored) const {
    MESH_TRY(std::vector<wire::Transaction> transactions, expand(stored));
    ledger::BlockEffects effects;
    effects.proposer = stored.block.header.proposer;
    std::vector<ledger::Coin> created;
    auto coin = stored.spent.begin();
    for (std::size_t i = 0; i < transactions.size(); ++i) {
        ledger::CheckedTransaction checked;
        checked.transaction = std::move(transactions[i]);
        checked.txid = wire::txid(chain_, checked.transaction.body);
        checked.wtxid = wire::wtxid(checked.txid, checked.transaction.signatures);
        checked.fee = checked.transaction.body.fee.amount();
        for (std::size_t k = 0; k < checked.transaction.body.inputs.size(); ++k) {
            checked.spent.push_back((coin++)->output);
        }
        // A block may hold a transaction in full that has a shorter form.
        checked.shortest = stored.block.transactions[i];
        if (!checked.spent.empty()) {
            const auto shorter = wire::compact(chain_, checked.transaction, checked.spent.front());
            if (shorter) checked.shortest = *shorter;
        }
        checked.shortest_bytes = wire::encoded_bytes(checked.shortest);
        effects.fees.units += checked.fee.units;
        std::ranges::copy(ledger::created_coins(checked), std::back_inserter(created));
        effects.transactions.push_back(std::move(checked));
    }
    effects.stakes = stored.stakes;
    MESH_TRY(effects.elected, elected_in(stored));
    if (keeps_stakes_) effects.fees = {};  // the proposer's seat has them, which is among the rows
    const std::set<ledger::Coin> made(created.begin(), created.end());
    const std::set<ledger::Coin> used(stored.spent.begin(), stored.spent.end());
    std::ranges::set_difference(used, made, std::back_inserter(effects.spent));
    std::ranges::set_difference(made, used, std::back_inserter(effects.created));
    return effects;
}

}  // namespace meshchain::chain
