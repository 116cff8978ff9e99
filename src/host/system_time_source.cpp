#include "host/system_time_source.h"

#include <sys/timex.h>

namespace meshchain::host {

std::optional<base::Duration> SystemTimeSource::error_max() {
    timex state{};  // modes 0: only read
    if (adjtimex(&state) == TIME_ERROR || (state.status & STA_UNSYNC) != 0) return std::nullopt;
    return std::chrono::microseconds(state.maxerror);
}

}  // namespace meshchain::host
