// Asking a validator's clock over several hops (PROTOCOL.md P3): a line 1 - 2 - 3, where 3 is
// asked.

#include <gtest/gtest.h>

#include "mesh/test_network.h"
#include "wire/clock_question.h"

namespace meshchain::mesh::test {
namespace {

using wire::MessageType;

constexpr wire::ClockNonce some_nonce{std::byte{7}};

class ClockQuestionTest : public testing::Test {
protected:
    void SetUp() override {
        network_.connect_only({{1, 2}, {2, 3}});
        for (std::uint8_t i = 1; i <= 3; ++i) {
            nodes_.push_back(std::make_unique<Node>(
                network_, Node::Setup{.key = i, .port = i, .role = wire::Role::validator}));
            wire::ChainStatus status;
            status.slot.value = 1'000U * i;
            status.slot_phase = 0x4000;
            node(i).mesh().set_status(status, 0);
        }
        network_.run_for(15s);
    }
    Node& node(std::size_t number) { return *nodes_.at(number - 1); }
    std::vector<ClockStated> heard() { return node(1).events_of<ClockStated>(); }
    void ask() { node(1).mesh().ask_clock(network_.now(), node(3).key()); }
    /// The payload of the last ROUTED with this inside that left node 1.
    wire::RoutedMessage last_sent(MessageType type, std::uint16_t from) const {
        for (auto it = network_.sent.rbegin(); it != network_.sent.rend(); ++it) {
            if (it->from != address_of(from) || it->frame().header.type != MessageType::routed) {
                continue;
            }
            auto message = wire::parse_routed(it->frame().payload);
            if (message && message->type == type) return *std::move(message);
        }
        return {};
    }
    /// A ROUTED to node 1 that node 2 brings, signed by `signer` in the name of `origin`.
    void bring(std::uint8_t origin, std::uint8_t signer, MessageType type, base::Buffer payload,
               std::uint64_t sequence) {
        wire::RoutedMessage message;
        message.origin = key_of(origin).public_key();
        message.issued = static_cast<std::uint32_t>(base::unix_ms(network_.now().wall) / 1000);
        message.sequence = sequence;
        message.hop_limit = 3;
        message.destination = node(1).key();
        message.type = type;
        message.payload = std::move(payload);
        message.signature = key_of(signer).sign(wire::routed_preimage(chain_of(7), message));
        const wire::FrameHeader header{.type = MessageType::routed,
                                       .sender = crypto::node_id(message.origin),
                                       .timestamp = 1,
                                       .sequence = 1,
                                       .hop_limit = 2};
        network_.inject(address_of(2), address_of(1),
                        wire::encode_frame(header, wire::encode(message)));
        network_.run_for(20ms);
    }
    wire::ClockNonce asked_nonce() const {
        return wire::parse_clock_ask(last_sent(MessageType::clock_ask, 1).payload).value().nonce;
    }

