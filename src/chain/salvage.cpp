#include "chain/salvage.h"

#include <algorithm>

#include "chain/pending_blocks.h"
#include "chain/repair.h"
#include "chain/stored_values.h"
#include "ledger/fee_balance.h"
#include "ledger/stake_records.h"

namespace meshchain::chain {
namespace {

using Result = std::expected<void, base::Error>;
using Kind = SalvagedChain::Kind;

constexpr std::size_t rows_a_commit = 4096;

/// Changes to the store, some thousand rows a commit.
class Writer {
public:
    explicit Writer(kv::Store& store) : store_(&store) {}

    Result put(kv::Table table, base::Bytes key, base::Bytes value) {
        batch_.put(table, key, value);
        return flush_if_full();
    }
    Result erase(kv::Table table, base::Bytes key) {
        batch_.erase(table, key);
        return flush_if_full();
    }
    Result flush() {
        MESH_CHECK(store_->commit(batch_));
        batch_.clear();
        return {};
    }

private:
    Result flush_if_full() {
        const bool is_full =
            batch_.size() >= rows_a_commit || batch_.bytes() >= kv::batch_bytes_max / 2;
        return is_full ? flush() : Result();
    }

    kv::Store* store_;
    kv::Batch batch_;
};

class Salvage {
public:
    Salvage(kv::Store& store, const ledger::Genesis& genesis, const std::set<wire::Hash>& proven)
        : store_(store),
          genesis_(genesis),
          chain_(ledger::chain_id(genesis)),
          proven_(proven),
          genesis_tip_{chain_, {}, {}} {}

    std::expected<SalvagedChain, base::Error> run() {
        MESH_TRY(const auto light, store_.get(tables::meta, meta_keys::light));
        if (light) return SalvagedChain{Kind::whole, genesis_tip_, {}};  // holds no chain
        MESH_CHECK(read_blocks());
        MESH_CHECK(read_meta());
        find_stretch();
        MESH_TRY(const bool is_sound, keep_state());
        if (is_sound) {
            MESH_TRY(const auto kept, keep_stretch());
            if (kept) return *kept;
        }
        return begin_again();
    }

private:
    struct Named {
        wire::Hash parent;
        wire::Height height;
        wire::Slot slot;
    };

    /// The names of the blocks that are there, and what they follow.
    Result read_blocks() {
        MESH_CHECK(store_.scan({tables::blocks}, [&](base::Bytes key, base::Bytes value) {
            base::Reader in(value);
            const auto header = wire::read_block_header(in);
            if (header && key.size() == wire::Hash::size) {
                wire::Hash hash;
                std::ranges::copy(key, hash.bytes.begin());
                names_[hash] = {header->parent, header->height, header->slot};
            }
            return true;
        }));
        return {};
    }

    template <class Parse>
    auto read(base::Bytes key, Parse&& parse)
        -> std::expected<std::optional<typename decltype(parse({}))::value_type>, base::Error> {
        MESH_TRY(const auto value, store_.get(tables::meta, key));
        auto parsed = value ? parse(*value) : parse({});
        if (!parsed) return std::nullopt;
        return *std::move(parsed);
    }

    /// A tip that is lost is the highest block: nothing above the tip is ever stored.
    Result read_meta() {
        MESH_TRY(const auto tip, read(meta_keys::tip, parse_tip));
        MESH_TRY(base_, read(meta_keys::base, parse_tip));
        MESH_TRY(state_, read(meta_keys::state, crypto::SetHash::parse));
        const auto highest = std::ranges::max_element(
            names_, {}, [](const auto& entry) { return entry.second.height; });
        has_tip_row_ = tip.has_value();
        if (tip) {
            tip_ = *tip;
        } else if (highest != names_.end()) {
            tip_ = {highest->first, highest->second.height, highest->second.slot};
        }
        height_known_ = tip_ ? tip_->height : wire::Height{};
        return {};
    }

    /// The blocks below the tip without a gap, the tip first.
    void find_stretch() {
        if (!tip_) return;
        wire::Hash hash = tip_->hash;
        for (auto named = names_.find(hash); named != names_.end(); named = names_.find(hash)) {
            // Each a height below the one before: rows that name each other lead nowhere.
            const std::uint64_t height = named->second.height.value;
            if (height == 0 || height + stretch_.size() != tip_->height.value) break;
            stretch_.push_back(hash);
            hash = named->second.parent;
        }
        if (hash == chain_) {
            base_ = genesis_tip_;
        } else if (!base_ || base_->hash != hash) {
            base_.reset();
        }
        below_ = hash;
    }

