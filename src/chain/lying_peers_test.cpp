// What a chain must survive when bodies, answers and proofs come from the wrong peer, in the wrong
// order, or at the wrong time.

#include <gtest/gtest.h>

#include "chain/test_network.h"

namespace meshchain::chain {
namespace {

using std::chrono::hours;
using test::milliseconds;
using test::Network;
using test::seconds;
using Type = wire::MessageType;

/// Four chains, the last of them alone with a puppet, and what the other three have made final.
class LyingPeersTest : public testing::Test {
protected:
    static constexpr std::size_t cut_off = 3;
    static constexpr std::size_t puppet = 4;

    void SetUp() override {
        net_.start_all();
        net_.run_for(seconds(3));
        net_.partition({cut_off, puppet});
        for (std::size_t coin = 0; coin < 4; ++coin) {
            const wire::Transaction payment = net_.payment(0, coin, 1, 500);
            payments_.push_back(payment);
            last_ = net_.submit(0, payment);
            ASSERT_TRUE(net_.run_until([&] { return net_.is_final(0, last_); }, seconds(20)));
        }
        for (std::uint32_t height = 1; height <= net_[0].final_height().value; ++height) {
            const auto hash = net_[0].store().hash_at({height}).value().value();
            blocks_.push_back(net_[0].store().block(hash).value().value().block);
        }
        ASSERT_GE(blocks_.size(), 3U);
        ASSERT_EQ(net_[cut_off].store().tip().height.value, 0U);
    }

    bool catches_up() {
        return net_.run_until([&] { return net_.is_final(cut_off, last_); }, seconds(20));
    }
    void answer(const wire::SyncResponse& response) {
        net_.hand(puppet, cut_off, Type::sync_response, wire::encode(response));
    }
    /// As announced by whoever knows the wtxids of its transactions.
    base::Buffer announcement_of(const wire::Block& block) {
        const auto hash = net_.hash_of(block.header);
        const ChainStore& store = net_[0].store();
        std::vector<wire::Wtxid> ids;
        const auto transactions = store.expand(store.block(hash).value().value()).value();
        for (const wire::Transaction& whole : transactions) {
            ids.push_back(wire::wtxid(wire::txid(net_.chain_id(), whole.body), whole.signatures));
        }
        return net_.announcement_of(block, ids);
    }

