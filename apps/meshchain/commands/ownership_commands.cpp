// registry claim, give, accept, withdraw, history: whose something is, and whose it was.

#include <algorithm>

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

/// One line a link; who holds it is marked, if there is one answer.
Output history_page(Json json, const std::string& hash) {
    const Json& steps = json.at("steps");
    const auto broken = json.at("broken").get<std::uint64_t>();
    const std::string lost =
        broken == 0 ? ""
                    : std::to_string(broken) + " links lead back to no claim that is known here.\n";
    if (steps.empty()) {
        return output(std::move(json),
                      "Nobody has claimed '" + hash + "' as far as is known here.\n" + lost);
    }
    const auto ends =
        std::ranges::count_if(steps, [](const Json& step) { return step.at("last") == true; });
    std::vector<std::vector<std::string>> rows{{"", "OWNER", "SINCE", "HOW", "KEPT BY", "NOTE"}};
    for (const Json& step : steps) {
        const char* mark = step.at("last") == true ? (ends == 1 ? "*" : "?") : "";
        rows.push_back({mark, step.at("to_node_id"), step.at("time"), certainty_of(step),
                        std::to_string(step.at("kept_by").size()), step.at("note")});
    }
    const std::string text =
        table(rows) +
        (ends == 1 ? "* holds it\n" : "? several say that they hold it, and nobody decides\n") +
        lost;
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
        // Names are of everybody's own choice, and what was given does not come back.
        MESH_TRY(body["to"], identity_of(client, wanted.to, Called::by_id));
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
    const auto withdrawn = wanted("withdraw");
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
         .examples =
             "Example:\n  meshchain registry give bag-17 --to 57715a4a54fad932 --note \"fetched\"",
         .options = {hash(given->hash),
                     {"--to", "NODE", "Its node id or identity", &given->to, true},
                     {"--note", "TEXT", "At most 160 bytes", &given->note}},
         .run = [&context, given] { return change(context, *given); }},
        {.name = "accept",
         .summary = "Keep what was given to this node, with its whole history",
         .options = {hash(accepted->hash)},
         .run = [&context, accepted] { return change(context, *accepted); }},
        {.name = "withdraw",
         .summary = "Take back a claim of this node behind which there is nothing",
         .options = {hash(withdrawn->hash)},
         .run = [&context, withdrawn] { return change(context, *withdrawn); }},
        {.name = "history",
         .summary = "Whose something is, and whose it was",
         .options = {hash(*shown)},
         .run = [&context, shown] { return history(context, *shown); }},
    };
}

}  // namespace meshchain::app
