#pragma once
// The coins as a rule sees them: unspent outputs by outpoint, and by short outpoint for the
// compact form (PROTOCOL.md P2.2); and the rows of stakes beside them (ledger/stake_records.h). The
// chain's store is one, the coins of a block in the making another, the mempool's a third.

#include <array>
#include <expected>
#include <optional>

#include "wire/transaction.h"

namespace meshchain::ledger {

struct Coin {
    wire::Outpoint outpoint;
    wire::Output output;
    friend auto operator<=>(const Coin&, const Coin&) = default;
};

/// H(`mc/coin/1` behind its length ‖ outpoint ‖ output): the coin's element of the set hash.
wire::Hash coin_hash(const Coin& coin);

/// The unspent outpoints that share one short outpoint, ascending; never more than four, because
/// the fifth is refused where it would be created.
class Candidates {
public:
    static constexpr std::size_t capacity = 4;

    /// Keeps the order. False, and the lowest four kept, when there were four already.
    bool insert(const wire::Outpoint& outpoint);

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    bool full() const { return size_ == capacity; }
    const wire::Outpoint* begin() const { return outpoints_.data(); }
    const wire::Outpoint* end() const { return outpoints_.data() + size_; }

private:
    std::array<wire::Outpoint, capacity> outpoints_{};
    std::size_t size_ = 0;
};

class CoinView {
public:
    virtual ~CoinView() = default;
    /// The unspent output at `outpoint`; nothing if it is unknown or spent.
    /// Errors: those of the storage behind it (io, corrupt, unavailable).
    virtual std::expected<std::optional<wire::Output>, base::Error> coin(
        const wire::Outpoint& outpoint) const = 0;
    /// Errors: those of the storage behind it.
    virtual std::expected<Candidates, base::Error> candidates(
        const wire::ShortOutpoint& position) const = 0;
    /// Nothing where there is no such row. Errors: those of the storage behind it.
    virtual std::expected<std::optional<base::Buffer>, base::Error> stake_row(
        const base::Buffer& key) const = 0;
};

}  // namespace meshchain::ledger
