#include "ledger/stake_rules.h"

#include <gtest/gtest.h>

#include <functional>

#include "ledger/test_stakes.h"

namespace meshchain::ledger {
namespace {

using base::Errc;
using wire::Amount;
using wire::ValidatorIndex;

/// Two validators, seats 0 and 1 in an order that their keys decide, and two people with coins.
class StakeRulesTest : public testing::Test {
protected:
    /// Runs one operation on the book as it is.
    std::optional<Errc> error_of(const wire::Operation& operation) {
        const StakeWrites before = book.writes();
        const auto result = run(chain, operation, book);
        if (result) return std::nullopt;
        EXPECT_EQ(book.writes(), before) << "refused, and yet it changed something";
        return result.error().code;
    }
    void expect_done(const wire::Operation& operation) {
        const auto result = run(chain, operation, book);
        EXPECT_TRUE(result.has_value()) << base::sentence(result.error());
    }
    void set_epoch(std::uint32_t epoch) {
        Economy economy = **book.economy();
        economy.epoch = epoch;
        book.put(economy);
    }
    Seat seat_of(std::uint32_t person) { return **book.seat_of(test::public_key(person)); }
    /// The rows as they are now, summed and cross-checked.
    std::uint64_t total() const {
        StakeRows rows = coins.stakes();
        for (const auto& [key, value] : book.writes()) {
            if (value) {
                rows[key] = *value;
            } else {
                rows.erase(key);
            }
        }
        const auto sum = stake_total(rows);
        EXPECT_TRUE(sum.has_value()) << base::sentence(sum.error());
        return sum ? sum->units : 0;
    }

