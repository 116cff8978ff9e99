// Whole chains whose validators come and go: every change of the set is followed, and what is FINAL
// stays so.

#include <gtest/gtest.h>

#include "base/test_effort.h"
#include "chain/test_network.h"
#include "ledger/test_stakes.h"

namespace meshchain::chain {
namespace {

using test::milliseconds;
using test::Network;
using test::seconds;

constexpr std::size_t newcomer = 4;

crypto::PublicKey key_of(std::uint32_t number) { return ledger::test::public_key(2000 + number); }
crypto::PublicKey payout_of(std::uint32_t number) {
    return ledger::test::public_key(3000 + number);
}

/// Four validators of genesis, and a fifth node that is none yet. Epochs last four rounds.
class EpochsTest : public testing::Test {
protected:
    void SetUp() override {
        net_.start_all();
        net_.run_for(seconds(3));
    }

    /// One of the coins that `from` has had since genesis pays for it.
    wire::Txid operate(std::uint32_t from, std::size_t coin, const wire::Operation& operation) {
        const auto coins = ledger::test::coins_of(ledger::CoinSet(net_.genesis()), from);
        return net_.submit(from, ledger::test::operate(net_.chain_id(), coins.at(coin), operation,
                                                       wire::expiry_units({net_.slot()}) + 20));
    }
    void register_newcomer() {
        const auto id = operate(
            newcomer, 0,
            wire::Register{net_.identity(newcomer), key_of(newcomer), payout_of(newcomer), {100}});
        ASSERT_TRUE(net_.run_until([&] { return net_.is_final_everywhere(id); }, seconds(20)));
    }
    void register_newcomer_without(std::size_t absent) {
        const auto id = operate(
            newcomer, 0,
            wire::Register{net_.identity(newcomer), key_of(newcomer), payout_of(newcomer), {100}});
        ASSERT_TRUE(net_.run_until([&] { return net_.is_final(0, id); }, seconds(20))) << absent;
    }
    std::uint32_t final_epoch(std::size_t host) { return net_[host].engine().epochs().now(); }
    bool all_reach_epoch(std::uint32_t epoch) {
        return net_.run_until(
            [&] {
                for (std::size_t i = 0; i < 5; ++i) {
                    if (net_.is_alive(i) && final_epoch(i) < epoch) return false;
                }
                return true;
            },
            seconds(120));
    }
    bool pays(std::uint32_t from, std::size_t coin) {
        const auto id = net_.pay(from, coin, 1, 10);
        return net_.run_until([&] { return net_.is_final_everywhere(id); }, seconds(30));
    }
    std::optional<ledger::Seat> seat(std::size_t host, std::uint32_t number) {
        return ledger::StakeBook(net_[host].store()).seat_of(key_of(number)).value();
    }
    void expect_no_faults() {
        for (std::size_t i = 0; i < 5; ++i) {
            EXPECT_TRUE(net_.host(i).faults.empty()) << i;
            EXPECT_EQ(net_.host(i).punished, 0U) << i;
        }
    }

