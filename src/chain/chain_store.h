#pragma once
// The applied chain in a kv store: blocks, coins, transaction index and tip change together in one
// batch, so power may go at any instant (rows A3, A9, B6-B8, B11).
//
// The coins are those after the tip. Every applied block can be taken back.
//
// Ownership: the kv store outlives this; nothing else writes its chain tables.
// Limits:    two caches in front of the store: `coins_cached` coins and `blocks_cached` blocks.
// Threads:   one owner.
// Errors:    corrupt (what is stored contradicts itself), wrong_chain, those of kv. A failed apply
//            or revert changed nothing.
// Format:    docs/formats/chain-store.md

#include <map>
#include <memory>

#include "chain/damage_log.h"
#include "chain/tables.h"
#include "consensus/epochs.h"
#include "kv/block_cache.h"
#include "kv/coin_cache.h"
#include "kv/store.h"
#include "ledger/block_rules.h"
#include "wire/sync.h"

namespace meshchain::chain {

struct Tip {
    wire::Hash hash;  ///< the chain id when only genesis is there
    wire::Height height;
    wire::Slot slot;
    friend bool operator==(const Tip&, const Tip&) = default;
};

struct StoredBlock {
    wire::Block block;
    std::vector<ledger::Coin> spent;  ///< for every input of every transaction, in order
    std::vector<ledger::StakeChange> stakes = {};
};

/// A block that is valid on the one before it, and what it does there.
struct ExecutedBlock {
    wire::Hash hash;
    wire::Block block;
    ledger::BlockEffects effects;
};

/// A block taken back, and its transactions for the mempool.
struct RevertedBlock {
    wire::Hash hash;
    wire::Block block;
    std::vector<ledger::CheckedTransaction> transactions;
};

struct TransactionLocation {
    wire::Height height;
    std::uint16_t index = 0;  ///< in its block
};

class ChainStore final : public ledger::CoinView, public consensus::EpochSource {
public:
    static constexpr std::size_t coins_cached = 1000;  ///< row B3
    static constexpr std::size_t blocks_cached = 10;   ///< row B2, the latest ones
    static constexpr std::size_t rosters_cached = 8;

    /// Opens the chain in `store`, or writes the state after genesis into an empty one.
    static std::expected<std::unique_ptr<ChainStore>, base::Error> open(
        kv::Store& store, const ledger::Genesis& genesis);

    const wire::ChainId& chain_id() const { return chain_; }
    const Tip& tip() const { return tip_; }
    /// Where the history held here starts: blocks above it are stored, and it cannot be taken
    /// back. Genesis, or where the state came from others (chain/state_staging.h).
    const Tip& base() const { return base_; }
    /// Of coins and fee balances after the tip.
    const crypto::SetHash& state() const { return state_; }
    /// What a child of the tip is judged against.
    ledger::BlockContext context() const;

    /// Nothing above the tip and below base(). Height 0 is genesis.
    std::expected<std::optional<wire::Hash>, base::Error> hash_at(wire::Height height) const;
    /// An applied block; nothing for others and for genesis.
    std::expected<std::optional<StoredBlock>, base::Error> block(const wire::Hash& hash) const;
    /// The stored form of an applied block.
    std::expected<std::optional<base::Buffer>, base::Error> block_bytes(
        const wire::Hash& hash) const;
    /// Of an applied block: there as long as the block is, whatever became of its undo record.
    std::expected<std::optional<wire::BlockHeader>, base::Error> header(
        const wire::Hash& hash) const;
    std::expected<std::optional<TransactionLocation>, base::Error> find(
        const wire::Txid& txid) const;
    std::expected<std::optional<wire::Output>, base::Error> coin(
        const wire::Outpoint& outpoint) const override;
    std::expected<ledger::Candidates, base::Error> candidates(
        const wire::ShortOutpoint& position) const override;
    std::expected<std::optional<base::Buffer>, base::Error> stake_row(
        const base::Buffer& key) const override;
    /// All of them; none where the stakes are those of genesis for ever.
    std::expected<ledger::StakeRows, base::Error> stakes() const;
    /// Nothing where the stakes are those of genesis for ever.
    std::expected<std::optional<ledger::Economy>, base::Error> economy() const;
    /// The last epoch for which anybody's stake waits; 0 where none does.
    std::expected<std::uint32_t, base::Error> last_waiting_epoch() const;
    /// Of an epoch up to the tip's next one; on a chain whose stakes are those of genesis of epoch
    /// 0 alone. Those of the past are kept until prune_epochs.
    std::expected<std::optional<wire::Roster>, base::Error> roster(
        std::uint32_t epoch) const override;
    std::expected<std::optional<std::uint32_t>, base::Error> epoch_of(
        const wire::Hash& block) const override;
    std::expected<std::optional<crypto::PublicKey>, base::Error> liable(
        wire::ValidatorIndex seat) const override;
    /// Forgets rosters and proofs of epochs before this one, `rows_max` at a time; returns how
    /// many. Needs no room.
    std::expected<std::size_t, base::Error> prune_epochs(std::uint32_t before,
                                                         std::size_t rows_max = 256);
    /// Who proposed it, by its epoch; nothing where that is unknown here or has no such seat.
    std::optional<crypto::PublicKey> proposer_of(const wire::BlockHeader& header) const;
    /// Keeps a FINAL of its epoch with its certificate, for those who follow epoch by epoch.
    std::expected<void, base::Error> keep_epoch_proof(std::uint32_t epoch,
                                                      const wire::ProvenFinal& proven);
    std::expected<std::optional<wire::ProvenFinal>, base::Error> epoch_proof(
        std::uint32_t epoch) const;
    /// Sum of all coins, read one by one.
    std::expected<wire::Amount, base::Error> coins_total() const;
    std::expected<wire::Amount, base::Error> fees_of(wire::ValidatorIndex validator) const;
    /// What validators earned; those that earned nothing are left out.
    std::expected<std::map<wire::ValidatorIndex, wire::Amount>, base::Error> fees() const;
    std::expected<wire::Amount, base::Error> fees_total() const;