    const Genesis genesis = test::genesis_with_stakes(2, 2, 1000, 2);
    const wire::ChainId chain = chain_id(genesis);
    const CoinSet coins{genesis};
    StakeBook book{coins};
    const crypto::PublicKey validator = test::public_key(2000);
    const crypto::PublicKey payout = test::public_key(3000);
    const crypto::PublicKey friendly = test::public_key(1);
    const wire::Register newcomer{
        test::public_key(1010), test::public_key(2010), test::public_key(3010), {150}};
};

TEST_F(StakeRulesTest, AChainWithoutTheSection_KnowsNoOperation) {
    const CoinSet plain(test::genesis_with(2, 2, 1000, 2));
    EXPECT_TRUE(plain.stakes().empty());
    StakeBook none(plain);
    EXPECT_EQ(run(chain, wire::Delegate{validator, friendly, {100}}, none).error().code,
              Errc::invalid_argument);
    EXPECT_FALSE(*pay_fees({0}, {5}, none));
    EXPECT_TRUE(none.writes().empty());
}

TEST_F(StakeRulesTest, Register_AsksForSoundNewKeysAndTheLeastStake) {
    const auto changed = [&](auto&& change) {
        wire::Register operation = newcomer;
        change(operation);
        return error_of(operation);
    };
    crypto::PublicKey small_order{};  // of order four
    EXPECT_EQ(changed([&](auto& op) { op.identity = small_order; }), Errc::invalid_argument);
    EXPECT_EQ(changed([&](auto& op) { op.key = small_order; }), Errc::invalid_argument);
    EXPECT_EQ(changed([&](auto& op) { op.payout = small_order; }), Errc::invalid_argument);
    EXPECT_EQ(changed([&](auto& op) { op.amount = {99}; }), Errc::invalid_argument);
    EXPECT_EQ(changed([&](auto& op) { op.key = validator; }), Errc::conflict);
    EXPECT_EQ(changed([&](auto& op) { op.identity = test::public_key(1000); }), Errc::conflict);
    expect_done(newcomer);
    EXPECT_EQ(seat_of(2010).index, ValidatorIndex{2});
    EXPECT_EQ(seat_of(2010).bonded, Amount{150});
    EXPECT_EQ(total(), 200U + 150U);
    EXPECT_EQ(error_of(newcomer), Errc::conflict);
}

TEST_F(StakeRulesTest, SeatsRunOut) {
    for (std::uint32_t i = 2; i < wire::validators_max; ++i) {
        expect_done(wire::Register{test::public_key(5000 + i),
                                   test::public_key(6000 + i),
                                   test::public_key(7000 + i),
                                   {100}});
    }
    EXPECT_EQ(error_of(newcomer), Errc::conflict);
}

TEST_F(StakeRulesTest, Delegation_IsTheOwnersAndCountsForTheValidator) {
    EXPECT_EQ(error_of(wire::Delegate{test::public_key(2010), friendly, {100}}), Errc::not_found);
    EXPECT_EQ(error_of(wire::Delegate{validator, friendly, {99}}), Errc::invalid_argument);
    expect_done(wire::Delegate{validator, friendly, {100}});
    expect_done(wire::Delegate{validator, friendly, {200}});
    EXPECT_EQ((*book.bond(validator, friendly))->amount, Amount{300});
    EXPECT_EQ(seat_of(2000).bonded, Amount{400});
    EXPECT_EQ(total(), 200U + 300U);
    // Nobody takes another's.
    EXPECT_EQ(error_of(wire::Unbond{validator, test::public_key(0), {100}}), Errc::not_found);
    EXPECT_EQ(error_of(wire::Unbond{test::public_key(2001), friendly, {100}}), Errc::not_found);
}

TEST_F(StakeRulesTest, MoreThanThereIs_IsRefused) {
    // As by coins of a mempool of which only some can ever be in a block.
    expect_done(wire::Delegate{validator, friendly, {Amount::units_max - 300}});
    EXPECT_EQ(error_of(wire::Delegate{validator, payout, {1000}}), Errc::conflict);
    EXPECT_EQ(error_of(wire::Delegate{validator, friendly, {1000}}), Errc::conflict);
}

TEST_F(StakeRulesTest, Unbond_WaitsForItsEpochs_AndCannotBeTakenTwice) {
    expect_done(wire::Delegate{validator, friendly, {300}});
    EXPECT_EQ(error_of(wire::Unbond{validator, friendly, {301}}), Errc::not_found);
    EXPECT_EQ(error_of(wire::Unbond{validator, friendly, {50}}), Errc::invalid_argument);
    EXPECT_EQ(error_of(wire::Unbond{validator, friendly, {201}}), Errc::conflict)
        << "what is left depends on the state";
    expect_done(wire::Unbond{validator, friendly, {200}});
    EXPECT_EQ(seat_of(2000).bonded, Amount{200});
    EXPECT_EQ(seat_of(2000).unbonding, Amount{200});
    const wire::Withdraw withdraw{validator, friendly, 4, {200}};
    EXPECT_EQ(error_of(withdraw), Errc::future);
    set_epoch(3);
    EXPECT_EQ(error_of(withdraw), Errc::future);
    set_epoch(4);
    EXPECT_EQ(error_of(wire::Withdraw{validator, friendly, 4, {199}}), Errc::not_found);
    EXPECT_EQ(error_of(wire::Withdraw{validator, payout, 4, {200}}), Errc::not_found);
    EXPECT_EQ(error_of(wire::Withdraw{validator, friendly, 3, {200}}), Errc::not_found);
    expect_done(withdraw);
    EXPECT_EQ(total(), 200U + 100U);
    EXPECT_EQ(error_of(withdraw), Errc::not_found);
}

TEST_F(StakeRulesTest, ASeat_IsReusedOnlyLongAfterItsHolderLeft_AndTheKeyNever) {
    expect_done(wire::Unbond{validator, payout, {100}});
    set_epoch(4);
    expect_done(wire::Withdraw{validator, payout, 4, {100}});
    const ValidatorIndex left = seat_of(2000).index;
    for (const std::uint32_t epoch : {4U, 7U}) {
        set_epoch(epoch);
        expect_done(wire::Register{test::public_key(5000 + epoch),
                                   test::public_key(6000 + epoch),
                                   test::public_key(7000 + epoch),
                                   {100}});
        EXPECT_NE(seat_of(6000 + epoch).index, left);
    }
    EXPECT_EQ(
        error_of(wire::Register{test::public_key(1000), test::public_key(2010), payout, {100}}),
        Errc::conflict)
        << "his identity still has its seat";
    set_epoch(8);
    EXPECT_EQ(error_of(wire::Delegate{validator, friendly, {100}}), Errc::conflict)
        << "its seat may be another's any moment";
    EXPECT_EQ(error_of(wire::Register{test::public_key(1000), validator, payout, {100}}),
              Errc::conflict)
        << "the old key";
    expect_done(newcomer);
    EXPECT_EQ(seat_of(2010).index, left);
    EXPECT_EQ(error_of(wire::Delegate{test::public_key(2010), friendly, {100}}), std::nullopt);
    EXPECT_FALSE(book.seat_of(validator)->has_value());
    EXPECT_EQ(total(), 100U + 200U + 150U + 100U);
}

TEST_F(StakeRulesTest, WhatMovesNothing_IsRefused_AsTheWireDoesNotCarryIt) {
    for (const wire::Operation& operation : std::initializer_list<wire::Operation>{
             wire::Claim{validator, payout, {}}, wire::Unbond{validator, payout, {}},
             wire::Delegate{validator, friendly, {}}, wire::Withdraw{validator, payout, 0, {}},
             wire::Register{newcomer.identity, newcomer.key, newcomer.payout, {}}}) {
        base::Buffer bytes;
        base::Writer out(bytes);
        wire::write(out, operation);
        base::Reader in(bytes);
        EXPECT_EQ(wire::read_operation(in), std::nullopt);
        EXPECT_EQ(error_of(operation), Errc::invalid_argument);
    }
}

TEST_F(StakeRulesTest, Fees_AreEarnedByTheSeat_AndClaimedByItsPayoutKeyOnce) {
    const Seat before = seat_of(2000);
    EXPECT_TRUE(*pay_fees(before.index, {40}, book));
    EXPECT_EQ(seat_of(2000).earned, Amount{40});
    EXPECT_EQ(error_of(wire::Claim{validator, friendly, {1}}), Errc::invalid_argument);
    EXPECT_EQ(error_of(wire::Claim{validator, payout, {41}}), Errc::not_found);
    expect_done(wire::Claim{validator, payout, {40}});
    EXPECT_EQ(error_of(wire::Claim{validator, payout, {1}}), Errc::not_found);
    EXPECT_EQ(seat_of(2000), before);
    EXPECT_FALSE(pay_fees({9}, {1}, book).has_value()) << "nobody sits there";
}

TEST_F(StakeRulesTest, AnEquivocator_LosesAllThatCanBeSlashed_Once) {
    expect_done(wire::Delegate{validator, friendly, {300}});
    expect_done(wire::Unbond{validator, friendly, {200}});
    const Seat seat = seat_of(2000);
    EXPECT_TRUE(*pay_fees(seat.index, {7}, book));
    const std::uint64_t before = total();
    expect_done(wire::Report{encode(test::two_blocks(chain, seat.index, 2000))});
    EXPECT_TRUE(seat_of(2000).slashed);
    EXPECT_EQ((*book.economy())->burnt, Amount{100 + 300 + 7});
    EXPECT_EQ(total(), before) << "nothing is made or lost";

    // Other evidence of the same key is not applied again.
    EXPECT_EQ(error_of(wire::Report{encode(test::two_blocks(chain, seat.index, 2000, 77))}),
              Errc::conflict);
    // Nothing comes back, whatever its owner tries.
    set_epoch(100);
    EXPECT_EQ(error_of(wire::Withdraw{validator, friendly, 4, {200}}), Errc::conflict);
    EXPECT_EQ(error_of(wire::Unbond{validator, friendly, {100}}), Errc::conflict);
    EXPECT_EQ(error_of(wire::Delegate{validator, friendly, {100}}), Errc::conflict);
    EXPECT_EQ(error_of(wire::Claim{validator, payout, {1}}), Errc::conflict);
    EXPECT_EQ(error_of(wire::Register{test::public_key(1010), validator, payout, {100}}),
              Errc::conflict);
    EXPECT_EQ(error_of(wire::Register{seat.identity, test::public_key(2010), payout, {100}}),
              Errc::conflict);
    // What he still proposes earns him nothing.
    EXPECT_TRUE(*pay_fees(seat.index, {5}, book));
    EXPECT_EQ((*book.economy())->burnt, Amount{100 + 300 + 7 + 5});
    // His seat is free by now, and the bonds of his key stay worth nothing.
    expect_done(newcomer);
    EXPECT_EQ(seat_of(2010).index, seat.index);
    EXPECT_EQ(error_of(wire::Withdraw{validator, friendly, 4, {200}}), Errc::not_found);
    EXPECT_EQ(total(), before + 5 + 150);
}

TEST_F(StakeRulesTest, SlashingAnIdentity_LeavesTheSeatWhoseKeyItIs) {
    expect_done(newcomer);
    const crypto::PublicKey key = newcomer.identity;
    expect_done(wire::Register{test::public_key(1011), key, payout, {100}});
    const ValidatorIndex seat = seat_of(2010).index;
    expect_done(wire::Report{encode(test::two_blocks(chain, seat, 2010))});
    EXPECT_EQ(error_of(wire::Unbond{key, payout, {100}}), std::nullopt);
}

TEST_F(StakeRulesTest, EvidenceThatConvictsNobody_IsRefused) {
    const ValidatorIndex seat = seat_of(2000).index;
    const auto error_with = [&](const wire::Evidence& evidence) {
        return error_of(wire::Report{encode(evidence)});
    };
    EXPECT_EQ(error_of(wire::Report{base::Buffer(20)}), Errc::invalid_argument);
    EXPECT_EQ(error_with(test::two_blocks(chain, {9}, 2000)), Errc::not_found);
    EXPECT_EQ(error_with(test::two_blocks(chain, seat, 2001)), Errc::bad_signature);
    EXPECT_EQ(error_with(test::two_blocks(crypto::hash({}), seat, 2000)), Errc::bad_signature);
    auto same = std::get<wire::BlockEvidence>(test::two_blocks(chain, seat, 2000));
    same.second = same.first;
    EXPECT_EQ(error_with(same), Errc::bad_signature);
    auto swapped = std::get<wire::BlockEvidence>(test::two_blocks(chain, seat, 2000));
    std::swap(swapped.first, swapped.second);
    EXPECT_EQ(error_with(swapped), Errc::bad_signature);
}

TEST_F(StakeRulesTest, AnUnbondedValidator_IsSlashedUntilItMayWithdraw) {
    const ValidatorIndex seat = seat_of(2000).index;
    expect_done(wire::Unbond{validator, payout, {100}});
    set_epoch(4);
    expect_done(wire::Report{encode(test::two_blocks(chain, seat, 2000))});
    EXPECT_EQ((*book.economy())->burnt, Amount{100});
    EXPECT_EQ(error_of(wire::Withdraw{validator, payout, 4, {100}}), Errc::conflict);
}

/// Random operations by everybody, in blocks that are taken back and followed by others. What a
/// block does and what taking it back does must meet, to the last row and unit.
class StakeHistory {
public:
    explicit StakeHistory(std::uint64_t seed) : random_(seed) {
        for (int step = 0; step < 60; ++step) {
            if (!applied_.empty() && random_.chance(1, 5)) {
                revert_last();
            } else {
                extend();
            }
            check();
        }
        EXPECT_GT(done_, 20U);
        EXPECT_GT(refused_, 5U);
        while (!applied_.empty()) revert_last();
        EXPECT_EQ(coins_.state(), genesis_state(genesis_).digest());
        EXPECT_EQ(coins_.stakes(), genesis_stakes(genesis_));
    }
    std::size_t slashed() const { return slashed_; }

private:
    struct Applied {
        BlockEffects effects;
        BlockContext context;
    };
    std::uint32_t pick(std::uint64_t bound) {
        return static_cast<std::uint32_t>(random_.below(bound));
    }
    crypto::PublicKey validator() { return test::public_key(2000 + pick(5)); }
    Amount amount() { return {60 + random_.below(200)}; }

