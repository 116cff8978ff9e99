// Stakes: how they move on this chain, what this node's wallet has of them, and moving them.

#include "host/api_air.h"
#include "host/fee_request.h"

namespace meshchain::host {
namespace {

using Action = node::StakeOrder::Action;

Answer get_stakes(const ApiDoors& doors, const HttpRequest&) {
    MESH_TRY(const node::StakesView stakes, doors.node.stakes());
    return to_json(stakes);
}

std::expected<Action, base::Error> parse_action(std::string_view text) {
    if (text == "enroll") return Action::enroll;
    if (text == "delegate") return Action::delegate;
    if (text == "unbond") return Action::unbond;
    if (text == "withdraw") return Action::withdraw;
    if (text == "claim") return Action::claim;
    return base::failure(base::Errc::malformed, "'" + std::string(text) + "' is no action",
                         "action", "allowed: enroll, delegate, unbond, withdraw, claim");
}

/// Body {"action": …, "validator": KEY, "amount": UNITS, "fee": …}; see docs/formats/api.md.
Answer post_stake(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    node::StakeOrder order;
    crypto::PublicKey validator;
    JsonObject object(json, "");
    object.require({"action"});
    object.read_as("action", order.action, parse_action);
    object.read_as("validator", validator, crypto::public_key_from_hex);
    object.read("amount", order.amount.units);
    MESH_TRY(const auto fee, read_fee(doors.node, object));
    MESH_CHECK(object.finish());
    if (validator != crypto::PublicKey{}) order.validator = validator;
    const bool takes_all = order.action == Action::withdraw || order.action == Action::claim;
    if (!takes_all && order.amount == wire::Amount{}) {
        return base::failure(base::Errc::invalid_argument, "no amount is given", "amount",
                             "say how many units");
    }
    const AirNotice notice(doors);
    MESH_TRY(const node::PaymentView done, doors.node.stake(doors.now(), order, fee));
    return notice.add_to(to_json(done), done.bytes);
}

constexpr ApiRoute stake_route_list[] = {
    {.method = "GET", .path = "/v1/stakes", .handle = get_stakes},
    {.method = "POST",
     .path = "/v1/stakes",
     .handle = post_stake,
     .body_bytes_max = 4096,
     .changes = true},
};

}  // namespace

std::span<const ApiRoute> stake_routes() { return stake_route_list; }

}  // namespace meshchain::host
