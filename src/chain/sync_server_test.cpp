// Who asks for much waits for himself, and a node that serves keeps time for its own work.

#include <gtest/gtest.h>

#include "chain/test_network.h"

namespace meshchain::chain {
namespace {

using test::Network;
using test::seconds;
using Type = wire::MessageType;

class SyncServerTest : public testing::Test {
protected:
    static constexpr std::size_t greedy = 4;
    static constexpr std::size_t modest = 5;

    void SetUp() override {
        net_.start_all();
        net_.run_for(seconds(3));
        const wire::Txid paid = net_.pay(0, 0, 1, 500);
        ASSERT_TRUE(net_.run_until([&] { return net_.is_final(0, paid); }, seconds(20)));
        server_ = std::make_unique<SyncServer>(net_[0].store(), pool_, net_[0].certificates(),
                                               net_[0].engine());
    }
    void ask(std::size_t who, std::uint64_t nonce) {
        const auto top = net_[0].store().tip().height;
        const auto last = net_[0].store().hash_at(top).value().value();
        server_->handle(net_.identity(who), wire::BodiesRequest{nonce, top, 1, last});
    }
    /// Whose answers leave now, in order.
    std::vector<crypto::PublicKey> answered() {
        std::vector<crypto::PublicKey> peers;
        while (const auto frame = server_->poll_frame(now_)) {
            if (frame->type == Type::sync_response) peers.push_back(*frame->to);
        }
        return peers;
    }

    Network net_{{.puppets = 2}};
    BlockPool pool_;
    std::unique_ptr<SyncServer> server_;
    base::Instant now_{seconds(1000)};
};

TEST_F(SyncServerTest, APeerThatAsksForMuch_WaitsForItself) {
    for (std::uint64_t nonce = 1; nonce <= 1000; ++nonce) ask(greedy, nonce);
    ask(modest, 1);
    ask(modest, 2);
    EXPECT_EQ(server_->dropped(), 1000 - RequestTurns<wire::SyncRequest>::requests_max);
    const auto peers = answered();
    ASSERT_EQ(peers.size(), RequestTurns<wire::SyncRequest>::requests_max + 2);
    const auto of_modest = std::ranges::count(std::span(peers).first(4), net_.identity(modest));
    EXPECT_EQ(of_modest, 2) << "each in turn";
    EXPECT_EQ(server_->poll_timeout(), base::never);
}

TEST_F(SyncServerTest, WhatIsBeyondTheShare_LeavesInTheNextInterval) {
    std::size_t asked = 0;
    std::size_t left = 0;
    while (server_->poll_timeout() == base::never) {
        for (; asked - left < RequestTurns<wire::SyncRequest>::requests_max; ++asked)
            ask(greedy, asked + 1);
        left += answered().size();
        ASSERT_LT(asked, 100'000U);
    }
    EXPECT_GT(server_->poll_timeout(), now_) << "time for other work";
    EXPECT_TRUE(answered().empty());
    now_ = server_->poll_timeout();
    EXPECT_EQ(answered().size(), asked - left);
}

TEST_F(SyncServerTest, WhoHasGone_IsNotAnswered) {
    ask(greedy, 1);
    server_->forget_peer(net_.identity(greedy));
    EXPECT_TRUE(answered().empty());
    EXPECT_EQ(server_->poll_timeout(), base::never);
}

}  // namespace
}  // namespace meshchain::chain
