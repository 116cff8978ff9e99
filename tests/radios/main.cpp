// Radios for tests and for trying out, without a radio: see docs/simulation.md.

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <charconv>
#include <csignal>
#include <iostream>

#include "host/json_document.h"
#include "radios/live_radios.h"

namespace meshchain::tests {
namespace {

using boost::asio::ip::tcp;

enum ExitCode : int { success = 0, failure = 1, usage = 2 };

struct Words {
    std::uint64_t radios = 2;
    std::string preset = "LONG_FAST";
    std::string shape = "all";
    std::uint64_t loss = 0;
    std::uint64_t seed = 1;
    std::string channel;
    std::string listen = "127.0.0.1:4403";
    double speed = 1;
};

std::unexpected<base::Error> refuse(std::string what, const char* option, std::string advice) {
    return base::failure(base::Errc::invalid_argument, std::move(what), option, std::move(advice));
}

std::expected<RadioOptions, base::Error> options_of(const Words& words) {
    const auto preset = radio::preset_of(words.preset);
    if (!preset) {
        return refuse("there is no preset " + words.preset, "--preset",
                      "choose one as Meshtastic calls it: LONG_FAST, SHORT_TURBO");
    }
    if (words.shape != "all" && words.shape != "line") {
        return refuse("there is no shape " + words.shape, "--shape", "choose all or line");
    }
    if (words.loss > 1'000) {
        return refuse(std::to_string(words.loss) + " lost of a thousand packets", "--loss",
                      "choose 0 to 1000");
    }
    return RadioOptions{.radios = words.radios,
                        .preset = *preset,
                        .is_line = words.shape == "line",
                        .loss_permille = static_cast<unsigned>(words.loss),
                        .seed = words.seed,
                        .channel = words.channel};
}

std::expected<tcp::endpoint, base::Error> endpoint_of(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    const std::string digits = colon == std::string::npos ? "" : text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(text.substr(0, colon), error);
    if (error || digits.empty() || read.ec != std::errc() ||
        read.ptr != digits.data() + digits.size()) {
        return refuse("'" + text + "' is no address with a port", "--listen",
                      "write it like 127.0.0.1:4403");
    }
    return tcp::endpoint(address, port);
}

std::expected<void, base::Error> run(const Words& words) {
    MESH_TRY(const RadioOptions options, options_of(words));
    MESH_TRY(const tcp::endpoint first, endpoint_of(words.listen));
    boost::asio::io_context context;
    boost::asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](const auto&, int) { context.stop(); });
    MESH_TRY(const auto radios, LiveRadios::open(context, options, first, words.speed));
    for (std::size_t i = 0; i < radios->size(); ++i) {
        const tcp::endpoint at = radios->address(i);
        const host::Json line = {
            {"radio", i},
            {"number", to_text(StreamRadios::number_of(i))},
            {"address", at.address().to_string() + ":" + std::to_string(at.port())}};
        std::cout << line.dump() << '\n';
    }
    std::cout.flush();
    context.run();
    return {};
}

int start(int argc, char** argv) {
    Words words;
    CLI::App app(
        "Simulated Meshtastic radios on one LoRa channel, each for a client on TCP.\n"
        "Prints one line of JSON for each once it listens, and runs until it is told to end.",
        "meshchain_radios");
    app.add_option("--radios", words.radios, "how many (2)");
    app.add_option("--preset", words.preset, "of their LoRa channel (LONG_FAST)");
    app.add_option("--shape", words.shape, "all hear all, or a line: all, line (all)");
    app.add_option("--loss", words.loss, "packets lost of a thousand, beside collisions (0)");
    app.add_option("--seed", words.seed, "of what is left to chance (1)");
    app.add_option("--channel", words.channel, "a second channel beside the preset's");
    app.add_option("--listen", words.listen,
                   "address of the first radio, the others follow; port 0: any (127.0.0.1:4403)");
    app.add_option("--speed", words.speed, "times real time (1)");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& mistake) {
        return app.exit(mistake) == 0 ? success : usage;
    }
    const auto ended = run(words);
    if (ended) return success;
    std::cerr << base::sentence(ended.error()) << '\n';
    return ended.error().code == base::Errc::invalid_argument ? usage : failure;
}

}  // namespace
}  // namespace meshchain::tests

int main(int argc, char** argv) { return meshchain::tests::start(argc, argv); }
