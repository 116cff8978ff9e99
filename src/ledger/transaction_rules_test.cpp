#include "ledger/transaction_rules.h"

#include <gtest/gtest.h>

#include <functional>

#include "ledger/test_payments.h"

namespace meshchain::ledger {
namespace {

using base::Errc;
using test::Payment;
using test::public_key;

/// Knows some wtxids, and counts how often it is asked: once for each signature judged.
class CountingSet final : public VerifiedSet {
public:
    bool contains(const wire::Wtxid& id) const override {
        ++asked;
        return known.contains(id);
    }
    std::set<wire::Wtxid> known;
    mutable int asked = 0;
};

/// Coins that all share every short outpoint, as an attacker's grinding would have it.
class CrowdedView final : public CoinView {
public:
    std::expected<std::optional<wire::Output>, base::Error> coin(
        const wire::Outpoint& outpoint) const override {
        const auto found = coins.find(outpoint);
        return found == coins.end() ? std::nullopt : std::optional(found->second);
    }
    std::expected<Candidates, base::Error> candidates(const wire::ShortOutpoint&) const override {
        Candidates result;
        for (const auto& [outpoint, output] : coins) result.insert(outpoint);
        return result;
    }
    std::expected<std::optional<base::Buffer>, base::Error> stake_row(
        const base::Buffer&) const override {
        return std::nullopt;
    }
    std::map<wire::Outpoint, wire::Output> coins;
};

class BrokenView final : public CoinView {
public:
    std::expected<std::optional<wire::Output>, base::Error> coin(
        const wire::Outpoint&) const override {
        return base::failure(Errc::io, "the disk is gone", "disk");
    }
    std::expected<Candidates, base::Error> candidates(const wire::ShortOutpoint&) const override {
        return base::failure(Errc::io, "the disk is gone", "disk");
    }
    std::expected<std::optional<base::Buffer>, base::Error> stake_row(
        const base::Buffer&) const override {
        return base::failure(Errc::io, "the disk is gone", "disk");
    }
};

class TransactionRulesTest : public testing::Test {
protected:
    Coin coin(std::uint32_t person, std::size_t index = 0) const {
        return test::coins_of(coins, person).at(index);
    }
    std::expected<CheckedTransaction, base::Error> judge(
        const wire::WireTransaction& transaction) const {
        return check(chain, transaction, slot, coins, verified);
    }
    Errc error_of(const wire::WireTransaction& transaction) const {
        const auto result = judge(transaction);
        EXPECT_FALSE(result.has_value());
        return result ? Errc::io : result.error().code;
    }
    /// A payment of 100 from person 1 to person 2, changed, then signed.
    Errc error_after(const std::function<void(wire::TransactionBody&)>& change,
                     std::vector<std::uint32_t> signers = {1}) const {
        wire::TransactionBody body = test::pay(chain, coin(1), {1, 2, 100, 1}).body;
        change(body);
        return error_of(test::sign(chain, std::move(body), signers));
    }

