// Who asks for much waits for himself, and a node that serves keeps time for its own work.

#include <gtest/gtest.h>

#include "chain/test_long_chain.h"
#include "chain/test_network.h"

namespace meshchain::chain {
namespace {

using test::Network;
using Turns = SyncServer::Turns;
using Type = wire::MessageType;

constexpr std::uint32_t blocks = 300;

/// Serves a chain of 300 blocks; whoever asks has but a name.
class SyncServerTest : public testing::Test {
protected:
    static constexpr int greedy = 6;
    static constexpr int modest = 6;  ///< the number after the greedy ones

    void SetUp() override {
        net_.start_all();
        auto opened =
            kv::MemoryStore::open(std::make_shared<kv::MemoryMedium>(), {test::network_tables});
        ASSERT_TRUE(opened);
        store_ = *std::move(opened);
        const ledger::test::KeyRing keys(10, 8);
        const test::LongChain made(*store_, net_.genesis(),
                                   [&](const auto& key) { return keys(key); }, {.blocks = blocks});
        auto chain = ChainStore::open(*store_, net_.genesis());
        ASSERT_TRUE(chain);
        chain_ = *std::move(chain);
        branches_ = std::make_unique<BranchStore>(*store_);
        server_ = std::make_unique<SyncServer>(*chain_, pool_, *branches_, net_[0].certificates(),
                                               net_[0].engine());
    }
    static crypto::PublicKey peer(int number) {
        return ledger::test::public_key(3000 + static_cast<std::uint32_t>(number));
    }
    wire::Hash hash_at(std::uint32_t height) { return **chain_->hash_at({height}); }
    wire::BodiesRequest body(std::uint64_t nonce) { return {nonce, {blocks}, 1, hash_at(blocks)}; }
    void ask(int who, const wire::SyncRequest& request) { server_->handle(peer(who), request); }
    void ask_greedily(const wire::SyncRequest& request) {
        for (int who = 0; who < greedy; ++who) {
            for (std::size_t i = 0; i < Turns::requests_max; ++i) ask(who, request);
        }
    }
    /// Whose answers leave in this step, in order.
    std::vector<crypto::PublicKey> answered() {
        std::vector<crypto::PublicKey> peers;
        while (const auto frame = server_->poll_frame()) {
            if (frame->type == Type::sync_response) peers.push_back(*frame->to);
        }
        return peers;
    }
    std::vector<crypto::PublicKey> answered_at_length() {
        auto peers = answered();
        while (server_->is_held_back()) {
            server_->handle_timeout();
            std::ranges::copy(answered(), std::back_inserter(peers));
        }
        return peers;
    }

    Network net_{{}};
    std::unique_ptr<kv::MemoryStore> store_;
    std::unique_ptr<ChainStore> chain_;
    BlockPool pool_;
    std::unique_ptr<BranchStore> branches_;
    std::unique_ptr<SyncServer> server_;
};

TEST_F(SyncServerTest, APeerThatAsksForMuch_WaitsForItself) {
    for (std::uint64_t nonce = 1; nonce <= 1000; ++nonce) ask(0, body(nonce));
    ask(modest, body(1));
    ask(modest, body(2));
    EXPECT_EQ(server_->dropped(), 1000 - Turns::requests_max);
    const auto peers = answered_at_length();
    ASSERT_EQ(peers.size(), Turns::requests_max + 2);
    const auto of_modest = std::ranges::count(std::span(peers).first(4), peer(modest));
    EXPECT_EQ(of_modest, 2) << "each in turn";
}

TEST_F(SyncServerTest, SmallAnswersThatCostMuch_EndTheStepAsLargeOnesDo) {
    const auto work = static_cast<std::uint64_t>(Turns::work_max);
    ask_greedily(wire::HashesRequest{{1}, wire::hashes_max});
    std::uint64_t before = store_->stats().reads;
    answered();
    EXPECT_LE(store_->stats().reads - before, work + wire::hashes_max);
    EXPECT_TRUE(server_->is_held_back());
    for (int who = 0; who < greedy; ++who) server_->forget_peer(peer(who));

    server_->handle_timeout();
    ask_greedily(wire::BlockRequest{hash_at(1), 0});
    EXPECT_LE(answered().size(), work / Turns::verification_work);
    for (int who = 0; who < greedy; ++who) server_->forget_peer(peer(who));

    server_->handle_timeout();
    ask_greedily(wire::HeadersRequest{1, hash_at(blocks), wire::headers_max});
    before = store_->stats().reads;
    answered();
    EXPECT_LE(store_->stats().reads - before, wire::headers_max) << "one answer";
}

TEST_F(SyncServerTest, AmongSixGreedyPeers_AModestOneIsAnsweredWithinARoundOfTurns) {
    ask_greedily(wire::HeadersRequest{1, hash_at(blocks), wire::headers_max});
    ask(modest, body(1));
    int steps = 0;
    for (auto peers = answered(); std::ranges::count(peers, peer(modest)) == 0;
         peers = answered()) {
        server_->handle_timeout();
        ASSERT_LE(++steps, greedy);
    }
}

TEST_F(SyncServerTest, AnHonestPeerAlone_IsAnsweredAsFastAsStepsFollowEachOther) {
    std::size_t left = 0;
    constexpr std::size_t asked = 10;
    for (std::uint64_t nonce = 1; nonce <= asked; ++nonce) {
        ask(modest, wire::BodiesRequest{nonce, {1}, wire::items_max, hash_at(wire::items_max)});
    }
    for (std::size_t steps = 0; steps < asked && left < asked; ++steps) {
        left += answered().size();
        EXPECT_EQ(server_->is_held_back(), left < asked) << "the next step is due at once";
        server_->handle_timeout();
    }
    EXPECT_EQ(left, asked);
}

TEST_F(SyncServerTest, WhoHasGone_IsNotAnswered) {
    ask(0, body(1));
    server_->forget_peer(peer(0));
    EXPECT_TRUE(answered().empty());
    EXPECT_FALSE(server_->is_held_back());
}

}  // namespace
}  // namespace meshchain::chain
