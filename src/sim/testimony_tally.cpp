#include "sim/testimony_tally.h"

#include <algorithm>

namespace meshchain::sim {
namespace {

/// For so many epochs a testimony counts (0134), written out again here: no rule of the ledger's is
/// asked.
constexpr std::uint32_t epochs_counted = 8;

}  // namespace

void TestimonyTally::begin(const wire::BlockHeader& header) {
    while (epoch_ < header.epoch) elect(epoch_++);
}

void TestimonyTally::apply(const wire::Testimony& said) {
    for (const StakeTally::Holder& holder : stakes_->holders()) {
        if (holder.seat != said.seat.value) continue;
        const bool was_bound = said_of(holder) != nullptr;
        said_[holder.seat] = {holder.key, said.epoch, said.heard, was_bound};
    }
}

const TestimonyTally::Said* TestimonyTally::said_of(const StakeTally::Holder& holder) const {
    const auto found = said_.find(holder.seat);
    return found == said_.end() || found->second.key != holder.key ? nullptr : &found->second;
}

unsigned TestimonyTally::count_proximity(const StakeTally::Holder& of,
                                         const std::vector<StakeTally::Holder>& all,
                                         std::uint32_t ending) const {
    std::uint64_t others = 0;
    std::array<std::uint64_t, wire::Reception::rounds_max + 1> stake_by_rounds{};
    for (const StakeTally::Holder& one : all) {
        if (one.seat == of.seat) continue;
        others += one.bonded;
        const Said* const said = said_of(one);
        if (said == nullptr || ending - said->epoch >= epochs_counted) continue;
        stake_by_rounds.at(said->heard.rounds({of.seat})) += one.bonded;
    }
    std::uint64_t confirming = 0;
    for (unsigned rounds = wire::Reception::rounds_max; rounds > 0; --rounds) {
        confirming += stake_by_rounds[rounds];
        if (2 * confirming > others) return rounds * 255 / wire::Reception::rounds_max;
    }
    return 0;
}

/// What is elected at the end of this epoch votes in the one after the next.
void TestimonyTally::elect(std::uint32_t ending) {
    const auto all = stakes_->holders();
    Election& election = elections_[ending + 2];
    for (const StakeTally::Holder& one : all) {
        if (one.bonded == 0) continue;
        const Said* const said = said_of(one);
        Standing standing = Standing::unbound;
        if (said != nullptr && said->epoch != ending) standing = Standing::withheld;
        if (said != nullptr && said->epoch == ending && said->revealed) {
            standing = Standing::revealed;
        }
        election[one.key] = {count_proximity(one, all, ending), standing};
    }
}

void TestimonyTally::compare(const std::string& whose, const wire::Roster& roster) {
    const auto election = elections_.find(roster.epoch);
    if (election == elections_.end()) return;
    const auto complain = [&](const std::string& text) {
        findings_->add("testimony",
                       whose + ": its roster of epoch " + std::to_string(roster.epoch) + text);
    };
    if (roster.members.size() != election->second.size()) complain(" has other members");
    for (const wire::Roster::Member& member : roster.members) {
        const auto found = election->second.find(member.key);
        if (found == election->second.end()) {
            complain(" has a member that nobody elected");
            continue;
        }
        if (member.proximity != found->second.proximity) {
            complain(" says that seat " + std::to_string(member.seat.value) + " is heard with " +
                     std::to_string(member.proximity) + ", and testimonies say " +
                     std::to_string(found->second.proximity));
        }
        if (member.standing != found->second.standing) {
            complain(" is wrong about what seat " + std::to_string(member.seat.value) +
                     " revealed");
        }
    }
}

std::optional<unsigned> TestimonyTally::proximity(const crypto::PublicKey& key) const {
    if (elections_.empty()) return std::nullopt;
    const Election& newest = elections_.rbegin()->second;
    const auto found = newest.find(key);
    return found == newest.end() ? std::nullopt : std::optional(found->second.proximity);
}

std::size_t TestimonyTally::withheld(const crypto::PublicKey& key) const {
    return static_cast<std::size_t>(std::ranges::count_if(elections_, [&](const auto& entry) {
        const auto found = entry.second.find(key);
        return found != entry.second.end() && found->second.standing == Standing::withheld;
    }));
}

}  // namespace meshchain::sim
