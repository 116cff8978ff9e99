#pragma once
// One bound on memory, for people who want to know how much a node can ever hold.

#include <cstddef>
#include <string_view>

namespace meshchain::base {

struct LimitLine {
    std::string_view what;       ///< a string literal
    std::size_t count = 0;       ///< entries at most
    std::size_t bytes_each = 0;  ///< of an entry, allocation overhead included
    std::size_t bytes() const { return count * bytes_each; }
};

}  // namespace meshchain::base
