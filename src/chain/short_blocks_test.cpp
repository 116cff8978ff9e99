// Blocks in their short form: what a hostile sender can make of it, what a receiver rebuilds, and
// what it asks for when it cannot.

#include <gtest/gtest.h>

#include "chain/test_air.h"
#include "crypto/merkle.h"

namespace meshchain::chain {
namespace {

using test::milliseconds;
using test::Network;
using test::NetworkOptions;
using test::OneOnAirTest;
using test::seconds;
using test::SlowAir;
using Type = wire::MessageType;
using wire::Verdict;

NetworkOptions one_on_air(wire::PeerChoice* choice) {
    NetworkOptions options;
    options.seed = 3;
    options.chains = 1;
    options.puppets = 2;
    options.unattended = 3;
    options.has_air_alone = true;
    options.choice = choice;
    return options;
}

/// Beside the node another one under the same clock, which may have heard what the node has not:
/// what is built there stands on blocks that the node lacks.
class ShortBlocksTest : public OneOnAirTest {
protected:
    ShortBlocksTest() : elsewhere_(one_on_air(&air_)) {
        elsewhere_.start_all();
        elsewhere_.run_for(seconds(3));
    }

    Verdict hear_in_short(const wire::ShortBlock& block) {
        const Verdict verdict = hear(Type::short_block, wire::encode(block));
        chain().check_invariants();
        return verdict;
    }
    void hear_transactions(const wire::Block& block) {
        for (const wire::WireTransaction& transaction : block.transactions) {
            EXPECT_EQ(hear(Type::transaction, wire::encode(transaction)), Verdict::relay);
        }
    }
    void hear_elsewhere(const wire::Block& block) {
        elsewhere_.run_until_slot(net_.slot());
        const wire::Ingress from{.peer = {}, .on_air = true};
        for (const wire::WireTransaction& transaction : block.transactions) {
            elsewhere_[0].handle(elsewhere_.now(), from, Type::transaction,
                                 wire::encode(transaction));
        }
        EXPECT_EQ(elsewhere_[0].handle(elsewhere_.now(), from, Type::block, announcement_of(block)),
                  Verdict::relay);
    }
    /// On the tip of the other node, in a later slot.
    wire::Block make_elsewhere(const std::vector<wire::WireTransaction>& transactions) {
        do net_.run_until_slot(net_.slot() + 1);
        while (net_.number_of(net_.leader(net_.slot(), 0)) == 0);
        elsewhere_.run_until_slot(net_.slot());
        return elsewhere_.make_block(0, net_.slot(), 0, transactions);
    }
    bool asks_for_whole(const wire::Block& block, int within) {
        const auto asked = wishes(within);
        const wire::BlockWish whole{name_of(block), wire::BlockWish::whole};
        return std::ranges::find(asked, whole) != asked.end();
    }
    /// In its place and its name, but nobody's.
    static wire::ShortBlock forged(wire::ShortBlock block, std::uint8_t with = 1) {
        block.signature.bytes[9] ^= static_cast<std::byte>(with);
        return block;
    }
    /// Of a block that nobody has.
    void hear_vote_for(wire::BlockName name, const wire::Block& like) {
        wire::ShortVote vote = wire::shorten(vote_of(like)).value();
        vote.target = name;
        EXPECT_EQ(hear(Type::short_vote, wire::encode(vote)), Verdict::ignore);
    }
    /// What it asks about blocks within these seconds.
    std::vector<wire::BlockWish> wishes(int within = 3) {
        std::vector<wire::BlockWish> asked;
        for (int i = 0; i < 4 * within; ++i) {
            net_.advance(milliseconds(250));
            for (const wire::Outgoing& frame : frames_of(Type::air_ask)) {
                const auto question = wire::parse_air_question(frame.payload).value();
                if (const auto* wish = std::get_if<wire::BlockWish>(&question)) {
                    asked.push_back(*wish);
                }
            }
        }
        return asked;
    }

