// The genesis as people write it: each mistake is named, and one text is one chain.

#include "host/genesis_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/identity.h"
#include "host/json_document.h"
#include "host/time_text.h"
#include "wallet/address.h"

namespace meshchain::host {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

crypto::PublicKey public_key(unsigned char number) {
    crypto::SigningKey::Seed seed{};
    seed[0] = std::byte{number};
    return crypto::SigningKey::from_seed(seed).public_key();
}

Json example() {
    return {{"start", "2026-11-21T02:00:00Z"},
            {"block_time_ms", 1000},
            {"allocations",
             {{{"owner", wallet::encode_address(public_key(9))}, {"amount", 5000}},
              {{"owner", crypto::to_hex(public_key(8))}, {"amount", 1}}}},
            {"validators",
             {{{"identity", crypto::to_hex(public_key(1))},
               {"key", crypto::to_hex(public_key(2))},
               {"payout", wallet::encode_address(public_key(3))},
               {"stake", 100}}}}};
}

base::Error refusal(const Json& json) {
    const auto genesis = parse_genesis_json(to_line(json), "spec.json");
    EXPECT_FALSE(genesis);
    return genesis ? base::Error{} : genesis.error();
}

TEST(GenesisJson, MissingField_IsNamed) {
    for (const char* field : {"start", "block_time_ms", "validators"}) {
        Json json = example();
        json.erase(field);
        EXPECT_THAT(refusal(json).where, EndsWith(std::string("field ") + field));
    }
    Json json = example();
    json["validators"][0].erase("payout");
    EXPECT_THAT(refusal(json).where, EndsWith("validators[0].payout"));
}

TEST(GenesisJson, UnknownField_IsRefused) {
    Json json = example();
    json["inflation"] = 3;
    EXPECT_THAT(refusal(json).where, EndsWith("inflation"));
    json = example();
    json["allocations"][1]["note"] = "for Eve";
    EXPECT_THAT(refusal(json).where, EndsWith("allocations[1].note"));
}

TEST(GenesisJson, ValueOutOfRange_IsRefusedByTheLedgersRules) {
    Json json = example();
    json["block_time_ms"] = 199;
    EXPECT_EQ(refusal(json).code, base::Errc::invalid_argument);
    json = example();
    json["validators"].push_back(json["validators"][0]);
    EXPECT_EQ(refusal(json).code, base::Errc::exists);
    json = example();
    json["allocations"][0]["amount"] = std::uint64_t{1} << 40;
    EXPECT_EQ(refusal(json).code, base::Errc::invalid_argument);
    json = example();
    json["protocol_version"] = 2;
    EXPECT_EQ(refusal(json).code, base::Errc::wrong_version);
}

TEST(GenesisJson, MistypedAddress_IsRefused) {
    Json json = example();
    std::string address = json["allocations"][0]["owner"];
    address[20] = address[20] == 'q' ? 'p' : 'q';
    json["allocations"][0]["owner"] = address;
    EXPECT_EQ(refusal(json).code, base::Errc::bad_signature);
}

TEST(GenesisJson, EditedText_WithTheOldChainIdIsRefused) {
    const auto genesis = parse_genesis_json(to_line(example()), "spec.json");
    ASSERT_TRUE(genesis) << sentence(genesis.error());
    Json json = to_json(*genesis);
    EXPECT_EQ(*parse_genesis_json(to_line(json), "spec.json"), *genesis);
    json["block_time_ms"] = 2000;
    EXPECT_EQ(refusal(json).code, base::Errc::wrong_chain);
}

TEST(GenesisJson, SameText_IsTheSameChainInWhateverOrder) {
    const auto first = parse_genesis_json(to_line(example()), "spec.json");
    Json json = example();
    std::swap(json["allocations"][0], json["allocations"][1]);
    const auto second = parse_genesis_json(to_line(json), "spec.json");
    ASSERT_TRUE(first && second);
    EXPECT_EQ(ledger::chain_id(*first), ledger::chain_id(*second));
    EXPECT_FALSE(first->seed.is_zero());
    json["start"] = "2026-11-21T02:00:00.001Z";
    EXPECT_NE(ledger::chain_id(*parse_genesis_json(to_line(json), "spec.json")),
              ledger::chain_id(*first));
}

TEST(TimeText, WhatIsNoTime_IsRefused) {
    for (const char* text :
         {"", "2026-11-21", "2026-11-21T02:00:00", "2026-13-21T02:00:00Z", "2026-02-30T02:00:00Z",
          "2026-11-21T24:00:00Z", "2026-11-21T02:60:00Z", "2026-11-21T02:00:00.1Z",
          "2026-11-21T02:00:00Zx", "-026-11-21T02:00:00Z", "2026-11-21 02:00:00Z"}) {
        EXPECT_FALSE(parse_iso(text)) << text;
    }
}

TEST(TimeText, Times_ReadBack) {
    for (const std::int64_t ms : {0LL, 951'782'399'999LL, 951'868'799'123LL, 1'795'226'400'000LL}) {
        EXPECT_EQ(base::unix_ms(*parse_iso(to_iso(base::wall_from_unix_ms(ms)))), ms);
    }
    EXPECT_EQ(to_iso(base::wall_from_unix_ms(1'795'226'400'005)), "2026-11-21T02:00:00.005Z");
}

TEST(TimeText, Spans_ShowTheTwoLargestUnits) {
    using namespace std::chrono_literals;
    EXPECT_EQ(span_text(850ms), "850 ms");
    EXPECT_EQ(span_text(61s), "1 min 1 s");
    EXPECT_EQ(span_text(60s), "1 min");
    EXPECT_EQ(span_text(49h + 5min), "2 d 1 h");
    EXPECT_EQ(span_text(24h + 5min), "1 d");
}

TEST(GenesisJson, StakesThatMove_AreReadAndShown) {
    Json json = example();
    json["stakes"] = {{"stake_min", 2}, {"unbond_epochs", 4}, {"epoch_rounds", 32}};
    const auto genesis = parse_genesis_json(to_line(json), "test");
    ASSERT_TRUE(genesis.has_value()) << base::sentence(genesis.error());
    EXPECT_EQ(genesis->stakes->epoch_rounds, 32U);
    EXPECT_EQ(to_json(*genesis)["stakes"], json["stakes"]);
    json["stakes"]["unbond_epochs"] = 65536;
    EXPECT_THAT(refusal(json).where, EndsWith("stakes.unbond_epochs"));
    json["stakes"].erase("unbond_epochs");
    EXPECT_THAT(refusal(json).where, EndsWith("stakes.unbond_epochs"));
}

}  // namespace
}  // namespace meshchain::host
