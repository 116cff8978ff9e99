#pragma once
// The memory bound of a node as an operator sees it: every bounded table and queue of the core with
// how many entries it may hold and what one of them may take, from the limits that the modules
// themselves enforce.
//
// The bytes of an entry are its own size, what it points at when that is at its own limit, and
// `container_bytes` for the node and the allocation around it: an upper bound, not a measurement.

#include <cstdint>
#include <string_view>
#include <vector>

#include "ledger/genesis.h"
#include "node/config.h"

namespace meshchain::node {

struct MemoryLimit {
    std::string_view module;
    std::string_view what;
    std::size_t count_max = 0;
    std::size_t bytes_each = 0;
    std::optional<std::size_t> count = {};  ///< now, where a running node knows it

    std::uint64_t bytes_max() const { return std::uint64_t{count_max} * bytes_each; }
};

/// Around each entry of a tree or list: pointers, allocator headers, rounding.
inline constexpr std::size_t container_bytes = 64;

/// In the order of the floors.
std::vector<MemoryLimit> memory_limits(const NodeConfig& config, const ledger::Genesis& genesis);
std::uint64_t total_bytes(const std::vector<MemoryLimit>& limits);

}  // namespace meshchain::node
