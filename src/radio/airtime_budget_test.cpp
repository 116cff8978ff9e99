#include "radio/airtime_budget.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/random.h"
#include "base/test_effort.h"

namespace meshchain::radio {
namespace {

using namespace std::chrono_literals;
using Reason = AirtimeBudget::Reason;

constexpr base::Instant start{100h + 17s};

TEST(AirtimeBudget, WhatTheRadioIsSetTo_GoesBeforeWhatWeWereTold) {
    AirtimeBudget budget(base::Instant{},
                         {.modulation = modulation_of(Preset::short_turbo), .share_permille = 100});
    const base::Duration quick = budget.airtime_of(payload_bytes_max);
    const base::Duration given = budget.per_hour();
    budget.follow(base::Instant{}, {.modulation = modulation_of(Preset::long_fast)});
    EXPECT_EQ(budget.airtime_of(payload_bytes_max),
              time_on_air(modulation_of(Preset::long_fast), packet_bytes_max));
    EXPECT_GT(budget.airtime_of(payload_bytes_max), 10 * quick);
    EXPECT_EQ(budget.per_hour(), given);
    // Half of what the law gives is for the packets of others that it relays.
    budget.follow(base::Instant{},
                  {.modulation = modulation_of(Preset::long_fast), .duty_permille = 100});
    EXPECT_EQ(budget.per_hour(), given / 2);
}

TEST(AirtimeBudget, ShareOfTheChannel_IsThatOfAnHour) {
    EXPECT_EQ(AirtimeBudget(start, {}).per_hour(), 36s);
    EXPECT_EQ(AirtimeBudget(start, {.share_permille = 100}).per_hour(), 360s);
    // By law 10 %, relays included: half of it at most is ours.
    EXPECT_EQ(AirtimeBudget(start, {.share_permille = 100, .duty_permille = 100}).per_hour(), 180s);
    EXPECT_EQ(AirtimeBudget(start, {.share_permille = 10, .duty_permille = 100}).per_hour(), 36s);
    EXPECT_EQ(AirtimeBudget(start, {.share_permille = 100, .duty_permille = 25}).per_hour(), 45s);
}

TEST(AirtimeBudget, Regions_HaveTheLimitsOfTheLaw) {
    EXPECT_EQ(duty_permille_of("EU_868"), 100U);
    EXPECT_EQ(duty_permille_of("EU_866"), 25U);
    EXPECT_EQ(duty_permille_of("US"), 1000U);
    EXPECT_EQ(duty_permille_of("ATLANTIS"), std::nullopt);
}

/// What one node did, and whether an hour of it was too much.
class Watch {
public:
    explicit Watch(base::Duration most) : most_(most) {}
    void spend(base::Instant now, base::Duration airtime) {
        spent_.emplace_back(now, airtime);
        sum_ += airtime;
        while (now - spent_.front().first >= 1h) {
            sum_ -= spent_.front().second;
            spent_.pop_front();
        }
        worst_ = std::max(worst_, sum_);
        EXPECT_LE(sum_, most_);
    }
    base::Duration worst() const { return worst_; }

private:
    base::Duration most_;
    base::Duration sum_{};
    base::Duration worst_{};
    std::deque<std::pair<base::Instant, base::Duration>> spent_;
};

TEST(AirtimeBudget, NoScheduleOfRequests_MakesAnyHourExceedIt) {
    for (std::uint64_t seed = 0; seed < test::effort(40U, 4'000U); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        base::Random random(seed);
        const auto preset = static_cast<Preset>(random.below(presets));
        const AirtimeOptions options{.modulation = modulation_of(preset),
                                     .share_permille = static_cast<unsigned>(1 + random.below(200)),
                                     .duty_permille = random.below(2) == 0 ? 1000U : 25U};
        base::Instant now = start;
        AirtimeBudget budget(now, options);
        const bool is_busy = random.below(2) == 0;
        Watch watch(budget.per_hour());
        Watch less_urgent(is_busy ? budget.per_hour() / 2 : budget.per_hour());
        for (int i = 0; i < 400; ++i) {
            if (is_busy) budget.note_channel_use(now, AirtimeBudget::halved_from_percent);
            const auto priority = static_cast<Priority>(random.below(priorities));
            const base::Duration airtime = budget.airtime_of(random.below(payload_bytes_max + 1));
            const auto deferral = budget.deferral(now, priority, airtime);
            if (!deferral) {
                budget.spend(now, airtime, priority);
                watch.spend(now, airtime);
                if (priority != Priority::urgent) less_urgent.spend(now, airtime);
            } else if (deferral->until != base::never && random.below(3) == 0 && !is_busy) {
                EXPECT_GT(deferral->until, now);
                now = deferral->until;
                // Whoever waited as long as he was told may send.
                ASSERT_FALSE(budget.deferral(now, priority, airtime));
            }
            // From a storm to a lull of hours.
            const base::Duration pause = random.below(200) == 0 ? 3h : base::Duration(2min);
            if (random.below(4) == 0)
                now += random.between(0s, is_busy ? base::Duration(9min) : pause);
        }
    }
}

TEST(AirtimeBudget, FloodAtTenTimesTheBudget_GetsNearlyAllOfItAndNoMore) {
    base::Instant now = start;
    AirtimeBudget budget(now, {});
    Watch watch(36s);
    const base::Duration airtime = budget.airtime_of(100);
    base::Duration sum{};
    while (now < start + 10h) {
        if (!budget.deferral(now, Priority::urgent, airtime)) {
            budget.spend(now, airtime);
            watch.spend(now, airtime);
            sum += airtime;
        }
        now += airtime * 10;
    }
    EXPECT_GT(sum, 10 * 36s * 95 / 100);
    EXPECT_GT(watch.worst(), 34s);
}

/// Spends at `priority` until it is deferred.
base::Duration drain(AirtimeBudget& budget, base::Instant now, Priority priority) {
    const base::Duration airtime = budget.airtime_of(20);
    base::Duration sum{};
    while (!budget.deferral(now, priority, airtime)) {
        budget.spend(now, airtime);
        sum += airtime;
    }
    return sum;
}

TEST(AirtimeBudget, WhatIsLessUrgent_LeavesAPartForWhatIsMore) {
    AirtimeBudget budget(start, {});
    base::Duration before{};
    for (const auto priority : {Priority::record, Priority::sync, Priority::transaction,
                                Priority::block, Priority::urgent}) {
        const base::Duration sum = drain(budget, start, priority);
        EXPECT_GT(sum, 0s) << name(priority);
        before += sum;
    }
    EXPECT_LE(before, 9s);
    EXPECT_EQ(budget.deferral(start, Priority::urgent, 1s)->reason, Reason::pace);
}

TEST(AirtimeBudget, BusyChannel_StopsWhatCanWait_ThenAllButVotesAndBlocks) {
    const auto reason = [](unsigned percent, Priority priority) -> std::optional<Reason> {
        AirtimeBudget budget(start, {});
        budget.note_channel_use(start, percent);
        const auto deferral = budget.deferral(start, priority, 700ms);
        return deferral ? std::optional(deferral->reason) : std::nullopt;
    };
    EXPECT_EQ(reason(24, Priority::record), std::nullopt);
    EXPECT_EQ(reason(25, Priority::record), Reason::channel);
    EXPECT_EQ(reason(25, Priority::sync), Reason::channel);
    EXPECT_EQ(reason(39, Priority::transaction), std::nullopt);
    EXPECT_EQ(reason(40, Priority::transaction), Reason::channel);
    EXPECT_EQ(reason(100, Priority::block), std::nullopt);
    EXPECT_EQ(reason(100, Priority::urgent), std::nullopt);
}

TEST(AirtimeBudget, BusyChannel_KeepsHalfOfTheBucketForWhatIsUrgent) {
    const auto most = [](unsigned percent, Priority priority) {
        AirtimeBudget budget(start, {});
        budget.note_channel_use(start, percent);
        return drain(budget, start, priority);
    };
    EXPECT_GT(most(24, Priority::block), 7s) << "nine seconds less a tenth";
    EXPECT_GT(most(24, Priority::transaction), 6s) << "nine seconds less a quarter";
    EXPECT_GT(most(14, Priority::sync), most(15, Priority::sync));
    EXPECT_GT(most(14, Priority::record), most(15, Priority::record));
    for (const auto priority : {Priority::block, Priority::transaction}) {
        EXPECT_GT(most(25, priority), 0s) << name(priority);
        EXPECT_LE(most(25, priority), 4500ms) << name(priority);
    }
    EXPECT_EQ(most(25, Priority::urgent), most(0, Priority::urgent));
    AirtimeBudget budget(start, {});
    budget.note_channel_use(start, 25);
    const base::Duration blocks = drain(budget, start, Priority::block);
    EXPECT_GE(drain(budget, start, Priority::urgent), 9s - blocks - budget.airtime_of(20));
}

TEST(AirtimeBudget, BusyChannel_KeepsHalfOfTheHourForWhatIsUrgent) {
    const auto most = [](Priority priority) {
        AirtimeBudget budget(start, {});
        base::Duration sum{};
        for (base::Instant now = start; now < start + 59min; now += 20s) {
            budget.note_channel_use(now, 25);
            sum += drain(budget, now, priority);
        }
        return sum;
    };
    EXPECT_GT(most(Priority::block), 15s);
    EXPECT_LE(most(Priority::block), 18s);
    EXPECT_GT(most(Priority::urgent), 34s) << "the bucket fills as fast as at rest";
}

TEST(AirtimeBudget, HowBusyTheChannelIs_CountsWhileTheRadioSaysSo) {
    const auto left = [](unsigned percent, base::Instant at) {
        AirtimeBudget budget(start, {});
        budget.note_channel_use(start, percent);
        return budget.left(at);
    };
    EXPECT_EQ(AirtimeBudget(start, {}).left(start), 36s);
    EXPECT_EQ(left(24, start), 36s);
    EXPECT_EQ(left(25, start), 18s) << "votes apart";
    // A radio that has fallen silent is not believed for ever.
    EXPECT_EQ(left(25, start + AirtimeBudget::reading_lasts), 36s);
    AirtimeBudget budget(start, {});
    budget.note_channel_use(start, 40);
    const auto deferral = budget.deferral(start, Priority::transaction, 700ms);
    ASSERT_TRUE(deferral.has_value());
    EXPECT_EQ(deferral->until, start + AirtimeBudget::reading_lasts);
    EXPECT_FALSE(budget.deferral(deferral->until, Priority::transaction, 700ms));
}

TEST(AirtimeBudget, UseOfTheChannel_IsTheMeanOfTenMinutes) {
    AirtimeBudget budget(start, {});
    base::Instant now = start;
    const auto stay_at = [&](unsigned percent, int minutes) {
        for (int i = 0; i < minutes; ++i) budget.note_channel_use(now += 1min, percent);
        return budget.channel_use_percent(now);
    };
    EXPECT_EQ(stay_at(20, 1), 20U) << "nothing else was said yet";
    EXPECT_EQ(stay_at(20, 20), 20U);
    EXPECT_LT(stay_at(60, 1), AirtimeBudget::halved_from_percent)
        << "one full minute is no busy channel";
    EXPECT_LT(stay_at(20, 30), 21U);
    EXPECT_LT(stay_at(60, 5), AirtimeBudget::urgent_only_from_percent);
    EXPECT_GT(stay_at(60, 5), AirtimeBudget::urgent_only_from_percent) << "one that stays full is";
    EXPECT_GT(stay_at(60, 60), 58U);
    EXPECT_LT(stay_at(0, 60), 1U);
    now += AirtimeBudget::reading_lasts;
    EXPECT_EQ(stay_at(60, 1), 60U) << "what was said long ago is forgotten";
    EXPECT_EQ(stay_at(20, 1), 40U) << "the first ones weigh alike";
    now += 24h * 200;
    EXPECT_EQ(stay_at(30, 1), 30U) << "nor does a silence of months weigh more";
    now += 3h;
    EXPECT_EQ(stay_at(10, 1), 10U) << "nor one of hours";
    EXPECT_LT(stay_at(20, 2), 31U);
}

TEST(AirtimeBudget, Paused_NothingLeavesAndNoTimeIsPromised) {
    AirtimeBudget budget(start, {});
    budget.set_paused(true);
    const auto deferral = budget.deferral(start, Priority::urgent, 1ms);
    ASSERT_TRUE(deferral.has_value());
    EXPECT_EQ(deferral->reason, Reason::paused);
    EXPECT_EQ(deferral->until, base::never);
    budget.set_paused(false);
    EXPECT_FALSE(budget.deferral(start, Priority::urgent, 1ms));
}

TEST(AirtimeBudget, PacketDearerThanTheBudget_IsSaidToBe) {
    AirtimeBudget budget(start,
                         {.modulation = modulation_of(Preset::long_slow), .share_permille = 1});
    const auto deferral = budget.deferral(start, Priority::urgent, budget.airtime_of(200));
    ASSERT_TRUE(deferral.has_value());
    EXPECT_EQ(deferral->reason, Reason::too_long);
}

TEST(AirtimeBudget, LongestPacketOfEveryPreset_FitsOnePercent) {
    for (std::size_t i = 0; i < presets; ++i) {
        AirtimeBudget budget(start, {.modulation = modulation_of(static_cast<Preset>(i))});
        EXPECT_FALSE(budget.deferral(start, Priority::block, budget.airtime_of(payload_bytes_max)));
    }
}

TEST(AirtimeBudget, HourThatIsUsedUp_IsFreeAgainWhenItsFirstMinuteIsOver) {
    base::Instant now = start;
    AirtimeBudget budget(now, {});
    const base::Duration airtime = budget.airtime_of(payload_bytes_max);
    std::optional<AirtimeBudget::Deferral> deferral;
    while (true) {
        deferral = budget.deferral(now, Priority::urgent, airtime);
        if (deferral && deferral->reason == Reason::hour) break;
        ASSERT_LT(now, start + 2h);
        if (deferral) {
            now = deferral->until;
        } else {
            budget.spend(now, airtime);
        }
    }
    EXPECT_GE(deferral->until, start + 1h);
    EXPECT_LE(deferral->until, start + 1h + 2min);
    EXPECT_GT(budget.spent(now), 33s);
}

// Votes have the part that is kept for them, and not a part of what is left as well.
TEST(AirtimeBudget, WhatIsUrgent_UsesUpFirstWhatIsKeptForIt) {
    base::Instant now = start;
    AirtimeBudget budget(now, {});
    const base::Duration airtime = budget.airtime_of(20);
    base::Duration urgent{};
    base::Duration others{};
    // Votes a third of the time: less than the half that is kept for them at a busy channel.
    for (int i = 0; now < start + 59min; ++i) {
        budget.note_channel_use(now, AirtimeBudget::halved_from_percent);
        const auto priority = i % 3 == 0 ? Priority::urgent : Priority::block;
        if (!budget.deferral(now, priority, airtime)) {
            budget.spend(now, airtime, priority);
            (priority == Priority::urgent ? urgent : others) += airtime;
        }
        now += 40s;
    }
    EXPECT_LE(others, budget.per_hour() / 2);
    EXPECT_GT(urgent + others, budget.per_hour() / 2) << "the half for votes is no lid for all";
    EXPECT_GT(budget.left(now), base::Duration{});
    EXPECT_LE(urgent + others + budget.left(now), budget.per_hour());
}

TEST(AirtimeBudget, WhatIsUrgent_UsesUpFirstWhatTheBucketKeepsForIt) {
    const auto rest_after = [](Priority priority) {
        AirtimeBudget budget(start, {});
        for (int i = 0; i < 3; ++i) budget.spend(start, 1s, priority);
        return drain(budget, start + 1s, Priority::transaction);
    };
    const base::Duration packet = AirtimeBudget(start, {}).airtime_of(20);
    EXPECT_GT(rest_after(Priority::urgent), 6s - packet) << "six of nine seconds are left";
    EXPECT_LE(rest_after(Priority::block), 4s) << "and a quarter of the nine is kept";
}

TEST(AirtimeBudget, WhoHasNoVotes_KeepsNothingForThem) {
    base::Duration paid[2];
    for (const bool keeps : {false, true}) {
        AirtimeBudget budget(start, {.keeps_for_votes = keeps});
        paid[keeps ? 1 : 0] = drain(budget, start, Priority::transaction);
    }
    EXPECT_GT(paid[0], paid[1]);
    AirtimeBudget busy(start, {.keeps_for_votes = false});
    busy.note_channel_use(start, AirtimeBudget::halved_from_percent);
    EXPECT_LE(drain(busy, start, Priority::transaction), busy.per_hour() / 8 + 1s)
        << "half of what the bucket holds stays, as for all";
}

}  // namespace
}  // namespace meshchain::radio
