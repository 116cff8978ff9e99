#pragma once
// A small HTTP/1.1 server for programs on the same machine, and over TLS for others: JSON in, JSON
// out, each request with a bearer token. Handlers run on the io_context's thread, the node's.
//
// Ownership: the io_context outlives the server. Destroying the server closes every connection.
// Limits:    Options; a request over one is answered (413, 431, 503) and its connection closed.
//            Who has not shown the token can only occupy `strangers_max` connections: one more
//            displaces the one of them that has been silent for longest.
// Threads:   one, that which runs the io_context.
// Errors:    answered as {"error": {code, what, where, advice}}.

#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/link.h"
#include "base/log.h"
#include "base/time.h"
#include "host/http_router.h"
#include "host/http_session.h"

namespace boost::asio {
class io_context;
}

namespace meshchain::host {

/// What the server has done so far.
struct HttpStats {
    std::uint64_t accepted = 0;                ///< connections
    std::uint64_t displaced = 0;               ///< closed to make room for others
    std::uint64_t wrong_tokens = 0;            ///< tries
    std::uint64_t foreign_hosts = 0;           ///< Host headers that name another machine
    std::array<std::uint64_t, 6> responses{};  ///< by the first digit of their status
    std::size_t connections = 0;               ///< open now
};

class HttpServer {
public:
    struct TlsFiles {
        std::filesystem::path certificate;  ///< PEM, with its chain
        std::filesystem::path key;          ///< PEM, for its owner alone
    };
    struct Options {
        base::LinkAddress address;  ///< loopback unless there is TLS; port 0: any free one
        std::string token;          ///< what follows "Authorization: Bearer "; not empty
        std::optional<TlsFiles> tls{};
        HttpReader::Limits limits{};
        HttpTimeouts timeouts{};
        std::size_t connections_max = 64;
        std::size_t strangers_max = 24;       ///< of these, without the token
        std::function<void()> before_work{};  ///< called before each request: what goes first
    };
    using Respond = HttpRoute::Respond;
    using Handler = HttpRoute::Handler;

    /// Listens at once, but accepts only after `start`.
    /// Errors: invalid_argument (no loopback address and no TLS, empty token, key not for the
    /// certificate), unauthorized (key file open to others), unavailable (port taken), those of
    /// os_error.
    static std::expected<std::unique_ptr<HttpServer>, base::Error> listen(
        boost::asio::io_context& io, Options options, base::Log log);
    ~HttpServer();

    void add_route(HttpRoute route);
    void start();
    /// Accepts nothing more; requests being served are finished, other connections are closed.
    void stop();

    /// Where it really listens.
    base::LinkAddress address() const;
    HttpStats stats() const;
    const Options& options() const;
    /// Of the certificate, "sha256:" and 64 hexadecimal digits; empty without TLS.
    std::string fingerprint() const;
    const std::vector<HttpRoute>& routes() const;

private:
    class Core;
    explicit HttpServer(std::shared_ptr<Core> core);

    std::shared_ptr<Core> core_;
};

}  // namespace meshchain::host
