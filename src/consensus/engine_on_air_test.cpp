// One engine whose votes travel on air that all share: what it does without, and how long it leaves
// an answer to others.

#include <gtest/gtest.h>

#include "consensus/engine.h"
#include "consensus/test_network.h"

namespace meshchain::consensus::test {
namespace {

constexpr Milliseconds quarter{1000};
constexpr wire::Round round_10{10};

/// An engine of the first of four, or of nobody, at slot 10 with a block of slot 9 to vote for. The
/// others are signed for by hand.
class EngineOnAirTest : public testing::Test {
protected:
    struct Happened {
        Milliseconds after;  ///< since the round of `run` began
        Event event;
    };

    /// `on_air` false: the same engine where nobody counts the questions.
    void start_validator(bool on_air = true) { start(test_key(0), on_air); }
    void start_follower(bool on_air = true) { start(std::nullopt, on_air); }
    Engine& engine() { return *engine_; }

    void at(std::uint32_t round, Milliseconds after = {}) {
        now_ = net_.schedule().start_of(wire::Round{round}) + after;
    }
    /// What it does in this round from `from` on.
    std::vector<Happened> run(std::uint32_t round, Milliseconds from = {}) {
        std::vector<Happened> happened;
        for (Milliseconds after = from; after < 4 * quarter; after += Milliseconds{10}) {
            at(round, after);
            engine().handle_timeout(now_);
            while (auto event = engine().poll_event(now_)) happened.push_back({after, *event});
        }
        return happened;
    }
    /// The rounds it asks for, in order.
    static std::vector<std::uint32_t> asked(const std::vector<Happened>& happened) {
        std::vector<std::uint32_t> rounds;
        for (const Happened& each : happened) {
            const auto* question = std::get_if<RequestVotes>(&each.event);
            if (question != nullptr) rounds.push_back(question->request.round.value);
        }
        return rounds;
    }
    /// Whose votes it repeats, and when; a vote that it repeats twice is there twice.
    static std::multimap<std::uint16_t, Milliseconds> repeated(
        const std::vector<Happened>& happened) {
        std::multimap<std::uint16_t, Milliseconds> votes;
        for (const Happened& each : happened) {
            const auto* resent = std::get_if<ResendVotes>(&each.event);
            if (resent == nullptr) continue;
            for (const wire::Vote& vote : resent->votes) {
                votes.emplace(vote.validator.value, each.after);
            }
        }
        return votes;
    }

    BlockRef add(std::uint32_t slot) {
        const Leaders leaders = net_.schedule().leaders(wire::Slot{slot});
        const auto header = net_.sign(
            net_.make_header(engine().head(), wire::Slot{slot}, 0, leaders.ranked()[0], 0));
        const auto block = engine().verify_header(now_, header);
        EXPECT_TRUE(block.has_value());
        EXPECT_TRUE(engine().add_block(now_, *block).has_value());
        engine().mark_executed(block->hash);
        return *block;
    }
    wire::Vote vote(std::uint16_t validator, std::uint32_t round,
                    const wire::Checkpoint& source) const {
        wire::Vote vote;
        vote.validator = {validator};
        vote.round = {round};
        vote.source = source;
        vote.target = block_.hash;
        return net_.sign(vote);
    }
    wire::Vote vote(std::uint16_t validator, std::uint32_t round) const {
        return vote(validator, round, genesis_checkpoint(net_.params().chain));
    }
    void hand(const wire::Vote& vote) {
        EXPECT_EQ(engine().handle_vote(now_, vote), wire::Verdict::relay);
    }
    /// The block is FINAL by the votes of the other three.
    void make_final() {
        for (std::uint16_t i = 1; i < 4; ++i) hand(vote(i, 10));
        const wire::Checkpoint justified = engine().justified();
        at(11);
        for (std::uint16_t i = 1; i < 4; ++i) hand(vote(i, 11, justified));
        ASSERT_EQ(engine().final().block, block_.hash);
    }

    TestNetwork net_{NetworkOptions{.block_time = 4 * quarter}};
    WallTime now_{};
    BlockRef block_;

private:
    void start(std::optional<crypto::SigningKey> key, bool on_air) {
        engine_.reset();
        store_ = kv::make_memory_store(tables);
        if (key) {
            ASSERT_TRUE(VoteStore::create(*store_, vote_table, key->public_key()).has_value());
        }
        engine_ = std::make_unique<Engine>(net_.params(), net_.validators(), *store_, vote_table,
                                           std::move(key), base::Random{9}, base::Log{},
                                           Limits{.rounds_asked = 2, .on_air = on_air});
        at(10);
        ASSERT_TRUE(engine().load(now_).has_value());
        for (std::size_t i = 1; i < 3; ++i) {
            engine().handle_clock_sample(now_, test_identity(i), wire::Slot{10});
        }
        block_ = add(9);
        engine().handle_timeout(now_);
        while (engine().poll_event(now_)) {
        }
    }

