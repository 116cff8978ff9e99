#include "consensus/epochs.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace meshchain::consensus {

ValidatorSet set_of(const wire::Roster& roster) {
    std::vector<Validator> seats(roster.members.back().seat.value + std::size_t{1});
    for (const wire::Roster::Member& member : roster.members) {
        seats[member.seat.value] = {member.identity, member.key, member.stake, member.proximity};
    }
    return ValidatorSet(std::move(seats));
}

Epochs::Epoch Epochs::epoch_of(const wire::Roster& roster) {
    return {set_of(roster), roster.seed, roster.elected};
}

Epochs::Epochs(ValidatorSet validators, const wire::Hash& seed) : voters_(validators) {
    epochs_.push_back({std::move(validators), seed, {}});
}

Epochs::Epochs(std::array<wire::Roster, 3> rosters, std::uint32_t epoch_slots)
    : voters_(set_of(rosters[1])) {
    reset(std::move(rosters), epoch_slots);
}

void Epochs::reset(std::array<wire::Roster, 3> rosters, std::uint32_t epoch_slots) {
    MESH_ASSERT(epoch_slots > 0 && rosters[2].epoch == rosters[1].epoch + 1);
    now_ = rosters[1].epoch;
    epoch_slots_ = epoch_slots;
    epochs_.clear();
    for (const wire::Roster& roster : rosters) epochs_.push_back(epoch_of(roster));
    merge();
}

bool Epochs::knows(std::uint32_t epoch) const {
    if (!is_moving()) return epoch == 0;
    return epoch <= now_ + std::uint64_t{1} && epoch + std::uint64_t{1} >= now_;
}

const Epochs::Epoch& Epochs::at(std::uint32_t epoch) const {
    MESH_ASSERT(knows(epoch));
    return is_moving() ? epochs_[epoch + std::size_t{1} - now_] : epochs_.front();
}

ValidatorBits Epochs::electors(std::uint32_t epoch) const {
    ValidatorBits all = set(epoch).all();
    if (epoch > 0 && knows(epoch - 1)) all |= set(epoch - 1).all();
    return all;
}

/// Of the epoch before FINAL's own nothing is decided any more, so its one set is enough there.
bool Epochs::is_quorum(std::uint32_t epoch, ValidatorBits members) const {
    const auto reached = [&](const ValidatorSet& set) {
        return set.is_quorum(set.stake_of(members));
    };
    if (!reached(set(epoch))) return false;
    return epoch == 0 || !knows(epoch - 1) || reached(set(epoch - 1));
}

std::optional<wire::Slot> Epochs::rise_from() const {
    if (!is_moving()) return std::nullopt;
    const std::uint64_t slot = std::uint64_t{epochs_.back().elected.value} + epoch_slots_;
    if (slot > UINT32_MAX) return std::nullopt;
    return wire::Slot{static_cast<std::uint32_t>(slot)};
}

/// A seat is free for the time of unbonding, four epochs or more, before another takes it.
bool Epochs::may_be_outdated(wire::Slot slot) const {
    const auto from = rise_from();
    return from && slot.value > std::uint64_t{from->value} + epoch_slots_;
}

void Epochs::advance(const wire::Roster& roster) {
    MESH_ASSERT(is_moving() && roster.epoch == now_ + std::uint64_t{2});
    ++now_;
    epochs_.erase(epochs_.begin());
    epochs_.push_back(epoch_of(roster));
    merge();
}

void Epochs::merge() {
    std::vector<Validator> merged;
    for (const Epoch& epoch : epochs_) {
        const ValidatorSet& set = epoch.validators;
        merged.resize(std::max(merged.size(), set.size()));
        for (std::uint16_t i = 0; i < set.size(); ++i) {
            if (!set.contains({i})) continue;
            const wire::Amount before = merged[i].stake;
            merged[i] = set[{i}];  // the newest holder, should there be two
            merged[i].stake = std::max(before, set[{i}].stake);
        }
    }
    std::uint64_t total = 0;
    for (const Validator& validator : merged) total += validator.stake.units;
    // Three sets may have thrice the supply; what only weighs can be coarser.
    for (Validator& validator : merged) {
        if (total <= wire::Amount::units_max || validator.stake.units == 0) continue;
        validator.stake.units = std::max<std::uint64_t>(1, validator.stake.units / 4);
    }
    voters_ = ValidatorSet(std::move(merged));
}

std::expected<std::array<wire::Roster, 3>, base::Error> rosters_around(const EpochSource& source,
                                                                       std::uint32_t now) {
    std::array<wire::Roster, 3> rosters;
    for (std::uint32_t i = 0; i < rosters.size(); ++i) {
        const std::uint32_t epoch = i == 0 && now == 0 ? 0 : now + i - 1;
        MESH_TRY(auto roster, source.roster(epoch));
        if (!roster) {
            return base::failure(base::Errc::corrupt,
                                 "the roster of epoch " + std::to_string(epoch) + " is missing",
                                 "epochs", "stop the node and run `meshchain store salvage`");
        }
        rosters[i] = *std::move(roster);
    }
    return rosters;
}

}  // namespace meshchain::consensus
