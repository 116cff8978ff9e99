#include "mesh/announcer.h"

#include <gtest/gtest.h>

namespace meshchain::mesh {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr base::Instant start{std::chrono::hours(1)};

/// When one that has just spoken, twice, speaks of a change.
base::Duration pause_among(std::size_t known) {
    Announcer announcer(minutes(10), base::Random(1));
    announcer.start(start);
    announcer.note_announced(start);
    announcer.note_repeated();
    announcer.handle_change(start, known);
    return announcer.poll_timeout() - start;
}

TEST(Announcer, AfterAChange_SpeaksSoon_AndOnceMore) {
    Announcer announcer(minutes(10), base::Random(1));
    announcer.start(start);
    EXPECT_LE(announcer.poll_timeout(), start + Announcer::delay_max);
    announcer.note_announced(start);
    EXPECT_LE(announcer.poll_timeout(), start + Announcer::delay_max);
    announcer.note_repeated();
    EXPECT_GE(announcer.poll_timeout(), start + minutes(9));
}

TEST(Announcer, TheMoreAreKnown_TheRarerEachSpeaks_ButNotBeyondAMinute) {
    EXPECT_EQ(pause_among(0), seconds(10));
    EXPECT_EQ(pause_among(20), seconds(10));
    EXPECT_EQ(pause_among(60), seconds(30));
    EXPECT_EQ(pause_among(400), minutes(1));
    EXPECT_EQ(pause_among(10'000), minutes(1));
}

}  // namespace
}  // namespace meshchain::mesh
