#include "mesh/peer_selection.h"

#include <algorithm>
#include <numeric>

#include "base/assert.h"

namespace meshchain::mesh {
namespace {

/// Longer ones are as good as this; it also keeps the arithmetic far from its limits.
constexpr base::Duration latency_max = std::chrono::minutes(1);

/// Where `value` lies between the least and the greatest of `values`, from 0 to 100.
std::uint32_t scaled(std::int64_t value, std::pair<std::int64_t, std::int64_t> range) {
    const auto [least, greatest] = range;
    if (least == greatest) return 100;
    return static_cast<std::uint32_t>((value - least) * 100 / (greatest - least));
}

/// Scales what `read` finds in each candidate.
template <class Read>
std::vector<std::uint32_t> term(std::span<const Candidate> candidates, Read read) {
    std::vector<std::int64_t> values;
    for (const Candidate& candidate : candidates) values.push_back(read(candidate));
    const auto [least, greatest] = std::ranges::minmax(values);
    std::vector<std::uint32_t> result;
    for (const std::int64_t value : values) result.push_back(scaled(value, {least, greatest}));
    return result;
}

/// Nanoseconds by which a candidate is faster than the slowest could be.
std::int64_t quickness(const Candidate& candidate, base::Duration slowest) {
    const bool measured = candidate.latency > base::Duration{};
    return (slowest - (measured ? std::min(candidate.latency, slowest) : slowest)).count();
}

}  // namespace

std::vector<std::uint32_t> selection_weights(std::span<const Candidate> candidates) {
    if (candidates.empty()) return {};
    base::Duration slowest{};
    for (const Candidate& candidate : candidates) {
        slowest = std::max(slowest, std::min(candidate.latency, latency_max));
    }
    const auto scores = term(candidates, [](const Candidate& c) { return c.score.value(); });
    const auto heights = term(candidates, [](const Candidate& c) { return c.height.value; });
    const auto speeds = term(candidates, [&](const Candidate& c) { return quickness(c, slowest); });
    std::vector<std::uint32_t> weights;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        weights.push_back(std::max(5 * scores[i] + 3 * heights[i] + 2 * speeds[i], 1U));
    }
    return weights;
}

std::size_t pick(std::span<const std::uint32_t> weights, std::uint64_t ticket) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (ticket < weights[i]) return i;
        ticket -= weights[i];
    }
    MESH_ASSERT(false && "the ticket is beyond the sum of the weights");
    return 0;
}

std::vector<crypto::PublicKey> select_peers(std::vector<Candidate> candidates, std::size_t count,
                                            base::Random& random) {
    std::vector<std::uint32_t> weights = selection_weights(candidates);
    std::vector<crypto::PublicKey> chosen;
    while (chosen.size() < count && !candidates.empty()) {
        const auto total = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
        const auto drawn = static_cast<std::ptrdiff_t>(pick(weights, random.below(total)));
        chosen.push_back(candidates[static_cast<std::size_t>(drawn)].key);
        candidates.erase(candidates.begin() + drawn);
        weights.erase(weights.begin() + drawn);
    }
    return chosen;
}

}  // namespace meshchain::mesh
