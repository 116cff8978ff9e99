#include "host/api.h"

#include <algorithm>
#include <charconv>

#include "base/resource_guard.h"
#include "host/genesis_json.h"
#include "host/json_document.h"
#include "host/views_json.h"
#include "host/wire_json.h"

namespace meshchain::host {
namespace {

using base::Errc;
using base::Error;
using Answer = std::expected<Json, Error>;

constexpr std::size_t blocks_default = 10;
constexpr std::size_t blocks_max = 100;
constexpr std::size_t history_default = 20;
constexpr std::size_t history_max = 200;

std::expected<std::uint64_t, Error> number(std::string_view text, std::string_view field,
                                           std::uint64_t maximum) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    if (parsed.ec == std::errc{} && parsed.ptr == end && value <= maximum) return value;
    return base::failure(Errc::invalid_argument,
                         "'" + std::string(text.substr(0, 60)) + "' is not allowed",
                         std::string(field), "allowed: 0 to " + std::to_string(maximum));
}

/// A number of the query, or `fallback`. Unknown names in a query are refused by `check_query`.
std::expected<std::uint64_t, Error> query_number(const HttpRequest& request, const char* name,
                                                 std::uint64_t fallback, std::uint64_t maximum) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? fallback : number(found->second, name, maximum);
}

std::expected<void, Error> check_query(const HttpRequest& request,
                                       std::initializer_list<std::string_view> known) {
    for (const auto& [name, value] : request.query) {
        if (std::ranges::find(known, name) != known.end()) continue;
        return base::failure(Errc::invalid_argument, "unknown", "query field " + name.substr(0, 60),
                             "leave it out");
    }
    return {};
}

template <class Items>
Json list(const char* name, const Items& items) {
    Json all = Json::array();
    for (const auto& item : items) all.push_back(to_json(item));
    return {{name, std::move(all)}};
}

Answer get_blocks(const node::Node& node, const HttpRequest& request) {
    MESH_CHECK(check_query(request, {"from", "count"}));
    MESH_TRY(const std::uint64_t count, query_number(request, "count", blocks_default, blocks_max));
    MESH_TRY(const std::uint64_t from, query_number(request, "from", UINT32_MAX, UINT32_MAX));
    MESH_TRY(const auto blocks,
             node.blocks({static_cast<std::uint32_t>(from)}, static_cast<std::size_t>(count)));
    return list("blocks", blocks);
}

Answer get_block(const node::Node& node, const HttpRequest& request) {
    const std::string& name = request.parameters.at(0);
    if (name.size() == 2 * crypto::Hash::size) {
        MESH_TRY(const wire::Hash hash, crypto::hash_from_hex(name));
        MESH_TRY(const node::BlockView block, node.block(hash));
        return to_json(block);
    }
    MESH_TRY(const std::uint64_t height, number(name, "height", UINT32_MAX));
    MESH_TRY(const node::BlockView block, node.block({static_cast<std::uint32_t>(height)}));
    return to_json(block);
}

Answer get_transaction(const node::Node& node, const HttpRequest& request) {
    MESH_TRY(const wire::Hash hash, crypto::hash_from_hex(request.parameters.at(0)));
    MESH_TRY(const node::TransactionView transaction, node.transaction({hash}));
    return to_json(transaction);
}

/// Body {"transaction": HEX}.
std::expected<wire::WireTransaction, Error> read_transaction(const HttpRequest& request) {
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    base::Buffer bytes;
    JsonObject object(json, "");
    object.require({"transaction"});
    object.read_as("transaction", bytes, base::from_hex);
    MESH_CHECK(object.finish());
    return wire::parse_transaction(bytes);
}

Answer post_transaction(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const wire::WireTransaction transaction, read_transaction(request));
    MESH_TRY(const wire::Txid txid, doors.node.submit(doors.now(), transaction));
    return Json{{"txid", crypto::to_hex(txid.hash)}};
}

Answer post_decode(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const wire::WireTransaction transaction, read_transaction(request));
    MESH_TRY(const wire::Transaction full, doors.node.expand(doors.now(), transaction));
    if (const auto* compact = std::get_if<wire::CompactTransfer>(&transaction)) {
        Json json = to_json(*compact);
        json["expanded"] = to_json(doors.node.chain_id(), full);
        return json;
    }
    return to_json(doors.node.chain_id(), full);
}

std::expected<wallet::Wallet*, Error> wallet_of(node::Node& node) {
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
    return list("history", entries);
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

std::expected<std::optional<wire::FeeCode>, Error> fee_of(std::optional<std::uint64_t> units) {
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

/// Routes share the form: an Answer, whose Error becomes an error response.
template <class Function>
HttpServer::Handler answering(Function function) {
    return [function](const HttpRequest& request) {
        const Answer answer = function(request);
        return answer ? json_response(*answer) : error_response(answer.error());
    };
}

void add_reading_routes(HttpServer& server, const ApiDoors& doors) {
    server.add_route("GET", "/v1/status", answering([&doors](const HttpRequest&) -> Answer {
                         return to_json(doors.node.status(doors.now()));
                     }));
    server.add_route("GET", "/v1/peers", answering([&doors](const HttpRequest&) -> Answer {
                         return list("peers", doors.node.peers(doors.now()));
                     }));
    server.add_route("GET", "/v1/mempool", answering([&doors](const HttpRequest&) -> Answer {
                         return to_json(doors.node.mempool());
                     }));
    server.add_route("GET", "/v1/blocks",
                     answering([&doors](const auto& r) { return get_blocks(doors.node, r); }));
    server.add_route("GET", "/v1/blocks/{}",
                     answering([&doors](const auto& r) { return get_block(doors.node, r); }));
    server.add_route("GET", "/v1/transactions/{}",
                     answering([&doors](const auto& r) { return get_transaction(doors.node, r); }));
    server.add_route("GET", "/v1/wallet",
                     answering([&doors](const auto& r) { return get_wallet(doors, r); }));
    server.add_route("GET", "/v1/wallet/history",
                     answering([&doors](const auto& r) { return get_history(doors, r); }));
    server.add_route("POST", "/v1/decode",
                     answering([&doors](const auto& r) { return post_decode(doors, r); }));
}

}  // namespace

void add_api_routes(HttpServer& server, const ApiDoors& doors) {
    add_reading_routes(server, doors);
    const auto changing = [&](const char* path,
                              Answer (*function)(const ApiDoors&, const HttpRequest&)) {
        server.add_route("POST", path, answering([&doors, function](const HttpRequest& request) {
                             Answer answer = function(doors, request);
                             doors.after_change();
                             return answer;
                         }));
    };
    changing("/v1/transactions", post_transaction);
    changing("/v1/payments", post_payment);
    changing("/v1/wallet/unlock", post_unlock);
    changing("/v1/wallet/lock", post_lock);
    server.add_route("POST", "/v1/stop", answering([&doors](const HttpRequest&) -> Answer {
                         doors.stop();
                         return Json{{"stopping", true}};
                     }));
}

}  // namespace meshchain::host
