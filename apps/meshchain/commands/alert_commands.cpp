// alert send, list, show, ack, and state set, list: what is wrong, and how nodes are.

#include <chrono>
#include <cstdio>
#include <map>
#include <thread>

#include "host/api_client.h"
#include "host/json_document.h"
#include "meshchain/air_wait_text.h"
#include "meshchain/commands/commands.h"
#include "meshchain/screen/terminal.h"

namespace meshchain::app {
namespace {

using host::Json;

/// How often --follow and a sender who waits look again.
constexpr auto look_interval = std::chrono::milliseconds(250);
constexpr std::size_t id_digits_shown = 12;

std::string short_id(const Json& alert) {
    return alert.at("id").get<std::string>().substr(0, id_digits_shown);
}

std::string seen_text(const Json& alert) {
    std::string text;
    for (const Json& by : alert.at("acknowledged")) {
        text += (text.empty() ? "" : ", ") + by.at("by").get<std::string>();
    }
    return text.empty() ? "-" : text;
}

std::vector<std::string> row_of(const Json& alert) {
    return {short_id(alert),     alert.at("time"), alert.at("priority"),
            alert.at("node_id"), seen_text(alert), alert.at("text")};
}

const std::vector<std::string> heading{"ALERT", "TIME", "PRIORITY", "FROM", "SEEN BY", "TEXT"};

std::string page_of(const Json& alert) {
    std::vector<std::vector<std::string>> rows{
        {"Alert", alert.at("id")},          {"Text", alert.at("text")},
        {"Priority", alert.at("priority")}, {"From", alert.at("node_id")},
        {"Time", alert.at("time")},         {"Until", alert.at("expires")},
        {"Seen by", seen_text(alert)},
    };
    if (!alert.at("payload").is_null()) {
        rows.push_back({"Payload", host::to_line(alert.at("payload"))});
    }
    if (!alert.at("in_reach").empty()) {
        rows.push_back({"Reached", std::to_string(alert.at("reached").size()) + " of " +
                                       std::to_string(alert.at("in_reach").size()) +
                                       " in reach, by their signed receipts"});
    }
    return table(rows);
}

struct SendOptions {
    std::string text;
    std::string priority = "normal";
    std::string payload;
    std::string segment;
    std::uint64_t lifetime_s = 86'400;
    std::uint64_t wait_s = 0;
};

/// Waits until all within reach have said that they hold it.
std::expected<Json, base::Error> await_receipts(const Context& context,
                                                const host::ApiClient& client, Json alert,
                                                std::chrono::seconds patience) {
    Progress progress(context.json);
    const std::string path = "/v1/alerts/" + alert.at("id").get<std::string>();
    const auto until = std::chrono::steady_clock::now() + patience;
    while (alert.at("reached").size() < alert.at("in_reach").size() &&
           std::chrono::steady_clock::now() < until) {
        progress.show("Waiting for receipts: " + std::to_string(alert.at("reached").size()) +
                      " of " + std::to_string(alert.at("in_reach").size()));
        std::this_thread::sleep_for(look_interval);
        MESH_TRY(alert, client.get(path));
    }
    return alert;
}

std::expected<Output, base::Error> send(const Context& context, const SendOptions& options) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    Json body{
        {"text", options.text}, {"priority", options.priority}, {"lifetime_s", options.lifetime_s}};
    if (!options.payload.empty()) {
        MESH_TRY(body["payload"], host::parse_json(options.payload, "--payload"));
    }
    if (!options.segment.empty()) body["segment"] = options.segment;
    MESH_TRY(Json alert, client.post("/v1/alerts", body));
    const Json raised = alert;
    if (options.wait_s > 0) {
        tell_air_wait(context, raised);
        MESH_TRY(alert, await_receipts(context, client, std::move(alert),
                                       std::chrono::seconds(options.wait_s)));
        if (raised.contains("waits_for_air")) alert["waits_for_air"] = raised["waits_for_air"];
    }
    std::string page = page_of(alert);
    if (options.wait_s == 0) page += air_wait_text(raised);
    return output(std::move(alert), std::move(page));
}

/// Whoever reads a pipe sees it now, too.
void print_now(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

struct ListOptions {
    std::uint64_t count = 20;
    bool follow = false;
};

/// Prints each alert as it becomes known, until Ctrl-C.
std::expected<Output, base::Error> follow_alerts(const Context& context,
                                                 const host::ApiClient& client) {
    std::vector<std::string> shown;
    for (bool first = true;; first = false) {
        MESH_TRY(const Json json, client.get("/v1/alerts?count=200"));
        const Json& alerts = json.at("alerts");
        for (auto next = alerts.rbegin(); next != alerts.rend(); ++next) {
            const std::string id = next->at("id");
            if (std::ranges::find(shown, id) != shown.end()) continue;
            shown.push_back(id);
            if (first) continue;  // what was known before is for `alert list`
            print_now(context.json ? host::to_line(*next) + "\n" : table({row_of(*next)}));
        }
        std::this_thread::sleep_for(look_interval);
    }
}

std::expected<Output, base::Error> list(const Context& context, const ListOptions& options) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    if (options.follow) return follow_alerts(context, client);
    MESH_TRY(Json json, client.get("/v1/alerts?count=" + std::to_string(options.count)));
    std::vector<std::vector<std::string>> rows{heading};
    for (const Json& alert : json.at("alerts")) rows.push_back(row_of(alert));
    const std::string text = rows.size() == 1 ? "No alerts are known here.\n" : table(rows);
    return output(std::move(json), text);
}

/// An id in full, or the front of one that is known here.
std::expected<std::string, base::Error> full_id(const host::ApiClient& client,
                                                const std::string& front) {
    if (front.size() == 64) return front;
    MESH_TRY(const Json json, client.get("/v1/alerts?count=256"));
    std::vector<std::string> found;
    for (const Json& alert : json.at("alerts")) {
        if (alert.at("id").get<std::string>().starts_with(front)) found.push_back(alert.at("id"));
    }
    if (found.size() == 1 && !front.empty()) return found.front();
    return base::failure(found.empty() ? base::Errc::not_found : base::Errc::conflict,
                         found.empty()
                             ? "no alert '" + front + "'"
                             : std::to_string(found.size()) + " alerts begin with '" + front + "'",
                         "alert", "write the front of an id that `meshchain alert list` shows");
}

std::expected<Output, base::Error> show(const Context& context, const std::string& alert) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(const std::string id, full_id(client, alert));
    MESH_TRY(Json json, client.get("/v1/alerts/" + id));
    const std::string page = page_of(json);
    return output(std::move(json), page);
}

