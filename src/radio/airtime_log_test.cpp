#include "radio/airtime_log.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/random.h"
#include "kv/faulty_store.h"
#include "kv/memory_store.h"

namespace meshchain::radio {
namespace {

using namespace std::chrono_literals;

constexpr kv::Table table{0};
constexpr kv::TableInfo tables[] = {{table, "radio"}};

class AirtimeLogTest : public testing::Test {
protected:
    /// One run of a node; its clock for intervals starts anew, that on the wall goes on.
    struct Life {
        explicit Life(AirtimeLogTest& test, const std::string& radio = "serial")
            : begun(test.wall_),
              budget(base::Instant{}, {}),
              log(test.store_, table, base::to_buffer(base::as_bytes(radio))) {
            const auto restored = log.restore(now(test.wall_), budget);
            EXPECT_TRUE(restored) << base::sentence(restored.error());
        }
        base::Now now(base::WallTime wall) const { return {base::Instant{wall - begun}, wall}; }

        base::WallTime begun;
        AirtimeBudget budget;
        AirtimeLog log;
    };
    void spend(Life& life, base::Duration airtime) {
        life.budget.spend(life.now(wall_).instant, airtime);
        EXPECT_TRUE(life.log.note(life.now(wall_), life.budget));
    }
    base::Duration spent(const Life& life) const {
        return life.budget.spent(life.now(wall_).instant);
    }

