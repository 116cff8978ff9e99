// One engine against whatever may be handed to it: hostile headers and votes, a failing disk,
// power cuts between signing and sending.

#include "consensus/engine.h"

#include <gtest/gtest.h>

#include "consensus/test_network.h"
#include "kv/faulty_store.h"

namespace meshchain::consensus::test {
namespace {

/// Node 0 of four, at slot 10, its clock checked; the others are signed for by hand.
class EngineTest : public testing::Test {
protected:
    EngineTest() {
        net_.start(0);
        at_slot(10);
        for (std::size_t i = 1; i < 3; ++i)
            engine().handle_clock_sample(now_, test_identity(i), wire::Slot{10});
        EXPECT_TRUE(engine().is_clock_checked());
        drain();
    }

    Engine& engine() { return net_.engine(0); }
    void at_slot(std::uint32_t slot, int ms = 0) {
        now_ = net_.schedule().start_of(wire::Slot{slot}) + Milliseconds{ms};
    }
    std::vector<Event> drain() {
        std::vector<Event> events;
        engine().handle_timeout(now_);
        while (auto event = engine().poll_event(now_)) events.push_back(*event);
        return events;
    }
    template <class Kind>
    static std::size_t count(const std::vector<Event>& events) {
        return static_cast<std::size_t>(std::ranges::count_if(
            events, [](const Event& event) { return std::holds_alternative<Kind>(event); }));
    }

    wire::BlockHeader header_of(std::uint32_t slot, std::uint8_t rank = 0, std::uint8_t salt = 0) {
        const Leaders leaders = net_.schedule().leaders(wire::Slot{slot});
        return net_.make_header(engine().head(), wire::Slot{slot}, rank, leaders.ranked()[rank],
                                salt);
    }
    BlockRef add(std::uint32_t slot, std::uint8_t salt = 0) {
        const auto block = engine().verify_header(now_, net_.sign(header_of(slot, 0, salt)));
        EXPECT_TRUE(block.has_value());
        EXPECT_TRUE(engine().add_block(now_, *block).has_value());
        engine().mark_executed(block->hash);
        return *block;
    }
    base::Errc error_of(const wire::BlockHeader& header) {
        return engine().verify_header(now_, header).error().code;
    }
    static wire::Vote vote_from(std::uint16_t validator, std::uint32_t round,
                                const wire::Checkpoint& source, const Hash& target) {
        wire::Vote vote;
        vote.validator = {validator};
        vote.round = {round};
        vote.source = source;
        vote.target = target;
        return vote;
    }
    wire::Vote vote(std::uint16_t validator, std::uint32_t round, const Hash& target) {
        return vote_from(validator, round, engine().final(), target);
    }
    wire::Verdict hand(const wire::Vote& vote) { return engine().handle_vote(now_, vote); }
    wire::Verdict hand_signed(const wire::Vote& vote) { return hand(net_.sign(vote)); }

