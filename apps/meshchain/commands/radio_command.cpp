// radio plan, status, pause, resume: what a network would cost in air before anybody joins it, and
// what a running node's radios do.

#include <chrono>
#include <cstdio>

#include "host/api_client.h"
#include "host/json_document.h"
#include "meshchain/commands/commands.h"
#include "node/radio_config.h"
#include "radio/air_plan.h"

namespace meshchain::app {
namespace {

using host::Json;

struct PlanOptions {
    std::string preset = "LONG_FAST";
    std::string region;
    std::uint64_t nodes = 20;
    std::uint64_t validators = 7;
    std::uint64_t payments = 60;
    std::uint64_t round_minutes = 6;
    std::uint64_t block_payments = 10;
    std::uint64_t relays = 1;
    std::uint64_t share_permille = 10;
};

double seconds_of_air(base::Duration airtime) {
    return static_cast<double>(airtime / std::chrono::milliseconds(1)) / 1000;
}

std::string seconds_text(base::Duration airtime) {
    const std::int64_t tenths = airtime / std::chrono::milliseconds(100);
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

std::expected<radio::AirtimeOptions, base::Error> airtime_options(const PlanOptions& options) {
    const auto preset = radio::preset_of(options.preset);
    if (!preset) {
        return base::failure(base::Errc::invalid_argument, "'" + options.preset + "' is no preset",
                             "--preset",
                             "write one as Meshtastic does, such as LONG_FAST or SHORT_TURBO");
    }
    radio::AirtimeOptions airtime{.modulation = radio::modulation_of(*preset),
                                  .share_permille = static_cast<unsigned>(options.share_permille)};
    if (options.region.empty()) return airtime;
    const auto duty = radio::duty_permille_of(options.region);
    if (!duty) {
        return base::failure(base::Errc::invalid_argument,
                             "the law of '" + options.region + "' is not known here", "--region",
                             "look it up, and choose --share to be no more than half of it");
    }
    airtime.duty_permille = *duty;
    return airtime;
}

Json plan_json(const radio::AirPlan& plan) {
    Json lines = Json::array();
    for (const radio::PlanLine& line : plan.lines) {
        lines.push_back({{"type", wire::name(line.type)},
                         {"payload_bytes", line.payload_bytes},
                         {"packets", line.packets},
                         {"airtime_s", seconds_of_air(line.airtime)},
                         {"an_hour", line.an_hour}});
    }
    return {{"messages", std::move(lines)},
            {"validator_s_an_hour", seconds_of_air(plan.of_validator)},
            {"other_s_an_hour", seconds_of_air(plan.of_other)},
            {"budget_s_an_hour", seconds_of_air(plan.given)},
            {"channel_percent", static_cast<double>(plan.channel_permille) / 10},
            {"fits", plan.fits()}};
}

std::string plan_text(const radio::AirPlan& plan) {
    std::vector<std::vector<std::string>> rows{{"MESSAGE", "BYTES", "PACKETS", "AIR", "AN HOUR"}};
    for (const radio::PlanLine& line : plan.lines) {
        rows.push_back({std::string(wire::name(line.type)), std::to_string(line.payload_bytes),
                        std::to_string(line.packets), seconds_text(line.airtime),
                        std::to_string(line.an_hour)});
    }
    std::string text = table(rows);
    text += "\nA validator sends " + seconds_text(plan.of_validator) + " an hour, another node " +
            seconds_text(plan.of_other) + "; each is given " + seconds_text(plan.given) + ".\n";
    text += "The channel is in use for " + std::to_string(plan.channel_permille / 10) + "." +
            std::to_string(plan.channel_permille % 10) + " % of the time, relays included.\n";
    text += plan.fits()
                ? "This fits.\n"
                : "This does not fit: from 15 % use of the channel on what can wait has "
                  "half of each budget, from 25 % on blocks and payments, and whoever needs "
                  "more than his own waits.\n";
    return text;
}

std::expected<Output, base::Error> run_plan(const PlanOptions& options) {
    if (options.validators > options.nodes) {
        return base::failure(base::Errc::invalid_argument, "more validators than nodes",
                             "--validators", "validators are nodes, too");
    }
    MESH_TRY(const radio::AirtimeOptions airtime, airtime_options(options));
    const radio::AirPlan plan =
        radio::plan({.nodes = static_cast<unsigned>(options.nodes),
                     .validators = static_cast<unsigned>(options.validators),
                     .payments = static_cast<unsigned>(options.payments),
                     .minutes_a_round = static_cast<unsigned>(options.round_minutes),
                     .payments_a_block = static_cast<unsigned>(options.block_payments),
                     .relays = static_cast<unsigned>(options.relays)},
                    airtime);
    return output(plan_json(plan), plan_text(plan));
}

std::string seconds_text(const Json& seconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", seconds.get<double>());
    return text;
}

std::string state_text(const Json& radio) {
    if (radio.contains("fault")) {
        const Json& fault = radio.at("fault");
        return "of no use: " + fault.at("what").get<std::string>() + "; " +
               fault.at("advice").get<std::string>();
    }
    if (radio.at("up") != true) return "not there yet";
    if (radio.at("listen_only") == true) return "listens only";
    return radio.at("paused") == true ? "paused; `meshchain radio resume` lets it speak" : "up";
}

std::string waiting_text(const Json& radio) {
    std::string text = std::to_string(radio.at("waiting").get<std::uint64_t>()) + " messages";
    if (!radio.contains("deferred_by")) return text;
    text += ", held up by the " + radio.at("deferred_by").get<std::string>();
    return radio.contains("deferred_for_s")
               ? text + " for " + seconds_text(radio.at("deferred_for_s"))
               : text;
}

std::string mirror_text(const Json& radio) {
    if (!radio.contains("mirror")) return "off";
    const Json& mirror = radio.at("mirror");
    const auto count = [&](const char* name) {
        return std::to_string(mirror.at(name).get<std::uint64_t>());
    };
    std::string text = count("said") + " texts on " + mirror.at("channel").get<std::string>() +
                       ", " + count("said_by_others") + " left to others, " + count("waiting") +
                       " waiting, " + count("dropped_over_rate") + " over the rate, " +
                       count("dropped_stale") + " too late";
    if (mirror.contains("fault")) text += "; " + mirror.at("fault").at("what").get<std::string>();
    return text;
}

std::string radio_text(std::size_t number, const Json& radio) {
    const std::string preset = radio.at("modulation");
    std::string text =
        std::to_string(number) + ": " + radio.at("place").get<std::string>() + "\n" +
        table({{"  State", state_text(radio)},
               {"  Node number",
                radio.at("number") == "!00000000" ? Json("not known yet") : radio.at("number")},
               {"  Preset", preset + (radio.at("modulation_from") == "radio" ? ", as the radio says"
                                                                             : ", as configured")},
               {"  Air, this hour", seconds_text(radio.at("spent_s")) + " spent, " +
                                        seconds_text(radio.at("left_s")) + " left of " +
                                        seconds_text(radio.at("budget_s"))},
               {"  Channel in use",
                std::to_string(radio.at("channel_use_percent").get<unsigned>()) + " %"},
               {"  Waiting", waiting_text(radio)},
               {"  Mirror", mirror_text(radio)},
               {"  Received",
                std::to_string(radio.at("received").get<std::uint64_t>()) + " packets"}});
    std::vector<std::vector<std::string>> rows{{"  SENT", "PACKETS", "BYTES", "AIR"}};
    for (const Json& sent : radio.at("sent")) {
        rows.push_back({"  " + sent.at("type").get<std::string>(),
                        std::to_string(sent.at("packets").get<std::uint64_t>()),
                        std::to_string(sent.at("bytes").get<std::uint64_t>()),
                        seconds_text(sent.at("airtime_s"))});
    }
    if (rows.size() > 1) text += table(rows);
    std::string dropped;
    for (const auto& [reason, packets] : radio.at("dropped").items()) {
        dropped += (dropped.empty() ? "  Dropped: " : ", ") + reason + " " +
                   std::to_string(packets.get<std::uint64_t>());
    }
    return dropped.empty() ? text : text + dropped + "\n";
}

Output radios_output(Json json) {
    std::string text;
    std::size_t number = 0;
    for (const Json& radio : json.at("radios")) text += radio_text(number++, radio);
    if (text.empty()) {
        text = "This node has no radio. Name one in its configuration: docs/meshtastic.md\n";
    }
    return output(std::move(json), std::move(text));
}

std::expected<Output, base::Error> run_status(const Context& context) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, client.get("/v1/radios"));
    return radios_output(std::move(json));
}

using Number = std::optional<std::uint64_t>;

std::expected<Output, base::Error> run_pause(const Context& context, bool paused, Number radio) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    Json request{{"paused", paused}};
    if (radio) request["radio"] = *radio;
    MESH_TRY(Json json, client.post("/v1/radios/pause", request));
    return radios_output(std::move(json));
}