    Network net_{{.puppets = 1}};
    std::vector<wire::Transaction> payments_;
    std::vector<wire::Block> blocks_;
    wire::Txid last_;
};

TEST_F(LyingPeersTest, FalseTransactionsUnderATrueHeader_CondemnTheGiverNotTheBlock) {
    net_.set_puppet(puppet, [&](std::size_t, const Network::Content& content) {
        const auto* frame = std::get_if<Network::Frame>(&content);
        if (!frame || frame->type != Type::sync_request) return;
        const auto request = wire::parse_sync_request(frame->payload);
        if (std::holds_alternative<wire::HashesRequest>(*request)) {
            answer(wire::HashesResponse{{1}, {net_.hash_of(blocks_[0].header)}});
        } else if (const auto* wanted = std::get_if<wire::BlockRequest>(&*request)) {
            wire::Block lie{blocks_[0].header, blocks_[1].transactions};
            answer(wire::block_response(wanted->block, lie, 0));
        }
    });
    net_.claim(puppet, cut_off, 1, 0);
    net_.run_for(seconds(3));
    EXPECT_TRUE(net_.host(cut_off).faults.contains(net_.identity(puppet)));
    EXPECT_EQ(net_[cut_off].store().tip().height.value, 0U);
    net_.partition({});
    EXPECT_TRUE(catches_up());
    net_.check();
}

TEST_F(LyingPeersTest, ABlockPutTogetherWrongly_IsFetchedWholeAndFollowed) {
    net_.submit(cut_off, payments_[1]);
    const auto& wrong = payments_[1];
    const auto id = wire::wtxid(wire::txid(net_.chain_id(), wrong.body), wrong.signatures);
    net_.hand(puppet, cut_off, Type::block, net_.announcement_of(blocks_[0], {id}));
    EXPECT_EQ(net_[cut_off].store().tip().height.value, 0U);
    net_.partition({});
    EXPECT_TRUE(catches_up());
    for (const std::size_t honest : {0U, 1U, 2U}) {
        EXPECT_FALSE(net_.host(cut_off).faults.contains(net_.identity(honest))) << honest;
    }
    net_.check();
}

TEST_F(LyingPeersTest, AVotedBlockWhoseParentNeverCame_IsConnectedInTheEnd) {
    for (const wire::Transaction& payment : payments_) net_.submit(cut_off, payment);
    net_.hand(puppet, cut_off, Type::block, announcement_of(blocks_.back()));
    net_.run_for(seconds(15));  // until the silent puppet is given up
    net_.drop_if([](std::size_t, std::size_t, const Network::Frame& frame) {
        if (frame.type != Type::sync_request) return frame.type != Type::sync_response;
        const auto request = wire::parse_sync_request(frame.payload);
        return !std::holds_alternative<wire::BlockRequest>(*request);
    });
    net_.partition({});
    for (const wire::Vote& vote : net_[0].engine().certificate()->votes) {
        net_.hand(0, cut_off, Type::block_ack, wire::encode(vote));
    }
    EXPECT_TRUE(catches_up());
    net_.check();
}

TEST_F(LyingPeersTest, ACertificateThatComesBeforeItsBlocks_IsFinalOnceTheyAreApplied) {
    for (const wire::Transaction& payment : payments_) net_.submit(cut_off, payment);
    for (const wire::Vote& vote : net_[0].engine().certificate()->votes) {
        net_.hand(puppet, cut_off, Type::block_ack, wire::encode(vote));
    }
    for (auto block = blocks_.rbegin(); block != blocks_.rend(); ++block) {
        net_.hand(puppet, cut_off, Type::block, announcement_of(*block));
        EXPECT_LE(net_[cut_off].final_height(), net_[cut_off].store().tip().height);
    }
    EXPECT_TRUE(net_.is_final(cut_off, last_));
    net_.check();
    net_.kill(cut_off);
    net_.start(cut_off);
    EXPECT_TRUE(net_.is_final(cut_off, last_));
}

TEST_F(LyingPeersTest, ARestartBeforeTheTimeOfItsOwnBlocks_OpensThemAllTheSame) {
    for (const wire::Transaction& payment : payments_) net_.submit(cut_off, payment);
    net_.hand(puppet, cut_off, Type::block, announcement_of(blocks_[0]));
    ASSERT_EQ(net_[cut_off].store().tip().height.value, 1U);
    net_.kill(cut_off);
    auto store = kv::MemoryStore::open(net_.host(cut_off).medium, {test::network_tables});
    ASSERT_TRUE(store.has_value());
    const base::Now early{net_.now().instant, net_.now().wall - hours(1)};
    const auto chain = Chain::open(net_.genesis(),
                                   {.store = **store,
                                    .consensus_table = test::consensus_table,
                                    .validating_key = std::nullopt,
                                    .random = base::Random{1},
                                    .log = {}},
                                   early);
    ASSERT_TRUE(chain.has_value()) << base::sentence(chain.error());
    EXPECT_EQ((*chain)->status(early).height.value, 1U);
}

TEST(ChainTimerTest, AChainThatMayNotPropose_DoesNotAskToBeCalledAtOnceForEver) {
    Network net({.chains = 1});
    net.start_all();
    net.run_for(seconds(2));
    net.host(0).store->fail_commit(1, kv::CommitFault::refused);
    net.submit(0, net.payment(0, 0, 1, 500));
    net.run_until([&] { return net[0].fault().has_value(); }, seconds(3));
    ASSERT_TRUE(net[0].fault().has_value());
    ASSERT_EQ(net[0].mempool().size(), 1U);
    for (int i = 0; i < 40; ++i) {
        net.run_for(milliseconds(50));
        net[0].handle_timeout(net.now());
        EXPECT_GT(net[0].poll_timeout(net.now()), net.now().instant);
    }
}

}  // namespace
}  // namespace meshchain::chain
