// A chain that was away, and peers of every kind that it asks: what is proven is taken from
// whoever has it, and nothing else from anybody.

#include <gtest/gtest.h>

#include "chain/test_network.h"

namespace meshchain::chain {
namespace {

using test::milliseconds;
using test::Network;
using test::seconds;
using Type = wire::MessageType;
using Items = std::vector<base::Buffer>;

/// Four chains, the last of them cut off with two puppets, and what the other three made final.
class CatchUpTest : public testing::Test {
protected:
    static constexpr std::size_t cut_off = 3;
    static constexpr std::size_t puppet = 4;
    static constexpr std::size_t other = 5;
    /// What a puppet makes of an honest answer; nothing: it keeps silent.
    using Twist = std::function<std::optional<Items>(const wire::SyncRequest&, Items)>;

    void SetUp() override {
        net_.start_all();
        net_.run_for(seconds(3));
        net_.partition({cut_off, puppet, other});
        for (std::size_t coin = 0; coin < 6; ++coin) {
            last_ = net_.pay(0, coin, 1, 500);
            ASSERT_TRUE(net_.run_until([&] { return net_.is_final(0, last_); }, seconds(20)));
        }
        ASSERT_GE(giver().final_height().value, 5U);
        ASSERT_EQ(taker().store().tip().height.value, 0U);
    }

    const Chain& giver() { return net_[0]; }
    Chain& taker() { return net_[cut_off]; }
    wire::Hash hash_at(std::uint32_t height) {
        return giver().store().hash_at({height}).value().value();
    }
    base::Buffer block_at(std::uint32_t height) {
        return giver().store().block_bytes(hash_at(height)).value().value();
    }
    static base::Buffer header_of(const base::Buffer& block) {
        return base::to_buffer(base::Bytes(block).first(wire::BlockHeader::size));
    }
    static base::Buffer body_of(const base::Buffer& block) {
        return base::to_buffer(base::Bytes(block).subspan(wire::BlockHeader::size));
    }

    Items honest(const wire::SyncRequest& request) {
        Items items;
        if (const auto* final = std::get_if<wire::FinalRequest>(&request)) {
            const auto found = giver().certificates().find(final->from, final->to).value();
            if (!found) return {};
            items.push_back(header_of(block_at(found->height.value)));
            base::Writer(items.back()).bytes(wire::encode(found->certificate));
        } else if (const auto* headers = std::get_if<wire::HeadersRequest>(&request)) {
            items.emplace_back();
            wire::Hash at = headers->top;
            for (std::size_t i = 0; i < headers->count; ++i) {
                const auto bytes = giver().store().block_bytes(at).value();
                if (!bytes) break;
                base::Writer(items.back()).bytes(header_of(*bytes));
                at = wire::parse_block(*bytes).value().header.parent;
            }
        } else if (const auto* bodies = std::get_if<wire::BodiesRequest>(&request)) {
            for (std::uint32_t i = 0; i < bodies->count; ++i) {
                items.push_back(body_of(block_at(bodies->from.value + i)));
            }
        }
        return items;
    }
    static std::uint64_t nonce_of(const wire::SyncRequest& request) {
        return std::visit(
            [](const auto& kind) -> std::uint64_t {
                if constexpr (requires { kind.nonce; }) return kind.nonce;
                return 0;
            },
            request);
    }
    void send(std::size_t from, std::uint64_t nonce, const Items& items) {
        wire::ItemsResponse list{nonce, {}};
        for (const base::Buffer& item : items) {
            list.items.push_back({static_cast<std::uint32_t>(item.size()), crypto::hash(item)});
        }
        net_.hand(from, cut_off, Type::sync_response, wire::encode(wire::SyncResponse(list)));
        for (std::size_t i = 0; i < items.size(); ++i) send_chunks(from, nonce, i, items[i]);
    }
    void send_chunks(std::size_t from, std::uint64_t nonce, std::size_t item,
                     const base::Buffer& bytes) {
        for (std::size_t chunk = 0; chunk < wire::chunks_of(bytes.size()); ++chunk) {
            net_.hand(from, cut_off, Type::sync_data,
                      wire::encode(wire::chunk_of(bytes, nonce, static_cast<std::uint8_t>(item),
                                                  static_cast<std::uint8_t>(chunk))));
        }
    }
    /// From now on it claims what the giver has, and answers so.
    void act(std::size_t who, Twist twist) {
        net_.set_puppet(who, [this, who, twist](std::size_t from, const Network::Content& content) {
            const auto* frame = std::get_if<Network::Frame>(&content);
            if (!frame || from != cut_off || frame->type != Type::sync_request) return;
            const auto request = wire::parse_sync_request(frame->payload).value();
            if (nonce_of(request) == 0) return;
            asked_[who].push_back(request);
            if (auto items = twist(request, honest(request))) send(who, nonce_of(request), *items);
        });
        claim(who);
    }
    void claim(std::size_t who) {
        net_.claim(who, cut_off, giver().store().tip().height.value, giver().final_height().value);
    }
    static std::optional<Items> as_it_is(const wire::SyncRequest&, Items items) { return items; }
    bool is_blamed(std::size_t who) {
        return net_.host(cut_off).faults.contains(net_.identity(who));
    }
    bool catches_up(base::Duration limit = seconds(30)) {
        return net_.run_until([&] { return net_.is_final(cut_off, last_); }, limit);
    }

