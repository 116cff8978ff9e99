// demo: five real nodes on this machine, killed, recovered and accounted for.

#include <signal.h>

#include <cmath>
#include <cstdio>

#include "host/config_json.h"
#include "host/data_folder.h"
#include "host/json_document.h"
#include "host/temporary_folder.h"
#include "meshchain/commands/commands.h"
#include "meshchain/demo/scenario.h"

namespace meshchain::app {
namespace {

std::atomic<bool> interrupted = false;

void notice_interrupts() {
    struct sigaction action{};
    action.sa_handler = [](int) { interrupted = true; };
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

struct DemoOptions {
    bool once = false;
    std::string keep;
    std::string store;
    std::string link = "udp";
};

double rounded(double seconds) { return std::round(seconds * 1000) / 1000; }

/// The value that half of them do not exceed.
double median(const std::vector<double>& ascending) {
    return ascending.empty() ? 0 : ascending[(ascending.size() - 1) / 2];
}

host::Json result_json(const ScenarioResult& result) {
    const Accounts& accounts = result.accounts;
    const std::vector<double>& seconds = result.seconds_to_final;
    return {{"nodes", result.nodes},
            {"payments_sent", result.payments_sent},
            {"payments_final", accounts.payments_final},
            {"payments_while_down", accounts.payments_while_down},
            {"final_height", accounts.final_height},
            {"tips_equal", accounts.tips_equal},
            {"coins_equal", accounts.coins_equal},
            {"supply_conserved", accounts.supply_conserved},
            {"killed_node_caught_up", result.killed_node_caught_up},
            {"catch_up_seconds", rounded(result.catch_up_seconds)},
            {"seconds_to_final_p50", rounded(median(seconds))},
            {"seconds_to_final_max", rounded(seconds.empty() ? 0 : seconds.back())},
            {"chain_id", result.chain_id},
            {"problems", accounts.problems},
            {"all_right", result.all_right()}};
}

std::string result_text(const ScenarioResult& result) {
    const Accounts& accounts = result.accounts;
    char times[80];
    std::snprintf(times, sizeof times, "half within %.1f s, the last after %.1f s",
                  median(result.seconds_to_final),
                  result.seconds_to_final.empty() ? 0 : result.seconds_to_final.back());
    const auto yes = [](bool value) { return value ? std::string("yes") : std::string("NO"); };
    std::string text =
        "\nAccounting, from the stores alone\n" +
        table({{"Payments FINAL on every node", std::to_string(accounts.payments_final) + " of " +
                                                    std::to_string(result.payments_sent)},
               {"of them while a node was dead", std::to_string(accounts.payments_while_down)},
               {"Time to FINAL", times},
               {"FINAL height", std::to_string(accounts.final_height)},
               {"Killed node caught up", yes(result.killed_node_caught_up)},
               {"All tips equal", yes(accounts.tips_equal)},
               {"All coins equal", yes(accounts.coins_equal)},
               {"Supply conserved", yes(accounts.supply_conserved)}});
    for (const std::string& problem : accounts.problems) text += "! " + problem + "\n";
    return text + (result.all_right() ? "Nothing was lost.\n" : "Something is WRONG.\n");
}

std::expected<ScenarioResult, base::Error> play(const std::filesystem::path& folder, Screen& screen,
                                                const DemoOptions& options) {
    host::Json json = host::Json::object();
    if (!options.store.empty()) json["store"] = {{"engine", options.store}};
    MESH_TRY(const node::NodeConfig config,
             host::parse_config(host::to_line(json), "command line"));
    MESH_CHECK(host::make_folder(folder));
    MESH_TRY(const DemoLink link, DemoLink::open(options.link, folder, Scenario::node_count));
    Scenario scenario(folder, config.store_engine, link, screen, interrupted);
    MESH_CHECK(scenario.play());
    if (!options.once) scenario.linger();
    return scenario.settle();
}

std::expected<Output, base::Error> demo(const Context& context, const DemoOptions& options) {
    notice_interrupts();
    std::optional<host::TemporaryFolder> temporary;
    std::filesystem::path folder = options.keep;
    if (options.keep.empty()) {
        folder = temporary.emplace().path();
    } else if (std::filesystem::exists(folder)) {
        return base::failure(base::Errc::exists, "this folder is there already", options.keep,
                             "name a new one");
    }
    Screen screen(context.json);
    MESH_TRY(const ScenarioResult result, play(folder, screen, options));
    Output shown = output(result_json(result), result_text(result));
    if (!result.all_right()) shown.exit_code = ExitCode::failure;
    return shown;
}

}  // namespace

Command demo_command(const Context& context) {
    const auto o = std::make_shared<DemoOptions>();
    return {.name = "demo",
            .summary = "Five nodes on this machine pay each other and survive kill -9",
            .examples =
                "Examples:\n  meshchain demo\n  meshchain demo --once --json\n"
                "  meshchain demo --once --keep /tmp/demo\n  meshchain demo --link mqtt\n  "
                "meshchain demo --link radio",
            .options =
                {{"--once", "", "end by itself, with the accounting", &o->once},
                 {"--keep", "DIR", "leave the nodes' folders there", &o->keep},
                 {"--store", "ENGINE", "sqlite or flashlog (sqlite)", &o->store},
                 {"--link", "LINK",
                  "udp; mqtt: a Mosquitto of its own; radio: simulated radios, which is slow (udp)",
                  &o->link}},
            .run = [&context, o] { return demo(context, *o); }};
}

}  // namespace meshchain::app
