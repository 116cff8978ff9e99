// Peers and what lies between them.

#include "host/api_request.h"

namespace meshchain::host {
namespace {

Answer get_peers(const ApiDoors& doors, const HttpRequest&) {
    return list_json("peers", doors.node.peers(doors.now()));
}

constexpr ApiRoute routes[] = {
    {.method = "GET", .path = "/v1/peers", .handle = get_peers},
};

}  // namespace

std::span<const ApiRoute> network_routes() { return routes; }

}  // namespace meshchain::host
