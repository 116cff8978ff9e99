#include "host/http_server.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>

#include "host/asio_address.h"
#include "host/tcp_stream.h"
#include "host/tls_context.h"
#include "host/tls_stream.h"
#include "host/token_gate.h"
#include "node/config.h"

namespace meshchain::host {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::Errc;
using boost::system::error_code;

constexpr auto accept_pause = std::chrono::milliseconds(100);
constexpr auto sweep_pause = std::chrono::milliseconds(10);

}  // namespace

class HttpServer::Core final : public std::enable_shared_from_this<Core>,
                               public HttpSession::Owner {
public:
    Core(asio::io_context& io, Options chosen, base::Log sink)
        : options(std::move(chosen)),
          log(sink),
          gate(options.token),
          io_(io),
          acceptor_(io),
          pause_(io),
          sweep_(io) {}

    std::expected<void, base::Error> open();
    void accept();
    void stop();
    void close();
    base::LinkAddress address() const;
    HttpStats stats() const;

    // HttpSession::Owner
    base::Instant now() const override;
    HttpSession::Judgement judge(HttpReader& reader) override;
    void before_work() override {
        if (options.before_work) options.before_work();
    }
    void serve(const HttpRoute& route, const HttpRequest& request,
               HttpRoute::Respond respond) override;
    bool admit(HttpSession& session) override;
    void handle_closed(HttpSession& session) override;
    void expect_deadline(base::Instant deadline) override;
    void count(unsigned status) override { ++stats_.responses[std::min(status / 100, 5U)]; }
    bool is_stopping() const override { return stopping_; }

    const Options options;
    base::Log log;
    HttpRouter router;
    std::unique_ptr<TlsContext> tls;
    TokenGate gate;

private:
    void take(tcp::socket socket);
    void accept_later();
    void make_room_for_stranger();
    std::size_t count_trusted() const;
    void sweep();
    bool is_our_host(std::string_view host) const;
    std::optional<HttpResponse> check_token(HttpReader& reader, HttpSession::Judgement& judgement);
    std::optional<HttpResponse> check_route(HttpReader& reader, HttpSession::Judgement& judgement);

    asio::io_context& io_;
    tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    asio::steady_timer sweep_;
    base::Instant sweep_at_ = base::never;
    std::list<std::shared_ptr<HttpSession>> sessions_;  ///< the oldest first
    HttpStats stats_;
    bool stopping_ = false;
};

std::expected<void, base::Error> HttpServer::Core::open() {
    if (options.tls) {
        MESH_TRY(tls, TlsContext::open(options.tls->certificate, options.tls->key));
    }
    const auto endpoint = to_endpoint<tcp::endpoint>(options.address);
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
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
    acceptor_.async_accept([core = shared_from_this()](error_code error, tcp::socket socket) {
        if (core->stopping_ || error == asio::error::operation_aborted) return;
        if (error) {
            core->log.warning("API: cannot accept a connection: " + error.message());
            return core->accept_later();
        }
        core->take(std::move(socket));
        core->accept();
    });
}

/// What makes accepting fail, no descriptors being left, would make it fail again at once.
void HttpServer::Core::accept_later() {
    pause_.expires_after(accept_pause);
    pause_.async_wait([core = shared_from_this()](error_code error) {
        if (!error && !core->stopping_) core->accept();
    });
}

void HttpServer::Core::take(tcp::socket socket) {
    before_work();
    make_room_for_stranger();
    ++stats_.accepted;
    auto stream =
        tls ? make_tls_stream(std::move(socket), *tls) : make_tcp_stream(io_, std::move(socket));
    sessions_.push_back(
        std::make_shared<HttpSession>(*this, std::move(stream), options.limits, options.timeouts));
    const auto session = sessions_.back();
    session->start();
}

std::size_t HttpServer::Core::count_trusted() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(sessions_, [](const auto& s) { return s->is_trusted(); }));
}

/// Of those without the token, one that has said nothing goes first, then the oldest.
void HttpServer::Core::make_room_for_stranger() {
    if (sessions_.size() - count_trusted() < options.strangers_max) return;
    const auto is_silent = [](const auto& s) { return !s->is_trusted() && s->is_silent(); };
    auto victim = std::ranges::find_if(sessions_, is_silent);
    if (victim == sessions_.end()) {
        victim = std::ranges::find_if(sessions_, [](const auto& s) { return !s->is_trusted(); });
    }
    ++stats_.displaced;
    const auto session = *victim;
    session->close();
}

bool HttpServer::Core::admit(HttpSession& session) {
    if (count_trusted() <= options.connections_max - options.strangers_max) return true;
    const auto idle = std::ranges::find_if(sessions_, [&](const auto& s) {
        return s.get() != &session && s->is_trusted() && s->idle();
    });
    if (idle == sessions_.end()) return false;
    ++stats_.displaced;
    const auto victim = (*idle)->shared_from_this();  // closing takes it out of the list
    victim->close();
    return true;
}

void HttpServer::Core::handle_closed(HttpSession& session) {
    sessions_.remove_if([&](const auto& s) { return s.get() == &session; });
}

base::Instant HttpServer::Core::now() const {
    const auto steady = std::chrono::steady_clock::now().time_since_epoch();
    return base::Instant(std::chrono::duration_cast<base::Duration>(steady));
}

void HttpServer::Core::expect_deadline(base::Instant deadline) {
    if (deadline >= sweep_at_) return;
    sweep_at_ = deadline;
    sweep_.expires_at(std::chrono::steady_clock::time_point(deadline.time_since_epoch()));
    sweep_.async_wait([core = shared_from_this()](error_code error) {
        if (!error) core->sweep();
    });
}

