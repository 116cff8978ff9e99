#include "sim/testimony_tally.h"

#include <gtest/gtest.h>

#include "ledger/test_payments.h"

namespace meshchain::sim {
namespace {

class TestimonyTallyTest : public testing::Test {
protected:
    static ledger::Genesis with_stakes() {
        ledger::Genesis genesis = ledger::test::genesis_with(1, 1, 1000, 4);
        genesis.stakes = ledger::StakeRules{{1}, ledger::StakeRules::unbond_epochs_min, 4};
        return genesis;
    }
    void begin_epoch(std::uint32_t epoch) {
        wire::BlockHeader header;
        header.epoch = epoch;
        tally_.begin(header);
    }
    /// That it heard every other one in so many rounds.
    void testify(std::uint16_t seat, std::uint32_t epoch, std::uint8_t rounds) {
        wire::Testimony said;
        said.seat.value = seat;
        said.epoch = epoch;
        for (std::uint16_t other = 0; other < 4; ++other) {
            if (other != seat) said.heard.set_rounds({other}, rounds);
        }
        tally_.apply(said);
    }
    /// What a node would have of the election at the end of this epoch.
    wire::Roster roster(std::uint32_t ending, std::uint8_t proximity,
                        wire::Roster::Standing standing) const {
        wire::Roster made;
        made.epoch = ending + 2;
        for (std::uint16_t seat = 0; seat < 4; ++seat) {
            made.members.push_back({.seat = {seat},
                                    .identity = genesis_.validators[seat].identity,
                                    .key = genesis_.validators[seat].key,
                                    .stake = genesis_.validators[seat].stake,
                                    .proximity = proximity,
                                    .standing = standing});
        }
        return made;
    }
    std::size_t complaints(const wire::Roster& of) {
        const std::size_t before = findings_.count();
        tally_.compare("machine 0", of);
        return findings_.count() - before;
    }
    using Standing = wire::Roster::Standing;

    ledger::Genesis genesis_ = with_stakes();
    Findings findings_;
    StakeTally stakes_{genesis_, {}, findings_};
    TestimonyTally tally_{stakes_, findings_};
};

TEST_F(TestimonyTallyTest, ARosterThatSaysAnythingElse_IsFound) {
    for (std::uint16_t seat = 0; seat < 4; ++seat) testify(seat, 0, 8);
    begin_epoch(1);
    const wire::Roster right = roster(0, 255, Standing::unbound);
    EXPECT_EQ(complaints(right), 0U);
    EXPECT_EQ(complaints(roster(0, 223, Standing::unbound)), 4U);
    EXPECT_EQ(complaints(roster(0, 255, Standing::revealed)), 4U);
    wire::Roster other = right;
    other.members[3].key = ledger::test::public_key(77);
    EXPECT_EQ(complaints(other), 1U);
    other.members.pop_back();
    EXPECT_EQ(complaints(other), 1U);
    EXPECT_EQ(complaints(roster(7, 0, Standing::withheld)), 0U) << "nobody elected it here";
}

TEST_F(TestimonyTallyTest, OnlyWhatMoreThanHalfOfTheOthersConfirm_Counts) {
    testify(0, 0, 8);
    testify(1, 0, 3);
    begin_epoch(1);
    // Of seats 2 and 3 two of three others speak, of 0 and 1 one does.
    EXPECT_EQ(tally_.proximity(genesis_.validators[2].key), 3U * 255 / 8);
    EXPECT_EQ(tally_.proximity(genesis_.validators[0].key), 0U);
    EXPECT_FALSE(tally_.proximity(ledger::test::public_key(77)).has_value());
}

TEST_F(TestimonyTallyTest, WhoWasBoundAndSaysNothing_WithheldIt_AndAfterEightEpochsIsForgotten) {
    for (std::uint16_t seat = 0; seat < 4; ++seat) testify(seat, 0, 8);
    begin_epoch(1);
    for (std::uint16_t seat = 0; seat < 4; ++seat) testify(seat, 1, 8);
    begin_epoch(2);
    EXPECT_EQ(complaints(roster(1, 255, Standing::revealed)), 0U);
    EXPECT_EQ(tally_.withheld(genesis_.validators[0].key), 0U);
    begin_epoch(3);
    EXPECT_EQ(complaints(roster(2, 255, Standing::withheld)), 0U);
    EXPECT_EQ(tally_.withheld(genesis_.validators[0].key), 1U);
    begin_epoch(9);
    EXPECT_EQ(complaints(roster(8, 255, Standing::withheld)), 0U);
    begin_epoch(10);
    EXPECT_EQ(complaints(roster(9, 0, Standing::withheld)), 0U);
}

}  // namespace
}  // namespace meshchain::sim
