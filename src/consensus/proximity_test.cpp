// Proximity weighs in who leads, within its bound, and nowhere else.

#include "consensus/reception_log.h"
#include "consensus/test_network.h"

namespace meshchain::consensus::test {
namespace {

ValidatorSet set_with(const std::vector<std::uint8_t>& proximities) {
    std::vector<Validator> validators;
    for (std::uint32_t i = 0; i < proximities.size(); ++i) {
        validators.push_back({test_identity(i), test_key(i).public_key(), {100}, proximities[i]});
    }
    return ValidatorSet(std::move(validators));
}

TEST(ProximityWeightTest, AQuarterMoreAtMost_InWholeNumbers) {
    const ValidatorSet set = set_with({0, 255, 51, 128});
    EXPECT_EQ(set.weight({0}) * 5, set.weight({1}) * 4) << "1.25 for the greatest";
    EXPECT_EQ(set.weight({2}) * 20, set.weight({0}) * 21) << "51 of 255 is a fifth of it";
    for (std::uint16_t i = 0; i < 4; ++i) {
        EXPECT_LE(4 * set.weight({i}), 5 * set.weight({0}));
        EXPECT_GE(set.weight({i}), set.weight({0}));
    }
    EXPECT_EQ(set_with({0, 0}).weight({0}), 100U) << "as on a chain that knows no proximity";
    const ValidatorSet rich(
        {{test_identity(0), test_key(0).public_key(), {wire::Amount::units_max}, 255}});
    EXPECT_LT(rich.total_weight(), std::uint64_t{1} << 56U) << "what a draw can take";
}

TEST(ProximityWeightTest, WhoIsHeardByAll_LeadsAQuarterMoreOften) {
    Params params;
    params.block_time = Milliseconds{1000};
    params.rank_delay = Milliseconds{100};
    const ValidatorSet set = set_with({255, 0, 0, 0, 0});
    const Schedule schedule(params, set);
    int led = 0;
    constexpr int slots = 4000;
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
        if (schedule.leaders({slot}, set, {}).ranked().front() == wire::ValidatorIndex{0}) ++led;
    }
    const double share = static_cast<double>(led) / slots;  // 1.25 of 5.25
    EXPECT_NEAR(share, 1.25 / 5.25, 0.02);
}

TEST(ProximityWeightTest, NoQuorumAndNoThird_KnowsOfIt) {
    const ValidatorSet near = set_with({255, 255, 0, 0});
    const ValidatorSet far = set_with({0, 0, 0, 0});
    EXPECT_EQ(near.total(), far.total());
    for (ValidatorBits members = 0; members < 16; ++members) {
        EXPECT_EQ(near.stake_of(members), far.stake_of(members));
        EXPECT_EQ(near.is_quorum(near.stake_of(members)), far.is_quorum(far.stake_of(members)));
    }
}

TEST(ReceptionLogTest, CountsTheLastEightOwnVotesUpToFinal_AndForgetsFormerHolders) {
    ReceptionLog log;
    const base::WallTime now = test_start;
    log.note_direct({3}, now);
    EXPECT_EQ(log.heard(now + Milliseconds{900}, Milliseconds{1000}), bit({3}));
    EXPECT_EQ(log.heard(now + Milliseconds{1100}, Milliseconds{1000}), 0U);
    for (std::uint32_t round = 1; round <= 20; ++round) {
        log.note_vote({round}, round % 2 == 0 ? bit({1}) | bit({2}) : bit({1}));
    }
    const wire::Reception counts = log.counts({15});
    EXPECT_EQ(counts.rounds({1}), 8);
    EXPECT_EQ(counts.rounds({2}), 4);
    EXPECT_EQ(counts.rounds({0}), 0);
    EXPECT_EQ(log.counts({3}).rounds({1}), 3) << "it votes since then";
    log.forget(bit({1}));
    EXPECT_EQ(log.counts({15}).rounds({1}), 0);
    EXPECT_EQ(log.counts({15}).rounds({2}), 4);
}

}  // namespace
}  // namespace meshchain::consensus::test
