#include "ledger/genesis.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "ledger/test_payments.h"

namespace meshchain::ledger {
namespace {

using base::Errc;
using test::public_key;

Genesis two_of_each() { return test::genesis_with(2, 1, 1000, 2); }

/// The error of a genesis that is valid but for one change.
base::Error error_after(const std::function<void(Genesis&)>& change) {
    Genesis genesis = two_of_each();
    change(genesis);
    const auto result = validate(genesis);
    EXPECT_FALSE(result.has_value());
    return result ? base::Error{} : result.error();
}

TEST(GenesisTest, EveryTruncation_IsMalformed) {
    const base::Buffer bytes = encode(two_of_each());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        EXPECT_FALSE(parse_genesis(base::Bytes(bytes).first(length)).has_value()) << length;
    }
    base::Buffer longer = bytes;
    longer.push_back(std::byte{0});
    EXPECT_EQ(parse_genesis(longer).error().code, Errc::malformed);
}

TEST(GenesisTest, OtherProtocolVersion_IsNamed) {
    EXPECT_EQ(error_after([](Genesis& g) { g.protocol_version = 2; }).code, Errc::wrong_version);
}

struct OutOfRange {
    const char* field;
    std::function<void(Genesis&)> change;
};
class GenesisRangeTest : public testing::TestWithParam<OutOfRange> {};

TEST_P(GenesisRangeTest, ValueOutOfRange_IsRefusedByName) {
    const base::Error error = error_after(GetParam().change);
    EXPECT_EQ(error.code, Errc::invalid_argument);
    EXPECT_EQ(error.where, std::string("genesis ") + GetParam().field);
}

constexpr std::uint64_t too_much = wire::Amount::units_max + 1;
INSTANTIATE_TEST_SUITE_P(
    Fields, GenesisRangeTest,
    testing::Values(
        OutOfRange{"start", [](Genesis& g) { g.start = base::wall_from_unix_ms(0); }},
        OutOfRange{"start", [](Genesis& g) { g.start = base::never_wall; }},
        OutOfRange{"block_time_ms", [](Genesis& g) { g.block_time_ms = 199; }},
        OutOfRange{"block_time_ms", [](Genesis& g) { g.block_time_ms = 3'600'001; }},
        OutOfRange{"rank_delay_ms", [](Genesis& g) { g.rank_delay_ms = 334; }},
        OutOfRange{"rank_delay_ms", [](Genesis& g) { g.rank_delay_ms = 0; }},
        OutOfRange{"slots_per_round", [](Genesis& g) { g.slots_per_round = 0; }},
        OutOfRange{"slots_per_round", [](Genesis& g) { g.slots_per_round = 65; }},
        OutOfRange{"vote_delay_slots", [](Genesis& g) { g.vote_delay_slots = 0; }},
        OutOfRange{"vote_lead_ms",
                   [](Genesis& g) { g.vote_lead_ms = g.block_time_ms - g.rank_delay_ms + 1; }},
        OutOfRange{"block_bytes_limit", [](Genesis& g) { g.block_bytes_limit = 1023; }},
        OutOfRange{"block_bytes_limit", [](Genesis& g) { g.block_bytes_limit = 65'537; }},
        OutOfRange{"validators", [](Genesis& g) { g.validators.clear(); }},
        OutOfRange{"validators", [](Genesis& g) { g.validators.resize(65); }},
        OutOfRange{"allocations[0].amount", [](Genesis& g) { g.allocations[0].amount.units = 0; }},
        OutOfRange{"allocations[1].amount",
                   [](Genesis& g) { g.allocations[1].amount.units = too_much; }},
        OutOfRange{"allocations[0].owner", [](Genesis& g) { g.allocations[0].owner = {}; }},
        OutOfRange{"allocations[1].owner",
                   [](Genesis& g) { std::swap(g.allocations[0], g.allocations[1]); }},
        OutOfRange{"validators[0].identity", [](Genesis& g) { g.validators[0].identity = {}; }},
        OutOfRange{"validators[0].key", [](Genesis& g) { g.validators[0].key = {}; }},
        OutOfRange{"validators[0].payout", [](Genesis& g) { g.validators[0].payout = {}; }},
        OutOfRange{"validators[1].stake", [](Genesis& g) { g.validators[1].stake.units = 0; }},
        OutOfRange{"validators[1].identity",
                   [](Genesis& g) { std::swap(g.validators[0], g.validators[1]); }}));

/// What is optional is told apart by its length alone.
TEST(GenesisTest, OptionalParts_AreReadBackInEveryCombination) {
    std::set<std::size_t> sizes;
    for (unsigned parts = 0; parts < 8; ++parts) {
        Genesis genesis = two_of_each();
        if ((parts & 1U) != 0) genesis.predecessor.emplace().height = {7};
        if ((parts & 2U) != 0) genesis.stakes = StakeRules{{100}, 4, 4};
        if ((parts & 4U) != 0) genesis.vote_lead_ms = genesis.block_time_ms - genesis.rank_delay_ms;
        ASSERT_TRUE(validate(genesis).has_value()) << parts;
        const base::Buffer bytes = encode(genesis);
        sizes.insert(bytes.size());
        const auto parsed = parse_genesis(bytes);
        ASSERT_TRUE(parsed.has_value()) << parts << ": " << base::sentence(parsed.error());
        EXPECT_EQ(*parsed, genesis) << parts;
    }
    EXPECT_EQ(sizes.size(), 8U);
}

TEST(GenesisTest, LeadOfZero_HasOneEncoding) {
    base::Buffer bytes = encode(two_of_each());
    bytes.insert(bytes.end(), 4, std::byte{0});
    const auto parsed = parse_genesis(bytes);
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().code, Errc::malformed);
    EXPECT_EQ(parsed.error().where, "genesis vote_lead_ms");
}

TEST(GenesisTest, KeyOfSmallOrder_IsNoValidatorsKey) {
    // The point of order two: it encodes y = -1, and would let anybody sign.
    crypto::PublicKey small;
    small.bytes.fill(std::byte{0xff});
    small.bytes.front() = std::byte{0xec};
    small.bytes.back() = std::byte{0x7f};
    const auto error = error_after([&](Genesis& g) { g.validators[0].key = small; });
    EXPECT_EQ(error.where, "genesis validators[0].key");
}

TEST(GenesisTest, ValidatorTwice_IsRefused) {
    EXPECT_EQ(
        error_after([](Genesis& g) { g.validators[1].identity = g.validators[0].identity; }).code,
        Errc::exists);
    EXPECT_EQ(error_after([](Genesis& g) { g.validators[1].key = g.validators[0].key; }).code,
              Errc::exists);
}

TEST(GenesisTest, SupplyOf2To40_IsTooLarge_OneLessIsNot) {
    Genesis genesis = two_of_each();
    genesis.allocations[1].amount.units = wire::Amount::units_max - 200 - 1000;
    EXPECT_TRUE(validate(genesis).has_value());
    EXPECT_EQ(supply(genesis), wire::Amount{wire::Amount::units_max});
    genesis.allocations[1].amount.units += 1;
    EXPECT_EQ(supply(genesis), std::nullopt);
    EXPECT_EQ(validate(genesis).error().code, Errc::too_large);
}

TEST(GenesisTest, TooManyAllocations_AreTooLarge) {
    EXPECT_EQ(
        error_after([](Genesis& g) { g.allocations.resize(genesis_allocations_max + 1); }).code,
        Errc::too_large);
}

TEST(GenesisTest, SameSet_HasOneEncoding_WhateverOrderItWasGivenIn) {
    Genesis genesis = two_of_each();
    const wire::ChainId id = chain_id(genesis);
    std::swap(genesis.allocations[0], genesis.allocations[1]);
    std::swap(genesis.validators[0], genesis.validators[1]);
    EXPECT_FALSE(parse_genesis(encode(genesis)).has_value());
    sort_canonically(genesis);
    EXPECT_EQ(chain_id(genesis), id);
    EXPECT_EQ(*parse_genesis(encode(genesis)), genesis);
}

TEST(GenesisTest, OneOwner_MayHaveSeveralEqualCoins) {
    const Genesis genesis = test::genesis_with(1, 3, 50);
    EXPECT_TRUE(validate(genesis).has_value());
    const auto coins = genesis_coins(genesis);
    ASSERT_EQ(coins.size(), 3U);
    EXPECT_EQ(coins[2].outpoint, (wire::Outpoint{{chain_id(genesis)}, 2}));
}

TEST(GenesisTest, AnyChange_IsAnotherChain) {
    const wire::ChainId id = chain_id(two_of_each());
    Genesis genesis = two_of_each();
    genesis.seed.bytes[31] = std::byte{1};
    EXPECT_NE(chain_id(genesis), id);
}

// The bytes and hashes of the next test were computed outside this program.
TEST(GenesisTest, BytesAndChainId_AreAsSpecified) {
    Genesis genesis;
    genesis.start = base::wall_from_unix_ms(1'700'000'000'000);
    genesis.block_time_ms = 10'000;
    genesis.rank_delay_ms = 3'000;
    genesis.slots_per_round = 12;
    genesis.vote_delay_slots = 2;
    genesis.seed.bytes.fill(std::byte{0x5e});
    // The public keys of RFC 8032, section 7.1, tests 1 to 3.
    const auto key = [](const char* hex) {
        return crypto::PublicKey{crypto::hash_from_hex(hex).value().bytes};
    };
    const auto first = key("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    const auto second = key("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    const auto third = key("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
    genesis.allocations = {{second, wire::Amount{1000}}};
    genesis.validators = {{first, second, third, wire::Amount{77}}};
    ASSERT_TRUE(validate(genesis).has_value());
    EXPECT_EQ(base::to_hex(encode(genesis)),
              "00010000018bcfe568000000271000000bb80c02000010005e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
              "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e00013d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4"
              "968cc0cd55f12af4660c00000003e801d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325"
              "af021a68f707511a3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
              "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025000000004d");
    EXPECT_EQ(crypto::to_hex(chain_id(genesis)),
              "de24e2f1623350f091a71af4ce2fdee857de922209e60d42eeac67f27c95740f");
    EXPECT_EQ(crypto::to_hex(coin_hash(genesis_coins(genesis)[0])),
              "89b47d3d8fe6c84395ffabfee1ab89ae6d1f2d36379f17a223e560003e7b2252");
}

}  // namespace
}  // namespace meshchain::ledger
