#include "node/lifecycle.h"

#include "base/assert.h"

namespace meshchain::node {

std::expected<void, base::Error> LifecycleManager::start(base::Now now) {
    MESH_ASSERT(!is_running());
    for (const Part& part : parts_) {
        if (auto started = part.start(now); !started) {
            base::Error error = std::move(started).error();
            error.what = part.name + " could not start: " + error.what;
            log_.error(base::sentence(error));
            stop(now);
            return std::unexpected(std::move(error));
        }
        ++running_;
        log_.debug(part.name + " started");
    }
    return {};
}

void LifecycleManager::stop(base::Now now) {
    while (running_ > 0) {
        const Part& part = parts_[--running_];
        part.stop(now);
        log_.debug(part.name + " stopped");
    }
}

}  // namespace meshchain::node
