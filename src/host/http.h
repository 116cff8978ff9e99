#pragma once
// What the HTTP server and client exchange: plain values, no library types.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "host/json.h"

namespace meshchain::host {

struct HttpRequest {
    std::string method;
    std::string path;                          ///< decoded, without the query
    std::map<std::string, std::string> query;  ///< decoded
    std::vector<std::string> parameters;       ///< what matched each {NAME} of the route, in order
    std::string body;
};

struct HttpResponse {
    unsigned status = 200;
    std::string body;  ///< JSON
};

HttpResponse json_response(const Json& body, unsigned status = 200);
/// {"error": {code, what, where, advice}} with the status that fits the code.
HttpResponse error_response(const base::Error& error);
HttpResponse error_response(const base::Error& error, unsigned status);

Json to_json(const base::Error& error);
/// Reads an error response back. One that is no such JSON becomes Errc::unavailable.
base::Error parse_error_response(const HttpResponse& response);

struct HttpTarget {
    std::string path;
    std::map<std::string, std::string> query;
};
/// Splits and decodes "/v1/blocks?from=3". Errors: malformed.
std::expected<HttpTarget, base::Error> parse_target(std::string_view target);

/// Whether `path` has the form of `pattern`, in which {NAME} stands for one non-empty segment; what
/// stood there goes to `parameters`.
bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& parameters);

/// Whether a Host header names this machine by loopback literal or "localhost". A page whose name
/// was rebound to 127.0.0.1 still sends its own name, and is refused by this.
bool is_loopback_host(std::string_view host);

}  // namespace meshchain::host
