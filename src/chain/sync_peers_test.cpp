#include "chain/sync_peers.h"

#include <gtest/gtest.h>

#include "chain/test_peer.h"

namespace meshchain::chain {
namespace {

using std::chrono::seconds;
using test::peer;

base::Instant at(seconds time) { return base::Instant{time}; }

/// Draws whom the test names, and remembers between whom it could have drawn.
class NamedChoice final : public wire::PeerChoice {
public:
    std::vector<crypto::PublicKey> choose_peers(const Wish& wish) override {
        excluded.assign(wish.excluded.begin(), wish.excluded.end());
        ++draws;
        if (!named) return {};
        return {*named};
    }
    std::optional<crypto::PublicKey> named;
    std::vector<crypto::PublicKey> excluded;
    int draws = 0;
};

class SyncPeersTest : public testing::Test {
protected:
    SyncPeersTest() {
        for (int number : {1, 2, 3}) peers_.note_claim(peer(number), {10}, false);
    }
    NamedChoice choice_;
    SyncPeers peers_{&choice_};
};

TEST_F(SyncPeersTest, AmongEquals_TheMeshDraws) {
    for (int number : {2, 3, 1}) {
        choice_.named = peer(number);
        EXPECT_EQ(peers_.choose(at(seconds(0)), {10}), peer(number));
        EXPECT_TRUE(choice_.excluded.empty());
    }
    EXPECT_EQ(peers_.choose(at(seconds(0)), {11}), std::nullopt) << "nobody claims so much";
}

TEST_F(SyncPeersTest, WhoIsNotAsGood_IsExcludedFromTheDraw) {
    peers_.note_claim(peer(4), {9}, false);
    peers_.note_silent(at(seconds(0)), peer(3));
    choice_.named = peer(2);
    EXPECT_EQ(peers_.choose(at(seconds(2)), {10}), peer(2));
    EXPECT_EQ(choice_.excluded, (std::vector{peer(3), peer(4)}))
        << "one was silent, one claims too little";
}

TEST_F(SyncPeersTest, AValidator_IsAskedBeforeStrangers_AsLongAsItHasRoom) {
    peers_.note_claim(peer(9), {10}, true);
    for (unsigned i = 0; i < SyncPeers::in_flight_first; ++i) {
        EXPECT_EQ(peers_.choose(at(seconds(0)), {10}), peer(9));
        peers_.note_asked(peer(9));
    }
    EXPECT_EQ(choice_.draws, 0) << "there was nothing to draw";
    choice_.named = peer(2);
    EXPECT_EQ(peers_.choose(at(seconds(0)), {10}), peer(2));
}

TEST_F(SyncPeersTest, WhomTheMeshAloneKnows_IsNotAsked) {
    choice_.named = peer(77);
    EXPECT_TRUE(peers_.choose(at(seconds(0)), {10}));
    EXPECT_NE(peers_.choose(at(seconds(0)), {10}), peer(77));
    choice_.named.reset();
    EXPECT_TRUE(peers_.choose(at(seconds(0)), {10}));
}

TEST_F(SyncPeersTest, OnWhoKeepsSilentAgainAndAgain_NobodyCounts) {
    EXPECT_TRUE(peers_.is_held({10}));
    EXPECT_FALSE(peers_.is_held({11}));
    for (unsigned i = 0; i < SyncPeers::silences_believed; ++i) {
        for (int number : {1, 2}) peers_.note_silent(at(seconds(0)), peer(number));
    }
    EXPECT_TRUE(peers_.is_held({10}));
    peers_.forget(peer(3));
    EXPECT_FALSE(peers_.is_held({10}));
    peers_.note_delivered(peer(1));
    EXPECT_TRUE(peers_.is_held({10}));
}

}  // namespace
}  // namespace meshchain::chain