    wire::Operation operation() {
        const crypto::PublicKey owner = test::public_key(pick(people));
        switch (pick(6)) {
            case 0: {
                const std::uint32_t i = 2 + pick(3);
                return wire::Register{test::public_key(1000 + i), test::public_key(2000 + i),
                                      test::public_key(3000 + i), amount()};
            }
            case 1: return wire::Delegate{validator(), owner, amount()};
            case 2: return wire::Unbond{validator(), owner, amount()};
            case 3: return waiting().value_or(wire::Unbond{validator(), owner, amount()});
            case 4: {
                const std::uint32_t i = pick(5);
                return wire::Claim{
                    test::public_key(2000 + i), test::public_key(3000 + i), {1 + random_.below(4)}};
            }
            default: return wire::Delegate{validator(), test::public_key(3000 + pick(2)), amount()};
        }
    }
    /// Any row that waits.
    std::optional<wire::Operation> waiting() {
        for (const auto& [key, value] : coins_.stakes()) {
            if (key.front() != std::byte{4}) continue;
            const Waiting row = *parse_waiting(key, value);
            return wire::Withdraw{row.bond.validator, row.bond.owner, row.epoch, row.bond.amount};
        }
        return std::nullopt;
    }
    wire::WireTransaction transaction() {
        if (random_.chance(1, 40)) {
            const std::uint32_t i = pick(3);
            const auto place = StakeBook(coins_).used(test::public_key(2000 + i));
            const auto seat = place && *place ? (*place)->seat : std::nullopt;
            return test::report(
                test::two_blocks(chain_, seat.value_or(ValidatorIndex{}), 2000 + i));
        }
        const std::uint32_t payer = pick(people);
        const auto mine = test::coins_of(coins_, payer);
        const Coin coin = mine.at(pick(mine.size()));
        if (random_.chance(1, 4)) return test::pay(chain_, coin, {payer, pick(people), 1, 3});
        return test::operate(chain_, coin, operation());
    }