    /// Reads coins, fee balances and stakes, makes the index of positions anew, and opens a chain
    /// on them. Whether they are what the tip leaves: by the hash that was stored with them, or by
    /// the one in the tip's header.
    std::expected<bool, base::Error> keep_state() {
        if (!tip_ || (stretch_.empty() && !state_)) return false;
        MESH_TRY(const crypto::SetHash found, add_up());
        if (state_ && *state_ != found) return false;
        MESH_CHECK(erase_all(tables::heights));
        MESH_CHECK(erase_all(tables::transactions));
        const std::uint32_t below =
            tip_->height.value - static_cast<std::uint32_t>(stretch_.size());
        const Tip base = base_.value_or(Tip{below_, {below}, {}});
        Writer writer(store_);
        MESH_CHECK(writer.put(tables::meta, meta_keys::chain, chain_.bytes));
        MESH_CHECK(writer.put(tables::meta, meta_keys::tip, encode_tip(*tip_)));
        MESH_CHECK(writer.put(tables::meta, meta_keys::state, found.encode()));
        MESH_CHECK(put_base(writer, base));
        for (std::size_t i = 0; i < stretch_.size(); ++i) {
            const wire::Height height{tip_->height.value - static_cast<std::uint32_t>(i)};
            MESH_CHECK(writer.put(tables::heights, height_key(height), stretch_[i].bytes));
        }
        MESH_CHECK(writer.flush());
        MESH_TRY(store_of_chain_, ChainStore::open(store_, genesis_));
        MESH_TRY(const bool has_rosters, knows_rosters());
        if (!has_rosters) return false;
        // Where the tip had to be guessed, that the state is sound does not say whose it is.
        return state_ && has_tip_row_ ? true : follows_from_parent();
    }

    /// Who votes around FINAL, which may lie in the epoch before the tip's: before, then, after.
    std::expected<bool, base::Error> knows_rosters() {
        MESH_TRY(const auto economy, store_of_chain_->economy());
        if (!economy) return !genesis_.stakes;
        const std::uint32_t first = economy->epoch - std::min(economy->epoch, 2U);
        for (std::uint32_t epoch = first; epoch <= economy->epoch + 1; ++epoch) {
            const auto roster = store_of_chain_->roster(epoch);
            if (!roster || !*roster) return false;
        }
        return true;
    }

    Result put_base(Writer& writer, const Tip& base) {
        MESH_CHECK(writer.put(tables::heights, height_key(base.height), base.hash.bytes));
        if (base.height == wire::Height{}) return writer.erase(tables::meta, meta_keys::base);
        return writer.put(tables::meta, meta_keys::base, encode_tip(base));
    }

    std::expected<crypto::SetHash, base::Error> add_up() {
        crypto::SetHash found;
        MESH_CHECK(erase_all(tables::positions));
        std::vector<wire::Outpoint> outpoints;
        base::Buffer from;
        for (bool is_more = true; is_more;) {  // The store is not written while it is read.
            Writer writer(store_);
            outpoints.clear();
            const kv::Range range{.table = tables::coins, .from = from, .limit = rows_a_commit};
            MESH_TRY(const std::size_t visited,
                     store_.scan(range, [&](base::Bytes key, base::Bytes value) {
                         const auto outpoint = parse_outpoint(key);
                         const auto output = parse_output(value);
                         from = base::to_buffer(key);
                         if (!outpoint || !output) return true;
                         found.add(ledger::coin_hash({*outpoint, *output}));
                         outpoints.push_back(*outpoint);
                         return true;
                     }));
            is_more = visited == rows_a_commit;
            from.push_back(std::byte{0});
            for (const wire::Outpoint& outpoint : outpoints) {
                MESH_CHECK(writer.put(tables::positions, position_key(chain_, outpoint), {}));
            }
            MESH_CHECK(writer.flush());
        }
        MESH_CHECK(store_.scan({tables::fees}, [&](base::Bytes key, base::Bytes value) {
            if (const auto amount = parse_amount(value)) {
                ledger::add(ledger::FeeBalance{{base::Reader(key).u16()}, *amount}, found);
            }
            return true;
        }));
        MESH_CHECK(store_.scan({tables::stakes}, [&](base::Bytes key, base::Bytes value) {
            found.add(ledger::stake_hash(key, value));
            return true;
        }));
        return found;
    }

    /// Taking the tip's block back leads to the state that its header commits to.
    std::expected<bool, base::Error> follows_from_parent() {
        const auto stored = store_of_chain_->block(tip_->hash);
        if (!stored || !*stored || !matches_root(*store_of_chain_, **stored)) return false;
        const auto effects = store_of_chain_->effects_of(**stored);
        if (!effects) return false;
        MESH_TRY(const wire::Amount after, store_of_chain_->fees_of(effects->proposer));
        const auto before = wire::subtract(after, effects->fees);
        if (!before) return false;
        crypto::SetHash state = store_of_chain_->state();
        ledger::revert(*effects, *before, after, state);
        return state.digest() == (*stored)->block.header.parent_state;
    }

