#include "coding/gf256.h"

#include <gtest/gtest.h>

namespace meshchain::coding {
namespace {

/// Bit by bit, as the field is defined.
std::uint8_t product(unsigned a, unsigned b) {
    unsigned sum = 0;
    for (; b != 0; b >>= 1) {
        if ((b & 1) != 0) sum ^= a;
        a <<= 1;
        if (a > 255) a ^= Gf256::polynomial;
    }
    return static_cast<std::uint8_t>(sum);
}

TEST(Gf256, EveryProduct_IsThatOfPolynomials) {
    for (unsigned a = 0; a < 256; ++a) {
        for (unsigned b = 0; b < 256; ++b) {
            const auto got =
                Gf256::multiply(static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b));
            if (got != product(a, b)) FAIL() << a << " times " << b << " gave " << unsigned{got};
        }
    }
}

TEST(Gf256, EveryElementButZero_TimesItsInverse_IsOne) {
    for (unsigned a = 1; a < 256; ++a) {
        const auto element = static_cast<std::uint8_t>(a);
        EXPECT_EQ(Gf256::multiply(element, Gf256::inverse(element)), 1);
    }
}

TEST(Gf256, Rows_AreAddedAndScaledByteByByte) {
    for (unsigned factor = 0; factor < 256; ++factor) {
        std::array<std::byte, 256> row{};
        for (unsigned i = 0; i < 256; ++i) row[i] = static_cast<std::byte>(i);
        std::array<std::byte, 256> sum;
        sum.fill(std::byte{0x5A});
        add_multiple(sum, row, static_cast<std::uint8_t>(factor));
        scale(row, static_cast<std::uint8_t>(factor));
        for (unsigned i = 0; i < 256; ++i) {
            const std::uint8_t expected = product(factor, i);
            if (row[i] != std::byte{expected} || sum[i] != std::byte(expected ^ 0x5AU)) {
                FAIL() << factor << " times " << i;
            }
        }
    }
}

}  // namespace
}  // namespace meshchain::coding