    base::WallTime wall_ = base::wall_from_unix_ms(1'700'000'012'345);
    std::unique_ptr<kv::MemoryStore> memory_ = kv::make_memory_store(tables);
    kv::FaultyStore store_{*memory_};
};

TEST_F(AirtimeLogTest, WhatWasSpent_CountsAfterARestart_UntilItsHourIsOver) {
    {
        Life life(*this);
        spend(life, 2s);
        wall_ += 10min;
        spend(life, 1s);
        EXPECT_TRUE(life.log.close(life.now(wall_), life.budget));
    }
    wall_ += 5min;
    EXPECT_EQ(spent(Life(*this)), 3s);
    wall_ += 47min;  // the first is over an hour ago
    EXPECT_EQ(spent(Life(*this)), 1s);
    wall_ += 12min;
    EXPECT_EQ(spent(Life(*this)), 0s);
}

TEST_F(AirtimeLogTest, EachRadio_HasItsOwn) {
    Life serial(*this, "serial");
    spend(serial, 2s);
    EXPECT_EQ(spent(Life(*this, "mqtt")), 0s);
}

TEST_F(AirtimeLogTest, ACrash_ForgetsNothing) {
    {
        Life life(*this);
        spend(life, 2s);
    }
    EXPECT_GE(spent(Life(*this)), 2s);
    EXPECT_LE(spent(Life(*this)), 3s) << "the reserve is a small part";
}

TEST_F(AirtimeLogTest, WhoSendsNothing_WritesNothing) {
    Life life(*this);
    for (int i = 0; i < 1'000; ++i) {
        wall_ += 1min;
        EXPECT_TRUE(life.log.note(life.now(wall_), life.budget));
    }
    EXPECT_EQ(store_.stats().commits, 0U);
    // And little where much is sent in small packets.
    for (int i = 0; i < 100; ++i) spend(life, 10ms);
    EXPECT_LE(store_.stats().commits, 12U);
}

TEST_F(AirtimeLogTest, AClockThatWentBack_MakesNothingOlder) {
    {
        Life life(*this);
        spend(life, 2s);
    }
    wall_ -= 100h;
    EXPECT_GE(spent(Life(*this)), 2s);
}

TEST_F(AirtimeLogTest, AClockThatIsSetForward_MakesNoNewHour) {
    wall_ = base::wall_from_unix_ms(5'000);
    {
        Life life(*this);
        spend(life, 2s);
        // Now somebody knows what time it is; nothing more is sent before the end.
        const base::Instant later = life.now(wall_).instant + 1s;
        wall_ = base::wall_from_unix_ms(1'700'000'000'000);
        EXPECT_TRUE(life.log.note({later, wall_}, life.budget));
    }
    EXPECT_GE(spent(Life(*this)), 2s);
}

TEST_F(AirtimeLogTest, AClockBefore1970_IsTakenFor1970) {
    wall_ = base::wall_from_unix_ms(-86'400'000);
    {
        Life life(*this);
        spend(life, 2s);
    }
    EXPECT_GE(spent(Life(*this)), 2s);
}

TEST_F(AirtimeLogTest, AStoreThatFails_IsTriedAgain) {
    Life life(*this);
    store_.set_no_room(true);
    life.budget.spend({}, 2s);
    EXPECT_FALSE(life.log.note(life.now(wall_), life.budget));
    store_.set_no_room(false);
    EXPECT_TRUE(life.log.note(life.now(wall_), life.budget));
    EXPECT_GE(spent(Life(*this)), 2s);
}

TEST_F(AirtimeLogTest, ARowThatIsNone_IsDamage) {
    for (const std::size_t size : {0UZ, 1UZ, 252UZ, 253UZ, 254UZ, 1'000UZ}) {
        kv::Batch batch;
        batch.put(table, base::as_bytes("serial"), base::Buffer(size, std::byte{0xff}));
        ASSERT_TRUE(store_.commit(batch));
        AirtimeBudget budget(base::Instant{}, {});
        AirtimeLog log(store_, table, base::to_buffer(base::as_bytes("serial")));
        const auto restored = log.restore({base::Instant{}, wall_}, budget);
        ASSERT_FALSE(restored) << size;
        EXPECT_EQ(restored.error().code, base::Errc::corrupt);
        EXPECT_EQ(budget.left(base::Instant{}), 0s);
    }
}

/// Somebody restarts the node whenever it may not speak.
TEST_F(AirtimeLogTest, NoScheduleOfRestarts_MakesAnyHourExceedTheBudget) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        base::Random random(seed);
        memory_ = kv::make_memory_store(tables);
        kv::FaultyStore store(*memory_);
        std::deque<std::pair<base::WallTime, base::Duration>> hour;
        base::Duration sum{};
        const base::WallTime end = wall_ + 5h;
        while (wall_ < end) {
            const base::WallTime begun = wall_;
            const auto now = [&] { return base::Now{base::Instant{wall_ - begun}, wall_}; };
            AirtimeBudget budget(base::Instant{}, {});
            AirtimeLog log(store, table, base::to_buffer(base::as_bytes("serial")));
            ASSERT_TRUE(log.restore(now(), budget));
            const int packets = static_cast<int>(random.below(20));
            for (int i = 0; i < packets; ++i) {
                const base::Duration airtime = random.between(50ms, 2s);
                if (budget.deferral(now().instant, Priority::urgent, airtime)) break;
                budget.spend(now().instant, airtime);
                hour.emplace_back(wall_, airtime);
                sum += airtime;
                ASSERT_TRUE(log.note(now(), budget));
                wall_ += std::chrono::floor<base::Milliseconds>(random.between(2s, 90s));
                while (wall_ - hour.front().first >= 1h) {
                    sum -= hour.front().second;
                    hour.pop_front();
                    if (hour.empty()) break;
                }
                ASSERT_LE(sum, budget.per_hour());
            }
            if (random.chance(1, 3)) {
                ASSERT_TRUE(log.close(now(), budget));
            }
            wall_ += std::chrono::floor<base::Milliseconds>(random.between(0s, 200s));
            while (!hour.empty() && wall_ - hour.front().first >= 1h) {
                sum -= hour.front().second;
                hour.pop_front();
            }
        }
        EXPECT_FALSE(hour.empty() && sum == 0s);
    }
}

}  // namespace
}  // namespace meshchain::radio
