#pragma once
// A peer that speaks the protocol over a real socket and means no good, or only well: it makes
// sessions like any node, and sends whatever it is told to, true or forged.
//
// Time:    the real one. Whoever waits, pumps.
// Threads: one.

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "base/random.h"
#include "host/system_entropy.h"
#include "host/udp_link.h"
#include "kv/memory_store.h"
#include "mesh/ip_frames.h"
#include "mesh/mesh.h"
#include "node/config.h"

namespace meshchain::tests {

class Peer final : public mesh::FrameHandler {
public:
    /// Dials `target` and nobody else.
    Peer(const wire::ChainId& chain, const base::LinkAddress& target);

    /// Handles what comes for as long as `limit`, or until `done`; whether it is.
    bool pump(base::Duration limit, const std::function<bool()>& done = [] { return false; });
    bool connect(base::Duration limit) {
        return pump(limit, [this] { return mesh_->connected_count() > 0; });
    }

    /// As the mesh sends it: signed and numbered if it is control. Lost if the mesh refuses it.
    void send(wire::MessageType type, base::Buffer payload);
    /// A frame as it is, under any name.
    void send_raw(const wire::FrameHeader& header, base::Bytes payload);
    /// Any bytes.
    void send_datagram(base::Bytes datagram);
    void claim(wire::Height height);

    base::Buffer random_bytes(std::size_t count);
    base::Random& random() { return random_; }
    const crypto::SigningKey& key() const { return key_; }

    /// Sees every accepted frame.
    std::function<wire::Verdict(wire::MessageType type, base::Bytes payload)> on_frame =
        [](wire::MessageType, base::Bytes) { return wire::Verdict::keep; };

private:
    wire::Verdict handle_frame(base::Now, const wire::Ingress&, wire::MessageType type,
                               base::Bytes payload) override {
        return on_frame(type, payload);
    }
    void step();

    boost::asio::io_context io_;
    host::SystemEntropy entropy_;
    base::Random random_;
    base::LinkAddress target_;
    crypto::SigningKey key_;
    std::unique_ptr<kv::MemoryStore> store_;
    std::unique_ptr<host::UdpLink> link_;
    std::unique_ptr<mesh::IpFrames> frames_;
    std::vector<wire::MessageRule> rules_;
    std::unique_ptr<mesh::Mesh> mesh_;
};

base::Now real_now();

}  // namespace meshchain::tests
