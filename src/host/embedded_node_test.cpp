#include "host/embedded_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/local_chain.h"
#include "host/message_inbox.h"
#include "host/temporary_folder.h"

namespace meshchain::host {
namespace {

using namespace std::chrono_literals;
using runtime::EventType;

constexpr auto patience = 30s;  // for what comes at once unless it is broken
constexpr wire::MessageType note = wire::application_type(130);

wire::MessageRule note_rule(wire::MessageType type = note) {
    return {.type = type,
            .message_class = wire::MessageClass::object,
            .payload_bytes_min = 1,
            .payload_bytes_max = 100,
            .frames_per_minute_max = 600,
            .priority = 5,
            .on_radio = false};
}

wire::Outgoing message(std::string_view text) {
    return {.type = note, .payload = base::to_buffer(base::as_bytes(text))};
}

class FailingService : public wire::Service {
public:
    std::string_view name() const override { return "failing"; }
    std::span<const wire::MessageRule> rules() const override { return {}; }
    std::expected<void, base::Error> start(base::Now) override {
        return base::failure(base::Errc::io, "no camera", "failing", "plug it in");
    }
    void stop(base::Now) override {}
    wire::Verdict handle(base::Now, const wire::Ingress&, wire::MessageType, base::Bytes) override {
        return wire::Verdict::ignore;
    }
    void handle_timeout(base::Now) override {}
    std::optional<wire::Outgoing> poll_frame(base::Now) override { return std::nullopt; }
    base::Instant poll_timeout(base::Now) const override { return base::never; }
};

class EmbeddedNodeTest : public testing::Test {
protected:
    LocalChain make_chain(std::size_t nodes) {
        auto chain = LocalChain::create(folder_.path(), {.nodes = nodes});
        EXPECT_TRUE(chain) << base::sentence(chain.error());
        return *chain;
    }

    static std::unique_ptr<EmbeddedNode> open(const LocalChain::Member& member,
                                              std::vector<wire::Service*> services = {}) {
        auto node = EmbeddedNode::open(member.folder, {.services = std::move(services)});
        EXPECT_TRUE(node) << base::sentence(node.error());
        return *std::move(node);
    }

    /// Comes true at the first such event.
    static std::future<void> first(EmbeddedNode& node, EventType type) {
        auto promise = std::make_shared<std::promise<void>>();
        auto told = std::make_shared<bool>(false);
        EXPECT_TRUE(node.subscribe(type, [promise, told](const runtime::Event&) {
            if (!std::exchange(*told, true)) promise->set_value();
        }));
        return promise->get_future();
    }
    static bool comes(std::future<void>& event) {
        return event.wait_for(patience) == std::future_status::ready;
    }