    /// The blocks that can be taken back, from the tip down; their transactions get their index.
    std::expected<std::optional<SalvagedChain>, base::Error> keep_stretch() {
        Writer writer(store_);
        std::size_t whole = 0;
        std::size_t proof = stretch_.size();  // where the first is, seen from the tip
        for (; whole < stretch_.size(); ++whole) {
            const auto stored = store_of_chain_->block(stretch_[whole]);
            if (!stored || !*stored || !matches_root(*store_of_chain_, **stored)) break;
            if (proven_.contains(stretch_[whole])) proof = std::min(proof, whole);
            MESH_CHECK(put_locations(writer, **stored));
        }
        const bool is_all = base_ && whole == stretch_.size();
        // With all blocks there, and only undo records lost, they can be executed again.
        const bool can_execute = base_ == genesis_tip_;
        if (!is_all && (can_execute || !may_clip(whole, proof))) return std::nullopt;
        Tip base = is_all ? *base_ : *tip_;
        if (!is_all && whole > 0) {
            const Named& named = names_.at(stretch_[--whole]);
            base = {stretch_[whole], named.height, named.slot};
            const auto stored = store_of_chain_->block(base.hash);
            MESH_CHECK(stored);
            MESH_CHECK(erase_locations(writer, **stored));
        }
        MESH_CHECK(drop_others(writer, std::span(stretch_).first(whole), base.height));
        MESH_CHECK(put_base(writer, base));
        MESH_CHECK(writer.flush());
        return SalvagedChain{is_all ? Kind::whole : Kind::clipped, *tip_, base.height};
    }

    /// Whether the lowest of so many blocks, or the tip if there are none, may be where history
    /// starts: FINAL is there or above, and above where its block says which epoch it is of.
    bool may_clip(std::size_t whole, std::size_t proof) const {
        if (proof + 1 < whole) return true;
        return !genesis_.stakes && proven_.contains(whole == 0 ? tip_->hash : stretch_[whole - 1]);
    }

    template <class Each>
    Result for_each_transaction(const StoredBlock& stored, Each&& each) {
        MESH_TRY(const auto transactions, store_of_chain_->expand(stored));
        for (std::uint16_t index = 0; const wire::Transaction& transaction : transactions) {
            MESH_CHECK(each(wire::txid(chain_, transaction.body), index++));
        }
        return {};
    }
    Result put_locations(Writer& writer, const StoredBlock& stored) {
        const wire::Height height = stored.block.header.height;
        return for_each_transaction(stored, [&](const wire::Txid& txid, std::uint16_t index) {
            return writer.put(tables::transactions, txid.hash.bytes,
                              encode_location({height, index}));
        });
    }
    Result erase_locations(Writer& writer, const StoredBlock& stored) {
        return for_each_transaction(stored, [&](const wire::Txid& txid, std::uint16_t) {
            return writer.erase(tables::transactions, txid.hash.bytes);
        });
    }

    /// Blocks and heights that are not `kept`, and certificates outside the history.
    Result drop_others(Writer& writer, std::span<const wire::Hash> kept, wire::Height base) {
        const std::set<wire::Hash> names(kept.begin(), kept.end());
        for (const kv::Table table : {tables::blocks, tables::undo}) {
            MESH_TRY(const auto keys, keys_of(table));
            for (const base::Buffer& key : keys) {
                wire::Hash hash;
                if (key.size() == wire::Hash::size) std::ranges::copy(key, hash.bytes.begin());
                if (!names.contains(hash)) MESH_CHECK(writer.erase(table, key));
            }
        }
        for (const kv::Table table : {tables::heights, tables::certificates}) {
            MESH_TRY(const auto keys, keys_of(table));
            for (const base::Buffer& key : keys) {
                const wire::Height height{base::Reader(key).u32()};
                const bool is_base = table == tables::heights && height == base;
                const bool is_kept = height > base && height <= tip_->height;
                if (!is_base && !is_kept) MESH_CHECK(writer.erase(table, key));
            }
        }
        return {};
    }

