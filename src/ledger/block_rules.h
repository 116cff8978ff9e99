#pragma once
// When a block's contents are valid on top of its parent, and what they do to the coins (rows A4,
// A9; PROTOCOL.md P2). Who may propose it and its signature are consensus's to judge.

#include <span>

#include "crypto/set_hash.h"
#include "ledger/coin_overlay.h"
#include "ledger/fee_balance.h"
#include "ledger/genesis.h"
#include "ledger/transaction_rules.h"
#include "wire/block.h"

namespace meshchain::ledger {

/// What a block is judged against.
struct BlockContext {
    wire::ChainId chain;
    wire::Hash parent;  ///< its hash; the chain id below height 1
    wire::Height parent_height;
    wire::Slot parent_slot;
    wire::Hash parent_state;  ///< digest of coins and fee balances after the parent
    std::size_t block_bytes_limit = 0;
};
/// The context of height 1: genesis counts as block of height 0 and slot 0, named by the chain id.
BlockContext context_after(const Genesis& genesis);

/// A row of stakes before and after a block; nothing where it is not there.
struct StakeChange {
    base::Buffer key;
    std::optional<base::Buffer> before;
    std::optional<base::Buffer> after;
    friend bool operator==(const StakeChange&, const StakeChange&) = default;
};
/// Each operation changes five rows at most, so this bounds what a block's undo holds.
inline constexpr std::size_t block_operations_max = 32;

/// What a block does to the state of its parent. Coins both made and spent in it appear in neither
/// list, so applying and reverting are plain set operations, in any order.
///
/// On a chain with stakes in its state the fees go to the proposer's seat, which is among
/// `stakes`, and `fees` is zero.
struct BlockEffects {
    std::vector<Coin> spent;    ///< in the order of spending
    std::vector<Coin> created;  ///< in the order of creation
    wire::Amount fees;          ///< to the proposer's fee balance
    wire::ValidatorIndex proposer;
    std::vector<StakeChange> stakes;      ///< ascending by key, each another row
    std::optional<wire::Roster> elected;  ///< for the epoch after the one it raises to
    std::vector<CheckedTransaction> transactions;
};

/// Brings the hash of the parent's state to that of the block's, and back. `before` is the
/// proposer's fee balance after the parent, `after` the one after the block.
void apply(const BlockEffects& effects, wire::Amount before, wire::Amount after,
           crypto::SetHash& state);
void revert(const BlockEffects& effects, wire::Amount before, wire::Amount after,
            crypto::SetHash& state);

/// The transactions of one block, one after the other. A proposer adds what its mempool offers and
/// leaves out what is refused; a validator adds what the block holds.
///
/// Ownership: borrows coins and verified set, which outlive it.
/// Limits:    the context's block_bytes_limit, which counts every transaction in its shortest form
///            so that nobody makes a block invalid by re-encoding it; and as many transactions as
///            one announcement can name.
class BlockBuilder {
public:
    BlockBuilder(const BlockContext& context, wire::Slot slot, const CoinView& parent_coins,
                 const VerifiedSet& verified, SignatureQueue* later = nullptr);

    /// The block raises the epoch. Before anything is added. Errors: invalid_argument (too early,
    /// or stakes are those of genesis, or nobody has any), those of the view.
    std::expected<void, base::Error> raise_epoch();
    /// What its header has to say of epochs: which one it is of, and the next one's roster.
    struct EpochClaim {
        std::uint32_t epoch = 0;
        wire::Hash next;
    };
    /// Nothing where the stakes are those of genesis. Errors: those of the view.
    std::expected<std::optional<EpochClaim>, base::Error> epoch_claim() const;

    /// Errors, with nothing changed: those of `check`, too_large (the block is full), conflict (an
    /// output would be the fifth unspent one with its short outpoint).
    std::expected<void, base::Error> add(const wire::WireTransaction& transaction);

    std::size_t block_bytes() const { return block_bytes_; }
    std::size_t transaction_count() const { return effects_.transactions.size(); }
    /// Merkle root of the wtxids so far.
    wire::Hash transaction_root() const;
    /// Gives the fees so far to the proposer's seat, on a chain with stakes in its state. Nothing
    /// is added afterwards. Errors: invalid_argument (he has no seat, or another one testifies),
    /// those of the view.
    std::expected<void, base::Error> pay_fees(wire::ValidatorIndex proposer);
    /// The transactions so far, in their shortest forms.
    std::vector<wire::WireTransaction> transactions() const;
    BlockEffects finish(wire::ValidatorIndex proposer) &&;

private:
    std::expected<void, base::Error> create_all(const std::vector<Coin>& coins);
    std::expected<void, base::Error> check_room(const CheckedTransaction& checked) const;
    std::expected<std::vector<StakeChange>, base::Error> stake_changes(
        const StakeWrites& writes) const;
    void change_stakes(std::vector<StakeChange> changes, const StakeWrites& writes);

    wire::ChainId chain_;
    std::size_t block_bytes_limit_;
    wire::Slot slot_;
    const VerifiedSet* verified_;
    SignatureQueue* later_;
    CoinOverlay coins_;
    const CoinView* parent_;
    std::size_t block_bytes_;
    std::size_t operations_ = 0;
    std::optional<wire::ValidatorIndex> testified_;
    BlockEffects effects_;
};

/// Judges everything about `block` but its proposer, rank and signature, and on a chain whose
/// stakes are those of genesis epoch and certificate. Errors: invalid_argument (a header field
/// against its parent or its transactions), those of BlockBuilder::add with the transaction's
/// position, and those of the view (is_rule_violation). With `later`, it is valid only if the
/// signatures put there are right.
std::expected<BlockEffects, base::Error> execute(const BlockContext& context,
                                                 const wire::Block& block, const CoinView& coins,
                                                 const VerifiedSet& verified,
                                                 SignatureQueue* later = nullptr);

}  // namespace meshchain::ledger
