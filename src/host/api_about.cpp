// The API itself: what there is, how it is described, what it is limited to.

#include "host/api_request.h"
#include "host/openapi.h"

namespace meshchain::host {
namespace {

Answer get_index(const ApiDoors& doors, const HttpRequest&) {
    Json routes = Json::array();
    for (const HttpRoute& route : doors.server.routes()) {
        routes.push_back({{"method", route.method},
                          {"path", route.pattern},
                          {"token", route.access == HttpRoute::Access::token},
                          {"body_bytes_max", route.body_bytes_max}});
    }
    return Json{{"openapi", "/v1/openapi.json"}, {"routes", std::move(routes)}};
}

HttpResponse get_openapi(const ApiDoors&, const HttpRequest&) {
    return {.body = std::string(openapi_text)};
}

Json memory_json(const node::Node& node) {
    Json all = Json::array();
    for (const node::MemoryLimit& limit : node.memory()) {
        Json json = {{"module", limit.module},
                     {"what", limit.what},
                     {"count_max", limit.count_max},
                     {"bytes_each", limit.bytes_each}};
        if (limit.count) json["count"] = *limit.count;
        all.push_back(std::move(json));
    }
    return all;
}

Answer get_limits(const ApiDoors& doors, const HttpRequest&) {
    const HttpServer::Options& options = doors.server.options();
    return Json{{"memory", memory_json(doors.node)},
                {"connections_max", options.connections_max},
                {"strangers_max", options.strangers_max},
                {"header_bytes_max", options.limits.header_bytes_max},
                {"body_bytes_max", options.limits.body_bytes_max},
                {"request_timeout_ms", to_ms(options.timeouts.request)},
                {"idle_timeout_ms", to_ms(options.timeouts.idle)},
                {"event_readers_max", EventStream::readers_max},
                {"events_kept_max", EventStream::ring_max}};
}

constexpr ApiRoute about_route_list[] = {
    {.method = "GET", .path = "/v1", .handle = get_index},
    {.method = "GET",
     .path = "/v1/openapi.json",
     .respond = get_openapi,
     .access = HttpRoute::Access::open},
    {.method = "GET", .path = "/v1/limits", .handle = get_limits},
};

}  // namespace

std::span<const ApiRoute> about_routes() { return about_route_list; }

}  // namespace meshchain::host
