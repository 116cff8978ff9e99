#include "host/http_server.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <set>

#include "crypto/hash.h"
#include "host/asio_address.h"
#include "node/config.h"

namespace meshchain::host {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using base::Errc;

constexpr auto accept_pause = std::chrono::milliseconds(100);

/// Compares digests, so that neither content nor length of the token shows in the time taken.
bool is_token(std::string_view given, std::string_view expected) {
    return crypto::equal_constant_time(crypto::hash(base::as_bytes(given)).span(),
                                       crypto::hash(base::as_bytes(expected)).span());
}

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

class HttpServer::Core : public std::enable_shared_from_this<Core> {
public:
    Core(asio::io_context& io, Options chosen, base::Log sink)
        : options(std::move(chosen)), log(sink), acceptor_(io), pause_(io) {}

    std::expected<void, base::Error> open();
    void accept();
    void accept_later();
    void stop();
    void close();
    void answer(HttpRequest request, Respond respond) const;
    base::LinkAddress address() const;

    class Session;

    struct Route {
        std::string method;
        std::string pattern;
        Handler handler;
    };

    const Options options;
    base::Log log;
    std::vector<Route> routes;
    std::set<Session*> sessions;
    bool stopping = false;

private:
    void serve(const Route& route, const HttpRequest& request, const Respond& respond) const;

    tcp::acceptor acceptor_;
    asio::steady_timer pause_;
};

/// One connection; its pending operation keeps it alive.
class HttpServer::Core::Session : public std::enable_shared_from_this<Session> {
public:
    Session(std::shared_ptr<Core> core, tcp::socket socket)
        : core_(std::move(core)), stream_(std::move(socket)) {
        core_->sessions.insert(this);
    }
    ~Session() { core_->sessions.erase(this); }

    void start() { read_header(core_->options.request_timeout); }
    void refuse_crowd() {
        respond(error_response({Errc::unavailable, "too many connections", "node's API",
                                "close some and try again"}),
                false);
    }
    void close() { stream_.close(); }
    bool idle() const { return idle_; }

private:
    using Parser = http::request_parser<http::string_body>;

    void read_header(base::Duration timeout) {
        parser_.emplace();
        parser_->header_limit(static_cast<std::uint32_t>(core_->options.header_bytes_max));
        parser_->body_limit(core_->options.body_bytes_max);
        idle_ = true;
        stream_.expires_after(timeout);
        http::async_read_header(stream_, buffer_, *parser_,
                                [self = shared_from_this()](beast::error_code error, std::size_t) {
                                    self->idle_ = false;
                                    error ? self->handle_read_error(error) : self->handle_header();
                                });
    }

    /// Judged before the body is read, so that a stranger cannot make us hold one.
    void handle_header() {
        if (const auto refused = refusal()) return respond(*refused, false);
        stream_.expires_after(core_->options.request_timeout);
        http::async_read(stream_, buffer_, *parser_,
                         [self = shared_from_this()](beast::error_code error, std::size_t) {
                             error ? self->handle_read_error(error) : self->handle_request();
                         });
    }

    std::optional<HttpResponse> refusal() const {
        const auto& header = parser_->get();
        if (!is_loopback_host(view(header[http::field::host]))) {
            return error_response({Errc::unauthorized, "the Host header names another machine",
                                   "request", "address the node as 127.0.0.1"});
        }
        constexpr std::string_view scheme = "Bearer ";
        const std::string_view given = view(header[http::field::authorization]);
        if (!given.starts_with(scheme) ||
            !is_token(given.substr(scheme.size()), core_->options.token)) {
            return error_response({Errc::unauthorized, "missing or wrong token", "request",
                                   "send 'Authorization: Bearer ' with the content of api.token"},
                                  401);
        }
        return std::nullopt;
    }

    void handle_read_error(beast::error_code error) {
        if (error == http::error::body_limit) {
            const std::string limit = std::to_string(core_->options.body_bytes_max);
            return respond(error_response({Errc::too_large, "body over " + limit + " bytes",
                                           "request", "send less at once"}),
                           false);
        }
        if (error == http::error::header_limit) {
            return respond(
                error_response(
                    {Errc::too_large, "headers too long", "request", "send fewer headers"}, 431),
                false);
        }
        // Beast's own parse errors are answered; a connection that went away is not.
        if (error.category() == http::make_error_code(http::error::bad_method).category() &&
            error != http::error::end_of_stream && error != http::error::partial_message) {
            return respond(error_response({Errc::malformed, "no HTTP: " + error.message(),
                                           "request", "speak HTTP/1.1"}),
                           false);
        }
    }

    void handle_request() {
        const auto& message = parser_->get();
        auto target = parse_target(view(message.target()));
        const bool keep = message.keep_alive();
        if (!target) return respond(error_response(target.error()), keep);
        stream_.expires_never();  // from here on it is we who take the time
        core_->answer({std::string(view(message.method_string())),
                       std::move(target->path),
                       std::move(target->query),
                       {},
                       message.body()},
                      [self = shared_from_this(), keep](const HttpResponse& response) {
                          self->respond(response, keep);
                      });
    }

