#pragma once
// The TimeSource door by the kernel's clock discipline, which chrony, ntpd, systemd-timesyncd and
// gpsd all report to.

#include "base/time_source.h"

namespace meshchain::host {

class SystemTimeSource final : public base::TimeSource {
public:
    std::optional<base::Duration> error_max() override;
};

}  // namespace meshchain::host
