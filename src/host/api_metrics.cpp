// Counters for Prometheus.

#include "host/api_route.h"
#include "host/metrics.h"

namespace meshchain::host {
namespace {

HttpResponse get_metrics(const ApiDoors& doors, const HttpRequest&) {
    const base::Now now = doors.now();
    return {.body = metrics_text(doors.node.status(now), doors.node.traffic(), doors.radios,
                                 now.instant, doors.server.stats(), doors.events, process_use()),
            .content_type = metrics_content_type};
}

constexpr ApiRoute metric_route_list[] = {
    {.method = "GET", .path = "/metrics", .respond = get_metrics},
};

}  // namespace

std::span<const ApiRoute> metric_routes() { return metric_route_list; }

}  // namespace meshchain::host
