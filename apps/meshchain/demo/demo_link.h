#pragma once
// What the demo's nodes reach each other by, and the pace that goes with it.

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/child_process.h"
#include "host/local_broker.h"
#include "node/radio_config.h"

namespace meshchain::app {

class DemoLink {
public:
    /// "udp"; "mqtt", which starts a Mosquitto of the demo's own on loopback; "radio", which starts
    /// simulated radios (`meshchain radio simulate`), one for each node. What they say is in
    /// `folder`.
    /// Errors: invalid_argument (another name), not_found (no Mosquitto on this machine), timeout.
    static std::expected<DemoLink, base::Error> open(const std::string& name,
                                                     const std::filesystem::path& folder,
                                                     std::size_t nodes);

    const std::string& name() const { return name_; }
    /// Of this node; nothing: it meets the others by UDP.
    std::optional<node::RadioConfig> radio_of(std::size_t node) const {
        return radios_.empty() ? std::nullopt : std::optional(radios_.at(node));
    }
    std::chrono::milliseconds block_time() const { return pace_.block_time; }
    std::uint8_t slots_per_round() const { return pace_.slots_per_round; }
    std::chrono::milliseconds between_payments() const { return pace_.between_payments; }
    /// How much longer than by UDP everything may take.
    int patience() const { return pace_.patience; }

private:
    struct Pace {
        std::chrono::milliseconds block_time;
        std::chrono::milliseconds between_payments;
        std::uint8_t slots_per_round;
        int patience;
    };
    static constexpr Pace by_udp{std::chrono::seconds(1), std::chrono::milliseconds(100), 1, 1};
    static constexpr Pace by_mqtt{std::chrono::seconds(2), std::chrono::milliseconds(300), 1, 6};
    /// All share one channel, where two that speak at once are lost.
    static constexpr Pace on_air{std::chrono::seconds(3), std::chrono::milliseconds(500), 2, 12};

    std::expected<void, base::Error> start_broker(const std::filesystem::path& folder,
                                                  std::size_t nodes);
    std::expected<void, base::Error> start_radios(const std::filesystem::path& folder,
                                                  std::size_t nodes);

    std::string name_;
    Pace pace_ = by_udp;
    std::vector<node::RadioConfig> radios_;
    std::optional<host::ChildProcess> simulated_;
    std::optional<host::LocalBroker> broker_;
};

}  // namespace meshchain::app
