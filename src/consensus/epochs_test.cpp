#include "consensus/epochs.h"

#include "consensus/certificate.h"
#include "consensus/test_network.h"

namespace meshchain::consensus::test {
namespace {

/// Of these validators, each with a stake of 1.
wire::Roster roster(std::uint32_t epoch, const std::vector<std::uint16_t>& seats,
                    std::uint32_t elected = 0) {
    wire::Roster made{epoch, {elected}, {}, {}};
    for (const std::uint16_t seat : seats) {
        made.members.push_back({{seat}, test_identity(seat), test_key(seat).public_key(), {1}});
    }
    return made;
}
ValidatorBits bits(const std::vector<std::uint16_t>& seats) {
    ValidatorBits all = 0;
    for (const std::uint16_t seat : seats) all |= bit({seat});
    return all;
}

/// FINAL in epoch 4: 0 … 3 voted in the epoch before, 2 … 5 do now, and 4 … 7 will.
class EpochSetsTest : public testing::Test {
protected:
    wire::Certificate certificate(const std::vector<std::uint16_t>& voters) const {
        wire::Certificate made{{{9}, {9}, filled(7)}, {}};
        for (const std::uint16_t voter : voters) {
            wire::Vote vote;
            vote.validator = {voter};
            vote.round = {10};
            vote.source = made.final;
            vote.target = made.final.block;
            const crypto::SigningKey key = test_key(voter);
            vote.signature = key.sign(preimage(chain_, vote, key.public_key()));
            made.votes.push_back(vote);
        }
        return made;
    }
    bool is_believed(std::uint32_t epoch, const std::vector<std::uint16_t>& voters) const {
        return verify_certificate(chain_, epochs_, epoch, certificate(voters)).has_value();
    }
    static Hash filled(int byte) {
        Hash hash;
        hash.bytes.fill(static_cast<std::byte>(byte));
        return hash;
    }

    const wire::ChainId chain_ = filled(0xcc);
    Epochs epochs_{{roster(3, {0, 1, 2, 3}), roster(4, {2, 3, 4, 5}), roster(5, {4, 5, 6, 7}, 60)},
                   40};
};

TEST_F(EpochSetsTest, ACertificate_NeedsTheSetOfItsBlockAndTheOneBefore) {
    EXPECT_TRUE(is_believed(4, {0, 1, 2, 3, 4}));
    EXPECT_FALSE(is_believed(4, {0, 1, 2, 3})) << "the old set alone";
    EXPECT_FALSE(is_believed(4, {2, 3, 4, 5})) << "the new set alone";
    EXPECT_TRUE(is_believed(5, {2, 3, 4, 5, 6}));
    EXPECT_FALSE(is_believed(5, {2, 3, 4, 5})) << "of the new epoch, by those of the one before";
    EXPECT_FALSE(is_believed(5, {4, 5, 6, 7}));
}

TEST_F(EpochSetsTest, WhoCountsInNeitherSet_HasNoPlaceInACertificate) {
    EXPECT_FALSE(is_believed(5, {1, 2, 3, 4, 5, 6})) << "1 left an epoch before";
    EXPECT_FALSE(is_believed(4, {0, 1, 2, 3, 4, 6})) << "6 has not come yet";
}

TEST_F(EpochSetsTest, AnEpochWhoseSetNobodyHasShown_IsNeverBelieved) {
    const std::vector<std::uint16_t> everybody{0, 1, 2, 3, 4, 5, 6, 7};
    EXPECT_FALSE(epochs_.knows(6));
    EXPECT_FALSE(epochs_.knows(2));
    for (const std::uint32_t epoch : {0U, 2U, 6U, UINT32_MAX}) {
        const auto judged = verify_certificate(chain_, epochs_, epoch, certificate(everybody));
        ASSERT_FALSE(judged.has_value());
        EXPECT_EQ(judged.error().code, base::Errc::unavailable);
    }
}

TEST_F(EpochSetsTest, WhenFinalEntersTheNextEpoch_TheOldestSetIsForgotten) {
    EXPECT_EQ(epochs_.rise_from(), wire::Slot{100});
    epochs_.advance(roster(6, {7}, 110));
    EXPECT_EQ(epochs_.now(), 5U);
    EXPECT_FALSE(epochs_.knows(3));
    EXPECT_TRUE(epochs_.is_quorum(6, bits({4, 5, 7})));
    EXPECT_FALSE(epochs_.is_quorum(6, bits({4, 5, 6}))) << "without the new set";
    EXPECT_EQ(epochs_.voters().all(), bits({2, 3, 4, 5, 6, 7}));
    EXPECT_FALSE(epochs_.voters().contains({0})) << "an empty seat";
    EXPECT_EQ(epochs_.rise_from(), wire::Slot{150});
}

TEST(EpochsOfManyTest, StakesThatTogetherExceedTheSupply_StillWeigh) {
    const auto rich = [](std::uint32_t epoch, std::uint16_t seat) {
        wire::Roster made = roster(epoch, {seat});
        made.members.front().stake.units = wire::Amount::units_max;
        return made;
    };
    const Epochs epochs({rich(3, 0), rich(4, 1), rich(5, 2)}, 4);
    EXPECT_EQ(epochs.voters().all(), bits({0, 1, 2}));
    EXPECT_TRUE(epochs.is_quorum(5, bits({1, 2})));
    EXPECT_FALSE(epochs.is_quorum(5, bits({2})));
}

TEST(EpochsOfManyTest, AChainOfGenesisStakes_HasOneEpoch) {
    const Epochs epochs(test_validators({1, 1, 1, 1}));
    EXPECT_TRUE(epochs.knows(0));
    EXPECT_FALSE(epochs.knows(1));
    EXPECT_EQ(epochs.rise_from(), std::nullopt);
    EXPECT_FALSE(epochs.may_be_outdated({UINT32_MAX}));
    EXPECT_TRUE(epochs.is_quorum(0, bits({0, 1, 2})));
}

}  // namespace
}  // namespace meshchain::consensus::test
