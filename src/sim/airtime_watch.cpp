#include "sim/airtime_watch.h"

#include <algorithm>
#include <chrono>

namespace meshchain::sim {

AirtimeWatch::AirtimeWatch(const std::vector<base::Duration>& most) {
    for (const base::Duration each : most) radios_.push_back({.most = each});
}

bool AirtimeWatch::note(base::Instant now, std::size_t radio, base::Duration airtime) {
    Radio& self = radios_.at(radio);
    while (!self.spent.empty() && now - self.spent.front().first >= std::chrono::hours(1)) {
        self.in_hour -= self.spent.front().second;
        self.spent.pop_front();
    }
    self.spent.emplace_back(now, airtime);
    self.in_hour += airtime;
    self.total += airtime;
    self.worst = std::max(self.worst, self.in_hour);
    return self.in_hour <= self.most;
}

}  // namespace meshchain::sim
