// radio simulate: radios that are none, for a node or another client of Meshtastic's stream API.

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <charconv>
#include <csignal>
#include <cstdio>

#include "host/json_document.h"
#include "meshchain/commands/commands.h"
#include "meshchain/radios/live_radios.h"

namespace meshchain::app {
namespace {

using boost::asio::ip::tcp;
using host::Json;
using sim::StreamRadios;

struct SimulateOptions {
    std::uint64_t radios = 2;
    std::string preset = "LONG_FAST";
    std::string shape = "all";
    std::uint64_t loss = 0;
    std::uint64_t seed = 1;
    std::string channel;
    std::string listen = "127.0.0.1:4403";
    std::string speed = "1";
};

std::unexpected<base::Error> refuse(std::string what, const char* option, std::string advice) {
    return base::failure(base::Errc::invalid_argument, std::move(what), option, std::move(advice));
}

std::expected<StreamRadios::Options, base::Error> radios_of(const SimulateOptions& options) {
    const auto preset = radio::preset_of(options.preset);
    if (!preset) {
        return refuse("there is no preset " + options.preset, "--preset",
                      "choose one as Meshtastic calls it: LONG_FAST, SHORT_TURBO");
    }
    if (options.shape != "all" && options.shape != "line") {
        return refuse("there is no shape " + options.shape, "--shape", "choose all or line");
    }
    return StreamRadios::Options{.radios = options.radios,
                                 .preset = *preset,
                                 .is_line = options.shape == "line",
                                 .loss_permille = static_cast<unsigned>(options.loss),
                                 .seed = options.seed,
                                 .channel = options.channel};
}

/// All of the text as one number, or nothing.
template <class Number>
std::optional<Number> number_in(std::string_view text) {
    Number value{};
    const char* const end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, value);
    if (stop != end || problem != std::errc{}) return std::nullopt;
    return value;
}

std::expected<tcp::endpoint, base::Error> endpoint_of(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    const auto port = number_in<std::uint16_t>(
        colon == std::string::npos ? "" : std::string_view(text).substr(colon + 1));
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(text.substr(0, colon), error);
    if (error || !port) {
        return refuse("'" + text + "' is no address with a port", "--listen",
                      "write it like 127.0.0.1:4403");
    }
    return tcp::endpoint(address, *port);
}

std::expected<double, base::Error> speed_of(const std::string& text) {
    const auto speed = number_in<double>(text);
    if (speed) return *speed;
    return refuse("'" + text + "' is no speed", "--speed", "choose 0.01 to 1000; 1 is real time");
}

/// Programs wait for these lines, so they are told at once.
void print_addresses(const LiveRadios& radios) {
    for (std::size_t i = 0; i < radios.size(); ++i) {
        const tcp::endpoint at = radios.address(i);
        const std::string line = host::to_line(
            {{"radio", i},
             {"number", to_text(StreamRadios::number_of(i))},
             {"address", at.address().to_string() + ":" + std::to_string(at.port())}});
        std::printf("%s\n", line.c_str());
    }
    std::fflush(stdout);
}

std::expected<Output, base::Error> simulate(const SimulateOptions& options) {
    MESH_TRY(const StreamRadios::Options radio_options, radios_of(options));
    MESH_TRY(const tcp::endpoint first, endpoint_of(options.listen));
    MESH_TRY(const double speed, speed_of(options.speed));
    boost::asio::io_context context;
    boost::asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](const auto&, int) { context.stop(); });
    MESH_TRY(const auto radios, LiveRadios::open(context, radio_options, first, speed));
    print_addresses(*radios);
    context.run();
    return Output{};
}

}  // namespace

Command radio_simulate_command() {
    const auto o = std::make_shared<SimulateOptions>();
    return {.name = "simulate",
            .summary = "Serve radios that are none, on one simulated channel, each on a TCP port",
            .examples =
                "One line of JSON for each radio that listens; ends with Ctrl-C or SIGTERM.\n"
                "  meshchain radio simulate --radios 3 --preset SHORT_TURBO --channel village\n"
                "  meshchain radio simulate --shape line --loss 100 --listen 127.0.0.1:0",
            .options = {{.name = "--radios",
                         .value_name = "N",
                         .help = "how many [2]",
                         .target = &o->radios,
                         .number_max = StreamRadios::radios_max,
                         .number_min = 1},
                        {"--preset", "NAME", "of their LoRa channel [LONG_FAST]", &o->preset},
                        {"--shape", "SHAPE", "all hear all, or a line: all, line [all]", &o->shape},
                        {.name = "--loss",
                         .value_name = "PERMILLE",
                         .help = "of the packets, lost beside collisions [0]",
                         .target = &o->loss,
                         .number_max = 1'000},
                        {"--seed", "NUMBER", "of what is left to chance [1]", &o->seed},
                        {"--channel", "NAME", "a second channel beside the preset's", &o->channel},
                        {"--listen", "ADDRESS:PORT",
                         "of the first radio, the others follow; port 0: any [127.0.0.1:4403]",
                         &o->listen},
                        {"--speed", "FACTOR", "times real time [1]", &o->speed}},
            .run = [o] { return simulate(*o); }};
}

}  // namespace meshchain::app
