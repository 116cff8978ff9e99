// The node's wallet and the payments made with it.

#include <algorithm>

#include "base/resource_guard.h"
#include "host/api_request.h"
#include "host/genesis_json.h"

namespace meshchain::host {
namespace {

using base::Errc;

constexpr std::size_t history_default = 20;
constexpr std::size_t history_max = 200;

std::expected<wallet::Wallet*, base::Error> wallet_of(node::Node& node) {
    if (wallet::Wallet* wallet = node.wallet()) return wallet;
    return base::failure(Errc::unavailable, "this node has no wallet", "wallet",
                         "stop the node, `meshchain wallet create`, start it again");
}

Answer get_wallet(const ApiDoors& doors, const HttpRequest&) {
    MESH_TRY(const wallet::Wallet* const wallet, wallet_of(doors.node));
    return wallet_json(*wallet);
}

Answer get_history(const ApiDoors& doors, const HttpRequest& request) {
    MESH_CHECK(check_query(request, {"count", "before"}));
    MESH_TRY(const std::uint64_t count,
             query_number(request, "count", history_default, history_max));
    MESH_TRY(const std::uint64_t before, query_number(request, "before", UINT64_MAX, UINT64_MAX));
    MESH_TRY(const wallet::Wallet* const wallet, wallet_of(doors.node));
    MESH_TRY(const auto entries, wallet->history(static_cast<std::size_t>(count), before));
    return list_json("history", entries);
}

Answer post_unlock(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    std::string passphrase;
    const base::ResourceGuard wipe(
        [&] { crypto::wipe(std::as_writable_bytes(std::span(passphrase))); });
    JsonObject object(json, "");
    object.require({"passphrase"});
    object.read("passphrase", passphrase);
    MESH_CHECK(object.finish());
    MESH_TRY(wallet::Wallet* const wallet, wallet_of(doors.node));
    MESH_CHECK(wallet->unlock(doors.kdf, base::as_bytes(passphrase)));
    return Json{{"unlocked", true}};
}

Answer post_lock(const ApiDoors& doors, const HttpRequest&) {
    MESH_TRY(wallet::Wallet* const wallet, wallet_of(doors.node));
    wallet->lock();
    return Json{{"unlocked", false}};
}

std::expected<std::optional<wire::FeeCode>, base::Error> fee_of(
    std::optional<std::uint64_t> units) {
    if (!units) return std::nullopt;
    const auto code = wire::fee_code_for({std::min(*units, wire::Amount::units_max)});
    if (code) return code;
    return base::failure(Errc::invalid_argument, std::to_string(*units) + " is too large", "fee",
                         "leave it out for the usual fee");
}

Answer post_payment(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    crypto::PublicKey to;
    wire::Amount amount;
    std::optional<std::uint64_t> fee_units;
    JsonObject object(json, "");
    object.require({"to", "amount"});
    object.read_as("to", to, parse_owner);
    object.read("amount", amount.units);
    std::uint64_t fee = UINT64_MAX;
    object.read("fee", fee);
    if (fee != UINT64_MAX) fee_units = fee;
    MESH_CHECK(object.finish());
    MESH_TRY(const auto code, fee_of(fee_units));
    MESH_TRY(const node::PaymentView payment, doors.node.pay(doors.now(), to, amount, code));
    return to_json(payment);
}

constexpr ApiRoute routes[] = {
    {.method = "GET", .path = "/v1/wallet", .handle = get_wallet},
    {.method = "GET", .path = "/v1/wallet/history", .handle = get_history},
    {.method = "POST",
     .path = "/v1/wallet/unlock",
     .handle = post_unlock,
     .body_bytes_max = 4096,
     .changes = true},
    {.method = "POST",
     .path = "/v1/wallet/lock",
     .handle = post_lock,
     .body_bytes_max = 4096,
     .changes = true},
    {.method = "POST",
     .path = "/v1/payments",
     .handle = post_payment,
     .body_bytes_max = 4096,
     .changes = true},
};

}  // namespace

std::span<const ApiRoute> wallet_routes() { return routes; }

}  // namespace meshchain::host
