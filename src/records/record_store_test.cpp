#include "records/record_store.h"

#include "kv/faulty_store.h"
#include "records/test_records.h"

namespace meshchain::records {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::Opened;
using test::signed_record;
using test::Told;
using wire::RecordKind;
using Outcome = Offer::Outcome;

RecordStore::Options options_with(RecordStore::Limits limits) {
    return {.table = test::table, .chain = test::chain_id(), .limits = limits};
}

class RecordStoreTest : public testing::Test {
protected:
    RecordStoreTest() : opened_(0) {}
    RecordStore& store() { return *opened_.records; }
    Offer offer(const wire::Record& record, base::Duration passed = {}) {
        const auto result = store().offer(at(passed), record);
        store().index().check_invariants();
        return result.value();
    }
    Refusal refusal(const wire::Record& record, base::Duration passed = {}) {
        const Offer result = offer(record, passed);
        return result.outcome == Outcome::refused ? result.refusal : Refusal::none;
    }
    std::optional<std::string> body_of(const Told& told) {
        const auto record = store().get(address_of(signed_record(told))).value();
        if (!record) return std::nullopt;
        return test::text_of(*record);
    }
    Opened opened_;
};

TEST_F(RecordStoreTest, ForgedOrigin_IsRefusedAndBlocksNothing) {
    wire::Record forged = signed_record({});
    forged.signature = signed_record({.origin = 2}).signature;
    EXPECT_EQ(refusal(forged), Refusal::bad_signature);
    EXPECT_EQ(store().stats().refused[static_cast<std::size_t>(Refusal::bad_signature)], 1U);
    EXPECT_EQ(store().index().tree({}).size(), 0U) << "a forgery must not count as held";
    EXPECT_EQ(offer(signed_record({})).outcome, Outcome::taken);
}

TEST_F(RecordStoreTest, RecordOfAnotherChain_HasABadSignature) {
    wire::ChainId other;
    other.bytes.fill(std::byte{1});
    EXPECT_EQ(refusal(signed_record({}, other)), Refusal::bad_signature);
}

TEST_F(RecordStoreTest, ReplayedSequence_ChangesNothing) {
    EXPECT_EQ(offer(signed_record({.body = "one", .sequence = 1})).outcome, Outcome::taken);
    EXPECT_EQ(offer(signed_record({.body = "two", .sequence = 2})).outcome, Outcome::taken);
    EXPECT_EQ(offer(signed_record({.body = "one", .sequence = 1})).outcome, Outcome::superseded);
    EXPECT_EQ(offer(signed_record({.body = "two", .sequence = 2})).outcome, Outcome::known);
    EXPECT_EQ(body_of({}), "two");
}

TEST_F(RecordStoreTest, SequenceOfInfinity_PoisonsNobodyElse) {
    EXPECT_EQ(offer(signed_record({.origin = 1, .sequence = ~std::uint64_t{0}})).outcome,
              Outcome::taken);
    EXPECT_EQ(offer(signed_record({.origin = 2, .body = "other", .sequence = 1})).outcome,
              Outcome::taken);
    EXPECT_EQ(body_of({.origin = 2}), "other");
    EXPECT_TRUE(store().publish(at({}), {.kind = RecordKind::registry,
                                         .key = test::bytes_of("key"),
                                         .body = test::body_of(RecordKind::registry, ""),
                                         .lifetime = 1h}));
}

TEST_F(RecordStoreTest, ClockTenYearsAhead_IsRefusedWithoutMovingOurs) {
    EXPECT_EQ(refusal(signed_record({.at = 24h * 3'650})), Refusal::future);
    EXPECT_EQ(refusal(signed_record({.at = 5min + 1s})), Refusal::future);
    EXPECT_EQ(offer(signed_record({.at = 4min})).outcome, Outcome::taken);
    const auto mine = store().publish(at({}), {.kind = RecordKind::state, .lifetime = 1h}).value();
    EXPECT_GE(mine.stamp, signed_record({.at = 4min}).stamp);
    EXPECT_LT(mine.stamp, signed_record({.at = 5min}).stamp);
}

TEST_F(RecordStoreTest, DatedAMinuteTooFarAhead_CountsAsHeldForThatMinuteAlone) {
    const auto record = signed_record({.at = 6min});
    EXPECT_EQ(refusal(record), Refusal::future);
    EXPECT_EQ(store().index().tree({}).size(), 1U);
    ASSERT_TRUE(store().handle_timeout(at(62s)));
    EXPECT_EQ(store().index().tree({}).size(), 0U);
    EXPECT_EQ(offer(record, 62s).outcome, Outcome::taken);
}

TEST_F(RecordStoreTest, OwnClockTenYearsAhead_IsForgottenOnceItIsMended) {
    base::Now ahead = at({});
    ahead.wall += 24h * 3'650;
    const Draft draft{.kind = RecordKind::state, .lifetime = 1h};
    const Draft second{.kind = RecordKind::registry,
                       .key = test::bytes_of("bag"),
                       .body = test::body_of(RecordKind::registry, ""),
                       .lifetime = 1h};
    const auto wrong = store().publish(ahead, draft).value();
    ASSERT_TRUE(store().publish(ahead, second));
    EXPECT_EQ(store().offer(ahead, signed_record({}))->refusal, Refusal::expired);
    ASSERT_TRUE(store().handle_timeout(ahead));
    // Others take what it says from now on, under the same keys too, and it takes what they say.
    const auto mended = store().publish(at(1s), draft).value();
    const auto removed =
        store().remove(at(1s), RecordKind::registry, test::bytes_of("bag")).value();
    EXPECT_GT(mended.sequence, wrong.sequence);
    Opened other(98);
    EXPECT_EQ(other.records->offer(at(1s), wrong)->refusal, Refusal::future);
    EXPECT_EQ(other.records->offer(at(1s), mended)->outcome, Outcome::taken);
    EXPECT_EQ(other.records->offer(at(1s), removed)->outcome, Outcome::taken);
    ASSERT_TRUE(store().handle_timeout(at(1s)));
    EXPECT_EQ(store().index().tree({}).size(), 2U) << "what it refused does not count as held";
    EXPECT_EQ(offer(signed_record({}), 1s).outcome, Outcome::taken);
}

TEST_F(RecordStoreTest, WhatItsKindForbids_IsRefused) {
    EXPECT_EQ(refusal(signed_record({.kind = RecordKind{200}})), Refusal::unknown_kind);
    EXPECT_EQ(refusal(signed_record({.kind = RecordKind::state, .lifetime = 24h + 1s})),
              Refusal::long_lived);
    EXPECT_EQ(refusal(signed_record(
                  {.kind = RecordKind::acknowledgement, .body = std::string(257, 'x')})),
              Refusal::too_large);
    EXPECT_EQ(refusal(signed_record({.at = -2h, .lifetime = 1h})), Refusal::expired);
    wire::SegmentId other;
    other.bytes.fill(std::byte{3});
    EXPECT_EQ(refusal(signed_record({.segment = other})), Refusal::foreign);
}

TEST_F(RecordStoreTest, RefusedRecord_CountsAsHeldUntilItIsForgotten) {
    const wire::Record late = signed_record({.at = -2h, .lifetime = 1h});
    EXPECT_EQ(refusal(late), Refusal::expired);
    EXPECT_EQ(store().index().tree({}).size(), 1U);
    ASSERT_TRUE(store().handle_timeout(at(11min)));
    EXPECT_EQ(store().index().tree({}).size(), 0U);
}

TEST_F(RecordStoreTest, MadeUpRefusals_AreNotRemembered) {
    wire::Record forged = signed_record({.at = -2h, .lifetime = 1h});
    forged.sequence = 7;
    EXPECT_EQ(refusal(forged), Refusal::expired);
    EXPECT_EQ(store().index().tree({}).size(), 0U);
}

TEST_F(RecordStoreTest, BackdatedUpdatesWithoutEnd_AreHeldToTheRate) {
    std::size_t taken = 0;
    for (unsigned i = 1; i <= 500; ++i) {
        const Told told{.kind = RecordKind::alert, .sequence = i, .at = -10min};
        if (offer(signed_record(told)).outcome == Outcome::taken) ++taken;
    }
    EXPECT_LE(taken, 31U);
}

TEST_F(RecordStoreTest, ClockThatWasAheadAndIsSetRight_IsBelievedByOthersAgain) {
    const Draft draft{.kind = RecordKind::registry,
                      .key = test::bytes_of("k"),
                      .body = test::body_of(RecordKind::registry, ""),
                      .lifetime = 1h};
    ASSERT_TRUE(store().publish(at(24h * 365), draft));
    const auto mine = store().publish(at({}), draft).value();
    Opened other(9);
    EXPECT_EQ(other.records->offer(at({}), mine).value().outcome, Outcome::taken);
}

TEST_F(RecordStoreTest, TwoContentsUnderOneSequence_TheLowerNameWinsEverywhere) {
    const wire::Record one = signed_record({.body = "one"});
    const wire::Record two = signed_record({.body = "two"});
    Opened elsewhere(9);
    offer(one);
    offer(two);
    ASSERT_TRUE(elsewhere.records->offer(at({}), two));
    ASSERT_TRUE(elsewhere.records->offer(at({}), one));
    EXPECT_EQ(store().stats().conflicts, 1U);
    EXPECT_EQ(elsewhere.records->stats().conflicts, 1U);
    EXPECT_EQ(store().index().tree({}).summary({}),
              elsewhere.records->index().tree({}).summary({}));
}

TEST_F(RecordStoreTest, MillionKeysOfOneOrigin_AreKeptToItsQuotaTheNewestFirst) {
    for (unsigned i = 1; i <= 300; ++i) {
        offer(signed_record(
            {.kind = RecordKind::alert, .key = std::to_string(i), .sequence = i, .at = -10min}));
    }
    EXPECT_EQ(store().index().size(), 256U);
    EXPECT_EQ(store().stats().evicted, 44U);
    EXPECT_FALSE(body_of({.kind = RecordKind::alert, .key = "44"}));
    EXPECT_TRUE(body_of({.kind = RecordKind::alert, .key = "45"}));
    EXPECT_EQ(refusal(signed_record(
                  {.kind = RecordKind::alert, .key = "old", .sequence = 40, .at = -10min})),
              Refusal::quota);
}

TEST_F(RecordStoreTest, FloodOfMadeUpOrigins_TakesNothingFromOursAndOurNeighbours) {
    opened_.options_ = options_with({.records_max = 40});
    opened_.reopen();
    store().set_known({test::public_key_of(1)});
    for (unsigned i = 1; i <= 10; ++i) {
        offer(signed_record({.origin = 1, .key = std::to_string(i), .sequence = i}));
        ASSERT_TRUE(store().publish(at({}), {.kind = RecordKind::registry,
                                             .key = test::bytes_of(std::to_string(i)),
                                             .body = test::body_of(RecordKind::registry, ""),
                                             .lifetime = 1h}));
    }
    for (unsigned i = 2; i < 200; ++i) offer(signed_record({.origin = i}));
    EXPECT_EQ(store().index().size(), 40U);
    EXPECT_EQ(store().index().count_of({RecordKind::registry, test::public_key_of(1)}), 10U);
    EXPECT_EQ(store().index().count_of({RecordKind::registry, store().self()}), 10U);
    EXPECT_EQ(offer(signed_record({.origin = 1, .key = "more", .sequence = 99})).outcome,
              Outcome::taken);
    EXPECT_EQ(store().index().size(), 40U);
    // Who has left is a stranger like others, and has more than they.
    store().set_known({});
    EXPECT_EQ(offer(signed_record({.origin = 300})).outcome, Outcome::taken);
    EXPECT_EQ(store().index().count_of({RecordKind::registry, test::public_key_of(1)}), 10U);
}

TEST_F(RecordStoreTest, NeighbourThatFillsEverything_GivesWayToAnother) {
    opened_.options_ = options_with({.records_max = 10});
    opened_.reopen();
    store().set_known({test::public_key_of(1), test::public_key_of(2)});
    for (unsigned i = 1; i <= 10; ++i) {
        offer(signed_record({.origin = 1, .key = std::to_string(i), .sequence = i}));
    }
    EXPECT_EQ(offer(signed_record({.origin = 2})).outcome, Outcome::taken);
    EXPECT_EQ(refusal(signed_record({.origin = 3})), Refusal::crowded) << "a stranger";
}

TEST_F(RecordStoreTest, WhoHasMuch_GivesWayToWhoHasLittle) {
    opened_.options_ = options_with({.records_max = 10});
    opened_.reopen();
    for (unsigned i = 1; i <= 12; ++i) {
        const Offer result = offer(signed_record({.key = std::to_string(i), .sequence = i}));
        EXPECT_EQ(result.refusal, i <= 10 ? Refusal::none : Refusal::crowded);
    }
    EXPECT_EQ(offer(signed_record({.origin = 2})).outcome, Outcome::taken);
    EXPECT_FALSE(body_of({.key = "1"}));
}

TEST_F(RecordStoreTest, Tombstone_HidesWhatWasAndEndsWithIt) {
    offer(signed_record({.sequence = 1, .lifetime = 1h}));
    offer(signed_record({.sequence = 2, .lifetime = 1h, .tombstone = true}));
    EXPECT_EQ(offer(signed_record({.sequence = 1, .lifetime = 1h})).outcome, Outcome::superseded);
    ASSERT_TRUE(store().handle_timeout(at(1h - 1s)));
    EXPECT_EQ(store().index().size(), 1U);
    ASSERT_TRUE(store().handle_timeout(at(1h)));
    EXPECT_EQ(store().index().size(), 0U);
    EXPECT_EQ(refusal(signed_record({.sequence = 1, .lifetime = 1h}), 1h), Refusal::expired);
}

TEST_F(RecordStoreTest, OwnRecords_NeverEndBeforeWhatTheyReplace) {
    const Draft longer{.kind = RecordKind::registry,
                       .key = test::bytes_of("k"),
                       .body = test::body_of(RecordKind::registry, ""),
                       .lifetime = 2h};
    Draft shorter = longer;
    shorter.lifetime = 1min;
    const auto first = store().publish(at({}), longer).value();
    const auto second = store().publish(at({}), shorter).value();
    EXPECT_EQ(first.expires, second.expires);
    const auto removed = store().remove(at(1s), RecordKind::registry, test::bytes_of("k")).value();
    EXPECT_EQ(removed.expires, first.expires);
    EXPECT_GT(removed.sequence, second.sequence);
    EXPECT_EQ(store().remove(at(1s), RecordKind::registry, test::bytes_of("k")).error().code,
              base::Errc::not_found);
}

TEST_F(RecordStoreTest, Restart_ShowsWhatWasAndGoesOnAboveIt) {
    const auto mine = store().publish(at({}), {.kind = RecordKind::state, .lifetime = 1h}).value();
    offer(signed_record({}));
    ASSERT_TRUE(store().flush());
    const auto summary = store().index().tree({}).summary({});
    opened_.reopen(at(-4min));  // the clock has been set back, too
    EXPECT_EQ(store().index().tree({}).summary({}), summary);
    const auto next =
        store().publish(at(-4min), {.kind = RecordKind::state, .lifetime = 1h}).value();
    EXPECT_GT(next.sequence, mine.sequence);
    EXPECT_GT(next.stamp, mine.stamp);
}

TEST_F(RecordStoreTest, RowsOfAnotherChainOrDamaged_AreDroppedAtTheStart) {
    offer(signed_record({}));
    ASSERT_TRUE(store().flush());
    kv::Batch batch;
    batch.put(test::table, test::bytes_of(std::string(32, 'x')), wire::encode(signed_record({})));
    batch.put(test::table, test::bytes_of(std::string(32, 'y')), test::bytes_of("damaged"));
    ASSERT_TRUE(opened_.kv->commit(batch));
    opened_.reopen();
    EXPECT_EQ(store().index().size(), 1U);
    EXPECT_EQ(opened_.kv->count(test::table).value(), 1U);
}

TEST_F(RecordStoreTest, IdentityWithoutItsStore_GoesOnAboveItsEarlierLife) {
    Opened earlier(0);
    const auto old =
        earlier.records->publish(at(1min), {.kind = RecordKind::state, .lifetime = 1h}).value();
    EXPECT_EQ(offer(old).outcome, Outcome::taken);
    const auto mine = store().publish(at({}), {.kind = RecordKind::state, .lifetime = 1h}).value();
    EXPECT_GT(mine.sequence, old.sequence);
}

TEST(RecordStoreFaults, FullDisk_LosesNothingAndLeavesNothingHalfSaid) {
    const auto medium = std::make_shared<kv::MemoryMedium>();
    const auto inner = kv::MemoryStore::open(medium, {.tables = test::tables}).value();
    kv::FaultyStore faulty(*inner);
    const auto store = RecordStore::open(faulty, {.table = test::table, .chain = test::chain_id()},
                                         test::key_of(0), at({}))
                           .value();
    const Draft draft{.kind = RecordKind::state, .body = test::bytes_of("old"), .lifetime = 1h};
    ASSERT_TRUE(store->publish(at({}), draft));
    faulty.set_no_room(true);
    Draft newer = draft;
    newer.body = test::bytes_of("new");
    EXPECT_EQ(store->publish(at({}), newer).error().code, base::Errc::full);
    const Address address{RecordKind::state, store->self(), {}};
    EXPECT_EQ(base::as_text(store->get(address).value()->body), "old");
    ASSERT_TRUE(store->offer(at({}), signed_record({})));
    EXPECT_FALSE(store->flush());
    faulty.set_no_room(false);
    EXPECT_TRUE(store->flush());
    EXPECT_TRUE(store->publish(at({}), newer));
    store->index().check_invariants();
    EXPECT_EQ(inner->count(test::table).value(), 3U);  // two records and our sequence
}

TEST(RecordStoreKinds, StartWithoutAnApplicationsRule_LeavesItsRecordsOnTheDisk) {
    const KindRule reading{
        .kind = RecordKind{200}, .lifetime_max = 1h, .per_origin_max = 4, .body_bytes_max = 8};
    const RecordStore::Options with{.table = test::table,
                                    .chain = test::chain_id(),
                                    .kinds = KindRules::with(std::array{reading}).value()};
    Opened opened(0, with);
    const auto said = opened.records->publish(
        at({}), {.kind = reading.kind, .body = test::bytes_of("21"), .lifetime = 1h});
    ASSERT_TRUE(said);
    opened.options_ = {.table = test::table, .chain = test::chain_id()};
    opened.reopen();
    EXPECT_EQ(opened.records->index().size(), 0U);
    EXPECT_EQ(opened.records->stats().evicted, 0U);
    const auto next = opened.records->publish(
        at({}), {.kind = RecordKind::state, .body = test::bytes_of("x"), .lifetime = 1h});
    EXPECT_GT(next->sequence, said->sequence) << "no number is given twice";
    opened.options_ = with;
    opened.reopen();
    EXPECT_EQ(opened.records->get(address_of(*said)).value(), *said);
}

TEST_F(RecordStoreTest, WrongDrafts_SayWhatToDo) {
    const auto code = [&](const Draft& draft) {
        const auto result = store().publish(at({}), draft);
        EXPECT_FALSE(result.error().advice.empty());
        return result.error().code;
    };
    EXPECT_EQ(code({.kind = RecordKind{200}, .lifetime = 1h}), base::Errc::invalid_argument);
    EXPECT_EQ(code({.kind = RecordKind::state}), base::Errc::invalid_argument);
    EXPECT_EQ(code({.kind = RecordKind::state, .lifetime = 48h}), base::Errc::invalid_argument);
    EXPECT_EQ(code({.kind = RecordKind::state, .body = base::Buffer(65'536), .lifetime = 1h}),
              base::Errc::too_large);
    EXPECT_EQ(code({.kind = RecordKind::state, .key = base::Buffer(65), .lifetime = 1h}),
              base::Errc::too_large);
    EXPECT_EQ(code({.kind = RecordKind::state, .lifetime = 1h, .segment = wire::SegmentId{}}),
              base::Errc::invalid_argument);
}

TEST(KindRulesTest, ApplicationsKinds_StayInTheirRange) {
    const auto code = [](KindRule rule) {
        return KindRules::with(std::span(&rule, 1)).error().code;
    };
    EXPECT_EQ(code({RecordKind::alert, 1h, 1, 10}), base::Errc::invalid_argument);
    EXPECT_EQ(code({RecordKind{200}, 0h, 1, 10}), base::Errc::invalid_argument);
    const KindRule twice[] = {{RecordKind{200}, 1h, 1, 10}, {RecordKind{200}, 1h, 1, 10}};
    EXPECT_EQ(KindRules::with(twice).error().code, base::Errc::exists);
    EXPECT_TRUE(KindRules::with(std::span(twice, 1)).value().find(RecordKind{200}));
}

}  // namespace
}  // namespace meshchain::records
