#include "chain/chain.h"

#include <gtest/gtest.h>

#include "chain/test_network.h"

namespace meshchain::chain {
namespace {

using base::Errc;
using test::milliseconds;
using test::Network;
using test::NetworkOptions;
using test::seconds;
using Type = wire::MessageType;
using wire::Verdict;

/// Both are members of the network for as long as a test runs.
bool is_final_everywhere(Network& net, const wire::Txid& txid, seconds limit) {
    return net.run_until([&] { return net.is_final_everywhere(txid); }, limit);
}
void expect_nobody_at_fault(Network& net, std::size_t chains) {
    for (std::size_t i = 0; i < chains; ++i) {
        EXPECT_EQ(net.host(i).punished, 0U) << "by " << i;
        EXPECT_TRUE(net.host(i).faults.empty()) << "at " << i;
    }
}

TEST(ChainTest, APayment_BecomesFinalOnAll) {
    Network net({});
    net.start_all();
    net.run_for(seconds(3));
    const wire::Txid txid = net.pay(0, 0, 1, 500);
    EXPECT_TRUE(is_final_everywhere(net, txid, seconds(8)));
    net.check();
    EXPECT_TRUE(net.tips_agree());
    expect_nobody_at_fault(net, 4);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(net[i].mempool().size(), 0U);
}

TEST(ChainTest, AnIdleChain_MakesNoBlocksAndFallsSilent) {
    Network net({});
    net.start_all();
    net.run_for(seconds(3));
    is_final_everywhere(net, net.pay(0, 0, 1, 500), seconds(8));
    net.run_for(seconds(5));
    const auto height = net[0].store().tip().height;
    const auto votes = net.host(0).votes;
    net.run_for(seconds(120));
    EXPECT_EQ(net[0].store().tip().height, height);
    EXPECT_EQ(net.host(0).votes, votes);
}

TEST(ChainTest, ABlockOfUnknownTransactions_IsFetched) {
    Network net({});
    net.start_all();
    net.drop_if([](std::size_t, std::size_t, const Network::Frame& frame) {
        return frame.type == Type::transaction;
    });
    net.run_for(seconds(3));
    std::vector<wire::Txid> paid;
    for (std::size_t coin = 0; coin < 12; ++coin) paid.push_back(net.pay(0, coin, 1, 500));
    for (const auto& txid : paid) EXPECT_TRUE(is_final_everywhere(net, txid, seconds(30)));
    expect_nobody_at_fault(net, 4);
}

TEST(ChainTest, WaitingTransactions_AreAnnouncedAgain) {
    Network net({});
    net.start_all();
    net.run_for(seconds(3));
    bool lossy = true;
    net.drop_if([&](std::size_t from, std::size_t, const Network::Frame& frame) {
        return from == 0 &&
               (frame.type == Type::block || (lossy && frame.type == Type::transaction));
    });
    const wire::Txid txid = net.pay(0, 0, 1, 500);
    net.run_for(milliseconds(300));
    lossy = false;
    EXPECT_TRUE(net.run_until([&] { return net.is_final(1, txid); }, seconds(30)));
}

TEST(ChainTest, AnnouncementVerdicts) {
    Network net({.chains = 2, .unattended = 2});
    net.start_all();
    net.run_until_slot(10);
    const auto verdict = [&](const wire::BlockHeader& header) {
        return net.hand(1, 0, Type::block, wire::encode(wire::BlockAnnouncement{header, {}}));
    };
    const wire::BlockHeader good = net.make_block(0, 10, 0, {}).header;

    wire::BlockHeader forged = good;
    forged.signature.bytes[7] ^= std::byte{1};
    EXPECT_EQ(verdict(forged), Verdict::punish) << "forged signature";
    wire::BlockHeader wrong_leader = good;
    wrong_leader.rank = 1;
    EXPECT_EQ(verdict(net.sign(wrong_leader)), Verdict::punish) << "not its rank";
    wire::BlockHeader unknown = good;
    unknown.proposer = {4};
    EXPECT_EQ(verdict(unknown), Verdict::punish) << "no validator";
    EXPECT_EQ(verdict(net.make_block(0, 12, 0, {}).header), Verdict::ignore) << "two slots ahead";
    wire::BlockHeader old = good;
    old.slot = {0};
    old.proposer = net.leader(0, 0);
    EXPECT_EQ(verdict(net.sign(old)), Verdict::ignore) << "not above FINAL";
    wire::BlockHeader next_epoch = good;
    next_epoch.epoch = 1;
    EXPECT_EQ(verdict(net.sign(next_epoch)), Verdict::ignore) << "of a later version";

    const base::Buffer whole = wire::encode(wire::BlockAnnouncement{good, {1, 2}});
    for (std::size_t length = 0; length < whole.size(); ++length) {
        EXPECT_EQ(net.hand(1, 0, Type::block, base::Bytes(whole).first(length)), Verdict::punish);
    }
    EXPECT_EQ(verdict(good), Verdict::relay);
    EXPECT_EQ(verdict(good), Verdict::ignore) << "again";
}

TEST(ChainTest, TransactionVerdicts) {
    Network net({.chains = 2});
    net.start_all();
    net.run_for(seconds(3));
    const auto verdict = [&](const wire::WireTransaction& transaction) {
        return net.hand(1, 0, Type::transaction, wire::encode(transaction));
    };
    const wire::Transaction good = net.payment(1, 0, 0, 100);
    wire::Transaction forged = good;
    forged.signatures[0].bytes[3] ^= std::byte{1};
    EXPECT_EQ(verdict(forged), Verdict::punish);
    wire::TransactionBody more = good.body;
    more.outputs[0].amount.units += 1;
    EXPECT_EQ(verdict(ledger::test::sign(net.chain_id(), more, {1})), Verdict::punish) << "money";
    wire::TransactionBody elsewhere = good.body;
    elsewhere.inputs[0].outpoint.index = 999;
    EXPECT_EQ(verdict(ledger::test::sign(net.chain_id(), elsewhere, {1})), Verdict::ignore);
    wire::TransactionBody other_chain = good.body;
    EXPECT_EQ(verdict(ledger::test::sign(wire::Hash{}, other_chain, {1})), Verdict::punish)
        << "signed for another chain";
    const base::Buffer whole = wire::encode(wire::WireTransaction(good));
    EXPECT_EQ(net.hand(1, 0, Type::transaction, base::Bytes(whole).first(90)), Verdict::punish);
    EXPECT_EQ(verdict(good), Verdict::relay);
    EXPECT_EQ(verdict(good), Verdict::ignore) << "again";
    EXPECT_EQ(verdict(net.payment(1, 0, 0, 200)), Verdict::ignore) << "a second spender";
}

TEST(ChainTest, WhatDoesNotParse_IsPunishedWhateverItsType_UnlessNobodySignedIt) {
    Network net({.chains = 2});
    net.start_all();
    net.run_for(seconds(3));
    const base::Buffer garbage(2000, std::byte{0xee});
    for (const wire::MessageRule& rule : net[0].rules()) {
        const bool is_chunk = rule.message_class == wire::MessageClass::chunk;
        for (const std::size_t length :
             {std::size_t{0}, std::size_t{1}, std::size_t{33}, std::size_t{1180}, garbage.size()}) {
            EXPECT_EQ(net.hand(1, 0, rule.type, base::Bytes(garbage).first(length)),
                      is_chunk ? Verdict::ignore : Verdict::punish)
                << wire::name(rule.type) << ", " << length << " bytes";
        }
    }
}

TEST(ChainTest, DoubleSpendOnTwoSides_ExactlyOneSurvives_AndTheOtherLeavesTheMempools) {
    Network net({});
    net.start_all();
    net.run_for(seconds(3));
    net.partition({0, 1});
    const wire::Txid left = net.submit(0, net.payment(0, 0, 1, 500));
    const wire::Txid right = net.submit(2, net.payment(0, 0, 3, 600));
    const wire::Txid fine = net.submit(2, net.payment(2, 0, 3, 700));
    net.run_for(seconds(12));
    EXPECT_FALSE(net[0].store().tip().hash == net[2].store().tip().hash);
    EXPECT_EQ(net[0].final_height(), wire::Height{}) << "half of the stake makes nothing final";
    net.partition({});
    EXPECT_TRUE(net.run_until(
        [&] { return net.is_final_everywhere(left) || net.is_final_everywhere(right); },
        seconds(60)));
    EXPECT_TRUE(is_final_everywhere(net, fine, seconds(60)));
    net.check();
    for (std::size_t i = 0; i < 4; ++i) {
        const bool has_left = net.is_final(i, left);
        EXPECT_NE(has_left, net.is_final(i, right));
        EXPECT_EQ(net[i].mempool().find(has_left ? right : left), nullptr);
    }
}

TEST(ChainTest, AReorganisation_PutsTheLosersBack_AndAllBecomeFinal) {
    Network net({});
    net.start_all();
    net.run_for(seconds(3));
    net.partition({0, 1});
    std::vector<wire::Txid> paid;
    for (std::size_t coin = 0; coin < 6; ++coin) {
        paid.push_back(net.pay(0, coin, 1, 500));
        paid.push_back(net.pay(2, coin, 3, 500));
        net.run_for(seconds(3));
    }
    net.partition({});
    for (const auto& txid : paid) EXPECT_TRUE(is_final_everywhere(net, txid, seconds(60)));
    net.check();
    std::size_t reverted = 0;
    for (std::size_t i = 0; i < 4; ++i) reverted += net.host(i).reverted;
    EXPECT_GT(reverted, 0U);
    expect_nobody_at_fault(net, 4);
}

TEST(ChainTest, AMinority_MakesNothingFinal_AndFollowsTheMajorityAfterwards) {
    Network net({});
    net.start_all();
    net.run_for(seconds(3));
    net.partition({3});
    const wire::Txid alone = net.submit(3, net.payment(3, 0, 1, 500));
    const wire::Txid many = net.pay(0, 0, 1, 500);
    net.run_for(seconds(15));
    EXPECT_TRUE(net.is_final(0, many));
    EXPECT_EQ(net[3].final_height(), wire::Height{});
    net.partition({});
    EXPECT_TRUE(is_final_everywhere(net, alone, seconds(60)));
    EXPECT_TRUE(is_final_everywhere(net, many, seconds(10)));
    net.check();
}

TEST(ChainTest, ANodeAwayFor300Blocks_CatchesUp) {
    Network net({.coins_each = 110});
    net.start_all();
    net.run_for(seconds(3));
    net.kill(3);
    std::size_t coin = 0;
    while (net[0].store().tip().height.value < 300 && coin < 110 * 3) {
        const auto from = static_cast<std::uint32_t>(coin % 3);
        net.pay(from, coin / 3, 3, 100);
        ++coin;
        net.run_for(seconds(1));
    }
    net.run_for(seconds(10));
    const auto height = net[0].final_height();
    ASSERT_GE(height.value, 250U);
    net.start(3);
    EXPECT_TRUE(net.run_until([&] { return net[3].final_height() >= height; }, seconds(30)));
    EXPECT_TRUE(net.tips_agree());
    EXPECT_EQ(net[3].progress().state(), SyncState::synced);
    net.check();
    expect_nobody_at_fault(net, 4);
}

}  // namespace
}  // namespace meshchain::chain
