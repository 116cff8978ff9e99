#include "records/embedding.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

#include "base/assert.h"

namespace meshchain::records {
namespace {

std::unexpected<base::Error> refused(std::string what) {
    return base::failure(base::Errc::invalid_argument, std::move(what), "embedding",
                         "hand over 512 finite numbers that are not all zero");
}

std::int64_t dot_product(const Embedding& a, const Embedding& b) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < Embedding::dimensions; ++i) sum += a.number(i) * b.number(i);
    return sum;
}

using Fifths = std::array<std::int8_t, Embedding::dimensions>;

bool is_canonical(const Embedding& embedding) {
    int largest = 0;
    for (std::size_t i = 0; i < Embedding::dimensions; ++i) {
        largest = std::max(largest, std::abs(embedding.number(i)));
    }
    // A refinement of nothing but zeros would be a second form of an embedding without one.
    if (embedding.fifths == Fifths{}) return false;
    return largest == 5 * Embedding::value_max && std::isnormal(embedding.scale) &&
           embedding.scale > 0;
}

/// 5^27 is just below 2^63, so a number takes 2.37 bits; 2.32 is the least that five may take.
constexpr std::size_t fifths_a_word = 27;
static_assert(Embedding::refinement_bytes ==
              (Embedding::dimensions + fifths_a_word - 1) / fifths_a_word * 8);

void write_fifths(std::span<const std::int8_t> fifths, base::Writer& out) {
    while (!fifths.empty()) {
        const std::size_t count = std::min(fifths_a_word, fifths.size());
        std::uint64_t word = 0;
        for (std::size_t i = count; i-- > 0;) {
            word = 5 * word + static_cast<std::uint64_t>(fifths[i] + Embedding::fifths_max);
        }
        out.u64(word);
        fifths = fifths.subspan(count);
    }
}

void read_fifths(base::Reader& in, std::span<std::int8_t> fifths) {
    while (!fifths.empty()) {
        const std::size_t count = std::min(fifths_a_word, fifths.size());
        std::uint64_t word = in.u64();
        for (std::int8_t& fifth : fifths.first(count)) {
            fifth = static_cast<std::int8_t>(static_cast<int>(word % 5) - Embedding::fifths_max);
            word /= 5;
        }
        if (word != 0) in.fail();
        fifths = fifths.subspan(count);
    }
}

void read_values(base::Reader& in, Embedding& embedding) {
    embedding.scale = std::bit_cast<float>(in.u32());
    in.read(std::as_writable_bytes(std::span(embedding.values)));
}

}  // namespace

std::expected<float, base::Error> largest_magnitude(std::span<const float> numbers) {
    if (numbers.size() != Embedding::dimensions) {
        return refused("it has " + std::to_string(numbers.size()) + " numbers");
    }
    float largest = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (!std::isfinite(numbers[i])) {
            return refused("number " + std::to_string(i) + " is " +
                           (std::isnan(numbers[i]) ? "not a number" : "infinite"));
        }
        largest = std::max(largest, std::abs(numbers[i]));
    }
    if (largest == 0) return refused("all its numbers are zero");
    // Below this the scale would have fewer digits than a float, or none.
    if (!std::isnormal(largest / Embedding::value_max)) {
        return refused("all its numbers are as good as zero");
    }
    return largest;
}

std::expected<Embedding, base::Error> quantise(std::span<const float> numbers) {
    MESH_TRY(const float largest, largest_magnitude(numbers));
    Embedding embedding;
    embedding.scale = largest / Embedding::value_max;
    const double steps = Embedding::value_max / double{largest};
    Fifths fifths;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const double exact = numbers[i] * steps;
        const long value = std::lround(exact);
        const long fifth = std::lround(5 * (exact - static_cast<double>(value)));
        embedding.values[i] = static_cast<std::int8_t>(value);
        // Half a step from the value is two and a half fifths, and would be rounded to three.
        fifths[i] = static_cast<std::int8_t>(
            std::clamp<long>(fifth, -Embedding::fifths_max, Embedding::fifths_max));
    }
    if (fifths != Fifths{}) embedding.fifths = fifths;
    return embedding;
}

float similarity(const Embedding& a, const Embedding& b) {
    const auto squares =
        static_cast<double>(dot_product(a, a)) * static_cast<double>(dot_product(b, b));
    MESH_ASSERT(squares > 0);
    const double cosine = static_cast<double>(dot_product(a, b)) / std::sqrt(squares);
    return static_cast<float>(std::clamp(cosine, -1.0, 1.0));
}

void encode(const Embedding& embedding, base::Writer& out) {
    static_assert(std::numeric_limits<float>::is_iec559 && sizeof(float) == 4);
    out.u32(std::bit_cast<std::uint32_t>(embedding.scale));
    out.bytes(std::as_bytes(std::span(embedding.values)));
    if (embedding.fifths) write_fifths(*embedding.fifths, out);
}

Embedding parse_embedding(base::Reader& in) {
    Embedding embedding;
    read_values(in, embedding);
    if (in.ok() && !is_canonical(embedding)) in.fail();
    return embedding;
}

Embedding parse_refined_embedding(base::Reader& in) {
    Embedding embedding;
    read_values(in, embedding);
    read_fifths(in, embedding.fifths.emplace());
    if (in.ok() && !is_canonical(embedding)) in.fail();
    return embedding;
}

}  // namespace meshchain::records
