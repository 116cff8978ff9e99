// What a single answer does to a catch-up, without a chain: too late, too slow, from one who left.

#include <gtest/gtest.h>

#include "chain/catch_up.h"
#include "chain/test_peer.h"

namespace meshchain::chain {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::peer;

wire::Hash name_of(const wire::BlockHeader& header) {
    base::Buffer bytes;
    wire::encode(header, bytes);
    return crypto::hash(bytes);
}

/// A block of this height, and a certificate that this test's owner believes.
base::Buffer proof_of(std::uint32_t height) {
    wire::BlockHeader header;
    header.height = {height};
    header.slot = {height};
    wire::Certificate certificate;
    certificate.final = {{height}, header.slot, name_of(header)};
    return wire::encode(wire::ProvenFinal{header, certificate});
}

class CatchUpAnswerTest : public testing::Test {
protected:
    CatchUpAnswerTest()
        : catch_up_({},
                    {.header_hash = [](const auto& header) { return name_of(header); },
                     .applied_at = [](wire::Height) { return std::nullopt; },
                     .is_proof = [](const auto&) { return true; }},
                    base::Random(1)) {}

    /// The nonce of the request that leaves now, which goes to `to`.
    std::uint64_t asks(const crypto::PublicKey& to) {
        const auto query = catch_up_.poll_request(now_);
        EXPECT_TRUE(query && query->to == to);
        if (!query) return 0;
        return std::visit(
            [](const auto& kind) -> std::uint64_t {
                if constexpr (requires { kind.nonce; }) return kind.nonce;
                return 0;
            },
            query->request);
    }
    void list(const crypto::PublicKey& from, std::uint64_t nonce, const base::Buffer& item) {
        const wire::ItemsResponse::Item listed{static_cast<std::uint32_t>(item.size()),
                                               crypto::hash(item)};
        catch_up_.handle_items(now_, from, {nonce, {listed}});
    }
    void chunk(const crypto::PublicKey& from, std::uint64_t nonce, const base::Buffer& item,
               std::size_t number) {
        catch_up_.handle_chunk(now_, from,
                               wire::chunk_of(item, nonce, 0, static_cast<std::uint8_t>(number)));
    }
    void answer(const crypto::PublicKey& from, std::uint64_t nonce, const base::Buffer& item) {
        list(from, nonce, item);
        for (std::size_t i = 0; i < wire::chunks_of(item.size()); ++i) chunk(from, nonce, item, i);
    }
    void pass(base::Duration time) {
        now_ += time;
        if (catch_up_.poll_timeout(now_) <= now_) catch_up_.handle_timeout(now_);
    }

    CatchUp catch_up_;
    base::Instant now_{seconds(100)};
};

TEST_F(CatchUpAnswerTest, AProofThatOurOwnFinalHasOvertaken_IsNobodysFault) {
    catch_up_.handle_peer(now_, peer(1), {10}, true);
    const std::uint64_t nonce = asks(peer(1));
    catch_up_.set_final(now_, {10});  // votes were quicker
    answer(peer(1), nonce, proof_of(10));
    EXPECT_FALSE(catch_up_.poll_failure());
    EXPECT_EQ(catch_up_.anchor(), nullptr);
    catch_up_.handle_peer(now_, peer(1), {20}, true);
    EXPECT_NE(asks(peer(1)), 0U) << "it is asked again";
}

TEST_F(CatchUpAnswerTest, AProofOfWhatWasFinalWhenItWasAskedFor_IsALie) {
    catch_up_.set_final(now_, {9});
    catch_up_.handle_peer(now_, peer(1), {30}, true);
    answer(peer(1), asks(peer(1)), proof_of(9));
    EXPECT_EQ(catch_up_.poll_failure(), peer(1));
}

TEST_F(CatchUpAnswerTest, WhatNobodyHasAnyMore_IsNotWaitedFor) {
    catch_up_.handle_peer(now_, peer(1), {20}, true);
    answer(peer(1), asks(peer(1)), proof_of(20));
    ASSERT_NE(catch_up_.anchor(), nullptr);
    catch_up_.handle_peer(now_, peer(2), {15}, true);
    catch_up_.forget_peer(peer(1));
    EXPECT_EQ(catch_up_.anchor(), nullptr);
    answer(peer(2), asks(peer(2)), proof_of(15));
    ASSERT_NE(catch_up_.anchor(), nullptr);
    EXPECT_EQ(catch_up_.anchor()->header.height, wire::Height{15});
}

TEST_F(CatchUpAnswerTest, AnAnswerThatDripsForEver_IsTakenFromItsGiver) {
    catch_up_.handle_peer(now_, peer(1), {20}, true);
    const std::uint64_t nonce = asks(peer(1));
    catch_up_.handle_peer(now_, peer(2), {20}, false);
    const base::Buffer endless(200 * wire::SyncChunk::bytes_max);
    list(peer(1), nonce, endless);
    base::Duration waited{};
    for (std::size_t i = 0; i < 200 && !catch_up_.poll_request(now_); ++i) {
        chunk(peer(1), nonce, endless, i);
        pass(milliseconds(900));
        waited += milliseconds(900);
    }
    EXPECT_LE(waited, SyncPeers::patience * CatchUp::Options{}.request_timeout + seconds(1));
    EXPECT_FALSE(catch_up_.poll_failure()) << "slow is no lie";
}

}  // namespace
}  // namespace meshchain::chain
