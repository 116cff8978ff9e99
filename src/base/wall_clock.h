#pragma once
// Door to the outside: civil time. Only the node asks it, once a step, and hands the value down.

#include "base/time.h"

namespace meshchain::base {

class WallClock {
public:
    virtual ~WallClock() = default;
    /// May jump in either direction between two calls.
    virtual WallTime read() = 0;
};

}  // namespace meshchain::base
