#include "ledger/successor.h"

#include <gtest/gtest.h>

#include "ledger/test_payments.h"

namespace meshchain::ledger {
namespace {

using base::Errc;

class SuccessorTest : public testing::Test {
protected:
    SuccessorTest() {
        state_.at = {chain_id(old_),
                     {7},
                     crypto::hash(base::as_bytes("block")),
                     crypto::hash(base::as_bytes("state"))};
        for (const Allocation& allocation : old_.allocations) {
            state_.coins[allocation.owner].units += allocation.amount.units;
        }
        state_.coins.begin()->second.units -= 30;  // paid as fees
        state_.fees = {{{0}, {10}}, {{4}, {20}}};
        plan_.start = old_.start + std::chrono::hours(100);
        plan_.validators = {old_.validators[1], old_.validators[2]};
        plan_.validators[1].stake = {60};
    }
    Genesis make() { return make_successor(old_, state_, plan_).value(); }
    SuccessorDraft signed_draft() {
        SuccessorDraft draft{make(), {}};
        for (std::uint32_t person = 1000; person < 1005; ++person) {
            static_cast<void>(approve(draft, test::person(person)));
        }
        return draft;
    }

    Genesis old_ = test::genesis_with(3, 2, 1000, 5);
    FinalState state_;
    SuccessorPlan plan_;
};

TEST_F(SuccessorTest, ItsMoney_IsThePredecessorsToTheUnit) {
    const Genesis next = make();
    EXPECT_EQ(supply(next), supply(old_));
    EXPECT_NE(chain_id(next), chain_id(old_));
    EXPECT_TRUE(check_successor(next, old_, state_));
    std::map<crypto::PublicKey, std::uint64_t> owned;
    for (const Allocation& allocation : next.allocations) {
        EXPECT_FALSE(owned.contains(allocation.owner)) << "one allocation an owner";
        owned[allocation.owner] = allocation.amount.units;
    }
    EXPECT_EQ(owned.at(old_.validators[0].payout), 110U) << "stake and fees of who is gone";
    EXPECT_EQ(owned.at(old_.validators[2].payout), 40U) << "what he did not stake again";
    EXPECT_FALSE(owned.contains(old_.validators[1].payout));
    EXPECT_EQ(parse_genesis(encode(next)).value(), next);
}

TEST_F(SuccessorTest, AGenesisWithoutPredecessor_KeepsItsBytesAndItsChainId) {
    const base::Buffer bytes = encode(old_);
    Genesis with = old_;
    with.predecessor = state_.at;
    const base::Buffer longer = encode(with);
    ASSERT_EQ(longer.size(), bytes.size() + 100);
    EXPECT_TRUE(base::equal(base::Bytes(longer).first(bytes.size()), bytes));
    for (std::size_t more = 1; more < 100; ++more) {
        EXPECT_FALSE(parse_genesis(base::Bytes(longer).first(bytes.size() + more)));
    }
}

TEST_F(SuccessorTest, StrangersAndRaisedStakes_AreRefused) {
    plan_.validators[0].stake = {101};
    EXPECT_EQ(make_successor(old_, state_, plan_).error().code, Errc::invalid_argument);
    plan_.validators[0] = {test::public_key(77), test::public_key(78), test::public_key(79), {1}};
    EXPECT_EQ(make_successor(old_, state_, plan_).error().code, Errc::invalid_argument);
}

TEST_F(SuccessorTest, MoreOwnersThanAGenesisHolds_AreAnErrorThatSaysSo) {
    const crypto::PublicKey key = test::public_key(1);
    for (std::uint32_t i = 0; i <= genesis_allocations_max; ++i) {
        crypto::PublicKey owner = key;
        base::FixedWriter(base::MutableBytes(owner.bytes)).u32(i);
        state_.coins[owner] = {1};
    }
    const auto made = make_successor(old_, state_, plan_);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::too_large);
}

TEST_F(SuccessorTest, ADraftThatIsNotThisFinalState_IsRefused) {
    const auto refused = [&](auto change) {
        Genesis next = make();
        change(next);
        return !check_successor(next, old_, state_);
    };
    EXPECT_TRUE(refused([](Genesis& next) { next.allocations[0].amount.units += 1; }));
    EXPECT_TRUE(refused([](Genesis& next) { next.allocations.pop_back(); }));
    EXPECT_TRUE(refused([](Genesis& next) { next.validators[0].stake.units -= 1; }));
    EXPECT_TRUE(refused([](Genesis& next) { next.predecessor->height.value += 1; }))
        << "a block that is not FINAL here";
    EXPECT_TRUE(refused([](Genesis& next) { next.predecessor->block.bytes[0] ^= std::byte{1}; }));
    EXPECT_TRUE(refused([](Genesis& next) { next.predecessor->state.bytes[0] ^= std::byte{1}; }));
    EXPECT_TRUE(refused([](Genesis& next) { next.predecessor->chain.bytes[0] ^= std::byte{1}; }));
    EXPECT_TRUE(refused([](Genesis& next) { next.predecessor.reset(); }));
}

TEST_F(SuccessorTest, ADraft_IsApprovedOnceAllWhoGoOnHaveSigned) {
    SuccessorDraft draft{make(), {}};
    EXPECT_EQ(approve(draft, test::person(1)).error().code, Errc::unauthorized);
    SuccessorDraft other = draft;
    for (std::uint32_t person = 1000; person < 1005; ++person) {
        SuccessorDraft& target = draft.approvals.empty() ? draft : other;
        static_cast<void>(approve(target, test::person(person)));
    }
    EXPECT_FALSE(is_approved(draft));
    ASSERT_TRUE(merge(draft, other));
    EXPECT_TRUE(is_approved(draft));
    EXPECT_EQ(parse_successor_draft(encode(draft)).value(), draft);
}

TEST_F(SuccessorTest, ADraftChangedAfterItWasSigned_IsRefused) {
    const base::Buffer bytes = encode(signed_draft());
    ASSERT_TRUE(parse_successor_draft(bytes));
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        base::Buffer changed = bytes;
        changed[at] ^= std::byte{1};
        EXPECT_FALSE(parse_successor_draft(changed)) << "byte " << at;
    }
}

TEST_F(SuccessorTest, APaymentOfTheOldChain_MeansNothingOnTheNewOne) {
    const Genesis next = make();
    const CoinSet old_coins(old_);
    const Coin coin = test::coins_of(old_coins, 0).front();
    const auto payment = test::pay(chain_id(old_), coin, {0, 1, 10});
    const CoinSet coins(next);
    EXPECT_FALSE(check(chain_id(next), payment, {1}, coins, NothingVerified()));
    const Coin moved = test::coins_of(coins, 0).front();
    auto replayed = test::pay(chain_id(old_), moved, {0, 1, 10});
    EXPECT_EQ(check(chain_id(next), replayed, {1}, coins, NothingVerified()).error().code,
              Errc::bad_signature);
}

}  // namespace
}  // namespace meshchain::ledger
