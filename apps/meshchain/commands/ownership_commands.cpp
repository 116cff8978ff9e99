// registry claim, give, accept, history: whose something is, and whose it was.

#include "host/api_client.h"
#include "host/json_document.h"
#include "meshchain/commands/commands.h"
#include "meshchain/screen/terminal.h"

namespace meshchain::app {
namespace {

using host::Json;

std::string certainty_of(const Json& step) {
    if (step.at("disputed") == true) return "disputed";
    if (step.at("previous").is_null()) return "claimed";
    return step.at("accepted") == true ? "accepted" : "given";
}

/// One line a link; what holds today is marked.
Output history_page(Json json, const std::string& hash) {
    if (json.at("steps").empty()) {
        return output(std::move(json), "Nobody has claimed '" + hash + "' as far as is known.\n");
    }
    std::vector<std::vector<std::string>> rows{{"", "OWNER", "SINCE", "HOW", "KEPT BY", "NOTE"}};
    for (const Json& step : json.at("steps")) {
        rows.push_back({step.at("last") == true ? "*" : "", step.at("to_node_id"), step.at("time"),
                        certainty_of(step), std::to_string(step.at("kept_by").size()),
                        step.at("note")});
    }
    const std::string text = table(rows) + "* holds it\n";
    return output(std::move(json), text);
}

struct Change {
    std::string action;
    std::string hash;
    std::string to;
    std::string note;
};

std::expected<Output, base::Error> change(const Context& context, const Change& wanted) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    Json body{{"hash", wanted.hash}, {"action", wanted.action}};
    if (!wanted.note.empty()) body["note"] = wanted.note;
    if (!wanted.to.empty()) {
        MESH_TRY(body["to"], identity_of(client, wanted.to));
    }
    MESH_TRY(Json json, client.post("/v1/ownerships", body));
    return history_page(std::move(json), wanted.hash);
}

std::expected<Output, base::Error> history(const Context& context, const std::string& hash) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, client.get("/v1/ownerships?hash=" + host::percent_encoded(hash)));
    return history_page(std::move(json), hash);
}

}  // namespace

std::vector<Command> ownership_commands(const Context& context) {
    const auto wanted = [](std::string action) {
        return std::make_shared<Change>(
            Change{.action = std::move(action), .hash = {}, .to = {}, .note = {}});
    };
    const auto claimed = wanted("claim");
    const auto given = wanted("give");
    const auto accepted = wanted("accept");
    const auto shown = std::make_shared<std::string>();
    const auto hash = [](std::string& to) {
        return Option{"hash", "HASH", "What it is known by", &to, true};
    };
    return {
        {.name = "claim",
         .summary = "Say that something is this node's",
         .options = {hash(claimed->hash), {"--note", "TEXT", "At most 160 bytes", &claimed->note}},
         .run = [&context, claimed] { return change(context, *claimed); }},
        {.name = "give",
         .summary = "Give what is this node's to another",
         .examples = "Example:\n  meshchain registry give bag-17 --to desk --note \"fetched\"",
         .options = {hash(given->hash),
                     {"--to", "NODE", "Its name, node id or identity", &given->to, true},
                     {"--note", "TEXT", "At most 160 bytes", &given->note}},
         .run = [&context, given] { return change(context, *given); }},
        {.name = "accept",
         .summary = "Keep what was given to this node, with its whole history",
         .options = {hash(accepted->hash)},
         .run = [&context, accepted] { return change(context, *accepted); }},
        {.name = "history",
         .summary = "Whose something is, and whose it was",
         .options = {hash(*shown)},
         .run = [&context, shown] { return history(context, *shown); }},
    };
}

}  // namespace meshchain::app
