#pragma once
// A checker outside the nodes: no radio's program hands it more airtime in any hour than it was
// given (row E6).
//
// Limits: holds what was handed over in the last hour.

#include <deque>
#include <vector>

#include "base/time.h"

namespace meshchain::sim {

class AirtimeWatch {
public:
    /// `most`: of each radio, in any hour.
    explicit AirtimeWatch(const std::vector<base::Duration>& most);

    /// False: the hour that ends now has too much.
    bool note(base::Instant now, std::size_t radio, base::Duration airtime);
    /// The worst hour of a radio so far.
    base::Duration worst(std::size_t radio) const { return radios_.at(radio).worst; }
    /// Of all time.
    base::Duration total(std::size_t radio) const { return radios_.at(radio).total; }

private:
    struct Radio {
        base::Duration most;
        std::deque<std::pair<base::Instant, base::Duration>> spent{};
        base::Duration in_hour{};
        base::Duration worst{};
        base::Duration total{};
    };
    std::vector<Radio> radios_;
};

}  // namespace meshchain::sim
