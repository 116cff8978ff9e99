// The node's radios: what they may send, have sent and wait for, and a pause.

#include "host/api_request.h"
#include "host/radio_links.h"
#include "host/wire_json.h"

namespace meshchain::host {
namespace {

Json sent_json(std::string_view type, const radio::RadioStats::OfType& sent) {
    return {{"type", type},
            {"packets", sent.packets},
            {"bytes", sent.bytes},
            {"airtime_s", to_seconds(sent.airtime)}};
}

/// Sent by what it was, the wishes for lost pieces last.
Json sent_json(const radio::RadioStats& stats) {
    Json list = Json::array();
    for (const auto& [type, sent] : stats.sent) list.push_back(sent_json(wire::name(type), sent));
    if (stats.wishes.packets > 0) list.push_back(sent_json("WISH", stats.wishes));
    if (stats.texts.packets > 0) list.push_back(sent_json("TEXT", stats.texts));
    return list;
}

Json dropped_json(const RadioView& view) {
    Json dropped = Json::object();
    for (const RadioDoor::Dropped& drop : view.dropped) {
        dropped[std::string(drop.reason)] = drop.packets;
    }
    for (std::size_t i = 0; i < view.stats.faults.size(); ++i) {
        if (view.stats.faults[i] == 0) continue;
        dropped["ours, " + std::string(name(static_cast<radio::PacketFault>(i)))] =
            view.stats.faults[i];
    }
    return dropped;
}

Json mirror_json(const RadioView::Mirror& mirror) {
    Json json{{"channel", mirror.channel},
              {"said", mirror.stats.said},
              {"said_by_others", mirror.stats.said_by_others},
              {"waiting", mirror.waiting},
              {"dropped_over_rate", mirror.stats.over_rate},
              {"dropped_stale", mirror.stats.stale},
              {"foreign", mirror.stats.foreign}};
    if (mirror.fault) json["fault"] = to_json(*mirror.fault);
    return json;
}

Json view_json(const RadioView& view) {
    Json json{{"place", view.place},
              {"number", radio::to_text(view.number)},
              {"up", view.is_up},
              {"paused", view.is_paused},
              {"listen_only", view.listens_only},
              {"modulation", view.modulation},
              {"modulation_from", view.is_modulation_its_own ? "radio" : "configuration"},
              {"budget_s", to_seconds(view.budget)},
              {"spent_s", to_seconds(view.spent)},
              {"left_s", to_seconds(view.left)},
              {"bridged_s", to_seconds(view.stats.bridged.airtime)},
              {"channel_use_percent", view.channel_use_percent},
              {"waiting", view.waiting},
              {"sent", sent_json(view.stats)},
              {"received", view.stats.received},
              {"refused_by_radio", view.stats.link_failures},
              {"dropped", dropped_json(view)}};
    if (view.mirror) json["mirror"] = mirror_json(*view.mirror);
    if (view.fault) json["fault"] = to_json(*view.fault);
    if (view.deferred_by) json["deferred_by"] = name(*view.deferred_by);
    if (view.deferred_for) json["deferred_for_s"] = to_seconds(*view.deferred_for);
    return json;
}

Json radios_json(const ApiDoors& doors) {
    Json list = Json::array();
    const base::Instant now = doors.now().instant;
    for (std::size_t i = 0; i < doors.radios.size(); ++i) {
        list.push_back(view_json(doors.radios.view(i, now)));
    }
    return {{"radios", std::move(list)}};
}

Answer get_radios(const ApiDoors& doors, const HttpRequest&) { return radios_json(doors); }

/// Body {"paused": BOOL, "radio": INDEX}, INDEX being a place in the list; without it, all.
Answer post_pause(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    bool paused = false;
    std::uint32_t radio = 0;
    JsonObject object(json, "");
    object.require({"paused"});
    object.read("paused", paused);
    object.read("radio", radio);
    MESH_CHECK(object.finish());
    const std::size_t count = doors.radios.size();
    if (count == 0) {
        return base::failure(base::Errc::not_found, "this node has no radio", "radios",
                             "name one in its configuration");
    }
    const bool is_one = json.contains("radio");
    if (is_one && radio >= count) {
        return base::failure(base::Errc::not_found, "there is no radio " + std::to_string(radio),
                             "radio", "name one from 0 to " + std::to_string(count - 1));
    }
    const base::Instant now = doors.now().instant;
    for (std::size_t i = is_one ? radio : 0; i < (is_one ? radio + 1 : count); ++i) {
        doors.radios.set_paused(now, i, paused);
    }
    return radios_json(doors);
}

constexpr ApiRoute radio_route_list[] = {
    {.method = "GET", .path = "/v1/radios", .handle = get_radios},
    {.method = "POST", .path = "/v1/radios/pause", .handle = post_pause, .changes = true},
};

}  // namespace

std::span<const ApiRoute> radio_routes() { return radio_route_list; }

}  // namespace meshchain::host