    Network net_{{.chains = 5, .newcomers = 1, .epoch_rounds = 4, .coins_each = 24}};
};

TEST_F(EpochsTest, WhoeverStakes_ProposesAndVotesTwoEpochsLater_AndThenAllIsQuiet) {
    EXPECT_EQ(net_[newcomer].engine().self(), std::nullopt);
    register_newcomer();
    ASSERT_TRUE(all_reach_epoch(2));
    ASSERT_TRUE(net_[newcomer].engine().self().has_value());
    EXPECT_EQ(net_[0].engine().epochs().set(2).total().units, 500U);
    EXPECT_EQ(net_[0].engine().epochs().set(1).total().units, 400U);
    for (std::size_t coin = 1; coin < 16 && net_[newcomer].blocks_proposed() == 0; ++coin) {
        ASSERT_TRUE(pays(0, coin));
    }
    EXPECT_GT(net_[newcomer].blocks_proposed(), 0U);
    EXPECT_GT(net_.host(newcomer).votes, 0U);
    // Nobody waits for another epoch: no block is made for one.
    net_.run_for(seconds(20));
    const auto height = net_[0].store().tip().height;
    net_.run_for(seconds(20));
    EXPECT_EQ(net_[0].store().tip().height, height);
    expect_no_faults();
    net_.check();
}

TEST_F(EpochsTest, WhoUnbonds_IsNotNeededAnyMore_AndGetsHisStakeAfterTheDelay) {
    register_newcomer();
    for (const std::uint32_t leaver : {0U, 1U}) {
        const auto id = operate(leaver, 0, wire::Unbond{key_of(leaver), payout_of(leaver), {100}});
        ASSERT_TRUE(net_.run_until([&] { return net_.is_final_everywhere(id); }, seconds(20)));
    }
    const std::uint32_t left_in = net_[0].store().economy().value()->epoch;
    ASSERT_TRUE(all_reach_epoch(left_in + 3));
    EXPECT_EQ(net_[2].engine().epochs().set(left_in + 2).total().units, 300U);
    EXPECT_EQ(net_[0].engine().self(), std::nullopt);
    net_.kill(0);  // with the old stakes, three of five would finalise nothing
    net_.kill(1);
    ASSERT_TRUE(pays(2, 1));
    ASSERT_TRUE(all_reach_epoch(left_in + 4)) << "it waits for what somebody took back";
    net_.start(0);
    ASSERT_TRUE(net_.run_until([&] { return net_[0].final_height() == net_[2].final_height(); },
                               seconds(60)));
    const auto stakes = net_[2].store().stakes().value();
    const auto waiting = std::ranges::find_if(stakes, [](const auto& row) {
        return row.first.front() == ledger::waiting_row_prefix().front();
    });
    ASSERT_NE(waiting, stakes.end());
    const auto row = ledger::parse_waiting(waiting->first, waiting->second).value();
    const std::uint32_t owner = row.bond.owner == payout_of(0) ? 0 : 1;
    const auto back = ledger::test::coins_of(ledger::CoinSet(net_.genesis()), 2).at(2);
    const auto id = net_.submit(
        2, ledger::test::operate(
               net_.chain_id(), back,
               wire::Withdraw{key_of(owner), payout_of(owner), row.epoch, row.bond.amount},
               wire::expiry_units({net_.slot()}) + 20));
    EXPECT_TRUE(net_.run_until([&] { return net_.is_final(2, id); }, seconds(30)));
    net_.check();
}

/// Everybody hears everybody here, so all weigh the same again: a quarter more.
TEST_F(EpochsTest, WhatProposersSay_ReachesTheRosters_AndAQuietChainStaysQuiet) {
    const auto revealed = [&](const wire::Roster& roster) {
        return std::ranges::count(roster.members, wire::Roster::Standing::revealed,
                                  &wire::Roster::Member::standing);
    };
    std::ptrdiff_t reveals = 0;
    std::uint8_t nearest = 0;
    for (std::size_t coin = 1; coin < 24 && (reveals == 0 || nearest < 255); ++coin) {
        ASSERT_TRUE(pays(0, coin));
        const std::uint32_t next = net_[0].store().economy().value()->epoch + 1;
        const auto roster = net_[0].store().roster(next).value().value();
        reveals += revealed(roster);
        for (const auto& member : roster.members) nearest = std::max(nearest, member.proximity);
    }
    EXPECT_GT(reveals, 0) << "a commitment of one epoch is kept in another";
    EXPECT_EQ(nearest, 255);
    const auto& certificate = net_[0].engine().certificate();
    ASSERT_TRUE(certificate.has_value());
    for (const wire::Vote& vote : certificate->votes) {
        const auto own = consensus::bit(vote.validator);
        EXPECT_EQ(vote.heard, net_[0].engine().validators().all() & ~own);
    }
    net_.run_for(seconds(20));
    const auto height = net_[0].store().tip().height;
    net_.run_for(seconds(20));
    EXPECT_EQ(net_[0].store().tip().height, height) << "nobody makes a block to say something";
    expect_no_faults();
    net_.check();
}

TEST_F(EpochsTest, OfOperationsThatOnlyOneCanDo_TheMempoolTakesTheFirst) {
    const wire::Register registration{
        net_.identity(newcomer), key_of(newcomer), payout_of(newcomer), {100}};
    operate(newcomer, 0, registration);
    const auto coins = ledger::test::coins_of(ledger::CoinSet(net_.genesis()), newcomer);
    const auto second = ledger::test::operate(net_.chain_id(), coins.at(1), registration,
                                              wire::expiry_units({net_.slot()}) + 20);
    const auto refused = net_[newcomer].submit(net_.now(), second);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, base::Errc::conflict);
}

TEST_F(EpochsTest, AnEquivocator_IsReportedByWhoeverProposes_AndVotesNoMore) {
    const std::uint16_t index =
        net_.host(0).chain->engine().validators().find_key(key_of(3))->value;
    const auto evidence = ledger::test::two_blocks(net_.chain_id(), {index}, 2003, net_.slot() + 1);
    EXPECT_EQ(net_.hand(1, 0, wire::MessageType::evidence, wire::encode(evidence)),
              wire::Verdict::relay);
    ASSERT_TRUE(pays(0, 1));
    ASSERT_TRUE(net_.run_until([&] { return seat(1, 3) && seat(1, 3)->slashed; }, seconds(30)));
    EXPECT_GE(net_[1].store().economy().value()->burnt.units, 100U) << "fees that it earned, too";
    const std::uint32_t epoch = net_[1].store().economy().value()->epoch;
    ASSERT_TRUE(all_reach_epoch(epoch + 2));
    EXPECT_FALSE(net_[1].engine().epochs().set(epoch + 2).contains({index}));
    ASSERT_TRUE(pays(0, 2));
    net_.check();
}

TEST_F(EpochsTest, WhoHasLeft_IsStillSlashedWhileHisStakeWaits) {
    register_newcomer();
    const wire::ValidatorIndex index = *net_[0].engine().validators().find_key(key_of(1));
    const auto id = operate(1, 0, wire::Unbond{key_of(1), payout_of(1), {100}});
    ASSERT_TRUE(net_.run_until([&] { return net_.is_final_everywhere(id); }, seconds(20)));
    const std::uint32_t left_in = net_[0].store().economy().value()->epoch;
    ASSERT_TRUE(all_reach_epoch(left_in + 3));
    ASSERT_FALSE(net_[0].engine().validators().contains(index));
    const auto evidence = ledger::test::two_blocks(net_.chain_id(), index, 2001, 9);
    EXPECT_EQ(net_.hand(2, 0, wire::MessageType::evidence, wire::encode(evidence)),
              wire::Verdict::relay);
    EXPECT_TRUE(net_.run_until([&] { return seat(0, 1) && seat(0, 1)->slashed; }, seconds(30)))
        << "nobody pays, and yet a block reports it";
    net_.check();
}

TEST_F(EpochsTest, WhoWasAwayForManyEpochs_FollowsTheirCertificatesOneByOne) {
    net_.partition({3});
    register_newcomer_without(3);
    for (std::size_t coin = 1; coin < 20 && final_epoch(0) < 6; ++coin) {
        const auto id = net_.pay(0, coin, 1, 10);
        ASSERT_TRUE(net_.run_until([&] { return net_.is_final(0, id); }, seconds(30)));
        net_.run_for(seconds(4));
    }
    ASSERT_GE(final_epoch(0), 6U);
    EXPECT_EQ(final_epoch(3), 0U);
    net_.partition({});
    EXPECT_TRUE(net_.run_until([&] { return net_[3].final_height() == net_[0].final_height(); },
                               seconds(60)));
    EXPECT_EQ(final_epoch(3), final_epoch(0));
    EXPECT_EQ(net_[3].catch_up().contradiction(), std::nullopt);
    expect_no_faults();
    ASSERT_TRUE(pays(3, 1));
    net_.check();
}

/// Each proof is nearer than a newcomer may ask for at first; what it learns so, it keeps.
TEST_F(EpochsTest, WhoFollowsEpochByEpoch_AsksAboutTwiceForEach) {
    net_.partition({3});
    register_newcomer_without(3);
    for (std::size_t coin = 1; coin < 24 && final_epoch(0) < 8; ++coin) {
        const auto id = net_.pay(0, coin, 1, 10);
        ASSERT_TRUE(net_.run_until([&] { return net_.is_final(0, id); }, seconds(30)));
        net_.run_for(seconds(3));
    }
    ASSERT_GE(final_epoch(0), 8U);
    std::size_t asked = 0;
    net_.drop_if([&](std::size_t from, std::size_t, const Network::Frame& frame) {
        if (from != 3 || frame.type != wire::MessageType::sync_request) return false;
        const auto request = wire::parse_sync_request(frame.payload);
        if (request && std::holds_alternative<wire::FinalRequest>(*request)) ++asked;
        return false;
    });
    net_.partition({});
    ASSERT_TRUE(net_.run_until([&] { return net_[3].final_height() == net_[0].final_height(); },
                               seconds(60)));
    EXPECT_LE(asked, 2 * final_epoch(0));
    net_.check();
}

TEST_F(EpochsTest, ARestartInAnyEpoch_KnowsTheSetsAgain) {
    register_newcomer();
    for (std::uint32_t epoch = 1; epoch < 4; ++epoch) {
        net_.run_until([&] { return final_epoch(0) >= epoch; }, seconds(60));
        net_.kill(epoch);
        net_.start(epoch);
        EXPECT_EQ(final_epoch(epoch),
                  net_[epoch].store().epoch_of(net_[epoch].engine().final().block).value());
        ASSERT_TRUE(pays(0, epoch));
    }
    expect_no_faults();
    net_.check();
}

/// Validators come and go while frames are lost, nodes lose power and the network parts.
class EpochsUnderFire : public testing::TestWithParam<std::uint64_t> {
protected:
    /// What a person may do with stake, with another of his coins each time.
    void operate(std::uint32_t person) {
        const std::size_t coin = next_coin_[person]++;
        const auto coins = ledger::test::coins_of(ledger::CoinSet(net_.genesis()), person);
        if (coin >= coins.size() || !net_.is_alive(person)) return;
        const wire::Operation choices[] = {
            wire::Register{net_.identity(person), key_of(person), payout_of(person), {150}},
            wire::Delegate{key_of(person), payout_of(person), {100}},
            wire::Unbond{key_of(person), payout_of(person), {100}}};
        const wire::Operation& choice = choices[net_.random().below(3)];
        // Most of them break a rule, here and now.
        static_cast<void>(net_[person].submit(
            net_.now(), ledger::test::operate(net_.chain_id(), coins[coin], choice,
                                              wire::expiry_units({net_.slot()}) + 20)));
    }
    void disturb() {
        const auto victim = static_cast<std::size_t>(net_.random().below(6));
        switch (net_.random().below(4)) {
            case 0:
                if (net_.is_alive(victim)) net_.kill(victim);
                break;
            case 1: net_.partition({victim, (victim + 1) % 6}); break;
            case 2: net_.partition({}); break;
            default: break;
        }
        for (std::size_t i = 0; i < 6; ++i) {
            if (!net_.is_alive(i) && net_.random().chance(1, 2)) net_.start(i);
        }
    }

