// What one hop of a routed message costs the node in the middle (row F9).

#include <deque>
#include <memory>

#include "base/assert.h"
#include "bench/workloads.h"
#include "kv/memory_store.h"
#include "mesh/ip_frames.h"
#include "mesh/mesh.h"

namespace meshchain::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t messages = 2'000;
constexpr std::size_t origins = 100;
constexpr wire::MessageType note_type = wire::application_type(130);
constexpr kv::Table table{1};

/// Three ports in a row; datagrams wait until they are received.
class Row {
public:
    class Port final : public base::Link {
    public:
        std::size_t datagram_bytes_max() const override { return 1'472; }
        std::expected<void, base::Error> send(const std::optional<base::LinkAddress>& to,
                                              base::Bytes datagram) override {
            ++sent;
            for (Port* other : neighbours) {
                if (!to || *to == other->address) {
                    other->arrived.push_back({address, !to, base::to_buffer(datagram)});
                }
            }
            return {};
        }
        std::optional<base::Datagram> receive(base::MutableBytes buffer) override {
            if (arrived.empty()) return std::nullopt;
            const Arrived& first = arrived.front();
            std::ranges::copy(first.bytes, buffer.begin());
            const base::Datagram datagram{first.from, first.multicast, first.bytes.size()};
            arrived.pop_front();
            return datagram;
        }
        struct Arrived {
            base::LinkAddress from;
            bool multicast;
            base::Buffer bytes;
        };
        base::LinkAddress address;
        std::vector<Port*> neighbours;
        std::deque<Arrived> arrived;
        std::size_t sent = 0;
    };

    Row() {
        for (std::size_t i = 0; i < ports.size(); ++i) {
            ports[i].address.port = static_cast<std::uint16_t>(i + 1);
            if (i > 0) ports[i].neighbours.push_back(&ports[i - 1]);
            if (i + 1 < ports.size()) ports[i].neighbours.push_back(&ports[i + 1]);
        }
    }
    std::array<Port, 3> ports;
};

class Nobody final : public mesh::FrameHandler {
    wire::Verdict handle_frame(base::Now, const wire::Ingress&, wire::MessageType,
                               base::Bytes) override {
        return wire::Verdict::keep;
    }
};

class CountingEntropy final : public base::Entropy {
public:
    void fill(base::MutableBytes out) override {
        for (std::byte& byte : out) byte = static_cast<std::byte>(++last_);
    }

private:
    std::uint8_t last_ = 0;
};

crypto::SigningKey key_of(std::uint32_t number) {
    crypto::SigningKey::Seed seed{};
    base::FixedWriter(seed).u32(number + 1);
    return crypto::SigningKey::from_seed(seed);
}

std::span<const wire::MessageRule> rules() {
    static const auto joined = [] {
        static constexpr std::array own{
            wire::MessageRule{note_type, wire::MessageClass::routed, 1, 500, 600, 4, true}};
        const std::array<std::span<const wire::MessageRule>, 2> parts{mesh::mesh_rules(), own};
        return *mesh::build_rule_table(parts);
    }();
    return joined;
}

/// Three meshes in a row that have found each other.
class Relay {
public:
    Relay() {
        static constexpr std::array tables{kv::TableInfo{table, "mesh"}};
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            Node& node = nodes_[i];
            node.store =
                *kv::MemoryStore::open(std::make_shared<kv::MemoryMedium>(), {.tables = tables});
            node.frames = std::make_unique<mesh::IpFrames>(row_.ports[i]);
            node.mesh = std::make_unique<mesh::Mesh>(
                mesh::Options{},
                mesh::Self{chain_, key_of(static_cast<std::uint32_t>(i)), wire::Role::relay},
                rules(), mesh::Doors{*node.store, table, entropy_, {}}, base::Random(i), nobody_);
            node.mesh->add_link(*node.frames);
            MESH_ASSERT(node.mesh->start(now_).has_value());
        }
        for (int i = 0; i < 200; ++i) step();
        MESH_ASSERT(nodes_[1].mesh->connected_count() == 2);
    }

    /// Frames as the first node would pass them on, for the third, each new.
    void prepare() {
        frames_.clear();
        checks_.clear();
        for (std::size_t i = 0; i < messages; ++i) {
            const crypto::SigningKey key = key_of(1'000 + static_cast<std::uint32_t>(i % origins));
            wire::RoutedMessage message;
            message.origin = key.public_key();
            message.issued = static_cast<std::uint32_t>(base::unix_ms(now_.wall) / 1000);
            message.sequence = ++sequence_;
            message.hop_limit = wire::hop_limit_max;
            message.destination = nodes_[2].mesh->identity();
            message.type = note_type;
            message.payload = base::Buffer(100);
            const base::Buffer preimage = wire::routed_preimage(chain_, message);
            message.signature = key.sign(preimage);
            frames_.push_back(wire::encode_frame({.type = wire::MessageType::routed,
                                                  .sender = crypto::node_id(message.origin),
                                                  .hop_limit = wire::hop_limit_max - 1},
                                                 wire::encode(message)));
            checks_.push_back({message.origin, preimage, message.signature});
        }
    }
    /// Microseconds a message that the middle node took in, verified and passed on.
    double relay() {
        prepare();
        const std::size_t before = row_.ports[1].sent;
        const double time = seconds([&] {
            for (const base::Buffer& frame : frames_) {
                now_.instant += 60ms;  // within the rates of session and origin
                row_.ports[1].arrived.push_back({row_.ports[0].address, false, frame});
                nodes_[1].mesh->handle_readable(now_);
            }
        });
        MESH_ASSERT(row_.ports[1].sent - before == messages);
        row_.ports[2].arrived.clear();
        return time * 1e6 / messages;
    }
    /// The least any relay does: verify, and send the same bytes.
    double verify_and_send() {
        prepare();
        const double time = seconds([&] {
            for (std::size_t i = 0; i < messages; ++i) {
                const auto& [key, preimage, signature] = checks_[i];
                MESH_ASSERT(crypto::verify(key, preimage, signature));
                static_cast<void>(row_.ports[1].send(row_.ports[2].address, frames_[i]));
            }
        });
        row_.ports[2].arrived.clear();
        return time * 1e6 / messages;
    }

private:
    struct Node {
        std::unique_ptr<kv::MemoryStore> store;
        std::unique_ptr<mesh::IpFrames> frames;
        std::unique_ptr<mesh::Mesh> mesh;
    };
    struct Check {
        crypto::PublicKey key;
        base::Buffer preimage;
        crypto::Signature signature;
    };

    void step() {
        now_.instant += 100ms;
        now_.wall += 100ms;
        for (Node& node : nodes_) {
            while (node.mesh->handle_readable(now_)) {
            }
            node.mesh->handle_timeout(now_);
        }
    }

    Row row_;
    CountingEntropy entropy_;
    Nobody nobody_;
    const wire::ChainId chain_{};
    base::Now now_{base::Instant{1h}, base::wall_from_unix_ms(1'800'000'000'000)};
    std::uint64_t sequence_ = 0;
    std::array<Node, 3> nodes_;
    std::vector<base::Buffer> frames_;
    std::vector<Check> checks_;
};

}  // namespace

void route_workloads(Report& report) {
    if (!report.wants("route_hop")) return;
    Relay relay;
    report.compare(
        {.name = "route_hop", .unit = "us", .peer = "verify_and_send", .better = Better::lower},
        [&] { return relay.relay(); }, [&] { return relay.verify_and_send(); });
}

}  // namespace meshchain::bench