    Network elsewhere_;
};

TEST_F(ShortBlocksTest, WhateverIsForgedInTheSignedPart_IsTakenByNobody_AndCostsNobodyHisBlock) {
    const wire::Block block = make_block(payments(3));
    hear_transactions(block);
    const base::Buffer said = short_of(block);
    const std::size_t ids = 3 * wire::BlockAnnouncement::short_id_bytes;
    for (std::size_t at = 1; at < said.size() - ids; ++at) {
        base::Buffer forged = said;
        forged[at] ^= static_cast<std::byte>(1U << (at % 8));
        const Verdict verdict = hear(Type::short_block, forged);
        EXPECT_TRUE(verdict == Verdict::ignore || verdict == Verdict::punish) << "byte " << at;
        chain().check_invariants();
    }
    EXPECT_EQ(chain().store().tip().height, wire::Height{});
    EXPECT_LE(chain().held_short_blocks(), HeldBlocks::blocks_max);
    EXPECT_EQ(hear(Type::short_block, said), Verdict::relay);
    EXPECT_TRUE(is_tip(block));
}

TEST_F(ShortBlocksTest, NoiseOfAnyLength_IsRefused) {
    base::Random random(5);
    for (int round = 0; round < 2000; ++round) {
        base::Buffer noise(random.below(wire::ShortBlock::bytes_max + 9));
        for (std::byte& byte : noise) byte = static_cast<std::byte>(random.below(256));
        if (!noise.empty() && round % 2 == 0) noise[0] = std::byte{1};
        const Verdict verdict = hear(Type::short_block, noise);
        EXPECT_TRUE(verdict == Verdict::ignore || verdict == Verdict::punish);
    }
    EXPECT_EQ(chain().held_short_blocks(), 0U) << "nobody leads such slots";
}

TEST_F(ShortBlocksTest, CutOffOrTooLong_IsMalformed) {
    const base::Buffer said = short_of(make_block(payments(2)));
    for (std::size_t size = 0; size < said.size(); ++size) {
        EXPECT_EQ(hear(Type::short_block, base::Bytes(said).first(size)), Verdict::punish);
    }
    base::Buffer longer = said;
    longer.resize(said.size() + 4);
    EXPECT_EQ(hear(Type::short_block, longer), Verdict::punish);
}

TEST_F(ShortBlocksTest, OnASession_NoBlockIsShort) {
    const wire::Block block = make_block(payments(1));
    hear_transactions(block);
    EXPECT_EQ(chain().handle(net_.now(), {.peer = net_.identity(puppet)}, Type::short_block,
                             short_of(block)),
              Verdict::ignore);
    EXPECT_FALSE(is_tip(block));
}

TEST_F(ShortBlocksTest, FalseSignature_IsProvenAndDropped_AndTheNameIsStillAskedFor) {
    const wire::Block block = make_block(payments(1));
    hear_transactions(block);
    EXPECT_EQ(hear_short(vote_of(block)), Verdict::ignore);
    wire::ShortBlock forged = shortened(block);
    forged.signature.bytes[9] ^= std::byte{1};
    EXPECT_EQ(hear_in_short(forged), Verdict::punish) << "its name is that of its header";
    EXPECT_EQ(chain().held_short_blocks(), 0U);
    EXPECT_TRUE(net_.host(0).faults.empty());
    EXPECT_FALSE(wishes().empty()) << "the true one is still to come";
    EXPECT_EQ(hear_in_short(shortened(block)), Verdict::relay);
    EXPECT_TRUE(is_tip(block));
}

TEST_F(ShortBlocksTest, CertificateThatLies_MakesAnotherName) {
    wire::Block block = make_block(payments(1));
    hear_transactions(block);
    wire::ShortBlock written_out = shortened(block);
    written_out.certificate = block.header.certificate;
    EXPECT_EQ(hear_in_short(written_out), Verdict::ignore) << "a second form of one block";
    block.header.certificate.bytes.fill(std::byte{7});
    block.header = net_.sign(block.header);
    wire::ShortBlock left_out = shortened(block);
    ASSERT_TRUE(left_out.certificate.has_value());
    left_out.certificate.reset();
    EXPECT_EQ(hear_in_short(left_out), Verdict::ignore);
    EXPECT_EQ(chain().held_short_blocks(), 0U) << "its parent is here, so it was judged";
    EXPECT_EQ(hear_in_short(shortened(block)), Verdict::relay);
    EXPECT_TRUE(is_tip(block));
}

TEST_F(ShortBlocksTest, WhatIsForgedOnUnknownParents_FillsATableAndNoMore) {
    const wire::Block block = make_block(payments(1));
    wire::ShortBlock forged = shortened(block);
    for (std::uint32_t i = 0; i < 500; ++i) {
        forged.parent = {i};
        forged.name = {~i};
        EXPECT_EQ(hear_in_short(forged), Verdict::ignore);
        EXPECT_LE(chain().held_short_blocks(), HeldBlocks::blocks_max);
    }
    const std::size_t asked = wishes(60).size();
    EXPECT_LE(asked, std::size_t{2 * NamedWishes::names_max * NamedWishes::tries_max});
    forged.rank = 1;
    forged.parent = {1'000'000};
    hear_in_short(forged);
    wire::ShortBlock future = shortened(block);
    future.parent = {2'000'000};
    future.slot.value += 1000;
    const std::size_t held = chain().held_short_blocks();
    EXPECT_EQ(hear_in_short(future), Verdict::ignore);
    EXPECT_EQ(chain().held_short_blocks(), held) << "nobody says that yet";
    hear_transactions(block);
    EXPECT_EQ(hear_in_short(shortened(block)), Verdict::relay);
}

TEST_F(ShortBlocksTest, ShortBlockOfKnownTransactions_IsTakenLikeTheWholeOne_Once) {
    const wire::Block block = make_block(payments(4));
    hear_transactions(block);
    EXPECT_EQ(hear_in_short(shortened(block)), Verdict::relay);
    EXPECT_TRUE(is_tip(block));
    EXPECT_EQ(hear_in_short(shortened(block)), Verdict::ignore);
    EXPECT_EQ(hear(Type::block, announcement_of(block)), Verdict::ignore);
    chain().handle_repeat(net_.now(), Type::short_block, short_of(block));
    EXPECT_TRUE(is_tip(block));
    for (const wire::Outgoing& frame : frames()) EXPECT_NE(frame.type, Type::block);
}

TEST_F(ShortBlocksTest, WhatItLacks_IsAskedForAndRepairedByRows_AndSaidAgainInTheSameForm) {
    const wire::Block block = make_block(payments(4));
    for (std::size_t i = 0; i < 2; ++i) {
        hear(Type::transaction, wire::encode(block.transactions[i]));
    }
    EXPECT_EQ(hear_in_short(shortened(block)), Verdict::keep);
    const auto asked = wishes(1);
    ASSERT_FALSE(asked.empty());
    EXPECT_EQ(asked[0], (wire::BlockWish{name_of(block), 2}));
    EXPECT_EQ(hear_row(block, 90), Verdict::keep);
    EXPECT_EQ(hear_row(block, 91), Verdict::keep);
    EXPECT_TRUE(is_tip(block));
    const auto said = frames();
    const auto again = std::ranges::find(said, Type::short_block, &wire::Outgoing::type);
    ASSERT_NE(again, said.end());
    EXPECT_EQ(again->payload, short_of(block)) << "or nobody would know it as the same";
    EXPECT_TRUE(again->repeated);
    EXPECT_TRUE(again->only_on_air);
    EXPECT_EQ(std::ranges::count(said, Type::block, &wire::Outgoing::type), 0);
}

TEST_F(ShortBlocksTest, BlockOnAParentThatWasMissed_Waits_AndIsTakenWhenTheParentHasCome) {
    const wire::Block parent = make_block(payments(2));
    hear_elsewhere(parent);
    const wire::Block child = make_elsewhere(payments(2, 2));
    hear_transactions(child);
    EXPECT_EQ(hear_in_short(shortened(child)), Verdict::ignore);
    EXPECT_EQ(chain().held_short_blocks(), 1U);
    const auto asked = wishes(1);
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0], (wire::BlockWish{name_of(parent), 0}));
    hear_transactions(parent);
    EXPECT_EQ(hear_in_short(shortened(parent)), Verdict::relay);
    EXPECT_TRUE(is_tip(child));
    EXPECT_EQ(chain().held_short_blocks(), 0U);
}

