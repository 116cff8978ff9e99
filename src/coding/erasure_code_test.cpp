#include "coding/erasure_code.h"

#include <gtest/gtest.h>

#include <bit>
#include <fstream>
#include <numeric>
#include <sstream>

#include "base/random.h"
#include "base/test_effort.h"

namespace meshchain::coding {
namespace {

base::Buffer random_message(base::Random& random, std::size_t bytes) {
    base::Buffer message(bytes);
    for (std::byte& value : message) value = static_cast<std::byte>(random.below(256));
    return message;
}

base::Buffer piece_of(const Cut& cut, base::Bytes message, std::size_t index) {
    base::Buffer piece(cut.piece_bytes);
    make_piece(cut, message, static_cast<std::uint8_t>(index), piece);
    return piece;
}

/// The message of `indexes`, added in that order.
base::Buffer collect(const Cut& cut, base::Bytes message, std::span<const std::size_t> indexes) {
    PieceCollector collector(cut);
    for (const std::size_t index : indexes) {
        EXPECT_TRUE(collector.add(static_cast<std::uint8_t>(index), piece_of(cut, message, index)));
    }
    EXPECT_EQ(collector.missing(), 0U);
    return collector.take_message();
}

TEST(ErasureCode, KnownPieces_AreMadeAsTheDefinitionSays) {
    std::ifstream file(MESHCHAIN_VECTORS "/erasure_code.txt");
    std::string line;
    std::size_t lines = 0;
    while (std::getline(file, line)) {
        if (line.starts_with('#')) continue;
        std::istringstream in(line);
        Cut cut;
        std::size_t index = 0;
        std::string hex;
        ASSERT_TRUE(in >> cut.message_bytes >> cut.piece_bytes >> index >> hex) << line;
        base::Buffer message(cut.message_bytes);
        for (std::size_t i = 0; i < message.size(); ++i) {
            message[i] = static_cast<std::byte>(i * i + 7 * i + message.size());
        }
        EXPECT_EQ(base::to_hex(piece_of(cut, message, index)), hex) << line;
        ++lines;
    }
    EXPECT_GE(lines, 40U);
}

TEST(ErasureCode, AnyPieces_AsManyAsTheMessageHas_GiveItBack) {
    base::Random random(1);
    // Every choice of k among nine pieces, in rising order.
    for (std::size_t k = 1; k <= 7; ++k) {
        const base::Buffer message = random_message(random, 3 * k - 1);
        const Cut cut{message.size(), 3};
        ASSERT_EQ(cut.pieces(), k);
        for (unsigned chosen = 0; chosen < 512; ++chosen) {
            if (static_cast<std::size_t>(std::popcount(chosen)) != k) continue;
            std::vector<std::size_t> indexes;
            for (std::size_t i = 0; i < 9; ++i) {
                if ((chosen >> i & 1) != 0) indexes.push_back(i);
            }
            ASSERT_EQ(collect(cut, message, indexes), message) << k << ", " << chosen;
        }
    }
}

TEST(ErasureCode, AnyPiecesOfAll256_InAnyOrder_GiveTheMessageBack) {
    for (unsigned seed = 0; seed < test::effort(24U, 5'000U); ++seed) {
        base::Random random(seed);
        const std::size_t pieces_wanted = 1 + random.below(random.below(4) == 0 ? 255 : 24);
        const std::size_t piece_bytes = 1 + random.below(24);
        const base::Buffer message =
            random_message(random, pieces_wanted * piece_bytes - random.below(piece_bytes));
        const Cut cut{message.size(), piece_bytes};
        ASSERT_TRUE(cut.is_sound());
        std::vector<std::size_t> indexes(pieces_max);
        std::iota(indexes.begin(), indexes.end(), 0);
        for (std::size_t i = 0; i < cut.pieces(); ++i) {
            std::swap(indexes[i], indexes[i + random.below(pieces_max - i)]);
        }
        indexes.resize(cut.pieces());
        ASSERT_EQ(collect(cut, message, indexes), message) << "seed " << seed;
    }
}

TEST(ErasureCode, KnownPiece_IsNotTakenTwice_NorMoreThanAreNeeded) {
    base::Random random(2);
    const base::Buffer message = random_message(random, 20);
    const Cut cut{20, 10};
    PieceCollector collector(cut);
    EXPECT_TRUE(collector.add(7, piece_of(cut, message, 7)));
    EXPECT_FALSE(collector.add(7, piece_of(cut, message, 7)));
    EXPECT_TRUE(collector.has(7));
    EXPECT_EQ(collector.missing(), 1U);
    EXPECT_TRUE(collector.add(1, piece_of(cut, message, 1)));
    EXPECT_FALSE(collector.add(0, piece_of(cut, message, 0)));
    EXPECT_EQ(collector.take_message(), message);
}

TEST(ErasureCode, FalsePiece_GivesAnotherMessageOfTheSameLength) {
    base::Random random(3);
    const base::Buffer message = random_message(random, 40);
    const Cut cut{40, 10};
    PieceCollector collector(cut);
    for (const std::size_t index : {0U, 9U, 77U}) {
        collector.add(static_cast<std::uint8_t>(index), piece_of(cut, message, index));
    }
    collector.add(200, random_message(random, 10));
    const base::Buffer got = collector.take_message();
    EXPECT_EQ(got.size(), message.size());
    EXPECT_NE(got, message);
}

TEST(Cut, Evenly_IsTheFewestPiecesAndWastesLittle) {
    for (std::size_t bytes = 1; bytes <= 3'000; ++bytes) {
        for (const std::size_t piece_max : {1U, 13U, 220U, 221U}) {
            const Cut cut = cut_evenly(bytes, piece_max);
            ASSERT_LE(cut.piece_bytes, piece_max);
            ASSERT_LE(cut.pieces(), (bytes + piece_max - 1) / piece_max);
            ASSERT_LT(cut.pieces() * cut.piece_bytes - bytes, cut.pieces() + cut.piece_bytes);
        }
    }
}

TEST(Cut, ThatIsNone_IsFoundOut) {
    EXPECT_FALSE((Cut{0, 1}.is_sound()));
    EXPECT_FALSE((Cut{1, 0}.is_sound()));
    EXPECT_FALSE((Cut{256, 1}.is_sound()));
    EXPECT_TRUE((Cut{255, 1}.is_sound()));
}

}  // namespace
}  // namespace meshchain::coding
