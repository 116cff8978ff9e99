#pragma once
// Starting the parts of a node in order and stopping them in reverse (row D2). When a part cannot
// start, those already running are stopped again, so a failed start leaves nothing behind and can
// be tried again.

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/time.h"

namespace meshchain::node {

class LifecycleManager {
public:
    struct Part {
        std::string name;
        std::function<std::expected<void, base::Error>(base::Now)> start;
        std::function<void(base::Now)> stop;
    };

    explicit LifecycleManager(base::Log log) : log_(log) {}

    /// Before the first start.
    void add(Part part) { parts_.push_back(std::move(part)); }

    /// Errors: that of the part that failed, with its name in front; nothing runs then.
    std::expected<void, base::Error> start(base::Now now);
    /// Stops what runs, last started first. Harmless when nothing runs.
    void stop(base::Now now);
    bool is_running() const { return running_ > 0; }

private:
    base::Log log_;
    std::vector<Part> parts_;
    std::size_t running_ = 0;  ///< the first so many parts
};

}  // namespace meshchain::node
