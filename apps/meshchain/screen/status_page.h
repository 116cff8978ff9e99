#pragma once
// What `status --watch` shows, as lines of text made from what the API answers.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "host/json.h"

namespace meshchain::app {

/// How fast the node catches up, from its heights as they are seen one after another.
class SyncSpeed {
public:
    void note(base::Instant now, std::uint64_t height, bool syncing);
    /// Until `target`; nothing while it cannot be told.
    std::optional<base::Duration> remaining(std::uint64_t target) const;

private:
    std::optional<base::Instant> began_;
    std::uint64_t first_ = 0;
    base::Instant last_at_{};
    std::uint64_t last_ = 0;
};

/// "[#####-----]"; `width` counts the brackets.
std::string bar(std::uint64_t part, std::uint64_t whole, std::size_t width);

struct StatusPage {
    const host::Json& status;
    const host::Json& peers;  ///< the array
    std::optional<base::Duration> remaining;
    std::size_t columns = 80;

    std::vector<std::string> lines() const;
    /// The same in short, for a pipe.
    std::string line() const;
};

}  // namespace meshchain::app
