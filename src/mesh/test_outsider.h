#pragma once
// For tests: a stranger who speaks the protocol as he likes.

#include "mesh/test_network.h"

namespace meshchain::mesh::test {

/// Somebody with a key and an address who writes whatever datagrams he likes.
class Outsider {
public:
    Outsider(Network& network, std::uint8_t key, base::LinkAddress address)
        : network_(network), key_(key_of(key)), address_(address) {}

    base::Buffer control(wire::MessageType type, base::Bytes body, std::uint32_t timestamp,
                         std::uint32_t sequence) const {
        const wire::FrameHeader header{.type = type,
                                       .sender = crypto::node_id(key()),
                                       .timestamp = timestamp,
                                       .sequence = sequence,
                                       .hop_limit = 0};
        base::Buffer payload = base::to_buffer(body);
        const crypto::Signature signature = key_.sign(
            wire::control_preimage(chain_of(7), type, key(), header.control_sequence(), body));
        base::Writer(payload).bytes(signature.bytes);
        return wire::encode_frame(header, payload);
    }
    wire::Hello hello(const wire::Cookie& cookie = {}) const {
        wire::Hello hello;
        hello.chain = chain_of(7);
        hello.identity = key();
        hello.accepted = true;
        hello.cookie = cookie;
        return hello;
    }
    base::Buffer hello_frame(const wire::Hello& hello) {
        return control(wire::MessageType::peer_hello, wire::encode(hello), epoch, ++sequence_);
    }
    base::Buffer status_frame() {
        return control(wire::MessageType::status, wire::encode(wire::Heartbeat{}), epoch,
                       ++sequence_);
    }

    /// The last cookie the network carried to this address; zero if none.
    wire::Cookie last_cookie() const {
        for (auto it = network_.sent.rbegin(); it != network_.sent.rend(); ++it) {
            if (it->to != address_ || it->frame().header.type != wire::MessageType::cookie)
                continue;
            return *wire::parse_cookie(it->frame().payload);
        }
        return {};
    }
    /// The handshake as an honest node does it.
    void join(Node& node) {
        send(node, hello_frame(hello()));
        send(node, hello_frame(hello(last_cookie())));
    }
    void send(Node& node, base::Bytes datagram) {
        network_.inject_now(address_, node.address(), datagram);
    }
    std::size_t answers() const {
        return static_cast<std::size_t>(std::ranges::count_if(
            network_.sent, [&](const SentDatagram& item) { return item.to == address_; }));
    }

    void skip_sequences(std::uint32_t count) { sequence_ += count; }
    const crypto::PublicKey& key() const { return key_.public_key(); }
    const base::LinkAddress& address() const { return address_; }

    std::uint32_t epoch = 1'000;

private:
    Network& network_;
    crypto::SigningKey key_;
    base::LinkAddress address_;
    std::uint32_t sequence_ = 0;
};

}  // namespace meshchain::mesh::test
