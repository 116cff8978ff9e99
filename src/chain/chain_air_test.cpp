// Chains where all hear what one says: short questions, answers that serve many, and blocks that
// are repaired instead of fetched.

#include <gtest/gtest.h>

#include "chain/test_air.h"
#include "crypto/merkle.h"

namespace meshchain::chain {
namespace {

using test::AloneOnAirTest;
using test::milliseconds;
using test::Network;
using test::OneOnAirTest;
using test::seconds;
using test::SlowAir;
using Type = wire::MessageType;
using wire::Verdict;

TEST_F(OneOnAirTest, WhoHasABlock_SaysItsAnnouncementToWhoAsksForIt) {
    const wire::Block block = make_block(payments(3));
    EXPECT_EQ(ask(wire::BlockWish{name_of(block), 0}), Verdict::keep);
    EXPECT_TRUE(frames_of(Type::block).empty()) << "it has not heard of it";
    hear_all_but(0, block);
    ASSERT_TRUE(is_tip(block));
    EXPECT_EQ(ask(wire::BlockWish{{name_of(block).value + 1}, 0}), Verdict::keep);
    EXPECT_TRUE(frames_of(Type::block).empty()) << "another one";
    EXPECT_TRUE(frames_of(Type::short_block).empty());
    for (const std::uint8_t form : {std::uint8_t{0}, wire::BlockWish::whole}) {
        const bool is_whole = form == wire::BlockWish::whole;
        EXPECT_EQ(ask(wire::BlockWish{name_of(block), form}), Verdict::keep);
        const auto said = frames_of(is_whole ? Type::block : Type::short_block);
        ASSERT_EQ(said.size(), 1U);
        EXPECT_EQ(said[0].payload, is_whole ? announcement_of(block) : short_of(block));
        EXPECT_FALSE(said[0].to.has_value());
        EXPECT_TRUE(said[0].hurried);
        EXPECT_TRUE(said[0].repeated) << "its proposer answers first";
        EXPECT_EQ(said[0].others_first, 1U);
    }
}

TEST_F(OneOnAirTest, WhoseBlockItIs_AnswersBeforeAllOthers) {
    net_.pay(0, 0, 0, 100);
    ASSERT_TRUE(
        net_.run_until([&] { return chain().store().tip().height.value == 1; }, seconds(40)));
    const wire::BlockName name = wire::name_of(chain().store().tip().hash);
    frames();
    EXPECT_EQ(ask(wire::BlockWish{name, 0}), Verdict::keep);
    const auto said = frames_of(Type::short_block);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_FALSE(said[0].repeated);
    net_.advance(seconds(2));
    frames();
    EXPECT_EQ(ask(wire::BlockWish{name, 1}), Verdict::keep);
    EXPECT_EQ(frames_of(Type::block_row).size(), 1U) << "at once";
}

TEST_F(OneOnAirTest, WhoHasANewBlock_SaysARowOfItsOwnAccord_AndAnswersAfterAPause) {
    const wire::Block block = make_block(payments(12));
    hear_all_but(0, block);
    EXPECT_TRUE(frames_of(Type::block_row).empty()) << "in its turn";
    EXPECT_EQ(rows().size(), 1U) << "a twentieth of the transactions";
    EXPECT_EQ(ask(wire::BlockWish{name_of(block), 1}), Verdict::keep);
    EXPECT_TRUE(frames_of(Type::block_row).empty()) << "one was just said";
    EXPECT_EQ(rows().size(), 1U);
}

TEST_F(OneOnAirTest, OfABlockThatSomebodyHasRepaired_NoRowIsSaidOfItsOwnAccord) {
    const wire::Block block = make_block(payments(12));
    hear_all_but(0, block);
    EXPECT_EQ(hear_row(block, 77), Verdict::ignore);
    EXPECT_TRUE(rows().empty());
}

TEST_F(OneOnAirTest, OfAnOldBlock_NoRowIsSaidOfItsOwnAccord) {
    const wire::Block late = make_block(payments(12));
    net_.run_until_slot(net_.slot() + 1);
    hear_all_but(0, late);
    ASSERT_TRUE(is_tip(late));
    EXPECT_TRUE(rows().empty());
}

TEST_F(OneOnAirTest, WhoHasABlock_SaysAsManyRowsAsAreMissing_WhenItIsItsTurn) {
    const wire::Block block = make_block(payments(4));
    hear_all_but(0, block);
    EXPECT_EQ(ask(wire::BlockWish{name_of(block), 2}), Verdict::keep);
    EXPECT_TRUE(frames_of(Type::block_row).empty()) << "its proposer is first";
    EXPECT_LE(chain().poll_timeout(net_.now()), net_.now().instant + 2 * air_.flood_time());
    const auto said = rows();
    ASSERT_EQ(said.size(), 2U);
    EXPECT_NE(said[0].row, said[1].row);
    for (const wire::BlockRow& row : said) {
        EXPECT_EQ(row.block, name_of(block));
        ASSERT_GE(row.row, 4U);
        EXPECT_TRUE(base::equal(row.bytes, make_row(block.transactions, row.row).value()));
    }
    EXPECT_TRUE(rows().empty()) << "once";
}

TEST_F(OneOnAirTest, RowsThatSomebodyElseSays_AreNotSaidAsWell) {
    const wire::Block block = make_block(payments(4));
    hear_all_but(0, block);
    EXPECT_EQ(ask(wire::BlockWish{name_of(block), 3}), Verdict::keep);
    EXPECT_EQ(hear_row(block, 77), Verdict::ignore);
    EXPECT_TRUE(rows().empty()) << "who says one says all that was asked for";
    EXPECT_EQ(ask(wire::BlockWish{name_of(block), 2}), Verdict::keep);
    EXPECT_EQ(rows().size(), 2U) << "somebody did not hear them";
}

TEST_F(OneOnAirTest, OnASession_NobodyAsksOrRepairsLikeThat) {
    const wire::Block block = make_block(payments(3));
    hear_all_but(0, block);
    const auto ask_on_session = [&](const wire::AirQuestion& question) {
        return chain().handle(net_.now(), {.peer = net_.identity(puppet)}, Type::air_ask,
                              wire::encode(question));
    };
    EXPECT_EQ(ask_on_session(wire::BlockWish{name_of(block), 0}), Verdict::ignore);
    EXPECT_EQ(ask_on_session(wire::BlockWish{name_of(block), 2}), Verdict::ignore);
    EXPECT_TRUE(frames_of(Type::block).empty());
    EXPECT_TRUE(rows().empty());

    const wire::Block next = make_block(payments(4, 3));
    hear_all_but(1, next);
    const base::Buffer row = make_row(next.transactions, 9).value();
    EXPECT_EQ(chain().handle(net_.now(), {.peer = net_.identity(puppet)}, Type::block_row,
                             wire::encode(wire::BlockRow{name_of(next), 9, row})),
              Verdict::ignore);
    EXPECT_FALSE(is_tip(next));
}

TEST_F(OneOnAirTest, OwnPayment_IsSaidOnceMore_JustBeforeTheNextSlot) {
    wait_for_others();
    submit(0);
    const auto first = frames_of(Type::transaction);
    ASSERT_EQ(first.size(), 1U);
    EXPECT_FALSE(first[0].again);
    net_.advance(milliseconds(700));
    EXPECT_TRUE(frames_of(Type::transaction).empty()) << "not yet";
    EXPECT_LE(chain().poll_timeout(net_.now()), net_.now().instant + milliseconds(300));
    net_.advance(milliseconds(260));
    const auto again = frames_of(Type::transaction);
    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again[0].payload, first[0].payload);
    EXPECT_TRUE(again[0].again) << "or it would count as said a moment ago";
    EXPECT_FALSE(again[0].hurried) << "or the next block would wait for it";
    EXPECT_TRUE(again[0].only_on_air);
    net_.advance(seconds(1));
    EXPECT_TRUE(frames_of(Type::transaction).empty()) << "once";
}

TEST_F(OneOnAirTest, OwnPaymentThatCameTooLate_IsSaidOnceMoreBeforeTheSlotAfter) {
    wait_for_others();
    net_.advance(milliseconds(930));
    submit(0);
    EXPECT_EQ(frames_of(Type::transaction).size(), 1U);
    net_.advance(milliseconds(600));
    EXPECT_TRUE(frames_of(Type::transaction).empty());
    net_.advance(milliseconds(460));
    EXPECT_EQ(frames_of(Type::transaction).size(), 1U);
}

TEST_F(OneOnAirTest, OwnPaymentThatABlockDoesWithout_IsSaidOnceMore_WhateverRelaysDid) {
    wait_for_others();
    submit(0);
    EXPECT_EQ(frames_of(Type::transaction).size(), 1U);
    net_.advance(milliseconds(970));
    const auto again = frames_of(Type::transaction);
    ASSERT_EQ(again.size(), 1U);
    EXPECT_FALSE(again[0].missed);
    const wire::Block block = make_block(payments(1, 1));
    EXPECT_EQ(hear(Type::transaction, wire::encode(payments(1, 1)[0])), Verdict::relay);
    EXPECT_EQ(hear(Type::block, announcement_of(block)), Verdict::relay);
    ASSERT_TRUE(is_tip(block));
    frames();
    net_.advance(milliseconds(990));
    const auto missed = frames_of(Type::transaction);
    ASSERT_EQ(missed.size(), 1U);
    EXPECT_TRUE(missed[0].again && missed[0].missed);
    EXPECT_EQ(missed[0].payload, again[0].payload);
    net_.advance(seconds(1));
    EXPECT_TRUE(frames_of(Type::transaction).empty()) << "no block could have it yet";
}

TEST_F(OneOnAirTest, WhereAFloodTakesLongerThanSlots_OwnPaymentsAreNotSaidWithoutEnd) {
    air_.flood = seconds(60);
    wait_for_others();
    submit(0);
    std::size_t said = frames_of(Type::transaction).size();
    for (int i = 0; i < 100; ++i) {
        EXPECT_GT(chain().poll_timeout(net_.now()), net_.now().instant);
        net_.advance(milliseconds(200));
        said += frames_of(Type::transaction).size();
    }
    EXPECT_LE(said, 2U);
}

TEST_F(OneOnAirTest, OwnPaymentInABlock_IsSaidNoMore_NorIsThatOfAnother) {
    const wire::Block block = make_block(payments(1));
    submit(0);
    EXPECT_EQ(frames_of(Type::transaction).size(), 1U);
    EXPECT_EQ(hear(Type::transaction, wire::encode(payments(1, 1)[0])), Verdict::relay);
    EXPECT_EQ(hear(Type::block, announcement_of(block)), Verdict::relay);
    ASSERT_TRUE(is_tip(block));
    frames();
    net_.advance(milliseconds(990));
    EXPECT_TRUE(frames_of(Type::transaction).empty());
}

TEST_F(OneOnAirTest, WhatDoesNotParse_IsRefused) {
    const base::Buffer garbage(20, std::byte{0xee});
    EXPECT_EQ(hear(Type::air_ask, garbage), Verdict::punish);
    EXPECT_EQ(hear(Type::block_row, garbage), Verdict::punish);
}

TEST_F(OneOnAirTest, ShortVoteForABlockThatIsHere_CountsLikeTheWholeOne) {
    const wire::Block block = make_block(payments(1));
    hear_all_but(0, block);
    const wire::Vote vote = vote_of(block);
    EXPECT_EQ(hear_short(vote), Verdict::relay) << "there may be another air";
    EXPECT_TRUE(holds(vote));
    EXPECT_EQ(hear(Type::block_ack, wire::encode(vote)), Verdict::ignore) << "it is here";
}

TEST_F(OneOnAirTest, ShortVoteForAnotherBlock_Waits_AndTheBlockIsAskedForByName) {
    const wire::Block block = make_block(payments(1));
    const wire::Vote vote = vote_of(block);
    EXPECT_EQ(hear_short(vote), Verdict::ignore);
    EXPECT_FALSE(holds(vote));
    const auto names_asked = [&] {
        net_.advance(seconds(2));
        std::size_t count = 0;
        for (const wire::Outgoing& frame : frames_of(Type::air_ask)) {
            count += wire::parse_air_question(frame.payload).value() ==
                     wire::AirQuestion(wire::BlockWish{name_of(block), 0});
        }
        return count;
    };
    EXPECT_EQ(names_asked(), 1U);
    hear_all_but(0, block);
    EXPECT_TRUE(holds(vote));
    EXPECT_EQ(names_asked(), 0U) << "it has come";
}

TEST_F(OneOnAirTest, ShortVote_CountsBeforeTheBlockIsWhole) {
    const wire::Block block = make_block(payments(3));
    const wire::Vote vote = vote_of(block);
    EXPECT_EQ(hear_short(vote), Verdict::ignore);
    hear_all_but(2, block);
    EXPECT_TRUE(holds(vote));
}

TEST_F(OneOnAirTest, ForgedShortVote_CountsForNothing_AndCostsNobodyHis) {
    const wire::Block block = make_block(payments(1));
    hear_all_but(0, block);
    const wire::Vote vote = vote_of(block);
    wire::Vote forged = vote;
    forged.signature.bytes[3] ^= std::byte{1};
    EXPECT_EQ(hear_short(forged), Verdict::ignore);
    EXPECT_EQ(hear_short(vote), Verdict::relay);
    EXPECT_TRUE(holds(vote));
    forged.validator = {63};
    EXPECT_EQ(hear_short(forged), Verdict::ignore);
    EXPECT_EQ(hear(Type::short_vote, base::Buffer(77, std::byte{0xee})), Verdict::punish);
}

TEST_F(OneOnAirTest, OnASession_NoVoteIsShort) {
    const wire::Block block = make_block(payments(1));
    hear_all_but(0, block);
    const wire::Vote vote = vote_of(block);
    EXPECT_EQ(chain().handle(net_.now(), {.peer = net_.identity(puppet)}, Type::short_vote,
                             wire::encode(wire::shorten(vote).value())),
              Verdict::ignore);
    EXPECT_FALSE(holds(vote));
}

// Whoever missed the votes is behind FINAL, and knows no more than the names of its blocks.
TEST_F(AloneOnAirTest, BlockThatIsFinal_IsSaidAgain) {
    net_.pay(0, 0, 0, 100);
    ASSERT_TRUE(net_.run_until([&] { return chain().final_height().value == 1; }, seconds(20)));
    const wire::BlockName name = wire::name_of(chain().store().tip().hash);
    frames();
    EXPECT_EQ(ask(wire::BlockWish{name, 0}), Verdict::keep);
    EXPECT_EQ(ask(wire::BlockWish{name, 1}), Verdict::keep);
    net_.advance(seconds(2));
    const auto said = frames();
    const auto count = [&](Type type) {
        return std::ranges::count(said, type, &wire::Outgoing::type);
    };
    EXPECT_EQ(count(Type::short_block), 1);
    EXPECT_EQ(count(Type::block_row), 1);
}

// Whoever is behind builds on what is FINAL for all others, and none of them has a use for it.
TEST_F(AloneOnAirTest, BlockOnABranchThatFinalHasLeft_IsNotHeld_AndNobodyAsksForItsParent) {
    for (std::size_t coin = 0; coin < 2; ++coin) {
        net_.pay(0, coin, 0, 100);
        const std::uint64_t height = coin + 1;
        ASSERT_TRUE(
            net_.run_until([&] { return chain().final_height().value == height; }, seconds(20)));
    }
    const wire::Hash below = chain().store().hash_at({1}).value().value();
    net_.run_until_slot(net_.slot() + 1);
    wire::ShortBlock late;
    late.name = {0x01020304};
    late.parent = wire::name_of(below);
    late.slot = wire::Slot{net_.slot()};
    late.proposer = net_.leader(net_.slot(), 0);
    late.short_ids = {7};
    frames();
    EXPECT_EQ(hear(Type::short_block, wire::encode(late)), Verdict::ignore);
    net_.advance(seconds(3));
    EXPECT_TRUE(frames_of(Type::air_ask).empty());
    late.parent.value ^= 1;
    EXPECT_EQ(hear(Type::short_block, wire::encode(late)), Verdict::ignore);
    net_.advance(seconds(3));
    EXPECT_FALSE(frames_of(Type::air_ask).empty()) << "of what is not known here";
}

TEST_F(OneOnAirTest, TransactionThatTwoBlocksLacked_CompletesBoth) {
    const wire::Block first = make_block(payments(3));
    const wire::Block second = make_block(payments(3));
    hear_all_but(1, first);
    EXPECT_EQ(hear(Type::block, announcement_of(second)), Verdict::keep);
    EXPECT_EQ(hear(Type::transaction, wire::encode(first.transactions[2])), Verdict::relay);
    for (const wire::Block& block : {first, second}) {
        EXPECT_NE(chain().engine().find_block(net_.hash_of(block.header)), nullptr);
    }
}

// What came with a block was in no mempool, and nobody says it again.
TEST_F(OneOnAirTest, BlockThatIsApplied_CompletesAnotherThatLackedTheSame) {
    const wire::Block first = make_block(payments(3));
    const wire::Block second = make_block(payments(3));
    const wire::Ingress peer{.peer = net_.identity(puppet)};
    for (const wire::Block& block : {first, second}) {
        EXPECT_EQ(chain().handle(net_.now(), peer, Type::block, announcement_of(block)),
                  Verdict::keep);
    }
    const wire::BlockResponse whole{net_.hash_of(first.header), first.header, 3, 0,
                                    first.transactions};
    chain().handle(net_.now(), peer, Type::sync_response, wire::encode(wire::SyncResponse(whole)));
    for (const wire::Block& block : {first, second}) {
        EXPECT_NE(chain().engine().find_block(net_.hash_of(block.header)), nullptr);
    }
}

TEST_F(OneOnAirTest, WhoLacksTwoTransactions_CompletesTheBlockFromTwoRows) {
    const wire::Block block = make_block(payments(4));
    hear_all_but(2, block);
    EXPECT_EQ(hear_row(block, 200), Verdict::keep);
    EXPECT_FALSE(is_tip(block));
    EXPECT_EQ(hear_row(block, 100), Verdict::keep);
    EXPECT_TRUE(is_tip(block));
    EXPECT_EQ(hear_row(block, 101), Verdict::ignore) << "nothing is missing";
}

// The other order: what is missing comes by itself, and what is left is repaired.
TEST_F(OneOnAirTest, RowThatCameTooEarly_RepairsTheLastTransactionOnceTheOtherComes) {
    const wire::Block block = make_block(payments(4));
    hear_all_but(2, block);
    EXPECT_EQ(hear_row(block, 200), Verdict::keep);
    EXPECT_EQ(hear(Type::transaction, wire::encode(block.transactions[3])), Verdict::relay);
    EXPECT_TRUE(is_tip(block));
}

TEST_F(OneOnAirTest, WhatARowYields_IsJudgedLikeAnyTransaction) {
    const wire::Block block = make_block(payments(3));
    hear_all_but(1, block);
    wire::Block forged = block;
    std::get<wire::CompactTransfer>(forged.transactions[2]).signature.bytes[7] ^= std::byte{1};
    const base::Buffer lie = make_row(forged.transactions, 40).value();
    EXPECT_EQ(hear(Type::block_row, wire::encode(wire::BlockRow{name_of(block), 40, lie})),
              Verdict::keep);
    EXPECT_EQ(chain().mempool().size(), 2U);
    EXPECT_FALSE(is_tip(block));
    EXPECT_EQ(hear_row(block, 40), Verdict::keep) << "the lie is forgotten";
    EXPECT_TRUE(is_tip(block));
}

TEST_F(OneOnAirTest, WhatIsMissing_IsAskedOfAll) {
    const wire::Block block = make_block(payments(4));
    hear_all_but(2, block);
    net_.advance(seconds(2));
    for (const wire::Outgoing& frame : frames()) {
        EXPECT_NE(frame.type, Type::sync_request);
        if (frame.type != Type::air_ask) continue;
        EXPECT_TRUE(frame.only_on_air);
        EXPECT_EQ(wire::parse_air_question(frame.payload).value(),
                  wire::AirQuestion(wire::BlockWish{name_of(block), 2}));
        return;
    }
    ADD_FAILURE() << "it never asked";
}

TEST_F(OneOnAirTest, BlockThatLostToAnother_IsNotAskedFor_UntilSomebodyVotesForIt) {
    // In a slot of which this node is neither the first leader nor the second.
    wire::Block early;
    do early = make_block(payments(1));
    while (net_.number_of(net_.leader(net_.slot(), 1)) == 0);
    const wire::Block late = net_.make_block(0, net_.slot(), 1, payments(2));
    hear_all_but(0, early);
    ASSERT_TRUE(is_tip(early));
    const base::Buffer announcement = announcement_of(late);
    const auto hear_again = [&] {
        chain().handle_repeat(net_.now(), Type::block, announcement);
        frames();
    };
    const auto is_taken = [&] { return hear_row(late, 50) == Verdict::keep; };

    net_.advance(milliseconds(300));
    EXPECT_EQ(hear(Type::block, announcement), Verdict::keep);
    frames();
    EXPECT_FALSE(is_taken()) << "a block of this height is there";
    hear_again();
    EXPECT_FALSE(is_taken()) << "nobody wants it";
    vote_for(late);
    EXPECT_FALSE(is_taken()) << "its announcement was dropped";
    hear_again();
    EXPECT_TRUE(is_taken());
    EXPECT_TRUE(chain().pooled_blocks() > 0 || is_tip(late)) << "it is whole";
}

// Two sides of a wall have each gone on: whoever meets the other side's branch fetches all of it,
// however high its own is.
TEST_F(OneOnAirTest, BlockThatLostToAnother_IsAskedFor_OnceSomebodyHasBuiltOnIt) {
    wire::Block early;
    do early = make_block(payments(1));
    while (net_.number_of(net_.leader(net_.slot(), 1)) == 0);
    const wire::Block late = net_.make_block(0, net_.slot(), 1, payments(2));
    hear_all_but(0, early);
    net_.advance(milliseconds(300));
    // It does not matter what is in it: it names its parent.
    wire::Block child;
    child.header = late.header;
    child.header.height.value += 1;
    child.header.parent = net_.hash_of(late.header);
    do net_.run_until_slot(net_.slot() + 1);
    while (net_.number_of(net_.leader(net_.slot(), 0)) == 0);
    child.header.slot = {net_.slot()};
    child.header.rank = 0;
    child.header.proposer = net_.leader(net_.slot(), 0);
    child.header.transaction_root = crypto::merkle_root({});
    child.header = net_.sign(child.header);
    EXPECT_EQ(hear(Type::block, net_.announcement_of(child, {})), Verdict::relay);
    frames();
    EXPECT_EQ(hear(Type::block, announcement_of(late)), Verdict::keep);
    frames();
    EXPECT_EQ(hear_row(late, 50), Verdict::keep) << "it was not given up";
    EXPECT_EQ(hear_row(late, 51), Verdict::ignore) << "it is whole";
}

TEST_F(OneOnAirTest, WhileABlockIsRepaired_NoOtherIsProposed) {
    // A slot before one that this node leads.
    wire::Block block;
    do block = make_block(payments(2));
    while (net_.number_of(net_.leader(net_.slot() + 1, 0)) != 0);
    hear_all_but(1, block);
    const std::uint64_t before = chain().blocks_proposed();
    net_.run_until_slot(net_.slot() + 2);
    EXPECT_EQ(chain().blocks_proposed(), before);
    EXPECT_EQ(chain().mempool().size(), 1U) << "there was something to propose";
    ASSERT_TRUE(net_.run_until([&] { return chain().blocks_proposed() > before; }, seconds(40)))
        << "whoever never says the rest stops nobody";
}

TEST(ChainOnAirTest, VotesAndBlocks_AreAskedForByShortQuestions_AndAllBecomesFinal) {
    SlowAir air;
    Network net({.seed = 5, .has_air_alone = true, .choice = &air});
    net.start_all();
    std::map<Type, std::size_t> said;
    std::size_t votes_asked = 0;
    std::size_t blocks_asked = 0;
    net.drop_if([&](std::size_t, std::size_t, const Network::Frame& frame) {
        ++said[frame.type];
        if (frame.type == Type::air_ask) {
            const auto question = wire::parse_air_question(frame.payload);
            const bool is_votes = std::holds_alternative<wire::VoteRequest>(question.value());
            ++(is_votes ? votes_asked : blocks_asked);
        }
        return false;
    });
    net.set_loss(30);
    net.run_for(seconds(3));
    std::vector<wire::Txid> paid;
    for (std::size_t coin = 0; coin < 6; ++coin) paid.push_back(net.pay(0, coin, 1, 500));
    for (const wire::Txid& txid : paid) {
        EXPECT_TRUE(net.run_until([&] { return net.is_final_everywhere(txid); }, seconds(120)));
    }
    net.check();
    EXPECT_EQ(said[Type::vote_request], 0U);
    EXPECT_GT(votes_asked, 0U);
    EXPECT_GT(blocks_asked, 0U);
}

// Where sessions are, the air gets only its questions.
TEST(ChainOnAirTest, WithSessions_VotesAreAskedForOnThem_AndProposalsAreFull) {
    Network net({.seed = 5});
    net.start_all();
    std::map<Type, std::size_t> said;
    net.drop_if([&](std::size_t, std::size_t, const Network::Frame& frame) {
        ++said[frame.type];
        return false;
    });
    net.set_loss(30);
    net.run_for(seconds(3));
    wire::Txid last;
    for (std::size_t coin = 0; coin < 12; ++coin) last = net.pay(0, coin, 1, 500);
    EXPECT_TRUE(net.run_until([&] { return net.is_final_everywhere(last); }, seconds(60)));
    EXPECT_EQ(said[Type::air_ask], 0U);
    EXPECT_GT(said[Type::vote_request], 0U);
    std::size_t most = 0;
    for (std::uint32_t height = 1; height <= net[0].final_height().value; ++height) {
        const auto hash = net[0].store().hash_at({height}).value().value();
        most = std::max(most, net[0].store().block(hash).value().value().block.transactions.size());
    }
    EXPECT_GT(most, 4U);
}

}  // namespace
}  // namespace meshchain::chain
