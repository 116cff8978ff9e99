#pragma once
// What the HTTP server and client exchange: plain values, no library types.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "host/json.h"
#include "host/wiping_memory.h"

namespace meshchain::host {

struct HttpRequest {
    std::string method;
    std::string path;                          ///< decoded, without the query
    std::map<std::string, std::string> query;  ///< decoded
    std::vector<std::string> parameters;       ///< what matched each {NAME} of the route, in order
    WipingString body;
    bool trusted = false;       ///< it carried the token
    std::string last_event_id;  ///< where a reader of events was cut off; empty for a new one
};

/// An answer without an end, which the connection draws from as fast as its reader reads.
class HttpSource {
public:
    virtual ~HttpSource() = default;
    /// Appends what is there, `bytes_max` at most unless one piece is larger.
    virtual void pull(std::string& out, std::size_t bytes_max) = 0;
    /// What to send when there has been nothing for a while, so that a dead reader is noticed.
    virtual std::string_view heartbeat() const = 0;
    /// `wake` is called, never from within pull(), when there is something again.
    virtual void on_more(std::function<void()> wake) = 0;
};

struct HttpResponse {
    unsigned status = 200;
    std::string body;
    std::string content_type = "application/json";
    std::vector<std::pair<std::string, std::string>> fields{};  ///< further headers
    std::shared_ptr<HttpSource> source{};                       ///< what follows the body, if any
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
/// Splits and decodes "/v1/blocks?from=3". What two readers could read differently is refused: dot
/// segments, empty segments, encoded slashes, control characters.
/// Errors: malformed.
std::expected<HttpTarget, base::Error> parse_target(std::string_view target);

/// Whether `path` has the form of `pattern`, in which {NAME} stands for one non-empty segment; what
/// stood there goes to `parameters`.
bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& parameters);

/// Whether a Host header names this machine by loopback literal or "localhost". A page whose name
/// was rebound to 127.0.0.1 still sends its own name, and is refused by this.
bool is_loopback_host(std::string_view host);
/// A Host header without its port; nothing where the port is none.
std::optional<std::string_view> host_name(std::string_view host);

/// Status line and headers, up to the empty line. `keep_alive`: the connection stays open.
void write_head(std::string& out, const HttpResponse& response, bool keep_alive);

}  // namespace meshchain::host