    Network net_{{.seed = GetParam(),
                  .chains = 6,
                  .newcomers = 2,
                  .epoch_rounds = 4,
                  .loss_percent = 5,
                  .coins_each = 24}};
    std::map<std::uint32_t, std::size_t> next_coin_;
};

TEST_P(EpochsUnderFire, FinalPrefixesAgree_NothingIsLost_AndAllAgreeAfterwards) {
    net_.start_all();
    net_.run_for(seconds(3));
    for (int step = 0; step < 20; ++step) {
        operate(static_cast<std::uint32_t>(net_.random().below(6)));
        disturb();
        net_.run_for(seconds(3));
    }
    net_.check();
    net_.partition({});
    net_.set_loss(0);
    for (std::size_t i = 0; i < 6; ++i) {
        if (!net_.is_alive(i)) net_.start(i);
    }
    net_.run_for(seconds(20));
    const auto coins = ledger::test::coins_of(ledger::CoinSet(net_.genesis()), 0);
    const auto id = net_.pay(0, coins.size() - 1, 1, 10);
    EXPECT_TRUE(net_.run_until([&] { return net_.is_final_everywhere(id); }, seconds(90)));
    for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(net_[i].fault(), std::nullopt);
        EXPECT_EQ(net_[i].catch_up().contradiction(), std::nullopt);
    }
    EXPECT_GT(net_[0].engine().epochs().now(), 2U);
    net_.check();
}

