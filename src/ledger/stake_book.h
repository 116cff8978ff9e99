#pragma once
// The stakes of a state as rules read and change them: a view below, and what was changed since.
// Nothing below is touched; whoever accepts the changes takes them from here.
//
// Ownership: borrows the view, which outlives it.
// Errors:    those of the storage behind the view; corrupt.

#include <map>

#include "ledger/coin_view.h"
#include "ledger/stake_records.h"

namespace meshchain::ledger {

/// By key: the new value, or nothing for a row that is gone.
using StakeWrites = std::map<base::Buffer, std::optional<base::Buffer>>;

class StakeBook {
public:
    explicit StakeBook(const CoinView& below) : below_(&below) {}

    /// Nothing on a chain that has no stakes in its state.
    std::expected<std::optional<Economy>, base::Error> economy() const;
    std::expected<std::optional<Seat>, base::Error> seat(wire::ValidatorIndex index) const;
    /// Whoever holds a seat under this validating key.
    std::expected<std::optional<Seat>, base::Error> seat_of(const crypto::PublicKey& key) const;
    std::expected<std::optional<Bond>, base::Error> bond(const crypto::PublicKey& validator,
                                                         const crypto::PublicKey& owner) const;
    std::expected<std::optional<Waiting>, base::Error> waiting(
        std::uint32_t epoch, const crypto::PublicKey& validator,
        const crypto::PublicKey& owner) const;
    std::expected<std::optional<UsedKey>, base::Error> used(const crypto::PublicKey& key) const;
    /// What the holder of this seat said last; nothing of a former one.
    std::expected<std::optional<Told>, base::Error> told(const Seat& seat) const;
    /// Whether no other seat has stake: without any, nobody could vote in the next epochs.
    std::expected<bool, base::Error> is_only_staked(wire::ValidatorIndex index) const;

    template <class Record>
    void put(const Record& record) {
        StakeRow row = encode(record);
        writes_[std::move(row.key)] = std::move(row.value);
    }
    void erase(base::Buffer key) { writes_[std::move(key)] = std::nullopt; }

    const StakeWrites& writes() const { return writes_; }
    StakeWrites take() && { return std::move(writes_); }

private:
    std::expected<std::optional<base::Buffer>, base::Error> read(const base::Buffer& key) const;

    const CoinView* below_;
    StakeWrites writes_;
};

}  // namespace meshchain::ledger
