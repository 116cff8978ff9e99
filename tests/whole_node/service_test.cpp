// Services of an embedding program on whole nodes, in virtual time: their messages travel, and
// nothing they do wrong or too much of reaches the chain.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/service_group.h"
#include "whole_node/world.h"

namespace meshchain::tests {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

constexpr wire::MessageType hello_type = wire::application_type(130);
constexpr wire::MessageType note_type = wire::application_type(131);
constexpr std::size_t note_bytes_max = 200;

wire::MessageRule rule_of(wire::MessageType type, wire::MessageClass message_class) {
    return {.type = type,
            .message_class = message_class,
            .payload_bytes_min = 1,
            .payload_bytes_max = note_bytes_max,
            .frames_per_minute_max = 600,
            .priority = 5,
            .on_radio = false};
}

/// Says what it is told to, and remembers what it hears.
class Chatter : public wire::Service {
public:
    std::string_view name() const override { return "chatter"; }
    std::span<const wire::MessageRule> rules() const override { return rules_; }
    std::expected<void, base::Error> start(base::Now) override {
        if (broken) return base::failure(base::Errc::io, "no ink", "pen", "fill it");
        ++starts;
        return {};
    }
    void stop(base::Now) override { ++stops; }
    wire::Verdict handle(base::Now, const wire::Ingress& from, wire::MessageType,
                         base::Bytes payload) override {
        heard.emplace_back(base::as_text(payload));
        heard_from.push_back(from.peer);
        return verdict;
    }
    void handle_timeout(base::Now) override { ++timeouts; }
    std::optional<wire::Outgoing> poll_frame(base::Now) override {
        if (endless) return frame(note_type, std::to_string(++said));
        if (to_say.empty()) return std::nullopt;
        wire::Outgoing next = std::move(to_say.front());
        to_say.pop_front();
        return next;
    }
    base::Instant poll_timeout(base::Now now) const override {
        return restless ? now.instant : base::never;
    }

    static wire::Outgoing frame(wire::MessageType type, std::string_view text) {
        return {.type = type, .payload = base::to_buffer(base::as_bytes(text))};
    }

    std::vector<wire::MessageRule> rules_{rule_of(hello_type, wire::MessageClass::control),
                                          rule_of(note_type, wire::MessageClass::object)};
    std::deque<wire::Outgoing> to_say;
    std::vector<std::string> heard;
    std::vector<crypto::PublicKey> heard_from;
    wire::Verdict verdict = wire::Verdict::relay;
    bool broken = false;
    bool endless = false;
    bool restless = false;
    int starts = 0;
    int stops = 0;
    std::uint64_t timeouts = 0;
    std::uint64_t said = 0;
};

class ServiceTest : public testing::Test {
protected:
    World::Options options(std::size_t nodes) {
        World::Options made{.nodes = nodes};
        made.services = [this](std::size_t index) {
            return std::vector<wire::Service*>{&chatters[index]};
        };
        return made;
    }

    static void start_all(World& world) {
        for (std::size_t i = 0; i < world.size(); ++i) world.start(i);
        ASSERT_TRUE(world.run_until(
            [&] {
                for (std::size_t i = 0; i < world.size(); ++i) {
                    if (world[i].status(world.now()).peers + 1 < world.size()) return false;
                }
                return world[0].status(world.now()).slot > wire::Slot{0};
            },
            seconds(20)));
    }

    std::array<Chatter, 5> chatters;
};

TEST_F(ServiceTest, WhomToAsk_IsDrawnFromTheConnectedPeersWithoutTheExcluded) {
    World world(options(4));
    start_all(world);
    wire::PeerChoice& choice = world[0].peer_choice();
    const std::array excluded{world.identity(1)};
    for (int i = 0; i < 20; ++i) {
        const auto drawn = choice.choose_peers({.count = 1, .excluded = excluded});
        ASSERT_EQ(drawn.size(), 1U);
        EXPECT_TRUE(drawn.front() == world.identity(2) || drawn.front() == world.identity(3));
    }
    EXPECT_EQ(choice.choose_peers({.count = 9}).size(), 3U);
}

TEST_F(ServiceTest, ATypeOfTheCore_IsRefusedWithItsOwnersName) {
    chatters[0].rules_.push_back(
        rule_of(wire::MessageType::transaction, wire::MessageClass::object));
    World world(options(1));
    const auto started = world.try_start(0);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, base::Errc::exists);
    EXPECT_THAT(base::sentence(started.error()), HasSubstr("the node's core (TRANSACTION)"));
    EXPECT_EQ(chatters[0].starts, 0);
}

