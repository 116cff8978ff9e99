// The node itself: what it says of its state, and its end.

#include "host/api_request.h"

namespace meshchain::host {
namespace {

Answer get_status(const ApiDoors& doors, const HttpRequest&) {
    return to_json(doors.node.status(doors.now()));
}

Answer get_health(const ApiDoors& doors, const HttpRequest&) {
    return to_json(doors.node.health(doors.now()));
}

Answer post_stop(const ApiDoors& doors, const HttpRequest&) {
    doors.stop();
    return Json{{"stopping", true}};
}

constexpr ApiRoute routes[] = {
    {.method = "GET", .path = "/v1/status", .handle = get_status},
    {.method = "GET", .path = "/v1/health", .handle = get_health},
    {.method = "POST", .path = "/v1/stop", .handle = post_stop, .body_bytes_max = 4096},
};

}  // namespace

std::span<const ApiRoute> node_routes() { return routes; }

}  // namespace meshchain::host