    TestNetwork net_{NetworkOptions{}};
    WallTime now_{};
};

TEST_F(EngineTest, HeaderThatNobodyMaySign_IsRefused) {
    wire::BlockHeader header = header_of(9);
    EXPECT_EQ(error_of(header), base::Errc::bad_signature);
    header.rank = 1;
    EXPECT_EQ(error_of(net_.sign(header)), base::Errc::unauthorized);
    header = header_of(9);
    header.proposer = {60};
    EXPECT_EQ(error_of(header), base::Errc::unauthorized);
    header = header_of(9);
    header.epoch = 1;
    EXPECT_EQ(error_of(net_.sign(header)), base::Errc::unsupported);
    EXPECT_EQ(error_of(net_.sign(header_of(12))), base::Errc::future);
    header = header_of(9);
    header.slot = {0};
    EXPECT_EQ(error_of(net_.sign(header)), base::Errc::stale);
}

TEST_F(EngineTest, TwoBlocksInOneSlot_AreBothKeptAndProven_AThirdOnlyOnRequest) {
    const auto one = engine().verify_header(now_, net_.sign(header_of(9, 0, 1)));
    const auto two = engine().verify_header(now_, net_.sign(header_of(9, 0, 2)));
    ASSERT_TRUE(one.has_value() && two.has_value());
    const auto events = drain();
    ASSERT_EQ(count<EvidenceFound>(events), 1U);
    EXPECT_EQ(engine().equivocators(), bit(one->proposer));
    const wire::BlockHeader third = net_.sign(header_of(9, 0, 3));
    EXPECT_EQ(error_of(third), base::Errc::conflict);
    EXPECT_TRUE(engine().verify_header(now_, third, Arrival::requested).has_value());
}

TEST_F(EngineTest, VoteThatIsWrong_IsPunished_OneThatIsEarlyIsIgnored) {
    const BlockRef block = add(9);
    EXPECT_EQ(hand(vote(1, 10, block.hash)), wire::Verdict::punish);
    EXPECT_EQ(hand_signed(vote(1, 0, block.hash)), wire::Verdict::punish);
    wire::Vote heard_of_nobody = vote(1, 10, block.hash);
    heard_of_nobody.heard = 1 << 4;
    EXPECT_EQ(hand_signed(heard_of_nobody), wire::Verdict::punish);
    wire::Vote stranger = vote(1, 10, block.hash);
    stranger.validator = {4};
    EXPECT_EQ(hand(stranger), wire::Verdict::punish);
    EXPECT_EQ(hand_signed(vote(1, 12, block.hash)), wire::Verdict::ignore);
    EXPECT_EQ(hand_signed(vote(1, 11, block.hash)), wire::Verdict::relay);
    EXPECT_EQ(hand_signed(vote(1, 11, block.hash)), wire::Verdict::ignore);
}

TEST_F(EngineTest, DoubleVote_IsRelayedAndProven_AndItsMakerCountsNothing) {
    const BlockRef block = add(9);
    EXPECT_EQ(hand_signed(vote(1, 10, block.hash)), wire::Verdict::relay);
    EXPECT_EQ(hand_signed(vote(1, 10, Hash{})), wire::Verdict::relay);
    const auto events = drain();
    ASSERT_EQ(count<EvidenceFound>(events), 1U);
    EXPECT_EQ(engine().equivocators(), bit({1}));
    EXPECT_EQ(hand_signed(vote(1, 10, engine().final().block)), wire::Verdict::ignore)
        << "the first says all that it says";
}

TEST_F(EngineTest, EvidenceFromOthers_ConvictsOnce_AndFalseEvidenceIsPunished) {
    const BlockRef block = add(9);
    const wire::Vote one = net_.sign(vote(2, 10, block.hash));
    const wire::Vote two = net_.sign(vote(2, 10, engine().final().block));
    EXPECT_EQ(engine().handle_evidence(now_, wire::VoteEvidence{one, one}), wire::Verdict::punish);
    wire::Vote forged = two;
    forged.signature.bytes[3] ^= std::byte{1};
    EXPECT_EQ(engine().handle_evidence(now_, wire::VoteEvidence{one, forged}),
              wire::Verdict::punish);
    const wire::VoteEvidence proof = make_evidence(one, two);
    EXPECT_EQ(engine().handle_evidence(now_, wire::VoteEvidence{proof.second, proof.first}),
              wire::Verdict::punish);  // it would not parse when read back
    EXPECT_EQ(engine().handle_evidence(now_, proof), wire::Verdict::relay);
    EXPECT_EQ(engine().handle_evidence(now_, make_evidence(one, two)), wire::Verdict::ignore);
    net_.crash(0);
    net_.start(0);
    EXPECT_EQ(engine().equivocators(), bit({2}));  // it was written down
}

TEST_F(EngineTest, VoteForAnUnknownBlock_IsKeptAndTheBlockAskedFor) {
    const wire::BlockHeader header = net_.sign(header_of(9));
    const Hash hash = net_.hash_of(header);
    for (std::uint16_t i = 1; i < 4; ++i)
        EXPECT_EQ(hand_signed(vote(i, 10, hash)), wire::Verdict::relay);
    EXPECT_EQ(count<NeedBlock>(drain()), 1U);
    const auto block = engine().verify_header(now_, header, Arrival::requested);
    ASSERT_TRUE(engine().add_block(now_, *block).has_value());
    EXPECT_EQ(engine().justified().block, hash);
}

TEST_F(EngineTest, UnexecutedBlock_IsNotVotedFor) {
    const auto block = engine().verify_header(now_, net_.sign(header_of(9)));
    ASSERT_TRUE(engine().add_block(now_, *block).has_value());
    at_slot(10, 500);
    EXPECT_EQ(count<SendVote>(drain()), 0U);
    engine().mark_executed(block->hash);
    EXPECT_EQ(count<SendVote>(drain()), 1U);
    EXPECT_EQ(count<SendVote>(drain()), 0U);
}

TEST_F(EngineTest, CertificateOfABlockThatIsNotApplied_MakesItFinalOnlyOnceItIs) {
    const auto block = engine().verify_header(now_, net_.sign(header_of(7)));
    ASSERT_TRUE(engine().add_block(now_, *block).has_value());
    engine().mark_executed(block->hash);
    engine().mark_reverted(block->hash);
    const wire::Checkpoint genesis = engine().final();
    const wire::Checkpoint proven{{8}, block->slot, block->hash};
    for (std::uint16_t i = 1; i < 4; ++i) {
        wire::Vote second = vote(i, 9, block->hash);
        second.source = proven;
        hand_signed(second);
    }
    EXPECT_EQ(engine().final(), genesis);
    EXPECT_EQ(engine().head().hash, block->hash) << "the head leads to what has to be applied";
    at_slot(12, 0);
    EXPECT_EQ(engine().head().hash, block->hash);
    engine().check_invariants();
    engine().mark_executed(block->hash);
    EXPECT_EQ(engine().final(), proven);
    engine().check_invariants();
}

TEST_F(EngineTest, StoredBlock_IsTakenThoughTheClockIsBehindIt) {
    const wire::BlockHeader header = net_.sign(header_of(9));
    const WallTime early = now_ - std::chrono::hours(1);
    EXPECT_EQ(engine().verify_header(early, header).error().code, base::Errc::future);
    const auto block = engine().verify_header(early, header, Arrival::stored);
    ASSERT_TRUE(block.has_value());
    EXPECT_TRUE(engine().add_block(early, *block).has_value());
    EXPECT_EQ(engine().head().hash, block->hash);
}

TEST_F(EngineTest, InvalidBlock_LeavesTheHead) {
    const BlockRef block = add(9);
    EXPECT_EQ(engine().head().hash, block.hash);
    engine().mark_invalid(block.hash);
    EXPECT_EQ(engine().head().hash, engine().final().block);
    at_slot(10, 500);
    EXPECT_EQ(count<SendVote>(drain()), 0U);
}

TEST_F(EngineTest, ACondemnedBlockThatTheStakeMakesFinal_IsFetchedAgainAndFollowed) {
    const BlockRef block = add(8);
    engine().mark_reverted(block.hash);
    engine().mark_invalid(block.hash);
    ASSERT_EQ(engine().head().hash, engine().final().block);
    for (std::uint16_t i = 1; i < 4; ++i) {
        wire::Vote final = vote(i, 10, block.hash);
        final.source = {{9}, block.slot, block.hash};
        hand_signed(final);
    }
    EXPECT_EQ(count<CondemnedIsFinal>(drain()), 1U);
    EXPECT_EQ(engine().head().hash, block.hash);
    EXPECT_NE(engine().final().block, block.hash) << "not before it is executed";
    engine().mark_executed(block.hash);
    EXPECT_EQ(engine().final().block, block.hash);
    engine().check_invariants();
}

TEST_F(EngineTest, AStoreThatFails_StopsVotesAndFinality_UntilItWorksAgain) {
    const wire::BlockHeader header = header_of(8);
    net_.crash(0);
    auto memory = kv::MemoryStore::open(net_.node(0).medium, {.tables = tables, .quota_bytes = 0});
    kv::FaultyStore store(**memory);
    Engine failing(net_.params(), net_.validators(), store, vote_table, test_key(0),
                   base::Random{9}, base::Log{});
    ASSERT_TRUE(failing.load(now_).has_value());
    const auto block = failing.verify_header(now_, net_.sign(header));
    ASSERT_TRUE(failing.add_block(now_, *block).has_value());
    failing.mark_executed(block->hash);
    const wire::Checkpoint justified{{9}, block->slot, block->hash};
    store.fail_commit(0, kv::CommitFault::refused);
    for (std::uint16_t i = 1; i < 4; ++i) {
        failing.handle_vote(now_, net_.sign(vote_from(i, 10, justified, block->hash)));
    }
    ASSERT_TRUE(failing.fault().has_value());
    EXPECT_EQ(failing.final_block().height.value, 0U) << "it is not on the disk";
    for (std::size_t i = 1; i < 4; ++i) {
        failing.handle_clock_sample(now_, test_identity(i), wire::Slot{10});
    }
    at_slot(10, 900);
    failing.handle_timeout(now_);
    while (const auto event = failing.poll_event(now_)) {
        EXPECT_FALSE(std::holds_alternative<SendVote>(*event));
    }
    failing.resume();
    failing.mark_executed(block->hash);
    failing.handle_vote(now_, net_.sign(vote_from(0, 10, justified, block->hash)));
    EXPECT_EQ(failing.final_block().hash, block->hash);
}

TEST_F(EngineTest, PowerCutBetweenSigningAndSending_TheSameBytesGoOut) {
    add(9);
    at_slot(10, 500);
    const auto before = drain();
    ASSERT_EQ(count<SendVote>(before), 1U);
    wire::Vote lost;
    for (const Event& event : before) {
        if (const auto* sent = std::get_if<SendVote>(&event)) lost = sent->vote;
    }
    net_.crash(0);
    auto store = kv::MemoryStore::open(net_.node(0).medium, {.tables = tables, .quota_bytes = 0});
    Engine reborn(net_.params(), net_.validators(), **store, vote_table, test_key(0),
                  base::Random{9}, base::Log{});
    ASSERT_TRUE(reborn.load(now_).has_value());
    reborn.handle_timeout(now_);
    bool resent = false;
    while (const auto event = reborn.poll_event(now_)) {
        EXPECT_FALSE(std::holds_alternative<SendVote>(*event));
        const auto* votes = std::get_if<ResendVotes>(&*event);
        resent = resent || (votes != nullptr && votes->votes == std::vector{lost});
    }
    EXPECT_TRUE(resent);
}

TEST_F(EngineTest, OwnVoteThisNodeNeverMade_StopsItFromContradicting) {
    const BlockRef block = add(9);
    EXPECT_EQ(hand_signed(vote(0, 10, engine().final().block)), wire::Verdict::relay);
    at_slot(10, 500);
    EXPECT_EQ(count<SendVote>(drain()), 0U);
    at_slot(11, 500);
    EXPECT_EQ(count<SendVote>(drain()), 1U);
    EXPECT_EQ(engine().head().hash, block.hash);
}

TEST_F(EngineTest, Duty_OnlyWhileLeadingAndNotBehindALowerRank) {
    for (std::uint32_t slot = 11; slot < 40; ++slot) {
        const auto rank = net_.schedule().leaders(wire::Slot{slot}).rank_of({0});
        at_slot(slot);
        EXPECT_EQ(engine().proposal_duty(now_).has_value(), rank == 0) << slot;
        if (!rank || *rank == 0) continue;
        now_ = net_.schedule().proposal_time(wire::Slot{slot}, *rank);
        EXPECT_TRUE(engine().proposal_duty(now_).has_value());
        at_slot(slot, 1);
        add(slot);
        now_ = net_.schedule().proposal_time(wire::Slot{slot}, *rank);
        EXPECT_FALSE(engine().proposal_duty(now_).has_value());
    }
}

TEST_F(EngineTest, SecondBlockInASlot_IsNeverSigned_AlsoAfterARestart) {
    std::uint32_t slot = 11;
    while (net_.schedule().leaders(wire::Slot{slot}).rank_of({0}) != 0) ++slot;
    at_slot(slot);
    EXPECT_EQ(engine().next_proposal_time(now_), now_);
    wire::Block block;
    block.header = header_of(slot, 0, 1);
    const auto signed_ref = engine().sign_block(now_, block);
    ASSERT_TRUE(signed_ref.has_value());
    EXPECT_TRUE(engine().verify_header(now_, block.header).has_value());
    wire::Block second;
    second.header = header_of(slot, 0, 2);
    EXPECT_EQ(engine().sign_block(now_, second).error().code, base::Errc::unauthorized);
    EXPECT_GT(engine().next_proposal_time(now_), now_);
    net_.crash(0);
    net_.start(0);
    engine().handle_clock_sample(now_, test_identity(1), wire::Slot{slot});
    engine().handle_clock_sample(now_, test_identity(2), wire::Slot{slot});
    EXPECT_EQ(engine().last_own_block(), block);
    EXPECT_FALSE(engine().proposal_duty(now_).has_value());
}

TEST_F(EngineTest, UncheckedClock_AsksThoseNotHeardAndOnlyThem_AfterASlot) {
    const auto asked = [&] {
        std::vector<crypto::PublicKey> validators;
        for (const Event& event : drain()) {
            const auto* question = std::get_if<AskClocks>(&event);
            if (question != nullptr) validators = question->validators;
        }
        return std::set(validators.begin(), validators.end());
    };
    at_slot(20);
    EXPECT_TRUE(asked().empty()) << "a checked clock asks nobody";
    engine().handle_clock_step(now_);
    EXPECT_TRUE(asked().empty()) << "at first those in reach have their say";
    engine().handle_clock_sample(now_, test_identity(1), wire::Slot{20});
    engine().handle_clock_sample(now_, test_identity(2), wire::Slot{25});
    at_slot(21);
    EXPECT_EQ(asked(), std::set({test_identity(2), test_identity(3)}));
    at_slot(22);
    EXPECT_TRUE(asked().empty()) << "the pause is doubled";
    at_slot(23);
    EXPECT_EQ(asked().size(), 2U);
    engine().handle_clock_sample(now_, test_identity(3), wire::Slot{22});
    EXPECT_TRUE(engine().is_clock_checked());
    at_slot(90);
    EXPECT_TRUE(asked().empty());
}

TEST_F(EngineTest, FullTree_RefusesBlocksAndProposesNothing) {
    net_.crash(0);
    auto store = kv::MemoryStore::open(net_.node(0).medium, {.tables = tables, .quota_bytes = 0});
    Engine small(net_.params(), net_.validators(), **store, vote_table, test_key(0),
                 base::Random{9}, base::Log{}, Limits{.blocks = 2, .rounds = 8, .headers = 8});
    ASSERT_TRUE(small.load(now_).has_value());
    BlockRef parent = small.head();
    const auto add_to_small = [&](std::uint32_t slot) {
        const Leaders leaders = net_.schedule().leaders(wire::Slot{slot});
        const auto block = small.verify_header(
            now_, net_.sign(net_.make_header(parent, wire::Slot{slot}, 0, leaders.ranked()[0], 0)));
        parent = *block;
        return small.add_block(now_, *block);
    };
    EXPECT_TRUE(add_to_small(5).has_value());
    EXPECT_EQ(add_to_small(6).error().code, base::Errc::full);
    EXPECT_TRUE(small.is_full());
    EXPECT_FALSE(small.proposal_duty(now_).has_value());
}

TEST_F(EngineTest, Adopt_TakesAProvenFinalAndNothingLess) {
    const BlockRef block = add(7);
    BlockRef far = block;
    far.hash.bytes[5] ^= std::byte{1};
    far.height = {1000};
    far.slot = {8};
    wire::Certificate certificate;
    certificate.final = {{8}, far.slot, far.hash};
    for (std::uint16_t i = 1; i < 4; ++i) {
        wire::Vote one = vote(i, 9, far.hash);
        one.source = certificate.final;
        certificate.votes.push_back(net_.sign(one));
    }
    wire::Certificate thin = certificate;
    thin.votes.pop_back();
    EXPECT_EQ(engine().adopt(now_, thin, far).error().code, base::Errc::malformed);
    wire::Certificate twice = thin;
    twice.votes.push_back(twice.votes.back());
    EXPECT_EQ(engine().adopt(now_, twice, far).error().code, base::Errc::malformed);
    wire::Certificate forged = certificate;
    forged.votes[0].signature.bytes[0] ^= std::byte{1};
    EXPECT_EQ(engine().adopt(now_, forged, far).error().code, base::Errc::bad_signature);
    EXPECT_EQ(engine().adopt(now_, certificate, block).error().code, base::Errc::malformed);
    ASSERT_TRUE(engine().adopt(now_, certificate, far).has_value());
    EXPECT_EQ(engine().final_block().height.value, 1000U);
    EXPECT_EQ(engine().certificate(), certificate);
    EXPECT_EQ(engine().adopt(now_, certificate, far).error().code, base::Errc::stale);
    engine().check_invariants();
    net_.crash(0);
    net_.start(0);
    EXPECT_EQ(engine().final(), certificate.final);
    EXPECT_EQ(engine().head().hash, far.hash);
}

TEST_F(EngineTest, RequestForVotesOfLongAgo_IsAnsweredWithTheCertificate) {
    const BlockRef block = add(7);
    const wire::Checkpoint genesis = engine().final();
    for (std::uint16_t i = 1; i < 4; ++i) hand_signed(vote(i, 8, block.hash));
    for (std::uint16_t i = 1; i < 4; ++i) {
        wire::Vote second = vote(i, 9, block.hash);
        second.source = {{8}, block.slot, block.hash};
        hand_signed(second);
    }
    ASSERT_EQ(engine().final().block, block.hash);
    EXPECT_NE(engine().final(), genesis);
    drain();
    EXPECT_EQ(engine().handle_vote_request(now_, {{3}, 0}), wire::Verdict::keep);
    at_slot(10, 400);
    const auto events = drain();
    ASSERT_EQ(count<ResendVotes>(events), 1U);
    for (const Event& event : events) {
        const auto* resent = std::get_if<ResendVotes>(&event);
        if (resent == nullptr) continue;
        EXPECT_EQ(resent->votes, engine().certificate()->votes);
    }
    EXPECT_EQ(engine().handle_vote_request(now_, {{99}, 0}), wire::Verdict::ignore);
}

TEST_F(EngineTest, QuestionThatAllHeard_IsNotAskedAgain_UnlessItWantsLessThanWeMiss) {
    const BlockRef block = add(9);
    hand_signed(vote(1, 10, block.hash));
    drain();
    // In the second half of the round votes are missing here.
    const wire::Round round{10};
    engine().handle_vote_request(now_, {round, bit({1}) | bit({2})}, true);
    at_slot(10, 750);
    EXPECT_EQ(count<RequestVotes>(drain()), 1U) << "that question leaves one out";
    engine().handle_vote_request(now_, {round, bit({1})}, true);
    at_slot(11, 100);
    drain();
    engine().handle_vote_request(now_, {{11}, 0}, false);
    at_slot(11, 750);
    EXPECT_EQ(count<RequestVotes>(drain()), 1U) << "nobody else heard it";
    at_slot(12, 400);
    drain();
    engine().handle_vote_request(now_, {{12}, 0}, true);
    at_slot(12, 750);
    EXPECT_EQ(count<RequestVotes>(drain()), 0U);
}

TEST(VoteStore, DamagedRecord_StopsTheNode) {
    TestNetwork net(NetworkOptions{});
    net.start(0);
    net.crash(0);
    const std::byte record[] = {std::byte{'r'}};
    net.node(0).medium->flip_bit(vote_table, record, 7);
    auto store = kv::MemoryStore::open(net.node(0).medium, {.tables = tables, .quota_bytes = 0});
    Engine engine(net.params(), net.validators(), **store, vote_table, test_key(0), base::Random{1},
                  base::Log{});
    EXPECT_EQ(engine.load(net.now()).error().code, base::Errc::corrupt);
}

TEST(VoteStore, RecordOfAnotherKey_IsRefused_AndNoneIsOverwritten) {
    const auto store = kv::make_memory_store(tables);
    ASSERT_TRUE(VoteStore::create(*store, vote_table, test_key(1).public_key()).has_value());
    EXPECT_EQ(VoteStore::create(*store, vote_table, test_key(0).public_key()).error().code,
              base::Errc::exists);
    TestNetwork net(NetworkOptions{});
    Engine engine(net.params(), net.validators(), *store, vote_table, test_key(0), base::Random{1},
                  base::Log{});
    EXPECT_EQ(engine.load(net.now()).error().code, base::Errc::conflict);
}

}  // namespace
}  // namespace meshchain::consensus::test