// The parent comes, but lacks transactions: the child waits for them as well.
TEST_F(ShortBlocksTest, BlockOnAParentThatIsRepaired_WaitsForThat) {
    const wire::Block parent = make_block(payments(2));
    hear_elsewhere(parent);
    const wire::Block child = make_elsewhere(payments(1, 2));
    hear_transactions(child);
    EXPECT_EQ(hear_in_short(shortened(parent)), Verdict::keep);
    EXPECT_EQ(hear_in_short(shortened(child)), Verdict::ignore);
    for (const wire::BlockWish& wish : wishes()) EXPECT_EQ(wish.block, name_of(parent));
    hear_transactions(parent);
    EXPECT_TRUE(is_tip(child));
}

TEST_F(ShortBlocksTest, ParentThatNobodySaysAgain_MakesItAskForTheWholeAnnouncement) {
    const wire::Block parent = make_block(payments(1));
    hear_elsewhere(parent);
    const wire::Block child = make_elsewhere(payments(1, 1));
    EXPECT_EQ(hear_in_short(shortened(child)), Verdict::ignore);
    EXPECT_TRUE(asks_for_whole(child, 6));
}

TEST_F(ShortBlocksTest, ForgedSiblingThatCameFirst_LeavesTheHonestOneItsQuestion) {
    const wire::Block parent = make_block(payments(1));
    hear_elsewhere(parent);
    const wire::Block child = make_elsewhere(payments(1, 1));
    wire::ShortBlock sibling = forged(shortened(child));
    sibling.name = {7};
    hear_in_short(sibling);
    hear_in_short(shortened(child));
    EXPECT_EQ(chain().held_short_blocks(), 2U);
    EXPECT_TRUE(asks_for_whole(child, 6));
}