    void respond(const HttpResponse& content, bool keep_alive) {
        keep_alive = keep_alive && !core_->stopping;
        response_ = {};
        response_.result(content.status);
        response_.set(http::field::content_type, "application/json");
        response_.set(http::field::cache_control, "no-store");
        response_.keep_alive(keep_alive);
        response_.body() = content.body;
        response_.prepare_payload();
        stream_.expires_after(core_->options.request_timeout);
        http::async_write(
            stream_, response_,
            [self = shared_from_this(), keep_alive](beast::error_code error, std::size_t) {
                if (error) return;
                const bool keep = keep_alive && !self->core_->stopping;
                keep ? self->read_header(self->core_->options.idle_timeout) : self->finish();
            });
    }

    /// Closing a socket with unread input resets the connection, and the answer may be lost with
    /// it; so what still comes is read for a moment and thrown away.
    void finish() {
        beast::error_code ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
        stream_.expires_after(std::chrono::seconds(1));
        drain();
    }
    void drain() {
        buffer_.clear();
        stream_.async_read_some(buffer_.prepare(4096),
                                [self = shared_from_this()](beast::error_code error, std::size_t) {
                                    if (!error) self->drain();
                                });
    }

    std::shared_ptr<Core> core_;
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_{16 * 1024};
    std::optional<Parser> parser_;
    http::response<http::string_body> response_;
    bool idle_ = true;
};

std::expected<void, base::Error> HttpServer::Core::open() {
    const auto endpoint = to_endpoint<tcp::endpoint>(options.address);
    beast::error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(64, error);
    if (!error) return {};
    const bool taken = error == asio::error::address_in_use;
    return base::failure(
        taken ? Errc::unavailable : Errc::io,
        "cannot listen on " + base::to_string(options.address) + ": " + error.message(),
        "node's API",
        taken ? "stop what uses the port, or set api.address to port 0"
              : "choose another api.address");
}

void HttpServer::Core::accept() {
    acceptor_.async_accept(
        [core = shared_from_this()](beast::error_code error, tcp::socket socket) {
            if (core->stopping || error == asio::error::operation_aborted) return;
            if (error) {
                core->log.warning("API: cannot accept a connection: " + error.message());
                return core->accept_later();
            }
            const std::size_t open = core->sessions.size();
            // Those being told that it is crowded hold descriptors too, which the store needs.
            if (open < 2 * core->options.connections_max) {
                const auto session = std::make_shared<Session>(core, std::move(socket));
                open >= core->options.connections_max ? session->refuse_crowd() : session->start();
            }
            core->accept();
        });
}

/// What makes accepting fail, no descriptors being left, would make it fail again at once.
void HttpServer::Core::accept_later() {
    pause_.expires_after(accept_pause);
    pause_.async_wait([core = shared_from_this()](beast::error_code error) {
        if (!error && !core->stopping) core->accept();
    });
}

void HttpServer::Core::stop() {
    stopping = true;
    beast::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    for (Session* session : std::set(sessions)) {
        if (session->idle()) session->close();
    }
}

void HttpServer::Core::close() {
    stop();
    routes.clear();
    for (Session* session : std::set(sessions)) session->close();
}

void HttpServer::Core::answer(HttpRequest request, Respond respond) const {
    bool path_known = false;
    for (const Route& route : routes) {
        if (!matches(route.pattern, request.path, request.parameters)) continue;
        path_known = true;
        if (route.method == request.method) return serve(route, request, respond);
    }
    if (path_known) {
        return respond(
            error_response({Errc::unsupported, "'" + request.method + "' is not for this path",
                            request.path, "look up its method"},
                           405));
    }
    respond(error_response({Errc::not_found, "no such path", request.path.substr(0, 200),
                            "GET /v1/status is one that exists"}));
}

/// The libraries below may throw; a request must not end the node.
void HttpServer::Core::serve(const Route& route, const HttpRequest& request,
                             const Respond& respond) const {
    try {
        route.handler(request, respond);
    } catch (const std::exception& problem) {
        log.error("API: " + route.pattern + " failed: " + problem.what());
        respond(error_response(
            {Errc::unavailable, "internal error", route.pattern, "look at the node's log"}, 500));
    }
}

base::LinkAddress HttpServer::Core::address() const {
    beast::error_code ignored;
    return to_link_address(acceptor_.local_endpoint(ignored));
}

std::expected<std::unique_ptr<HttpServer>, base::Error> HttpServer::listen(asio::io_context& io,
                                                                           Options options,
                                                                           base::Log log) {
    if (!node::is_loopback(options.address)) {
        return base::failure(Errc::invalid_argument,
                             base::to_string(options.address) + " is no loopback address",
                             "node's API", "choose one like 127.0.0.1:0");
    }
    if (options.token.empty()) {
        return base::failure(Errc::invalid_argument, "the token is empty", "node's API");
    }
    auto core = std::make_shared<Core>(io, std::move(options), log);
    MESH_CHECK(core->open());
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(core)));
}

HttpServer::HttpServer(std::shared_ptr<Core> core) : core_(std::move(core)) {}
HttpServer::~HttpServer() { core_->close(); }

void HttpServer::add_route(std::string method, std::string pattern, Handler handler) {
    core_->routes.push_back({std::move(method), std::move(pattern), std::move(handler)});
}
void HttpServer::start() { core_->accept(); }
void HttpServer::stop() { core_->stop(); }
base::LinkAddress HttpServer::address() const { return core_->address(); }
std::size_t HttpServer::connections() const { return core_->sessions.size(); }

}  // namespace meshchain::host
