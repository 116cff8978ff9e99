#pragma once
// Who votes, with how much stake (rows A6, A10): one set, by seat. A seat without stake is empty.
//
// Limits: 1 to wire::validators_max seats, so that a set of them is one u64 bitmap; total
//         stake within wire::Amount.

#include <optional>
#include <vector>

#include "crypto/signature.h"
#include "wire/numbers.h"

namespace meshchain::consensus {

struct Validator {
    crypto::PublicKey identity;  ///< of the node, as sessions know it
    crypto::PublicKey key;       ///< signs votes and blocks
    wire::Amount stake;
    std::uint8_t proximity = 0;  ///< weighs in who leads, and nowhere else
};

/// Bit i stands for the validator of index i.
using ValidatorBits = std::uint64_t;

constexpr ValidatorBits bit(wire::ValidatorIndex index) { return ValidatorBits{1} << index.value; }

class ValidatorSet {
public:
    /// Asserts the limits: genesis validation has checked them, and that keys differ.
    explicit ValidatorSet(std::vector<Validator> validators);

    /// Of seats, the empty ones below the last holder's included.
    std::size_t size() const { return validators_.size(); }
    bool contains(wire::ValidatorIndex index) const {
        return index.value < size() && validators_[index.value].stake.units > 0;
    }
    /// Of a seat below size().
    const Validator& operator[](wire::ValidatorIndex index) const;
    std::optional<wire::ValidatorIndex> find_key(const crypto::PublicKey& key) const;
    std::optional<wire::ValidatorIndex> find_identity(const crypto::PublicKey& identity) const;

    /// In who leads: stake × (1024 + 256 · proximity / 255) / 1024, as whole numbers of the same
    /// ratios; where nobody has any proximity, stakes.
    std::uint64_t weight(wire::ValidatorIndex index) const;
    std::uint64_t total_weight() const;

    wire::Amount total() const { return total_; }
    wire::Amount stake_of(ValidatorBits members) const;
    ValidatorBits all() const;

    /// More than 2/3 of the raw stake: enough to justify, and twice in a row to make final.
    bool is_quorum(wire::Amount stake) const { return 3 * stake.units > 2 * total_.units; }
    bool is_more_than_third(wire::Amount stake) const { return 3 * stake.units > total_.units; }

private:
    std::vector<Validator> validators_;
    wire::Amount total_;
    bool is_heard_ = false;  ///< somebody has proximity
};

}  // namespace meshchain::consensus
