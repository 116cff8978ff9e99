#include "node/node_clock.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace meshchain::node {
namespace {

using base::Duration;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// True time is what the test counts; a clock's error is its distance from that.
class NodeClockTest : public testing::Test {
protected:
    static constexpr base::WallTime epoch = base::wall_from_unix_ms(1'800'000'000'000);

    void begin(std::vector<std::uint64_t> stakes, std::optional<std::size_t> self) {
        NodeClock::Options options;
        options.agreement = milliseconds(333);
        for (const std::uint64_t stake : stakes) options.stakes.push_back({stake});
        options.self = self;
        clock_.emplace(std::move(options), system());
        last_ = clock_->at(instant_).wall;
    }
    base::Now system() const { return {instant_, truth() + system_error_}; }
    base::WallTime truth() const {
        return epoch + std::chrono::duration_cast<milliseconds>(instant_ - base::Instant{});
    }
    milliseconds error() const { return clock_->at(instant_).wall - truth(); }

    void hear(std::size_t index, milliseconds their_error, milliseconds delay = {}) {
        clock_->handle_sample(instant_, index, truth() - delay + their_error);
    }
    /// Moves on in steps of 100 ms, and holds the one promise every step.
    void pass(Duration duration) {
        for (const base::Instant end = instant_ + duration; instant_ < end;) {
            instant_ += milliseconds(100);
            stepped_ |= clock_->advance(system(), error_max_).has_value();
            const base::WallTime now = clock_->at(instant_).wall;
            EXPECT_GE(now, last_) << "the clock ran backwards";
            last_ = now;
        }
    }

