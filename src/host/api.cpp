#include "host/api.h"

#include "host/api_route.h"
#include "host/json_document.h"

namespace meshchain::host {
namespace {

HttpResponse response(const Answer& answer) {
    return answer ? json_response(*answer) : error_response(answer.error());
}

HttpServer::Handler handler(const ApiRoute& route, const ApiDoors& doors) {
    return [&route, &doors](const HttpRequest& request, HttpServer::Respond respond) {
        if (route.respond != nullptr) return respond(route.respond(doors, request));
        const auto reply = [&route, &doors, respond = std::move(respond)](const Answer& answer) {
            if (route.changes) doors.after_change();
            respond(response(answer));
        };
        if (route.handle_later != nullptr) return route.handle_later(doors, request, reply);
        reply(route.handle(doors, request));
    };
}

}  // namespace

void add_api_routes(HttpServer& server, const ApiDoors& doors) {
    for (const auto routes :
         {node_routes(), about_routes(), event_routes(), metric_routes(), chain_routes(),
          network_routes(), radio_routes(), alert_routes(), registry_routes(), transaction_routes(),
          stake_routes(), wallet_routes()}) {
        for (const ApiRoute& route : routes) {
            server.add_route({.method = std::string(route.method),
                              .pattern = std::string(route.path),
                              .handler = handler(route, doors),
                              .access = route.access,
                              .body_bytes_max = route.method == "POST" ? route.body_bytes_max : 0});
        }
    }
}

}  // namespace meshchain::host
