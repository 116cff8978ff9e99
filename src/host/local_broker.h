#pragma once
// A Mosquitto of one's own on loopback: for the demo, benchmarks and tests. It ends with the
// object.
//
// Errors: not_found (no Mosquitto on this machine), timeout (it does not start; its log says why),
//         those of host/file.h.

#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "host/child_process.h"

namespace meshchain::host {

class LocalBroker {
public:
    static constexpr const char* program = "/usr/sbin/mosquitto";

    struct Options {
        std::filesystem::path folder;                     ///< gets mosquitto.conf and mosquitto.log
        std::uint16_t port = 0;                           ///< 0: one that is free
        std::string settings = "allow_anonymous true\n";  ///< lines of mosquitto.conf
    };
    /// Returns when it listens.
    static std::expected<LocalBroker, base::Error> start(const Options& options);

    std::uint16_t port() const { return port_; }
    ChildProcess& process() { return process_; }

private:
    LocalBroker(std::uint16_t port, ChildProcess process)
        : port_(port), process_(std::move(process)) {}

    std::uint16_t port_;
    ChildProcess process_;
};

}  // namespace meshchain::host
