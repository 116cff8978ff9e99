#include "records/embedding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"

namespace meshchain::records {
namespace {

using Numbers = std::array<float, Embedding::dimensions>;

base::Errc refusal(std::span<const float> numbers) {
    const auto embedding = quantise(numbers);
    return embedding ? base::Errc{} : embedding.error().code;
}

base::Buffer encoded(const Embedding& embedding) {
    base::Buffer out;
    base::Writer writer(out);
    encode(embedding, writer);
    return out;
}

std::optional<Embedding> parsed(base::Bytes bytes) {
    base::Reader in(bytes);
    const bool is_refined = bytes.size() > Embedding::bytes;
    const Embedding embedding = is_refined ? parse_refined_embedding(in) : parse_embedding(in);
    if (!in.finish("embedding")) return std::nullopt;
    return embedding;
}

bool is_refused(const Embedding& embedding) { return !parsed(encoded(embedding)); }

Embedding coarse(Embedding embedding) {
    embedding.fifths.reset();
    return embedding;
}

Numbers counting() {
    Numbers numbers;
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = float(i) / 511 - 0.5F;
    return numbers;
}

TEST(EmbeddingTest, NumbersWithoutADirection_AreRefused) {
    const Numbers good = counting();
    EXPECT_EQ(refusal(std::span(good).first(511)), base::Errc::invalid_argument);
    EXPECT_EQ(refusal({}), base::Errc::invalid_argument);
    EXPECT_EQ(refusal(std::vector<float>(513, 1.0F)), base::Errc::invalid_argument);
    EXPECT_EQ(refusal(Numbers{}), base::Errc::invalid_argument);
    using Limits = std::numeric_limits<float>;
    for (const float bad : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
        Numbers numbers = good;
        numbers[511] = bad;
        EXPECT_EQ(refusal(numbers), base::Errc::invalid_argument) << bad;
    }
    Numbers tiny{};
    tiny[3] = Limits::min();
    EXPECT_EQ(refusal(tiny), base::Errc::invalid_argument);
}

TEST(EmbeddingTest, Refusal_SaysWhichNumberItWas) {
    Numbers numbers = counting();
    numbers[17] = std::numeric_limits<float>::infinity();
    EXPECT_EQ(base::sentence(quantise(numbers).error()),
              "embedding: number 17 is infinite; hand over 512 finite numbers that are not all "
              "zero");
}

TEST(EmbeddingTest, WhatIsCutOrNotCanonical_IsRefused) {
    const Embedding good = *quantise(counting());
    const base::Buffer bytes = encoded(good);
    EXPECT_EQ(parsed(bytes), good);
    EXPECT_EQ(parsed(base::Bytes(bytes).first(516)), coarse(good));
    for (const std::size_t length : {0U, 3U, 4U, 515U, 517U, 660U, 667U}) {
        EXPECT_FALSE(parsed(base::Bytes(bytes).first(length))) << length;
    }
    using Limits = std::numeric_limits<float>;
    for (const float scale :
         {0.0F, -0.0F, -1.0F, Limits::quiet_NaN(), Limits::infinity(), Limits::denorm_min()}) {
        Embedding bad = good;
        bad.scale = scale;
        EXPECT_TRUE(is_refused(bad)) << scale;
    }
    Embedding beyond = good;
    beyond.values[7] = -128;
    EXPECT_TRUE(is_refused(beyond));
    Embedding small{1.0F, {}};
    EXPECT_TRUE(is_refused(small));
    small.values[7] = -126;
    EXPECT_TRUE(is_refused(small));
    small.values[7] = -127;
    EXPECT_FALSE(is_refused(small));
}

TEST(EmbeddingTest, RefinementThatIsNotCanonical_IsRefused) {
    Embedding good = *quantise(counting());
    ASSERT_EQ(good.values[0], -127);
    ASSERT_EQ((*good.fifths)[0], 0);
    const auto with = [&](std::size_t number, int value, int fifth) {
        Embedding changed = good;
        changed.values[number] = static_cast<std::int8_t>(value);
        (*changed.fifths)[number] = static_cast<std::int8_t>(fifth);
        return changed;
    };
    EXPECT_FALSE(is_refused(with(7, 127, -2)));
    EXPECT_FALSE(is_refused(with(7, -127, 2)));
    EXPECT_TRUE(is_refused(with(7, 127, 1))) << "beyond the largest";
    EXPECT_TRUE(is_refused(with(7, -127, -1))) << "beyond the largest";
    EXPECT_TRUE(is_refused(with(7, -128, 2))) << "beyond the largest";
    good.values.fill(3);
    EXPECT_TRUE(is_refused(with(0, -127, 1))) << "none is as large as the scale says";
    EXPECT_FALSE(is_refused(with(0, -127, 0)));
    Embedding nothing = *quantise(counting());
    nothing.fifths->fill(0);
    EXPECT_TRUE(is_refused(nothing)) << "it says no more than none would";
    good = with(100, 127, 0);
    // Of the words of 27 fifths and of the last, which has 26, the first that stand for none.
    for (const auto& [at, first] :
         {std::pair(516U, 7450580596923828125U), std::pair(660U, 1490116119384765625U)}) {
        for (const std::uint64_t off : {0U, 1U}) {
            base::Buffer bytes = encoded(good);
            for (unsigned i = 0; i < 8; ++i) {
                bytes[at + i] = static_cast<std::byte>((first - off) >> (56 - 8 * i));
            }
            EXPECT_EQ(parsed(bytes).has_value(), off == 1) << at;
        }
    }
}

TEST(EmbeddingTest, Bytes_AreAsTheFormatPageSays) {
    Numbers numbers{};
    numbers[0] = 127.0F;
    numbers[1] = -127.0F;
    numbers[511] = 0.6F;
    const Embedding embedding = *quantise(numbers);
    const std::string without =
        "3f800000"
        "7f81" +
        std::string(2 * 509, '0') + "01";
    EXPECT_EQ(base::to_hex(encoded(coarse(embedding))), without);
    EXPECT_EQ(encoded(coarse(embedding)).size(), Embedding::bytes);
    EXPECT_EQ(parsed(encoded(coarse(embedding))), coarse(embedding));
    // No number is off its value, but for the last: two fifths below 1.
    std::string refined = without;
    for (int word = 0; word < 18; ++word) refined += "33b2e3c9fd0803ce";
    refined += "0211654585005212";
    EXPECT_EQ(base::to_hex(encoded(embedding)), refined);
    EXPECT_EQ(encoded(embedding).size(), Embedding::bytes + Embedding::refinement_bytes);
    EXPECT_EQ(parsed(encoded(embedding)), embedding);
}

TEST(EmbeddingTest, AnyEmbedding_IsReadAsItWasWritten) {
    base::Random random(1);
    for (int i = 0; i < 100; ++i) {
        Numbers numbers;
        for (float& number : numbers) number = float(random.below(2'000)) - 1'000;
        const Embedding embedding = *quantise(numbers);
        EXPECT_EQ(parsed(encoded(embedding)), embedding);
    }
}

TEST(EmbeddingTest, WholeValues_NeedNoRefinement) {
    Numbers numbers{};
    numbers[3] = -1e-3F;
    EXPECT_EQ(quantise(numbers)->fifths, std::nullopt);
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = float(i % 128) / 8;
    EXPECT_EQ(quantise(numbers)->fifths, std::nullopt);
    numbers[7] += 0.02F;
    EXPECT_NE(quantise(numbers)->fifths, std::nullopt);
}

TEST(EmbeddingTest, Refinement_IsNeverFurtherOffThanTheByteAlone) {
    base::Random random(2);
    Numbers numbers;
    numbers[0] = 127;
    for (int turn = 0; turn < 50; ++turn) {
        for (std::size_t i = 1; i < numbers.size(); ++i) {
            // Eighths are half steps among others, zero and the extremes.
            numbers[i] = (float(random.below(8 * 254 + 1)) - 8 * 127) / 8;
        }
        const Embedding embedding = *quantise(numbers);
        ASSERT_FALSE(is_refused(embedding));
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            const double kept = embedding.number(i) / 5.0;
            EXPECT_LE(std::abs(kept - double(numbers[i])), 0.1 + 1e-9) << numbers[i];
            EXPECT_LE(std::abs(kept - double(numbers[i])),
                      std::abs(embedding.values[i] - double(numbers[i])) + 1e-9)
                << numbers[i];
        }
    }
}

TEST(EmbeddingTest, EveryNumber_IsKeptToHalfAStepAndRefinedToATenth) {
    for (const float size : {1e-30F, 1.0F, 3e38F}) {
        Numbers numbers = counting();
        for (float& number : numbers) number *= size;
        const Embedding embedding = *quantise(numbers);
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            const float kept = embedding.scale * embedding.values[i];
            EXPECT_LE(std::abs(kept - numbers[i]), 0.5001F * embedding.scale) << i;
            const float refined = embedding.scale * (float(embedding.number(i)) / 5);
            EXPECT_LE(std::abs(refined - numbers[i]), 0.1001F * embedding.scale) << i;
        }
        EXPECT_FALSE(is_refused(embedding)) << size;
    }
}

TEST(EmbeddingTest, Similarity_IsTheCosineWhateverTheScale) {
    Numbers numbers = counting();
    const Embedding one = *quantise(numbers);
    for (float& number : numbers) number *= 1000;
    const Embedding scaled = *quantise(numbers);
    for (float& number : numbers) number = -number;
    const Embedding opposite = *quantise(numbers);
    EXPECT_EQ(similarity(one, scaled), 1.0F);
    EXPECT_EQ(similarity(one, opposite), -1.0F);
    Numbers first{};
    Numbers second{};
    first[0] = second[1] = 1;
    EXPECT_EQ(similarity(*quantise(first), *quantise(second)), 0.0F);
    second[0] = 1;
    EXPECT_NEAR(similarity(*quantise(first), *quantise(second)), std::sqrt(0.5), 1e-6);
}

TEST(EmbeddingTest, Similarity_UsesWhatRefinementsThereAre) {
    Numbers first{};
    Numbers second{};
    first[0] = second[0] = 127;
    first[1] = 50.4F;
    second[1] = -49.6F;
    const auto cosine = [](double a, double b) {
        return (127 * 127 + a * b) / std::sqrt((127 * 127 + a * a) * (127 * 127 + b * b));
    };
    const Embedding a = *quantise(first);
    const Embedding b = *quantise(second);
    EXPECT_NEAR(similarity(a, b), cosine(50.4, -49.6), 1e-6);
    EXPECT_NEAR(similarity(coarse(a), b), cosine(50, -49.6), 1e-6);
    EXPECT_NEAR(similarity(a, coarse(b)), cosine(50.4, -50), 1e-6);
    EXPECT_NEAR(similarity(coarse(a), coarse(b)), cosine(50, -50), 1e-6);
}

}  // namespace
}  // namespace meshchain::records
