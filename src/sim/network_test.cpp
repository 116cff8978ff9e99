#include "sim/network.h"

#include <gtest/gtest.h>

namespace meshchain::sim {
namespace {

TEST(Network, Lan_LosesNothingAndDelaysLittle) {
    Network network(3, base::Random(1));
    for (int i = 0; i < 1000; ++i) {
        const auto copies = network.carry(0, 1);
        ASSERT_EQ(copies.size(), 1U);
        EXPECT_LE(copies[0].delay, std::chrono::milliseconds(5));
        EXPECT_FALSE(copies[0].damaged);
    }
}

TEST(Network, Partition_SeparatesEverySide_AndThoseNamedNowhere) {
    Network network(5, base::Random(1));
    network.partition({{0, 1}, {2}});
    EXPECT_TRUE(network.hears(0, 1));
    EXPECT_FALSE(network.hears(0, 2));
    EXPECT_FALSE(network.hears(2, 3));
    EXPECT_TRUE(network.hears(3, 4));
    EXPECT_TRUE(network.carry(0, 4).empty());
    network.heal();
    EXPECT_TRUE(network.hears(0, 4));
}

TEST(Network, ACut_LetsTheOtherDirectionThrough) {
    Network network(2, base::Random(1));
    network.cut(0, 1);
    EXPECT_FALSE(network.hears(1, 0));
    EXPECT_TRUE(network.hears(0, 1));
    network.heal();
    EXPECT_TRUE(network.hears(1, 0));
}

TEST(Network, Links_AreAllThereIs_AndOutlastAHeal) {
    Network network(3, base::Random(1));
    network.set_links({{0, 1}, {1, 2}});
    EXPECT_TRUE(network.hears(0, 1));
    EXPECT_TRUE(network.hears(1, 0));
    EXPECT_FALSE(network.hears(0, 2));
    network.heal();
    EXPECT_FALSE(network.hears(0, 2));
}

TEST(Network, Quality_IsWhatItSays) {
    Network network(2, base::Random(9));
    const LinkQuality awful = quality_of("awful").value();
    network.set_quality(awful);
    unsigned lost = 0;
    unsigned twice = 0;
    unsigned damaged = 0;
    unsigned late = 0;
    constexpr unsigned sent = 20'000;
    for (unsigned i = 0; i < sent; ++i) {
        const auto copies = network.carry(0, 1);
        lost += copies.empty();
        twice += copies.size() == 2;
        for (const Copy& copy : copies) {
            damaged += copy.damaged;
            late += copy.delay > awful.delay_max;
            EXPECT_GE(copy.delay, awful.delay_min);
        }
    }
    EXPECT_NEAR(lost, sent * 0.3, sent * 0.02);
    EXPECT_NEAR(twice, sent * 0.7 * 0.05, sent * 0.01);
    EXPECT_NEAR(damaged, sent * 0.7 * 0.03, sent * 0.01);
    EXPECT_GT(late, sent * 0.7 * 0.05 * 0.7);
}

TEST(Network, PoorQuality_LosesMoreThanBadAndLessThanAwful) {
    EXPECT_EQ(quality_of("poor")->loss_permille, 150U);
    EXPECT_LT(quality_of("bad")->loss_permille, quality_of("poor")->loss_permille);
    EXPECT_LT(quality_of("poor")->loss_permille, quality_of("awful")->loss_permille);
    EXPECT_FALSE(quality_of("pure").has_value());
}

TEST(Network, Damage_AlwaysChangesTheFirstByteOrAnother) {
    Network network(2, base::Random(3));
    unsigned changed = 0;
    for (int i = 0; i < 100; ++i) {
        std::array<std::byte, 40> bytes{};
        network.damage(bytes);
        changed += bytes != std::array<std::byte, 40>{};
    }
    // Twice the same byte by the same value: once in some ten thousand.
    EXPECT_GE(changed, 99U);
}

}  // namespace
}  // namespace meshchain::sim
