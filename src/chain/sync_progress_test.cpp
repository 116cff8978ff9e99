#include "chain/sync_progress.h"

#include <gtest/gtest.h>

namespace meshchain::chain {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Situation = SyncProgress::Situation;

base::Instant at(milliseconds time) { return base::Instant{time}; }
Situation catching_up(std::uint32_t applied, std::uint32_t proven) {
    return {
        .applied = {applied}, .proven = wire::Height{proven}, .is_behind = true, .has_peers = true};
}

TEST(SyncProgressTest, States_AreThoseOfRowF5) {
    SyncProgress progress(seconds(300));
    EXPECT_EQ(progress.state(), SyncState::idle);
    progress.update(at(seconds(0)), {.applied = {5}, .proven = {}, .has_peers = true});
    EXPECT_EQ(progress.state(), SyncState::synced);
    progress.update(at(seconds(1)),
                    {.applied = {5}, .proven = {}, .is_behind = true, .has_peers = true});
    EXPECT_EQ(progress.state(), SyncState::behind);
    progress.update(at(seconds(2)), catching_up(5, 9));
    EXPECT_EQ(progress.state(), SyncState::syncing);
    progress.update(at(seconds(3)), {.applied = {9}, .proven = {}, .has_failed = true});
    EXPECT_EQ(progress.state(), SyncState::error);
    EXPECT_EQ(name(SyncState::error), "ERROR");
}

TEST(SyncProgressTest, AClaim_MovesNeitherTargetNorShare) {
    SyncProgress progress(seconds(300));
    progress.update(at(seconds(0)),
                    {.applied = {5}, .proven = {}, .is_behind = true, .has_peers = true});
    EXPECT_EQ(progress.target(), wire::Height{5});
    EXPECT_EQ(progress.percent(), 100U);
    EXPECT_FALSE(progress.remaining());
}

TEST(SyncProgressTest, ShareAndRemainingTime_FollowTheBlocks) {
    SyncProgress progress(seconds(300));
    progress.update(at(seconds(0)), catching_up(100, 300));
    EXPECT_EQ(progress.percent(), 0U);
    EXPECT_FALSE(progress.remaining());
    progress.update(at(seconds(1)), catching_up(150, 300));
    EXPECT_EQ(progress.percent(), 25U);
    EXPECT_EQ(progress.remaining(), seconds(3)) << "50 blocks a second, 150 to go";
    progress.update(at(seconds(2)), catching_up(200, 300));
    EXPECT_EQ(progress.percent(), 50U);
    EXPECT_EQ(progress.remaining(), seconds(2));
    progress.update(at(seconds(3)), {.applied = {300}, .proven = {}, .has_peers = true});
    EXPECT_EQ(progress.percent(), 100U);
    EXPECT_EQ(progress.state(), SyncState::synced);
}

TEST(SyncProgressTest, ABranchTakenBackBelowTheStart_CountsAsNothingDone) {
    SyncProgress progress(seconds(300));
    progress.update(at(seconds(0)), catching_up(100, 300));
    progress.update(at(seconds(1)), catching_up(80, 100));
    EXPECT_EQ(progress.percent(), 0U);
}

TEST(SyncProgressTest, ASideBranchThatReachedHigherThanTheTarget_CountsFromWhereItWasTakenBackTo) {
    SyncProgress progress(seconds(300));
    progress.update(at(seconds(0)), catching_up(100, 95));
    progress.update(at(seconds(1)), catching_up(80, 95));
    EXPECT_EQ(progress.percent(), 0U);
    progress.update(at(seconds(2)), catching_up(86, 95));
    EXPECT_EQ(progress.percent(), 40U);
}

TEST(SyncProgressTest, NoBlockForTheTimeOut_IsAnError_UntilOneComes) {
    SyncProgress progress(seconds(300));
    progress.update(at(seconds(0)), catching_up(100, 300));
    EXPECT_EQ(progress.poll_timeout(), at(seconds(300)));
    progress.update(at(seconds(200)), catching_up(101, 300));
    EXPECT_EQ(progress.poll_timeout(), at(seconds(500)));
    progress.update(at(seconds(500)), catching_up(101, 300));
    EXPECT_EQ(progress.state(), SyncState::error);
    EXPECT_EQ(progress.poll_timeout(), base::never);
    progress.update(at(seconds(501)), catching_up(102, 300));
    EXPECT_EQ(progress.state(), SyncState::syncing);
}

}  // namespace
}  // namespace meshchain::chain