    base::Instant instant_{hours(1)};
    milliseconds system_error_{};
    std::optional<Duration> error_max_;
    std::optional<NodeClock> clock_;
    base::WallTime last_;
    bool stepped_ = false;
};

TEST_F(NodeClockTest, MinorityOfLiars_CannotMoveIt) {
    begin({100, 100, 100, 100}, 0);
    hear(1, milliseconds(3));
    hear(2, milliseconds(-4));
    hear(3, hours(24));
    pass(minutes(1) - seconds(1));
    EXPECT_LE(std::chrono::abs(error()), milliseconds(4));
    EXPECT_FALSE(stepped_);
    EXPECT_FALSE(clock_->is_off());
}

TEST_F(NodeClockTest, TwoThirdsOrLess_MoveNothing) {
    begin({100, 100, 100, 100, 100, 100}, std::nullopt);
    for (std::size_t i = 0; i < 4; ++i) hear(i, hours(1));
    pass(seconds(10));
    EXPECT_EQ(error(), milliseconds(0));
    EXPECT_EQ(clock_->source(), ClockSource::system);
    EXPECT_FALSE(clock_->validators_offset().has_value());
    EXPECT_EQ(clock_->heard_percent(), 66U);
}

TEST_F(NodeClockTest, StatedTimesBeyondReason_AreHarmless) {
    begin({100, 100, 100}, std::nullopt);
    for (std::size_t i = 0; i < 3; ++i) {
        clock_->handle_sample(instant_, i, base::WallTime::max());
        clock_->handle_sample(instant_, i, base::WallTime::min());
    }
    pass(seconds(1));
    EXPECT_GT(error(), hours(24 * 365));
}

TEST_F(NodeClockTest, FarBehind_StepsForwardOnce) {
    system_error_ = -hours(24 * 365);
    begin({100, 100, 100, 100}, 0);
    for (std::size_t i = 1; i < 4; ++i) hear(i, {});
    pass(milliseconds(100));
    EXPECT_TRUE(stepped_);
    EXPECT_LE(std::chrono::abs(error()), milliseconds(1));
    stepped_ = false;
    pass(seconds(30));
    EXPECT_FALSE(stepped_);
}

TEST_F(NodeClockTest, FarAhead_WaitsAndIsOffUntilItAgrees) {
    system_error_ = seconds(30);
    begin({100, 100, 100, 100}, 0);
    for (int second = 0; second < 25; ++second) {
        for (std::size_t i = 1; i < 4; ++i) hear(i, {});
        pass(seconds(1));
        EXPECT_TRUE(clock_->is_off()) << second;
    }
    for (int second = 0; second < 20; ++second) {
        for (std::size_t i = 1; i < 4; ++i) hear(i, {});
        pass(seconds(1));
    }
    EXPECT_FALSE(clock_->is_off());
    EXPECT_LE(std::chrono::abs(error()), milliseconds(5));
}

TEST_F(NodeClockTest, SmallError_IsSlewedAwayInBothDirections) {
    for (const int error_ms : {-300, 300}) {
        system_error_ = milliseconds(error_ms);
        begin({100, 100, 100, 100}, 0);
        stepped_ = false;
        for (std::size_t i = 1; i < 4; ++i) hear(i, {});
        pass(seconds(3));
        EXPECT_GE(std::chrono::abs(error()), milliseconds(140)) << "too fast";
        pass(seconds(4));
        EXPECT_LE(std::chrono::abs(error()), milliseconds(1));
        EXPECT_FALSE(stepped_);
        EXPECT_FALSE(clock_->is_off());
    }
}

TEST_F(NodeClockTest, FramesThatComeLate_CountByTheQuickestOfThem) {
    begin({100, 100, 100, 100}, 0);
    base::Random random(7);
    for (int round = 0; round < 20; ++round) {
        for (std::size_t i = 1; i < 4; ++i) {
            hear(i, {}, milliseconds(round % 5 == 0 ? 2 : 200 + random.below(1800)));
        }
        pass(seconds(1));
        EXPECT_LE(std::chrono::abs(error()), milliseconds(3));
    }
}

TEST_F(NodeClockTest, WhatWasSaidLongAgo_CountsNoMore) {
    begin({100, 100, 100, 100}, 0);
    for (std::size_t i = 1; i < 4; ++i) hear(i, {});
    pass(seconds(59));
    EXPECT_TRUE(clock_->validators_offset().has_value());
    pass(seconds(2));
    EXPECT_FALSE(clock_->validators_offset().has_value());
    EXPECT_EQ(clock_->source(), ClockSource::validators) << "it keeps what was agreed";
}

TEST_F(NodeClockTest, CutOff_IgnoresThatItsSystemClockIsSet) {
    begin({100, 100, 100, 100}, 0);
    for (std::size_t i = 1; i < 4; ++i) hear(i, {});
    pass(minutes(5));
    system_error_ = hours(2);
    pass(minutes(1));
    EXPECT_LE(std::chrono::abs(error()), milliseconds(1));
}

TEST_F(NodeClockTest, SynchronisedSystem_RanksFirst_AndIsOffIfValidatorsDisagree) {
    begin({100, 100, 100, 100}, 0);
    error_max_ = milliseconds(10);
    for (std::size_t i = 1; i < 4; ++i) hear(i, milliseconds(200));
    pass(seconds(5));
    EXPECT_EQ(clock_->source(), ClockSource::synchronised);
    EXPECT_EQ(error(), milliseconds(0));
    EXPECT_FALSE(clock_->is_off());
    for (std::size_t i = 1; i < 4; ++i) hear(i, milliseconds(400));
    pass(seconds(1));
    EXPECT_TRUE(clock_->is_off());
    EXPECT_EQ(error(), milliseconds(0));
}

TEST_F(NodeClockTest, SourceThatMayBeFurtherOffThanSlotsAllow_DoesNotRankFirst) {
    begin({100, 100, 100, 100}, 0);
    error_max_ = milliseconds(400);
    for (std::size_t i = 1; i < 4; ++i) hear(i, milliseconds(50));
    pass(seconds(2));
    EXPECT_EQ(clock_->source(), ClockSource::validators);
}

TEST_F(NodeClockTest, SingleValidator_FollowsItsSystem) {
    begin({100}, 0);
    system_error_ = minutes(2);
    pass(seconds(1));
    EXPECT_EQ(error(), milliseconds(system_error_));
    system_error_ = minutes(1);
    pass(seconds(10));
    EXPECT_TRUE(clock_->is_off()) << "it waits instead of running backwards";
    pass(seconds(70));
    EXPECT_FALSE(clock_->is_off());
}

TEST_F(NodeClockTest, TwoHalves_MeetAtTheLaterAndDoNotDriveEachOtherOn) {
    begin({100, 100}, 0);
    system_error_ = milliseconds(200);
    for (int second = 0; second < 60; ++second) {
        // The other follows us, so it states our time.
        hear(1, error());
        pass(seconds(1));
    }
    EXPECT_EQ(error(), milliseconds(200));
}

TEST_F(NodeClockTest, AnyHistory_NeverRunsBackwards) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        base::Random random(seed);
        system_error_ = milliseconds(random.below(4000)) - seconds(2);
        begin({10, 20, 30, 40}, random.below(4));
        for (int i = 0; i < 200; ++i) {
            if (random.chance(1, 10))
                system_error_ += milliseconds(random.below(20'000)) - seconds(10);
            error_max_.reset();
            if (random.chance(1, 5)) error_max_ = milliseconds(random.below(500));
            hear(random.below(4), milliseconds(random.below(10'000)) - seconds(5));
            pass(milliseconds(100 + 100 * random.below(20)));
        }
    }
}

TEST_F(NodeClockTest, WordsOnTheAir_CountForLonger_AndTheirDelayMovesNobodyBack) {
    NodeClock::Options options;
    options.agreement = seconds(10);
    options.air_doubt = seconds(10);
    options.stakes = {{100}, {100}, {100}, {100}};
    options.self = 0;
    clock_.emplace(options, system());
    last_ = clock_->at(instant_).wall;
    const auto hear_on_air = [&](milliseconds their_error, milliseconds delay) {
        for (const std::size_t index : {1U, 2U, 3U}) {
            clock_->handle_sample(instant_, index, truth() - delay + their_error,
                                  NodeClock::Way::air);
        }
    };
    // For a day each follows what is said late: nobody slows down for that.
    for (int hour = 0; hour < 48; ++hour) {
        hear_on_air({}, seconds(6));
        pass(minutes(30));
    }
    EXPECT_EQ(error(), milliseconds(0));
    EXPECT_FALSE(clock_->is_off());
    EXPECT_EQ(clock_->validators_offset(), Duration{});
    EXPECT_EQ(clock_->source(), ClockSource::validators);
    // Nobody is heard before he speaks: this node is behind.
    hear_on_air(seconds(30), seconds(2));
    pass(seconds(1));
    EXPECT_GE(error(), seconds(27));
}

TEST_F(NodeClockTest, WhoIsHeardOverASession_NeedsNoAir) {
    begin({100, 100, 100, 100}, 0);
    for (const std::size_t index : {1U, 2U, 3U}) {
        clock_->handle_sample(instant_, index, truth() + seconds(5), NodeClock::Way::air);
        hear(index, milliseconds(100));
    }
    pass(seconds(5));
    EXPECT_NEAR(static_cast<double>(error().count()), 100, 2);
    for (const std::size_t index : {1U, 2U, 3U}) {
        clock_->handle_sample(instant_, index, truth() + seconds(5), NodeClock::Way::air);
    }
    pass(seconds(5));
    EXPECT_NEAR(static_cast<double>(error().count()), 100, 2);
}

}  // namespace
}  // namespace meshchain::node