void HttpServer::Core::sweep() {
    sweep_at_ = base::never;
    const base::Instant at = now();
    for (const auto& session : std::vector(sessions_.begin(), sessions_.end())) {
        if (session->deadline() <= at) session->handle_deadline();
    }
    base::Instant next = base::never;
    for (const auto& session : sessions_) next = std::min(next, session->deadline());
    if (next != base::never) expect_deadline(std::max(next, at + sweep_pause));
}

void HttpServer::Core::stop() {
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    for (const auto& session : std::vector(sessions_.begin(), sessions_.end())) session->stop();
}

void HttpServer::Core::close() {
    stop();
    sweep_.cancel();
    for (const auto& session : std::vector(sessions_.begin(), sessions_.end())) session->close();
    router.clear();
}

/// A page whose name was rebound to our address still sends its own name. An address is no name,
/// and over TLS the certificate says which names are ours.
bool HttpServer::Core::is_our_host(std::string_view host) const {
    if (is_loopback_host(host)) return true;
    const auto name = host_name(host);
    return tls && name && tls->is_host(*name);
}

HttpSession::Judgement HttpServer::Core::judge(HttpReader& reader) {
    HttpSession::Judgement judgement;
    if (!is_our_host(reader.field("Host").value_or(""))) {
        ++stats_.foreign_hosts;
        judgement.refusal =
            error_response({Errc::unauthorized, "the Host header names another machine", "request",
                            "address the node as 127.0.0.1"});
    } else if (auto wrong_token = check_token(reader, judgement)) {
        judgement.refusal = std::move(wrong_token);
    } else if (auto wrong_route = check_route(reader, judgement)) {
        judgement.refusal = std::move(wrong_route);
    }
    return judgement;
}

static HttpResponse token_refusal(std::string what) {
    auto response = error_response({Errc::unauthorized, std::move(what), "request",
                                    "send 'Authorization: Bearer ' with the content of api.token"},
                                   401);
    response.fields.emplace_back("WWW-Authenticate", "Bearer");
    return response;
}

/// No token is no guess: some routes need none.
std::optional<HttpResponse> HttpServer::Core::check_token(HttpReader& reader,
                                                          HttpSession::Judgement& judgement) {
    if (reader.field_count("Authorization") == 0) return std::nullopt;
    constexpr std::string_view scheme = "Bearer ";
    const std::string_view given = reader.field("Authorization").value_or("");
    judgement.trusted = given.starts_with(scheme) && gate.is_token(given.substr(scheme.size()));
    if (judgement.trusted) return std::nullopt;
    judgement.penalty = gate.penalty(now());
    log.warning("API: a wrong token, the " + std::to_string(gate.guesses()) + ". one");
    return token_refusal("wrong token");
}

std::optional<HttpResponse> HttpServer::Core::check_route(HttpReader& reader,
                                                          HttpSession::Judgement& judgement) {
    auto target = parse_target(reader.target());
    auto match = target ? router.find(reader.method(), target->path)
                        : std::unexpected(error_response(target.error()));
    const bool open = match && match->route->access == HttpRoute::Access::open;
    if (!judgement.trusted && !open) return token_refusal("missing token");
    if (!match) return std::move(match).error();
    const std::size_t body_bytes_max = match->route->body_bytes_max;
    if (!reader.limit_body(body_bytes_max)) {
        const std::string limit = std::to_string(body_bytes_max);
        return error_response(
            {Errc::too_large, "body over " + limit + " bytes", "request", "send less at once"});
    }
    judgement.request.method = reader.method();
    judgement.request.path = std::move(target->path);
    judgement.request.query = std::move(target->query);
    judgement.request.parameters = std::move(match->parameters);
    judgement.request.trusted = judgement.trusted;
    judgement.request.last_event_id = reader.field("Last-Event-ID").value_or("");
    judgement.match.route = match->route;
    return std::nullopt;
}

/// The libraries below may throw; a request must not end the node.
void HttpServer::Core::serve(const HttpRoute& route, const HttpRequest& request,
                             HttpRoute::Respond respond) {
    try {
        route.handler(request, respond);
    } catch (const std::exception& problem) {
        log.error("API: " + route.pattern + " failed: " + problem.what());
        respond(error_response(
            {Errc::unavailable, "internal error", route.pattern, "look at the node's log"}, 500));
    }
}

base::LinkAddress HttpServer::Core::address() const {
    error_code ignored;
    return to_link_address(acceptor_.local_endpoint(ignored));
}

HttpStats HttpServer::Core::stats() const {
    HttpStats stats = stats_;
    stats.wrong_tokens = gate.guesses();
    stats.connections = sessions_.size();
    return stats;
}

std::expected<std::unique_ptr<HttpServer>, base::Error> HttpServer::listen(asio::io_context& io,
                                                                           Options options,
                                                                           base::Log log) {
    if (!node::is_loopback(options.address) && !options.tls) {
        return base::failure(Errc::invalid_argument,
                             base::to_string(options.address) + " is no loopback address",
                             "node's API",
                             "choose one like 127.0.0.1:0, or set api.tls_certificate and "
                             "api.tls_key");
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

void HttpServer::add_route(HttpRoute route) { core_->router.add(std::move(route)); }
void HttpServer::start() { core_->accept(); }
void HttpServer::stop() { core_->stop(); }
base::LinkAddress HttpServer::address() const { return core_->address(); }
const HttpServer::Options& HttpServer::options() const { return core_->options; }
HttpStats HttpServer::stats() const { return core_->stats(); }
std::string HttpServer::fingerprint() const {
    return core_->tls ? core_->tls->fingerprint() : std::string();
}
const std::vector<HttpRoute>& HttpServer::routes() const { return core_->router.routes(); }

}  // namespace meshchain::host
