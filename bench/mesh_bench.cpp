// What the mesh costs on top of what it cannot do without: reading datagrams and checking
// signatures. Real sockets on loopback, both sides in the same process.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <optional>

#include "bench/workloads.h"
#include "host/system_entropy.h"
#include "host/udp_link.h"
#include "kv/memory_store.h"
#include "mesh/ip_frames.h"
#include "mesh/mesh.h"

namespace meshchain::bench {
namespace {

using namespace std::chrono_literals;

constexpr kv::Table mesh_table{1};
/// What fits a socket's buffer of 1 MiB however the kernel rounds.
constexpr std::size_t burst = 500;
constexpr std::size_t transaction_bytes = 200;

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "mesh bench: %s\n", why.c_str());
    std::exit(1);
}

template <class T>
T must(std::expected<T, base::Error> result) {
    if (!result) give_up(base::sentence(result.error()));
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

crypto::SigningKey key_of(std::uint8_t number) {
    crypto::SigningKey::Seed seed{};
    seed[0] = std::byte{number};
    return crypto::SigningKey::from_seed(seed);
}

std::vector<wire::MessageRule> rules() {
    using enum wire::MessageClass;
    static constexpr std::array others{
        wire::MessageRule{wire::MessageType::transaction, object, 1, 1'148, 10'000'000, 4, true},
        wire::MessageRule{wire::MessageType::sync_request, control, 65, 400, 10'000'000, 5, false},
    };
    const std::array<std::span<const wire::MessageRule>, 2> parts{mesh::mesh_rules(), others};
    return must(mesh::build_rule_table(parts));
}

/// An object that its author signed: what a verdict costs at least.
struct SignedObject {
    base::Bytes body;
    crypto::Signature signature;

    static SignedObject of(base::Bytes payload) {
        SignedObject object{payload.first(payload.size() - crypto::Signature::size), {}};
        std::ranges::copy(payload.last(crypto::Signature::size), object.signature.bytes.begin());
        return object;
    }
};

class Handler final : public mesh::FrameHandler {
public:
    wire::Verdict handle_frame(base::Now, const wire::Ingress&, wire::MessageType type,
                               base::Bytes payload) override {
        ++handled;
        if (type != wire::MessageType::transaction || !author) return wire::Verdict::keep;
        const SignedObject object = SignedObject::of(payload);
        return crypto::verify(*author, object.body, object.signature) ? wire::Verdict::relay
                                                                      : wire::Verdict::punish;
    }
    std::optional<crypto::PublicKey> author;
    std::size_t handled = 0;
};

/// A mesh on a socket of its own.
class Peer {
public:
    Peer(boost::asio::io_context& io, std::uint8_t number)
        : store_(must(kv::MemoryStore::open(medium_, {.tables = tables}))),
          link_(must(host::UdpLink::open(io, {.address = "127.0.0.1", .multicast = false}))),
          frames_(*link_),
          mesh_(options(), {wire::ChainId{}, key_of(number)}, rules_,
                {*store_, mesh_table, entropy_, {}}, base::Random(number), handler_) {
        mesh_.add_link(frames_);
        must(mesh_.start(now()));
    }

    static base::Now now() {
        return {base::Instant(std::chrono::steady_clock::now().time_since_epoch()),
                base::wall_from_unix_ms(1'700'000'000'000)};
    }
    void step() {
        while (mesh_.handle_readable(now())) {
        }
        mesh_.handle_timeout(now());
    }
    void drain() {
        while (mesh_.handle_readable(now())) {
        }
    }
    mesh::Mesh& mesh() { return mesh_; }
    Handler& handler() { return handler_; }
    host::UdpLink& link() { return *link_; }
    base::LinkAddress address() const { return link_->local_address(); }

private:
    static mesh::Options options() {
        mesh::Options options;
        options.multicast = false;
        return options;
    }

    static constexpr std::array tables{kv::TableInfo{mesh_table, "mesh"}};
    std::vector<wire::MessageRule> rules_ = rules();
    host::SystemEntropy entropy_;
    std::shared_ptr<kv::MemoryMedium> medium_ = std::make_shared<kv::MemoryMedium>();
    std::unique_ptr<kv::MemoryStore> store_;
    std::unique_ptr<host::UdpLink> link_;
    mesh::IpFrames frames_;
    Handler handler_;
    mesh::Mesh mesh_;
};

/// Two peers, or three, of which all have a session with the first.
class Star {
public:
    explicit Star(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            peers_.push_back(std::make_unique<Peer>(io_, static_cast<std::uint8_t>(i + 1)));
        }
        for (std::size_t i = 1; i < count; ++i) {
            peers_[i]->mesh().announce_peer(Peer::now(), peers_[0]->address());
        }
        for (int i = 0; i < 1'000 && peers_[0]->mesh().connected_count() + 1 < count; ++i) {
            for (const auto& peer : peers_) peer->step();
        }
        if (peers_[0]->mesh().connected_count() + 1 < count) give_up("the peers did not connect");
    }
    Peer& hub() { return *peers_[0]; }
    Peer& peer(std::size_t index) { return *peers_[index]; }

private:
    boost::asio::io_context io_;
    std::vector<std::unique_ptr<Peer>> peers_;
};

/// A plain socket, and the loop that anybody would write around recvmmsg(2).
class BareSocket {
public:
    BareSocket() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
        const int bytes = 1 << 20;
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            give_up("cannot bind");
        }
        for (std::size_t i = 0; i < batch; ++i) {
            parts_[i] = {storage_.data() + i * 2'048, 2'048};
            headers_[i].msg_hdr.msg_iov = &parts_[i];
            headers_[i].msg_hdr.msg_iovlen = 1;
        }
    }
    ~BareSocket() { ::close(socket_); }
    BareSocket(const BareSocket&) = delete;
    BareSocket& operator=(const BareSocket&) = delete;

    base::LinkAddress address() const {
        sockaddr_in bound{};
        socklen_t size = sizeof bound;
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&bound), &size);
        base::LinkAddress address;
        address.host[10] = address.host[11] = std::byte{0xFF};
        address.host[12] = std::byte{127};
        address.host[15] = std::byte{1};
        address.port = ntohs(bound.sin_port);
        return address;
    }
    /// Hands each datagram that waits to `visit`; returns how many there were.
    template <class Visit>
    std::size_t drain(Visit visit) {
        std::size_t total = 0;
        while (true) {
            for (mmsghdr& header : headers_) {
                header.msg_hdr.msg_name = &from_;
                header.msg_hdr.msg_namelen = sizeof from_;
            }
            const int count = ::recvmmsg(socket_, headers_.data(), batch, MSG_DONTWAIT, nullptr);
            if (count <= 0) return total;
            total += static_cast<std::size_t>(count);
            for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
                visit(base::Bytes(storage_).subspan(i * 2'048, headers_[i].msg_len));
            }
        }
    }
    void send(std::uint16_t port, base::Bytes bytes) const {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.sin_port = htons(port);
        ::sendto(socket_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&to),
                 sizeof to);
    }

