// Whole nodes that reach each other only through others (rows F3, F9): five in a line.

#include <gtest/gtest.h>

#include "whole_node/world.h"

namespace meshchain::tests {
namespace {

using std::chrono::seconds;

constexpr wire::MessageType order_type = wire::application_type(132);

/// Takes orders, and answers each to where it began.
class Kitchen final : public wire::Service {
public:
    std::string_view name() const override { return "kitchen"; }
    std::span<const wire::MessageRule> rules() const override { return rules_; }
    std::expected<void, base::Error> start(base::Now) override { return {}; }
    void stop(base::Now) override {}
    wire::Verdict handle(base::Now, const wire::Ingress& from, wire::MessageType,
                         base::Bytes payload) override {
        heard.emplace_back(base::as_text(payload));
        hops.push_back(from.routed ? from.routed->hops : 0);
        if (heard.back().starts_with("order")) {
            to_say = wire::reply_to(from, order_type,
                                    base::to_buffer(base::as_bytes("served " + heard.back())));
        }
        return wire::Verdict::keep;
    }
    void handle_timeout(base::Now) override {}
    std::optional<wire::Outgoing> poll_frame(base::Now) override {
        return std::exchange(to_say, std::nullopt);
    }
    base::Instant poll_timeout(base::Now) const override { return base::never; }

    std::vector<std::string> heard;
    std::vector<unsigned> hops;
    std::optional<wire::Outgoing> to_say;

private:
    std::vector<wire::MessageRule> rules_{{.type = order_type,
                                           .message_class = wire::MessageClass::routed,
                                           .payload_bytes_min = 1,
                                           .payload_bytes_max = 200,
                                           .frames_per_minute_max = 600,
                                           .priority = 5,
                                           .on_radio = false}};
};

class WholeNodeRouting : public testing::Test {
protected:
    WholeNodeRouting() : world_(options()) {
        for (std::size_t i = 0; i < world_.size(); ++i) world_.start(i);
        world_.run_for(seconds(20));
    }
    World::Options options() {
        World::Options options;
        options.services = [this](std::size_t index) {
            return std::vector<wire::Service*>{&kitchens_[index]};
        };
        options.configure = [](std::size_t index, node::NodeConfig& config) {
            config.node_name = "node " + std::to_string(index);
            if (index % 2 == 0) config.network.segments = {"kitchen"};
        };
        options.reaches = [](std::size_t from, std::size_t to) {
            return from + 1 == to || to + 1 == from;
        };
        return options;
    }
    node::ProbeView ping(std::size_t from, std::size_t to) {
        const auto sequence = world_[from].probe(world_.now(), world_.identity(to));
        EXPECT_TRUE(sequence.has_value());
        world_.run_until([&] { return world_[from].probed(*sequence)->state != "under way"; },
                         seconds(10));
        return *world_[from].probed(*sequence);
    }

    std::array<Kitchen, 5> kitchens_;
    World world_;
};

TEST_F(WholeNodeRouting, Ping_CrossesFourHopsBetweenNodesWithoutASession) {
    ASSERT_EQ(world_[0].peers(world_.now()).size(), 1U);
    const node::ProbeView probe = ping(0, 4);
    EXPECT_EQ(probe.state, "taken");
    EXPECT_EQ(probe.attempts, 1);
    EXPECT_EQ(probe.hops_there, 4);
    EXPECT_EQ(probe.hops_back, 4);
    EXPECT_GT(probe.round_trip, base::Duration{});
    EXPECT_LE(probe.round_trip, std::chrono::milliseconds(8 * 5));
}

TEST_F(WholeNodeRouting, Ping_OfADeadNodeIsLostAndOfALivingOneComesBack) {
    world_.kill(4);
    EXPECT_EQ(ping(0, 4).state, "lost");
    world_.start(4);
    world_.run_for(seconds(20));
    EXPECT_EQ(ping(0, 4).state, "taken");
    EXPECT_FALSE(world_[0].probe(world_.now(), world_.identity(0)));
    EXPECT_EQ(world_[0].probed(1).error().code, base::Errc::not_found);
}

TEST_F(WholeNodeRouting, Topology_ShowsNamesHopsAndEdges) {
    const node::TopologyView view = world_[0].topology(world_.now());
    ASSERT_EQ(view.nodes.size(), 5U);
    EXPECT_EQ(view.edges.size(), 4U);
    EXPECT_EQ(view.near, 2U);
    for (const node::TopologyNodeView& one : view.nodes) {
        ASSERT_TRUE(one.hops);
        EXPECT_EQ(one.name, "node " + std::to_string(*one.hops));
        EXPECT_EQ(one.role, wire::Role::validator);
        EXPECT_EQ(one.segments.empty(), *one.hops % 2 == 1);
        for (const std::string& segment : one.segments) EXPECT_EQ(segment, "kitchen");
    }
    EXPECT_EQ(world_[0].peers(world_.now())[0].name, "node 1");
}

TEST_F(WholeNodeRouting, AService_TalksToOneToASegmentAndToAll) {
    const auto say = [&](std::size_t from, const wire::Destination& to, std::string_view text) {
        ASSERT_TRUE(world_[from].send(
            world_.now(), wire::routed_to(to, order_type, base::to_buffer(base::as_bytes(text)))));
        world_.run_for(seconds(1));
    };
    say(0, world_.identity(4), "order soup");
    EXPECT_EQ(kitchens_[4].heard, std::vector<std::string>{"order soup"});
    EXPECT_EQ(kitchens_[4].hops, std::vector<unsigned>{4});
    EXPECT_EQ(kitchens_[0].heard, std::vector<std::string>{"served order soup"});

    say(1, wire::segment_id(world_[1].chain_id(), "kitchen"), "closing");
    say(3, wire::Everybody{}, "fire");
    for (std::size_t i = 0; i < 5; ++i) {
        const auto& heard = kitchens_[i].heard;
        EXPECT_EQ(std::ranges::count(heard, "closing"), i % 2 == 0 ? 1 : 0) << i;
        EXPECT_EQ(std::ranges::count(heard, "fire"), i == 3 ? 0 : 1) << i;
    }
}

}  // namespace
}  // namespace meshchain::tests
