// Chains where all hear what one says: short questions, answers that serve many, and blocks that
// are repaired instead of fetched.

#include <gtest/gtest.h>

#include "chain/test_network.h"
#include "crypto/merkle.h"
#include "wire/short_vote.h"

namespace meshchain::chain {
namespace {

using test::milliseconds;
using test::Network;
using test::NetworkOptions;
using test::seconds;
using Type = wire::MessageType;
using wire::Verdict;

/// Every peer is on the air, where an answer takes its time.
class SlowAir final : public wire::PeerChoice {
public:
    std::vector<crypto::PublicKey> choose_peers(const Wish&) override { return {}; }
    base::Duration patience(const crypto::PublicKey&, base::Duration) const override {
        return seconds(8);
    }
    base::Duration flood_time() const override { return milliseconds(200); }
};

/// Validator 0 is a node here; the test has the keys of three more, and says what it hears.
class OneOnAirTest : public testing::Test {
protected:
    explicit OneOnAirTest(std::size_t unattended = 3)
        : net_({.seed = 3,
                .chains = 1,
                .puppets = 2,
                .unattended = unattended,
                .has_air_alone = true,
                .choice = &air_}) {
        net_.start_all();
        net_.run_for(seconds(3));
        for (const std::size_t other : {puppet, puppet + 1}) net_.claim(other, 0, 0, 0);
        frames();
        const auto coins = ledger::test::coins_of(ledger::CoinSet(net_.genesis()), 0);
        for (std::size_t coin = 0; coin < coins.size(); ++coin) {
            whole_.push_back(net_.payment(0, coin, 0, 100 + coin));
            const auto made = wire::compact(net_.chain_id(), whole_.back(), coins[coin].output);
            MESH_ASSERT(made.has_value());
            compact_.emplace_back(*made);
        }
    }

    Chain& chain() { return net_[0]; }
    Verdict hear(Type type, base::Bytes payload) {
        return chain().handle(net_.now(), {.peer = {}, .on_air = true}, type, payload);
    }
    Verdict ask(const wire::AirQuestion& question) {
        return hear(Type::air_ask, wire::encode(question));
    }
    /// What it says of itself by now.
    std::vector<wire::Outgoing> frames() {
        chain().handle_timeout(net_.now());
        std::vector<wire::Outgoing> said;
        while (auto frame = chain().poll_frame(net_.now())) said.push_back(*std::move(frame));
        return said;
    }
    std::vector<wire::Outgoing> frames_of(Type type) {
        std::vector<wire::Outgoing> said = frames();
        std::erase_if(said, [&](const auto& frame) { return frame.type != type; });
        return said;
    }
    /// Once whatever has its turn is said.
    std::vector<wire::BlockRow> rows() {
        net_.advance(seconds(2));
        rows_said_ = frames_of(Type::block_row);
        std::vector<wire::BlockRow> rows;
        for (const wire::Outgoing& frame : rows_said_) {
            EXPECT_TRUE(frame.only_on_air);
            EXPECT_FALSE(frame.to.has_value());
            const auto row = wire::parse_block_row(frame.payload);
            EXPECT_TRUE(row.has_value());
            if (row) rows.push_back(*row);
        }
        return rows;
    }

    /// Of these coins of person 0, as they are said where bytes are dear.
    std::vector<wire::WireTransaction> payments(std::size_t count, std::size_t first = 0) const {
        return {compact_.begin() + static_cast<std::ptrdiff_t>(first),
                compact_.begin() + static_cast<std::ptrdiff_t>(first + count)};
    }
    /// By another validator, at the start of a slot that it leads; the node knows nothing of it.
    wire::Block make_block(const std::vector<wire::WireTransaction>& transactions) {
        do net_.run_until_slot(net_.slot() + 1);
        while (net_.number_of(net_.leader(net_.slot(), 0)) == 0);
        return net_.make_block(0, net_.slot(), 0, transactions);
    }
    base::Buffer announcement_of(const wire::Block& block) const {
        std::vector<wire::Wtxid> ids;
        for (const wire::WireTransaction& transaction : block.transactions) {
            const auto at = std::ranges::find(compact_, transaction) - compact_.begin();
            const wire::Transaction& whole = whole_.at(static_cast<std::size_t>(at));
            ids.push_back(wire::wtxid(wire::txid(net_.chain_id(), whole.body), whole.signatures));
        }
        return net_.announcement_of(block, ids);
    }
    wire::BlockName name_of(const wire::Block& block) const {
        return wire::name_of(net_.hash_of(block.header));
    }
    bool is_tip(const wire::Block& block) {
        return chain().store().tip().hash == net_.hash_of(block.header);
    }
    /// Its transactions but the last `missing`, and its announcement.
    void hear_all_but(std::size_t missing, const wire::Block& block) {
        for (std::size_t i = 0; i + missing < block.transactions.size(); ++i) {
            EXPECT_EQ(hear(Type::transaction, wire::encode(block.transactions[i])), Verdict::relay);
        }
        EXPECT_EQ(hear(Type::block, announcement_of(block)),
                  missing == 0 ? Verdict::relay : Verdict::keep);
        frames();
    }
    Verdict hear_row(const wire::Block& block, std::uint8_t row) {
        const auto bytes = make_row(block.transactions, row);
        EXPECT_TRUE(bytes.has_value());
        if (!bytes) return Verdict::punish;
        return hear(Type::block_row, wire::encode(wire::BlockRow{name_of(block), row, *bytes}));
    }
    wire::Vote vote_of(const wire::Block& block) {
        wire::Vote vote;
        vote.validator = block.header.proposer;
        vote.round = chain().engine().schedule().round_of(wire::Slot{net_.slot()});
        vote.source = chain().engine().justified();
        vote.target = net_.hash_of(block.header);
        const auto key = ledger::test::person(2000 + net_.number_of(vote.validator));
        vote.signature = key.sign(wire::preimage(net_.chain_id(), vote, key.public_key()));
        return vote;
    }
    void vote_for(const wire::Block& block) {
        EXPECT_EQ(hear(Type::block_ack, wire::encode(vote_of(block))), Verdict::relay);
    }
    Verdict hear_short(const wire::Vote& vote) {
        return hear(Type::short_vote, wire::encode(wire::shorten(vote).value()));
    }
    /// Whoever has it says it, whole, once it is asked for.
    bool holds(const wire::Vote& vote) {
        EXPECT_EQ(ask(wire::VoteRequest{vote.round, 0}), Verdict::keep);
        net_.advance(seconds(3));
        return std::ranges::any_of(frames_of(Type::block_ack), [&](const auto& frame) {
            return frame.payload == wire::encode(vote);
        });
    }

