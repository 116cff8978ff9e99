#include "host/kodikon_link.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "host/asio_address.h"
#include "host/monotonic.h"

namespace meshchain::host {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using udp = asio::ip::udp;

constexpr int receive_buffer_bytes = 1 << 20;
constexpr int datagrams_a_turn = 64;

std::string printed(const udp::endpoint& endpoint) {
    return endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
}

base::Error bind_error(const error_code& error, const udp::endpoint& endpoint) {
    const std::string what = "cannot bind " + printed(endpoint) + ": " + error.message();
    if (error == asio::error::address_in_use) {
        return {base::Errc::exists, what, "kodikon",
                "stop the program that uses it, or set kodikon.listen to another port"};
    }
    if (error == asio::error::access_denied) {
        return {base::Errc::unauthorized, what, "kodikon", "choose a port from 1024 on"};
    }
    if (error.value() == EADDRNOTAVAIL) {
        return {base::Errc::invalid_argument, what, "kodikon",
                "set kodikon.listen to an address this machine has, or to 0.0.0.0"};
    }
    return {base::Errc::io, what, "kodikon", ""};
}

std::expected<void, base::Error> open_socket(udp::socket& socket, const udp::endpoint& endpoint) {
    error_code error;
    socket.open(udp::v4(), error);
    // The port is Kodikon's and our multicast group's, so others of this machine have it too.
    if (!error) socket.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) socket.set_option(asio::socket_base::broadcast(true), error);
    if (!error) socket.bind(endpoint, error);
    if (!error) socket.non_blocking(true, error);
    if (error) return std::unexpected(bind_error(error, endpoint));
    // What other sockets of this machine joined is not for this one.
    const int all = 0;
    ::setsockopt(socket.native_handle(), IPPROTO_IP, IP_MULTICAST_ALL, &all, sizeof all);
    error_code ignored;
    socket.set_option(asio::socket_base::receive_buffer_size(receive_buffer_bytes), ignored);
    return {};
}

/// The address at which a broadcast shows us to others.
std::expected<std::string, base::Error> own_address(asio::io_context& context,
                                                    const node::KodikonConfig& settings) {
    const auto chosen = to_endpoint<udp::endpoint>(settings.interface).address();
    if (!chosen.is_unspecified()) return chosen.to_string();
    const auto listening = to_endpoint<udp::endpoint>(settings.listen).address();
    if (!listening.is_unspecified()) return listening.to_string();
    udp::socket probe(context);
    error_code error;
    probe.open(udp::v4(), error);
    if (!error) probe.set_option(asio::socket_base::broadcast(true), error);
    // Sends nothing.
    if (!error) probe.connect(to_endpoint<udp::endpoint>(settings.broadcast), error);
    const udp::endpoint local = error ? udp::endpoint() : probe.local_endpoint(error);
    if (!error && !local.address().is_unspecified()) return local.address().to_string();
    return base::failure(
        base::Errc::unavailable, "no network card leads to " + base::to_string(settings.broadcast),
        "kodikon", "set kodikon.interface to the address of the card that Kodikon nodes are on");
}

}  // namespace

class KodikonLink::Session final : public records::RecordObserver,
                                   public std::enable_shared_from_this<KodikonLink::Session> {
public:
    Session(udp::socket socket, const udp::endpoint& broadcast, base::Now now,
            KodikonBridgeOptions options, records::RecordService& records,
            std::function<base::Now()> clock, base::Log log)
        : bridge_(now, std::move(options), records),
          socket_(std::move(socket)),
          timer_(socket_.get_executor()),
          broadcast_(broadcast),
          clock_(std::move(clock)),
          log_(log) {}

    void start() {
        wait();
        look_around();
    }
    void handle_record(base::Now now, const wire::RecordId& id,
                       const wire::Record& record) override {
        if (!socket_.is_open()) return;
        bridge_.handle_record(now, id, record);
        if (std::exchange(is_posted_, true)) return;
        asio::post(socket_.get_executor(), [weak = weak_from_this()] {
            const auto self = weak.lock();
            if (!self) return;
            self->is_posted_ = false;
            self->look_around();
        });
    }
    void close() {
        error_code ignored;
        socket_.close(ignored);
        timer_.cancel();
    }

    KodikonBridge bridge_;
    udp::socket socket_;
    std::optional<base::Error> fault_;

private:
    void wait();
    void read();
    void look_around();
    void flush(base::Now now);

    asio::steady_timer timer_;
    const udp::endpoint broadcast_;
    const std::function<base::Now()> clock_;
    base::Log log_;
    bool is_posted_ = false;
    std::vector<std::byte> buffer_ = std::vector<std::byte>(kodikon_bytes_max + 1);
};

