#pragma once
// The node's HTTP API: each route reads its request strictly, asks the node, answers in JSON.
//
// Threads: the node's; a handler is one call of the node.
// Errors:  {"error": {code, what, where, advice}} with a status that fits the code.
// Format:  docs/formats/api.md, docs/api/openapi.json

#include <functional>

#include "base/time.h"
#include "base/wall_clock.h"
#include "host/event_stream.h"
#include "host/http_server.h"
#include "host/status_text.h"
#include "node/node.h"
#include "records/record_service.h"

namespace meshchain::host {

class KodikonLink;
class RadioLinks;
class WalletUnlocker;

/// What the routes need of the process around them.
struct ApiDoors {
    node::Node& node;
    WalletUnlocker* unlocker;  ///< outlives the server too
    EventStream& events;
    StatusText& status;
    const HttpServer& server;
    RadioLinks& radios;
    records::RecordService* records;  ///< none where they are not enabled
    KodikonLink* kodikon;             ///< likewise
    std::function<base::Now()> now;
    std::function<void()> after_change;  ///< the node may have something to send
    std::function<void()> stop;          ///< ends the process once this answer is out
};

/// `doors` and what it refers to outlive the server.
void add_api_routes(HttpServer& server, const ApiDoors& doors);

/// Tells `events` whatever the node tells from now on. Before the node starts; `events` and `clock`
/// outlive it. Errors: full.
std::expected<void, base::Error> follow_events(node::Node& node, EventStream& events,
                                               base::WallClock& clock);

}  // namespace meshchain::host
