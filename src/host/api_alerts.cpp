// Alarms, what nodes say of themselves, and how much of all that is held.

#include "host/api_air.h"
#include "host/api_records.h"
#include "host/kodikon_link.h"

namespace meshchain::host {
namespace {

constexpr std::uint64_t alerts_shown_max = 256;
constexpr std::uint64_t state_lifetime_s = 600;
constexpr std::uint64_t alert_lifetime_s = 86'400;

Answer get_alerts(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(records::RecordService * records, records_of(doors));
    MESH_CHECK(check_query(request, {"count"}));
    MESH_TRY(const std::uint64_t count, query_number(request, "count", 50, alerts_shown_max));
    MESH_TRY(const auto alerts, records->alerts(count));
    return list_json("alerts", alerts);
}

std::expected<wire::RecordId, base::Error> alert_of(const HttpRequest& request) {
    auto id = crypto::hash_from_hex(request.parameters.at(0));
    if (!id) id.error().where = "alert";
    return id;
}

Answer get_alert(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(records::RecordService * records, records_of(doors));
    MESH_TRY(const wire::RecordId id, alert_of(request));
    MESH_TRY(const records::AlertView alert, records->alert(id));
    return to_json(alert);
}

std::expected<records::AlertPriority, base::Error> parse_priority(std::string_view text) {
    if (const auto priority = records::alert_priority(text)) return *priority;
    return base::failure(base::Errc::invalid_argument, "'" + std::string(text) + "' is no priority",
                         "priority", "write low, normal, high or critical");
}

/// Body {"text", "priority", "payload", "lifetime_s", "segment"}, all but the first as one likes.
Answer post_alert(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(records::RecordService * records, records_of(doors));
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    records::Alert alert;
    std::uint64_t lifetime_s = alert_lifetime_s;
    JsonObject object(json, "");
    object.require({"text"});
    object.read("text", alert.text);
    object.read_as("priority", alert.priority, parse_priority);
    if (const Json* payload = object.child("payload")) alert.payload = to_line(*payload);
    object.read("lifetime_s", lifetime_s);
    MESH_TRY(const records::Segment segment, read_segment(object, doors, *records));
    MESH_CHECK(object.finish());
    const std::chrono::seconds lifetime(std::min(lifetime_s, lifetime_s_max));
    const AirNotice notice(doors);
    MESH_TRY(const wire::RecordId id, records->send_alert(doors.now(), alert, lifetime, segment));
    MESH_TRY(const records::AlertView view, records->alert(id));
    const std::size_t bytes = records->store().index().find(id)->second.bytes;
    return notice.add_to(to_json(view), records->rules(), wire::MessageType::alert_on_air, bytes);
}

/// Body {"by", "note"}.
Answer post_acknowledgement(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(records::RecordService * records, records_of(doors));
    MESH_TRY(const wire::RecordId id, alert_of(request));
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    records::Acknowledgement acknowledgement;
    JsonObject object(json, "");
    object.require({"by"});
    object.read("by", acknowledgement.by);
    object.read("note", acknowledgement.note);
    MESH_CHECK(object.finish());
    MESH_CHECK(records->acknowledge(doors.now(), id, acknowledgement));
    MESH_TRY(const records::AlertView view, records->alert(id));
    return to_json(view);
}

Answer get_states(const ApiDoors& doors, const HttpRequest&) {
    MESH_TRY(records::RecordService * records, records_of(doors));
    MESH_TRY(const auto states, records->states());
    return list_json("states", states);
}

/// Body {"value", "key", "lifetime_s"}.
Answer post_state(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(records::RecordService * records, records_of(doors));
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    std::string key;
    std::string text;
    std::uint64_t lifetime_s = state_lifetime_s;
    JsonObject object(json, "");
    object.require({"value"});
    if (const Json* value = object.child("value")) text = to_line(*value);
    object.read("key", key);
    object.read("lifetime_s", lifetime_s);
    MESH_CHECK(object.finish());
    const std::chrono::seconds lifetime(std::min(lifetime_s, lifetime_s_max));
    MESH_TRY(const wire::RecordId id, records->publish_state(doors.now(), key, text, lifetime));
    return Json{{"id", crypto::to_hex(id)}};
}

Answer get_records(const ApiDoors& doors, const HttpRequest&) {
    MESH_TRY(const records::RecordService* records, records_of(doors));
    Json json = to_json(records->view());
    if (doors.kodikon != nullptr) json["kodikon"] = to_json(doors.kodikon->view());
    return json;
}

constexpr ApiRoute alert_route_list[] = {
    {.method = "GET", .path = "/v1/alerts", .handle = get_alerts},
    {.method = "POST", .path = "/v1/alerts", .handle = post_alert, .changes = true},
    {.method = "GET", .path = "/v1/alerts/{alert}", .handle = get_alert},
    {.method = "POST",
     .path = "/v1/alerts/{alert}/acknowledgement",
     .handle = post_acknowledgement,
     .changes = true},
    {.method = "GET", .path = "/v1/states", .handle = get_states},
    {.method = "POST", .path = "/v1/states", .handle = post_state, .changes = true},
    {.method = "GET", .path = "/v1/records", .handle = get_records},
};

}  // namespace

std::span<const ApiRoute> alert_routes() { return alert_route_list; }

}  // namespace meshchain::host