    Genesis genesis = test::genesis_with(4, 2, 1000);
    wire::ChainId chain = chain_id(genesis);
    CoinSet coins{genesis};
    wire::Slot slot{640};
    CountingSet verified;
};

TEST_F(TransactionRulesTest, SignatureOfAnotherOrAltered_IsBad_InBothForms) {
    auto payment = test::pay(chain, coin(1), {1, 2, 100});
    auto compact = test::pay_compact(chain, coin(1), {1, 2, 100});
    payment.signatures[0].bytes[0] ^= std::byte{1};
    compact.payee = public_key(3);
    EXPECT_EQ(error_of(payment), Errc::bad_signature);
    EXPECT_EQ(error_of(compact), Errc::bad_signature);
    EXPECT_EQ(error_of(test::sign(chain, payment.body, {2})), Errc::bad_signature);
}

TEST_F(TransactionRulesTest, SignedForAnotherChain_IsBad) {
    Genesis other = genesis;
    other.seed.bytes[0] = std::byte{1};
    const wire::ChainId other_chain = chain_id(other);
    EXPECT_EQ(error_of(test::pay(other_chain, coin(1), {1, 2, 100})), Errc::bad_signature);
    auto compact = test::pay_compact(other_chain, coin(1), {1, 2, 100});
    compact.input = short_outpoint(chain, coin(1).outpoint);
    EXPECT_EQ(error_of(compact), Errc::bad_signature);
}

TEST_F(TransactionRulesTest, UnknownCoin_IsNotFound_InBothForms) {
    EXPECT_EQ(error_after([](auto& body) { body.inputs[0].outpoint.index = 999; }),
              Errc::not_found);
    auto compact = test::pay_compact(chain, coin(1), {1, 2, 100});
    compact.input.bytes[4] ^= std::byte{1};
    EXPECT_EQ(error_of(compact), Errc::not_found);
}

TEST_F(TransactionRulesTest, OneCoinTwiceInATransaction_IsRefused) {
    EXPECT_EQ(error_after(
                  [](auto& body) {
                      body.inputs.push_back(body.inputs[0]);
                      body.outputs[0].amount.units += 1000;
                  },
                  {1, 1}),
              Errc::invalid_argument);
}

TEST_F(TransactionRulesTest, MoneyFromNothingOrToNowhere_IsRefused) {
    EXPECT_EQ(error_after([](auto& body) { body.outputs[0].amount.units += 1; }),
              Errc::invalid_argument);
    EXPECT_EQ(error_after([](auto& body) { body.outputs[0].amount.units -= 1; }),
              Errc::invalid_argument);
    EXPECT_EQ(error_after([](auto& body) { body.fee.code += 1; }), Errc::invalid_argument);
    EXPECT_EQ(error_after([](auto& body) {
                  body.inputs[0].amount.units += 1;
                  body.outputs[0].amount.units += 1;
              }),
              Errc::invalid_argument);
}

TEST_F(TransactionRulesTest, SumsThatLeaveTheRange_AreRefused) {
    EXPECT_EQ(error_after([](auto& body) {
                  body.outputs[0].amount.units = wire::Amount::units_max;
                  body.outputs[1].amount.units = wire::Amount::units_max;
              }),
              Errc::invalid_argument);
    auto compact = test::pay_compact(chain, coin(1), {1, 2, 100});
    compact.amount.units = wire::Amount::units_max;
    compact.fee.code = 255;
    EXPECT_EQ(error_of(compact), Errc::invalid_argument);
}

TEST_F(TransactionRulesTest, EmptyOrOverlongOrUnsignedTransactions_AreRefused) {
    EXPECT_EQ(error_of(wire::Transaction{}), Errc::invalid_argument);
    auto unsigned_payment = test::pay(chain, coin(1), {1, 2, 100});
    unsigned_payment.signatures.clear();
    EXPECT_EQ(error_of(unsigned_payment), Errc::invalid_argument);
    auto overlong = test::pay(chain, coin(1), {1, 2, 100});
    overlong.body.outputs.resize(wire::outputs_max + 1, overlong.body.outputs[0]);
    EXPECT_EQ(error_of(overlong), Errc::invalid_argument);
    EXPECT_EQ(error_after([](auto& body) {
                  body.outputs[0].amount.units += body.outputs[1].amount.units;
                  body.outputs[1].amount.units = 0;
              }),
              Errc::invalid_argument);
}

TEST_F(TransactionRulesTest, ExpiryWindow_HoldsItsEdges_InBothForms) {
    const auto payment = [&](std::uint32_t expiry) { return Payment{1, 2, 100, 0, expiry}; };
    EXPECT_EQ(error_of(test::pay(chain, coin(1), payment(9))), Errc::stale);
    EXPECT_EQ(error_of(test::pay_compact(chain, coin(1), payment(9))), Errc::stale);
    EXPECT_EQ(error_of(test::pay(chain, coin(1), payment(10 + 946))), Errc::future);
    EXPECT_EQ(error_of(test::pay_compact(chain, coin(1), payment(10 + 946))), Errc::future);
    for (const std::uint32_t expiry : {10U, 10U + 945U}) {
        EXPECT_TRUE(judge(test::pay(chain, coin(1), payment(expiry))).has_value());
        EXPECT_TRUE(judge(test::pay_compact(chain, coin(1), payment(expiry))).has_value());
    }
}

TEST_F(TransactionRulesTest, CompactAndLong_AreOneTransaction) {
    const auto from_long = judge(test::pay(chain, coin(1), {1, 2, 100, 5}));
    const auto from_compact = judge(test::pay_compact(chain, coin(1), {1, 2, 100, 5}));
    ASSERT_TRUE(from_long && from_compact);
    EXPECT_EQ(*from_long, *from_compact);
    EXPECT_EQ(from_long->shortest_bytes, 110U);
    EXPECT_EQ(from_long->fee.units, 5U);
    EXPECT_EQ(from_long->spent, std::vector{coin(1).output});
}

TEST_F(TransactionRulesTest, SeveralOwners_AllHaveToSign) {
    wire::TransactionBody body;
    for (const Coin& spent : {coin(1, 0), coin(1, 1), coin(2)}) {
        body.inputs.push_back({spent.outpoint, spent.output.amount});
    }
    body.outputs = {{public_key(3), wire::Amount{3000}}};
    body.expiry.units = 10;
    EXPECT_TRUE(judge(test::sign(chain, body, {1, 1, 2})).has_value());
    EXPECT_EQ(error_of(test::sign(chain, body, {1, 1, 1})), Errc::bad_signature);
    EXPECT_EQ(error_of(test::sign(chain, body, {2, 1, 1})), Errc::bad_signature);
    EXPECT_EQ(error_of(test::sign(chain, body, {1, 2, 2})), Errc::bad_signature);
}

TEST_F(TransactionRulesTest, SharedShortOutpoint_TheSigningOwnersCoinIsFound) {
    CrowdedView crowded;
    for (std::uint32_t person = 0; person < 4; ++person) {
        crowded.coins.emplace(coin(person).outpoint, coin(person).output);
    }
    const auto compact = test::pay_compact(chain, coin(2), {2, 3, 100});
    const auto checked = check(chain, compact, slot, crowded, verified);
    ASSERT_TRUE(checked.has_value());
    EXPECT_EQ(checked->transaction.body.inputs[0].outpoint, coin(2).outpoint);
}

TEST_F(TransactionRulesTest, SharedShortOutpoint_CostsFourChecksAtMost) {
    CrowdedView crowded;
    for (std::uint32_t person = 0; person < 4; ++person) {
        for (const Coin& each : test::coins_of(coins, person)) {
            crowded.coins.emplace(each.outpoint, each.output);
        }
    }
    ASSERT_EQ(crowded.coins.size(), 8U);
    auto forged = test::pay_compact(chain, coin(2), {2, 3, 100});
    forged.signature.bytes[3] ^= std::byte{1};
    EXPECT_EQ(check(chain, forged, slot, crowded, verified).error().code, Errc::bad_signature);
    EXPECT_EQ(verified.asked, 4);
}

TEST_F(TransactionRulesTest, VerifiedBefore_IsNotVerifiedAgain) {
    auto forged = test::pay(chain, coin(1), {1, 2, 100});
    forged.signatures[0] = {};
    EXPECT_EQ(error_of(forged), Errc::bad_signature);
    verified.known.insert(wire::wtxid(wire::txid(chain, forged.body), forged.signatures));
    EXPECT_TRUE(judge(forged).has_value()) << "only its being known can have made it pass";
    const wire::Transaction other = test::sign(chain, forged.body, {2});
    EXPECT_EQ(error_of(other), Errc::bad_signature) << "another signature of the same body";
}

TEST_F(TransactionRulesTest, FailingStorage_IsNoVerdict) {
    const BrokenView broken;
    for (const wire::WireTransaction& transaction :
         {wire::WireTransaction(test::pay(chain, coin(1), {1, 2, 100})),
          wire::WireTransaction(test::pay_compact(chain, coin(1), {1, 2, 100}))}) {
        const auto result = check(chain, transaction, slot, broken, verified);
        ASSERT_FALSE(result.has_value());
        EXPECT_FALSE(is_rule_violation(result.error()));
    }
    EXPECT_TRUE(is_rule_violation(judge(wire::Transaction{}).error()));
}

TEST(CandidatesTest, TheLowestFourAreKept_InOrder) {
    Candidates candidates;
    for (const std::uint16_t index : std::initializer_list<std::uint16_t>{5, 1, 4, 2}) {
        EXPECT_TRUE(candidates.insert({{}, index}));
    }
    EXPECT_FALSE(candidates.insert({{}, 3}));
    EXPECT_FALSE(candidates.insert({{}, 9}));
    std::vector<std::uint16_t> kept;
    for (const wire::Outpoint& outpoint : candidates) kept.push_back(outpoint.index);
    EXPECT_EQ(kept, (std::vector<std::uint16_t>{1, 2, 3, 4}));
}

TEST(CoinOverlayTest, FifthUnspentOutputOfAShortOutpoint_IsRefused_UntilOneIsSpent) {
    CrowdedView below;
    for (std::uint16_t index = 0; index < 4; ++index) {
        below.coins.emplace(wire::Outpoint{{}, index}, wire::Output{});
    }
    CoinOverlay overlay({}, below);
    const Coin fifth{{{}, 77}, {}};
    EXPECT_EQ(overlay.create(fifth).error().code, Errc::conflict);
    EXPECT_EQ(*overlay.coin(fifth.outpoint), std::nullopt);
    overlay.spend({{}, 2});
    EXPECT_TRUE(overlay.create(fifth).has_value());
    EXPECT_TRUE(overlay.coin(fifth.outpoint)->has_value());
}

TEST(CoinOverlayTest, SpendAndCreate_AreTakenBackExactly) {
    const CrowdedView below;
    CoinOverlay overlay({}, below);
    const Coin coin{{{}, 1}, {public_key(1), wire::Amount{5}}};
    const wire::ShortOutpoint position = wire::short_outpoint({}, coin.outpoint);
    ASSERT_TRUE(overlay.create(coin).has_value());
    EXPECT_EQ(overlay.candidates(position)->size(), 1U);
    overlay.spend(coin.outpoint);
    EXPECT_EQ(*overlay.coin(coin.outpoint), std::nullopt);
    EXPECT_TRUE(overlay.candidates(position)->empty());
    EXPECT_EQ(*CoinOverlay::BeforeSpends(overlay).coin(coin.outpoint), coin.output);
    overlay.unspend(coin.outpoint);
    EXPECT_EQ(*overlay.coin(coin.outpoint), coin.output);
    overlay.uncreate(coin.outpoint);
    EXPECT_EQ(*overlay.coin(coin.outpoint), std::nullopt);
    EXPECT_TRUE(overlay.candidates(position)->empty());
}

}  // namespace
}  // namespace meshchain::ledger
