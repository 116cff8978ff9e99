// Peers and what lies between them.

#include "host/api_request.h"
#include "host/kodikon_link.h"

namespace meshchain::host {
namespace {

Answer get_peers(const ApiDoors& doors, const HttpRequest&) {
    const base::Now now = doors.now();
    Json json = list_json("peers", doors.node.peers(now));
    if (doors.kodikon != nullptr) {
        for (Json& peer : kodikon_peers_json(doors.kodikon->view(), now.instant)) {
            json["peers"].push_back(std::move(peer));
        }
    }
    return json;
}

Answer get_topology(const ApiDoors& doors, const HttpRequest&) {
    return to_json(doors.node.topology(doors.now()));
}

/// Body {"to": IDENTITY}.
Answer post_probe(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    crypto::PublicKey to;
    JsonObject object(json, "");
    object.require({"to"});
    object.read_as("to", to, crypto::public_key_from_hex);
    MESH_CHECK(object.finish());
    MESH_TRY(const std::uint64_t sequence, doors.node.probe(doors.now(), to));
    MESH_TRY(const node::ProbeView probe, doors.node.probed(sequence));
    return to_json(probe);
}

Answer get_probe(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const std::uint64_t sequence,
             parse_number(request.parameters.at(0), "probe", UINT64_MAX));
    MESH_TRY(const node::ProbeView probe, doors.node.probed(sequence));
    return to_json(probe);
}

constexpr ApiRoute network_route_list[] = {
    {.method = "GET", .path = "/v1/peers", .handle = get_peers},
    {.method = "GET", .path = "/v1/topology", .handle = get_topology},
    {.method = "POST", .path = "/v1/probes", .handle = post_probe, .changes = true},
    {.method = "GET", .path = "/v1/probes/{probe}", .handle = get_probe},
};

}  // namespace

std::span<const ApiRoute> network_routes() { return network_route_list; }

}  // namespace meshchain::host
