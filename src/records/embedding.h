#pragma once
// What a record is about, as a vector of 512 numbers: two records are similar when their vectors
// point the same way. Programs hand over float32; records carry a byte a number and one scale.
//
// A number is `scale` times a value of -127..127, and the largest value is 127 or -127, so that no
// two embeddings differ in their bytes alone. What rounding costs a search is in decision 0179.
//
// Ownership: spans are read before the call returns.
// Errors:    vectors without a direction (zeros, NaN, infinity) or of another length are refused.
// Format:    docs/formats/embedding.md

#include <array>
#include <cstdint>
#include <expected>
#include <span>

#include "base/cursor.h"

namespace meshchain::records {

struct Embedding {
    static constexpr std::size_t dimensions = 512;
    static constexpr std::size_t bytes = 4 + dimensions;
    static constexpr int value_max = 127;

    float scale = 0;
    std::array<std::int8_t, dimensions> values{};

    friend bool operator==(const Embedding&, const Embedding&) = default;
};

/// Errors: invalid_argument (not 512 numbers, one is NaN or infinite, or all are zero or so small
/// that a float holds no scale for them).
std::expected<Embedding, base::Error> quantise(std::span<const float> numbers);

/// The largest magnitude among `numbers`. Errors: as `quantise`.
std::expected<float, base::Error> largest_magnitude(std::span<const float> numbers);

/// Cosine of the angle between them: 1 for the same direction, whatever the scales. Asserts that
/// neither is without a value, which no embedding of `quantise` or `parse_embedding` is.
float similarity(const Embedding& a, const Embedding& b);

void encode(const Embedding& embedding, base::Writer& out);

/// Reads Embedding::bytes; what is not canonical makes the reader fail.
Embedding parse_embedding(base::Reader& in);

}  // namespace meshchain::records