    void extend() {
        const wire::Slot slot{context_.parent_slot.value + 1};
        BlockBuilder builder(context_, slot, coins_, none_);
        const std::uint32_t wanted = pick(7);
        for (std::uint32_t i = 0; i < wanted; ++i) {
            const bool added = builder.add(transaction()).has_value();
            ++(added ? done_ : refused_);
        }
        wire::Block block = test::block_of(context_, coins_, slot, builder.transactions());
        block.header.proposer.value = static_cast<std::uint16_t>(pick(2));
        const auto effects = execute(context_, block, coins_, none_);
        ASSERT_TRUE(effects.has_value()) << base::sentence(effects.error());
        EXPECT_EQ(effects->fees, Amount{});
        applied_.push_back({*effects, context_});
        coins_.apply(*effects);
        ledger::apply(*effects, {}, {}, state_);
        context_.parent = crypto::hash(context_.parent.bytes, coins_.state().bytes);
        context_.parent_height.value += 1;
        context_.parent_slot = slot;
        context_.parent_state = coins_.state();
    }
    void revert_last() {
        coins_.revert(applied_.back().effects);
        ledger::revert(applied_.back().effects, {}, {}, state_);
        context_ = applied_.back().context;
        applied_.pop_back();
        EXPECT_EQ(coins_.state(), context_.parent_state);
    }
    void check() {
        const auto stakes = stake_total(coins_.stakes());
        ASSERT_TRUE(stakes.has_value()) << base::sentence(stakes.error());
        EXPECT_EQ(coins_.total().units + stakes->units, supply(genesis_)->units);
        EXPECT_EQ(state_.digest(), coins_.state());
        slashed_ += (*StakeBook(coins_).economy())->burnt != Amount{} ? 1U : 0U;
    }

