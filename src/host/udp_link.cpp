#include "host/udp_link.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/multicast.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>

#include "base/assert.h"
#include "host/asio_address.h"
#include "host/datagram_batch.h"

namespace meshchain::host {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using udp = asio::ip::udp;

/// Room for the burst in which every peer passes on the same block.
constexpr int receive_buffer_bytes = 1 << 20;

std::unexpected<base::Error> refuse(base::Errc code, const std::string& what,
                                    const std::string& advice) {
    return base::failure(code, what, "udp", advice);
}

std::expected<asio::ip::address, base::Error> parse_address(const std::string& text,
                                                            const char* field) {
    error_code error;
    asio::ip::address address = asio::ip::make_address(text, error);
    if (!error) return address;
    return refuse(base::Errc::invalid_argument,
                  std::string(field) + " \"" + text + "\" is no IP address",
                  "write it as numbers, such as 192.168.1.5");
}

std::string printed(const udp::endpoint& endpoint) {
    return endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
}

base::Error bind_error(const error_code& error, const udp::endpoint& endpoint) {
    const std::string what = "cannot bind " + printed(endpoint) + ": " + error.message();
    if (error == asio::error::address_in_use) {
        return {base::Errc::exists, what, "udp",
                "stop the program that uses it, or choose another port"};
    }
    if (error == asio::error::access_denied) {
        return {base::Errc::unauthorized, what, "udp", "choose a port from 1024 on"};
    }
    if (error.value() == EADDRNOTAVAIL) {
        return {base::Errc::invalid_argument, what, "udp", "use an address this machine has"};
    }
    return {base::Errc::io, what, "udp", ""};
}

/// A socket that speaks IPv6 takes IPv4 addresses in their mapped form only.
udp::endpoint endpoint_for(const udp& protocol, const base::LinkAddress& address) {
    auto endpoint = to_endpoint<udp::endpoint>(address);
    if (protocol == udp::v4() || endpoint.address().is_v6()) return endpoint;
    return {asio::ip::make_address_v6(asio::ip::v4_mapped, endpoint.address().to_v4()),
            endpoint.port()};
}

std::string host_of(const base::LinkAddress& address) {
    const std::string text = base::to_string(address);
    const std::string host = text.substr(0, text.rfind(':'));
    return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

/// A socket, and what was read from it and not yet handed out.
struct Inlet {
    explicit Inlet(asio::io_context& context) : socket(context) {}
    udp::socket socket;
    DatagramBatch batch;
};

}  // namespace

UdpOptions udp_options(const node::NetworkConfig& network) {
    UdpOptions options;
    options.address = host_of(network.listen);
    options.port = network.listen.port;
    options.multicast = network.multicast;
    options.group = host_of(network.multicast_group);
    options.group_port = network.multicast_group.port;
    if (network.interface.host != node::ipv4({}, 0).host) {
        options.interface = host_of(network.interface);
    }
    return options;
}

struct UdpLink::Sockets : std::enable_shared_from_this<UdpLink::Sockets> {
    explicit Sockets(asio::io_context& context) : from_unicast(context), from_multicast(context) {}

    std::expected<void, base::Error> open_unicast(const UdpOptions& options);
    std::expected<void, base::Error> open_multicast(const UdpOptions& options);
    std::expected<void, base::Error> prepare_sending(const asio::ip::address_v4& interface);
    std::expected<void, base::Error> join_group(const asio::ip::address_v4& interface);
    void wait(Inlet& inlet);
    void call_back(Inlet& inlet);
    void turn();
    std::optional<base::Datagram> take(base::MutableBytes buffer);

