#pragma once
// For tests: meshes on a datagram network in memory, under a clock that jumps from one thing that
// happens to the next. Every datagram is recorded. One seed decides loss, delay and keys.

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "kv/memory_store.h"
#include "mesh/ip_frames.h"
#include "mesh/mesh.h"

namespace meshchain::mesh::test {

using namespace std::chrono_literals;

inline constexpr kv::Table mesh_table{3};

class SeededEntropy final : public base::Entropy {
public:
    explicit SeededEntropy(base::Random random) : random_(random) {}
    void fill(base::MutableBytes out) override {
        for (std::byte& byte : out) byte = static_cast<std::byte>(random_.below(256));
    }

private:
    base::Random random_;
};

/// Takes the frames and answers with a verdict that the test chooses.
class RecordingHandler final : public FrameHandler {
public:
    struct Seen {
        crypto::PublicKey from;
        wire::MessageType type;
        base::Buffer payload;
        std::optional<wire::RoutedFrom> routed = std::nullopt;
        wire::Ingress ingress = {};
    };
    wire::Verdict handle_frame(base::Now, const wire::Ingress& from, wire::MessageType type,
                               base::Bytes payload) override {
        seen.push_back({from.peer, type, base::to_buffer(payload), from.routed, from});
        return verdict ? verdict(type, payload) : wire::Verdict::relay;
    }
    void handle_repeat(base::Now, wire::MessageType type, base::Bytes payload) override {
        repeats.emplace_back(type, base::to_buffer(payload));
    }
    std::size_t count(base::Bytes payload) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            seen, [&](const Seen& item) { return base::equal(item.payload, payload); }));
    }

    std::vector<Seen> seen;
    std::vector<std::pair<wire::MessageType, base::Buffer>> repeats;
    std::function<wire::Verdict(wire::MessageType, base::Bytes)> verdict;
};

/// One datagram handed to the network; `to` empty: multicast.
struct SentDatagram {
    base::Instant at;
    base::LinkAddress from;
    std::optional<base::LinkAddress> to;
    base::Buffer bytes;

    wire::Frame frame() const {
        const auto parsed = wire::parse_frame(bytes);
        MESH_ASSERT(parsed.has_value());
        return *parsed;
    }
};

class Network;

class Port final : public base::Link {
public:
    Port(Network& network, base::LinkAddress address) : network_(network), address_(address) {}