    static constexpr std::uint32_t people = 4;
    base::Random random_;
    Genesis genesis_ = test::genesis_with_stakes(people, 3, 2000, 2);
    wire::ChainId chain_ = chain_id(genesis_);
    CoinSet coins_{genesis_};
    crypto::SetHash state_ = genesis_state(genesis_);
    BlockContext context_ = context_after(genesis_);
    NothingVerified none_;
    std::vector<Applied> applied_;
    std::size_t done_ = 0;
    std::size_t refused_ = 0;
    std::size_t slashed_ = 0;
};

TEST(StakeHistoryTest, RandomOperationsWithForks_KeepTheSupplyAndLeaveNothingBehind) {
    std::size_t slashed = 0;
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        SCOPED_TRACE("replay: StakeHistory(" + std::to_string(seed) + ")");
        slashed += StakeHistory(seed).slashed();
    }
    EXPECT_GT(slashed, 0U);
}

class OperationTest : public StakeRulesTest {
protected:
    Errc error_of_signed(const wire::Transaction& transaction) const {
        const auto result = check(chain, transaction, {1}, coins, NothingVerified());
        EXPECT_FALSE(result.has_value());
        return result ? Errc::io : result.error().code;
    }
    const Coin coin = test::coins_of(coins, 1).front();
};

TEST_F(OperationTest, EveryAuthority_MustSign) {
    const wire::Transaction good = test::operate(chain, coin, newcomer);
    ASSERT_TRUE(check(chain, good, {1}, coins, NothingVerified()).has_value());
    for (std::size_t i = 0; i < good.signatures.size(); ++i) {
        wire::Transaction forged = good;
        forged.signatures[i].bytes[7] ^= std::byte{1};
        EXPECT_EQ(error_of_signed(forged), Errc::bad_signature) << "signature " << i;
    }
    wire::Transaction one_less = good;
    one_less.signatures.pop_back();
    EXPECT_EQ(error_of_signed(one_less), Errc::invalid_argument);
}

TEST_F(OperationTest, WhatItBindsAndFrees_IsPartOfTheSum) {
    wire::Transaction greedy = test::operate(chain, coin, newcomer);
    greedy.body.outputs.front().amount.units += 1;
    EXPECT_EQ(error_of_signed(greedy), Errc::invalid_argument);
    // It frees what is not there.
    EXPECT_EQ(error_of_signed(test::operate(chain, coin, wire::Claim{validator, payout, {5}})),
              Errc::not_found);
    EXPECT_EQ(
        error_of_signed(test::operate(chain, coin, wire::Withdraw{validator, payout, 0, {100}})),
        Errc::not_found);
}

TEST_F(OperationTest, ABlock_TakesAReportOnce) {
    const NothingVerified none;
    BlockBuilder builder(context_after(genesis), {1}, coins, none);
    const ValidatorIndex seat = seat_of(2000).index;
    EXPECT_TRUE(builder.add(test::report(test::two_blocks(chain, seat, 2000))).has_value());
    EXPECT_FALSE(builder.add(test::report(test::two_blocks(chain, seat, 2000))).has_value());
    EXPECT_FALSE(builder.add(test::report(test::two_blocks(chain, seat, 2000), 11)).has_value());
    EXPECT_EQ(builder.transaction_count(), 1U);
}

TEST_F(OperationTest, AReportOfTheLastStake_IsRefused_SinceNobodyCouldVoteThen) {
    const Genesis alone = test::genesis_with_stakes(1, 1, 500, 1);
    const wire::ChainId name = chain_id(alone);
    const CoinSet all(alone);
    const auto evidence = test::two_blocks(name, ValidatorIndex{0}, 2000);
    StakeBook last(all);
    const auto refused = run(name, test::report(evidence).body.operation.value(), last);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::conflict);
    EXPECT_FALSE(last.seat({0}).value()->slashed);
}

