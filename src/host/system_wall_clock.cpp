#include "host/system_wall_clock.h"

#include <chrono>

namespace meshchain::host {

base::WallTime SystemWallClock::read() {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return base::WallTime{std::chrono::floor<base::Milliseconds>(since_1970)};
}

}  // namespace meshchain::host
