#include "chain/air_repair.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/random.h"
#include "base/test_effort.h"

namespace meshchain::chain {
namespace {

using std::chrono::seconds;
using Transactions = std::vector<wire::WireTransaction>;
using Known = std::vector<std::optional<wire::WireTransaction>>;

constexpr base::Instant start{std::chrono::hours(1)};
constexpr wire::BlockName block{7};

/// A compact transfer of random bytes: it need not be worth anything.
wire::WireTransaction transaction(base::Random& random) {
    const auto fill = [&](auto& bytes) {
        for (auto& byte : bytes) byte = static_cast<std::byte>(random.below(256));
    };
    wire::CompactTransfer transfer;
    fill(transfer.input.bytes);
    fill(transfer.payee.bytes);
    transfer.amount.units = 1 + random.below(1'000'000);
    transfer.expiry_low = static_cast<std::uint16_t>(random.below(65'536));
    fill(transfer.signature.bytes);
    return transfer;
}
Transactions some(base::Random& random, std::size_t count) {
    Transactions transactions;
    for (std::size_t i = 0; i < count; ++i) transactions.push_back(transaction(random));
    return transactions;
}
/// Longer than a compact one: so much for each input.
wire::WireTransaction long_transaction(std::size_t inputs) {
    wire::Transaction transaction;
    transaction.body.inputs.resize(inputs);
    for (std::size_t i = 0; i < inputs; ++i) {
        transaction.body.inputs[i].outpoint.index = static_cast<std::uint16_t>(i);
        transaction.body.inputs[i].amount.units = 5;
    }
    transaction.body.outputs = {{{}, wire::Amount{4}}};
    transaction.signatures.resize(inputs);
    return transaction;
}
Known all_but(const Transactions& transactions, const std::vector<std::size_t>& missing) {
    Known known(transactions.begin(), transactions.end());
    for (const std::size_t i : missing) known[i].reset();
    return known;
}
base::Buffer row_of(const Transactions& transactions, std::uint8_t row) {
    const auto bytes = make_row(transactions, row);
    EXPECT_TRUE(bytes.has_value());
    return bytes.value_or(base::Buffer(1));
}
void hear(RowCollector& rows, std::uint8_t row, base::Bytes bytes) {
    rows.add({block, row, bytes});
}

class RowCollectorTest : public testing::Test {
protected:
    base::Random random_{3};
    Transactions transactions_ = some(random_, 4);
    RowCollector rows_;
};

TEST(RowPropertyTest, AnyRows_RepairAsManyTransactions_WhicheverAreMissing) {
    const std::uint64_t seeds = test::effort<std::uint64_t>(60, 1000);
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        base::Random random(seed);
        const std::size_t count = 1 + random.below(20);
        const Transactions transactions = some(random, count);
        std::vector<std::size_t> places(count);
        for (std::size_t i = 0; i < count; ++i) places[i] = i;
        for (std::size_t i = count; i > 1; --i) std::swap(places[i - 1], places[random.below(i)]);
        places.resize(1 + random.below(std::min(count, RowCollector::rows_max)));
        std::ranges::sort(places);
        const Known known = all_but(transactions, places);

        RowCollector rows;
        std::set<std::uint8_t> drawn;
        while (drawn.size() < places.size()) {
            EXPECT_TRUE(rows.solve(known).empty()) << "after " << drawn.size() << " rows";
            const auto row = static_cast<std::uint8_t>(count + random.below(256 - count));
            hear(rows, row, row_of(transactions, row));
            hear(rows, row, row_of(transactions, row));  // no news
            drawn.insert(row);
        }
        Transactions lacking;
        for (const std::size_t i : places) lacking.push_back(transactions[i]);
        EXPECT_EQ(rows.solve(known), lacking);
        EXPECT_TRUE(rows.solve(known).empty()) << "they are used up";
    }
}

TEST(MakeRowTest, TransactionsOfDifferentLength_AreRepaired) {
    base::Random random(5);
    Transactions transactions = some(random, 3);
    transactions.insert(transactions.begin() + 1, long_transaction(1));
    ASSERT_GT(wire::encoded_bytes(transactions[1]), wire::encoded_bytes(transactions[0]));
    for (std::size_t missing = 0; missing < 4; ++missing) {
        RowCollector rows;
        hear(rows, 200, row_of(transactions, 200));
        EXPECT_EQ(rows.solve(all_but(transactions, {missing})), Transactions{transactions[missing]})
            << missing;
    }
}

TEST(MakeRowTest, TransactionLongerThanARow_MakesNone) {
    base::Random random(5);
    Transactions transactions = some(random, 2);
    EXPECT_TRUE(make_row(transactions, 200).has_value());
    std::size_t inputs = 1;
    while (wire::encoded_bytes(long_transaction(inputs)) <= wire::BlockRow::bytes_max) ++inputs;
    transactions.push_back(long_transaction(inputs));
    EXPECT_FALSE(make_row(transactions, 200).has_value());
    transactions.back() = long_transaction(inputs - 1);
    EXPECT_TRUE(make_row(transactions, 200).has_value());
}

TEST(MakeRowTest, NoTransactionsOrTooMany_MakeNone) {
    base::Random random(5);
    EXPECT_FALSE(make_row({}, 200).has_value());
    EXPECT_FALSE(make_row(some(random, 256), 255).has_value());
}

TEST_F(RowCollectorTest, FalseRow_GivesNothing_AndTrueOnesWorkAfterwards) {
    const Known known = all_but(transactions_, {1, 2});
    base::Buffer lie = row_of(transactions_, 30);
    lie[0] ^= std::byte{0xff};  // no transaction begins like that
    hear(rows_, 30, lie);
    hear(rows_, 31, row_of(transactions_, 31));
    EXPECT_TRUE(rows_.solve(known).empty());
    hear(rows_, 31, row_of(transactions_, 31));
    EXPECT_TRUE(rows_.solve(known).empty()) << "what it was solved with is forgotten";
    hear(rows_, 30, row_of(transactions_, 30));
    EXPECT_EQ(rows_.solve(known), (Transactions{transactions_[1], transactions_[2]}));
}

// What is solved is a transaction and zeros, or nothing.
TEST_F(RowCollectorTest, TransactionThatOtherThanZerosFollow_IsNone) {
    Transactions transactions = transactions_;
    transactions.push_back(long_transaction(1));
    const Known known = all_but(transactions, {0});
    base::Buffer lie = row_of(transactions, 30);
    lie.back() ^= std::byte{1};
    hear(rows_, 30, lie);
    EXPECT_TRUE(rows_.solve(known).empty());
}

TEST_F(RowCollectorTest, RowsOfAnotherLength_AreNotMixedWithTrueOnes) {
    const Known known = all_but(transactions_, {0, 3});
    const base::Buffer true_one = row_of(transactions_, 40);
    hear(rows_, 40, true_one);
    hear(rows_, 50, base::Buffer(true_one.size() + 1));
    EXPECT_TRUE(rows_.solve(known).empty());
    hear(rows_, 51, base::Buffer(1));  // shorter than what is known
    hear(rows_, 52, base::Buffer(1));
    EXPECT_TRUE(rows_.solve(known).empty());
    hear(rows_, 41, row_of(transactions_, 41));
    EXPECT_EQ(rows_.solve(known), (Transactions{transactions_[0], transactions_[3]}));
}

TEST_F(RowCollectorTest, RowWithTheNumberOfATransaction_IsNoRow) {
    const Known known = all_but(transactions_, {2});
    hear(rows_, 2, wire::encode(transactions_[0]));
    EXPECT_TRUE(rows_.solve(known).empty());
    hear(rows_, 41, row_of(transactions_, 41));
    EXPECT_EQ(rows_.solve(known), Transactions{transactions_[2]});
}

TEST_F(RowCollectorTest, NothingIsMissing_NothingIsSolved) {
    hear(rows_, 41, row_of(transactions_, 41));
    EXPECT_TRUE(rows_.solve(all_but(transactions_, {})).empty());
    EXPECT_EQ(rows_.solve(all_but(transactions_, {1})), Transactions{transactions_[1]});
}

TEST_F(RowCollectorTest, OfManyRows_TheNewestAreKept) {
    const base::Buffer lie(row_of(transactions_, 41).size() + 1);
    for (std::size_t i = 0; i < RowCollector::rows_max; ++i) {
        hear(rows_, static_cast<std::uint8_t>(100 + i), lie);
    }
    hear(rows_, 41, row_of(transactions_, 41));
    EXPECT_EQ(rows_.solve(all_but(transactions_, {1})), Transactions{transactions_[1]});

    RowCollector full;
    hear(full, 41, row_of(transactions_, 41));
    for (std::size_t i = 0; i < RowCollector::rows_max; ++i) {
        hear(full, static_cast<std::uint8_t>(100 + i), lie);
    }
    hear(full, 42, row_of(transactions_, 42));
    EXPECT_TRUE(full.solve(all_but(transactions_, {1, 2})).empty()) << "the oldest gave way";
}

wire::Hash hash(int number) {
    wire::Hash value;
    value.bytes[0] = static_cast<std::byte>(number);
    return value;
}
base::Buffer announcement(int number) { return base::Buffer(3, static_cast<std::byte>(number)); }

wire::BlockRow said_row(int number, std::uint8_t row) {
    return {.block = wire::name_of(hash(number)), .row = row, .bytes = {}};
}

class AirRepairTest : public testing::Test {
protected:
    AirRepairTest() { repair_.note_announcement(hash(1), announcement(1)); }
    /// What is said of the first block by now.
    std::size_t rows_due(base::Instant now) {
        const auto due = repair_.take_due(now);
        if (due.empty()) return 0;
        EXPECT_EQ(due.size(), 1U);
        EXPECT_EQ(due[0].block, hash(1));
        return due[0].rows;
    }

    AirRepair repair_;
};

TEST_F(AirRepairTest, BlockThatIsNotKnown_IsNobodysTurn) {
    EXPECT_EQ(repair_.announcement(hash(2)), nullptr);
    EXPECT_FALSE(repair_.find(wire::name_of(hash(2))).has_value());
    repair_.want_rows(hash(2), 3, start);
    repair_.note_row(said_row(2, 200));
    EXPECT_EQ(repair_.poll_timeout(), base::never);
    EXPECT_TRUE(repair_.take_due(start).empty());
}

TEST_F(AirRepairTest, Announcement_IsFoundByItsBlocksName_AndTheLastOneCounts) {
    EXPECT_EQ(repair_.find(wire::name_of(hash(1))), hash(1));
    ASSERT_NE(repair_.announcement(hash(1)), nullptr);
    EXPECT_EQ(*repair_.announcement(hash(1)), announcement(1));
    repair_.note_announcement(hash(1), announcement(9));
    EXPECT_EQ(*repair_.announcement(hash(1)), announcement(9));
}

TEST_F(AirRepairTest, Rows_AreDueAtItsTurn_Once) {
    repair_.want_rows(hash(1), 3, start + seconds(5));
    EXPECT_EQ(repair_.poll_timeout(), start + seconds(5));
    EXPECT_EQ(rows_due(start + seconds(4)), 0U);
    EXPECT_EQ(rows_due(start + seconds(5)), 3U);
    EXPECT_EQ(repair_.poll_timeout(), base::never);
    EXPECT_EQ(rows_due(start + seconds(6)), 0U);
}

// A row helps everybody, whichever transaction he lacks.
TEST_F(AirRepairTest, SeveralWhoAsk_GetAsManyRowsAsWhoLacksMost_WhenTheFirstIsDue) {
    repair_.want_rows(hash(1), 2, start + seconds(5));
    repair_.want_rows(hash(1), 4, start + seconds(9));
    repair_.want_rows(hash(1), 1, start + seconds(7));
    EXPECT_EQ(repair_.poll_timeout(), start + seconds(5));
    EXPECT_EQ(rows_due(start + seconds(5)), 4U);
}

// He says as many as were asked for, and who still lacks some asks again.
TEST_F(AirRepairTest, ARowThatAnotherSays_LeavesTheAnswerToHim) {
    repair_.want_rows(hash(1), 3, start);
    repair_.note_row(said_row(2, 200));
    EXPECT_EQ(repair_.poll_timeout(), start) << "of another block";
    repair_.note_row(said_row(1, 200));
    EXPECT_EQ(repair_.poll_timeout(), base::never);
    EXPECT_EQ(rows_due(start), 0U);
    repair_.want_rows(hash(1), 2, start);
    EXPECT_EQ(rows_due(start), 2U) << "asked again";
}

TEST_F(AirRepairTest, OfItsOwnAccord_ItSaysOneRow_UnlessEnoughWereHeard) {
    const auto plan_after = [&](int heard) {
        repair_ = AirRepair();
        repair_.note_announcement(hash(1), announcement(1));
        for (std::uint8_t i = 0; i < heard; ++i) repair_.note_row(said_row(1, i));
        repair_.plan_ahead(hash(1), 3, start + seconds(5));
        return repair_.poll_timeout();
    };
    EXPECT_EQ(plan_after(3), base::never);
    EXPECT_EQ(plan_after(2), start + seconds(5));
    EXPECT_EQ(rows_due(start + seconds(4)), 0U);
    EXPECT_EQ(rows_due(start + seconds(5)), 1U);
    EXPECT_EQ(rows_due(start + seconds(6)), 0U) << "others say the rest";
    repair_.plan_ahead(hash(1), 9, start + seconds(7));
    EXPECT_EQ(repair_.poll_timeout(), base::never) << "once for each block";

    plan_after(0);
    for (std::uint8_t i = 0; i < 2; ++i) repair_.note_row(said_row(1, i));
    EXPECT_EQ(repair_.poll_timeout(), start + seconds(5));
    repair_.note_row(said_row(1, 200));
    EXPECT_EQ(repair_.poll_timeout(), base::never);
    repair_.plan_ahead(hash(9), 3, start);
    EXPECT_EQ(repair_.poll_timeout(), base::never) << "it never heard of this one";
}

// Which row it is counts, not how often somebody says it.
TEST_F(AirRepairTest, OneRowSaidAgainAndAgain_SilencesNobody) {
    repair_.plan_ahead(hash(1), 2, start + seconds(5));
    for (int i = 0; i < 9; ++i) repair_.note_row(said_row(1, 7));
    EXPECT_EQ(rows_due(start + seconds(5)), 1U);
}

// One each, by whoever comes first: none of them answers whoever lacks several.
TEST_F(AirRepairTest, RowThatNobodyAskedFor_IsOneLessToAnswerWith) {
    repair_.plan_ahead(hash(1), 2, start + seconds(9));
    repair_.want_rows(hash(1), 3, start + seconds(5));
    repair_.note_row(said_row(1, 7));
    EXPECT_EQ(rows_due(start + seconds(5)), 2U);
}

TEST_F(AirRepairTest, RowOfItsOwnAccord_IsFollowedByThePauseAsAnAnswerIs) {
    repair_.plan_ahead(hash(1), 1, start);
    EXPECT_EQ(rows_due(start), 1U);
    repair_.want_rows(hash(1), 2, start, seconds(8));
    EXPECT_EQ(repair_.poll_timeout(), start + seconds(8));
}

TEST_F(AirRepairTest, RowOfItsOwnAccord_IsLeftOutWhereItAnsweredBefore) {
    repair_.want_rows(hash(1), 2, start);
    repair_.plan_ahead(hash(1), 4, start + seconds(1));
    EXPECT_EQ(rows_due(start), 2U);
    EXPECT_EQ(rows_due(start + seconds(2)), 0U);
}

/// Of blocks 1 to `blocks`, of which every `asked_each`th is asked for; 0: none.
RowsAhead heard(int blocks, int asked_each) {
    RowsAhead rows;
    for (int i = 1; i <= blocks; ++i) {
        rows.note_block(wire::name_of(hash(i)));
        if (asked_each > 0 && i % asked_each == 0) rows.note_asked(wire::name_of(hash(i)));
    }
    return rows;
}

// A question costs a third of a row, so every other block may well be asked for.
TEST(RowsAhead, AreFewAtFirst_ThenMoreWhereMostBlocksAreAskedFor) {
    EXPECT_EQ(RowsAhead().rows(0), 0U);
    EXPECT_EQ(RowsAhead().rows(4), 0U);
    EXPECT_EQ(RowsAhead().rows(20), 1U);
    EXPECT_EQ(heard(60, 1).rows(4), 4U) << "somebody asked each time";
    EXPECT_EQ(heard(120, 0).rows(4), 0U) << "nobody ever lacked anything";
    const std::size_t some = heard(120, 2).rows(20);
    EXPECT_GT(some, 2U);
    EXPECT_LT(some, 8U);
}

TEST(RowsAhead, OneBlockCountsOnce_HoweverOftenItIsAskedFor) {
    RowsAhead once;
    RowsAhead often;
    for (const int number : {1, 2}) once.note_asked(wire::name_of(hash(number)));
    for (int i = 0; i < 9; ++i) often.note_asked(wire::name_of(hash(1 + i % 2)));
    EXPECT_EQ(often.rows(20), once.rows(20));
    EXPECT_GT(once.rows(20), RowsAhead().rows(20));
}

TEST_F(AirRepairTest, OfABlock_NoMoreRowsAreSaidAtOnceThanTheLimit_AndThenThereIsAPause) {
    repair_.want_rows(hash(1), 200, start, seconds(8));
    EXPECT_EQ(rows_due(start), std::size_t{AirRepair::rows_max});
    repair_.want_rows(hash(1), 5, start + seconds(1), seconds(8));
    EXPECT_EQ(repair_.poll_timeout(), start + seconds(8));
    EXPECT_EQ(rows_due(start + seconds(7)), 0U);
    repair_.note_announcement(hash(2), announcement(2));
    repair_.want_rows(hash(2), 5, start, seconds(8));
    EXPECT_EQ(repair_.take_due(start).size(), 1U) << "another block has its own";
    EXPECT_EQ(rows_due(start + seconds(8)), 5U);
}

TEST_F(AirRepairTest, OfManyBlocks_TheLastAreKept) {
    const int count = static_cast<int>(AirRepair::blocks_max);
    for (int i = 2; i <= count; ++i) repair_.note_announcement(hash(i), announcement(i));
    repair_.note_announcement(hash(2), announcement(2));  // heard of again
    EXPECT_NE(repair_.announcement(hash(1)), nullptr) << "it was known: no other gives way";
    repair_.note_announcement(hash(1), announcement(1));
    repair_.note_announcement(hash(count + 1), announcement(0));
    EXPECT_NE(repair_.announcement(hash(1)), nullptr);
    EXPECT_NE(repair_.announcement(hash(2)), nullptr);
    EXPECT_EQ(repair_.announcement(hash(3)), nullptr);
    EXPECT_NE(repair_.announcement(hash(4)), nullptr);
    EXPECT_NE(repair_.announcement(hash(count + 1)), nullptr);
}

}  // namespace
}  // namespace meshchain::chain
