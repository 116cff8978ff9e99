#include "records/one_bit_code.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

#include "base/assert.h"
#include "base/random.h"

namespace meshchain::records {
namespace {

constexpr std::size_t dimensions = Embedding::dimensions;
constexpr double deviations = 3;
constexpr int steps_max = ScoreTable::entry_max / 4;

/// Cosine of the angle between a vector and its code, for vectors of all directions alike.
const double mean_alignment = std::sqrt(2 / std::numbers::pi);

void hadamard(Rotation::Vector& vector) {
    for (std::size_t half = 1; half < dimensions; half *= 2) {
        for (std::size_t start = 0; start < dimensions; start += 2 * half) {
            for (std::size_t i = start; i < start + half; ++i) {
                const std::int32_t a = vector[i];
                const std::int32_t b = vector[i + half];
                vector[i] = a + b;
                vector[i + half] = a - b;
            }
        }
    }
}

double length(const Rotation::Vector& vector) {
    double squares = 0;
    for (const std::int32_t value : vector) squares += double(value) * double(value);
    return std::sqrt(squares);
}

}  // namespace

Rotation::Rotation(std::uint64_t seed) {
    base::Random random(seed);
    for (Vector& round : signs_) {
        for (std::int32_t& sign : round) sign = random.chance(1, 2) ? 1 : -1;
    }
}

void Rotation::apply(Vector& vector) const {
    // Nothing overflows: a transform multiplies the length by the root of 512, no value is larger
    // than the length, and 8191 * root(512)^4 is below 2^31.
    static_assert(std::int64_t{query_value_max} * dimensions * dimensions <
                  (std::int64_t{1} << 31));
    for (const Vector& round : signs_) {
        for (std::size_t i = 0; i < dimensions; ++i) vector[i] *= round[i];
        hadamard(vector);
    }
}

OneBitCode Rotation::code(Vector row) const {
    apply(row);
    OneBitCode code;
    double magnitudes = 0;
    for (std::size_t i = 0; i < dimensions; ++i) {
        if (row[i] >= 0) code.bits[i / 8] |= static_cast<std::uint8_t>(1U << (i % 8));
        magnitudes += std::abs(double(row[i]));
    }
    const double alignment = magnitudes / (length(row) * std::sqrt(double(dimensions)));
    // Halved, as it may be above 1; a row so far from its code that twice is not enough is looked
    // at a little less eagerly than it should be.
    const double correction = 0.5 * mean_alignment / alignment;
    code.correction = static_cast<std::int16_t>(std::min(32767L, std::lround(correction * 32768)));
    return code;
}

CodeQuery::CodeQuery(const Rotation& rotation, const QueryRow& query) {
    Rotation::Vector vector;
    std::ranges::copy(query.values, vector.begin());
    rotation.apply(vector);
    std::int32_t largest = 0;
    for (const std::int32_t value : vector) largest = std::max(largest, std::abs(value));
    MESH_ASSERT(largest > 0);

    // The query in steps of a fifteenth of its largest number: `steps` is what scores are sums of.
    Rotation::Vector steps;
    double product = 0;
    for (std::size_t i = 0; i < dimensions; ++i) {
        const double step = double(vector[i]) * steps_max / largest;
        steps[i] = static_cast<std::int32_t>(std::lround(step));
        product += double(steps[i]) * double(vector[i]);
        table_.magnitudes = static_cast<std::int16_t>(table_.magnitudes + std::abs(steps[i]));
    }
    for (std::size_t i = 0; i < table_.entries.size(); ++i) {
        for (std::size_t code = 0; code < 16; ++code) {
            int agreeing = 0;
            for (std::size_t bit = 0; bit < 4; ++bit) {
                const std::int32_t step = steps[4 * i + bit];
                if (((code >> bit) & 1) == (step >= 0 ? 1U : 0U)) agreeing += std::abs(step);
            }
            table_.entries[i][code] = static_cast<std::uint8_t>(agreeing);
        }
    }

    const double steps_length = length(steps);
    const double rounded = std::min(1.0, product / (steps_length * length(vector)));
    score_a_cosine_ = 2 * mean_alignment * std::sqrt(double(dimensions)) * steps_length * rounded;
    off_steps_ = 1 / (rounded * rounded) - 1;
}

std::int16_t CodeQuery::score_of(float cosine) const {
    const double value = std::clamp(double{cosine}, -1.0, 1.0);
    // A code is off its row by an angle, the steps are off the query by another, and a row is off
    // the query by a third; but for their sizes, all three point anywhere.
    constexpr double off_code = std::numbers::pi / 2 - 1;
    const double off_query = 1 - value * value;
    const double variance =
        (off_code * (off_query + off_steps_) + off_query * off_steps_) / (dimensions - 1);
    // Two for what the score itself was rounded.
    const double score = score_a_cosine_ * (value - deviations * std::sqrt(variance)) - 2;
    return static_cast<std::int16_t>(std::clamp(std::floor(score), -32768.0, 32767.0));
}

}  // namespace meshchain::records
