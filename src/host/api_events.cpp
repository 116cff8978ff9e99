// What happens in the node, as it happens.

#include "host/api_request.h"

namespace meshchain::host {
namespace {

std::expected<std::shared_ptr<HttpSource>, base::Error> open_events(const ApiDoors& doors,
                                                                    const HttpRequest& request) {
    MESH_CHECK(check_query(request, {"types"}));
    const auto found = request.query.find("types");
    MESH_TRY(const auto types, EventStream::parse_types(found == request.query.end()
                                                            ? std::string_view()
                                                            : std::string_view(found->second)));
    return doors.events.open(types, request.last_event_id);
}

HttpResponse get_events(const ApiDoors& doors, const HttpRequest& request) {
    auto source = open_events(doors, request);
    if (!source) return error_response(source.error());
    // A first comment makes clients that wait for the first byte know that they are connected.
    return {.body = ":\n\n", .content_type = "text/event-stream", .source = *std::move(source)};
}

constexpr ApiRoute event_route_list[] = {
    {.method = "GET", .path = "/v1/events", .respond = get_events},
};

}  // namespace

std::span<const ApiRoute> event_routes() { return event_route_list; }

std::expected<void, base::Error> follow_events(node::Node& node, EventStream& events,
                                               base::WallClock& clock) {
    for (std::uint16_t number = 1; number < std::uint16_t(runtime::EventType::custom); ++number) {
        const auto type = static_cast<runtime::EventType>(number);
        if (name(type) == "UNKNOWN") continue;
        MESH_CHECK(node.events().register_handler(
            type, [&events, &clock](base::Instant, const runtime::Event& event) {
                events.publish(event, clock.read());
            }));
    }
    return {};
}

}  // namespace meshchain::host
