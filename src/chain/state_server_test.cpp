// Whoever wants an old state, others keep their share and the node its time.

#include "chain/state_server.h"

#include <gtest/gtest.h>

#include "chain/test_network.h"

namespace meshchain::chain {
namespace {

using std::chrono::seconds;
using test::Network;
using Turns = RequestTurns<wire::StateRequest>;

class StateServerTest : public testing::Test {
protected:
    static constexpr int rounds = 12;

    void SetUp() override {
        net_.start_all();
        net_.run_for(seconds(3));
        wire::Txid last;
        for (int round = 0; round < rounds; ++round) {
            for (std::uint32_t from = 0; from < 4; ++from)
                last = net_.pay(from, static_cast<std::size_t>(round), (from + 1) % 4, 100);
            net_.run_for(seconds(2));
        }
        ASSERT_TRUE(net_.run_until([&] { return net_.is_final(0, last); }, seconds(30)));
        server_ = std::make_unique<StateServer>(*net_.host(0).store, net_[0]);
    }
    void TearDown() override { server_->stop(now_); }

    static crypto::PublicKey peer(std::uint32_t number) {
        return ledger::test::public_key(3000 + number);
    }
    wire::Hash block(std::uint32_t height) { return **net_[0].store().hash_at({height}); }
    void ask(std::uint32_t who, std::uint32_t height) {
        const wire::StatePageRequest page{block(height), wire::fee_range, std::nullopt};
        EXPECT_EQ(server_->handle(now_, {.peer = peer(who)}, wire::MessageType::state_request,
                                  wire::encode(wire::StateRequest(page))),
                  wire::Verdict::keep);
    }
    std::optional<wire::StateResponse> poll() {
        const auto frame = server_->poll_frame(now_);
        if (!frame) return std::nullopt;
        return *wire::parse_state_response(frame->payload);
    }
    /// In as many steps as it takes.
    bool is_served(std::uint32_t who, std::uint32_t height) {
        ask(who, height);
        for (steps_ = 1; steps_ < 1000; ++steps_) {
            if (const auto answer = poll()) {
                answer_ = *answer;
                return std::holds_alternative<wire::StatePage>(answer_);
            }
            EXPECT_EQ(server_->poll_timeout(now_), now_.instant) << "the next step is due at once";
            server_->handle_timeout(now_);
        }
        return false;
    }
    void pass(base::Duration time) {
        now_.instant += time;
        server_->handle_timeout(now_);
    }

    Network net_{{}};
    std::unique_ptr<StateServer> server_;
    base::Now now_ = net_.now();
    int steps_ = 0;
    wire::StateResponse answer_;
};

TEST_F(StateServerTest, AnOldState_IsWorkedAtInPieces_AndIsTheSame) {
    const auto view = StateView::open(*net_.host(0).store, net_[0].store(), {1});
    ASSERT_TRUE(view);
    ASSERT_TRUE(is_served(1, 2));
    EXPECT_GE(steps_, rounds * 4 * 3 / Turns::work_max + 1) << "three coins a payment";
    std::map<wire::ValidatorIndex, wire::Amount> fees;
    for (const auto& each : std::get<wire::StatePage>(answer_).fees) {
        fees[each.validator] = each.amount;
    }
    EXPECT_EQ(fees, (*view)->fees());
}

TEST_F(StateServerTest, WhileOneWaitsForAnOldState_OthersAreAnswered) {
    ask(1, 2);
    EXPECT_FALSE(poll());
    const wire::HeaderPageRequest page{{1}, 1};
    server_->handle(now_, {.peer = peer(2)}, wire::MessageType::state_request,
                    wire::encode(wire::StateRequest(page)));
    server_->handle_timeout(now_);
    std::optional<wire::StateResponse> answer = poll();
    if (!answer) {
        server_->handle_timeout(now_);
        answer = poll();
    }
    ASSERT_TRUE(answer);
    EXPECT_TRUE(std::holds_alternative<wire::HeaderPageResponse>(*answer));
}

TEST_F(StateServerTest, APeerThatTouchesTwoStates_LeavesTheOtherPlaceToOthers) {
    ASSERT_TRUE(is_served(1, 2));
    pass(StateServer::peer_open_interval);
    ASSERT_TRUE(is_served(1, 3));
    for (int second = 0; second < 10; ++second) {
        pass(seconds(1));
        EXPECT_TRUE(is_served(1, 2));
        EXPECT_TRUE(is_served(1, 3));
    }
    EXPECT_TRUE(is_served(2, 4));
    EXPECT_TRUE(is_served(1, 3)) << "it keeps its own";
    EXPECT_FALSE(is_served(1, 2));
}

TEST_F(StateServerTest, APeerThatOpensOneStateAfterTheOther_LeavesOthersTheirTurn) {
    ASSERT_TRUE(is_served(1, 2));
    for (int second = 0; second < 20; ++second) {
        pass(seconds(1));
        EXPECT_FALSE(is_served(1, 3 + static_cast<std::uint32_t>(second % 2)));
    }
    EXPECT_TRUE(is_served(2, 4));
}

TEST_F(StateServerTest, TwoPeersThatReadOn_KeepTheirStates) {
    ASSERT_TRUE(is_served(1, 2));
    pass(StateServer::open_interval);
    ASSERT_TRUE(is_served(2, 3));
    for (int second = 0; second < 60; ++second) {
        pass(seconds(1));
        EXPECT_TRUE(is_served(1, 2));
        EXPECT_TRUE(is_served(2, 3));
        EXPECT_FALSE(is_served(3, 4));
    }
}

}  // namespace
}  // namespace meshchain::chain