TEST_F(ServiceTest, ATypeOfAnotherService_IsRefusedWithBothNames) {
    World::Options both{.nodes = 1};
    both.services = [this](std::size_t) {
        return std::vector<wire::Service*>{&chatters[0], &chatters[1]};
    };
    World world(both);
    const auto started = world.try_start(0);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, base::Errc::exists);
    EXPECT_THAT(base::sentence(started.error()), HasSubstr("type 130 belongs to service chatter"));
}

TEST_F(ServiceTest, ARuleThatCannotBe_IsRefused) {
    for (const wire::MessageRule& wrong :
         {rule_of(hello_type, wire::MessageClass::handshake),
          rule_of(wire::application_type(240), wire::MessageClass::object)}) {
        chatters[0].rules_ = {wrong};
        World world(options(1));
        const auto started = world.try_start(0);
        ASSERT_FALSE(started);
        EXPECT_EQ(started.error().code, base::Errc::invalid_argument);
    }
}

TEST_F(ServiceTest, AServiceThatCannotStart_KeepsTheNodeFromStartingAndRollsBackTheOthers) {
    chatters[1].rules_ = {rule_of(wire::application_type(140), wire::MessageClass::object)};
    chatters[1].broken = true;
    World::Options both{.nodes = 1};
    both.services = [this](std::size_t) {
        return std::vector<wire::Service*>{&chatters[0], &chatters[1]};
    };
    World world(both);
    const auto started = world.try_start(0);
    ASSERT_FALSE(started);
    EXPECT_THAT(base::sentence(started.error()),
                HasSubstr("service chatter could not start: no ink"));
    EXPECT_EQ(chatters[0].starts, 1);
    EXPECT_EQ(chatters[0].stops, 1);
    EXPECT_EQ(chatters[1].stops, 0);
    chatters[1].broken = false;
    EXPECT_TRUE(world.try_start(0));
}

TEST_F(ServiceTest, AMessageOverItsRulesSize_IsRefusedWithTheReasonAndCounted) {
    World world(options(2));
    start_all(world);
    const auto sent =
        world[0].send(world.now(), Chatter::frame(note_type, std::string(note_bytes_max + 1, 'x')));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, base::Errc::invalid_argument);
    EXPECT_THAT(sent.error().what, HasSubstr("201 bytes of type 131, whose rule allows 1 to 200"));
    chatters[0].to_say.push_back(Chatter::frame(note_type, std::string(note_bytes_max + 1, 'x')));
    world.run_for(seconds(6));
    EXPECT_EQ(world[0].services().at(0).refused, 2U);
    EXPECT_TRUE(chatters[1].heard.empty());
}

TEST_F(ServiceTest, AServiceThatSendsAnothersType_IsRefused) {
    World world(options(2));
    start_all(world);
    chatters[0].to_say.push_back(Chatter::frame(wire::MessageType::transaction, "not mine"));
    world.run_for(seconds(6));
    EXPECT_EQ(world[0].services().at(0).refused, 1U);
    EXPECT_FALSE(world[0].send(world.now(), Chatter::frame(wire::MessageType::block, "nor this")));
}

