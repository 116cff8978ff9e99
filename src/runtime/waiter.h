#pragma once
// Door to the outside: lets time pass. The host sleeps until the deadline or until something
// arrives; a test's waiter jumps its clock.

#include "base/time.h"

namespace meshchain::runtime {

class Waiter {
public:
    virtual ~Waiter() = default;
    /// Waits until `deadline` at the latest and returns the time at which it came back. A deadline
    /// in the past means not to wait. The result never goes back, and time must pass from call to
    /// call: a clock that stands still never ends a run.
    virtual base::Instant wait_until(base::Instant deadline) = 0;
};

}  // namespace meshchain::runtime
