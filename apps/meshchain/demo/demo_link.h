#pragma once
// What the demo's nodes reach each other by, and the pace that goes with it.

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/child_process.h"
#include "node/radio_config.h"

namespace meshchain::app {

class DemoLink {
public:
    /// "udp" or "mqtt", which starts a Mosquitto of the demo's own on loopback in `folder`.
    /// Errors: invalid_argument (another name), not_found (no Mosquitto on this machine), timeout.
    static std::expected<DemoLink, base::Error> open(const std::string& name,
                                                     const std::filesystem::path& folder);

    const std::string& name() const { return name_; }
    /// Of each node; none: they meet by UDP.
    const std::vector<node::RadioConfig>& radios() const { return radios_; }
    std::chrono::milliseconds block_time() const { return radios_.empty() ? quick : slow; }
    /// Between two payments.
    std::chrono::milliseconds pace() const { return radios_.empty() ? quick / 10 : slow / 4; }
    /// How much longer than by UDP everything may take.
    int patience() const { return radios_.empty() ? 1 : 6; }

private:
    static constexpr std::chrono::milliseconds quick{1000};
    static constexpr std::chrono::milliseconds slow{3000};

    std::expected<void, base::Error> start_broker(const std::filesystem::path& folder);

    std::string name_;
    std::vector<node::RadioConfig> radios_;
    std::optional<host::ChildProcess> broker_;
};

}  // namespace meshchain::app