    static constexpr std::size_t puppet = 1;
    SlowAir air_;
    Network net_;

private:
    std::vector<wire::Transaction> whole_;
    std::vector<wire::WireTransaction> compact_;
    std::vector<wire::Outgoing> rows_said_;
};

TEST_F(OneOnAirTest, WhoHasABlock_SaysItsAnnouncementToWhoAsksForIt) {
    const wire::Block block = make_block(payments(3));
    EXPECT_EQ(ask(wire::BlockWish{name_of(block), 0}), Verdict::keep);
    EXPECT_TRUE(frames_of(Type::block).empty()) << "it has not heard of it";
    hear_all_but(0, block);
    ASSERT_TRUE(is_tip(block));
    EXPECT_EQ(ask(wire::BlockWish{{name_of(block).value + 1}, 0}), Verdict::keep);
    EXPECT_TRUE(frames_of(Type::block).empty()) << "another one";
    EXPECT_EQ(ask(wire::BlockWish{name_of(block), 0}), Verdict::keep);
    const auto said = frames_of(Type::block);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_EQ(said[0].payload, announcement_of(block));
    EXPECT_FALSE(said[0].to.has_value());
    EXPECT_TRUE(said[0].hurried);
    EXPECT_TRUE(said[0].repeated) << "its proposer answers first";
    EXPECT_EQ(said[0].others_first, 1U);
}

TEST_F(OneOnAirTest, WhoseBlockItIs_AnswersBeforeAllOthers) {
    net_.pay(0, 0, 0, 100);
    ASSERT_TRUE(
        net_.run_until([&] { return chain().store().tip().height.value == 1; }, seconds(40)));
    const wire::BlockName name = wire::name_of(chain().store().tip().hash);
    frames();
    EXPECT_EQ(ask(wire::BlockWish{name, 0}), Verdict::keep);
    const auto said = frames_of(Type::block);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_FALSE(said[0].repeated);
    EXPECT_EQ(ask(wire::BlockWish{name, 1}), Verdict::keep);
    EXPECT_EQ(frames_of(Type::block_row).size(), 1U) << "at once";
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
    EXPECT_EQ(rows().size(), 2U);
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

class AloneOnAirTest : public OneOnAirTest {
protected:
    AloneOnAirTest() : OneOnAirTest(0) {}
};

TEST_F(AloneOnAirTest, BlockThatIsFinal_IsNotSaidAgain) {
    net_.pay(0, 0, 0, 100);
    ASSERT_TRUE(
        net_.run_until([&] { return chain().store().tip().height.value == 1; }, seconds(10)));
    const wire::BlockName name = wire::name_of(chain().store().tip().hash);
    ASSERT_EQ(chain().final_height(), wire::Height{});
    EXPECT_EQ(ask(wire::BlockWish{name, 0}), Verdict::keep);
    EXPECT_EQ(ask(wire::BlockWish{name, 1}), Verdict::keep);
    auto said = frames();
    const auto count = [&](Type type) {
        return std::ranges::count(said, type, &wire::Outgoing::type);
    };
    EXPECT_EQ(count(Type::block), 1);
    EXPECT_EQ(count(Type::block_row), 1);
    ASSERT_TRUE(net_.run_until([&] { return chain().final_height().value == 1; }, seconds(10)));
    EXPECT_EQ(ask(wire::BlockWish{name, 0}), Verdict::keep);
    EXPECT_EQ(ask(wire::BlockWish{name, 1}), Verdict::keep);
    said = frames();
    EXPECT_EQ(count(Type::block), 0);
    EXPECT_EQ(count(Type::block_row), 0);
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

TEST_F(AloneOnAirTest, Proposal_NamesNoMoreThanFitsOnePacket) {
    for (std::size_t coin = 0; coin < 9; ++coin) net_.pay(0, coin, 0, 100);
    std::vector<std::size_t> counts;
    for (std::uint32_t height = 1; height <= 3; ++height) {
        ASSERT_TRUE(net_.run_until([&] { return chain().store().tip().height.value >= height; },
                                   seconds(10)));
        const auto hash = chain().store().hash_at({height}).value().value();
        const wire::Block block = chain().store().block(hash).value().value().block;
        counts.push_back(block.transactions.size());
        wire::BlockAnnouncement announcement{block.header, {}};
        announcement.short_ids.resize(block.transactions.size());
        EXPECT_LE(wire::encode(announcement).size(), wire::air_payload_bytes_max);
    }
    EXPECT_EQ(counts, (std::vector<std::size_t>{4, 4, 1}));
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
