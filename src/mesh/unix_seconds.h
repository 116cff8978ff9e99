#pragma once
// Wall time as the u32 that frames, sequences and tables carry: seconds since 1970, held at its
// ends.

#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/time.h"

namespace meshchain::mesh {

inline std::uint32_t unix_seconds(base::WallTime wall) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(
        base::unix_ms(wall) / 1000, 0, std::int64_t{std::numeric_limits<std::uint32_t>::max()}));
}

}  // namespace meshchain::mesh
