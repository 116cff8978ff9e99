#pragma once
// How much each of many flows has used lately, in fixed memory: a count-min sketch (Cormode and
// Muthukrishnan, 2005) that forgets by halving. A flow is a 64-bit hash under a secret key, so that
// nobody can aim at another's cells. The estimate is never too low, and too high only where a flow
// shares its cell in every row.
//
// Limits: `rows` × `cells` counters of 16 bits, taken at construction.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace meshchain::mesh {

class UsageSketch {
public:
    static constexpr std::size_t rows = 4;
    static constexpr std::size_t bytes(std::size_t cells) {
        return rows * cells * sizeof(std::uint16_t);
    }

    /// `cells` of a row: a power of two, at most 65,536.
    explicit UsageSketch(std::size_t cells);

    std::uint32_t estimate(std::uint64_t flow) const;
    void add(std::uint64_t flow);
    /// Takes back an add() since which nothing was halved.
    void remove(std::uint64_t flow);
    void halve();

    /// The mean use of the flows that used anything is total() / active(), both as one row sees it.
    std::uint64_t total() const { return total_; }
    std::uint64_t active() const { return active_; }

private:
    /// The flow's cell in each row.
    std::array<std::size_t, rows> places(std::uint64_t flow) const;

    std::size_t cells_;
    std::vector<std::uint16_t> counts_;
    std::uint64_t total_ = 0;
    std::uint64_t active_ = 0;
};

}  // namespace meshchain::mesh