struct AcknowledgeOptions {
    std::string alert;
    std::string by;
    std::string note;
};

std::expected<Output, base::Error> acknowledge(const Context& context,
                                               const AcknowledgeOptions& options) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(const std::string id, full_id(client, options.alert));
    MESH_TRY(Json json, client.post("/v1/alerts/" + id + "/acknowledgement",
                                    {{"by", options.by}, {"note", options.note}}));
    const std::string page = page_of(json);
    return output(std::move(json), page);
}

struct StateOptions {
    std::string value;
    std::string key;
    std::uint64_t lifetime_s = 600;
};

std::expected<Output, base::Error> set_state(const Context& context, const StateOptions& options) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(const Json value, host::parse_json(options.value, "VALUE"));
    MESH_TRY(Json json, client.post("/v1/states", {{"value", value},
                                                   {"key", options.key},
                                                   {"lifetime_s", options.lifetime_s}}));
    return output(std::move(json), "Said. `meshchain state list` shows it, here and elsewhere.\n");
}

std::vector<std::string> state_row(const Json& state) {
    return {state.at("node_id"), state.at("key"), state.at("time"),
            host::to_line(state.at("value"))};
}

/// Prints what a node says anew, until Ctrl-C.
std::expected<Output, base::Error> follow_states(const Context& context,
                                                 const host::ApiClient& client) {
    using Place = std::pair<std::string, std::string>;
    std::map<Place, std::uint64_t> shown;
    for (bool first = true;; first = false) {
        MESH_TRY(const Json json, client.get("/v1/states"));
        std::map<Place, std::uint64_t> known;
        for (const Json& state : json.at("states")) {
            const Place place{state.at("origin"), state.at("key")};
            const std::uint64_t sequence = known[place] = state.at("sequence");
            const auto before = shown.find(place);
            // What was known before is for `state list`.
            if (first || (before != shown.end() && before->second == sequence)) continue;
            print_now(context.json ? host::to_line(state) + "\n" : table({state_row(state)}));
        }
        shown = std::move(known);
        std::this_thread::sleep_for(look_interval);
    }
}

