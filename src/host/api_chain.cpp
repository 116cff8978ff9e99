// The blocks of the chain this node follows.

#include "host/api_request.h"
#include "host/wire_json.h"

namespace meshchain::host {
namespace {

constexpr std::size_t blocks_default = 10;
constexpr std::size_t blocks_max = 100;

Answer get_blocks(const ApiDoors& doors, const HttpRequest& request) {
    MESH_CHECK(check_query(request, {"from", "count"}));
    MESH_TRY(const std::uint64_t count, query_number(request, "count", blocks_default, blocks_max));
    MESH_TRY(const std::uint64_t from, query_number(request, "from", UINT32_MAX, UINT32_MAX));
    MESH_TRY(const auto blocks, doors.node.blocks({static_cast<std::uint32_t>(from)},
                                                  static_cast<std::size_t>(count)));
    Json page = list_json("blocks", blocks);
    // Where the next page begins; nothing once the first block was there.
    const std::uint32_t last = blocks.empty() ? 0 : blocks.back().header.height.value;
    page["next"] = last > 1 ? Json(last - 1) : Json();
    return page;
}

Answer get_tip(const ApiDoors& doors, const HttpRequest&) {
    const node::StatusView status = doors.node.status(doors.now());
    return Json{{"height", status.height.value},
                {"hash", crypto::to_hex(status.tip)},
                {"slot", status.slot.value},
                {"final_height", status.final_height.value},
                {"final_block", crypto::to_hex(status.final_block)},
                {"justified", to_json(status.justified)}};
}

Answer get_validators(const ApiDoors& doors, const HttpRequest&) {
    return list_json("validators", doors.node.validators());
}

Answer get_block(const ApiDoors& doors, const HttpRequest& request) {
    const std::string& name = request.parameters.at(0);
    if (name.size() == 2 * crypto::Hash::size) {
        MESH_TRY(const wire::Hash hash, crypto::hash_from_hex(name));
        MESH_TRY(const node::BlockView block, doors.node.block(hash));
        return to_json(block);
    }
    MESH_TRY(const std::uint64_t height, parse_number(name, "height", UINT32_MAX));
    MESH_TRY(const node::BlockView block, doors.node.block({static_cast<std::uint32_t>(height)}));
    return to_json(block);
}

constexpr ApiRoute chain_route_list[] = {
    {.method = "GET", .path = "/v1/chain/tip", .handle = get_tip},
    {.method = "GET", .path = "/v1/validators", .handle = get_validators},
    {.method = "GET", .path = "/v1/blocks", .handle = get_blocks},
    {.method = "GET", .path = "/v1/blocks/{block}", .handle = get_block},
};

}  // namespace

std::span<const ApiRoute> chain_routes() { return chain_route_list; }

}  // namespace meshchain::host
