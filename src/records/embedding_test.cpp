#include "records/embedding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

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

bool is_refused(const Embedding& embedding) {
    const base::Buffer bytes = encoded(embedding);
    base::Reader in(bytes);
    parse_embedding(in);
    return !in.finish("embedding").has_value();
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
    for (const std::size_t length : {0U, 3U, 4U, 515U}) {
        base::Reader in(base::Bytes(bytes).first(length));
        parse_embedding(in);
        EXPECT_FALSE(in.finish("embedding")) << length;
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

TEST(EmbeddingTest, Bytes_AreAsTheFormatPageSays) {
    Numbers numbers{};
    numbers[0] = 127.0F;
    numbers[1] = -127.0F;
    numbers[511] = 0.6F;
    const Embedding embedding = *quantise(numbers);
    const base::Buffer bytes = encoded(embedding);
    EXPECT_EQ(base::to_hex(bytes),
              "3f800000"
              "7f81" +
                  std::string(2 * 509, '0') + "01");
    EXPECT_EQ(bytes.size(), Embedding::bytes);
    base::Reader in(bytes);
    EXPECT_EQ(parse_embedding(in), embedding);
    EXPECT_TRUE(in.finish("embedding"));
}

TEST(EmbeddingTest, EveryNumber_IsKeptToHalfAStep) {
    for (const float size : {1e-30F, 1.0F, 3e38F}) {
        Numbers numbers = counting();
        for (float& number : numbers) number *= size;
        const Embedding embedding = *quantise(numbers);
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            const float kept = embedding.scale * embedding.values[i];
            EXPECT_LE(std::abs(kept - numbers[i]), 0.5001F * embedding.scale) << i;
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

}  // namespace
}  // namespace meshchain::records
