// The node's wallet and the payments made with it.

#include <algorithm>

#include "base/resource_guard.h"
#include "host/api_air.h"
#include "host/fee_request.h"
#include "host/genesis_json.h"
#include "host/wallet_json.h"
#include "host/wallet_unlocker.h"
#include "wallet/address.h"

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
    return wallet_json(*wallet, *doors.node.wallet_scan());
}

Answer get_history(const ApiDoors& doors, const HttpRequest& request) {
    MESH_CHECK(check_query(request, {"count", "before"}));
    MESH_TRY(const std::uint64_t count,
             query_number(request, "count", history_default, history_max));
    MESH_TRY(const std::uint64_t before, query_number(request, "before", UINT64_MAX, UINT64_MAX));
    MESH_TRY(const auto entries,
             doors.node.wallet_history(static_cast<std::size_t>(count), before));
    Json all = Json::array();
    for (const node::PaymentHistoryView& entry : entries) all.push_back(to_json(entry));
    return Json{{"history", std::move(all)}};
}

Answer get_fees(const ApiDoors& doors, const HttpRequest&) { return to_json(doors.node.fees()); }

/// Body {"passphrase": TEXT} or {"pin": TEXT}. The copies made on the way are wiped.
std::expected<WalletSecret, base::Error> read_secret(const HttpRequest& request) {
    MESH_TRY(Json json, parse_json(request.body, "request"));
    std::string passphrase;
    std::string pin;
    const base::ResourceGuard wipe_all([&] {
        const auto wipe = [](std::string& text) {
            crypto::wipe(std::as_writable_bytes(std::span(text)));
        };
        wipe(passphrase);
        wipe(pin);
        for (Json& field : json) {
            if (auto* const text = field.get_ptr<std::string*>()) wipe(*text);
        }
    });
    JsonObject object(json, "");
    object.read("passphrase", passphrase);
    object.read("pin", pin);
    MESH_CHECK(object.finish());
    if (passphrase.empty() == pin.empty()) {
        return base::failure(Errc::malformed, "one of passphrase and pin is needed", "request",
                             "give either, and not both");
    }
    const bool is_pin = passphrase.empty();
    return WalletSecret{Secret::copy_of(base::as_bytes(is_pin ? pin : passphrase)),
                        is_pin ? wallet::TryKind::pin : wallet::TryKind::passphrase};
}

void post_unlock(const ApiDoors& doors, const HttpRequest& request, const Reply& reply) {
    auto secret = read_secret(request);
    if (!secret) return reply(std::unexpected(secret.error()));
    doors.unlocker->unlock(*std::move(secret), [reply](const WalletUnlocker::Result& result) {
        if (!result) return reply(std::unexpected(result.error()));
        reply(Json{{"unlocked", true}});
    });
}

Answer post_lock(const ApiDoors& doors, const HttpRequest&) {
    MESH_CHECK(wallet_of(doors.node));
    doors.node.lock_wallet();
    return Json{{"unlocked", false}};
}

Answer post_address(const ApiDoors& doors, const HttpRequest&) {
    MESH_TRY(wallet::Wallet* const wallet, wallet_of(doors.node));
    MESH_TRY(const crypto::PublicKey key, wallet->hand_out_address());
    return Json{{"address", wallet::encode_address(key)}};
}

/// Body {"txid": TXID, "label": TEXT}.
Answer post_label(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    wire::Txid txid;
    std::string label;
    JsonObject object(json, "");
    object.require({"txid", "label"});
    object.read_as("txid", txid.hash, crypto::hash_from_hex);
    object.read("label", label);
    MESH_CHECK(object.finish());
    MESH_TRY(wallet::Wallet* const wallet, wallet_of(doors.node));
    MESH_CHECK(wallet->set_label(txid, label));
    return Json{{"txid", crypto::to_hex(txid.hash)}, {"label", label}};
}

Answer post_payment(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    crypto::PublicKey to;
    wire::Amount amount;
    std::string label;
    JsonObject object(json, "");
    object.require({"to", "amount"});
    object.read_as("to", to, parse_owner);
    object.read("amount", amount.units);
    object.read("label", label);
    MESH_TRY(const auto fee, read_fee(doors.node, object));
    MESH_CHECK(object.finish());
    MESH_CHECK(wallet::Wallet::check_label(label));
    const AirNotice notice(doors);
    MESH_TRY(const node::PaymentView payment, doors.node.pay(doors.now(), to, amount, fee));
    // The payment is on its way: a label that cannot be stored must not hide its txid.
    if (!label.empty()) static_cast<void>(doors.node.wallet()->set_label(payment.txid, label));
    return notice.add_to(to_json(payment), payment.bytes);
}

Answer post_reissue(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const wire::Hash hash, crypto::hash_from_hex(request.parameters.at(0)));
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    JsonObject object(json, "");
    MESH_TRY(const auto fee, read_fee(doors.node, object));
    MESH_CHECK(object.finish());
    const AirNotice notice(doors);
    MESH_TRY(const node::PaymentView payment, doors.node.reissue(doors.now(), {hash}, fee));
    return notice.add_to(to_json(payment), payment.bytes);
}

constexpr ApiRoute wallet_route_list[] = {
    {.method = "GET", .path = "/v1/wallet", .handle = get_wallet},
    {.method = "GET", .path = "/v1/wallet/history", .handle = get_history},
    {.method = "GET", .path = "/v1/fees", .handle = get_fees},
    {.method = "POST",
     .path = "/v1/wallet/unlock",
     .handle_later = post_unlock,
     .body_bytes_max = 4096,
     .changes = true},
    {.method = "POST",
     .path = "/v1/wallet/lock",
     .handle = post_lock,
     .body_bytes_max = 4096,
     .changes = true},
    {.method = "POST",
     .path = "/v1/wallet/addresses",
     .handle = post_address,
     .body_bytes_max = 4096},
    {.method = "POST", .path = "/v1/wallet/labels", .handle = post_label, .body_bytes_max = 4096},
    {.method = "POST",
     .path = "/v1/payments",
     .handle = post_payment,
     .body_bytes_max = 4096,
     .changes = true},
    {.method = "POST",
     .path = "/v1/payments/{txid}/reissue",
     .handle = post_reissue,
     .body_bytes_max = 4096,
     .changes = true},
};

}  // namespace

std::span<const ApiRoute> wallet_routes() { return wallet_route_list; }

}  // namespace meshchain::host
