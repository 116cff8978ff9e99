// stats: how much is known and sent, once or whenever it changes.

#include <chrono>
#include <cstdio>
#include <thread>

#include "host/api_client.h"
#include "host/json_document.h"
#include "meshchain/commands/commands.h"

namespace meshchain::app {
namespace {

using host::Json;

/// How often --follow looks again.
constexpr auto stats_look_interval = std::chrono::milliseconds(250);

std::string stat_text(const Json& of, const char* field) {
    return std::to_string(of.at(field).get<std::uint64_t>());
}

std::uint64_t refused_in_all(const Json& records) {
    std::uint64_t all = 0;
    for (const auto& [reason, count] : records.at("refused").items()) {
        all += count.get<std::uint64_t>();
    }
    return all;
}

/// {"records", "status", "topology"}: the answers to /v1/records and so on.
std::expected<Json, base::Error> ask_stats(const host::ApiClient& client) {
    Json all = Json::object();
    for (const char* part : {"records", "status", "topology"}) {
        MESH_TRY(all[part], client.get(std::string("/v1/") + part));
    }
    return all;
}

std::string stats_page(const Json& all) {
    const Json& records = all.at("records");
    const Json& status = all.at("status");
    std::vector<std::vector<std::string>> rows{
        {"Peers", stat_text(status, "peers")},
        {"Nodes known", std::to_string(all.at("topology").at("nodes").size())},
        {"Frames", stat_text(status, "frames_received") + " received, " +
                       stat_text(status, "frames_sent") + " sent, " +
                       stat_text(status, "frames_dropped") + " dropped"},
        {"Records", stat_text(records, "records") + " of " + stat_text(records, "origins") +
                        " origins, " + stat_text(records, "bytes") + " bytes"},
        {"Registry", stat_text(records, "registry_entries") + " entries, " +
                         stat_text(records, "embeddings") + " with an embedding"},
        {"Records taken", stat_text(records, "taken")},
        {"Records refused", std::to_string(refused_in_all(records))},
        {"Records sent", stat_text(records, "sent") + " (" + stat_text(records, "sent_bytes") +
                             " bytes), " + stat_text(records, "repeated") + " repeated"}};
    if (records.contains("kodikon")) {
        const Json& bridge = records.at("kodikon");
        rows.push_back({"Kodikon", std::to_string(bridge.at("peers").size()) + " nodes, " +
                                       stat_text(bridge, "received") + " datagrams received, " +
                                       stat_text(bridge, "sent") + " sent"});
    }
    return table(rows);
}

/// What --follow shows, and what has to change for another line.
std::vector<std::string> stats_counts(const Json& all) {
    const Json& records = all.at("records");
    return {
        stat_text(all.at("status"), "peers"),
        std::to_string(all.at("topology").at("nodes").size()),
        stat_text(records, "records"),
        stat_text(records, "registry_entries"),
        stat_text(records, "taken"),
        std::to_string(refused_in_all(records)),
        stat_text(records, "sent"),
        std::to_string(records.contains("kodikon") ? records.at("kodikon").at("peers").size() : 0)};
}

const std::vector<std::string> stats_heading{"PEERS", "NODES",   "RECORDS", "ENTRIES",
                                             "TAKEN", "REFUSED", "SENT",    "KODIKON"};

/// Columns that stay where they are though the lines are printed one by one.
void print_stats_line(const std::vector<std::string>& cells) {
    for (const std::string& cell : cells) std::printf("%8s ", cell.c_str());
    std::printf("\n");
    std::fflush(stdout);
}

/// A line now and at each change, until Ctrl-C.
std::expected<Output, base::Error> follow_stats(const Context& context,
                                                const host::ApiClient& client) {
    if (!context.json) print_stats_line(stats_heading);
    for (std::vector<std::string> shown;;) {
        MESH_TRY(const Json all, ask_stats(client));
        if (auto counts = stats_counts(all); counts != shown) {
            shown = std::move(counts);
            if (context.json) {
                std::printf("%s\n", host::to_line(all).c_str());
                std::fflush(stdout);
            } else {
                print_stats_line(shown);
            }
        }
        std::this_thread::sleep_for(stats_look_interval);
    }
}

std::expected<Output, base::Error> stats(const Context& context, bool follows) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    if (follows) return follow_stats(context, client);
    MESH_TRY(Json all, ask_stats(client));
    std::string page = stats_page(all);
    return output(std::move(all), std::move(page));
}

}  // namespace

Command stats_command(const Context& context) {
    const auto follows = std::make_shared<bool>(false);
    return {.name = "stats",
            .summary = "How much is known and sent: peers, frames, records",
            .examples =
                "Examples:\n  meshchain stats --data bob\n"
                "  meshchain stats --follow --data bob",
            .options = {{"--follow", "", "Print a line now and at each change, until Ctrl-C",
                         follows.get()}},
            .run = [&context, follows] { return stats(context, *follows); }};
}

}  // namespace meshchain::app
