// Validators that propose what must not be followed, and peers that claim what they do not have.

#include <gtest/gtest.h>

#include "chain/test_network.h"
#include "crypto/merkle.h"

namespace meshchain::chain {
namespace {

using test::milliseconds;
using test::Network;
using test::seconds;
using Type = wire::MessageType;
using wire::Verdict;

/// Three honest validators, and a fourth whose key and identity the test has.
class HostileValidatorTest : public testing::Test {
protected:
    static constexpr std::size_t hostile = 3;

    void SetUp() override {
        net_.start_all();
        net_.run_until_slot(3);
        while (net_.number_of(net_.leader(net_.slot() + 1, 0)) != hostile) net_.run_for(seconds(1));
        net_.run_until_slot(net_.slot() + 1);
        net_.run_for(milliseconds(20));
    }

    /// Gives it to all, and its transactions to whoever asks.
    void announce(const wire::Block& block) {
        net_.set_puppet(hostile, [this, block](std::size_t from, const Network::Content& content) {
            const auto* frame = std::get_if<Network::Frame>(&content);
            if (!frame || frame->type != Type::sync_request) return;
            const auto request = wire::parse_sync_request(frame->payload);
            const auto* wanted = std::get_if<wire::BlockRequest>(&*request);
            if (!wanted || wanted->block != net_.hash_of(block.header)) return;
            const auto answer = wire::block_response(wanted->block, block, wanted->first);
            net_.send(
                hostile, from,
                Network::Frame{Type::sync_response, wire::encode(wire::SyncResponse(answer))});
        });
        for (std::size_t i = 0; i < hostile; ++i) {
            net_.hand(hostile, i, Type::block, net_.announcement_of(block));
        }
    }
    /// By the hostile leader of the present slot.
    wire::Block make_block(const std::vector<wire::WireTransaction>& transactions) {
        return net_.make_block(0, net_.slot(), 0, transactions);
    }
    void expect_the_others_go_on(const wire::Block& bad) {
        const wire::Hash name = net_.hash_of(bad.header);
        const wire::Txid txid = net_.pay(0, 0, 1, 100);
        EXPECT_TRUE(net_.run_until(
            [&] {
                for (std::size_t i = 0; i < hostile; ++i) {
                    EXPECT_NE(net_[i].store().tip().hash, name);
                }
                return net_.is_final_everywhere(txid) || HasFailure();
            },
            seconds(40)));
        for (std::size_t i = 0; i < hostile; ++i) {
            EXPECT_FALSE(net_[i].store().block(name).value().has_value());
            EXPECT_FALSE(net_[i].fault().has_value());
        }
        net_.check();
    }