TEST(OperationBlockTest, ABlock_TakesThirtyTwoOperationsAndNoMore) {
    Genesis large = test::genesis_with_stakes(1, 33, 200, 1);
    large.block_bytes_limit = wire::block_bytes_limit_max;
    const CoinSet coins(large);
    const NothingVerified none;
    BlockBuilder builder(context_after(large), {1}, coins, none);
    for (std::size_t i = 0; const Coin& coin : test::coins_of(coins, 0)) {
        const auto added = builder.add(
            test::operate(chain_id(large), coin,
                          wire::Delegate{test::public_key(2000), test::public_key(0), {100}}));
        EXPECT_EQ(added.has_value(), i < block_operations_max);
        if (!added) {
            EXPECT_EQ(added.error().code, Errc::too_large);
        }
        ++i;
    }
}

TEST(StakeGenesisTest, TheSection_IsPartOfTheChainsName_AndBoundsItsStakes) {
    Genesis genesis = test::genesis_with(2, 1, 1000, 2);
    const wire::ChainId plain = chain_id(genesis);
    genesis.stakes = StakeRules{{100}, 4};
    EXPECT_TRUE(validate(genesis).has_value());
    EXPECT_NE(chain_id(genesis), plain);
    const auto parsed = parse_genesis(encode(genesis));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(*parsed, genesis);
    genesis.predecessor = Predecessor{plain, {5}, plain, plain};
    EXPECT_EQ(*parse_genesis(encode(genesis)), genesis);
    genesis.stakes->unbond_epochs = 3;
    EXPECT_FALSE(validate(genesis).has_value());
    genesis.stakes = StakeRules{{101}, 4};
    EXPECT_FALSE(validate(genesis).has_value()) << "a validator has less than the minimum";
    genesis.stakes = StakeRules{{0}, 4};
    EXPECT_FALSE(validate(genesis).has_value());
    base::Buffer cut = encode(test::genesis_with_stakes(1, 1, 5, 1));
    cut.pop_back();
    EXPECT_FALSE(parse_genesis(cut).has_value());
}

