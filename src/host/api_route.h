#pragma once
// One route of the API as data. Each resource has a file api_<resource>.cpp with the table of its
// routes; host/api.cpp joins the tables. A new route is one line there and one entry in
// docs/api/openapi.json.
//
// For .cpp files of the API only.

#include <expected>
#include <functional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "host/api.h"
#include "host/http_router.h"
#include "host/json.h"

namespace meshchain::host {

/// What answers a request, or why not.
using Answer = std::expected<Json, base::Error>;
/// Gives the answer: once, on the node's thread, within the call of the handler or later.
using Reply = std::function<void(Answer)>;

/// One of the three handlers is set.
struct ApiRoute {
    std::string_view method;
    std::string_view path;  ///< as in matches(): "/v1/blocks/{block}"
    Answer (*handle)(const ApiDoors&, const HttpRequest&) = nullptr;
    /// For what must wait. The request is borrowed for the call.
    void (*handle_later)(const ApiDoors&, const HttpRequest&, const Reply&) = nullptr;
    /// For answers that are no JSON, or no new JSON.
    HttpResponse (*respond)(const ApiDoors&, const HttpRequest&) = nullptr;
    std::size_t body_bytes_max = 4096;  ///< of a POST; nothing else takes a body
    HttpRoute::Access access = HttpRoute::Access::token;
    bool changes = false;  ///< the node may have something to send afterwards
};

std::span<const ApiRoute> node_routes();         // api_node.cpp
std::span<const ApiRoute> about_routes();        // api_about.cpp
std::span<const ApiRoute> event_routes();        // api_events.cpp
std::span<const ApiRoute> metric_routes();       // api_metrics.cpp
std::span<const ApiRoute> chain_routes();        // api_chain.cpp
std::span<const ApiRoute> network_routes();      // api_network.cpp
std::span<const ApiRoute> radio_routes();        // api_radios.cpp
std::span<const ApiRoute> alert_routes();        // api_alerts.cpp
std::span<const ApiRoute> registry_routes();     // api_registry.cpp
std::span<const ApiRoute> transaction_routes();  // api_transactions.cpp
std::span<const ApiRoute> stake_routes();        // api_stakes.cpp
std::span<const ApiRoute> wallet_routes();       // api_wallet.cpp

}  // namespace meshchain::host