    std::size_t datagram_bytes_max() const override { return 1'472; }
    std::expected<void, base::Error> send(const std::optional<base::LinkAddress>& to,
                                          base::Bytes datagram) override;
    std::optional<base::Datagram> receive(base::MutableBytes buffer) override;

    const base::LinkAddress& address() const { return address_; }

private:
    friend class Network;
    struct Arrived {
        base::LinkAddress from;
        bool multicast;
        base::Buffer bytes;
    };

    Network& network_;
    base::LinkAddress address_;
    std::deque<Arrived> arrived_;
};

inline base::LinkAddress address_of(std::uint16_t number) {
    base::LinkAddress address{.host = {}, .port = number};
    address.host[10] = address.host[11] = std::byte{0xFF};
    address.host[12] = std::byte{10};
    address.host[15] = std::byte{1};
    return address;
}

/// An application's type of class `routed`.
inline constexpr wire::MessageType note_type{130};

/// Rules as a node would gather them: mesh's own, two objects, a request and a routed type.
inline std::vector<wire::MessageRule> test_rules() {
    using enum wire::MessageClass;
    static constexpr std::array others{
        wire::MessageRule{wire::MessageType::transaction, object, 1, 1'148, 600, 4, true},
        wire::MessageRule{wire::MessageType::block, object, 1, 1'180, 120, 3, true},
        wire::MessageRule{wire::MessageType::block_ack, object, 1, 300, 600, 1, true},
        wire::MessageRule{wire::MessageType::sync_request, control, 65, 200, 30, 5, true,
                          wire::MessageType::sync_request},
        wire::MessageRule{wire::MessageType::vote_request, control, 65, 200, 30, 1, true,
                          std::nullopt, 0, true},
        wire::MessageRule{wire::MessageType::state_response, control, 65, 200, 60'000, 5, false},
        wire::MessageRule{wire::MessageType::sync_data, chunk, 1, 1'180, 600, 5, false},
        wire::MessageRule{wire::MessageType::air_ask, chunk, 1, 20, 60, 1, true, std::nullopt, 10},
        wire::MessageRule{note_type, routed, 1, 500, 600, 4, true},
    };
    const std::array<std::span<const wire::MessageRule>, 2> parts{mesh_rules(), others};
    auto table = build_rule_table(parts);
    MESH_ASSERT(table.has_value());
    return *std::move(table);
}

inline crypto::SigningKey key_of(std::uint8_t number) {
    crypto::SigningKey::Seed seed{};
    seed[0] = std::byte{number};
    seed[1] = std::byte{0xA5};
    return crypto::SigningKey::from_seed(seed);
}

inline wire::ChainId chain_of(std::uint8_t number) {
    wire::ChainId chain;
    chain.bytes[0] = std::byte{number};
    return chain;
}

/// A mesh with all it stands on. Its store outlives restarts, as a disk does.
class Node {
public:
    struct Setup {
        std::uint8_t key = 1;
        std::uint16_t port = 1;
        Options options = {};
        wire::ChainId chain = chain_of(7);
        wire::Role role = wire::Role::relay;
        wire::AirLink* air = nullptr;  ///< besides its port; outlives it
        bool has_link = true;          ///< or no use of its port
    };

    Node(Network& network, Setup setup);
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    /// Power off, and on again at `port`. The store stays, unless it is lost.
    void restart(std::uint16_t port, bool lose_store = false);
    void power_off();
    void power_on(std::uint16_t port);
    bool is_on() const { return mesh_ != nullptr; }
    const Mesh& mesh() const { return *mesh_; }

    Mesh& mesh() { return *mesh_; }
    Port& port() { return *port_; }
    RecordingHandler& handler() { return handler_; }
    const crypto::PublicKey& key() const { return key_; }
    const Setup& setup() const { return setup_; }
    base::LinkAddress address() const { return address_of(setup_.port); }
    std::vector<Event>& events() { return events_; }
    template <class T>
    std::vector<T> events_of() const {
        std::vector<T> found;
        for (const Event& event : events_) {
            if (const T* item = std::get_if<T>(&event)) found.push_back(*item);
        }
        return found;
    }
    void step(base::Now now);

private:
    Network& network_;
    Setup setup_;
    crypto::PublicKey key_;
    std::vector<wire::MessageRule> rules_ = test_rules();
    RecordingHandler handler_;
    std::vector<Event> events_;
    std::shared_ptr<kv::MemoryMedium> medium_;
    std::unique_ptr<SeededEntropy> entropy_;
    std::unique_ptr<kv::MemoryStore> store_;
    std::unique_ptr<Port> port_;
    std::unique_ptr<IpFrames> frames_;
    std::unique_ptr<Mesh> mesh_;
};

class Network {
public:
    static constexpr base::Duration no_delay{};

    explicit Network(std::uint64_t seed = 1) : random_(seed) {}

    /// Nodes 1 … count, each with the key and the port of its number.
    std::vector<std::unique_ptr<Node>> make_nodes(std::uint8_t count, const Options& options) {
        std::vector<std::unique_ptr<Node>> nodes;
        for (std::uint8_t i = 1; i <= count; ++i) {
            nodes.push_back(std::make_unique<Node>(
                *this, Node::Setup{.key = i, .port = i, .options = options}));
        }
        return nodes;
    }

    /// Runs everything that happens within `duration`.
    void run_for(base::Duration duration) {
        const base::Instant end = now_ + duration;
        while (true) {
            const base::Instant next = next_event();
            if (next > end) break;
            advance_to(std::max(now_, next));
            deliver();
            while (!later_.empty() && later_.begin()->first <= now_) {
                const auto act = std::move(later_.extract(later_.begin()).mapped());
                act();
            }
            for (Node* node : nodes_) node->step(now());
        }
        advance_to(end);
    }
    /// Runs until `done`, at most for `limit`; returns whether it came true.
    bool run_until(const std::function<bool()>& done, base::Duration limit) {
        const base::Instant end = now_ + limit;
        while (!done() && now_ < end) run_for(10ms);
        return done();
    }

    /// From now on datagrams pass between these pairs of ports only, both ways.
    void connect_only(std::set<std::pair<std::uint16_t, std::uint16_t>> pairs) {
        links = std::move(pairs);
        reachable = [this](const base::LinkAddress& from, const base::LinkAddress& to) {
            return links.contains(std::minmax(from.port, to.port));
        };
    }

    /// Has something done after `delay`, between the steps of the nodes.
    void run_later(base::Duration delay, std::function<void()> act) {
        later_.emplace(now_ + delay, std::move(act));
    }

    /// Puts a datagram on its way, from whatever address one likes.
    void inject(const base::LinkAddress& from, const std::optional<base::LinkAddress>& to,
                base::Bytes bytes) {
        for (Port* port : ports_) {
            const bool is_for = to ? port->address_ == *to : true;
            if (!is_for || (reachable && !reachable(from, port->address_))) continue;
            if (random_.chance(loss_percent, 100)) continue;
            if (swallows && swallows(from, port->address_, bytes)) continue;
            std::vector<base::Buffer> copies{base::to_buffer(bytes)};
            if (meddle) copies = meddle(bytes);
            for (base::Buffer& copy : copies) {
                const base::Duration delay = random_.between(delay_min, delay_max);
                in_flight_.emplace(std::pair(now_ + delay, ++order_),
                                   Flight{port->address_, {from, !to, std::move(copy)}});
            }
        }
    }
    /// The same, and delivered before this returns.
    void inject_now(const base::LinkAddress& from, const base::LinkAddress& to, base::Bytes bytes) {
        inject(from, to, bytes);
        run_for(delay_max);
    }

    base::Now now() const { return {now_, base::WallTime(wall_offset + wall_since_start())}; }
    base::Random& random() { return random_; }

    /// Datagrams of one type handed to the network since `begin`, multicast counted once.
    std::size_t count_sent(wire::MessageType type, std::size_t begin = 0) const {
        std::size_t count = 0;
        for (std::size_t i = begin; i < sent.size(); ++i) {
            count += sent[i].bytes[0] == static_cast<std::byte>(type) ? 1U : 0U;
        }
        return count;
    }

    std::vector<SentDatagram> sent;
    std::function<bool(const base::LinkAddress& from, const base::LinkAddress& to)> reachable;
    std::function<bool(const base::LinkAddress& from, const base::LinkAddress& to, base::Bytes)>
        swallows;
    std::set<std::pair<std::uint16_t, std::uint16_t>> links;  ///< of connect_only(); lower first
    /// What of a datagram arrives, however often, if somebody on the way has his hands in it.
    std::function<std::vector<base::Buffer>(base::Bytes datagram)> meddle;
    std::uint64_t loss_percent = 0;
    base::Duration delay_min = 1ms;
    base::Duration delay_max = 1ms;
    base::Milliseconds wall_offset = 1'700'000'000s;

private:
    friend class Port;
    friend class Node;
    struct Flight {
        base::LinkAddress to;
        Port::Arrived datagram;
    };

    base::Milliseconds wall_since_start() const {
        return std::chrono::duration_cast<base::Milliseconds>(now_.time_since_epoch());
    }
    base::Instant next_event() const {
        base::Instant next = in_flight_.empty() ? base::never : in_flight_.begin()->first.first;
        if (!later_.empty()) next = std::min(next, later_.begin()->first);
        for (const Node* node : nodes_) {
            if (node->is_on()) next = std::min(next, node->mesh().poll_timeout(now()));
        }
        return next;
    }
    void advance_to(base::Instant instant) { now_ = instant; }
    void deliver() {
        while (!in_flight_.empty() && in_flight_.begin()->first.first <= now_) {
            Flight flight = std::move(in_flight_.begin()->second);
            in_flight_.erase(in_flight_.begin());
            for (Port* port : ports_) {
                if (port->address_ == flight.to) port->arrived_.push_back(flight.datagram);
            }
        }
    }

    base::Random random_;
    base::Instant now_{1h};
    std::uint64_t order_ = 0;
    std::map<std::pair<base::Instant, std::uint64_t>, Flight> in_flight_;
    std::multimap<base::Instant, std::function<void()>> later_;
    std::vector<Port*> ports_;
    std::vector<Node*> nodes_;
};

inline std::expected<void, base::Error> Port::send(const std::optional<base::LinkAddress>& to,
                                                   base::Bytes datagram) {
    network_.sent.push_back({network_.now_, address_, to, base::to_buffer(datagram)});
    network_.inject(address_, to, datagram);
    return {};
}

inline std::optional<base::Datagram> Port::receive(base::MutableBytes buffer) {
    while (!arrived_.empty()) {
        const Arrived datagram = std::move(arrived_.front());
        arrived_.pop_front();
        if (datagram.bytes.size() > buffer.size()) continue;
        std::ranges::copy(datagram.bytes, buffer.begin());
        return base::Datagram{datagram.from, datagram.multicast, datagram.bytes.size()};
    }
    return std::nullopt;
}

inline Node::Node(Network& network, Setup setup)
    : network_(network),
      setup_(std::move(setup)),
      key_(key_of(setup_.key).public_key()),
      medium_(std::make_shared<kv::MemoryMedium>()) {
    entropy_ = std::make_unique<SeededEntropy>(
        network_.random().stream("entropy" + std::to_string(setup_.key)));
    network_.nodes_.push_back(this);
    power_on(setup_.port);
}

inline Node::~Node() {
    if (is_on()) power_off();
    std::erase(network_.nodes_, this);
}

inline void Node::power_on(std::uint16_t port) {
    static constexpr std::array tables{kv::TableInfo{mesh_table, "mesh"}};
    setup_.port = port;
    port_ = std::make_unique<Port>(network_, address_of(port));
    network_.ports_.push_back(port_.get());
    frames_ = std::make_unique<IpFrames>(*port_);
    auto store = kv::MemoryStore::open(medium_, {.tables = tables});
    MESH_ASSERT(store.has_value());
    store_ = *std::move(store);
    mesh_ = std::make_unique<Mesh>(
        setup_.options, Self{setup_.chain, key_of(setup_.key), setup_.role}, rules_,
        Doors{*store_, mesh_table, *entropy_, {}},
        network_.random().stream("mesh" + std::to_string(setup_.key)), handler_);
    if (setup_.has_link) mesh_->add_link(*frames_);
    if (setup_.air != nullptr) mesh_->add_air(*setup_.air);
    const auto started = mesh_->start(network_.now());
    MESH_ASSERT(started.has_value());
}

inline void Node::power_off() {
    std::erase(network_.ports_, port_.get());
    mesh_.reset();
    frames_.reset();
    store_.reset();
    port_.reset();
}

inline void Node::restart(std::uint16_t port, bool lose_store) {
    power_off();
    if (lose_store) medium_ = std::make_shared<kv::MemoryMedium>();
    power_on(port);
}

inline void Node::step(base::Now now) {
    if (!is_on()) return;
    while (mesh_->handle_readable(now)) {
    }
    mesh_->handle_timeout(now);
    mesh_->check_invariants();
    while (auto event = mesh_->poll_event()) events_.push_back(*event);
}

}  // namespace meshchain::mesh::test
