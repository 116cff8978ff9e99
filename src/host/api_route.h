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
#include "host/http.h"
#include "host/json.h"

namespace meshchain::host {

/// What answers a request, or why not.
using Answer = std::expected<Json, base::Error>;
/// Gives the answer: once, on the node's thread, within the call of the handler or later.
using Reply = std::function<void(Answer)>;

struct ApiRoute {
    using Handle = Answer (*)(const ApiDoors&, const HttpRequest&);
    using HandleLater = void (*)(const ApiDoors&, const HttpRequest&, Reply);

    std::string_view method;
    std::string_view path;  ///< as in matches(): "/v1/blocks/{block}"
    Handle handle = nullptr;
    HandleLater handle_later = nullptr;  ///< instead of `handle`, for what must wait
    bool changes = false;                ///< the node may have something to send afterwards
};

std::span<const ApiRoute> node_routes();         // api_node.cpp
std::span<const ApiRoute> chain_routes();        // api_chain.cpp
std::span<const ApiRoute> network_routes();      // api_network.cpp
std::span<const ApiRoute> transaction_routes();  // api_transactions.cpp
std::span<const ApiRoute> wallet_routes();       // api_wallet.cpp

}  // namespace meshchain::host