void KodikonLink::Session::wait() {
    socket_.async_wait(udp::socket::wait_read, [weak = weak_from_this()](const error_code& error) {
        const auto self = weak.lock();
        if (error || !self || !self->socket_.is_open()) return;
        self->read();
        self->wait();
    });
}

void KodikonLink::Session::read() {
    for (int i = 0; i < datagrams_a_turn; ++i) {
        udp::endpoint from;
        error_code error;
        const std::size_t bytes =
            socket_.receive_from(asio::buffer(buffer_.data(), buffer_.size()), from, 0, error);
        // What a host answered that is no longer there.
        if (error == asio::error::connection_refused) continue;
        if (error) break;
        bridge_.handle_datagram(clock_(), to_link_address(from), base::Bytes(buffer_).first(bytes));
    }
    look_around();
}

void KodikonLink::Session::look_around() {
    if (!socket_.is_open()) return;
    const base::Now now = clock_();
    if (now.instant >= bridge_.poll_timeout(now)) bridge_.handle_timeout(now);
    flush(now);
    // The clock handed in need not be the timer's.
    const base::Duration left = bridge_.poll_timeout(now) - now.instant;
    timer_.expires_after(std::max<base::Duration>(left, std::chrono::milliseconds(1)));
    timer_.async_wait([weak = weak_from_this()](const error_code& error) {
        const auto self = weak.lock();
        if (!error && self) self->look_around();
    });
}

void KodikonLink::Session::flush(base::Now now) {
    while (const auto departure = bridge_.poll_datagram(now)) {
        const udp::endpoint to =
            departure->to ? to_endpoint<udp::endpoint>(*departure->to) : broadcast_;
        error_code error;
        socket_.send_to(asio::buffer(departure->bytes.data(), departure->bytes.size()), to, 0,
                        error);
        if (!error) {
            fault_.reset();
            continue;
        }
        base::Error fault{base::Errc::io, "cannot send to " + printed(to) + ": " + error.message(),
                          "kodikon", "check that the network is up and kodikon.broadcast is of it"};
        if (!fault_) log_.warning(sentence(fault));
        fault_ = std::move(fault);
    }
}

std::expected<std::unique_ptr<KodikonLink>, base::Error> KodikonLink::open(
    asio::io_context& context, const node::KodikonConfig& settings, records::RecordService& records,
    std::function<base::Now()> clock, base::Log log) {
    MESH_TRY(const std::string address, own_address(context, settings));
    udp::socket socket(context);
    MESH_CHECK(open_socket(socket, to_endpoint<udp::endpoint>(settings.listen)));
    error_code error;
    const std::uint16_t port = socket.local_endpoint(error).port();
    KodikonBridgeOptions options{.node_id = kodikon_bridge_id(records.store().self()),
                                 .address = address,
                                 .port = port,
                                 .peers_max = settings.peers_max};
    const base::Now now = clock();
    auto session = std::make_shared<Session>(
        std::move(socket), to_endpoint<udp::endpoint>(settings.broadcast), now, std::move(options),
        records, std::move(clock), log.for_module("host"));
    log.for_module("host").info("bridge to Kodikon nodes as " + session->bridge_.view().node_id +
                                " at " + address + ":" + std::to_string(port));
    records.add_observer(*session);
    session->start();
    return std::unique_ptr<KodikonLink>(new KodikonLink(std::move(session)));
}

KodikonLink::~KodikonLink() { session_->close(); }

KodikonView KodikonLink::view() const { return session_->bridge_.view(); }

std::optional<base::Error> KodikonLink::fault() const { return session_->fault_; }

base::LinkAddress KodikonLink::local_address() const {
    error_code ignored;
    return to_link_address(session_->socket_.local_endpoint(ignored));
}

void KodikonLink::close() { session_->close(); }

}  // namespace meshchain::host