    std::unique_ptr<kv::Store> store_;
    std::unique_ptr<Engine> engine_;
};

TEST_F(EngineOnAirTest, VotesOfARoundThatJustifiedSomething_AreNotAskedFor) {
    start_validator();
    hand(vote(1, 10));
    EXPECT_EQ(asked(run(10)), std::vector{10U}) << "two of four justify nothing";
    start_validator();
    hand(vote(1, 10));
    hand(vote(2, 10));
    EXPECT_TRUE(asked(run(10)).empty());
    ASSERT_EQ(engine().justified().round, round_10) << "by its own vote and these";
    start_validator(false);
    hand(vote(1, 10));
    hand(vote(2, 10));
    EXPECT_EQ(asked(run(10)), std::vector{10U}) << "elsewhere the fourth is asked for";
}

TEST_F(EngineOnAirTest, WhoOnlyFollows_AsksForNothing_UntilThreeRoundsWereSilent) {
    start_follower();
    hand(vote(1, 10));
    for (std::uint32_t round = 10; round < 13; ++round) {
        EXPECT_TRUE(asked(run(round)).empty()) << round;
    }
    const auto silent = run(13);
    EXPECT_EQ(asked(silent), std::vector{13U});
    for (const Happened& each : silent) {
        if (!std::holds_alternative<RequestVotes>(each.event)) continue;
        EXPECT_GE(each.after, 3 * quarter) << "validators ask before it";
    }
    hand(vote(2, 13));
    for (std::uint32_t round = 14; round < 16; ++round) {
        EXPECT_TRUE(asked(run(round)).empty()) << "one vote is enough to wait for more";
    }
    start_follower(false);
    hand(vote(1, 10));
    EXPECT_EQ(asked(run(10)), std::vector{10U}) << "elsewhere it asks at once";
}

TEST_F(EngineOnAirTest, SourceThatNothingProves_IsAskedForInItsTime_AndNotAtOnce) {
    for (const bool on_air : {true, false}) {
        start_validator(on_air);
        hand(vote(1, 10, {{8}, block_.slot, block_.hash}));
        std::vector<Happened> at_once;
        while (auto event = engine().poll_event(now_)) at_once.push_back({{}, *event});
        EXPECT_EQ(asked(at_once).empty(), on_air);
    }
    start_validator();
    hand(vote(1, 10, {{6}, block_.slot, block_.hash}));
    hand(vote(2, 10, {{7}, block_.slot, block_.hash}));
    // The votes of this round count among the two that are asked for at a time.
    EXPECT_EQ(asked(run(10)), (std::vector{10U, 6U}));
}

TEST_F(EngineOnAirTest, MissedVote_IsRepeatedByWhoSignedItFirst_ThenByValidators_ThenByOthers) {
    start_validator();
    hand(vote(1, 10));
    ASSERT_EQ(repeated(run(10)).size(), 0U);
    at(11);
    EXPECT_EQ(engine().handle_vote_request(now_, {round_10, 0}), wire::Verdict::keep);
    auto by_validator = repeated(run(11));
    ASSERT_EQ(by_validator.count(0), 1U);
    ASSERT_EQ(by_validator.count(1), 1U);
    ASSERT_EQ(by_validator.size(), 2U);
    EXPECT_LE(by_validator.find(0)->second, quarter / 4) << "its own";
    EXPECT_GE(by_validator.find(1)->second, quarter);
    EXPECT_LE(by_validator.find(1)->second, 2 * quarter);

    start_follower();
    hand(vote(1, 10));
    engine().handle_vote_request(now_, {round_10, 0});
    auto by_follower = repeated(run(10));
    ASSERT_EQ(by_follower.size(), 1U);
    EXPECT_GE(by_follower.find(1)->second, 3 * quarter);

    start_validator(false);
    hand(vote(1, 10));
    engine().handle_vote_request(now_, {round_10, 0});
    auto elsewhere = repeated(run(10));
    ASSERT_EQ(elsewhere.count(1), 1U);
    EXPECT_LE(elsewhere.find(1)->second, quarter) << "elsewhere all have the same turn";
}

// Many ask, and each answer takes air from all.
TEST_F(EngineOnAirTest, Vote_IsRepeatedOnceInAWhile_HoweverManyAskForIt) {
    start_validator();
    hand(vote(1, 10));
    run(10);
    std::size_t own = 0;
    for (Milliseconds after{}; after < 4 * quarter; after += Milliseconds{10}) {
        at(11, after);
        if (after % quarter == Milliseconds{0}) {
            engine().handle_vote_request(now_, {round_10, 0});
        }
        engine().handle_timeout(now_);
        while (auto event = engine().poll_event(now_)) {
            const auto* resent = std::get_if<ResendVotes>(&*event);
            if (resent == nullptr) continue;
            own += static_cast<std::size_t>(
                std::ranges::count(resent->votes, wire::ValidatorIndex{0}, &wire::Vote::validator));
        }
    }
    EXPECT_GE(own, 1U);
    EXPECT_LE(own, 2U) << "four have asked";
}

// An owner that sleeps until poll_timeout() repeats its own votes in time.
TEST_F(EngineOnAirTest, OwnVoteThatIsWanted_WakesItsOwner) {
    start_validator();
    run(10);
    at(11);
    engine().handle_vote_request(now_, {round_10, 0});
    EXPECT_LE(engine().poll_timeout(), now_ + quarter / 4);
}

TEST_F(EngineOnAirTest, VoteThatWasHeardAgain_IsNotRepeated) {
    const auto repeats_of = [&](const auto& hear) {
        start_validator();
        hand(vote(1, 10));
        wire::Vote own;
        for (const Happened& each : run(10)) {
            if (const auto* sent = std::get_if<SendVote>(&each.event)) own = sent->vote;
        }
        EXPECT_EQ(own.round, round_10);
        at(11);
        engine().handle_vote_request(now_, {round_10, 0});
        hear(own);
        std::vector<std::uint16_t> voters;
        for (const auto& [voter, after] : repeated(run(11))) voters.push_back(voter);
        return voters;
    };
    using Voters = std::vector<std::uint16_t>;
    EXPECT_EQ(repeats_of([](const wire::Vote&) {}), (Voters{0, 1}));
    EXPECT_EQ(repeats_of([&](const wire::Vote&) { engine().handle_repeated_vote(vote(1, 10)); }),
              Voters{0});
    EXPECT_EQ(repeats_of([&](const wire::Vote& own) { engine().handle_repeated_vote(own); }),
              Voters{1});
    EXPECT_EQ(repeats_of([&](const wire::Vote& own) {
                  EXPECT_EQ(engine().handle_vote(now_, own), wire::Verdict::ignore);
              }),
              Voters{1})
        << "whichever way it came";
    // Nothing of what is heard again was checked.
    EXPECT_EQ(repeats_of([&](const wire::Vote& own) {
                  wire::Vote forged = own;
                  forged.signature.bytes[0] ^= std::byte{1};
                  engine().handle_repeated_vote(forged);
                  engine().handle_repeated_vote(vote(1, 9));
              }),
              (Voters{0, 1}));
}

TEST_F(EngineOnAirTest, WhoLagsBehind_IsToldNothingUnasked_AndAllThatProvesFinalWhenHeAsks) {
    for (const bool on_air : {true, false}) {
        start_validator(on_air);
        make_final();
        at(13);
        hand(vote(3, 13));
        EXPECT_EQ(repeated(run(13)).empty(), on_air) << "its source is long FINAL";
    }
    start_validator();
    make_final();
    at(13);
    EXPECT_EQ(engine().handle_vote_request(now_, {{3}, 0}), wire::Verdict::keep);
    const auto answer = repeated(run(13));
    EXPECT_EQ(answer.size(), 3U);
    for (std::uint16_t i = 1; i < 4; ++i) EXPECT_EQ(answer.count(i), 1U) << i;
}

TEST_F(EngineOnAirTest, QuestionAboveAllThatIsFinal_IsAnsweredByValidatorsAlone) {
    start_validator();
    make_final();
    at(13);
    engine().handle_vote_request(now_, {{13}, 0});
    EXPECT_EQ(repeated(run(13)).size(), 3U) << "nothing is open: so he must be behind";
    start_follower();
    make_final();
    at(13);
    engine().handle_vote_request(now_, {{13}, 0});
    EXPECT_TRUE(repeated(run(13)).empty()) << "it may have missed what is open";
}

// The votes of a FINAL that was jumped to are in its certificate alone.
TEST_F(EngineOnAirTest, VotesOfACertificate_AreRepeatedOnceEach) {
    start_validator();
    BlockRef far = block_;
    far.hash.bytes[5] ^= std::byte{1};
    far.height = {1000};
    wire::Certificate certificate;
    certificate.final = {{9}, far.slot, far.hash};
    for (std::uint16_t i = 0; i < 3; ++i) {
        wire::Vote one = vote(i, 10, certificate.final);
        one.target = far.hash;
        certificate.votes.push_back(net_.sign(one));
    }
    ASSERT_TRUE(engine().adopt(now_, certificate, far).has_value());
    at(11);
    engine().handle_vote_request(now_, {{3}, 0});
    const auto answer = repeated(run(11));
    for (std::uint16_t i = 0; i < 3; ++i) EXPECT_EQ(answer.count(i), 1U) << i;
    ASSERT_EQ(answer.count(0), 1U);
    EXPECT_LE(answer.find(0)->second, quarter / 4) << "its own";
}

}  // namespace
}  // namespace meshchain::consensus::test