private:
    static constexpr std::size_t batch = 64;
    int socket_;
    std::vector<std::byte> storage_ = std::vector<std::byte>(batch * 2'048);
    std::array<iovec, batch> parts_{};
    std::array<mmsghdr, batch> headers_{};
    sockaddr_in from_{};
};

/// Seconds that draining took, over bursts of datagrams which lie ready in the socket.
template <class Fill, class Drain>
double drain_seconds(std::size_t bursts, Fill fill, Drain drain) {
    double total = 0;
    for (std::size_t i = 0; i < bursts; ++i) {
        fill();
        total += seconds(drain);
    }
    return total;
}

double per_second(std::size_t count, double time, double unit) {
    return static_cast<double>(count) / time / unit;
}

base::Buffer object(const crypto::SigningKey& author, std::uint32_t number) {
    base::Buffer payload(transaction_bytes - crypto::Signature::size);
    base::FixedWriter(payload).u32(number);
    const crypto::Signature signature = author.sign(payload);
    payload.insert(payload.end(), signature.bytes.begin(), signature.bytes.end());
    return payload;
}

wire::FrameHeader header_of(const crypto::SigningKey& origin, wire::MessageType type,
                            std::uint32_t timestamp, std::uint32_t sequence) {
    return {
        .type = type,
        .sender = crypto::node_id(origin.public_key()),
        .timestamp = timestamp,
        .sequence = sequence,
        .hop_limit = type == wire::MessageType::transaction ? std::uint8_t{3} : std::uint8_t{0}};
}

void duplicates(Report& report) {
    const Workload workload{"frames_duplicate", "M/s", "bare-recvmmsg-loop"};
    if (!report.wants(workload.name)) return;
    constexpr std::size_t bursts = 100;
    Star star(2);
    BareSocket bare;
    const base::Buffer payload = object(key_of(9), 0);
    const base::Buffer frame =
        wire::encode_frame(header_of(key_of(9), wire::MessageType::transaction, 1, 1), payload);
    must(star.peer(1).link().send(star.hub().address(), frame));
    star.hub().drain();
    report.compare(
        workload,
        [&] {
            const std::uint64_t before = star.hub().mesh().stats().of(mesh::Drop::duplicate);
            const double time = drain_seconds(
                bursts,
                [&] {
                    for (std::size_t i = 0; i < burst; ++i) {
                        must(star.peer(1).link().send(star.hub().address(), frame));
                    }
                },
                [&] { star.hub().drain(); });
            const std::uint64_t count =
                star.hub().mesh().stats().of(mesh::Drop::duplicate) - before;
            return per_second(count, time, 1e6);
        },
        [&] {
            std::size_t count = 0;
            const double time = drain_seconds(
                bursts,
                [&] {
                    for (std::size_t i = 0; i < burst; ++i) {
                        must(star.peer(1).link().send(bare.address(), frame));
                    }
                },
                [&] { count += bare.drain([](base::Bytes bytes) { keep(bytes.front()); }); });
            return per_second(count, time, 1e6);
        });
}

