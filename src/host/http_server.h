#pragma once
// A small HTTP/1.1 server for programs on the same machine: JSON in, JSON out, each request with
// a bearer token. Handlers run on the io_context's thread, which is the node's.
//
// Ownership: the io_context outlives the server. Destroying the server closes every connection.
// Limits:    Options; a request over one is answered (413, 431, 503) and its connection closed.
// Threads:   one, that which runs the io_context.
// Errors:    answered as {"error": {code, what, where, advice}}.

#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "base/link.h"
#include "base/log.h"
#include "base/time.h"
#include "host/http.h"

namespace boost::asio {
class io_context;
}

namespace meshchain::host {

class HttpServer {
public:
    struct Options {
        base::LinkAddress address;  ///< loopback; port 0: any free one
        std::string token;          ///< what follows "Authorization: Bearer "; not empty
        std::size_t header_bytes_max = 8 * 1024;
        std::size_t body_bytes_max = 64 * 1024;
        std::size_t connections_max = 32;
        base::Duration request_timeout = std::chrono::seconds(10);  ///< for one whole request
        base::Duration idle_timeout = std::chrono::seconds(60);     ///< between two of them
    };
    /// Answers: once, on the server's thread, within the handler's call or later.
    using Respond = std::function<void(HttpResponse)>;
    using Handler = std::function<void(const HttpRequest&, Respond)>;

    /// Listens at once, but accepts only after `start`.
    /// Errors: invalid_argument (no loopback address, empty token), unavailable (port taken), io.
    static std::expected<std::unique_ptr<HttpServer>, base::Error> listen(
        boost::asio::io_context& io, Options options, base::Log log);
    ~HttpServer();

    /// `pattern` as in matches(): "/v1/blocks/{block}". One handler for each method and pattern.
    void add_route(std::string method, std::string pattern, Handler handler);
    void start();
    /// Accepts nothing more; requests being served are finished, idle connections are closed.
    void stop();

    /// Where it really listens.
    base::LinkAddress address() const;
    std::size_t connections() const;

private:
    class Core;
    explicit HttpServer(std::shared_ptr<Core> core);

    std::shared_ptr<Core> core_;
};

}  // namespace meshchain::host
