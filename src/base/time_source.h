#pragma once
// Door to the outside: how far the civil time that is handed down may be trusted (row A12). NTP,
// a GPS receiver or a radio sets the clock; this says whether one of them does.

#include <optional>

#include "base/time.h"

namespace meshchain::base {

class TimeSource {
public:
    virtual ~TimeSource() = default;
    /// How far the civil clock can be from UTC; nothing when no source keeps it.
    virtual std::optional<Duration> error_max() = 0;
};

}  // namespace meshchain::base
