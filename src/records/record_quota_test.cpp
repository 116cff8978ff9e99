// What one origin may have and say, of alerts by their priority; and that whatever is refused
// changes nothing else.

#include "kv/faulty_store.h"
#include "records/record_store.h"
#include "records/test_records.h"

namespace meshchain::records {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::Opened;
using test::public_key_of;
using test::signed_record;
using test::Told;
using wire::RecordKind;
using Outcome = Offer::Outcome;

constexpr AlertPriority priorities[] = {AlertPriority::low, AlertPriority::normal,
                                        AlertPriority::high, AlertPriority::critical};

class RecordQuotaTest : public testing::Test {
protected:
    RecordQuotaTest() : opened_(0) {}
    RecordStore& store() { return *opened_.records; }
    Refusal refusal(const Told& told, base::Duration passed = {}) {
        const Offer result = store().offer(at(passed), signed_record(told)).value();
        store().index().check_invariants();
        return result.outcome == Outcome::refused ? result.refusal : Refusal::none;
    }
    /// Of an alert that was dated so long ago that only numbers limit it.
    static Told alert(AlertPriority priority, std::uint64_t sequence, unsigned origin = 1) {
        return {.origin = origin,
                .kind = RecordKind::alert,
                .key = std::to_string(sequence),
                .sequence = sequence,
                .at = -10min,
                .priority = priority};
    }
    bool holds(const Told& told) {
        const auto record = store().get(address_of(signed_record(told))).value();
        return record && record->sequence == told.sequence;
    }
    std::size_t count_of(Share share, unsigned origin = 1) {
        return store().index().count_of({RecordKind::alert, public_key_of(origin), share});
    }
    std::expected<wire::Record, base::Error> raise(base::Duration passed, AlertPriority priority,
                                                   std::string_view key) {
        return store().publish(at(passed), {.kind = RecordKind::alert,
                                            .key = test::bytes_of(key),
                                            .body = test::body_of(RecordKind::alert, key, priority),
                                            .lifetime = 24h});
    }
    std::expected<wire::Record, base::Error> state(base::Duration passed, std::string_view key) {
        return store().publish(at(passed), {.kind = RecordKind::state,
                                            .key = test::bytes_of(key),
                                            .body = test::bytes_of("{}"),
                                            .lifetime = 1h});
    }
    Opened opened_;
};

TEST_F(RecordQuotaTest, LessUrgentAlertsWithoutEnd_PushOutNoCriticalOne_AcrossARestartToo) {
    const Told fire = alert(AlertPriority::critical, 1);
    std::uint64_t sequence = 1;
    const auto flood = [&] {
        for (const AlertPriority priority : priorities) {
            if (priority == AlertPriority::critical) continue;
            for (int i = 0; i < 300; ++i) refusal(alert(priority, ++sequence));
        }
    };
    ASSERT_EQ(refusal(fire), Refusal::none);
    flood();
    EXPECT_TRUE(holds(fire));
    EXPECT_EQ(store().index().size(), 3U * 256 + 1);
    ASSERT_TRUE(store().flush());
    opened_.reopen();
    store().index().check_invariants();
    EXPECT_EQ(count_of(Share::low), 256U);
    EXPECT_EQ(count_of(Share::critical), 1U);
    flood();
    EXPECT_TRUE(holds(fire));
    EXPECT_EQ(store().index().size(), 3U * 256 + 1);
}

TEST_F(RecordQuotaTest, OwnCriticalAlert_OutlivesAllTheLowOnesThatMayBeSaidInItsTime) {
    const auto fire = raise({}, AlertPriority::critical, "fire").value();
    base::Duration passed{};
    for (int i = 0; i < 600; ++i) {
        passed += 1s;
        ASSERT_TRUE(raise(passed, AlertPriority::low, "low " + std::to_string(i)));
    }
    EXPECT_EQ(store().get(address_of(fire)).value(), fire);
    EXPECT_EQ(count_of(Share::low, 0), 256U);
    opened_.reopen(at(passed));
    EXPECT_EQ(store().get(address_of(fire)).value(), fire);
    ASSERT_TRUE(raise(passed + 1s, AlertPriority::low, "one more"));
    EXPECT_EQ(store().get(address_of(fire)).value(), fire);
    EXPECT_EQ(count_of(Share::low, 0), 256U);
}

TEST_F(RecordQuotaTest, CriticalAlertsWithoutEnd_CostTheirOriginItsOldestOfThem_AndNothingElse) {
    const Told low = alert(AlertPriority::low, 1);
    const Told of_another = alert(AlertPriority::critical, 1, 2);
    ASSERT_EQ(refusal(low), Refusal::none);
    ASSERT_EQ(refusal(of_another), Refusal::none);
    for (std::uint64_t i = 2; i <= 1'000; ++i) refusal(alert(AlertPriority::critical, i));
    EXPECT_EQ(count_of(Share::critical), 256U);
    EXPECT_EQ(store().index().size(), 256U + 2);
    EXPECT_FALSE(holds(alert(AlertPriority::critical, 744)));
    EXPECT_TRUE(holds(alert(AlertPriority::critical, 745)));
    EXPECT_TRUE(holds(low));
    EXPECT_TRUE(holds(of_another));
    Told older = alert(AlertPriority::critical, 700);
    older.key = "came late";
    EXPECT_EQ(refusal(older), Refusal::quota);
}

TEST_F(RecordQuotaTest, EachPriorityHasARateOfItsOwn_ForOthersAndForUs) {
    std::uint64_t sequence = 0;
    const auto flood = [&](AlertPriority priority) {
        int taken = 0;
        for (int i = 0; i < 100; ++i) {
            Told told = alert(priority, ++sequence);
            told.at = {};
            if (refusal(told) == Refusal::none) ++taken;
        }
        return taken;
    };
    const auto raise_many = [&](AlertPriority priority) {
        int taken = 0;
        for (int i = 0; i < 100; ++i) {
            const auto raised = raise({}, priority, std::to_string(++sequence));
            EXPECT_TRUE(raised || raised.error().code == base::Errc::full);
            if (raised) ++taken;
        }
        return taken;
    };
    for (const AlertPriority priority : priorities) {
        EXPECT_EQ(flood(priority), 30) << name(priority);
        EXPECT_EQ(flood(priority), 0) << name(priority);
        EXPECT_EQ(raise_many(priority), 30) << name(priority);
    }
    EXPECT_EQ(store().index().size(), 2U * 4 * 30);
}

TEST_F(RecordQuotaTest, TombstonesWithoutEnd_AreBounded_AndCostNobodyAnything) {
    const Told fire = alert(AlertPriority::critical, 1);
    const Told of_another = alert(AlertPriority::critical, 1, 2);
    ASSERT_EQ(refusal(fire), Refusal::none);
    ASSERT_EQ(refusal(of_another), Refusal::none);
    for (std::uint64_t i = 2; i <= 1'000; ++i) {
        Told gone = alert(AlertPriority::low, i);
        gone.tombstone = true;
        refusal(gone);
    }
    EXPECT_EQ(count_of(Share::withdrawn), 256U);
    EXPECT_EQ(store().index().size(), 256U + 2);
    EXPECT_TRUE(holds(fire)) << "not even its own";
    EXPECT_TRUE(holds(of_another));
    // What is said at once has a rate as well.
    int taken = 0;
    for (std::uint64_t i = 1; i <= 200; ++i) {
        Told gone = alert(AlertPriority::low, i, 3);
        gone.at = {};
        gone.tombstone = true;
        if (refusal(gone) == Refusal::none) ++taken;
    }
    EXPECT_EQ(taken, 30);
}

TEST_F(RecordQuotaTest, TombstonesWithoutEndInAFullStore_PushOutTheirLikeAlone) {
    opened_.options_.limits.records_max = 50;
    opened_.reopen();
    for (std::uint64_t i = 1; i <= 5; ++i) {
        const std::string key = std::to_string(i);
        ASSERT_EQ(refusal({.origin = 2, .key = key, .sequence = i, .at = -10min}), Refusal::none);
    }
    for (std::uint64_t i = 1; i <= 500; ++i) {
        const std::string key = "gone " + std::to_string(i);
        refusal({.key = key, .sequence = i, .at = -10min, .tombstone = true});
    }
    EXPECT_EQ(store().index().size(), 50U);
    EXPECT_EQ(store().index().count_of({RecordKind::registry, public_key_of(2)}), 5U);
    EXPECT_EQ(refusal({.origin = 2, .key = "next", .sequence = 9}), Refusal::none);
    EXPECT_EQ(store().index().count_of({RecordKind::registry, public_key_of(2)}), 6U);
}

TEST_F(RecordQuotaTest, WithdrawnAlert_StaysSoWhateverElseItsOriginSays) {
    const Told fire = alert(AlertPriority::critical, 1);
    Told gone = fire;
    gone.sequence = 2;
    gone.tombstone = true;
    ASSERT_EQ(refusal(fire), Refusal::none);
    ASSERT_EQ(refusal(gone), Refusal::none);
    EXPECT_EQ(count_of(Share::critical), 0U);
    for (std::uint64_t i = 3; i <= 400; ++i) refusal(alert(AlertPriority::low, i));
    EXPECT_EQ(store().offer(at({}), signed_record(fire))->outcome, Outcome::superseded);
}

TEST_F(RecordQuotaTest, AlertThatChangesItsPriority_CountsWhereItIsNow) {
    for (std::uint64_t i = 1; i <= 300; ++i) {
        Told told = alert(AlertPriority::critical, 2 * i);
        told.key = std::to_string(i);
        refusal(told, i * 1s);
        told.priority = AlertPriority::low;
        told.sequence = 2 * i + 1;
        refusal(told, i * 1s);
    }
    EXPECT_EQ(count_of(Share::critical), 0U);
    EXPECT_EQ(count_of(Share::low), 256U);
    EXPECT_EQ(store().index().size(), 256U);
}

TEST_F(RecordQuotaTest, WhatIsReplacedIsNoMore_EvenWhenThereIsNoRoomForItsSuccessor) {
    for (std::uint64_t i = 1'001; i <= 1'256; ++i) {
        Told gone = alert(AlertPriority::low, i);
        gone.tombstone = true;
        ASSERT_EQ(refusal(gone), Refusal::none);
    }
    const Told fire = alert(AlertPriority::critical, 1);
    ASSERT_EQ(refusal(fire), Refusal::none);
    Told gone = fire;
    gone.sequence = 2;
    gone.tombstone = true;
    EXPECT_EQ(refusal(gone), Refusal::quota);
    EXPECT_FALSE(holds(fire));
}

TEST_F(RecordQuotaTest, OwnRecordThatIsSaidTooOften_PushesOutNothing) {
    for (int i = 0; i < 16; ++i) ASSERT_TRUE(state({}, "k" + std::to_string(i)));
    while (state({}, "k15")) continue;
    const auto before = store().index().tree({}).summary({});
    EXPECT_EQ(state({}, "new").error().code, base::Errc::full);
    EXPECT_EQ(store().index().tree({}).summary({}), before);
    EXPECT_EQ(store().stats().evicted, 0U);
    EXPECT_TRUE(store().take_forgotten().empty());
    opened_.reopen();
    EXPECT_EQ(store().index().tree({}).summary({}), before);
    // In its time it takes the place of the oldest.
    ASSERT_TRUE(state(1min, "new"));
    EXPECT_EQ(store().index().size(), 16U);
    EXPECT_EQ(
        store().index().find(Address{RecordKind::state, store().self(), test::bytes_of("k0")}),
        nullptr);
}

TEST_F(RecordQuotaTest, OthersRecordThatIsSaidTooOften_PushesOutNothing) {
    for (std::uint64_t i = 1; i <= 16; ++i) {
        const Told told{.kind = RecordKind::state, .key = std::to_string(i), .sequence = i};
        ASSERT_EQ(refusal(told), Refusal::none);
    }
    Told again{.kind = RecordKind::state, .key = "16", .sequence = 17};
    while (refusal(again) == Refusal::none) ++again.sequence;
    const auto before = store().index().tree({}).summary({});
    EXPECT_EQ(refusal({.kind = RecordKind::state, .key = "new", .sequence = 999}),
              Refusal::too_often);
    EXPECT_EQ(store().index().tree({}).summary({}), before);
    EXPECT_EQ(store().stats().evicted, 0U);
}

TEST_F(RecordQuotaTest, RecordThatFindsTooLittleRoom_PushesOutNothing) {
    for (unsigned i = 1; i <= 3; ++i) {
        ASSERT_EQ(refusal({.key = std::to_string(i), .sequence = i, .at = -10min}), Refusal::none);
    }
    ASSERT_TRUE(store().flush());
    // Two of three would give way to somebody who has none, and leave too little room.
    opened_.options_.limits.bytes_max = wire::record_bytes_max;
    opened_.reopen();
    EXPECT_EQ(refusal({.origin = 2, .at = -10min}), Refusal::crowded);
    EXPECT_EQ(store().stats().evicted, 0U);
    for (unsigned i = 1; i <= 3; ++i) {
        EXPECT_TRUE(holds({.key = std::to_string(i), .sequence = i, .at = -10min})) << i;
    }
}

TEST_F(RecordQuotaTest, OwnRecordForWhichTheDiskIsFull_PushesOutNothing) {
    for (int i = 0; i < 16; ++i) ASSERT_TRUE(state({}, "k" + std::to_string(i)));
    kv::FaultyStore faulty(*opened_.kv);
    const auto store = RecordStore::open(faulty, opened_.options_, test::key_of(0), at({})).value();
    const auto before = store->index().tree({}).summary({});
    faulty.set_no_room(true);
    const Draft draft{.kind = RecordKind::state, .key = test::bytes_of("new"), .lifetime = 1h};
    EXPECT_EQ(store->publish(at(1min), draft).error().code, base::Errc::full);
    store->index().check_invariants();
    EXPECT_EQ(store->index().tree({}).summary({}), before);
    EXPECT_EQ(store->stats().evicted, 0U);
    faulty.set_no_room(false);
    EXPECT_TRUE(store->publish(at(1min), draft));
    EXPECT_EQ(store->index().size(), 16U);
}

}  // namespace
}  // namespace meshchain::records