TEST_F(ShortBlocksTest, ChildOfAParentWhoseNameRests_IsAskedForWholeAtOnce) {
    const wire::Block parent = make_block(payments(1));
    hear_elsewhere(parent);
    hear_vote_for(name_of(parent), parent);
    wishes(10);
    const wire::Block child = make_elsewhere(payments(1, 1));
    hear_in_short(shortened(child));
    EXPECT_TRUE(asks_for_whole(child, 1));
}

// As on a branch that is not followed: the parent's own form was of no use either.
TEST_F(ShortBlocksTest, ChildOfAParentThatIsAskedForWhole_IsAskedForTooWhenNobodyAnswers) {
    const wire::Block parent = make_block(payments(1));
    hear_elsewhere(parent);
    wire::ShortBlock unknown = forged(shortened(parent));
    unknown.parent = {77};
    hear_in_short(unknown);
    ASSERT_TRUE(asks_for_whole(parent, 5));
    const wire::Block child = make_elsewhere(payments(1, 1));
    hear_in_short(shortened(child));
    EXPECT_TRUE(asks_for_whole(child, 8));
}

TEST_F(ShortBlocksTest, ForgedBlockOfTheHonestOnesName_DoesNotSilenceVotesForIt) {
    const wire::Block block = make_block(payments(1));
    wire::ShortBlock lie = forged(shortened(block));
    lie.parent = {77};
    hear_in_short(lie);
    for (std::uint32_t i = 0; i < NamedWishes::names_max; ++i) hear_vote_for({i}, block);
    hear_vote_for(name_of(block), block);
    EXPECT_TRUE(asks_for_whole(block, 1)) << "nobody asks for its parent any more";
}

TEST_F(ShortBlocksTest, WhatIsForgedAfterwards_PushesOutNoBlockThatIsHeld) {
    const wire::Block parent = make_block(payments(2));
    hear_elsewhere(parent);
    const wire::Block child = make_elsewhere(payments(2, 2));
    hear_transactions(child);
    hear_in_short(shortened(child));
    for (std::uint8_t i = 1; i < 9; ++i) {
        hear_in_short(forged(shortened(child), i));
        wire::ShortBlock other = shortened(child);
        other.short_ids[0] = i;
        hear_in_short(other);
    }
    hear_transactions(parent);
    EXPECT_EQ(hear_in_short(shortened(parent)), Verdict::relay);
    EXPECT_TRUE(is_tip(child));
}

TEST_F(ShortBlocksTest, BlockForWhichThereIsNoRoom_IsAskedForWhole) {
    const wire::Block parent = make_block(payments(1));
    hear_elsewhere(parent);
    const wire::Block child = make_elsewhere(payments(1, 1));
    for (std::uint8_t i = 1; i <= HeldBlocks::of_proposer_max; ++i) {
        wire::ShortBlock lie = forged(shortened(child), i);
        lie.name = {i};
        hear_in_short(lie);
    }
    hear_in_short(shortened(child));
    EXPECT_TRUE(asks_for_whole(child, 1));
}

TEST_F(ShortBlocksTest, VoteForABlockThatWasAnnouncedAndDropped_AsksForIt) {
    wire::Block block = make_block(payments(1));
    hear_transactions(block);
    block.header.height.value += 3;
    block.header = net_.sign(block.header);
    hear(Type::block, announcement_of(block));
    EXPECT_TRUE(wishes(1).empty());
    hear_vote_for(name_of(block), block);
    const auto asked = wishes(1);
    ASSERT_FALSE(asked.empty()) << "it was announced here, but is not FINAL";
    EXPECT_EQ(asked[0].block, name_of(block));
}

