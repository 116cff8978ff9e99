#pragma once
// Coins as they are after some transactions that the view below does not know yet: the earlier
// ones of a block, or those in the mempool.
//
// Ownership: borrows the view below, which outlives it.

#include <map>
#include <set>

#include "ledger/stake_book.h"

namespace meshchain::ledger {

class CoinOverlay final : public CoinView {
public:
    CoinOverlay(const wire::ChainId& chain, const CoinView& below)
        : chain_(chain), below_(&below) {}

    std::expected<std::optional<wire::Output>, base::Error> coin(
        const wire::Outpoint& outpoint) const override;
    std::expected<Candidates, base::Error> candidates(
        const wire::ShortOutpoint& position) const override;
    std::expected<std::optional<base::Buffer>, base::Error> stake_row(
        const base::Buffer& key) const override;

    /// Changes rows of stakes, for good.
    void write(const StakeWrites& writes);

    /// `outpoint` is unspent in this view. Whether anybody spends it is seen by is_spent.
    void spend(const wire::Outpoint& outpoint);
    /// Takes `spend` back.
    void unspend(const wire::Outpoint& outpoint);

    /// Errors: conflict (it would be the fifth unspent output with its short outpoint), those of
    /// the view below. Nothing is changed then.
    std::expected<void, base::Error> create(const Coin& coin);
    /// Takes `create` back, whether or not the coin was spent since.
    void uncreate(const wire::Outpoint& outpoint);

    /// The same coins as if nothing had been spent here: tells a double spend from a coin that
    /// never was. Borrows this.
    class BeforeSpends final : public CoinView {
    public:
        explicit BeforeSpends(const CoinOverlay& overlay) : overlay_(&overlay) {}
        std::expected<std::optional<wire::Output>, base::Error> coin(
            const wire::Outpoint& outpoint) const override;
        std::expected<Candidates, base::Error> candidates(
            const wire::ShortOutpoint& position) const override;
        std::expected<std::optional<base::Buffer>, base::Error> stake_row(
            const base::Buffer& key) const override {
            return overlay_->stake_row(key);
        }

    private:
        const CoinOverlay* overlay_;
    };

    bool is_spent(const wire::Outpoint& outpoint) const { return spent_.contains(outpoint); }
    bool is_created(const wire::Outpoint& outpoint) const { return created_.contains(outpoint); }

private:
    using Position = std::pair<wire::ShortOutpoint, wire::Outpoint>;

    Candidates merge(const Candidates& below, const wire::ShortOutpoint& position,
                     bool with_spent) const;

    wire::ChainId chain_;
    const CoinView* below_;
    std::set<wire::Outpoint> spent_;                  ///< of the view below and of created_
    std::map<wire::Outpoint, wire::Output> created_;  ///< spent since or not
    std::set<Position> positions_;                    ///< of created_
    StakeWrites stakes_;
};

}  // namespace meshchain::ledger
