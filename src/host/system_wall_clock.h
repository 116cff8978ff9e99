#pragma once
// The WallClock door by the operating system's civil clock, which NTP and people may set.

#include "base/wall_clock.h"

namespace meshchain::host {

class SystemWallClock final : public base::WallClock {
public:
    base::WallTime read() override;
};

}  // namespace meshchain::host
