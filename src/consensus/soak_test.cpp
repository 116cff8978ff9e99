// Random histories, one seed each: loss, delay, partitions, crashes and a byzantine validator with
// less than a third of the stake. The network's checkers watch throughout; at the end everything
// heals and must become final.
//
// MESHCHAIN_SOAK_SEEDS=200 runs more seeds, MESHCHAIN_SOAK_FIRST=n starts at another.

#include <gtest/gtest.h>

#include <cstdlib>

#include "consensus/test_network.h"

namespace meshchain::consensus::test {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* value = std::getenv(name);
    return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

/// Signs whatever may hurt: several votes a round with sources and targets drawn from what its
/// engine knows, each to some of the others, and second blocks in its slots.
class Attacker {
public:
    Attacker(std::size_t index, std::uint64_t seed) : index_(index), random_(seed) {}

    void act(TestNetwork& net) {
        if (!net.node(index_).is_up() || net.all_blocks().empty()) return;
        const wire::Round round = net.schedule().round_of(wire::Slot{net.slot()});
        for (std::uint64_t i = random_.below(4); i > 0; --i) {
            wire::Vote vote;
            vote.validator = {static_cast<std::uint16_t>(index_)};
            vote.round = {round.value -
                          static_cast<std::uint32_t>(random_.below(std::min(round.value + 1, 3U)))};
            vote.source = source(net);
            vote.target = random_block(net);
            if (vote.source.round >= vote.round) continue;
            vote = net.sign(vote);
            to_some(net, vote);
        }
        if (random_.chance(1, 2)) second_block(net);
    }

private:
    wire::Checkpoint source(TestNetwork& net) {
        switch (random_.below(4)) {
            case 0: return genesis_checkpoint(net.params().chain);
            case 1: return net.engine(index_).final();
            case 2: return net.engine(index_).justified();
            default: break;
        }
        const Hash block = random_block(net);
        const wire::Slot slot = net.all_blocks().at(block).slot;
        return {net.schedule().round_of(wire::Slot{slot.value + 1}), slot, block};
    }
    Hash random_block(TestNetwork& net) {
        const auto& blocks = net.all_blocks();
        std::vector<std::pair<std::uint32_t, Hash>> newest;
        for (const auto& [hash, header] : blocks) newest.push_back({header.slot.value, hash});
        std::ranges::sort(newest, std::greater{});
        return newest[random_.below(std::min<std::size_t>(newest.size(), 6))].second;
    }
    void second_block(TestNetwork& net) {
        const wire::Slot slot{net.slot()};
        const Leaders leaders = net.schedule().leaders(slot);
        const wire::ValidatorIndex self{static_cast<std::uint16_t>(index_)};
        const auto rank = leaders.rank_of(self);
        if (!rank) return;
        for (std::uint8_t salt = 1; salt <= 3; ++salt) {
            const BlockRef* parent = net.engine(index_).find_block(random_block(net));
            if (parent == nullptr || parent->slot >= slot) continue;
            const wire::BlockHeader header =
                net.sign(net.make_header(*parent, slot, *rank, self, salt));
            net.remember(header);
            net.node(index_).blocks[net.hash_of(header)] = header;
            to_some(net, header);
        }
    }
    void to_some(TestNetwork& net, const Message& message) {
        for (std::size_t to = 0; to < net.size(); ++to) {
            if (to != index_ && random_.chance(1, 2)) net.send(index_, to, message);
        }
    }

