#include "host/http_router.h"

namespace meshchain::host {

using base::Errc;

std::expected<HttpRouter::Match, HttpResponse> HttpRouter::find(std::string_view method,
                                                                std::string_view path) const {
    std::string allowed;
    std::vector<std::string> parameters;
    for (const HttpRoute& route : routes_) {
        if (!matches(route.pattern, path, parameters)) continue;
        if (route.method == method) return Match{&route, std::move(parameters)};
        allowed += (allowed.empty() ? "" : ", ") + route.method;
    }
    const std::string shown(path.substr(0, 200));
    if (allowed.empty()) {
        return std::unexpected(error_response(
            {Errc::not_found, "no such path", shown, "GET /v1 lists those that exist"}));
    }
    auto response = error_response(
        {Errc::unsupported, "'" + std::string(method.substr(0, 20)) + "' is not for this path",
         shown, "allowed: " + allowed},
        405);
    response.fields.emplace_back("Allow", allowed);
    return std::unexpected(std::move(response));
}

}  // namespace meshchain::host