TEST(StakeRecordTest, Rows_AreAsSpecified) {
    const auto hex = [](const StakeRow& row) {
        return base::to_hex(row.key) + " " + base::to_hex(row.value);
    };
    wire::Hash next;
    next.bytes.fill(std::byte{0xee});
    wire::Hash mix;
    mix.bytes.fill(std::byte{0x3c});
    EXPECT_EQ(hex(encode(Economy{1, 4, {100}, {7}, 32, {65}, next, mix})),
              "01 00000001000400000000640000000007"
              "0000002000000041" +
                  crypto::to_hex(next) + crypto::to_hex(mix));
    crypto::PublicKey a;
    a.bytes.fill(std::byte{0xa1});
    crypto::PublicKey b;
    b.bytes.fill(std::byte{0xb2});
    const std::string aa = base::to_hex(a.bytes);
    const std::string bb = base::to_hex(b.bytes);
    EXPECT_EQ(hex(encode(Seat{{2}, a, b, a, {1}, {2}, {3}, true, 4})),
              "020002 " + aa + bb + aa + "000000000100000000020000000003" + "01" + "00000004");
    EXPECT_EQ(hex(encode(Bond{a, b, {9}})),
              "03" + crypto::to_hex(crypto::hash(a.bytes, b.bytes)) + " " + aa + bb + "0000000009");
    EXPECT_EQ(hex(encode(UsedKey{a, wire::ValidatorIndex{3}})), "05" + aa + " 0003");
    EXPECT_EQ(hex(encode(UsedKey{a, std::nullopt})), "05" + aa + " ffff");
    Told told{{2}, a, 5, {}, mix, true};
    told.heard.set_rounds({0}, 8);
    told.heard.set_rounds({63}, 3);
    const StakeRow said = encode(told);
    EXPECT_EQ(hex(said), "060002 " + aa + "00000005" + "80" + std::string(60, '0') + "03" +
                             crypto::to_hex(mix) + "01");
    EXPECT_EQ(parse_told(said.key, said.value), told);
    EXPECT_FALSE(parse_told(said.key, base::Bytes(said.value).first(9)).has_value());
    EXPECT_LE(said.value.size(), stake_value_bytes_max);
    EXPECT_LE(encode(Seat{}).value.size(), stake_value_bytes_max);
    EXPECT_LE(encode(Waiting{}).key.size(), stake_key_bytes_max);
    const StakeRow seat = encode(Seat{{2}, a, b, a, {1}, {2}, {3}, true, 4});
    EXPECT_EQ(parse_seat(seat.key, seat.value), (Seat{{2}, a, b, a, {1}, {2}, {3}, true, 4}));
    EXPECT_FALSE(parse_seat(seat.key, base::Bytes(seat.value).first(3)).has_value());
}

TEST(StakeTotalTest, SeatsAndBondsThatDisagree_AreCorrupt) {
    const StakeRows good = genesis_stakes(test::genesis_with_stakes(1, 1, 5, 2));
    EXPECT_EQ(stake_total(good)->units, 200U);
    for (const auto& [key, value] : good) {
        if (key.front() != std::byte{3}) continue;
        StakeRows less = good;
        less.erase(key);
        EXPECT_FALSE(stake_total(less).has_value());
    }
    StakeRows strange = good;
    strange[base::Buffer(1, std::byte{9})] = base::Buffer(1);
    EXPECT_FALSE(stake_total(strange).has_value());
}

}  // namespace
}  // namespace meshchain::ledger
