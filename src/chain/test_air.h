#pragma once
// One chain where all hear what one says, for tests that say it.

#include <gtest/gtest.h>

#include "chain/test_network.h"
#include "wire/short_block.h"
#include "wire/short_vote.h"

namespace meshchain::chain::test {

using Type = wire::MessageType;
using wire::Verdict;

/// Every peer is on the air, where an answer takes its time.
class SlowAir final : public wire::PeerChoice {
public:
    std::vector<crypto::PublicKey> choose_peers(const Wish&) override { return {}; }
    base::Duration patience(const crypto::PublicKey&, base::Duration) const override {
        return seconds(8);
    }
    base::Duration flood_time() const override { return flood; }
    bool reaches(const crypto::PublicKey&, Type type) const override {
        return type != Type::sync_data;
    }

    base::Duration flood = milliseconds(200);
};

/// Validator 0 is a node here; the test has the keys of three more, and says what it hears.
class OneOnAirTest : public testing::Test {
protected:
    explicit OneOnAirTest(std::size_t unattended = 3, std::uint32_t coins_each = 12)
        : net_({.seed = 3,
                .chains = 1,
                .puppets = 2,
                .unattended = unattended,
                .coins_each = coins_each,
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
    /// One of them, by this node itself.
    void submit(std::size_t payment) {
        const auto taken = chain().submit(net_.now(), whole_.at(payment));
        EXPECT_TRUE(taken.has_value()) << base::sentence(taken.error());
    }
    wire::Txid txid_of(std::size_t payment) const {
        return wire::txid(net_.chain_id(), whole_.at(payment).body);
    }
    /// The start of a slot in which and after which others propose.
    void wait_for_others() {
        const auto leads = [&](std::uint32_t slot) {
            const auto leaders = chain().engine().schedule().leaders(wire::Slot{slot});
            return leaders.rank_of(*chain().engine().self()).has_value();
        };
        do net_.run_until_slot(net_.slot() + 1);
        while (leads(net_.slot()) || leads(net_.slot() + 1));
        frames();
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
    /// Of a child of genesis, or of a block that names no certificate.
    wire::ShortBlock shortened(const wire::Block& block) const {
        const auto whole = wire::parse_block_announcement(announcement_of(block)).value();
        return wire::shorten(whole, net_.hash_of(block.header), 0, {}).value();
    }
    base::Buffer short_of(const wire::Block& block) const { return wire::encode(shortened(block)); }
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
    /// Whoever has it says it once it is asked for: in short while it is of a late round.
    bool holds(const wire::Vote& vote) {
        EXPECT_EQ(ask(wire::VoteRequest{vote.round, 0}), Verdict::keep);
        net_.advance(seconds(3));
        return std::ranges::any_of(frames(), [&](const auto& frame) {
            return frame.type == Type::short_vote
                       ? frame.payload == wire::encode(wire::shorten(vote).value())
                       : frame.type == Type::block_ack && frame.payload == wire::encode(vote);
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

class AloneOnAirTest : public OneOnAirTest {
protected:
    AloneOnAirTest() : OneOnAirTest(0) {}
};

}  // namespace meshchain::chain::test
