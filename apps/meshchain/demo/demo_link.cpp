#include "meshchain/demo/demo_link.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <thread>

#include "host/file.h"

namespace meshchain::app {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;

constexpr const char* broker_program = "/usr/sbin/mosquitto";
constexpr auto broker_start = 10s;

const tcp::endpoint any_free(boost::asio::ip::address_v4::loopback(), 0);

/// One that was free just now.
std::uint16_t free_port() {
    boost::asio::io_context io;
    return tcp::acceptor(io, any_free).local_endpoint().port();
}

bool is_listening(std::uint16_t port) {
    boost::asio::io_context io;
    tcp::socket probe(io);
    boost::system::error_code error;
    probe.connect({boost::asio::ip::address_v4::loopback(), port}, error);
    return !error;
}

/// A private channel at the quickest preset. On loopback nobody else has to share it.
node::RadioConfig radio_at(std::uint16_t port) {
    node::MqttRadio door;
    door.port = port;
    door.root = "msh/demo";
    door.channels = {{"ShortTurbo", {std::byte{1}}}};
    return {
        .door = door, .preset = radio::Preset::short_turbo, .region = {}, .share_permille = 1000};
}

}  // namespace

std::expected<DemoLink, base::Error> DemoLink::open(const std::string& name,
                                                    const std::filesystem::path& folder) {
    DemoLink link;
    link.name_ = name;
    if (name == "udp") return link;
    if (name != "mqtt") {
        return base::failure(base::Errc::invalid_argument, "'" + name + "' is no link of the demo",
                             "--link", "choose udp or mqtt");
    }
    MESH_CHECK(link.start_broker(folder));
    return link;
}

std::expected<void, base::Error> DemoLink::start_broker(const std::filesystem::path& folder) {
    if (!std::filesystem::exists(broker_program)) {
        return base::failure(base::Errc::not_found, "there is no Mosquitto", broker_program,
                             "install the package mosquitto, or use --link udp");
    }
    const std::uint16_t port = free_port();
    const auto config = folder / "mosquitto.conf";
    // As root it would become another user, who may not enter the folder.
    const std::string text = "user root\npersistence false\nlog_dest stderr\nlistener " +
                             std::to_string(port) + " 127.0.0.1\nallow_anonymous true\n";
    MESH_CHECK(host::write_file(config, base::as_bytes(text)));
    MESH_TRY(broker_, host::ChildProcess::start({.program = broker_program,
                                                 .arguments = {"-c", config.string()},
                                                 .errors = folder / "mosquitto.log"}));
    const auto deadline = std::chrono::steady_clock::now() + broker_start;
    while (broker_->running() && std::chrono::steady_clock::now() < deadline) {
        if (is_listening(port)) {
            radios_.push_back(radio_at(port));
            return {};
        }
        std::this_thread::sleep_for(20ms);
    }
    return base::failure(base::Errc::timeout, "Mosquitto does not start", broker_program,
                         "see " + (folder / "mosquitto.log").string() + " (with --keep)");
}

}  // namespace meshchain::app
