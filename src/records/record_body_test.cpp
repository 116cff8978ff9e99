// Bodies that are not what their kind says, signed by somebody who may.

#include "records/record_body.h"

#include <limits>

#include "records/embedding.h"
#include "records/ownership.h"
#include "records/test_mesh.h"
#include "records/test_records.h"

namespace meshchain::records {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::bytes_of;
using test::Opened;
using test::signed_record;
using test::Told;
using wire::RecordKind;
using Outcome = Offer::Outcome;

constexpr auto malformed = static_cast<std::size_t>(Refusal::malformed);
/// Of an entry without type and owner.
constexpr std::size_t scale_at = 6;
constexpr std::size_t numbers_at = scale_at + 4;

std::string key_bytes(char fill = 'k') { return std::string(32, fill); }

base::Buffer changed(base::Buffer body, std::size_t place, unsigned value) {
    body.at(place) = static_cast<std::byte>(value);
    return body;
}
base::Buffer without_end(base::Buffer body) {
    body.pop_back();
    return body;
}
base::Buffer with_end(base::Buffer body, unsigned value) {
    body.push_back(static_cast<std::byte>(value));
    return body;
}

base::Buffer entry_body() {
    std::array<float, Embedding::dimensions> numbers{};
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = i == 0 ? 127.0F : 1.0F;
    RegistryEntry entry;
    entry.embedding = quantise(numbers).value();
    entry.embedding->fifths.reset();
    return encode(entry);
}
base::Buffer entry_of_nan() {
    base::Buffer body = entry_body();
    const std::uint8_t nan[] = {0x7f, 0xc0, 0, 0};
    for (std::size_t i = 0; i < 4; ++i) body[scale_at + i] = static_cast<std::byte>(nan[i]);
    return body;
}
base::Buffer entry_of_zeros() {
    base::Buffer body = entry_body();
    std::fill(body.begin() + numbers_at, body.end(), std::byte{0});
    return body;
}
base::Buffer alert_body() { return encode(Alert{AlertPriority::high, "fire", "{}"}); }
base::Buffer acknowledgement_body() { return encode(Acknowledgement{"Ana", "on my way"}); }
base::Buffer link_body() {
    const OwnershipLink link{.to = test::public_key_of(1), .ms = 1, .hash = "bag", .note = ""};
    return encode(signed_link(test::chain_id(), link, test::key_of(1)));
}

struct Case {
    const char* what;
    RecordKind kind;
    std::string key;
    base::Buffer body;
};

std::vector<Case> malformed_ones() {
    const auto entry = RecordKind::registry;
    const auto alert = RecordKind::alert;
    const auto seen = RecordKind::acknowledgement;
    const auto link = RecordKind::ownership;
    return {
        {"state whose key is no text", RecordKind::state, "\x1b[2J", bytes_of("{}")},
        {"state that is no UTF-8", RecordKind::state, "", bytes_of("\xff")},
        {"entry of nothing", entry, "bag", {}},
        {"entry of garbage", entry, "bag", bytes_of("garbage")},
        {"entry without a hash", entry, "", entry_body()},
        {"hash that cannot be shown", entry, "\xff", entry_body()},
        {"unknown flags", entry, "bag", changed(entry_body(), 1, 8)},
        {"refinement of nothing", entry, "bag", changed(entry_body(), 1, 2)},
        {"confidence above one", entry, "bag", changed(entry_body(), 4, 0xff)},
        {"embedding of 511", entry, "bag", without_end(entry_body())},
        {"embedding of NaN", entry, "bag", entry_of_nan()},
        {"embedding of zeros", entry, "bag", entry_of_zeros()},
        {"metadata that is no UTF-8", entry, "bag", with_end(entry_body(), 0xff)},
        {"alert of nothing", alert, "1", {}},
        {"alert of another form", alert, "1", changed(alert_body(), 0, 2)},
        {"fifth priority", alert, "1", changed(alert_body(), 1, 4)},
        {"alert without a text", alert, "1", changed(alert_body(), 3, 0)},
        {"text longer than the body", alert, "1", changed(alert_body(), 3, 200)},
        {"text that cannot be shown", alert, "1", changed(alert_body(), 4, 0x1b)},
        {"payload that is no UTF-8", alert, "1", with_end(alert_body(), 0xff)},
        {"acknowledgement of nothing", seen, key_bytes(), {}},
        {"of no alert", seen, "no name", acknowledgement_body()},
        {"name that is too long", seen, key_bytes(), changed(acknowledgement_body(), 1, 65)},
        {"name that cannot be shown", seen, key_bytes(), changed(acknowledgement_body(), 2, 7)},
        {"more behind the note", seen, key_bytes(), with_end(acknowledgement_body(), 'x')},
        {"link of nothing", link, key_bytes(), {}},
        {"link under no name", link, "bag", link_body()},
        {"link cut short", link, key_bytes(), without_end(link_body())},
        {"claim for another", link, key_bytes(), changed(link_body(), 70, 1)},
    };
}
std::vector<Case> well_formed_ones() {
    return {{"state", RecordKind::state, "", bytes_of("{}")},
            {"entry", RecordKind::registry, "bag", entry_body()},
            {"alert", RecordKind::alert, "1", alert_body()},
            {"acknowledgement", RecordKind::acknowledgement, key_bytes(), acknowledgement_body()},
            {"link", RecordKind::ownership, key_bytes(), link_body()}};
}
wire::Record record_of(const Case& one) {
    return signed_record({.kind = one.kind, .key = one.key, .raw_body = one.body});
}

TEST(RecordBody, WhatIsNotInTheFormOfItsKind_IsRefusedCountedAndNotOfferedForEver) {
    for (const Case& one : malformed_ones()) {
        Opened opened(0);
        RecordStore& store = *opened.records;
        const wire::Record record = record_of(one);
        const Offer offer = store.offer(at({}), record).value();
        EXPECT_EQ(offer.refusal, Refusal::malformed) << one.what;
        EXPECT_EQ(store.stats().refused[malformed], 1U) << one.what;
        EXPECT_EQ(store.index().size(), 0U) << one.what;
        // Who holds it and compares with us finds no difference, for a while.
        coding::FingerprintTree theirs;
        theirs.insert(wire::record_id(test::chain_id(), record).bytes);
        EXPECT_EQ(store.index().tree({}).summary({}), theirs.summary({})) << one.what;
        ASSERT_TRUE(store.handle_timeout(at(11min)));
        EXPECT_EQ(store.index().tree({}).size(), 0U) << one.what;
        EXPECT_EQ(name(Refusal::malformed), "malformed");
    }
}

TEST(RecordBody, WhatIsInTheFormOfItsKind_IsTaken) {
    Opened opened(0);
    for (const Case& one : well_formed_ones()) {
        EXPECT_EQ(opened.records->offer(at({}), record_of(one))->outcome, Outcome::taken)
            << one.what;
        EXPECT_TRUE(is_well_formed(
            signed_record({.kind = one.kind, .key = one.key, .sequence = 2, .tombstone = true})))
            << one.what;
    }
}

TEST(RecordBody, OfAnApplication_IsItsOwnMatter) {
    const KindRule reading{
        .kind = RecordKind{200}, .lifetime_max = 1h, .per_origin_max = 4, .body_bytes_max = 8};
    Opened opened(0, {.table = test::table,
                      .chain = test::chain_id(),
                      .kinds = KindRules::with(std::array{reading}).value()});
    const wire::Record record = signed_record({.kind = RecordKind{200}, .body = "\xff\x1b"});
    EXPECT_EQ(opened.records->offer(at({}), record)->outcome, Outcome::taken);
    EXPECT_TRUE(opened.records->publish(
        at({}), {.kind = RecordKind{200}, .body = bytes_of("\xff"), .lifetime = 1h}));
}

TEST(RecordBody, MadeUpAndMalformed_IsNotRemembered) {
    Opened opened(0);
    wire::Record forged = record_of(malformed_ones().front());
    forged.sequence = 7;
    EXPECT_EQ(opened.records->offer(at({}), forged)->refusal, Refusal::malformed);
    EXPECT_EQ(opened.records->index().tree({}).size(), 0U);
}

TEST(RecordBody, OwnDraftOfNoForm_IsRefusedAndSaysWhatToDo) {
    Opened opened(0);
    for (const Case& one : malformed_ones()) {
        const auto said = opened.records->publish(
            at({}), {.kind = one.kind, .key = bytes_of(one.key), .body = one.body, .lifetime = 1h});
        ASSERT_FALSE(said) << one.what;
        EXPECT_EQ(said.error().code, base::Errc::invalid_argument) << one.what;
        EXPECT_FALSE(said.error().advice.empty());
    }
    EXPECT_EQ(opened.records->index().size(), 0U);
}

TEST(RecordBody, LeftByAnOlderProgram_IsDroppedAtTheStart) {
    Opened opened(0);
    kv::Batch batch;
    for (const Case& one : malformed_ones()) {
        const wire::Record record = record_of(one);
        batch.put(test::table, wire::record_id(test::chain_id(), record).bytes,
                  wire::encode(record));
    }
    ASSERT_TRUE(opened.kv->commit(batch));
    opened.reopen();
    opened.records->index().check_invariants();
    EXPECT_EQ(opened.records->index().size(), 0U);
    EXPECT_EQ(opened.kv->count(test::table).value(), 0U);
    EXPECT_EQ(opened.records->stats().evicted, malformed_ones().size());
}

TEST(RecordBody, OfNoForm_IsPassedOnByNobody_AndNobodyBlamesWhoDid) {
    test::TestMesh mesh(3, 1);
    mesh.connect(0, 1);
    mesh.connect(1, 2);
    mesh.run(5s);
    mesh.reset_traffic();
    for (const Case& one : malformed_ones()) {
        mesh.inject(0, 1, wire::MessageType::record, wire::encode(record_of(one)));
    }
    mesh.run(1min);
    EXPECT_EQ(mesh.traffic().records, 0U);
    EXPECT_EQ(mesh[1].view().store.refused[malformed], malformed_ones().size());
    EXPECT_EQ(mesh[2].view().store.refused[malformed], 0U);
    const wire::Ingress from{.peer = mesh.key(0)};
    EXPECT_EQ(mesh[1].handle(mesh.now(), from, wire::MessageType::record,
                             wire::encode(record_of(malformed_ones().front()))),
              wire::Verdict::ignore);
    // A neighbour signs receipts itself.
    base::Buffer receipts =
        encode(std::vector{sign_receipt(test::chain_id(), {}, test::key_of(0))});
    receipts.pop_back();
    EXPECT_EQ(mesh[1].handle(mesh.now(), from, wire::MessageType::record_receipt, receipts),
              wire::Verdict::punish);
}

}  // namespace
}  // namespace meshchain::records