TEST_F(ServiceTest, AMessageToAll_ReachesEveryNodeOnceAndOneToAPeerThatPeerAlone) {
    World world(options(4));
    start_all(world);
    const auto sent = world[0].send(world.now(), Chatter::frame(note_type, "to all"));
    ASSERT_TRUE(sent);
    EXPECT_EQ(*sent, 3U);
    wire::Outgoing secret = Chatter::frame(hello_type, "to one");
    secret.to = world[2].status(world.now()).identity;
    ASSERT_TRUE(world[0].send(world.now(), secret));
    world.run_for(seconds(1));
    EXPECT_EQ(chatters[1].heard, std::vector<std::string>{"to all"});
    EXPECT_THAT(chatters[2].heard, testing::UnorderedElementsAre("to all", "to one"));
    EXPECT_EQ(chatters[3].heard, std::vector<std::string>{"to all"});
    EXPECT_TRUE(chatters[0].heard.empty()) << "an echo";
    secret.to = crypto::PublicKey{};
    EXPECT_EQ(world[0].send(world.now(), secret).error().code, base::Errc::not_found);
}

TEST_F(ServiceTest, AServiceThatFloodsAndNeverRests_DoesNotDelayAPayment) {
    World world(options(2));
    start_all(world);
    for (Chatter& chatter : chatters) chatter.endless = chatter.restless = true;
    world.run_for(seconds(1));
    const base::Instant sent = world.now().instant;
    const auto paid = world[0].pay(world.now(), world.payee(1), {250}, std::nullopt);
    ASSERT_TRUE(paid) << base::sentence(paid.error());
    ASSERT_TRUE(world.run_until(
        [&] {
            for (std::size_t i = 0; i < world.size(); ++i) {
                if (world[i].transaction(paid->txid)->certainty != node::Certainty::final) {
                    return false;
                }
            }
            return true;
        },
        seconds(10)));
    const base::Duration taken = world.now().instant - sent;
    EXPECT_LE(taken, std::chrono::milliseconds(3500));
    const node::ServiceView view = world[0].services().at(0);
    EXPECT_GT(view.held_back, 0U);
    const auto intervals =
        static_cast<std::uint64_t>((world.now().instant - base::Instant(std::chrono::hours(1))) /
                                   node::ServiceGroup::interval);
    EXPECT_LE(view.sent + view.unsent,
              (intervals + 2) * node::ServiceGroup::frames_per_interval_max);
    EXPECT_LE(
        chatters[0].timeouts,
        intervals * (node::ServiceGroup::interval / node::ServiceGroup::timeout_interval + 1));
}

TEST_F(ServiceTest, PeersThatFloodAService_AreHeldToItsRule) {
    World world(options(2));
    start_all(world);
    chatters[0].endless = true;
    world.run_for(seconds(5));
    const auto minutes =
        1 + (world.now().instant - base::Instant(std::chrono::hours(1))) / std::chrono::minutes(1);
    EXPECT_LE(chatters[1].heard.size(), 600U * static_cast<std::uint64_t>(minutes + 1));
    EXPECT_GT(chatters[1].heard.size(), 0U);
}

TEST_F(ServiceTest, StoppingTheNode_StopsItsServicesFirst) {
    World world(options(1));
    world.start(0);
    world[0].stop(world.now());
    EXPECT_EQ(chatters[0].starts, 1);
    EXPECT_EQ(chatters[0].stops, 1);
    EXPECT_EQ(world[0].send(world.now(), Chatter::frame(note_type, "late")).error().code,
              base::Errc::closed);
}

TEST_F(ServiceTest, EventsOfTheProgramsOwn_ReachWhoRegisteredForThem) {
    World world(options(1));
    world.start(0);
    std::vector<std::uint64_t> seen;
    const runtime::EventType news = runtime::custom_event(7);
    ASSERT_TRUE(world[0].events().register_handler(
        news, [&seen](base::Instant, const runtime::Event& event) {
            seen.push_back(*event.data.number());
        }));
    world[0].events().emit(world.now().instant, {.type = news, .source = "test", .data = 1U});
    world[0].events().enqueue({.type = news, .source = "test", .data = 2U});
    world.run_for(seconds(1));
    EXPECT_EQ(seen, (std::vector<std::uint64_t>{1, 2}));
}

}  // namespace
}  // namespace meshchain::tests
