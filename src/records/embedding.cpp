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
    for (std::size_t i = 0; i < Embedding::dimensions; ++i) sum += a.values[i] * b.values[i];
    return sum;
}

bool is_canonical(const Embedding& embedding) {
    int largest = 0;
    for (const std::int8_t value : embedding.values) {
        largest = std::max(largest, std::abs(int{value}));
    }
    return largest == Embedding::value_max && std::isnormal(embedding.scale) && embedding.scale > 0;
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
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        embedding.values[i] = static_cast<std::int8_t>(std::lround(numbers[i] * steps));
    }
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
}

Embedding parse_embedding(base::Reader& in) {
    Embedding embedding;
    embedding.scale = std::bit_cast<float>(in.u32());
    in.read(std::as_writable_bytes(std::span(embedding.values)));
    if (in.ok() && !is_canonical(embedding)) in.fail();
    return embedding;
}

}  // namespace meshchain::records
