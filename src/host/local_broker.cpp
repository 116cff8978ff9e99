#include "host/local_broker.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <thread>

#include "host/file.h"

namespace meshchain::host {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;

constexpr auto start_timeout = 10s;

/// One that was free just now.
std::uint16_t unused_port() {
    boost::asio::io_context io;
    return tcp::acceptor(io, {boost::asio::ip::address_v4::loopback(), 0}).local_endpoint().port();
}

bool is_listening(std::uint16_t port) {
    boost::asio::io_context io;
    tcp::socket probe(io);
    boost::system::error_code error;
    probe.connect({boost::asio::ip::address_v4::loopback(), port}, error);
    return !error;
}

}  // namespace

std::expected<LocalBroker, base::Error> LocalBroker::start(const Options& options) {
    if (!std::filesystem::exists(program)) {
        return base::failure(base::Errc::not_found, "there is no Mosquitto", program,
                             "install the package mosquitto");
    }
    const std::uint16_t port = options.port != 0 ? options.port : unused_port();
    const auto config = options.folder / "mosquitto.conf";
    const auto log = options.folder / "mosquitto.log";
    // As root it would become another user, who may not enter the folder.
    const std::string text = "user root\npersistence false\nlog_dest stderr\nlistener " +
                             std::to_string(port) + " 127.0.0.1\n" + options.settings;
    MESH_CHECK(write_file(config, base::as_bytes(text)));
    MESH_TRY(ChildProcess process,
             ChildProcess::start(
                 {.program = program, .arguments = {"-c", config.string()}, .errors = log}));
    const auto deadline = std::chrono::steady_clock::now() + start_timeout;
    while (process.running() && std::chrono::steady_clock::now() < deadline) {
        // Who listens there may be another, where ours has ended at once.
        if (is_listening(port) && process.running()) return LocalBroker(port, std::move(process));
        std::this_thread::sleep_for(5ms);
    }
    return base::failure(base::Errc::timeout, "Mosquitto does not start", program,
                         "see " + log.string());
}

}  // namespace meshchain::host