    Network net_{{.puppets = 2}};
    wire::Txid last_;
    std::map<std::size_t, std::vector<wire::SyncRequest>> asked_;
};

TEST_F(CatchUpTest, OnePeerThatTellsTheTruth_IsEnough_AndNoVoteIsNeeded) {
    act(puppet, as_it_is);
    ASSERT_TRUE(catches_up());
    EXPECT_FALSE(is_blamed(puppet));
    EXPECT_EQ(taker().store().tip().hash, hash_at(taker().final_height().value));
    EXPECT_EQ(taker().engine().certificate(), giver().engine().certificate());
    EXPECT_EQ(taker().progress().state(), SyncState::synced);
    net_.check();
    net_.kill(cut_off);
    net_.start(cut_off);
    EXPECT_TRUE(net_.is_final(cut_off, last_));
}

TEST_F(CatchUpTest, ManyBlocks_ShareOneCommit) {
    act(puppet, as_it_is);
    const std::uint64_t before = net_.host(cut_off).memory->stats().commits;
    ASSERT_TRUE(catches_up());
    EXPECT_LE(net_.host(cut_off).memory->stats().commits - before, 3U)
        << "the blocks, the certificate, and room for a clock";
}

TEST_F(CatchUpTest, AClaimWithoutProof_IsNeverShownAsTarget) {
    net_.claim(puppet, cut_off, 4'000'000'000, 4'000'000'000);
    net_.run_for(seconds(30));
    EXPECT_EQ(taker().progress().target(), wire::Height{0});
    EXPECT_EQ(taker().progress().percent(), 100U);
    EXPECT_FALSE(taker().progress().remaining());
    net_.partition({});
    EXPECT_TRUE(catches_up());
}

TEST_F(CatchUpTest, AForgedCertificate_CostsItsGiverHisName) {
    act(puppet, [](const wire::SyncRequest&, Items items) -> std::optional<Items> {
        items.front().back() ^= std::byte{1};
        return items;
    });
    net_.run_for(seconds(5));
    EXPECT_TRUE(is_blamed(puppet));
    EXPECT_EQ(taker().catch_up().anchor(), nullptr);
    EXPECT_EQ(asked_[puppet].size(), 1U) << "a liar is not asked again";
    net_.partition({});
    EXPECT_TRUE(catches_up());
}

TEST_F(CatchUpTest, ACertificateOfTooFewVotes_ProvesNothing) {
    act(puppet, [](const wire::SyncRequest&, Items items) -> std::optional<Items> {
        auto proven = wire::parse_proven_final(items.front()).value();
        proven.certificate.votes.resize(1);
        return Items{wire::encode(proven)};
    });
    net_.run_for(seconds(5));
    EXPECT_TRUE(is_blamed(puppet));
    EXPECT_EQ(taker().final_height().value, 0U);
}

TEST_F(CatchUpTest, AnotherHeaderUnderATrueCertificate_IsALie) {
    act(puppet, [&](const wire::SyncRequest&, Items items) -> std::optional<Items> {
        auto proven = wire::parse_proven_final(items.front()).value();
        proven.header.height.value += 1'000'000;
        return Items{wire::encode(proven)};
    });
    net_.run_for(seconds(5));
    EXPECT_TRUE(is_blamed(puppet));
    EXPECT_EQ(taker().progress().target(), wire::Height{0});
}

TEST_F(CatchUpTest, HeadersThatDoNotLink_CostTheirGiverHisName_AndAnotherGoesOn) {
    act(puppet, [](const wire::SyncRequest& request, Items items) -> std::optional<Items> {
        if (std::holds_alternative<wire::HeadersRequest>(request)) {
            items.front()[50] ^= std::byte{1};
        }
        return items;
    });
    net_.run_for(seconds(3));
    EXPECT_TRUE(is_blamed(puppet));
    EXPECT_NE(taker().catch_up().anchor(), nullptr) << "the certificate was true";
    act(other, as_it_is);
    EXPECT_TRUE(catches_up());
    EXPECT_FALSE(is_blamed(other));
}

TEST_F(CatchUpTest, FalseTransactionsUnderTrueHeaders_CostTheirGiverHisName_AndAnotherGoesOn) {
    act(puppet, [&](const wire::SyncRequest& request, Items items) -> std::optional<Items> {
        if (std::holds_alternative<wire::BodiesRequest>(request)) {
            std::swap(items.front(), items.back());
        }
        return items;
    });
    net_.run_for(seconds(3));
    EXPECT_TRUE(is_blamed(puppet));
    EXPECT_EQ(taker().store().tip().height.value, 0U);
    act(other, as_it_is);
    EXPECT_TRUE(catches_up());
    EXPECT_FALSE(is_blamed(other));
    net_.check();
}

TEST_F(CatchUpTest, AWrongSignatureInTheMiddle_KeepsWhatIsBeforeIt) {
    act(puppet, [&](const wire::SyncRequest& request, Items items) -> std::optional<Items> {
        if (const auto* bodies = std::get_if<wire::BodiesRequest>(&request)) {
            if (bodies->from.value <= 3 && bodies->from.value + bodies->count > 3) {
                items[3 - bodies->from.value].back() ^= std::byte{1};
            }
        }
        return items;
    });
    net_.run_for(seconds(3));
    EXPECT_TRUE(is_blamed(puppet));
    EXPECT_EQ(taker().store().tip().height.value, 2U);
    net_.check();
    act(other, as_it_is);
    EXPECT_TRUE(catches_up());
}

TEST_F(CatchUpTest, BytesThatAreNoTransactions_AreALie) {
    act(puppet, [&](const wire::SyncRequest& request, Items items) -> std::optional<Items> {
        if (std::holds_alternative<wire::BodiesRequest>(request)) items.back() = base::Buffer(7);
        return items;
    });
    net_.run_for(seconds(3));
    EXPECT_TRUE(is_blamed(puppet));
}

TEST_F(CatchUpTest, ASilentPeer_IsReportedAndReplaced) {
    act(puppet, [](const wire::SyncRequest&, Items) -> std::optional<Items> { return {}; });
    act(other, as_it_is);
    EXPECT_TRUE(catches_up());
    EXPECT_FALSE(is_blamed(other));
}

TEST_F(CatchUpTest, APeerThatStallsInTheMiddle_LosesItsRequestsToOthers) {
    act(puppet, [](const wire::SyncRequest& request, Items items) -> std::optional<Items> {
        if (std::holds_alternative<wire::BodiesRequest>(request)) return {};
        return items;
    });
    net_.run_for(seconds(5));
    EXPECT_TRUE(is_blamed(puppet));
    ASSERT_EQ(taker().store().tip().height.value, 0U);
    act(other, as_it_is);
    EXPECT_TRUE(catches_up());
}

TEST_F(CatchUpTest, APeerThatHasNothingAfterAll_IsNotBlamed) {
    act(puppet, [](const wire::SyncRequest&, Items) -> std::optional<Items> { return Items{}; });
    net_.run_for(seconds(5));
    EXPECT_FALSE(is_blamed(puppet));
    net_.partition({});
    EXPECT_TRUE(catches_up());
}

TEST_F(CatchUpTest, ChunksThatSomebodySlippedIn_CostNobodyHisName_AndTheTrueOnesCount) {
    act(puppet, [&](const wire::SyncRequest& request, Items items) -> std::optional<Items> {
        for (std::size_t i = 0; i < items.size(); ++i) {
            base::Buffer false_bytes = items[i];
            false_bytes.front() ^= std::byte{1};
            send_chunks(puppet, nonce_of(request), i, false_bytes);
        }
        return items;
    });
    EXPECT_TRUE(catches_up(seconds(90)));
    EXPECT_FALSE(is_blamed(puppet));
}

TEST_F(CatchUpTest, AnswersNobodyAskedFor_AreIgnored) {
    act(puppet, as_it_is);
    for (std::uint64_t nonce = 1; nonce < 50; ++nonce) {
        send(puppet, nonce, {block_at(1), block_at(2)});
        send(other, nonce, {block_at(1)});
    }
    EXPECT_TRUE(catches_up());
    const auto& requests = asked_[puppet];
    for (const wire::SyncRequest& request : requests) {
        send(other, nonce_of(request), honest(request));
        send(puppet, nonce_of(request), honest(request));
    }
    net_.check();
}

TEST_F(CatchUpTest, OverlappingAndEndlessLists_AreALie) {
    act(puppet, [](const wire::SyncRequest& request, Items items) -> std::optional<Items> {
        if (!std::holds_alternative<wire::BodiesRequest>(request)) return items;
        while (items.size() < wire::items_max) items.push_back(items.back());
        return items;
    });
    net_.run_for(seconds(3));
    EXPECT_TRUE(is_blamed(puppet));
}

TEST_F(CatchUpTest, AFinalOfAnotherChain_ProvesNothingHere) {
    Network foreign({.seed = 9});
    foreign.start_all();
    foreign.run_for(seconds(3));
    const wire::Txid txid = foreign.pay(0, 0, 1, 100);
    ASSERT_TRUE(foreign.run_until([&] { return foreign.is_final(0, txid); }, seconds(20)));
    const auto proof = foreign[0].certificates().find({1}, {100}).value().value();
    const auto block = foreign[0].store().block(proof.certificate.final.block).value().value();
    act(puppet, [&](const wire::SyncRequest&, Items) -> std::optional<Items> {
        return Items{wire::encode(wire::ProvenFinal{block.block.header, proof.certificate})};
    });
    net_.run_for(seconds(5));
    EXPECT_TRUE(is_blamed(puppet));
    EXPECT_EQ(taker().store().tip().height.value, 0U);
}

TEST_F(CatchUpTest, PowerLossInTheMiddle_ShowsWholeBlocks_AndItGoesOnFromThere) {
    act(puppet, [&](const wire::SyncRequest& request, Items items) -> std::optional<Items> {
        const auto* bodies = std::get_if<wire::BodiesRequest>(&request);
        if (bodies && bodies->from.value > 1) return {};
        if (bodies) items.resize(3);
        return items;
    });
    ASSERT_TRUE(
        net_.run_until([&] { return taker().store().tip().height.value == 3; }, seconds(5)));
    EXPECT_EQ(taker().final_height().value, 0U) << "not final before its certificate is stored";
    net_.kill(cut_off);
    net_.start(cut_off);
    EXPECT_EQ(taker().store().tip().height.value, 3U);
    net_.check();
    asked_.clear();
    act(other, as_it_is);
    EXPECT_TRUE(catches_up());
    for (const wire::SyncRequest& request : asked_[other]) {
        const auto* bodies = std::get_if<wire::BodiesRequest>(&request);
        if (bodies == nullptr) continue;
        EXPECT_GT(bodies->from.value, 3U) << "what is there is not fetched again";
    }
}

TEST_F(CatchUpTest, AStoreThatFailsInTheMiddle_IsSaid_AndNothingIsFinalWithoutIt) {
    act(puppet, as_it_is);
    net_.host(cut_off).store->fail_commit(0, kv::CommitFault::unknown_absent);
    net_.run_for(seconds(5));
    ASSERT_TRUE(taker().fault().has_value());
    EXPECT_EQ(taker().final_height().value, 0U);
    EXPECT_EQ(taker().progress().state(), SyncState::error);
    EXPECT_GT(taker().poll_timeout(net_.now()), net_.now().instant) << "nothing is to be done";
    net_.kill(cut_off);
    net_.start(cut_off);
    claim(puppet);
    EXPECT_TRUE(catches_up());
}

TEST_F(CatchUpTest, ADiskThatIsFullForAWhile_IsNotTriedAllAlong_AndItGoesOnWhenThereIsRoom) {
    act(puppet, as_it_is);
    kv::FaultyStore& disk = *net_.host(cut_off).store;
    disk.set_full(true);
    ASSERT_TRUE(net_.run_until([&] { return taker().fault().has_value(); }, seconds(10)));
    for (int i = 0; i < 60; ++i) {
        net_.run_for(milliseconds(500));
        EXPECT_TRUE(taker().fault().has_value()) << "nothing has shown that it works again";
        EXPECT_GT(taker().poll_timeout(net_.now()), net_.now().instant);
    }
    disk.set_full(false);
    EXPECT_TRUE(catches_up(Chain::retry_pause_max + seconds(5)));
}

TEST_F(CatchUpTest, ASideBranch_IsTakenBackForWhatIsProven) {
    const wire::Txid lone = net_.submit(cut_off, net_.payment(3, 0, 2, 77));
    ASSERT_TRUE(
        net_.run_until([&] { return taker().store().tip().height.value > 0; }, seconds(60)));
    act(puppet, as_it_is);
    ASSERT_TRUE(catches_up());
    EXPECT_EQ(taker().store().tip().hash, hash_at(taker().final_height().value));
    EXPECT_TRUE(taker().mempool().find(lone) != nullptr || taker().store().find(lone).value())
        << "its payment waits for another block";
    net_.check();
}

TEST_F(CatchUpTest, VotesForMadeUpBlocks_KeepNobodyFromCatchingUp) {
    const std::uint32_t round = taker().engine().schedule().round_of(wire::Slot{net_.slot()}).value;
    for (std::uint32_t i = 0; i < 3; ++i) {
        wire::Vote vote;
        vote.validator = {static_cast<std::uint16_t>(i)};
        vote.round = {round};
        vote.source = consensus::genesis_checkpoint(net_.chain_id());
        vote.target = crypto::hash(base::as_bytes("no block " + std::to_string(i)));
        const auto key = ledger::test::person(2000 + net_.number_of(vote.validator));
        vote.signature = key.sign(wire::preimage(net_.chain_id(), vote, key.public_key()));
        net_.hand(puppet, cut_off, Type::block_ack, wire::encode(vote));
    }
    act(puppet, as_it_is);
    EXPECT_TRUE(catches_up(seconds(10)));
}

}  // namespace
}  // namespace meshchain::chain
