#include "meshchain/demo/demo_link.h"

#include <thread>

#include "host/file.h"
#include "host/json_document.h"

namespace meshchain::app {
namespace {

using namespace std::chrono_literals;

constexpr auto server_start = 10s;
constexpr std::size_t report_bytes_max = 65'536;

/// At the quickest preset, which nobody else has to share here.
node::RadioConfig radio_by(auto door) {
    return {.door = std::move(door),
            .preset = radio::Preset::short_turbo,
            .region = {},
            .share_permille = 1000};
}

/// What each line of `report` says of one radio.
std::vector<node::RadioConfig> radios_of(std::string_view report) {
    std::vector<node::RadioConfig> radios;
    while (report.find('\n') != std::string_view::npos) {
        const auto line = host::parse_json(report.substr(0, report.find('\n')), "radios");
        report.remove_prefix(report.find('\n') + 1);
        const auto address = line && line->contains("address")
                                 ? base::parse_link_address(line->at("address").get<std::string>())
                                 : base::failure(base::Errc::malformed, "no radio", "");
        if (!address) continue;
        radios.push_back(radio_by(node::TcpRadio{"127.0.0.1", address->port, ""}));
    }
    return radios;
}

}  // namespace

std::expected<DemoLink, base::Error> DemoLink::open(const std::string& name,
                                                    const std::filesystem::path& folder,
                                                    std::size_t nodes) {
    DemoLink link;
    link.name_ = name;
    if (name == "udp") return link;
    if (name == "mqtt") {
        link.pace_ = by_mqtt;
        MESH_CHECK(link.start_broker(folder, nodes));
    } else if (name == "radio") {
        link.pace_ = on_air;
        MESH_CHECK(link.start_radios(folder, nodes));
    } else {
        return base::failure(base::Errc::invalid_argument, "'" + name + "' is no link of the demo",
                             "--link", "choose udp, mqtt or radio");
    }
    return link;
}

std::expected<void, base::Error> DemoLink::start_radios(const std::filesystem::path& folder,
                                                        std::size_t nodes) {
    const auto report = folder / "radios.jsonl";
    MESH_TRY(simulated_, host::ChildProcess::start(
                             {.program = host::own_program(),
                              .arguments = {"radio", "simulate", "--radios", std::to_string(nodes),
                                            "--preset", "SHORT_TURBO", "--listen", "127.0.0.1:0"},
                              .output = report,
                              .errors = folder / "radios.log"}));
    const auto deadline = std::chrono::steady_clock::now() + server_start;
    while (simulated_->running() && std::chrono::steady_clock::now() < deadline) {
        const auto said = host::read_file(report, report_bytes_max);
        if (said) radios_ = radios_of(base::as_text(*said));
        if (radios_.size() == nodes) return {};
        std::this_thread::sleep_for(20ms);
    }
    return base::failure(base::Errc::timeout, "the simulated radios do not start", "radio simulate",
                         "see " + (folder / "radios.log").string() + " (with --keep)");
}

std::expected<void, base::Error> DemoLink::start_broker(const std::filesystem::path& folder,
                                                        std::size_t nodes) {
    auto broker = host::LocalBroker::start({.folder = folder});
    if (!broker) {
        const bool is_absent = broker.error().code == base::Errc::not_found;
        broker.error().advice += is_absent ? ", or use --link udp" : " (with --keep)";
        return std::unexpected(std::move(broker).error());
    }
    broker_.emplace(*std::move(broker));
    node::MqttRadio door;
    door.port = broker_->port();
    door.root = "msh/demo";
    door.channels = {{"ShortTurbo", {std::byte{1}}}};
    radios_.assign(nodes, radio_by(door));
    return {};
}

}  // namespace meshchain::app