std::expected<Output, base::Error> list_states(const Context& context, bool follows) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    if (follows) return follow_states(context, client);
    MESH_TRY(Json json, client.get("/v1/states"));
    std::vector<std::vector<std::string>> rows{{"NODE", "KEY", "TIME", "VALUE"}};
    for (const Json& state : json.at("states")) rows.push_back(state_row(state));
    const std::string text = rows.size() == 1 ? "No node says anything of itself.\n" : table(rows);
    return output(std::move(json), text);
}

Command send_alert_command(const Context& context) {
    const auto o = std::make_shared<SendOptions>();
    return {.name = "send",
            .summary = "Raise an alarm on every node within reach",
            .examples =
                "Examples:\n  meshchain alert send \"Fire in the hall\" --priority critical "
                "--wait 10 --data alice\n"
                "  meshchain alert send \"Bag left\" --payload '{\"camera\":2}'",
            .options = {{"text", "TEXT", "What is wrong, at most 512 bytes", &o->text, true},
                        {"--priority", "LEVEL", "low, normal, high or critical", &o->priority},
                        {"--payload", "JSON", "What programs make of it", &o->payload},
                        {"--segment", "NAME", "For the members of one segment alone", &o->segment},
                        {"--lifetime", "SECONDS", "Until it is forgotten", &o->lifetime_s, false,
                         7ULL * 86'400, 1},
                        {"--wait", "SECONDS", "For the receipts of all within reach", &o->wait_s,
                         false, 3'600}},
            .run = [&context, o] { return send(context, *o); }};
}

}  // namespace

Command alert_command(const Context& context) {
    const auto listing = std::make_shared<ListOptions>();
    const auto shown = std::make_shared<std::string>();
    const auto seen = std::make_shared<AcknowledgeOptions>();
    return {.name = "alert",
            .summary = "Alarms: raise one, see what was raised, say that you have seen it",
            .commands = {
                send_alert_command(context),
                {.name = "list",
                 .summary = "Alarms that are known here, the newest first",
                 .examples = "Examples:\n  meshchain alert list --data bob\n"
                             "  meshchain alert list --follow --data bob",
                 .options = {{"--count", "N", "How many", &listing->count, false, 256, 1},
                             {"--follow", "", "Print each new one as it comes, until Ctrl-C",
                              &listing->follow}},
                 .run = [&context, listing] { return list(context, *listing); }},
                {.name = "show",
                 .summary = "One alarm: whom it reached, and who has seen it",
                 .options = {{"alert", "ID", "Its id, or the front of it", shown.get(), true}},
                 .run = [&context, shown] { return show(context, *shown); }},
                {.name = "ack",
                 .summary = "Say that a person has seen an alarm",
                 .examples = "Example:\n  meshchain alert ack 3f09c2 --by Ana --note \"on my way\"",
                 .options = {{"alert", "ID", "Its id, or the front of it", &seen->alert, true},
                             {"--by", "NAME", "Who has seen it", &seen->by, true},
                             {"--note", "TEXT", "What is done about it", &seen->note}},
                 .run = [&context, seen] { return acknowledge(context, *seen); }},
            }};
}

Command state_command(const Context& context) {
    const auto said = std::make_shared<StateOptions>();
    const auto follows = std::make_shared<bool>(false);
    return {
        .name = "state",
        .summary = "What nodes say of themselves: battery, place, what they do",
        .commands = {
            {.name = "set",
             .summary = "Say it of this node; each says it only of itself",
             .examples = "Example:\n  meshchain state set '{\"battery\":90,\"place\":\"gate\"}'",
             .options = {{"value", "JSON", "What it is", &said->value, true},
                         {"--key", "NAME", "Of a part of the node: a camera, a sensor", &said->key},
                         {"--lifetime", "SECONDS", "Until it is forgotten", &said->lifetime_s,
                          false, 86'400, 1}},
             .run = [&context, said] { return set_state(context, *said); }},
            {.name = "list",
             .summary = "Of every node that says something",
             .examples = "Examples:\n  meshchain state list --data bob\n"
                         "  meshchain state list --follow --data bob",
             .options = {{"--follow", "", "Print each new or changed one as it comes, until Ctrl-C",
                          follows.get()}},
             .run = [&context, follows] { return list_states(context, *follows); }},
        }};
}

}  // namespace meshchain::app