INSTANTIATE_TEST_SUITE_P(Seeds, EpochsUnderFire,
                         testing::Range(std::uint64_t{1},
                                        meshchain::test::effort<std::uint64_t>(2, 61)));

TEST(EpochsPruningTest, SetsAndProofsOfThePast_GoWithTheBlocks_ButNotWhileTheyCanConvict) {
    Network net{
        {.seed = 2, .epoch_rounds = 4, .coins_each = 60, .keep_blocks = [](std::size_t host) {
             return host == 0 ? 4U : 0U;
         }}};
    net.start_all();
    const auto epoch = [&] { return net[0].engine().epochs().now(); };
    for (std::size_t coin = 0; coin < 60 && net[0].store().base().height.value == 0; ++coin) {
        const auto id = net.pay(1, coin, 2, 1);
        ASSERT_TRUE(net.run_until([&] { return net.is_final(0, id); }, seconds(20)));
    }
    ASSERT_GT(net[0].store().base().height.value, 0U);
    net.run_for(seconds(1));
    ASSERT_GT(epoch(), ledger::StakeRules::unbond_epochs_min + 2U);
    const auto is_known = [&](std::size_t host, std::uint32_t of) {
        return net[host].store().roster(of).value().has_value();
    };
    for (std::uint32_t of = 0; of <= epoch(); ++of) {
        const bool kept = of + ledger::StakeRules::unbond_epochs_min >= epoch();
        EXPECT_TRUE(!kept || is_known(0, of)) << of;
        EXPECT_TRUE(is_known(1, of)) << "with every block, every set";
    }
    EXPECT_FALSE(is_known(0, 0));
    EXPECT_FALSE(net[0].store().epoch_proof(0).value().has_value());
    EXPECT_TRUE(net[1].store().epoch_proof(0).value().has_value());
    net.kill(0);
    net.start(0);
    const auto id = net.pay(3, 0, 2, 1);
    EXPECT_TRUE(net.run_until([&] { return net.is_final_everywhere(id); }, seconds(20)));
}

