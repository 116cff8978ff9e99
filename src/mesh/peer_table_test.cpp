#include "mesh/peer_table.h"

#include <gtest/gtest.h>

#include "mesh/test_network.h"

namespace meshchain::mesh::test {
namespace {

using base::Instant;

TEST(Peers, TwoKeysWithOneNodeId_AreBothKeptAndFlagged) {
    PeerTable table{Options{}};
    const crypto::NodeId id = crypto::node_id(key_of(1).public_key());
    EXPECT_FALSE(table.add(Instant{}, key_of(1).public_key(), id).peer.id_shared);
    EXPECT_TRUE(table.add(Instant{}, key_of(2).public_key(), id).peer.id_shared);
    EXPECT_TRUE(table.find(key_of(1).public_key())->peer.id_shared);
    EXPECT_EQ(table.size(), 2U);
}

TEST(Peers, FullTable_ForgetsTheLongestSilentWithoutASession) {
    Options options;
    options.peers_max = 2;
    options.peers_reserved = 0;
    PeerTable table(options);
    for (std::uint8_t i = 1; i <= 20; ++i) {
        const crypto::PublicKey key = key_of(i).public_key();
        PeerEntry& entry = table.add(Instant{1s * i}, key, crypto::node_id(key));
        if (i == 1) {
            Session session{.endpoint = {.link = 0, .address = address_of(1)},
                            .work = FairBudget(Instant{}, {.per_minute = 60, .burst = 2}, 2)};
            table.open_session(entry, session);
        }
        table.check_invariants();
    }
    EXPECT_EQ(table.size(), 8U);
    EXPECT_NE(table.find(key_of(1).public_key()), nullptr);
    EXPECT_EQ(table.find(key_of(2).public_key()), nullptr);
    EXPECT_NE(table.find(key_of(20).public_key()), nullptr);
}

TEST(Peers, WhoValidatesNow_IsKnownByItsStake) {
    Options options;
    options.peers_max = 2;
    options.peers_reserved = 1;
    options.validators = {{key_of(1).public_key(), wire::Amount{5}}};
    PeerTable table(options);
    const auto add = [&](std::uint8_t number) -> PeerEntry& {
        const crypto::PublicKey key = key_of(number).public_key();
        return table.add(Instant{}, key, crypto::node_id(key));
    };
    EXPECT_TRUE(add(1).peer.is_validator);
    EXPECT_FALSE(add(2).peer.is_validator);
    table.set_validators(std::array{ValidatorIdentity{key_of(2).public_key(), wire::Amount{7}},
                                    ValidatorIdentity{key_of(3).public_key(), wire::Amount{9}}});
    EXPECT_FALSE(table.find(key_of(1).public_key())->peer.is_validator);
    EXPECT_EQ(table.find(key_of(2).public_key())->peer.stake.units, 7U);
    EXPECT_EQ(add(3).peer.stake.units, 9U);
}

TEST(Peers, Scores_GradeAsTheSourcesNameThem) {
    EXPECT_EQ(grade(PeerScore(100)), "EXCELLENT");
    EXPECT_EQ(grade(PeerScore(99)), "GOOD");
    EXPECT_EQ(grade(PeerScore(74)), "FAIR");
    EXPECT_EQ(grade(PeerScore(49)), "POOR");
    EXPECT_EQ(grade(PeerScore(0)), "FAILED");
    PeerScore score;
    for (int i = 0; i < 200; ++i) score.reward();
    EXPECT_EQ(score.value(), PeerScore::excellent);
    for (int i = 0; i < 4; ++i) score.punish();
    EXPECT_TRUE(score.is_failed());
}

}  // namespace
}  // namespace meshchain::mesh::test
