#pragma once
// UDP as a Link (PROTOCOL.md P1.9): one unicast socket of our own, from which everything is sent,
// and one receive-only socket that shares the multicast group's port with other nodes of the host.
//
// Ownership: borrows the io_context, which outlives the link.
// Threads:   the io_context's one; on_readable is called there.
// Limits:    datagrams of 2,048 bytes, more than any frame. Up to 64 are read at a time from each
//            socket, and handed out one by one (host/datagram_batch.h).
// Errors:    open() says which address, why and what to do; later faults lose the datagram.

#include <functional>
#include <memory>
#include <string>

#include "base/link.h"
#include "node/config.h"

namespace boost::asio {
class io_context;
}

namespace meshchain::host {

struct UdpOptions {
    /// Address and port of the unicast socket; port 0 takes any free one.
    std::string address = "0.0.0.0";
    std::uint16_t port = 0;
    bool multicast = true;
    std::string group = "239.255.77.67";
    std::uint16_t group_port = 9999;
    /// IPv4 address of the interface that joins the group; empty: `address`, or the system's choice
    /// if that is a wildcard. "127.0.0.1" keeps everything on this machine.
    std::string interface = {};
};

/// What a node's configuration asks for.
UdpOptions udp_options(const node::NetworkConfig& network);

class UdpLink final : public base::Link {
public:
    /// Errors: invalid_argument (an address that is none, or that no interface has), exists (the
    /// port is taken), unauthorized (a port below 1024), unavailable (the interface cannot do
    /// multicast), io.
    static std::expected<std::unique_ptr<UdpLink>, base::Error> open(
        boost::asio::io_context& context, const UdpOptions& options);

    /// Calls `callback` from the io_context whenever datagrams wait, again after each call that
    /// left some. Once; before the context runs.
    void on_readable(std::function<void()> callback);

    std::size_t datagram_bytes_max() const override;
    std::expected<void, base::Error> send(const std::optional<base::LinkAddress>& to,
                                          base::Bytes datagram) override;
    std::optional<base::Datagram> receive(base::MutableBytes buffer) override;

    /// Where peers reach us: the bound address and the real port.
    base::LinkAddress local_address() const;
    /// Datagrams dropped because they were longer than the caller's buffer.
    std::uint64_t truncated_count() const;

    /// Stops calling back and closes both sockets; send then fails, receive yields nothing.
    void close();

private:
    struct Sockets;
    explicit UdpLink(std::shared_ptr<Sockets> sockets) : sockets_(std::move(sockets)) {}

    std::shared_ptr<Sockets> sockets_;  ///< the pending waits hold it weakly
};

}  // namespace meshchain::host
