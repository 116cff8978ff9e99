// topology, ping: the mesh around a running node, and how far somebody in it is.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <thread>

#include "crypto/identity.h"
#include "host/api_client.h"
#include "host/json_document.h"
#include "meshchain/commands/commands.h"
#include "meshchain/screen/terminal.h"

namespace meshchain::app {
namespace {

using host::Json;

std::string hops_text(const Json& node) {
    if (!node.contains("hops")) return "-";
    const auto hops = node.at("hops").get<unsigned>();
    return hops == 0 ? "here" : std::to_string(hops);
}

std::string joined(const Json& texts) {
    std::string all;
    for (const Json& text : texts) {
        all += (all.empty() ? "" : ", ") + text.get<std::string>();
    }
    return all;
}

std::expected<Output, base::Error> topology(const Context& context) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, client.get("/v1/topology"));
    std::vector<Json> nodes = json.at("nodes");
    std::ranges::stable_sort(nodes, {}, [](const Json& node) {
        return node.contains("hops") ? node.at("hops").get<unsigned>() : 256U;
    });
    std::map<std::string, std::string> neighbours;
    for (const Json& edge : json.at("edges")) {
        const std::string a = edge.at(0);
        const std::string b = edge.at(1);
        for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
            std::string& list = neighbours[from];
            list += (list.empty() ? "" : " ") + to.substr(0, 8);
        }
    }
    std::vector<std::vector<std::string>> rows{
        {"HOPS", "NODE", "NAME", "ROLE", "SEGMENTS", "NEIGHBOURS"}};
    for (const Json& node : nodes) {
        const std::string id = node.at("node_id");
        rows.push_back({hops_text(node), id, node.at("name"),
                        node.contains("role") ? node.at("role").get<std::string>() : "-",
                        joined(node.at("segments")), neighbours[id]});
    }
    return output(std::move(json), table(rows));
}

struct PingOptions {
    std::string peer;
    std::uint64_t count = 3;
};

/// Sends one probe and waits until it has come to its end.
std::expected<Json, base::Error> probe(const Context& context, const host::ApiClient& client,
                                       const std::string& identity) {
    Progress progress(context.json);
    MESH_TRY(Json json, client.post("/v1/probes", {{"to", identity}}));
    const std::string target = "/v1/probes/" + json.at("probe").get<std::string>();
    while (json.at("state") == "under way") {
        progress.show("Waiting for an answer…");
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        MESH_TRY(json, client.get(target));
    }
    return json;
}

std::string probe_text(const Json& probe) {
    if (probe.at("state") != "taken") return "no answer after three attempts";
    char round_trip[32];
    std::snprintf(round_trip, sizeof round_trip, "%.2f ms",
                  probe.at("round_trip_us").get<double>() / 1000);
    std::string text = std::string(round_trip) + ", " + host::to_line(probe.at("hops_there")) +
                       " hops there, " + host::to_line(probe.at("hops_back")) + " back";
    const auto attempts = probe.at("attempts").get<unsigned>();
    if (attempts > 1) text += ", at attempt " + std::to_string(attempts);
    return text;
}

std::expected<Output, base::Error> ping(const Context& context, const PingOptions& options) {
    if (options.count < 1 || options.count > 1000) {
        return base::failure(base::Errc::invalid_argument,
                             std::to_string(options.count) + " is not allowed", "--count",
                             "allowed: 1 to 1000");
    }
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(const std::string identity, identity_of(client, options.peer));
    Json probes = Json::array();
    std::size_t answered = 0;
    for (std::uint64_t i = 0; i < options.count; ++i) {
        if (i > 0) std::this_thread::sleep_for(std::chrono::seconds(1));
        MESH_TRY(Json one, probe(context, client, identity));
        if (!context.json) std::fprintf(stderr, "%s\n", probe_text(one).c_str());
        answered += one.at("state") == "taken" ? 1U : 0U;
        probes.push_back(std::move(one));
    }
    const std::string text = std::to_string(answered) + " of " + std::to_string(options.count) +
                             " answered by " + options.peer;
    Output result = output({{"probes", std::move(probes)}, {"answered", answered}}, text);
    if (answered == 0) result.exit_code = ExitCode::failure;
    return result;
}

}  // namespace

std::expected<std::string, base::Error> identity_of(const host::ApiClient& client,
                                                    const std::string& peer, Called called) {
    if (crypto::public_key_from_hex(peer)) return peer;
    MESH_TRY(const Json json, client.get("/v1/topology"));
    std::vector<std::string> found;
    for (const Json& node : json.at("nodes")) {
        if (node.at("node_id") == peer) return node.at("identity").get<std::string>();
        if (called == Called::by_any_name && node.at("name") == peer) {
            found.push_back(node.at("identity"));
        }
    }
    if (found.size() == 1) return found.front();
    return base::failure(
        found.empty() ? base::Errc::not_found : base::Errc::conflict,
        found.empty() ? "nobody here is called '" + peer + "'"
                      : std::to_string(found.size()) + " nodes are called '" + peer + "'",
        "peer", "write a node id or identity that `meshchain topology --json` shows");
}

Command topology_command(const Context& context) {
    return {.name = "topology",
            .summary = "Who is in the mesh, how far, and next to whom",
            .examples = "Example:\n  meshchain topology --data alice",
            .run = [&context] { return topology(context); }};
}

Command ping_command(const Context& context) {
    const auto o = std::make_shared<PingOptions>();
    return {.name = "ping",
            .summary = "How far another node is, over as many hops as it takes",
            .examples =
                "Examples:\n  meshchain ping bob --data alice\n"
                "  meshchain ping 0f3a9c1d22e4b576 --count 1 --json",
            .options = {{"peer", "PEER", "its name, node id or identity", &o->peer, true},
                        {"--count", "N", "how often, once a second (3)", &o->count}},
            .run = [&context, o] { return ping(context, *o); }};
}

}  // namespace meshchain::app