    /// From genesis, by executing the blocks that are there without a gap.
    std::expected<SalvagedChain, base::Error> begin_again() {
        store_of_chain_.reset();
        for (const kv::TableInfo& info : chain_tables) {
            const bool is_kept = info.table == tables::blocks ||
                                 info.table == tables::certificates ||
                                 info.table == tables::branches;
            if (!is_kept) MESH_CHECK(erase_all(info.table));
        }
        std::map<wire::Hash, wire::Hash> children;
        for (const auto& [hash, named] : names_) children[named.parent] = hash;
        const bool has_first = children.contains(chain_);
        if (!has_first) {
            MESH_CHECK(erase_all(tables::blocks));
            MESH_CHECK(erase_all(tables::certificates));
            return SalvagedChain{};
        }
        MESH_TRY(store_of_chain_, ChainStore::open(store_, genesis_));
        std::vector<wire::Hash> kept;
        for (bool is_more = true; is_more;) {
            MESH_TRY(is_more, execute_some(children, kept));
        }
        tip_ = store_of_chain_->tip();
        Writer writer(store_);
        MESH_CHECK(drop_others(writer, kept, {}));
        MESH_CHECK(writer.flush());
        const bool is_whole = tip_->height >= height_known_;
        return SalvagedChain{is_whole ? Kind::whole : Kind::cut, *tip_, {}};
    }

    /// As many as one batch takes. Their signatures were right when they were stored under these
    /// names, which cover them.
    std::expected<bool, base::Error> execute_some(const std::map<wire::Hash, wire::Hash>& children,
                                                  std::vector<wire::Hash>& kept) {
        const ledger::NothingVerified none;
        PendingBlocks pending(*store_of_chain_);
        const std::size_t blocks_max =
            genesis_.stakes ? 1 : 256;  // one may elect who proposes next
        bool is_more = true;
        while (is_more && pending.blocks().size() < blocks_max) {
            const auto child = children.find(pending.context().parent);
            is_more = child != children.end();
            if (!is_more) break;
            MESH_TRY(const auto bytes, store_.get(tables::blocks, child->second.bytes));
            auto block = wire::parse_block(bytes.value_or(base::Buffer{}));
            if (!block || !has_name(*block, child->second)) return finish(pending, kept, false);
            if (!pending.has_room(block->transactions)) break;
            ledger::SignatureQueue signatures;
            const auto done = pending.execute(child->second, *std::move(block), none, signatures);
            if (!done && !ledger::is_rule_violation(done.error())) {
                return std::unexpected(done.error());
            }
            is_more = done.has_value();
        }
        return finish(pending, kept, is_more);
    }

    bool has_name(const wire::Block& block, const wire::Hash& hash) const {
        const auto proposer = store_of_chain_->proposer_of(block.header);
        return proposer && wire::block_hash(chain_, block.header, *proposer) == hash;
    }

    std::expected<bool, base::Error> finish(const PendingBlocks& pending,
                                            std::vector<wire::Hash>& kept, bool is_more) {
        if (pending.blocks().empty()) return false;
        MESH_CHECK(store_of_chain_->apply(pending.blocks(), pending.state()));
        for (const ExecutedBlock& block : pending.blocks()) kept.push_back(block.hash);
        return is_more;
    }

    std::expected<std::vector<base::Buffer>, base::Error> keys_of(kv::Table table) {
        std::vector<base::Buffer> keys;
        MESH_CHECK(store_.scan({table}, [&](base::Bytes key, base::Bytes) {
            keys.push_back(base::to_buffer(key));
            return true;
        }));
        return keys;
    }

    Result erase_all(kv::Table table) {
        for (;;) {
            kv::Batch batch;
            MESH_CHECK(store_.scan({.table = table, .limit = rows_a_commit},
                                   [&](base::Bytes key, base::Bytes) {
                                       batch.erase(table, key);
                                       return true;
                                   }));
            if (batch.empty()) return {};
            MESH_CHECK(store_.commit(batch));
        }
    }

    kv::Store& store_;
    const ledger::Genesis& genesis_;
    wire::ChainId chain_;
    const std::set<wire::Hash>& proven_;
    Tip genesis_tip_;

    std::map<wire::Hash, Named> names_;
    std::optional<Tip> tip_;
    std::optional<Tip> base_;  ///< nothing: what is below the stretch is lost
    std::optional<crypto::SetHash> state_;
    wire::Height height_known_;
    bool has_tip_row_ = false;
    std::vector<wire::Hash> stretch_;
    wire::Hash below_;  ///< the parent of its last
    std::unique_ptr<ChainStore> store_of_chain_;
};

}  // namespace

std::expected<SalvagedChain, base::Error> salvage_chain(kv::Store& store,
                                                        const ledger::Genesis& genesis,
                                                        const std::set<wire::Hash>& proven) {
    return Salvage(store, genesis, proven).run();
}

}  // namespace meshchain::chain
