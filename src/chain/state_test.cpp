#include <gtest/gtest.h>

#include <functional>

#include "chain/consensus_of.h"
#include "chain/final_follower.h"
#include "chain/state_download.h"
#include "chain/state_server.h"
#include "chain/state_view.h"
#include "chain/test_history.h"
#include "chain/transaction_proof.h"

namespace meshchain::chain {
namespace {

using base::Errc;
using test::History;

crypto::PublicKey peer(int number) {
    return ledger::test::public_key(static_cast<std::uint32_t>(9000 + number));
}

/// Votes of the first `votes` of three equal validators that make `header` FINAL.
ProvenFinal proven(const ledger::Genesis& genesis, const wire::BlockHeader& header,
                   const wire::Hash& hash, std::size_t votes = 3) {
    const wire::ChainId chain = ledger::chain_id(genesis);
    ProvenFinal final{header, {{{header.slot.value}, header.slot, hash}, {}}};
    for (std::uint16_t i = 0; i < votes; ++i) {
        wire::Vote vote;
        vote.validator = {i};
        vote.source = final.certificate.final;
        vote.round = {vote.source.round.value + 1};
        vote.target = hash;
        const crypto::PublicKey& key = genesis.validators[i].key;
        for (std::uint32_t person = 2000; person < 2000 + test::validators; ++person) {
            if (ledger::test::public_key(person) != key) continue;
            vote.signature = ledger::test::person(person).sign(wire::preimage(chain, vote, key));
        }
        final.certificate.votes.push_back(vote);
    }
    return final;
}

void sign(const ledger::Genesis& genesis, wire::BlockHeader& header) {
    const crypto::PublicKey& key = genesis.validators[header.proposer.value].key;
    for (std::uint32_t person = 2000; person < 2000 + test::validators; ++person) {
        if (ledger::test::public_key(person) != key) continue;
        header.signature = ledger::test::person(person).sign(
            wire::preimage(ledger::chain_id(genesis), header, key));
    }
}

/// A chain of some blocks whose newest one is FINAL, and another store that is to get its state.
class StateTest : public testing::Test {
protected:
    using Answer = std::function<wire::StatePage(wire::StatePage)>;

    StateTest() {
        while (history_.applied().size() < 12) history_.apply();
        const auto& last = history_.applied().back();
        parent_ = history_.applied()[history_.applied().size() - 2].made.block.header;
        target_ = proven(history_.genesis(), last.made.block.header, last.made.hash);
        view_ = *StateView::open(history_.disk().store(), history_.disk().chain(), parent_.height);
        open_staging();
    }
    ~StateTest() override { view_.reset(); }

    void open_staging() {
        download_.reset();
        staging_.reset();
        store_.reset();
        store_ = *kv::MemoryStore::open(medium_, {chain_tables});
        auto opened = StateStaging::open(*store_, history_.genesis());
        ASSERT_TRUE(opened) << base::sentence(opened.error());
        staging_.emplace(*std::move(opened));
    }
    void begin() {
        ASSERT_TRUE(staging_->begin(target_));
        download_.emplace(*staging_, base::Random(5));
    }
    /// A peer that answers with what `change` makes of the truth.
    void add_giver(int number, Answer change = [](wire::StatePage page) { return page; }) {
        givers_[peer(number)] = std::move(change);
        download_->add_peer(peer(number));
    }

    wire::StatePage page_of(const crypto::PublicKey& giver, std::uint8_t range,
                            std::optional<wire::Outpoint> after) {
        return givers_.at(giver)(*view_->page({target_.hash(), range, after}));
    }
    /// The hash of all that this giver would give of a range.
    wire::Hash hash_of(const crypto::PublicKey& giver, std::uint8_t range) {
        wire::RangeHasher hasher;
        std::optional<wire::Outpoint> after;
        for (;;) {
            const wire::StatePage page = page_of(giver, range, after);
            for (const auto& coin : page.coins) hasher.add(coin);
            for (const auto& fees : page.fees) hasher.add(fees);
            if (page.last || page.coins.empty()) return hasher.hash();
            after = page.coins.back().outpoint;
        }
    }
    void answer(const FinalFollower::Query& query) {
        if (const auto* page = std::get_if<wire::StatePageRequest>(&query.request)) {
            download_->handle_page(now_, query.to, page_of(query.to, page->range, page->after));
        } else if (const auto* hash = std::get_if<wire::RangeHashRequest>(&query.request)) {
            download_->handle_range_hash(
                now_, query.to, {target_.hash(), hash->range, hash_of(query.to, hash->range)});
        }
    }
    /// Until it is done or hopeless; counts the faults.
    void run(int steps = 5000) {
        while (steps-- > 0 && !download_->is_done() && !download_->is_hopeless()) {
            now_ += std::chrono::milliseconds(20);
            while (const auto query = download_->poll_request(now_)) answer(*query);
            note_faults();
        }
        note_faults();
    }
    void note_faults() {
        while (const auto fault = download_->poll_fault()) faults_.insert(*fault);
    }

