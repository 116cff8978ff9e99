#include "sim/lora_medium.h"

#include <gtest/gtest.h>

#include <cmath>

namespace meshchain::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t packet = 100;

TEST(Decibels, OfRatios_AreThoseOfTheLogarithm) {
    for (const double exponent : {0.0, 0.3, 1.0, 2.5, 5.4, 9.0, 15.0}) {
        const auto ratio = static_cast<std::uint64_t>(std::pow(10.0, exponent));
        EXPECT_NEAR(decibels_of(ratio), 1000 * std::log10(static_cast<double>(ratio)), 1.01)
            << ratio;
    }
    EXPECT_EQ(decibels_of(1), 0);
    EXPECT_EQ(decibels_of(1'000'000), 60'00);
}

class Air : public testing::Test {
protected:
    LoraMedium at(const std::vector<Place>& places) { return {setting_, places, base::Random(7)}; }
    /// Who reads a packet of `sender` that disturbs nobody.
    std::vector<std::size_t> hearers(LoraMedium& medium, std::size_t sender) {
        const base::Duration takes = medium.begin(now_, sender, packet);
        now_ += takes;
        return radios(medium.end(now_, sender));
    }
    static std::vector<std::size_t> radios(const std::vector<LoraMedium::Reception>& receptions) {
        std::vector<std::size_t> numbers;
        for (const auto& reception : receptions) numbers.push_back(reception.radio);
        return numbers;
    }

    LoraSetting setting_;
    base::Instant now_{std::chrono::hours(1)};
};

TEST_F(Air, RadiosInReach_ReadAPacket_AndTheFarOneDoesNot) {
    LoraMedium medium = at({{0, 0}, {3'000, 0}, {0, 6'000}, {20'000, 0}});
    EXPECT_EQ(hearers(medium, 0), (std::vector<std::size_t>{1, 2}));
    EXPECT_EQ(medium.level(0, 3), std::nullopt);
    EXPECT_EQ(medium.level(0, 1), medium.level(1, 0));
    EXPECT_GT(*medium.level(0, 1), *medium.level(0, 2));
    // 10 times as far is 29 dB less.
    LoraMedium near = at({{0, 0}, {500, 0}, {5'000, 0}});
    EXPECT_NEAR(*near.level(0, 1) - *near.level(0, 2), 29'00, 2);
}

TEST_F(Air, QuickerPreset_ReachesLessFar) {
    const std::vector<Place> places{{0, 0}, {4'500, 0}};
    LoraMedium slow = at(places);
    EXPECT_EQ(hearers(slow, 0).size(), 1);
    setting_.modulation = radio::modulation_of(radio::Preset::short_turbo);
    LoraMedium quick = at(places);
    EXPECT_TRUE(hearers(quick, 0).empty());
}

TEST_F(Air, RadioThatSends_HearsNothing) {
    LoraMedium medium = at({{0, 0}, {1'000, 0}, {2'000, 0}});
    const base::Duration takes = medium.begin(now_, 0, packet);
    medium.begin(now_ + takes / 2, 1, packet);
    EXPECT_TRUE(radios(medium.end(now_ + takes, 0)).empty()) << "1 sends, 2 hears both alike";
    EXPECT_EQ(medium.counts().deaf, 1);
}

TEST_F(Air, PacketsThatOverlap_AreLost_ButForOneThatIsSixDecibelsLouder) {
    // 2 hears 0 and 1 alike; 3 is so near to 1 that it reads it all the same.
    LoraMedium medium = at({{0, 0}, {4'000, 0}, {2'000, 0}, {3'900, 0}});
    const base::Duration takes = medium.begin(now_, 0, packet);
    const base::Instant second = now_ + milliseconds(1);
    medium.begin(second, 1, packet);
    EXPECT_TRUE(radios(medium.end(now_ + takes, 0)).empty());
    EXPECT_EQ(radios(medium.end(second + takes, 1)), (std::vector<std::size_t>{3}));
    EXPECT_GT(medium.counts().disturbed, 0);
}

TEST_F(Air, LouderPacketInTheMiddleOfAnother_DestroysItAndIsNotRead) {
    LoraMedium medium = at({{0, 0}, {4'000, 0}, {3'900, 0}});
    const base::Duration takes = medium.begin(now_, 0, packet);
    const base::Instant second = now_ + takes / 2;
    medium.begin(second, 1, packet);
    EXPECT_TRUE(radios(medium.end(now_ + takes, 0)).empty());
    EXPECT_TRUE(radios(medium.end(second + takes, 1)).empty()) << "2 was reading the other";
}

TEST_F(Air, PacketThatEndsInAnothersPreamble_DisturbsItNot) {
    LoraMedium medium = at({{0, 0}, {2'000, 0}, {1'000, 0}});
    const base::Duration takes = medium.begin(now_, 0, packet);
    const base::Instant second = now_ + takes - milliseconds(50);
    medium.begin(second, 1, packet);
    EXPECT_TRUE(radios(medium.end(now_ + takes, 0)).empty());
    EXPECT_EQ(radios(medium.end(second + takes, 1)), (std::vector<std::size_t>{2}))
        << "0 was sending when it began";
}

TEST_F(Air, FadingLink_LosesInBursts) {
    setting_.fade_depth = 40'00;
    setting_.fade_every = minutes(1);
    setting_.fade_lasts = seconds(20);
    LoraMedium medium = at({{0, 0}, {3'000, 0}});
    int lost = 0;
    int changes = 0;
    bool was_lost = false;
    constexpr int packets = 4000;
    for (int i = 0; i < packets; ++i) {
        const bool is_lost = hearers(medium, 0).empty();
        lost += is_lost;
        changes += is_lost != was_lost;
        was_lost = is_lost;
        now_ += seconds(1);
    }
    EXPECT_NEAR(lost, packets / 4, packets / 20) << "20 s of each 80 s";
    EXPECT_LT(changes, lost / 3) << "they come in bursts";
    EXPECT_GT(changes, 20);
}

TEST_F(Air, LossWithoutAReason_IsAsGreatAsSet) {
    setting_.loss_permille = 150;
    LoraMedium medium = at({{0, 0}, {1'000, 0}});
    int lost = 0;
    for (int i = 0; i < 2000; ++i) lost += hearers(medium, 0).empty();
    EXPECT_NEAR(lost, 300, 60);
}

TEST_F(Air, ChannelUse_IsThatOfTheLastMinute) {
    LoraMedium medium = at({{0, 0}, {1'000, 0}, {40'000, 0}});
    EXPECT_EQ(medium.use_percent(now_, 1), 0);
    const base::Instant begin = now_;
    while (now_ - begin < seconds(30)) hearers(medium, 0);
    EXPECT_NEAR(medium.use_percent(now_, 0), 50, 3);
    EXPECT_NEAR(medium.use_percent(now_, 1), 50, 3);
    EXPECT_EQ(medium.use_percent(now_, 2), 0) << "out of reach";
    EXPECT_EQ(medium.use_percent(now_ + minutes(2), 1), 0);
}

}  // namespace
}  // namespace meshchain::sim