    Network net_{{.seed = 3, .chains = 3, .puppets = 1, .unattended = 1}};
};

TEST_F(HostileValidatorTest, ABlockThatFailsOnlyInItsState_IsNeverFollowed) {
    wire::Block block = make_block({net_.payment(1, 0, 2, 100)});
    block.header.parent_state.bytes[0] ^= std::byte{1};
    block.header = net_.sign(block.header);
    announce(block);
    expect_the_others_go_on(block);
}

TEST_F(HostileValidatorTest, ABlockThatFails_IsKeptAsSoonAsItBelongsToAProof) {  // 0135
    // On a block that is not FINAL yet, which its votes are to prove.
    for (std::size_t coin = 0; net_.number_of(net_.leader(net_.slot() + 1, 0)) != hostile ||
                               net_[0].store().tip().height == net_[0].final_height();
         ++coin) {
        net_.pay(0, coin, 1, 100);
        net_.run_for(seconds(1));
    }
    net_.run_until_slot(net_.slot() + 1);
    net_.run_for(milliseconds(20));
    wire::Block block = make_block({net_.payment(1, 0, 2, 100)});
    block.header.parent_state.bytes[0] ^= std::byte{1};
    block.header = net_.sign(block.header);
    announce(block);
    const wire::Hash name = net_.hash_of(block.header);
    const auto is_kept = [&](std::size_t i) {
        return net_.host(i).store->get(tables::branches, name.bytes).value().has_value();
    };
    net_.run_for(milliseconds(200));
    EXPECT_FALSE(is_kept(0)) << "refused, and no vote names it";
    ASSERT_NE(net_[0].store().tip().hash, name);

    std::set<std::size_t> kept;
    const std::uint32_t first = net_.slot();
    while (kept.size() < hostile && net_.slot() < first + 20) {
        wire::Vote vote;
        vote.validator = block.header.proposer;
        vote.round = net_[0].engine().schedule().round_of(wire::Slot{net_.slot()});
        vote.source = net_[0].engine().justified();
        vote.target = name;
        const auto key = ledger::test::person(2000 + static_cast<std::uint32_t>(hostile));
        vote.signature = key.sign(wire::preimage(net_.chain_id(), vote, key.public_key()));
        for (std::size_t i = 0; i < hostile; ++i) {
            net_.hand(hostile, i, Type::block_ack, wire::encode(vote));
            if (is_kept(i)) kept.insert(i);
        }
        net_.run_for(milliseconds(100));
    }
    EXPECT_EQ(kept.size(), hostile);
    EXPECT_TRUE(net_.host(0).faults.empty()) << "of whoever passed it on";
}

TEST_F(HostileValidatorTest, ABlockThatSpendsWhatIsNotThere_IsNeverFollowed) {
    wire::Block block = make_block({});
    wire::TransactionBody body = net_.payment(1, 0, 2, 100).body;
    body.inputs[0].outpoint.index = 9999;
    const auto made = ledger::test::sign(net_.chain_id(), body, {1});
    const auto id = wire::wtxid(wire::txid(net_.chain_id(), body), made.signatures);
    block.transactions = {made};
    block.header.transaction_root = crypto::merkle_root(std::array{id.hash});
    block.header = net_.sign(block.header);
    announce(block);
    expect_the_others_go_on(block);
}

TEST_F(HostileValidatorTest, ABlockThatPrintsMoney_IsNeverFollowed) {
    wire::Block block = make_block({});
    wire::TransactionBody body = net_.payment(1, 0, 2, 100).body;
    body.outputs[0].amount.units += 1'000'000;
    const auto made = ledger::test::sign(net_.chain_id(), body, {1});
    const auto id = wire::wtxid(wire::txid(net_.chain_id(), body), made.signatures);
    block.transactions = {made};
    block.header.transaction_root = crypto::merkle_root(std::array{id.hash});
    block.header = net_.sign(block.header);
    announce(block);
    expect_the_others_go_on(block);
}

TEST_F(HostileValidatorTest, ABlockWhoseTransactionsNobodyGives_HoldsNobodyUp) {
    const wire::Block block = make_block({net_.payment(1, 0, 2, 100)});
    for (std::size_t i = 0; i < hostile; ++i) {
        EXPECT_EQ(net_.hand(hostile, i, Type::block, net_.announcement_of(block)), Verdict::keep);
    }
    expect_the_others_go_on(block);
}

TEST_F(HostileValidatorTest, TwoBlocksInASlot_AreProvenToAll) {
    const wire::Block one = make_block({net_.payment(1, 0, 2, 100)});
    const wire::Block other = make_block({net_.payment(1, 0, 2, 200)});
    net_.hand(hostile, 0, Type::block, net_.announcement_of(one));
    net_.hand(hostile, 0, Type::block, net_.announcement_of(other));
    net_.run_for(seconds(2));
    for (std::size_t i = 0; i < hostile; ++i) {
        EXPECT_EQ(net_[i].engine().equivocators(), consensus::bit(one.header.proposer)) << i;
    }
}

/// A single validator, so that only the puppet can hold it up.
class FalseClaimTest : public testing::Test {
protected:
    void SetUp() override {
        net_.start_all();
        net_.run_for(seconds(2));
    }
    /// Answers each request for hashes with what `page` says.
    void lie(std::function<std::vector<wire::Hash>(wire::Height from)> page) {
        net_.set_puppet(1, [this, page](std::size_t from, const Network::Content& content) {
            if (std::holds_alternative<Network::Status>(content)) {
                net_.claim(1, 0, 4'000'000'000, 4'000'000'000);
            }
            const auto* frame = std::get_if<Network::Frame>(&content);
            if (!frame || frame->type != Type::sync_request) return;
            ++requests_;
            const auto request = wire::parse_sync_request(frame->payload);
            if (const auto* hashes = std::get_if<wire::HashesRequest>(&*request)) {
                const wire::HashesResponse answer{hashes->from, page(hashes->from)};
                answer_with(from, answer);
            } else if (const auto* block = std::get_if<wire::BlockRequest>(&*request)) {
                answer_with(from, wire::NotFoundResponse{block->block});
            }
        });
    }
    void answer_with(std::size_t to, const wire::SyncResponse& answer) {
        net_.send(1, to, Network::Frame{Type::sync_response, wire::encode(answer)});
    }
    void expect_payments_become_final() {
        net_.run_for(seconds(3));
        for (std::size_t coin = 0; coin < 3; ++coin) {
            const wire::Txid txid = net_.pay(0, coin, 0, 100);
            EXPECT_TRUE(net_.run_until([&] { return net_.is_final(0, txid); }, seconds(8)));
        }
        net_.run_for(seconds(60));
        EXPECT_GT(requests_, 2U) << "the lie was never told";
        EXPECT_LT(requests_, 4000U) << "asked about it again and again";
        net_.check();
    }