Command pause_command(const Context& context, bool paused) {
    const std::string name = paused ? "pause" : "resume";
    const auto radio = std::make_shared<Number>();
    return {.name = name,
            .summary = paused ? "Let a running node's radios only listen, until its next start"
                              : "Let them speak again",
            .examples = "meshchain radio " + name + " --data alice\nmeshchain radio " + name +
                        " 1 --data alice",
            .options = {{.name = "number",
                         .value_name = "NUMBER",
                         .help = "of one radio, as `radio status` shows it [all]",
                         .target = radio.get(),
                         .number_max = node::radios_max - 1}},
            .run = [&context, paused, radio] { return run_pause(context, paused, *radio); }};
}

}  // namespace

Command radio_command(const Context& context) {
    const auto o = std::make_shared<PlanOptions>();
    Command plan{
        .name = "plan",
        .summary = "Price a network in airtime, before anybody joins it",
        .examples =
            "meshchain radio plan --preset LONG_FAST --nodes 20 --validators 7\n"
            "meshchain radio plan --preset SHORT_TURBO --payments 600 --region EU_868",
        .options = {{"--preset", "NAME", "the radios' preset [LONG_FAST]", &o->preset},
                    {"--region", "NAME", "EU_433, EU_866, EU_868 or US: the law's limit",
                     &o->region},
                    {.name = "--nodes",
                     .value_name = "N",
                     .help = "nodes, each with a radio [20]",
                     .target = &o->nodes,
                     .number_max = 10'000,
                     .number_min = 1},
                    {.name = "--validators",
                     .value_name = "N",
                     .help = "of them [7]",
                     .target = &o->validators,
                     .number_max = 64,
                     .number_min = 1},
                    {.name = "--payments",
                     .value_name = "N",
                     .help = "an hour, of all nodes [60]",
                     .target = &o->payments,
                     .number_max = 1'000'000},
                    {.name = "--round",
                     .value_name = "MINUTES",
                     .help = "how long a round lasts, in which each validator votes once [6]",
                     .target = &o->round_minutes,
                     .number_max = 1'440,
                     .number_min = 1},
                    {.name = "--block",
                     .value_name = "N",
                     .help = "payments in a block [10]",
                     .target = &o->block_payments,
                     .number_max = 224,
                     .number_min = 1},
                    {.name = "--relays",
                     .value_name = "N",
                     .help = "radios that repeat each packet [1]",
                     .target = &o->relays,
                     .number_max = 100},
                    {.name = "--share",
                     .value_name = "PERMILLE",
                     .help = "of the channel, for each node [10]",
                     .target = &o->share_permille,
                     .number_max = 1'000,
                     .number_min = 1}},
        .run = [o] { return run_plan(*o); }};
    Command group{.name = "radio", .summary = "LoRa radios: what they cost in air, and do"};
    group.commands.push_back(std::move(plan));
    group.commands.push_back({.name = "status",
                              .summary = "Show a running node's radios: air spent, what waits, why",
                              .examples = "meshchain radio status --data alice",
                              .run = [&context] { return run_status(context); }});
    group.commands.push_back(pause_command(context, true));
    group.commands.push_back(pause_command(context, false));
    group.commands.push_back(radio_simulate_command());
    return group;
}

}  // namespace meshchain::app