TEST_F(ShortBlocksTest, WhatIsRepeated_IsTakenAlsoIfItsNameRests) {
    const wire::Block block = make_block(payments(1));
    hear_vote_for(name_of(block), block);
    wishes(10);
    ASSERT_TRUE(wishes(2).empty());
    hear_transactions(block);
    chain().handle_repeat(net_.now(), Type::short_block, short_of(block));
    EXPECT_TRUE(is_tip(block));
}

class BlockOfManyTest : public OneOnAirTest {
protected:
    BlockOfManyTest() : OneOnAirTest(3, 40) {}
};

TEST_F(BlockOfManyTest, WhoKnowsNoneOfIt_AsksAll_AndHasItRepairedByRows) {
    constexpr std::size_t many = wire::ShortBlock::ids_max;
    const wire::Block block = make_block(payments(many));
    EXPECT_EQ(hear(Type::short_block, short_of(block)), Verdict::keep);
    frames();
    net_.advance(seconds(2));
    const auto asked = frames();
    EXPECT_EQ(std::ranges::count(asked, Type::sync_request, &wire::Outgoing::type), 0);
    const auto question = std::ranges::find(asked, Type::air_ask, &wire::Outgoing::type);
    ASSERT_NE(question, asked.end());
    EXPECT_EQ(wire::parse_air_question(question->payload).value(),
              wire::AirQuestion(wire::BlockWish{name_of(block), many}));
    for (std::uint8_t row = 100; row < 100 + many; ++row) {
        EXPECT_FALSE(is_tip(block));
        EXPECT_EQ(hear_row(block, row), Verdict::keep);
    }
    EXPECT_TRUE(is_tip(block));
    EXPECT_EQ(ask(wire::BlockWish{name_of(block), many}), Verdict::keep);
    EXPECT_EQ(rows().size(), many);
}

TEST_F(ShortBlocksTest, BlockOnABranchThatIsNotFollowed_IsAskedForWhole) {
    wire::Block early;
    do early = make_block(payments(1));
    while (net_.number_of(net_.leader(net_.slot(), 1)) == 0);
    const wire::Block late = net_.make_block(0, net_.slot(), 1, payments(1, 1));
    hear_elsewhere(late);
    hear_all_but(0, early);
    hear_transactions(late);
    net_.advance(milliseconds(300));
    EXPECT_EQ(hear_in_short(shortened(late)), Verdict::relay) << "its parent is that of the tip";
    ASSERT_TRUE(is_tip(early));
    const wire::Block child = make_elsewhere(payments(1, 2));
    ASSERT_EQ(child.header.parent, net_.hash_of(late.header));
    hear_transactions(child);
    EXPECT_EQ(hear_in_short(shortened(child)), Verdict::ignore);
    const auto asked = wishes();
    ASSERT_FALSE(asked.empty());
    EXPECT_EQ(asked[0], (wire::BlockWish{name_of(child), wire::BlockWish::whole}));
    EXPECT_EQ(hear(Type::block, announcement_of(child)), Verdict::relay);
    vote_for(child);
}

TEST_F(ShortBlocksTest, VoteForABlockThatIsHeld_AsksForNothingMore) {
    const wire::Block parent = make_block(payments(1));
    hear_elsewhere(parent);
    const wire::Block child = make_elsewhere(payments(1, 1));
    hear_in_short(shortened(child));
    hear_short(vote_of(child));
    for (const wire::BlockWish& wish : wishes(1)) EXPECT_EQ(wish.block, name_of(parent));
}

