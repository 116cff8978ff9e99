#pragma once
// Keeps a flood of log lines out of the log (row D8): lines of one module that differ only in
// their numbers count as one kind, and of each kind a few pass in every window; the rest is
// counted and told with the next one that passes.
//
// Limits: kinds_max kinds are remembered, the least recently seen forgotten.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/lru_cache.h"
#include "base/time.h"

namespace meshchain::host {

class LineFilter {
public:
    static constexpr std::size_t kinds_max = 256;
    static constexpr std::uint32_t lines_per_window = 20;
    static constexpr base::Duration window = std::chrono::seconds(10);

    /// How many lines of this kind were left out before this one; nothing when this is, too.
    std::optional<std::uint64_t> admit(base::Instant now, std::string_view module,
                                       std::string_view line);

private:
    struct Kind {
        base::Instant window_start;
        std::uint32_t passed = 0;
        std::uint64_t left_out = 0;
    };

    base::LruCache<std::string, Kind> kinds_{kinds_max};
};

}  // namespace meshchain::host