    Network network_;
    std::vector<std::unique_ptr<Node>> nodes_;
};

TEST_F(ClockQuestionTest, AnswerToAnotherQuestion_CountsForNothing) {
    const wire::ClockAnswer answer{some_nonce, wire::Slot{3'000}, 0};
    network_.connect_only({{1, 2}});  // the true one does not come
    bring(3, 3, MessageType::clock_answer, encode(answer), 1ULL << 40);  // nothing was asked
    ask();
    bring(3, 3, MessageType::clock_answer, encode(answer), 1ULL << 40 | 1);
    EXPECT_TRUE(heard().empty());
}

TEST_F(ClockQuestionTest, ReplayedAnswer_CountsOnce) {
    ask();
    network_.run_for(500ms);
    ASSERT_EQ(heard().size(), 1U);
    const wire::RoutedMessage answer = last_sent(MessageType::clock_answer, 3);
    const wire::FrameHeader header{.type = MessageType::routed,
                                   .sender = crypto::node_id(answer.origin),
                                   .timestamp = 9,
                                   .sequence = 9,
                                   .hop_limit = 1};
    network_.inject(address_of(2), address_of(1), wire::encode_frame(header, wire::encode(answer)));
    network_.run_for(50ms);
    ask();  // and not for the next question either
    network_.inject(address_of(2), address_of(1), wire::encode_frame(header, wire::encode(answer)));
    EXPECT_EQ(heard().size(), 1U);
    network_.run_for(500ms);
    EXPECT_EQ(heard().size(), 2U);
}

TEST_F(ClockQuestionTest, AnswerInAnothersName_CountsForNothing) {
    network_.connect_only({{1, 2}});  // the question does not arrive
    ask();
    network_.run_for(20ms);
    const wire::ClockAnswer answer{asked_nonce(), wire::Slot{9}, 0};
    bring(2, 2, MessageType::clock_answer, encode(answer), 1ULL << 40);  // was not asked
    bring(3, 2, MessageType::clock_answer, encode(answer), 1ULL << 40);  // is not node 3
    EXPECT_TRUE(heard().empty());
    bring(3, 3, MessageType::clock_answer, encode(answer), 1ULL << 40 | 1);
    EXPECT_EQ(heard().size(), 1U);
}

TEST_F(ClockQuestionTest, FloodOfQuestions_IsAnsweredAsOftenAsTheRuleSays) {
    const std::size_t before = network_.sent.size();
    for (std::uint64_t i = 0; i < 100; ++i) {
        bring(2, 2, MessageType::clock_ask, encode(wire::ClockAsk{some_nonce}), 1ULL << 40 | i);
    }
    std::size_t answers = 0;
    for (std::size_t i = before; i < network_.sent.size(); ++i) {
        const SentDatagram& sent = network_.sent[i];
        if (sent.from != address_of(1) || sent.frame().header.type != MessageType::routed) continue;
        const auto message = wire::parse_routed(sent.frame().payload);
        answers += message && message->type == MessageType::clock_answer;
    }
    EXPECT_GE(answers, 8U);
    EXPECT_LE(answers, 10U);
}

TEST_F(ClockQuestionTest, WhoIsNoValidator_OrWhoseChainHasNotBegun_DoesNotAnswer) {
    node(3).mesh().set_status({}, 0);
    ask();
    network_.run_for(8s);
    EXPECT_TRUE(heard().empty());
    Node relay(network_, {.key = 4, .port = 4});
    wire::ChainStatus status;
    status.slot.value = 5;
    relay.mesh().set_status(status, 0);
    network_.connect_only({{1, 2}, {2, 3}, {2, 4}});
    network_.run_for(15s);
    node(1).mesh().ask_clock(network_.now(), relay.key());
    network_.run_for(8s);
    EXPECT_TRUE(heard().empty());
}

TEST_F(ClockQuestionTest, Validator_SaysItsSlotOverTwoHops_WithTheTimeThatItTook) {
    ask();
    network_.run_for(500ms);
    ASSERT_EQ(heard().size(), 1U);
    EXPECT_EQ(heard()[0].validator, node(3).key());
    EXPECT_EQ(heard()[0].slot, wire::Slot{3'000});
    EXPECT_EQ(heard()[0].slot_phase, 0x4000);
    EXPECT_GT(heard()[0].round_trip, base::Duration{});
    EXPECT_LT(heard()[0].round_trip, 500ms);
}

TEST(ClockQuestions, TooMany_GiveUpTheOldest) {
    ClockQuestions questions;
    const base::Instant begin{1h};
    for (std::uint8_t i = 0; i <= ClockQuestions::open_max; ++i) {
        questions.note(begin + i * 1s, key_of(i).public_key(), some_nonce);
    }
    EXPECT_EQ(questions.open(), ClockQuestions::open_max);
    EXPECT_FALSE(questions.take(key_of(0).public_key(), some_nonce));
    EXPECT_EQ(questions.take(key_of(1).public_key(), some_nonce), begin + 1s);
    EXPECT_FALSE(questions.take(key_of(1).public_key(), some_nonce));
}

}  // namespace
}  // namespace meshchain::mesh::test