    std::size_t index_;
    base::Random random_;
};

NetworkOptions draw_options(base::Random& random, std::uint64_t seed) {
    static constexpr std::uint32_t rounds[] = {1, 1, 2, 3};
    NetworkOptions options;
    options.seed = seed;
    options.stakes.clear();
    const std::uint64_t count = 4 + random.below(4);
    const bool equal = random.chance(1, 2);
    for (std::uint64_t i = 0; i < count; ++i)
        options.stakes.push_back(equal ? 10 : 5 + random.below(20));
    options.slots_per_round = rounds[random.below(4)];
    options.delay_max = Milliseconds{20 + static_cast<std::int64_t>(random.below(300))};
    options.loss_percent = static_cast<unsigned>(random.below(30));
    return options;
}

/// The heaviest validator that holds less than a third, on half of the seeds.
std::optional<std::size_t> draw_attacker(base::Random& random, const NetworkOptions& options) {
    if (random.chance(1, 2)) return std::nullopt;
    const ValidatorSet validators = test_validators(options.stakes);
    std::optional<std::size_t> heaviest;
    for (std::size_t i = 0; i < options.stakes.size(); ++i) {
        if (3 * options.stakes[i] >= validators.total().units) continue;
        if (!heaviest || options.stakes[i] > options.stakes[*heaviest]) heaviest = i;
    }
    return heaviest;
}

void disturb(TestNetwork& net, base::Random& random) {
    const std::size_t i = random.below(net.size());
    switch (random.below(5)) {
        case 0: {
            std::vector<unsigned> groups;
            for (std::size_t k = 0; k < net.size(); ++k)
                groups.push_back(static_cast<unsigned>(random.below(2)));
            net.partition(groups);
            break;
        }
        case 1: net.heal(); break;
        case 2:
            if (net.node(i).is_up()) net.crash(i);
            break;
        case 3:
            if (!net.node(i).is_up()) net.start(i);
            break;
        default:
            net.set_clock_error(i,
                                Milliseconds{static_cast<std::int64_t>(random.below(4001)) - 2000});
    }
}

void soak(std::uint64_t seed, Milliseconds vote_lead) {
    base::Random random(seed);
    NetworkOptions options = draw_options(random, seed);
    options.vote_lead = vote_lead;
    TestNetwork net(options);
    std::optional<Attacker> attacker;
    const std::optional<std::size_t> attacker_index = draw_attacker(random, options);
    if (attacker_index) {
        net.node(*attacker_index).byzantine = true;
        attacker.emplace(*attacker_index, seed + 1);
        net.on_round([&](TestNetwork& all) { attacker->act(all); });
    }
    net.start_all();
    net.propose_in(2, 1'000'000);
    for (std::uint32_t slot = 6; slot < 60; slot += 2) {
        net.run_until_slot(slot);
        if (random.chance(1, 3)) disturb(net, random);
        if (testing::Test::HasFailure()) return;
    }
    net.heal();
    net.set_loss(0);
    for (std::size_t i = 0; i < net.size(); ++i) {
        net.set_clock_error(i, Milliseconds{0});
        if (!net.node(i).is_up()) net.start(i);
    }
    const std::uint32_t healed = net.slot();
    for (int i = 0; i < 30 && net.lowest_final_slot() <= healed; ++i)
        net.run_slots(2 * net.params().slots_per_round);
    EXPECT_GT(net.lowest_final_slot(), healed) << "nothing became final after healing";
    for (std::size_t i = 0; i < net.size(); ++i) net.engine(i).check_invariants();
}

/// An equivocator justified different blocks at different nodes, in the round of FINAL among
/// others.
TEST(Soak, Seed127_JustificationsThatOnlySomeCanProve_AreRepaired) { soak(127, Milliseconds{0}); }

TEST(Soak, AnyHistory_NeverContradictsAndHeals) {
    const std::uint64_t first = from_environment("MESHCHAIN_SOAK_FIRST", 1);
    const std::uint64_t seeds = from_environment("MESHCHAIN_SOAK_SEEDS", 8);
    for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
        static constexpr Milliseconds leads[] = {Milliseconds{0}, Milliseconds{600},
                                                 Milliseconds{750}};
        soak(seed, leads[seed % 3]);
        ASSERT_FALSE(HasFailure()) << "replay: MESHCHAIN_SOAK_SEEDS=1 MESHCHAIN_SOAK_FIRST=" << seed
                                   << " consensus_test --gtest_filter='Soak.*'";
    }
}

}  // namespace
}  // namespace meshchain::consensus::test
