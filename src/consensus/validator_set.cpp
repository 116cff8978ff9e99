#include "consensus/validator_set.h"

#include <utility>

#include "base/assert.h"

namespace meshchain::consensus {

ValidatorSet::ValidatorSet(std::vector<Validator> validators) : validators_(std::move(validators)) {
    MESH_ASSERT(!validators_.empty() && validators_.size() <= wire::validators_max);
    for (const Validator& validator : validators_) {
        const auto sum = wire::add(total_, validator.stake);
        MESH_ASSERT(sum.has_value());
        total_ = *sum;
        is_heard_ = is_heard_ || validator.proximity > 0;
    }
    MESH_ASSERT(total_.units > 0);
}

const Validator& ValidatorSet::operator[](wire::ValidatorIndex index) const {
    MESH_ASSERT(index.value < size());
    return validators_[index.value];
}

std::optional<wire::ValidatorIndex> ValidatorSet::find_key(const crypto::PublicKey& key) const {
    for (std::uint16_t i = 0; i < size(); ++i) {
        if (contains({i}) && validators_[i].key == key) return wire::ValidatorIndex{i};
    }
    return std::nullopt;
}

std::optional<wire::ValidatorIndex> ValidatorSet::find_identity(
    const crypto::PublicKey& identity) const {
    for (std::uint16_t i = 0; i < size(); ++i) {
        if (contains({i}) && validators_[i].identity == identity) return wire::ValidatorIndex{i};
    }
    return std::nullopt;
}

/// 1024 + 256 · π / 255 is 256 / 255 times 4 · 255 + π.
std::uint64_t ValidatorSet::weight(wire::ValidatorIndex index) const {
    const Validator& validator = (*this)[index];
    return is_heard_ ? validator.stake.units * (4 * 255 + std::uint64_t{validator.proximity})
                     : validator.stake.units;
}

std::uint64_t ValidatorSet::total_weight() const {
    std::uint64_t sum = 0;
    for (std::uint16_t i = 0; i < size(); ++i) sum += weight({i});
    return sum;
}

wire::Amount ValidatorSet::stake_of(ValidatorBits members) const {
    wire::Amount sum;
    for (std::uint16_t i = 0; i < size(); ++i) {
        if ((members & bit({i})) != 0) sum.units += validators_[i].stake.units;
    }
    return sum;
}

ValidatorBits ValidatorSet::all() const {
    ValidatorBits all = 0;
    for (std::uint16_t i = 0; i < size(); ++i) {
        if (contains({i})) all |= bit({i});
    }
    return all;
}

}  // namespace meshchain::consensus
