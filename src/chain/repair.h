#pragma once
// Healing rows of the chain's tables in which a read met damage (rows B9, B11; issue 4: re-verify
// from peers). What follows from blocks is rebuilt from them: the height index, the transaction
// index, undo records, coins and their index, fee balances, rows of stakes. A block itself is
// fetched from peers by its name, which the index or its child gives. Nothing is believed: a block
// must hash to its name, and its transactions, filled up by its undo record, to its root; a coin is
// an output of a transaction that such a block holds; what a block did to stakes is what it does to
// the state that it commits to. Rows of stakes are healed where all blocks since genesis are held.
//
// Time:      knows none; each step() does a bounded piece of work. A look through all blocks takes
//            as many steps as there are blocks, divided by `blocks_per_step`.
// Ownership: the store and what is beside it outlive this.
// Errors:    what cannot be healed stays in the log, and hopeless() names the first such row. An
//            error of the store ends the step, with nothing changed by it.

#include <functional>
#include <map>

#include "chain/past_state.h"

namespace meshchain::chain {

/// Whether the block's transactions, filled up by its undo record, are those of its header.
bool matches_root(const ChainStore& store, const StoredBlock& stored);

class Repair {
public:
    static constexpr std::uint32_t blocks_per_step = 64;

    /// The name of a header, or nothing if its proposer is no validator.
    using HeaderHash = std::function<std::optional<wire::Hash>(const wire::BlockHeader&)>;

    Repair(kv::Store& kv, const ChainStore& store, const ledger::Genesis& genesis,
           HeaderHash header_hash)
        : kv_(&kv), store_(&store), genesis_(&genesis), header_hash_(std::move(header_hash)) {}

    Repair(const Repair&) = delete;
    Repair& operator=(const Repair&) = delete;

    /// Heals something, or gets nearer to it. Returns whether there is more to do here: false also
    /// while only peers can help, or nobody.
    std::expected<bool, base::Error> step();
    /// Blocks that peers must give.
    const std::set<wire::Hash>& wanted() const { return wanted_; }
    /// A block that came; kept if it is wanted and has the name. What its transactions are worth
    /// shows in the next steps: if they are wrong, the block is wanted again.
    bool take_block(const wire::Hash& hash, const wire::Block& block);
    /// Why healing has ended in vain; nothing while there is hope.
    const std::optional<base::Error>& hopeless() const { return hopeless_; }

private:
    bool follow_tip();
    std::vector<DamagedRow> rows_in_turn() const;
    std::expected<bool, base::Error> is_sound(const DamagedRow& row) const;
    std::optional<wire::Hash> parent_of(const wire::Hash& hash) const;
    std::expected<bool, base::Error> heal_height(const DamagedRow& row);
    std::expected<bool, base::Error> begin(const DamagedRow& row);
    void begin_look(const DamagedRow& row);
    /// Nothing is pruned, and nothing came from others.
    bool is_whole() const { return store_->base().height == wire::Height{}; }
    std::expected<bool, base::Error> begin_block(const DamagedRow& row);
    std::expected<void, base::Error> look_through(wire::Height height);
    std::expected<void, base::Error> pass_over(wire::Height height, const base::Error& error);
    void note_fees(const StoredBlock& stored);
    void note_stakes(const wire::Hash& hash, const StoredBlock& stored);
    void note_output(const wire::Outpoint& outpoint, const wire::Output& output);
    std::expected<bool, base::Error> finish();
    std::expected<bool, base::Error> finish_block();
    std::expected<std::optional<std::vector<ledger::StakeChange>>, base::Error> stakes_changed()
        const;
    std::expected<bool, base::Error> finish_stakes();
    std::expected<bool, base::Error> finish_position();
    std::expected<bool, base::Error> begin_with_obstacle();
    std::optional<std::vector<ledger::Coin>> coins_spent(const wire::Block& block) const;
    std::expected<bool, base::Error> commit(const kv::Batch& batch);
    void give_up(std::string why);

    kv::Store* kv_;
    const ChainStore* store_;
    const ledger::Genesis* genesis_;
    HeaderHash header_hash_;
    std::set<wire::Hash> wanted_;
    std::map<wire::Hash, wire::Block> fetched_;
    std::set<DamagedRow> given_up_;
    std::optional<DamagedRow> tried_;  ///< last
    std::optional<base::Error> hopeless_;

    // The row that is being healed by a look through all blocks, and what was found on the way.
    std::optional<DamagedRow> row_;
    wire::Height next_;                           ///< to be looked at
    Tip seen_;                                    ///< of the chain that is looked through
    wire::Height last_;                           ///< the last to be looked at
    std::optional<wire::Block> block_;            ///< whose undo record is rebuilt
    bool has_undo_ = false;                       ///< which is sound
    std::optional<PastState> past_;               ///< before it, on a chain with stakes
    std::optional<DamagedRow> obstacle_;          ///< below it: to be healed first
    std::set<wire::ShortOutpoint> short_wanted_;  ///< of its inputs
    std::set<wire::Outpoint> outpoints_wanted_;
    std::map<wire::Outpoint, wire::Output> found_;
    std::optional<TransactionLocation> location_;
    std::optional<wire::Amount> earned_;                ///< nothing: a block could not be read
    std::optional<std::optional<base::Buffer>> stake_;  ///< the same
};

}  // namespace meshchain::chain
