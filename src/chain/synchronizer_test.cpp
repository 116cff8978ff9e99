#include "chain/synchronizer.h"

#include <gtest/gtest.h>

#include "chain/test_peer.h"

namespace meshchain::chain {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::peer;

PeerHeights heights(std::uint32_t head, std::uint32_t final) { return {{head}, {final}}; }
base::Instant at(milliseconds time) { return base::Instant{time}; }

wire::HashesResponse page(std::uint32_t from, std::size_t count) {
    return {{from}, std::vector<wire::Hash>(count)};
}

class SynchronizerTest : public testing::Test {
protected:
    Synchronizer sync_{{.request_timeout = seconds(2), .grace = seconds(2)}};
};

TEST_F(SynchronizerTest, APeerThatIsNotAhead_IsNeverAsked) {
    sync_.set_local(heights(5, 4));
    sync_.handle_peer(at(seconds(0)), peer(1), heights(5, 4));
    EXPECT_FALSE(sync_.is_behind());
    EXPECT_FALSE(sync_.poll_request(at(seconds(100)), 0));
    EXPECT_EQ(sync_.poll_timeout(0), base::never);
}

TEST_F(SynchronizerTest, OneBlockAhead_IsLeftToGossipForTheGrace) {
    sync_.handle_peer(at(seconds(10)), peer(1), heights(1, 0));
    EXPECT_TRUE(sync_.is_behind());
    EXPECT_FALSE(sync_.poll_request(at(seconds(11)), 0));
    EXPECT_EQ(sync_.poll_timeout(0), at(seconds(12)));
    EXPECT_TRUE(sync_.poll_request(at(seconds(12)), 0));
}

TEST_F(SynchronizerTest, FarAhead_IsAskedAtOnceForTheHashesAfterFinal) {
    sync_.set_local(heights(7, 5));
    sync_.handle_peer(at(seconds(0)), peer(1), heights(90, 88));
    const auto query = sync_.poll_request(at(seconds(0)), 0);
    ASSERT_TRUE(query);
    EXPECT_EQ(query->to, peer(1));
    EXPECT_EQ(query->request, wire::SyncRequest(wire::HashesRequest{{6}, wire::hashes_max}));
    EXPECT_TRUE(sync_.is_fetching());
    EXPECT_FALSE(sync_.poll_request(at(seconds(0)), 0)) << "one request in flight";
}

TEST_F(SynchronizerTest, TheNextPage_WaitsForTheBlocksOfThisOne) {
    sync_.handle_peer(at(seconds(0)), peer(1), heights(90, 88));
    ASSERT_TRUE(sync_.poll_request(at(seconds(0)), 0));
    EXPECT_TRUE(sync_.handle_hashes(at(seconds(0)), peer(1), page(1, 32)));
    EXPECT_FALSE(sync_.poll_request(at(seconds(1)), 3));
    EXPECT_EQ(sync_.poll_timeout(3), base::never);
    sync_.set_local(heights(32, 0));
    const auto query = sync_.poll_request(at(seconds(1)), 0);
    ASSERT_TRUE(query);
    EXPECT_EQ(query->request, wire::SyncRequest(wire::HashesRequest{{33}, wire::hashes_max}));
}

TEST_F(SynchronizerTest, ASilentPeer_IsReportedAndReplaced) {
    sync_.handle_peer(at(seconds(0)), peer(1), heights(90, 88));
    sync_.handle_peer(at(seconds(0)), peer(2), heights(50, 48));
    ASSERT_EQ(sync_.poll_request(at(seconds(0)), 0)->to, peer(1));
    sync_.handle_timeout(at(milliseconds(1999)));
    EXPECT_FALSE(sync_.poll_failure());
    sync_.handle_timeout(at(seconds(2)));
    EXPECT_EQ(sync_.poll_failure(), peer(1));
    ASSERT_EQ(sync_.poll_request(at(seconds(2)), 0)->to, peer(2));
}

TEST_F(SynchronizerTest, AnAnswerNobodyAskedFor_IsRefused) {
    sync_.handle_peer(at(seconds(0)), peer(1), heights(90, 88));
    EXPECT_FALSE(sync_.handle_hashes(at(seconds(0)), peer(1), page(1, 32)));
    ASSERT_TRUE(sync_.poll_request(at(seconds(0)), 0));
    EXPECT_FALSE(sync_.handle_hashes(at(seconds(0)), peer(2), page(1, 32)));
}

TEST_F(SynchronizerTest, AFinalAboveOurs_IsNoneOfItsBusiness) {
    sync_.set_local(heights(9, 0));
    sync_.handle_peer(at(seconds(0)), peer(1), heights(9, 8));
    EXPECT_FALSE(sync_.is_behind());
    EXPECT_FALSE(sync_.poll_request(at(seconds(9)), 0));
}

TEST_F(SynchronizerTest, AForgedHeightWithNothingBehindIt_IsNotAskedInATightLoop) {
    sync_.handle_peer(at(seconds(0)), peer(1), heights(4'000'000'000, 4'000'000'000));
    ASSERT_TRUE(sync_.poll_request(at(seconds(0)), 0));
    EXPECT_FALSE(sync_.handle_hashes(at(seconds(0)), peer(1), page(1, 0)));
    EXPECT_FALSE(sync_.poll_request(at(seconds(1)), 0));
    EXPECT_TRUE(sync_.poll_request(at(seconds(2)), 0));
}

TEST_F(SynchronizerTest, ALiarsEmptyAnswer_SendsUsToAnHonestPeerAtOnce) {
    sync_.handle_peer(at(seconds(0)), peer(1), heights(4'000'000'000, 4'000'000'000));
    sync_.handle_peer(at(seconds(0)), peer(2), heights(90, 88));
    ASSERT_EQ(sync_.poll_request(at(seconds(0)), 0)->to, peer(1));
    EXPECT_FALSE(sync_.handle_hashes(at(seconds(0)), peer(1), page(1, 0)));
    // It goes on claiming; the honest peer is preferred for as long as it helps.
    sync_.handle_peer(at(seconds(9)), peer(1), heights(4'000'000'000, 4'000'000'000));
    ASSERT_EQ(sync_.poll_request(at(seconds(9)), 0)->to, peer(2));
}

TEST_F(SynchronizerTest, NamesOfBlocksNobodyHas_AreAskedForAtGrowingIntervals) {
    sync_.handle_peer(at(seconds(0)), peer(1), heights(4'000'000'000, 4'000'000'000));
    std::size_t requests = 0;
    for (int second = 0; second < 100; ++second) {
        while (sync_.poll_request(at(seconds(second)), 0)) {
            ASSERT_LT(++requests, 10U) << "in " << second << " s";
            EXPECT_TRUE(sync_.handle_hashes(at(seconds(second)), peer(1), page(1, 32)));
        }
    }
    EXPECT_GE(requests, 5U) << "but never quite given up";
    EXPECT_FALSE(sync_.is_behind()) << "nobody believes it any more";
}

TEST_F(SynchronizerTest, APageThatBeginsElsewhere_CountsAsNoAnswer) {
    sync_.set_local(heights(100, 100));
    sync_.handle_peer(at(seconds(0)), peer(1), heights(900, 900));
    ASSERT_TRUE(sync_.poll_request(at(seconds(0)), 0));
    EXPECT_FALSE(sync_.handle_hashes(at(seconds(0)), peer(1), page(1, 32)));
    EXPECT_FALSE(sync_.poll_request(at(seconds(1)), 0));
}

TEST_F(SynchronizerTest, AValidatorsClaim_ComesBeforeGreaterOnesOfStrangers) {
    sync_.handle_peer(at(seconds(0)), peer(1), heights(4'000'000'000, 4'000'000'000));
    sync_.handle_peer(at(seconds(0)), peer(2), heights(90, 88), true);
    EXPECT_EQ(sync_.poll_request(at(seconds(0)), 0)->to, peer(2));
}

TEST_F(SynchronizerTest, APageThatBroughtBlocks_ClearsThePeersName) {
    sync_.handle_peer(at(seconds(0)), peer(1), heights(900, 900));
    for (std::uint32_t from = 1, second = 0; from < 320; from += 32, ++second) {
        ASSERT_TRUE(sync_.poll_request(at(seconds(second)), 0)) << from;
        ASSERT_TRUE(sync_.handle_hashes(at(seconds(second)), peer(1), page(from, 32)));
        sync_.set_local(heights(from + 31, 0));
    }
}

TEST_F(SynchronizerTest, OurOwnHeightFallingInAReorganisation_IsNoticedWhenThePeerSpeaksAgain) {
    sync_.set_local(heights(5, 2));
    sync_.handle_peer(at(seconds(0)), peer(1), heights(5, 2));
    sync_.set_local(heights(4, 2));
    EXPECT_FALSE(sync_.poll_request(at(seconds(1)), 0));
    EXPECT_EQ(sync_.poll_timeout(0), base::never);
    sync_.handle_peer(at(seconds(1)), peer(1), heights(5, 2));
    EXPECT_EQ(sync_.poll_timeout(0), at(seconds(3)));
    EXPECT_TRUE(sync_.poll_request(at(seconds(3)), 0));
}

}  // namespace
}  // namespace meshchain::chain
