#pragma once
// How much a store may hold, and how near it is.

#include <cstdint>
#include <string_view>

#include "kv/batch.h"

namespace meshchain::kv {

enum class QuotaLevel : std::uint8_t {
    ok,
    warning_80,  ///< 80 % used: prune, or tell the operator
    warning_95,  ///< 95 % used: the last warning
    full,        ///< nothing is left but the reserve: no new work is accepted
};

/// As shown in status and metrics: "ok", "warning_80", …
std::string_view name(QuotaLevel level);

struct Quota {
    std::uint64_t limit_bytes = 0;  ///< 0: none, the level is always ok
    std::uint64_t used_bytes = 0;   ///< by the engine's own account: entries, or pages of the file

    /// Beyond the limit, a sixteenth of it: for batches that declare allow_reserve().
    std::uint64_t reserve_bytes() const { return limit_bytes / 16; }
    QuotaLevel level() const;
    /// Whether the batch fits, counting its puts as growth. One that only erases always does.
    /// Errors: full (with both figures).
    std::expected<void, base::Error> check(const Batch& batch) const;
};

}  // namespace meshchain::kv