    History history_{77};
    wire::BlockHeader parent_;
    ProvenFinal target_;
    std::unique_ptr<StateView> view_;
    std::shared_ptr<kv::MemoryMedium> medium_ = std::make_shared<kv::MemoryMedium>();
    std::unique_ptr<kv::MemoryStore> store_;
    std::optional<StateStaging> staging_;
    std::optional<StateDownload> download_;
    std::map<crypto::PublicKey, Answer> givers_;
    std::set<crypto::PublicKey> faults_;
    base::Instant now_{std::chrono::seconds(1)};
};

/// Takes a unit from every coin.
wire::StatePage poorer(wire::StatePage page) {
    for (auto& coin : page.coins) coin.output.amount.units -= coin.output.amount.units > 1 ? 1 : 0;
    return page;
}
/// Everything that was earned is the first validator's.
wire::StatePage fees_moved(wire::StatePage page) {
    if (page.fees.size() < 2) return page;
    for (std::size_t i = 1; i < page.fees.size(); ++i) {
        page.fees[0].amount.units += page.fees[i].amount.units;
    }
    page.fees.resize(1);
    return page;
}
wire::StatePage coin_left_out(wire::StatePage page) {
    if (!page.coins.empty() && page.last) page.coins.pop_back();
    return page;
}
wire::StatePage too_rich(wire::StatePage page) {
    for (auto& coin : page.coins) coin.output.amount.units = wire::Amount::units_max;
    return page;
}

TEST_F(StateTest, HonestGivers_TogetherGiveTheStateThatTheHeaderCommitsTo) {
    begin();
    for (int i = 0; i < 3; ++i) add_giver(i);
    run();
    ASSERT_TRUE(download_->is_done());
    EXPECT_TRUE(faults_.empty());
    std::set<crypto::PublicKey> gave;
    for (std::uint8_t range = 0; range < StateStaging::ranges; ++range) {
        if (const auto& giver = staging_->range(range).giver) gave.insert(*giver);
    }
    EXPECT_GT(gave.size(), 1U) << "ranges come from several at once";
    ASSERT_TRUE(staging_->flush());
    ASSERT_TRUE(staging_->install(parent_));

    const auto chain = ChainStore::open(*store_, history_.genesis());
    ASSERT_TRUE(chain) << base::sentence(chain.error());
    EXPECT_EQ((*chain)->tip().height, parent_.height);
    EXPECT_EQ((*chain)->state().digest(), target_.header.parent_state);
    EXPECT_EQ((*chain)->fees().value(), view_->fees());
    EXPECT_EQ((*chain)->hash_at({1}).value(), std::nullopt) << "history starts later";
    EXPECT_EQ((*chain)->revert().error().code, Errc::not_found);
    const auto& last = history_.applied().back().made;
    const auto effects =
        ledger::execute((*chain)->context(), last.block, **chain, ledger::NothingVerified());
    ASSERT_TRUE(effects);
    ASSERT_TRUE((*chain)->apply(last.hash, last.block, *effects));
    EXPECT_EQ((*chain)->state(), history_.disk().chain().state());
    ASSERT_TRUE((*chain)->revert());
    EXPECT_EQ((*chain)->tip().height, parent_.height);
}

TEST_F(StateTest, OneLiarAmongThree_IsFoundOutForCertainAndHonestOnesAreNotBlamed) {
    for (const auto& lie : {poorer, fees_moved, coin_left_out, too_rich}) {
        faults_.clear();
        givers_.clear();
        begin();
        add_giver(0);
        add_giver(1, lie);
        add_giver(2);
        run();
        ASSERT_TRUE(download_->is_done());
        EXPECT_FALSE(faults_.contains(peer(0)));
        EXPECT_FALSE(faults_.contains(peer(2)));
    }
}

TEST_F(StateTest, TwoWhoLieAlike_AreExcludedOneAfterTheOther) {
    begin();
    add_giver(0, poorer);
    add_giver(1, poorer);
    add_giver(2);
    run();
    ASSERT_TRUE(download_->is_done());
    EXPECT_EQ(faults_, (std::set{peer(0), peer(1)}));
}

TEST_F(StateTest, WhereAllLie_NothingIsBelievedAndAllAreCondemned) {
    begin();
    add_giver(0, poorer);
    add_giver(1, fees_moved);
    add_giver(2, too_rich);
    run();
    EXPECT_FALSE(download_->is_done());
    EXPECT_TRUE(download_->is_hopeless());
    EXPECT_EQ(faults_.size(), 3U);
    EXPECT_FALSE(ChainStore::open(*store_, history_.genesis()).has_value() &&
                 StateStaging::phase_of(*store_).value() == StateStaging::Phase::empty);
}

TEST_F(StateTest, PagesNobodyAskedFor_AreNotTaken) {
    begin();
    add_giver(0);
    for (std::uint8_t range = 0; range < StateStaging::ranges; ++range) {
        download_->handle_page(now_, peer(0), page_of(peer(0), range, {}));
        download_->handle_page(now_, peer(7), page_of(peer(0), range, {}));
    }
    EXPECT_EQ(staging_->entries(), 0U);
}

TEST_F(StateTest, AStalledGiver_IsPassedOver) {
    begin();
    add_giver(0);
    download_->add_peer(peer(9));  // never answers
    for (int i = 0; i < 5000 && !download_->is_done(); ++i) {
        now_ += std::chrono::milliseconds(100);
        while (const auto query = download_->poll_request(now_)) {
            if (query->to == peer(0)) answer(*query);
        }
    }
    EXPECT_TRUE(download_->is_done());
}

TEST_F(StateTest, AfterPowerLoss_WhatWasGatheredIsThereAndTheRestIsFetched) {
    begin();
    add_giver(0);
    for (int requests = 0; requests < 40;) {
        now_ += std::chrono::milliseconds(20);
        const auto query = download_->poll_request(now_);
        if (!query) continue;
        answer(*query);
        ++requests;
    }
    ASSERT_TRUE(staging_->flush());
    const std::size_t entries = staging_->entries();
    const std::size_t done = staging_->done_count();
    ASSERT_FALSE(staging_->is_complete());
    open_staging();
    EXPECT_EQ(staging_->entries(), entries);
    EXPECT_EQ(staging_->done_count(), done);
    EXPECT_EQ(StateStaging::phase_of(*store_).value(), StateStaging::Phase::gathering);
    download_.emplace(*staging_, base::Random(6));
    download_->add_peer(peer(0));
    run();
    EXPECT_TRUE(download_->is_done());
}

TEST_F(StateTest, ClearingIt_LeavesAStoreInWhichAChainCanBegin) {
    begin();
    add_giver(0);
    run();
    ASSERT_TRUE(staging_->flush());
    ASSERT_TRUE(staging_->clear());
    EXPECT_EQ(StateStaging::phase_of(*store_).value(), StateStaging::Phase::empty);
    const auto chain = ChainStore::open(*store_, history_.genesis());
    ASSERT_TRUE(chain);
    EXPECT_EQ((*chain)->coins_total().value(), ledger::CoinSet(history_.genesis()).total());
}

TEST_F(StateTest, AStateOfAnotherChain_IsRefused) {
    ledger::Genesis other = history_.genesis();
    other.block_time_ms += 1;
    const auto parsed =
        restore_proven_final(encode(target_), ledger::chain_id(other), validators_of(other));
    EXPECT_FALSE(parsed);
}

TEST_F(StateTest, AView_ShowsTheCoinsOfThenWhileTheTipMovesOn) {
    History history(31);
    std::map<std::uint32_t, std::map<wire::Outpoint, wire::Output>> coins;
    std::map<std::uint32_t, wire::Hash> digests;
    const auto note = [&] {
        const std::uint32_t height = history.disk().chain().tip().height.value;
        coins[height] = history.coins().coins();
        digests[height] = history.coins().state();
    };
    note();
    for (int i = 0; i < 10; ++i) {
        history.apply();
        note();
    }
    auto held = *StateView::open(history.disk().store(), history.disk().chain(), {6});
    for (int i = 0; i < 5; ++i) history.apply();
    for (std::uint32_t height = 0; height <= 10; ++height) {
        auto view = height == 6 ? std::move(held)
                                : *StateView::open(history.disk().store(), history.disk().chain(),
                                                   {height});
        EXPECT_EQ(view->digest(), digests[height]);
        std::map<wire::Outpoint, wire::Output> seen;
        ASSERT_TRUE(view->each_coin([&](const wire::StateCoin& coin) {
            seen.emplace(coin.outpoint, coin.output);
            return true;
        }));
        EXPECT_EQ(seen, coins[height]) << "height " << height;
    }
    EXPECT_EQ(StateView::open(history.disk().store(), history.disk().chain(), {99}).error().code,
              Errc::not_found);
}

TEST_F(StateTest, ACertificateThatIsTooWeakOrForged_IsNotBelieved) {
    const wire::ChainId chain = ledger::chain_id(history_.genesis());
    const consensus::ValidatorSet validators = validators_of(history_.genesis());
    wire::BlockHeader header = target_.header;
    sign(history_.genesis(), header);
    const auto ask = [&](FinalFollower& follower) {
        follower.handle_peer(now_, peer(1), {50});
        now_ += std::chrono::seconds(5);
        return follower.poll_request(now_).has_value();
    };
    FinalFollower follower(chain, validators, std::chrono::seconds(1), base::Random(1));
    ASSERT_TRUE(ask(follower));
    const auto weak = proven(history_.genesis(), header, target_.hash(), 2);
    for (const auto& part : final_responses(header, weak.certificate)) {
        EXPECT_FALSE(follower.handle_response(peer(1), part)) << "two of three are not enough";
    }
    EXPECT_EQ(follower.height(), wire::Height{});
    auto forged = proven(history_.genesis(), header, target_.hash());
    forged.certificate.votes[2].signature.bytes[3] ^= std::byte{1};
    for (const auto& part : final_responses(header, forged.certificate)) {
        EXPECT_FALSE(follower.handle_response(peer(1), part));
    }
    EXPECT_EQ(follower.poll_fault(), peer(1));

    FinalFollower other(chain, validators, std::chrono::seconds(1), base::Random(1));
    ASSERT_TRUE(ask(other));
    for (const auto& part : final_responses(header, target_.certificate)) {
        EXPECT_FALSE(other.handle_response(peer(2), part)) << "it was not asked";
    }
    bool believed = false;
    for (const auto& part : final_responses(header, target_.certificate)) {
        believed = other.handle_response(peer(1), part) || believed;
    }
    EXPECT_TRUE(believed);
    EXPECT_EQ(other.height(), header.height);
}

TEST_F(StateTest, AProof_HoldsForItsTransactionAndBreaksWithEveryChange) {
    const ChainStore& chain = history_.disk().chain();
    const consensus::ValidatorSet validators = validators_of(history_.genesis());
    const wire::ChainId name = chain.chain_id();
    std::size_t proofs = 0;
    for (const auto& applied : history_.applied()) {
        for (const auto& checked : applied.made.effects.transactions) {
            const auto proof =
                make_proof(chain, validators, target_.certificate, target_.height(), checked.txid);
            ASSERT_TRUE(proof) << base::sentence(proof.error());
            const base::Buffer bytes = encode(*proof);
            const auto parsed = parse_transaction_proof(bytes);
            ASSERT_TRUE(parsed) << base::sentence(parsed.error());
            EXPECT_EQ(*parsed, *proof);
            EXPECT_EQ(verify(*parsed, name, validators).value(), checked.txid);
            if (++proofs != 3) continue;
            for (std::size_t at = 5; at < bytes.size(); at += 7) {
                base::Buffer changed = bytes;
                changed[at] ^= std::byte{1};
                const auto again = parse_transaction_proof(changed);
                const auto result =
                    again ? verify(*again, name, validators) : std::unexpected(again.error());
                // A header's signature is not part of its name, so it may differ.
                if (!result) continue;
                EXPECT_EQ(*result, checked.txid) << "byte " << at;
                EXPECT_NE(again->headers, proof->headers) << "byte " << at;
            }
        }
    }
    EXPECT_GT(proofs, 3U);
    const auto missing =
        make_proof(chain, validators, target_.certificate, target_.height(), {name});
    EXPECT_EQ(missing.error().code, Errc::not_found);
}

}  // namespace
}  // namespace meshchain::chain
