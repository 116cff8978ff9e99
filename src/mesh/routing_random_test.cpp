// What holds for routed messages on any graph (row F9): each is handed up at most once to each
// receiver, no copy goes back to whom it came from, hop limits count down, and forwarding ends.

#include <gtest/gtest.h>

#include "mesh/test_network.h"

namespace meshchain::mesh::test {
namespace {

using wire::MessageType;
using Pairs = std::set<std::pair<std::uint16_t, std::uint16_t>>;
using Ports = std::pair<std::uint16_t, std::uint16_t>;

/// A connected graph: a random tree and some more edges.
Pairs random_graph(base::Random& random, std::uint16_t count) {
    Pairs pairs;
    for (std::uint16_t i = 2; i <= count; ++i) {
        pairs.emplace(static_cast<std::uint16_t>(1 + random.below(i - 1U)), i);
    }
    for (std::uint64_t extra = random.below(count); extra > 0; --extra) {
        const auto a = static_cast<std::uint16_t>(1 + random.below(count));
        const auto b = static_cast<std::uint16_t>(1 + random.below(count));
        if (a != b) pairs.insert(std::minmax(a, b));
    }
    return pairs;
}

std::vector<std::size_t> distances(const Pairs& pairs, std::uint16_t from, std::uint16_t count) {
    std::vector<std::size_t> found(count + 1U, 1'000);
    found[from] = 0;
    for (std::uint16_t round = 0; round < count; ++round) {
        for (const auto& [a, b] : pairs) {
            found[a] = std::min(found[a], found[b] + 1);
            found[b] = std::min(found[b], found[a] + 1);
        }
    }
    return found;
}

class RandomGraph : public testing::TestWithParam<std::uint64_t> {
protected:
    void SetUp() override {
        SCOPED_TRACE(GetParam());
        base::Random random = network_.random().stream("graph");
        count_ = static_cast<std::uint16_t>(8 + random.below(23));
        pairs_ = random_graph(random, count_);
        network_.delay_max = 1ms + 1ms * static_cast<int>(random.below(20));
        network_.connect_only(pairs_);
        nodes_ = network_.make_nodes(static_cast<std::uint8_t>(count_), {});
        network_.run_for(25s);
        begin_ = network_.sent.size();
    }
    Node& node(std::size_t number) { return *nodes_[number - 1]; }
    std::size_t copies(std::size_t number, const std::string& text) {
        return node(number).handler().count(base::as_bytes(text));
    }
    void send(std::size_t from, const wire::Destination& to, const std::string& text) {
        ASSERT_TRUE(
            node(from).mesh().send_routed(network_.now(), to, note_type, base::as_bytes(text)));
    }
    /// Every datagram that carried a routed message, checked against those before it.
    void expect_orderly_forwarding();

    Network network_{GetParam()};
    std::uint16_t count_ = 0;
    Pairs pairs_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::size_t begin_ = 0;
};

void RandomGraph::expect_orderly_forwarding() {
    struct Copy {
        std::uint16_t from;
        std::uint8_t hop_limit;
    };
    std::map<std::pair<std::uint16_t, base::Buffer>, std::vector<Copy>> arrived;
    std::map<std::pair<Ports, base::Buffer>, std::size_t> passed;
    for (std::size_t i = begin_; i < network_.sent.size(); ++i) {
        const SentDatagram& datagram = network_.sent[i];
        const wire::Frame frame = datagram.frame();
        if (frame.header.type != MessageType::routed) continue;
        const auto message = wire::parse_routed(frame.payload);
        ASSERT_TRUE(message);
        const Ports way{datagram.from.port, datagram.to->port};
        const base::Buffer payload = base::to_buffer(frame.payload);
        EXPECT_NE(message->origin, node(way.second).key()) << "an echo to its origin";
        EXPECT_LE(message->hop_limit, wire::hop_limit_max);
        const std::size_t repeats = ++passed[std::pair(way, payload)];
        EXPECT_LE(repeats, wire::hop_limit_max + 1U);
        if (message->origin == node(way.first).key()) {
            EXPECT_EQ(frame.header.hop_limit, message->hop_limit);
        } else {
            // It passes on a copy that somebody else brought, one hop shorter.
            const auto& copies = arrived[std::pair(way.first, payload)];
            EXPECT_TRUE(std::ranges::any_of(copies, [&](const Copy& copy) {
                return copy.from != way.second && copy.hop_limit == frame.header.hop_limit + 1;
            }));
        }
        arrived[std::pair(way.second, payload)].push_back({way.first, frame.header.hop_limit});
    }
}

TEST_P(RandomGraph, EveryMessage_ArrivesOnceInOrderAndEnds) {
    base::Random random = network_.random().stream("traffic");
    struct Sent {
        std::uint16_t from, to;  ///< to 0: all
        std::string text;
    };
    std::vector<Sent> all;
    for (int i = 0; i < 16; ++i) {
        Sent sent{static_cast<std::uint16_t>(1 + random.below(count_)), 0, std::to_string(i)};
        if (i % 4 != 0) sent.to = static_cast<std::uint16_t>(1 + random.below(count_));
        if (sent.to == sent.from) continue;
        all.push_back(sent);
        send(sent.from,
             sent.to == 0 ? wire::Destination(wire::Everybody{})
                          : wire::Destination(node(sent.to).key()),
             sent.text);
        network_.run_for(base::Milliseconds(random.below(100)));
    }
    network_.run_for(10s);
    for (const Sent& sent : all) {
        const auto far = distances(pairs_, sent.from, count_);
        for (std::uint16_t other = 1; other <= count_; ++other) {
            const bool is_for = other != sent.from && (sent.to == 0 || sent.to == other);
            const bool in_reach = far[other] <= wire::hop_limit_max + 1U;
            EXPECT_EQ(copies(other, sent.text), is_for && in_reach ? 1U : 0U)
                << sent.from << " to " << other << ", " << far[other] << " hops";
        }
    }
    expect_orderly_forwarding();
    const std::size_t quiet = network_.sent.size();
    network_.run_for(10s);
    EXPECT_EQ(network_.count_sent(MessageType::routed, quiet), 0U);
}

TEST_P(RandomGraph, NodesThatDie_AreGoneAroundWhileAWayIsLeft) {
    base::Random random = network_.random().stream("deaths");
    std::set<std::uint16_t> dead;
    for (int i = 0; i < 3; ++i) {
        const auto victim = static_cast<std::uint16_t>(1 + random.below(count_));
        if (!dead.insert(victim).second) continue;
        node(victim).power_off();
        Pairs left;
        for (const auto& [a, b] : pairs_) {
            if (!dead.contains(a) && !dead.contains(b)) left.emplace(a, b);
        }
        for (int k = 0; k < 3; ++k) {
            const auto from = static_cast<std::uint16_t>(1 + random.below(count_));
            const auto to = static_cast<std::uint16_t>(1 + random.below(count_));
            if (from == to || dead.contains(from) || dead.contains(to)) continue;
            const std::string text = std::to_string(i) + "/" + std::to_string(k);
            send(from, node(to).key(), text);
            network_.run_for(8s);
            const bool in_reach = distances(left, from, count_)[to] <= wire::hop_limit_max + 1U;
            EXPECT_EQ(copies(to, text), in_reach ? 1U : 0U) << from << " to " << to;
        }
    }
    expect_orderly_forwarding();
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraph, testing::Range<std::uint64_t>(1, 7));

}  // namespace
}  // namespace meshchain::mesh::test
