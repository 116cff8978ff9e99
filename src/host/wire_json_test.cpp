// What others read off our bytes: every message type through encode and decode, and bytes that are
// none.

#include "host/wire_json.h"

#include <gtest/gtest.h>

#include "host/json_document.h"

namespace meshchain::host {
namespace {

using wire::MessageType;

crypto::SigningKey key(unsigned char number) {
    crypto::SigningKey::Seed seed{};
    seed[0] = std::byte{number};
    return crypto::SigningKey::from_seed(seed);
}

wire::Hash hash_of(std::string_view text) { return crypto::hash(base::as_bytes(text)); }

wire::Transaction payment() {
    wire::Transaction transaction;
    transaction.body.inputs = {{{{hash_of("coin")}, 3}, {1000}}};
    transaction.body.outputs = {{key(1).public_key(), {600}}, {key(2).public_key(), {399}}};
    transaction.body.fee = {1};
    transaction.body.expiry = {77};
    transaction.signatures = {key(2).sign({})};
    return transaction;
}

wire::Vote vote() {
    return {{2}, {9}, {{8}, {7}, hash_of("source")}, hash_of("target"), 0b101, {}};
}

Json decoded(MessageType type, base::Bytes payload) {
    const auto json = decode_payload(type, payload);
    EXPECT_TRUE(json) << sentence(json.error());
    return json ? *json : Json();
}

/// A control payload: what `value` encodes to, and a signature.
template <class T>
Json decoded_control(MessageType type, const T& value) {
    base::Buffer payload = wire::encode(value);
    payload.resize(payload.size() + crypto::Signature::size);
    return decoded(type, payload).at("body");
}

TEST(WireJson, BytesThatDoNotParse_AreAnErrorForEveryType) {
    for (unsigned type = 0; type <= 20; ++type) {
        const auto name = wire::name(static_cast<MessageType>(type));
        if (name == "UNKNOWN") continue;
        EXPECT_FALSE(decode_payload(static_cast<MessageType>(type), {})) << name;
    }
    EXPECT_FALSE(decode_frame({}));
}

TEST(WireJson, UnknownType_IsShownAsBytes) {
    EXPECT_EQ(decoded(static_cast<MessageType>(200), base::as_bytes("ab")).at("bytes"), "6162");
}

TEST(WireJson, LongTransaction_ShowsEveryField) {
    const wire::Transaction transaction = payment();
    const Json json = decoded(MessageType::transaction, wire::encode(transaction));
    EXPECT_EQ(json.at("form"), "long");
    EXPECT_EQ(json.at("inputs").at(0).at("outpoint"), to_text(transaction.body.inputs[0].outpoint));
    EXPECT_EQ(json.at("inputs").at(0).at("amount"), 1000);
    EXPECT_EQ(json.at("outputs").at(1).at("owner"), crypto::to_hex(key(2).public_key()));
    EXPECT_EQ(json.at("fee").at("amount"), 1);
    EXPECT_EQ(json.at("expiry"), 77);
}

TEST(WireJson, CompactTransfer_ShowsItsBytesAndExpandsToTheSameTxid) {
    const wire::ChainId chain = hash_of("chain");
    const wire::Transaction transaction = payment();
    const wire::Output coin{key(2).public_key(), {1000}};
    const auto compact = wire::compact(chain, transaction, coin);
    ASSERT_TRUE(compact);
    const Json json = decoded(MessageType::transaction, wire::encode(*compact));
    EXPECT_EQ(json.at("form"), "compact");
    EXPECT_EQ(json.at("bytes"), 110);
    EXPECT_EQ(json.at("payee"), crypto::to_hex(key(1).public_key()));
    EXPECT_EQ(json.at("amount"), 600);
    const Json full = to_json(chain, transaction);
    EXPECT_EQ(full.at("txid"), crypto::to_hex(wire::txid(chain, transaction.body).hash));
    EXPECT_EQ(full.at("preimage"), base::to_hex(wire::preimage(chain, transaction.body)));
}

TEST(WireJson, Objects_AreShownByTheirFields) {
    EXPECT_EQ(decoded(MessageType::block_ack, wire::encode(vote())).at("heard"),
              Json::array({0, 2}));
    wire::BlockAnnouncement announcement{{}, {1, 2}};
    announcement.header.height = {5};
    const Json block = decoded(MessageType::block, wire::encode(announcement));
    EXPECT_EQ(block.at("header").at("height"), 5);
    EXPECT_EQ(block.at("short_ids").size(), 2u);
    wire::Vote second = vote();
    second.target = hash_of("another");
    const wire::Evidence evidence = wire::VoteEvidence{vote(), second};
    EXPECT_EQ(to_json(evidence).at("kind"), "votes");
    EXPECT_EQ(to_json(evidence).at("second").at("target"), crypto::to_hex(second.target));
}

TEST(WireJson, AnnouncementsAndRoutedMessages_AreShownByTheirFields) {
    wire::Announcement announcement;
    announcement.validity = std::chrono::seconds(60);
    announcement.name = "roof";
    announcement.neighbours = {crypto::node_id(key(2).public_key())};
    const Json peer = decoded(MessageType::peer_info, wire::encode(announcement));
    EXPECT_EQ(peer.at("name"), "roof");
    EXPECT_EQ(peer.at("neighbours").size(), 1u);
    wire::RoutedMessage message;
    message.destination = key(2).public_key();
    message.type = MessageType::probe;
    const Json routed = decoded(MessageType::routed, wire::encode(message));
    EXPECT_EQ(routed.at("destination"), crypto::to_hex(key(2).public_key()));
    EXPECT_EQ(routed.at("type"), "PROBE");
    EXPECT_EQ(to_json(wire::Destination(wire::Everybody{})), "everybody");
}

TEST(WireJson, ControlMessages_AreShownByTheirFields) {
    wire::Hello hello;
    hello.role = wire::Role::validator;
    EXPECT_EQ(decoded_control(MessageType::peer_hello, hello).at("role"), "validator");
    const wire::Heartbeat heartbeat{4, {3}, {2}, {1}};
    EXPECT_EQ(
        decoded_control(MessageType::status, heartbeat),
        Json({{"state", 4}, {"slot", 3}, {"slot_phase", 0}, {"height", 2}, {"final_height", 1}}));
    EXPECT_EQ(decoded_control(MessageType::vote_request, wire::VoteRequest{{9}, 1}).at("round"), 9);
    EXPECT_EQ(
        decoded_control(MessageType::sync_request, wire::SyncRequest(wire::CertificateRequest{})),
        Json({{"kind", "certificate"}}));
    EXPECT_EQ(decoded_control(MessageType::sync_request,
                              wire::SyncRequest(wire::FinalRequest{7, {5}, {9}})),
              Json({{"kind", "final"}, {"nonce", 7}, {"from", 5}, {"to", 9}}));
    const wire::SyncResponse items = wire::ItemsResponse{7, {{3, hash_of("item")}}};
    EXPECT_EQ(decoded_control(MessageType::sync_response, items).at("items").at(0).at("bytes"), 3);
    EXPECT_EQ(
        decoded(MessageType::sync_data, wire::encode(wire::SyncChunk{7, 1, 2, base::Buffer(2)})),
        Json({{"nonce", 7}, {"item", 1}, {"chunk", 2}, {"bytes", "0000"}}));
    const wire::SyncResponse hashes = wire::HashesResponse{{4}, {hash_of("block")}};
    EXPECT_EQ(decoded_control(MessageType::sync_response, hashes).at("hashes").at(0),
              crypto::to_hex(hash_of("block")));
}

TEST(WireJson, WhatIsAskedAndSaidOnTheAir_IsShownByItsFields) {
    const wire::AirQuestion announcement = wire::BlockWish{{5}, 0};
    EXPECT_EQ(decoded(MessageType::air_ask, wire::encode(announcement)),
              Json({{"asks_for", "announcement"}, {"block", 5}, {"missing", 0}}));
    const wire::AirQuestion transactions = wire::BlockWish{{5}, 2};
    EXPECT_EQ(decoded(MessageType::air_ask, wire::encode(transactions)),
              Json({{"asks_for", "transactions"}, {"block", 5}, {"missing", 2}}));
    const wire::AirQuestion votes = wire::VoteRequest{{9}, 5};
    EXPECT_EQ(decoded(MessageType::air_ask, wire::encode(votes)),
              Json({{"asks_for", "votes"}, {"round", 9}, {"held", 5}}));
    const wire::AirQuestion next = wire::NextBlockWish{{5}, {9}};
    EXPECT_EQ(decoded(MessageType::air_ask, wire::encode(next)),
              Json({{"asks_for", "next block"}, {"after", 5}, {"height", 9}}));
    const base::Buffer bytes(2, std::byte{0xab});
    EXPECT_EQ(decoded(MessageType::block_row, wire::encode(wire::BlockRow{{5}, 7, bytes})),
              Json({{"block", 5}, {"row", 7}, {"bytes", "abab"}}));
    EXPECT_FALSE(decode_payload(MessageType::air_ask, {}));
    EXPECT_FALSE(decode_payload(MessageType::block_row, {}));
}

TEST(WireJson, Frame_ShowsHeaderAndPayload) {
    wire::FrameHeader header;
    header.type = MessageType::block_ack;
    header.timestamp = 5;
    header.sequence = 6;
    const auto json = decode_frame(wire::encode_frame(header, wire::encode(vote())));
    ASSERT_TRUE(json) << sentence(json.error());
    EXPECT_EQ(json->at("type"), "BLOCK_ACK");
    EXPECT_EQ(json->at("sequence"), 6);
    EXPECT_EQ(json->at("hop_limit"), 3);
    EXPECT_EQ(json->at("payload").at("round"), 9);
}

TEST(WireJson, Outpoint_ReadsBackAndItsImitationsAreRefused) {
    const wire::Outpoint outpoint{{hash_of("coin")}, 65535};
    EXPECT_EQ(*parse_outpoint(to_text(outpoint)), outpoint);
    const std::string hash = crypto::to_hex(hash_of("coin"));
    for (const std::string& text : {std::string(), hash, hash + ":", hash + ":65536", hash + ":-1",
                                    hash + ":1x", std::string(":1"), hash.substr(1) + ":1"}) {
        EXPECT_FALSE(parse_outpoint(text)) << text;
    }
}

}  // namespace
}  // namespace meshchain::host
