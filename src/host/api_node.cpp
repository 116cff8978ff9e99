// The node itself: what it says of its state, and its end.

#include "host/api_request.h"

namespace meshchain::host {
namespace {

HttpResponse get_status(const ApiDoors& doors, const HttpRequest&) {
    const base::Now now = doors.now();
    return {.body = doors.status.get(now.instant,
                                     [&] { return to_line(to_json(doors.node.status(now))); })};
}

Answer get_sync(const ApiDoors& doors, const HttpRequest&) {
    return to_json(doors.node.status(doors.now())).at("sync");
}

/// For whoever watches over nodes: the status alone says whether it works. Which problems there are
/// is the owner's business.
HttpResponse get_health(const ApiDoors& doors, const HttpRequest& request) {
    const node::HealthView health = doors.node.health(doors.now());
    Json json = to_json(health);
    if (!request.trusted) {
        for (Json& part : json["parts"]) part.erase("problems");
    }
    return json_response(json, health.state == node::PartState::failed ? 503 : 200);
}

Answer post_stop(const ApiDoors& doors, const HttpRequest&) {
    doors.stop();
    return Json{{"stopping", true}};
}

constexpr ApiRoute node_route_list[] = {
    {.method = "GET", .path = "/v1/status", .respond = get_status},
    {.method = "GET",
     .path = "/v1/health",
     .respond = get_health,
     .access = HttpRoute::Access::open},
    {.method = "GET", .path = "/v1/sync", .handle = get_sync},
    {.method = "POST", .path = "/v1/stop", .handle = post_stop, .body_bytes_max = 4096},
};

}  // namespace

std::span<const ApiRoute> node_routes() { return node_route_list; }

}  // namespace meshchain::host