    Network net_{{.chains = 1, .puppets = 1}};
    std::size_t requests_ = 0;
};

TEST_F(FalseClaimTest, AHeightWithNothingBehindIt_StopsNobodyFromProposing) {
    lie([](wire::Height) { return std::vector<wire::Hash>{}; });
    expect_payments_become_final();
}

TEST_F(FalseClaimTest, NamesThatLeadNowhere_StopNobodyFromProposing) {
    lie([&](wire::Height from) {
        std::vector<wire::Hash> names(wire::hashes_max);
        for (std::size_t i = 0; i < names.size(); ++i) {
            base::FixedWriter(names[i].bytes)
                .u32(from.value)
                .u32(static_cast<std::uint32_t>(i))
                .bytes(std::array<std::byte, 24>{});
        }
        return names;
    });
    expect_payments_become_final();
}

TEST_F(FalseClaimTest, NamesOfWhatWeHave_StopNobodyFromProposing) {
    lie([&](wire::Height) { return std::vector<wire::Hash>(wire::hashes_max, net_.chain_id()); });
    expect_payments_become_final();
}

TEST_F(FalseClaimTest, Silence_StopsNobodyFromProposing_AndIsReported) {
    net_.set_puppet(1, [this](std::size_t, const Network::Content& content) {
        if (std::holds_alternative<Network::Status>(content)) net_.claim(1, 0, 1'000'000, 5);
        if (std::holds_alternative<Network::Frame>(content)) ++requests_;
    });
    expect_payments_become_final();
    EXPECT_TRUE(net_.host(0).faults.contains(net_.identity(1)));
}

TEST(FalseClaimsTest, OfAStranger_DelayCatchingUpButDoNotPreventIt) {
    Network net({.puppets = 1});
    net.set_puppet(4, [&](std::size_t from, const Network::Content& content) {
        if (!net.is_alive(from)) return;
        net.claim(4, from, 4'000'000, 4'000'000);
        const auto* frame = std::get_if<Network::Frame>(&content);
        if (!frame || frame->type != Type::sync_request) return;
        const auto request = wire::parse_sync_request(frame->payload);
        const auto* hashes = std::get_if<wire::HashesRequest>(&*request);
        if (!hashes) return;
        std::vector<wire::Hash> names(wire::hashes_max);
        for (wire::Hash& name : names) name.bytes[0] = static_cast<std::byte>(net.random().next());
        net.send(4, from,
                 Network::Frame{Type::sync_response,
                                wire::encode(wire::SyncResponse(
                                    wire::HashesResponse{hashes->from, std::move(names)}))});
    });
    net.start_all();
    net.run_for(seconds(3));
    net.kill(3);
    wire::Txid last;
    for (std::size_t coin = 0; coin < 5; ++coin) {
        last = net.pay(0, coin, 1, 100);
        net.run_for(seconds(3));
    }
    net.start(3);
    EXPECT_TRUE(net.run_until([&] { return net.is_final_everywhere(last); }, seconds(60)));
    EXPECT_TRUE(net.host(3).faults.contains(net.identity(4)));
    net.check();
}

}  // namespace
}  // namespace meshchain::chain
