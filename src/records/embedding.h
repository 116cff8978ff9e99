#pragma once
// What a record is about, as a vector of 512 numbers: two records are similar when their vectors
// point the same way. Programs hand over float32; records carry a byte a number and one scale, and
// if there is room a refinement: which fifth of its byte's step each number lies in.
//
// A number is `scale` times a value of -127..127, or that and -2..2 fifths. The largest magnitude
// is 127, so that no two embeddings differ in their bytes alone. Fifths, as they meet the step's
// ends and its middle: a refined number is never further off than its byte alone, and zero stays
// zero. What rounding costs a search is in decision 0179.
//
// Ownership: spans are read before the call returns.
// Errors:    vectors without a direction (zeros, NaN, infinity) or of another length are refused.
// Format:    docs/formats/embedding.md

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>

#include "base/cursor.h"

namespace meshchain::records {

struct Embedding {
    static constexpr std::size_t dimensions = 512;
    static constexpr std::size_t bytes = 4 + dimensions;
    static constexpr int value_max = 127;
    /// Of a refinement: 27 fifths a word of 64 bits.
    static constexpr std::size_t refinement_bytes = 152;
    static constexpr int fifths_max = 2;

    float scale = 0;
    std::array<std::int8_t, dimensions> values{};
    /// The refinement: none from whoever had bytes only, where it found no room, or where all of it
    /// would be zero.
    std::optional<std::array<std::int8_t, dimensions>> fifths{};

    /// In fifths of `scale`; at most 635 either way.
    int number(std::size_t i) const { return 5 * values[i] + (fifths ? (*fifths)[i] : 0); }
    friend bool operator==(const Embedding&, const Embedding&) = default;
};

/// With a refinement, unless every number is a whole value.
/// Errors: invalid_argument (not 512 numbers, one is NaN or infinite, or all are zero or so small
/// that a float holds no scale for them).
std::expected<Embedding, base::Error> quantise(std::span<const float> numbers);

/// The largest magnitude among `numbers`. Errors: as `quantise`.
std::expected<float, base::Error> largest_magnitude(std::span<const float> numbers);

/// Cosine of the angle between them: 1 for the same direction, whatever the scales. Asserts that
/// neither is without a value, which no embedding of `quantise` or `parse_embedding` is.
float similarity(const Embedding& a, const Embedding& b);

/// Writes Embedding::bytes, and the refinement behind them if there is one.
void encode(const Embedding& embedding, base::Writer& out);

/// Reads Embedding::bytes; what is not canonical makes the reader fail.
Embedding parse_embedding(base::Reader& in);

/// The same, and the refinement behind them.
Embedding parse_refined_embedding(base::Reader& in);

}  // namespace meshchain::records