/// Control messages of one peer, in the order of their sequences.
class ControlFrames {
public:
    explicit ControlFrames(std::uint8_t number) : key_(key_of(number)) {}
    struct Item {
        base::Buffer frame;
        base::Buffer preimage;
        crypto::Signature signature;
    };
    std::vector<Item> make(std::size_t count) {
        std::vector<Item> items;
        for (std::size_t i = 0; i < count; ++i) {
            const auto header =
                header_of(key_, wire::MessageType::sync_request, 0xFFFF'FF00, ++sequence_);
            base::Buffer payload(100);
            base::Buffer preimage = wire::control_preimage({}, header.type, key_.public_key(),
                                                           header.control_sequence(), payload);
            const crypto::Signature signature = key_.sign(preimage);
            payload.insert(payload.end(), signature.bytes.begin(), signature.bytes.end());
            items.push_back({wire::encode_frame(header, payload), std::move(preimage), signature});
        }
        return items;
    }
    const crypto::PublicKey& key() const { return key_.public_key(); }

private:
    crypto::SigningKey key_;
    std::uint32_t sequence_ = 0;
};

void control_frames(Report& report) {
    const Workload workload{"frames_control", "k/s", "bare-ed25519-verify"};
    if (!report.wants(workload.name)) return;
    constexpr std::size_t bursts = 10;
    Star star(2);
    ControlFrames source(2);
    std::vector<ControlFrames::Item> items;
    report.compare(
        workload,
        [&] {
            const std::size_t before = star.hub().handler().handled;
            const double time = drain_seconds(
                bursts,
                [&] {
                    items = source.make(burst);
                    for (const auto& item : items) {
                        must(star.peer(1).link().send(star.hub().address(), item.frame));
                    }
                },
                [&] { star.hub().drain(); });
            const std::size_t count = star.hub().handler().handled - before;
            if (count != bursts * burst) give_up("not every control frame was accepted");
            return per_second(count, time, 1e3);
        },
        [&] {
            const double time = drain_seconds(
                bursts, [&] { items = source.make(burst); },
                [&] {
                    for (const auto& item : items) {
                        keep(crypto::verify(source.key(), item.preimage, item.signature));
                    }
                });
            return per_second(bursts * burst, time, 1e3);
        });
}

void relay(Report& report) {
    const Workload workload{"relay", "k/s", "bare-relay-with-one-verification"};
    if (!report.wants(workload.name)) return;
    constexpr std::size_t bursts = 10;
    Star star(3);
    BareSocket bare;
    const crypto::SigningKey author = key_of(9);
    star.hub().handler().author = author.public_key();
    std::uint32_t number = 0;
    const auto fill = [&](const base::LinkAddress& to) {
        for (std::size_t i = 0; i < burst; ++i) {
            const auto header = header_of(author, wire::MessageType::transaction, 1, ++number);
            must(star.peer(1).link().send(to, wire::encode_frame(header, object(author, number))));
        }
    };
    report.compare(
        workload,
        [&] {
            const auto& counters = star.hub().mesh().stats().of(wire::MessageType::transaction);
            const std::uint64_t before = counters.relayed;
            const double time = drain_seconds(
                bursts, [&] { fill(star.hub().address()); }, [&] { star.hub().drain(); });
            star.peer(2).drain();
            return per_second(counters.relayed - before, time, 1e3);
        },
        [&] {
            std::size_t relayed = 0;
            const auto pass_on = [&](base::Bytes frame) {
                const SignedObject object =
                    SignedObject::of(frame.subspan(wire::FrameHeader::size));
                if (!crypto::verify(author.public_key(), object.body, object.signature)) return;
                bare.send(star.peer(2).address().port, frame);
                ++relayed;
            };
            const double time =
                drain_seconds(bursts, [&] { fill(bare.address()); }, [&] { bare.drain(pass_on); });
            star.peer(2).drain();
            return per_second(relayed, time, 1e3);
        });
}

}  // namespace

void mesh_workloads(Report& report) {
    duplicates(report);
    control_frames(report);
    relay(report);
}

}  // namespace meshchain::bench
