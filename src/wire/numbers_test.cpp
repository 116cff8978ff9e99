#include "wire/numbers.h"

#include <gtest/gtest.h>

namespace meshchain::wire {
namespace {

TEST(AmountTest, Sum_OverTheLargestAmount_IsNothing) {
    constexpr Amount most{Amount::units_max};
    EXPECT_EQ(add(most, Amount{1}), std::nullopt);
    EXPECT_EQ(add(most, most), std::nullopt);
    EXPECT_EQ(add(most, Amount{0}), most);
    EXPECT_EQ(subtract(Amount{1}, Amount{2}), std::nullopt);
    EXPECT_EQ(subtract(Amount{2}, Amount{2}), Amount{0});
}

TEST(FeeCodeTest, EachCode_IsAnotherFee_AndTheyRise) {
    for (unsigned code = 1; code < 256; ++code) {
        EXPECT_LT(FeeCode{static_cast<std::uint8_t>(code - 1)}.amount(),
                  FeeCode{static_cast<std::uint8_t>(code)}.amount());
    }
    EXPECT_EQ(FeeCode{0}.amount().units, 0U);
    EXPECT_EQ(FeeCode{7}.amount().units, 7U);
    EXPECT_EQ(FeeCode{8}.amount().units, 8U);
    EXPECT_EQ(FeeCode{16}.amount().units, 16U);
    EXPECT_EQ(FeeCode{255}.amount().units, std::uint64_t{15} << 30);
}

TEST(FeeCodeTest, CodeForAFee_IsTheSmallestThatCoversIt) {
    for (unsigned code = 0; code < 256; ++code) {
        const FeeCode exact{static_cast<std::uint8_t>(code)};
        EXPECT_EQ(fee_code_for(exact.amount()), exact);
    }
    EXPECT_EQ(fee_code_for(Amount{17}), FeeCode{17 - 0});
    EXPECT_EQ(fee_code_for(Amount{(std::uint64_t{15} << 30) + 1}), std::nullopt);
}

TEST(ExpiryTest, Window_HoldsItsEdgesAndNothingBeyond) {
    constexpr Slot slot{10 * Expiry::slots_per_unit + 63};
    EXPECT_FALSE(is_valid_at(Expiry{9}, slot));
    EXPECT_TRUE(is_valid_at(Expiry{10}, slot));
    EXPECT_TRUE(is_valid_at(Expiry{10 + 945}, slot));
    EXPECT_FALSE(is_valid_at(Expiry{10 + 946}, slot));
    EXPECT_FALSE(is_valid_at(Expiry{10}, Slot{slot.value + 1}));
}

TEST(ExpiryTest, LowBits_MeanTheNearestUnit_AcrossTheWrapAround) {
    const auto nearest = [](std::uint32_t low, std::uint32_t now) {
        return expiry_from_low_bits(static_cast<std::uint16_t>(low),
                                    Slot{now * Expiry::slots_per_unit})
            .units;
    };
    EXPECT_EQ(nearest(0x0005, 0x1fff0), 0x20005U);
    EXPECT_EQ(nearest(0xfff0, 0x20005), 0x1fff0U);
    EXPECT_EQ(nearest(0x1234, 0x11234), 0x11234U);
    EXPECT_EQ(nearest(0xffff, 0), 0xffffU) << "there is no unit before the first";
    EXPECT_EQ(nearest(0x8000, 0x20000), 0x18000U) << "of two equally near, the earlier";
}

TEST(ExpiryTest, LowBits_GiveBackEveryExpiryWhereItIsValid) {
    for (std::uint32_t now : {0U, 1U, 32767U, 65530U, 65536U, 1'000'000U}) {
        for (std::uint32_t ahead = 0; ahead <= Expiry::units_ahead_max; ++ahead) {
            const Expiry expiry{now + ahead};
            EXPECT_EQ(expiry_from_low_bits(static_cast<std::uint16_t>(expiry.units),
                                           Slot{now * Expiry::slots_per_unit}),
                      expiry);
        }
    }
}

}  // namespace
}  // namespace meshchain::wire