    Inlet from_unicast;
    Inlet from_multicast;
    udp::socket& unicast = from_unicast.socket;
    udp::socket& multicast = from_multicast.socket;  ///< closed when multicast is off
    udp protocol = udp::v4();                        ///< of the unicast socket
    udp::endpoint group;
    std::function<void()> readable;
    Inlet* current = &from_multicast;  ///< whose batch is being handed out
    std::uint64_t truncated = 0;
};

std::expected<std::unique_ptr<UdpLink>, base::Error> UdpLink::open(asio::io_context& context,
                                                                   const UdpOptions& options) {
    auto sockets = std::make_shared<Sockets>(context);
    MESH_CHECK(sockets->open_unicast(options));
    if (options.multicast) MESH_CHECK(sockets->open_multicast(options));
    return std::unique_ptr<UdpLink>(new UdpLink(std::move(sockets)));
}

std::expected<void, base::Error> UdpLink::Sockets::open_unicast(const UdpOptions& options) {
    MESH_TRY(const asio::ip::address address, parse_address(options.address, "address"));
    const udp::endpoint endpoint(address, options.port);
    error_code error;
    protocol = endpoint.protocol();
    unicast.open(protocol, error);
    if (error) return std::unexpected(bind_error(error, endpoint));
    // Dual stack where the system allows it; without, IPv6 alone.
    error_code ignored;
    if (address.is_v6()) unicast.set_option(asio::ip::v6_only(false), ignored);
    unicast.set_option(asio::socket_base::receive_buffer_size(receive_buffer_bytes), ignored);
    unicast.bind(endpoint, error);
    if (!error) unicast.non_blocking(true, error);
    if (error) return std::unexpected(bind_error(error, endpoint));
    return {};
}

std::expected<void, base::Error> UdpLink::Sockets::open_multicast(const UdpOptions& options) {
    MESH_TRY(const asio::ip::address chosen_group, parse_address(options.group, "multicast group"));
    MESH_TRY(const asio::ip::address chosen,
             parse_address(options.interface.empty() ? options.address : options.interface,
                           "multicast interface"));
    if (!chosen_group.is_v4() || !chosen_group.is_multicast() || !chosen.is_v4()) {
        return refuse(base::Errc::invalid_argument,
                      "multicast needs an IPv4 group and interface, not " + options.group + " on " +
                          chosen.to_string(),
                      "name an IPv4 interface address, or switch multicast off");
    }
    group = udp::endpoint(chosen_group, options.group_port);
    MESH_CHECK(prepare_sending(chosen.to_v4()));
    return join_group(chosen.to_v4());
}

std::expected<void, base::Error> UdpLink::Sockets::prepare_sending(
    const asio::ip::address_v4& interface) {
    error_code error;
    if (!interface.is_unspecified()) {
        unicast.set_option(asio::ip::multicast::outbound_interface(interface), error);
    }
    if (!error) unicast.set_option(asio::ip::multicast::hops(1), error);
    if (!error) unicast.set_option(asio::ip::multicast::enable_loopback(true), error);
    if (!error) return {};
    return refuse(base::Errc::unavailable,
                  "cannot multicast from " + interface.to_string() + ": " + error.message(),
                  "name the address of one of this machine's interfaces");
}

std::expected<void, base::Error> UdpLink::Sockets::join_group(
    const asio::ip::address_v4& interface) {
    error_code error;
    multicast.open(udp::v4(), error);
    if (!error) multicast.set_option(asio::socket_base::reuse_address(true), error);
    // Bound to the group itself, so that a unicast to this port is never taken for multicast.
    if (!error) multicast.bind(group, error);
    if (!error) multicast.non_blocking(true, error);
    if (error) return std::unexpected(bind_error(error, group));
    // Only from the interface we join on, not from those of other programs' memberships.
    const int all = 0;
    ::setsockopt(multicast.native_handle(), IPPROTO_IP, IP_MULTICAST_ALL, &all, sizeof all);
    error_code ignored;
    multicast.set_option(asio::socket_base::receive_buffer_size(receive_buffer_bytes), ignored);
    multicast.set_option(asio::ip::multicast::join_group(group.address().to_v4(), interface),
                         error);
    if (!error) return {};
    return refuse(
        base::Errc::unavailable,
        "cannot join " + printed(group) + " on " + interface.to_string() + ": " + error.message(),
        "name the address of an interface that has multicast, or switch it off");
}

void UdpLink::on_readable(std::function<void()> callback) {
    MESH_ASSERT(!sockets_->readable && callback);
    sockets_->readable = std::move(callback);
    sockets_->wait(sockets_->from_unicast);
    if (sockets_->multicast.is_open()) sockets_->wait(sockets_->from_multicast);
}

void UdpLink::Sockets::wait(Inlet& inlet) {
    // The link may be gone, or closed, when the wait ends.
    inlet.socket.async_wait(udp::socket::wait_read,
                            [weak = weak_from_this(), &inlet](const error_code& error) {
                                const auto self = weak.lock();
                                if (error || !self) return;
                                self->call_back(inlet);
                            });
}

void UdpLink::Sockets::call_back(Inlet& inlet) {
    if (!inlet.socket.is_open()) return;
    readable();
    if (!inlet.socket.is_open()) return;
    if (from_unicast.batch.empty() && from_multicast.batch.empty()) return wait(inlet);
    // What was read already, from either, makes no socket readable.
    asio::post(inlet.socket.get_executor(), [weak = weak_from_this(), &inlet] {
        if (const auto self = weak.lock()) self->call_back(inlet);
    });
}

std::size_t UdpLink::datagram_bytes_max() const { return DatagramBatch::datagram_bytes_max; }

std::expected<void, base::Error> UdpLink::send(const std::optional<base::LinkAddress>& to,
                                               base::Bytes datagram) {
    udp::socket& socket = sockets_->unicast;
    if (!socket.is_open()) return refuse(base::Errc::io, "the link is closed", "");
    if (!to && !sockets_->multicast.is_open()) {
        return refuse(base::Errc::io, "multicast is off", "");
    }
    if (datagram.size() > datagram_bytes_max()) {
        return refuse(base::Errc::too_large, std::to_string(datagram.size()) + " bytes", "");
    }
    const udp::endpoint endpoint = to ? endpoint_for(sockets_->protocol, *to) : sockets_->group;
    error_code error;
    socket.send_to(asio::buffer(datagram.data(), datagram.size()), endpoint, 0, error);
    if (!error) return {};
    const std::string what = "cannot send to " + printed(endpoint) + ": " + error.message();
    if (error == asio::error::would_block || error == asio::error::no_buffer_space) {
        return refuse(base::Errc::full, what, "");
    }
    return refuse(base::Errc::io, what, "check that the network is up");
}

std::optional<base::Datagram> UdpLink::receive(base::MutableBytes buffer) {
    // The sockets take turns, a batch each: a flood on one never silences the other.
    for (int turns = 0; turns < 2; ++turns) {
        if (auto datagram = sockets_->take(buffer)) return datagram;
        sockets_->turn();
    }
    return sockets_->take(buffer);
}

void UdpLink::Sockets::turn() {
    current = current == &from_unicast ? &from_multicast : &from_unicast;
    if (current->socket.is_open()) current->batch.fill(current->socket.native_handle());
}

std::optional<base::Datagram> UdpLink::Sockets::take(base::MutableBytes buffer) {
    if (!current->socket.is_open()) return std::nullopt;
    while (const auto taken = current->batch.take()) {
        if (taken->length <= std::min(buffer.size(), taken->bytes.size())) {
            std::ranges::copy(taken->bytes, buffer.begin());
            return base::Datagram{taken->from, current == &from_multicast, taken->length};
        }
        ++truncated;
    }
    return std::nullopt;
}

std::uint64_t UdpLink::truncated_count() const { return sockets_->truncated; }

base::LinkAddress UdpLink::local_address() const {
    error_code ignored;
    return to_link_address(sockets_->unicast.local_endpoint(ignored));
}

void UdpLink::close() {
    error_code ignored;
    sockets_->unicast.close(ignored);
    sockets_->multicast.close(ignored);
}

}  // namespace meshchain::host