// Whoever has sessions as well gives them what they understand.
TEST(ShortBlocksOfAGateway, WhatIsHeardInShort_GoesToSessionsWhole) {
    NetworkOptions options = one_on_air(nullptr);
    options.has_air_alone = false;
    Network net(options);
    net.start_all();
    net.run_for(seconds(3));
    for (const std::size_t other : {1U, 2U}) net.claim(other, 0, 0, 0);
    do net.run_until_slot(net.slot() + 1);
    while (net.number_of(net.leader(net.slot(), 0)) == 0);
    const wire::Transaction payment = net.payment(0, 0, 0, 100);
    const wire::Block block = net.make_block(0, net.slot(), 0, {payment});
    const wire::Ingress from{.peer = {}, .on_air = true};
    net[0].handle(net.now(), from, Type::transaction, wire::encode(wire::WireTransaction(payment)));
    while (net[0].poll_frame(net.now())) {
    }
    const base::Buffer whole = net.announcement_of(block);
    const auto said = wire::shorten(wire::parse_block_announcement(whole).value(),
                                    net.hash_of(block.header), 0, {});
    EXPECT_EQ(net[0].handle(net.now(), from, Type::short_block, wire::encode(said.value())),
              Verdict::relay);
    std::size_t blocks = 0;
    while (const auto frame = net[0].poll_frame(net.now())) {
        EXPECT_NE(frame->type, Type::short_block);
        if (frame->type != Type::block) continue;
        EXPECT_TRUE(frame->not_on_air);
        EXPECT_EQ(frame->payload, whole);
        ++blocks;
    }
    EXPECT_EQ(blocks, 1U);
}

TEST(ShortBlocksOfALeader, OnTheAirItsBlockIsShort_AndOnSessionsWhole) {
    for (const bool has_air_alone : {false, true}) {
        SlowAir air;
        NetworkOptions options = one_on_air(has_air_alone ? &air : nullptr);
        options.has_air_alone = has_air_alone;
        options.unattended = 0;
        Network net(options);
        net.start_all();
        std::map<Type, std::size_t> heard;
        net.set_puppet(1, [&](std::size_t, const Network::Content& content) {
            if (const auto* frame = std::get_if<Network::Frame>(&content)) ++heard[frame->type];
        });
        net.run_for(seconds(3));
        net.pay(0, 0, 0, 100);
        net.run_for(seconds(2));
        EXPECT_EQ(heard[Type::block], has_air_alone ? 0U : 1U);
        EXPECT_EQ(heard[Type::short_block], has_air_alone ? 1U : 0U);
    }
}

TEST(ShortBlocksOfALeader, ProposalNamesNoMoreThanFitsOnePacket) {
    SlowAir air;
    NetworkOptions options = one_on_air(&air);
    options.unattended = 0;
    options.coins_each = 40;
    Network net(options);
    net.start_all();
    net.run_for(seconds(3));
    constexpr std::size_t payments = wire::ShortBlock::ids_max + 5;
    for (std::size_t coin = 0; coin < payments; ++coin) net.pay(0, coin, 0, 100);
    ASSERT_TRUE(net.run_until([&] { return net[0].store().tip().height.value >= 2; }, seconds(10)));
    std::vector<std::size_t> counts;
    for (const std::uint32_t height : {1U, 2U}) {
        const auto hash = net[0].store().hash_at({height}).value().value();
        counts.push_back(net[0].store().block(hash).value().value().block.transactions.size());
    }
    EXPECT_EQ(counts, (std::vector<std::size_t>{wire::ShortBlock::ids_max, 5}));
}

TEST(ShortBlocksOfSome, WithRadiosAlone_AllBecomesFinal_AndWhoMissedABlockGetsIt) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        SlowAir air;
        Network net({.seed = seed, .has_air_alone = true, .choice = &air});
        net.start_all();
        std::map<Type, std::size_t> said;
        std::set<base::Buffer> missed;
        net.drop_if([&](std::size_t, std::size_t to, const Network::Frame& frame) {
            ++said[frame.type];
            // One node hears none of the first blocks when they are first said.
            const bool is_missed = to == 2 && frame.type == Type::short_block &&
                                   missed.size() < 2 && missed.insert(frame.payload).second;
            return is_missed;
        });
        net.set_loss(10);
        net.run_for(seconds(3));
        std::vector<wire::Txid> paid;
        for (std::size_t coin = 0; coin < 10; ++coin) {
            paid.push_back(net.pay(0, coin, 1, 500));
            net.run_for(milliseconds(700));
        }
        for (const wire::Txid& txid : paid) {
            EXPECT_TRUE(net.run_until([&] { return net.is_final_everywhere(txid); }, seconds(120)))
                << "seed " << seed;
        }
        net.check();
        EXPECT_EQ(missed.size(), 2U);
        EXPECT_GT(said[Type::short_block], 2 * said[Type::block]) << "seed " << seed;
    }
}

}  // namespace
}  // namespace meshchain::chain
