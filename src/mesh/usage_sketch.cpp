#include "mesh/usage_sketch.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/assert.h"

namespace meshchain::mesh {
namespace {

constexpr std::size_t bits_a_row = 16;
constexpr std::uint16_t count_max = std::numeric_limits<std::uint16_t>::max();

}  // namespace

UsageSketch::UsageSketch(std::size_t cells) : cells_(cells), counts_(rows * cells) {
    MESH_ASSERT(std::has_single_bit(cells) && cells <= std::size_t{1} << bits_a_row);
}

std::array<std::size_t, UsageSketch::rows> UsageSketch::places(std::uint64_t flow) const {
    std::array<std::size_t, rows> result;
    for (std::size_t row = 0; row < rows; ++row) {
        result[row] = row * cells_ + (flow >> (bits_a_row * row) & (cells_ - 1));
    }
    return result;
}

std::uint32_t UsageSketch::estimate(std::uint64_t flow) const {
    std::uint16_t least = count_max;
    for (const std::size_t place : places(flow)) least = std::min(least, counts_[place]);
    return least;
}

void UsageSketch::add(std::uint64_t flow) {
    const auto cells = places(flow);
    if (counts_[cells[0]] == 0) ++active_;
    if (counts_[cells[0]] < count_max) ++total_;
    for (const std::size_t place : cells) {
        if (counts_[place] < count_max) ++counts_[place];
    }
}

void UsageSketch::remove(std::uint64_t flow) {
    const auto cells = places(flow);
    for (const std::size_t place : cells) {
        MESH_ASSERT(counts_[place] > 0);
        --counts_[place];
    }
    --total_;
    if (counts_[cells[0]] == 0) --active_;
}

void UsageSketch::halve() {
    for (std::uint16_t& count : counts_) count /= 2;
    total_ = active_ = 0;
    for (std::size_t i = 0; i < cells_; ++i) {
        total_ += counts_[i];
        active_ += counts_[i] > 0 ? 1U : 0U;
    }
}

}  // namespace meshchain::mesh