TEST(EpochsQuotaTest, TheBlockThatRaisesTheEpoch_IsMadeAndAppliedAtTheQuota) {
    constexpr std::uint32_t quota = 6;
    Network net{{.seed = 3, .epoch_rounds = 40, .coins_each = 40, .undo_blocks_max = quota}};
    net.start_all();
    net.run_for(seconds(3));
    net.partition({0, 1});
    for (std::size_t coin = 0; coin < 15; ++coin) {
        static_cast<void>(net.pay(0, coin, 0, 100));
        net.run_for(seconds(2));
    }
    ASSERT_EQ(net[0].undo_blocks(), quota);
    ASSERT_EQ(net[0].store().economy().value()->epoch, 0U);
    net.run_for(seconds(60));
    for (const std::size_t host : {0U, 1U}) {
        EXPECT_EQ(net[host].store().economy().value()->epoch, 1U) << host;
        EXPECT_EQ(net[host].undo_blocks(), quota + 1) << "that one and no other";
    }
    net.partition({});
    const auto id = net.pay(1, 0, 3, 100);
    EXPECT_TRUE(net.run_until([&] { return net.is_final_everywhere(id); }, seconds(100)));
    net.check();
}

TEST(EpochsReportTest, AReportThatIsTakenBack_IsNotPassedOnAsAPayment) {
    Network net{{.seed = 1, .chains = 4, .epoch_rounds = 200, .coins_each = 64}};
    net.start_all();
    net.run_for(seconds(3));
    net.partition({0});
    net.run_for(seconds(2));
    const auto accused = *net[0].engine().validators().find_key(key_of(3));
    net.hand(1, 0, wire::MessageType::evidence,
             wire::encode(ledger::test::two_blocks(net.chain_id(), accused, 2003, net.slot() + 1)));
    const auto is_slashed_here = [&] {
        const auto seat = ledger::StakeBook(net[0].store()).seat_of(key_of(3)).value();
        return seat && seat->slashed;
    };
    ASSERT_TRUE(net.run_until(is_slashed_here, seconds(60)));
    // The other side is longer, so the report is taken back when they hear each other.
    for (std::size_t coin = 1; coin < 12; ++coin) {
        net.pay(2, coin, 1, 1);
        net.run_for(seconds(1));
    }
    net.partition({});
    net.run_for(seconds(100));
    ASSERT_GT(net.host(0).reverted, 0U);
    for (std::size_t host = 0; host < 4; ++host) EXPECT_EQ(net.host(host).punished, 0U) << host;
    EXPECT_TRUE(is_slashed_here()) << "it comes again, from the proof";
}

}  // namespace
}  // namespace meshchain::chain
