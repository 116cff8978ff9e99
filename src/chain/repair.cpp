#include "chain/repair.h"

#include <algorithm>

#include "chain/stored_values.h"
#include "crypto/merkle.h"
#include "ledger/genesis.h"

namespace meshchain::chain {
namespace {

std::string text_of(const DamagedRow& row) {
    for (const kv::TableInfo& info : chain_tables) {
        if (info.table == row.table) {
            return std::string(info.name) + " " + base::to_hex(row.key);
        }
    }
    return base::to_hex(row.key);
}

wire::Hash hash_of(base::Bytes key) {
    wire::Hash hash;
    base::Reader in(key);
    hash.bytes = in.array<wire::Hash::size>();
    return hash;
}

}  // namespace

bool matches_root(const ChainStore& store, const StoredBlock& stored) {
    const auto transactions = store.expand(stored);
    if (!transactions) return false;
    std::vector<wire::Hash> leaves;
    for (const wire::Transaction& transaction : *transactions) {
        const wire::Txid txid = wire::txid(store.chain_id(), transaction.body);
        leaves.push_back(wire::wtxid(txid, transaction.signatures).hash);
    }
    return crypto::merkle_root(leaves) == stored.block.header.transaction_root;
}

std::expected<bool, base::Error> Repair::step() {
    if (row_) {
        if (!block_ && !follow_tip()) return begin(DamagedRow(*row_));
        for (std::uint32_t i = 0; i < blocks_per_step && next_ <= last_; ++i) {
            MESH_CHECK(look_through(next_));
            ++next_.value;
        }
        return next_ <= last_ ? true : finish();
    }
    for (const DamagedRow& row : rows_in_turn()) {
        if (given_up_.contains(row)) continue;
        MESH_TRY(const bool sound, is_sound(row));
        if (sound) {
            store_->damage().note_healed(row);
            return true;
        }
        tried_ = row;
        MESH_TRY(const bool begun, begin(row));
        if (begun) return true;
    }
    return false;
}

/// Blocks may come and go while the look lasts; those below a damaged undo record cannot. False:
/// what was seen is not the chain any more.
bool Repair::follow_tip() {
    if (seen_ == store_->tip()) return true;
    const auto still = store_->hash_at(seen_.height);
    if (!still || *still != seen_.hash) return false;
    seen_ = store_->tip();
    last_ = seen_.height;
    return true;
}

/// One that has to wait for others keeps nobody from being healed.
std::vector<DamagedRow> Repair::rows_in_turn() const {
    const auto& damaged = store_->damage().rows();
    std::vector<DamagedRow> rows(damaged.begin(), damaged.end());
    if (tried_) std::ranges::rotate(rows, std::ranges::upper_bound(rows, *tried_));
    return rows;
}

/// Reads may fail once; and two rows of one block heal together.
std::expected<bool, base::Error> Repair::is_sound(const DamagedRow& row) const {
    if (row.table == tables::positions) return false;
    const auto value = kv_->get(row.table, row.key);
    if (!value && value.error().code != base::Errc::corrupt) return std::unexpected(value.error());
    if (!value || !*value) return false;
    if (row.table == tables::blocks) return wire::parse_block(**value).has_value();
    if (row.table == tables::undo) return parse_undo(**value).has_value();
    if (row.table == tables::coins) return parse_output(**value).has_value();
    if (row.table == tables::fees) return parse_amount(**value).has_value();
    if (row.table == tables::heights) return (*value)->size() == wire::Hash::size;
    return true;
}

void Repair::begin_look(const DamagedRow& row) {
    row_ = row;
    next_ = {store_->base().height.value + 1};
    seen_ = store_->tip();
    last_ = seen_.height;
    block_.reset();
    has_undo_ = false;
    past_.reset();
    obstacle_.reset();
    short_wanted_.clear();
    outpoints_wanted_.clear();
    found_.clear();
    location_.reset();
    stake_.reset();
}

std::expected<bool, base::Error> Repair::begin(const DamagedRow& row) {
    if (row.table == tables::heights) return heal_height(row);
    if (row.table == tables::blocks || row.table == tables::undo) return begin_block(row);
    begin_look(row);
    if (row.table == tables::transactions) return true;
    if (row.table == tables::positions) return finish();
    if (row.table == tables::fees) {
        earned_ = wire::Amount{};
        if (store_->base().height == wire::Height{}) return true;
        give_up("the blocks that earned it are pruned");
        return true;
    }
    if (row.table == tables::stakes && is_whole()) {
        const ledger::StakeRows first = ledger::genesis_stakes(*genesis_);
        const auto found = first.find(row.key);
        stake_.emplace();
        if (found != first.end()) *stake_ = found->second;
        return true;
    }
    const auto outpoint = row.table == tables::coins ? parse_outpoint(row.key)
                                                     : base::failure(base::Errc::corrupt, "", "");
    if (!outpoint) {
        give_up("it does not follow from the blocks");
        return true;
    }
    outpoints_wanted_.insert(*outpoint);
    for (const ledger::Coin& coin : ledger::genesis_coins(*genesis_)) {
        note_output(coin.outpoint, coin.output);
    }
    return true;
}

/// As the block itself says, which may have come and wait for what it builds on.
std::optional<wire::Hash> Repair::parent_of(const wire::Hash& hash) const {
    const auto fetched = fetched_.find(hash);
    if (fetched != fetched_.end()) return fetched->second.header.parent;
    const auto header = store_->header(hash);
    if (!header || !*header || header_hash_(**header) != hash) return std::nullopt;
    return (*header)->parent;
}

/// The index is named by what is above it.
std::expected<bool, base::Error> Repair::heal_height(const DamagedRow& row) {
    const wire::Height height{base::Reader(row.key).u32()};
    std::optional<wire::Hash> hash;
    if (height == store_->tip().height) hash = store_->tip().hash;
    if (height == store_->base().height) hash = store_->base().hash;
    if (!hash && height < store_->tip().height) {
        const auto child = store_->hash_at({height.value + 1});
        if (child && *child) hash = parent_of(**child);
    }
    if (!hash) return false;  // until what is above is healed
    kv::Batch batch;
    batch.put(tables::heights, row.key, hash->bytes);
    row_ = row;
    return commit(batch);
}

/// The block first; its undo record follows from it and the blocks before.
std::expected<bool, base::Error> Repair::begin_block(const DamagedRow& row) {
    const wire::Hash hash = hash_of(row.key);
    const auto fetched = fetched_.find(hash);
    std::optional<wire::Block> block;
    if (fetched != fetched_.end()) {
        block = fetched->second;
    } else if (const auto bytes = kv_->get(tables::blocks, hash.bytes); bytes && *bytes) {
        const auto parsed = wire::parse_block(**bytes);
        if (parsed && header_hash_(parsed->header) == hash) block = *parsed;
    }
    if (!block) {
        wanted_.insert(hash);
        return false;
    }
    begin_look(row);
    block_ = std::move(block);
    const auto undo = kv_->get(tables::undo, hash.bytes);
    if (undo && *undo) {
        if (auto known = parse_undo(**undo)) {
            const StoredBlock whole{*block_, std::move(known->spent), std::move(known->stakes)};
            if (matches_root(*store_, whole)) {
                has_undo_ = true;
                next_ = {last_.value + 1};
                return true;
            }
        }
    }
    last_ = {block_->header.height.value - 1};
    if (genesis_->stakes && is_whole()) past_.emplace(*genesis_, found_);
    for (const wire::WireTransaction& transaction : block_->transactions) {
        if (const auto* compact = std::get_if<wire::CompactTransfer>(&transaction)) {
            short_wanted_.insert(compact->input);
        } else {
            for (const auto& input : std::get<wire::Transaction>(transaction).body.inputs) {
                outpoints_wanted_.insert(input.outpoint);
            }
        }
    }
    for (const ledger::Coin& coin : ledger::genesis_coins(*genesis_)) {
        note_output(coin.outpoint, coin.output);
    }
    return true;
}

void Repair::note_output(const wire::Outpoint& outpoint, const wire::Output& output) {
    const bool is_wanted = outpoints_wanted_.contains(outpoint) ||
                           (!short_wanted_.empty() && short_wanted_.contains(wire::short_outpoint(
                                                          store_->chain_id(), outpoint)));
    if (is_wanted) found_.emplace(outpoint, output);
}

/// A block that cannot be read is passed over: what was in it may be needed or not.
std::expected<void, base::Error> Repair::pass_over(wire::Height height, const base::Error& error) {
    if (error.code != base::Errc::corrupt) return std::unexpected(error);
    earned_.reset();
    stake_.reset();
    past_.reset();
    if (obstacle_ || height <= store_->base().height) return {};
    const auto hash = store_->hash_at(height);
    if (hash && *hash) {
        obstacle_ = DamagedRow{tables::undo, base::to_buffer((*hash)->bytes)};
    } else {
        obstacle_ = DamagedRow{tables::heights, base::to_buffer(height_key(height))};
    }
    return {};
}

std::expected<void, base::Error> Repair::look_through(wire::Height height) {
    const auto hash = store_->hash_at(height);
    if (!hash) return pass_over(height, hash.error());
    const auto stored = store_->block(hash->value_or(wire::Hash{}));
    if (!stored) return pass_over(height, stored.error());
    const auto transactions = *stored ? store_->expand(**stored)
                                      : std::expected<std::vector<wire::Transaction>, base::Error>(
                                            base::failure(base::Errc::corrupt, "", ""));
    if (!transactions) return pass_over(height, transactions.error());
    if (row_->table == tables::fees) note_fees(**stored);
    if (genesis_->stakes) note_stakes(**hash, **stored);
    for (std::uint16_t index = 0; const wire::Transaction& transaction : *transactions) {
        const wire::Txid txid = wire::txid(store_->chain_id(), transaction.body);
        if (row_->table == tables::transactions && base::equal(txid.hash.bytes, row_->key)) {
            location_ = TransactionLocation{height, index};
        }
        for (std::uint16_t i = 0; const wire::Output& output : transaction.body.outputs) {
            note_output({txid, i++}, output);
        }
        ++index;
    }
    return {};
}

/// No block of this validator is applied or taken back while its balance cannot be read.
void Repair::note_fees(const StoredBlock& stored) {
    const auto effects = store_->effects_of(stored);
    const bool is_his = base::equal(validator_key(stored.block.header.proposer), row_->key);
    if (!effects) earned_.reset();
    if (effects && is_his && earned_) earned_ = wire::add(*earned_, effects->fees);
}

void Repair::note_stakes(const wire::Hash& hash, const StoredBlock& stored) {
    const auto row = std::ranges::find(stored.stakes, row_->key, &ledger::StakeChange::key);
    if (stake_ && row != stored.stakes.end()) *stake_ = row->after;
    if (!past_) return;
    if (const auto effects = store_->effects_of(stored)) {
        past_->advance(hash, stored.block.header, *effects);
    } else {
        past_.reset();
    }
}

std::expected<bool, base::Error> Repair::finish() {
    if (block_) return finish_block();
    if (row_->table == tables::stakes) return finish_stakes();
    if (row_->table == tables::positions) return finish_position();
    kv::Batch batch;
    if (row_->table == tables::transactions) {
        if (location_) {
            batch.put(tables::transactions, row_->key, encode_location(*location_));
        } else {
            batch.erase(tables::transactions, row_->key);  // of no block that is held here
        }
        return commit(batch);
    }
    if (row_->table == tables::fees) {
        if (!earned_) {
            give_up("a block that may have earned it cannot be read");
            return true;
        }
        batch.put(tables::fees, row_->key, encode_amount(*earned_));
        return commit(batch);
    }
    if (found_.empty()) {
        give_up("the block that made the coin is not held here");
        return true;
    }
    batch.put(tables::coins, row_->key, encode_output(found_.begin()->second));
    batch.put(tables::positions, position_key(store_->chain_id(), found_.begin()->first), {});
    return commit(batch);
}

/// Which coins the block spent, as far as they are found.
std::optional<std::vector<ledger::Coin>> Repair::coins_spent(const wire::Block& block) const {
    const wire::ChainId& chain = store_->chain_id();
    std::map<wire::Outpoint, wire::Output> known = found_;
    std::vector<ledger::Coin> spent;
    for (const wire::WireTransaction& transaction : block.transactions) {
        std::optional<wire::TransactionBody> body;
        if (const auto* compact = std::get_if<wire::CompactTransfer>(&transaction)) {
            const auto coin = std::ranges::find_if(known, [&](const auto& entry) {
                return wire::short_outpoint(chain, entry.first) == compact->input;
            });
            if (coin == known.end()) return std::nullopt;
            body = wire::expand(*compact, coin->first, coin->second, block.header.slot);
            if (!body) return std::nullopt;
        } else {
            body = std::get<wire::Transaction>(transaction).body;
        }
        for (const auto& input : body->inputs) {
            const auto coin = known.find(input.outpoint);
            if (coin == known.end()) return std::nullopt;
            spent.push_back({coin->first, coin->second});
        }
        const wire::Txid txid = wire::txid(chain, *body);
        for (std::uint16_t i = 0; const wire::Output& output : body->outputs) {
            known.emplace(wire::Outpoint{txid, i++}, output);
        }
    }
    return spent;
}

std::expected<bool, base::Error> Repair::finish_block() {
    const wire::Hash hash = hash_of(row_->key);
    kv::Batch batch;
    batch.put(tables::blocks, hash.bytes, wire::encode(*block_));
    if (!has_undo_) {
        const auto spent = coins_spent(*block_);
        if (!spent) {
            if (obstacle_) return begin_with_obstacle();
            give_up("coins that the block spent were made by blocks that are not held here");
            return true;
        }
        if (!matches_root(*store_, {*block_, *spent})) {
            // Whoever gave the transactions lied about them; another may not.
            row_.reset();
            if (fetched_.erase(hash) == 0)
                given_up_.insert({tables::blocks, base::to_buffer(hash.bytes)});
            wanted_.insert(hash);
            return false;
        }
        MESH_TRY(const auto stakes, stakes_changed());
        if (!stakes) {
            if (obstacle_) return begin_with_obstacle();
            give_up("what the block did to stakes does not follow from the blocks held here");
            return true;
        }
        batch.put(tables::undo, hash.bytes, encode_undo(*spent, *stakes));
    }
    fetched_.erase(hash);
    wanted_.erase(hash);
    return commit(batch);
}

/// Nothing where that cannot be told.
std::expected<std::optional<std::vector<ledger::StakeChange>>, base::Error> Repair::stakes_changed()
    const {
    if (!genesis_->stakes) return std::vector<ledger::StakeChange>();
    if (!past_) return std::nullopt;
    auto effects = past_->execute(*block_);
    if (!effects && ledger::is_rule_violation(effects.error())) return std::nullopt;
    if (!effects) return std::unexpected(effects.error());
    return std::move(effects->stakes);
}

/// What lies below comes first: with it the look goes on up to here.
std::expected<bool, base::Error> Repair::begin_with_obstacle() {
    const DamagedRow obstacle = *obstacle_;
    if (given_up_.contains(obstacle)) {
        give_up("a block below it cannot be read");
        return true;
    }
    row_.reset();
    block_.reset();
    return begin(obstacle);
}

std::expected<bool, base::Error> Repair::finish_stakes() {
    if (!stake_) {
        if (obstacle_) return begin_with_obstacle();
        give_up("a block that may have changed it cannot be read");
        return true;
    }
    kv::Batch batch;
    if (*stake_) {
        batch.put(tables::stakes, row_->key, **stake_);
    } else {
        batch.erase(tables::stakes, row_->key);
    }
    return commit(batch);
}

/// The index of short outpoints follows from the coins alone.
std::expected<bool, base::Error> Repair::finish_position() {
    kv::Batch batch;
    const auto scanned = kv_->scan({tables::coins}, [&](base::Bytes key, base::Bytes) {
        const auto outpoint = parse_outpoint(key);
        if (!outpoint) return true;
        const PositionKey position = position_key(store_->chain_id(), *outpoint);
        if (base::equal(base::Bytes(position).first(row_->key.size()), row_->key)) {
            batch.put(tables::positions, position, {});
        }
        return true;
    });
    if (!scanned) {
        give_up("the coins that it follows from are damaged, too");
        return true;
    }
    return commit(batch);
}

std::expected<bool, base::Error> Repair::commit(const kv::Batch& batch) {
    kv::Batch whole = batch;
    whole.allow_reserve();
    MESH_CHECK(kv_->commit(whole));
    store_->damage().note_healed(*row_);
    row_.reset();
    block_.reset();
    return true;
}

void Repair::give_up(std::string why) {
    given_up_.insert(*row_);
    if (!hopeless_) {
        hopeless_ = base::Error{base::Errc::corrupt,
                                "row " + text_of(*row_) + " is damaged, and " + std::move(why),
                                "chain store", "stop the node and run `meshchain store salvage`"};
    }
    row_.reset();
    block_.reset();
}

bool Repair::take_block(const wire::Hash& hash, const wire::Block& block) {
    if (!wanted_.contains(hash) || header_hash_(block.header) != hash) return false;
    fetched_.insert_or_assign(hash, block);
    wanted_.erase(hash);
    given_up_.erase({tables::blocks, base::to_buffer(hash.bytes)});
    return true;
}

}  // namespace meshchain::chain