    TemporaryFolder folder_;
};

TEST_F(EmbeddedNodeTest, AMessageTypeOfTheProtocol_IsRefusedForAnApplication) {
    const LocalChain chain = make_chain(1);
    MessageInbox inbox({note_rule(static_cast<wire::MessageType>(40))});
    const auto node = EmbeddedNode::open(chain.members[0].folder, {.services = {&inbox}});
    ASSERT_FALSE(node);
    EXPECT_EQ(node.error().code, base::Errc::invalid_argument);
    EXPECT_THAT(base::sentence(node.error()), testing::HasSubstr("128 to 239"));
}

constexpr auto reading = static_cast<wire::RecordKind>(200);
constexpr records::KindRule reading_rule{
    .kind = reading, .lifetime_max = 1h, .per_origin_max = 4, .body_bytes_max = 8};

/// Keeps the keys of a kind that came from others.
class Readings final : public records::RecordObserver {
public:
    void handle_record(base::Now, const wire::RecordId&, const wire::Record& record) override {
        if (record.kind == reading && !std::exchange(told_, true)) first_.set_value(record.body);
    }
    std::future<base::Buffer> first() { return first_.get_future(); }

private:
    std::promise<base::Buffer> first_;
    bool told_ = false;
};

TEST_F(EmbeddedNodeTest, RecordsOfAnApplicationsKind_ReachTheOtherNode_WithinItsRule) {
    const LocalChain chain = make_chain(2);
    const auto open_with_kind = [&](std::size_t number) {
        return EmbeddedNode::open(chain.members[number].folder, {.record_kinds = {reading_rule}})
            .value();
    };
    const auto cellar = open_with_kind(0);
    const auto desk = open_with_kind(1);
    Readings readings;
    desk->records()->add_observer(readings);
    auto first = readings.first();
    ASSERT_TRUE(cellar->start() && desk->start());
    const auto publish = [&](std::string_view body) {
        return cellar->call([&](node::Node&, base::Now now) {
            return cellar->records()->publish(now,
                                              {.kind = reading,
                                               .key = base::to_buffer(base::as_bytes("degrees")),
                                               .body = base::to_buffer(base::as_bytes(body)),
                                               .lifetime = 1h});
        });
    };
    EXPECT_EQ(publish("above nine").error().code, base::Errc::too_large);
    ASSERT_TRUE(publish("21"));
    ASSERT_EQ(first.wait_for(patience), std::future_status::ready);
    EXPECT_EQ(base::as_text(first.get()), "21");
    EXPECT_TRUE(desk->stop() && cellar->stop());
}

TEST_F(EmbeddedNodeTest, KindsThatAreNotAnApplications_AreRefused) {
    const LocalChain chain = make_chain(1);
    records::KindRule ours = reading_rule;
    ours.kind = wire::RecordKind::alert;
    const auto node = EmbeddedNode::open(chain.members[0].folder, {.record_kinds = {ours}});
    ASSERT_FALSE(node);
    EXPECT_THAT(base::sentence(node.error()), testing::HasSubstr("128 to 239"));
}

TEST_F(EmbeddedNodeTest, AFolderInUse_IsRefused) {
    const LocalChain chain = make_chain(1);
    const auto node = open(chain.members[0]);
    const auto second = EmbeddedNode::open(chain.members[0].folder);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, base::Errc::locked);
}

TEST_F(EmbeddedNodeTest, AServiceThatCannotStart_LeavesTheFolderFreeForAnotherTry) {
    const LocalChain chain = make_chain(1);
    FailingService failing;
    {
        const auto node = open(chain.members[0], {&failing});
        const auto started = node->start();
        ASSERT_FALSE(started);
        EXPECT_THAT(base::sentence(started.error()), testing::HasSubstr("no camera"));
        EXPECT_EQ(node->status().error().code, base::Errc::closed);
    }
    const auto node = open(chain.members[0]);
    EXPECT_TRUE(node->start());
}

TEST_F(EmbeddedNodeTest, AfterItsEnd_EveryCallSaysClosed) {
    const LocalChain chain = make_chain(1);
    const auto node = open(chain.members[0]);
    ASSERT_TRUE(node->start());
    EXPECT_TRUE(node->status());
    ASSERT_TRUE(node->stop());
    EXPECT_FALSE(node->is_running());
    EXPECT_EQ(node->status().error().code, base::Errc::closed);
    EXPECT_EQ(node->send(message("late")).error().code, base::Errc::closed);
    EXPECT_TRUE(node->stop()) << "again is harmless";
    EXPECT_TRUE(EmbeddedNode::open(chain.members[0].folder));
}

TEST_F(EmbeddedNodeTest, AMessage_ReachesTheOtherNode) {
    const LocalChain chain = make_chain(2);
    MessageInbox here({note_rule()});
    MessageInbox there({note_rule()});
    const auto a = open(chain.members[0], {&here});
    const auto b = open(chain.members[1], {&there});
    auto met = first(*a, EventType::peer_discovered);
    auto met_too = first(*b, EventType::peer_discovered);
    ASSERT_TRUE(a->start());
    ASSERT_TRUE(b->start());
    ASSERT_TRUE(comes(met) && comes(met_too)) << "they did not find each other";
    EXPECT_EQ(a->send(message(std::string(101, 'x'))).error().code, base::Errc::invalid_argument);
    const auto sent = a->send(message("good morning"));
    ASSERT_TRUE(sent) << base::sentence(sent.error());
    EXPECT_EQ(*sent, 1U);
    const auto heard = there.receive(patience);
    ASSERT_TRUE(heard) << base::sentence(heard.error());
    EXPECT_EQ(base::as_text(heard->payload), "good morning");
    EXPECT_EQ(heard->from, chain.members[0].identity);
    EXPECT_EQ(heard->type, note);
    EXPECT_EQ(here.receive(0s).error().code, base::Errc::timeout) << "an echo";
}

TEST_F(EmbeddedNodeTest, APayment_IsFinalAndSaidSo) {
    const LocalChain chain = make_chain(1);
    const auto node = open(chain.members[0]);
    auto final = first(*node, EventType::transaction_confirmed);
    ASSERT_TRUE(node->start());
    const crypto::PublicKey payee = chain.members[0].identity;
    EXPECT_EQ(node->pay(payee, {10}).error().code, base::Errc::unauthorized);
    EXPECT_EQ(node->unlock_wallet("wrong").error().code, base::Errc::unauthorized);
    ASSERT_TRUE(node->unlock_wallet(LocalChain::passphrase));
    const auto paid = node->pay(payee, {10});
    ASSERT_TRUE(paid) << base::sentence(paid.error());
    ASSERT_TRUE(comes(final));
    EXPECT_EQ(node->transaction(paid->txid)->certainty, node::Certainty::final);
}

TEST_F(EmbeddedNodeTest, EventsOfManyThreads_ReachTheSubscriberOnTheNodesThread) {
    const LocalChain chain = make_chain(1);
    const auto node = open(chain.members[0]);
    constexpr std::uint64_t threads = 4;
    constexpr std::uint64_t each = 50;
    std::promise<void> all;
    std::uint64_t seen = 0;  // by one thread only, which TSan holds us to
    ASSERT_TRUE(node->subscribe(runtime::custom_event(1), [&](const runtime::Event&) {
        if (++seen == threads * each + 1) all.set_value();
    }));
    ASSERT_TRUE(node->post({.type = runtime::custom_event(1), .source = "test"}))
        << "one posted before the start waits for it";
    ASSERT_TRUE(node->start());
    std::vector<std::thread> posting;
    for (std::uint64_t i = 0; i < threads; ++i) {
        posting.emplace_back([&] {
            for (std::uint64_t n = 0; n < each; ++n) {
                EXPECT_TRUE(node->post({.type = runtime::custom_event(1), .source = "test"}));
                EXPECT_TRUE(node->status());
            }
        });
    }
    for (std::thread& thread : posting) thread.join();
    auto done = all.get_future();
    EXPECT_TRUE(comes(done));
}

TEST_F(EmbeddedNodeTest, CallsWhileItStops_AreAllAnswered) {
    const LocalChain chain = make_chain(1);
    const auto node = open(chain.members[0]);
    ASSERT_TRUE(node->start());
    std::vector<std::thread> asking;
    for (int i = 0; i < 4; ++i) {
        asking.emplace_back([&] {
            while (node->status()) continue;
        });
    }
    EXPECT_TRUE(node->stop());
    for (std::thread& thread : asking) thread.join();
}

TEST(MessageInbox, WhatFindsNoRoom_IsCountedAndNotRelayed) {
    MessageInbox inbox({note_rule()}, {.messages_max = 1});
    const auto payload = base::to_buffer(base::as_bytes("x"));
    EXPECT_EQ(inbox.handle({}, {}, note, payload), wire::Verdict::relay);
    EXPECT_EQ(inbox.handle({}, {}, note, payload), wire::Verdict::ignore);
    EXPECT_EQ(inbox.dropped(), 1U);
}

}  // namespace
}  // namespace meshchain::host