    /// `effects` are what ledger::execute said of `block` on context(). Durable on return.
    /// Errors, with nothing changed: invalid_argument (not the tip's child, or not `hash`; row
    /// B8), those of kv.
    std::expected<void, base::Error> apply(const wire::Hash& hash, const wire::Block& block,
                                           const ledger::BlockEffects& effects);
    /// The same for several, each the child of the one before: one batch, so that after a crash all
    /// of them are there or none. `state` is what they make of ours.
    /// Errors, with nothing changed: as above, too_large (kv's limits of a batch).
    std::expected<void, base::Error> apply(std::span<const ExecutedBlock> blocks,
                                           const crypto::SetHash& state);
    /// Takes the tip back and returns its block. Durable on return.
    /// Errors, with nothing changed: not_found (only base() is left), corrupt, those of kv.
    std::expected<RevertedBlock, base::Error> revert();
    /// Forgets blocks from base() on, with all that belongs to them, up to and including `height`,
    /// which the caller knows to be FINAL and below the tip (row B12). One bounded batch, so that
    /// nobody waits long: about `operations_max` rows, one block at least. Returns how many blocks
    /// are gone; call it until that is 0. Needs no room.
    /// Errors, with nothing changed: corrupt (noted in damage()), those of kv.
    std::expected<std::size_t, base::Error> prune(wire::Height height,
                                                  std::size_t operations_max = 1024);

    /// The transactions of a stored block in full.
    /// Errors: corrupt (the coins do not fit the block).
    std::expected<std::vector<wire::Transaction>, base::Error> expand(
        const StoredBlock& stored) const;
    /// What a stored block did. Errors: corrupt.
    std::expected<ledger::BlockEffects, base::Error> effects_of(const StoredBlock& stored) const;
    /// What the tip was before this applied block. Errors: corrupt, those of the store.
    std::expected<Tip, base::Error> parent_of(const StoredBlock& stored) const;

    /// Where reads met damage. Whoever heals a row says so here.
    DamageLog& damage() const { return damage_; }

private:
    ChainStore(kv::Store& store, const ledger::Genesis& genesis);

    /// Every read that names its key, so that damage is noted.
    std::expected<std::optional<base::Buffer>, base::Error> read(kv::Table table,
                                                                 base::Bytes key) const;
    std::unexpected<base::Error> damaged(kv::Table table, base::Bytes key, std::string what) const;
    std::expected<std::size_t, base::Error> forget_block(kv::Batch& batch, Tip& base) const;
    std::expected<void, base::Error> load();
    std::expected<void, base::Error> write_genesis();
    std::expected<std::optional<wire::Roster>, base::Error> elected_in(
        const StoredBlock& stored) const;
    bool is_child(const wire::Hash& parent, wire::Height height, const ExecutedBlock& child) const;
    void put_roster(kv::Batch& batch, const ExecutedBlock& executed) const;
    void put_coin(kv::Batch& batch, const ledger::Coin& coin) const;
    void erase_coin(kv::Batch& batch, const ledger::Coin& coin) const;
    static void put_fees(kv::Batch& batch, wire::ValidatorIndex validator, wire::Amount balance);
    std::expected<void, base::Error> commit(kv::Batch batch, const Tip& tip,
                                            const crypto::SetHash& state);

    using CoinKey = std::array<std::byte, wire::outpoint_bytes>;
    struct CachedBlock {
        wire::Hash hash;
        StoredBlock stored;
    };

    /// What blocks do to the store: coins made and spent on the way leave nothing. By outpoint.
    using CoinChanges = std::vector<std::pair<wire::Outpoint, std::optional<wire::Output>>>;
    static CoinChanges changes_of(std::span<const ExecutedBlock> blocks);
    void put_coins(kv::Batch& batch, const CoinChanges& changes) const;
    static void put_stakes(kv::Batch& batch, const ledger::StakeWrites& writes);
    static void put_block(kv::Batch& batch, const ExecutedBlock& executed);

    const StoredBlock* find_recent(const wire::Hash& hash) const;
    void remember(const CoinChanges& changes);
    void forget(const ledger::BlockEffects& effects);

    kv::Store* store_;
    const ledger::Genesis genesis_;
    wire::ChainId chain_;
    bool keeps_stakes_;  ///< in the state, whose rows can change
    Tip tip_;
    Tip base_;
    crypto::SetHash state_;
    mutable kv::CoinCache<CoinKey, wire::Output> coins_{coins_cached};
    kv::BlockCache<CachedBlock> recent_{blocks_cached};
    mutable std::map<std::uint32_t, wire::Roster> rosters_;  ///< read lately
    mutable DamageLog damage_;
};

}  // namespace meshchain::chain
