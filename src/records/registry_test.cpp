// Registry and search (rows G2, G3): one node's entries, and what a mesh finds together.

#include "records/registry.h"

#include <functional>
#include <limits>

#include "records/test_mesh.h"
#include "wire/test_values.h"

namespace meshchain::records {
namespace {

using namespace std::chrono_literals;
using test::TestMesh;

/// Numbers that point along one axis, and a little elsewhere.
Embedding towards(unsigned axis, float aside = 0) {
    std::array<float, Embedding::dimensions> numbers{};
    numbers[axis] = 1;
    numbers[(axis + 1) % Embedding::dimensions] = aside;
    return quantise(numbers).value();
}
RegistryEntry entry_of(std::string type, std::optional<Embedding> embedding = {}) {
    return {.type = std::move(type),
            .owner = "desk",
            .confidence = 9'000,
            .embedding = std::move(embedding),
            .metadata = R"({"colour":"blue"})"};
}
void put(TestMesh& mesh, unsigned node, std::string_view hash, const RegistryEntry& entry,
         std::chrono::seconds lifetime = 1h) {
    ASSERT_TRUE(mesh[node].register_entry(mesh.now_of(node), hash, entry, lifetime));
}
std::vector<std::string> hashes(const std::vector<RegistryHit>& hits) {
    std::vector<std::string> found;
    for (const RegistryHit& hit : hits) found.push_back(hit.hash);
    return found;
}

TEST(RegistryEntryFormat, Entry_HasOneForm) {
    RegistryEntry entry = entry_of("bag");
    EXPECT_EQ(base::to_hex(encode(entry)),
              "0100"
              "03626167"
              "046465736b"
              "2328"
              "7b22636f6c6f7572223a22626c7565227d");
    EXPECT_EQ(parse_registry_entry(encode(entry)).value(), entry);
    entry.embedding = towards(3);
    ASSERT_FALSE(entry.embedding->fifths);
    EXPECT_EQ(parse_registry_entry(encode(entry)).value(), entry);
    EXPECT_EQ(encode(entry)[1], std::byte{1});
    const std::size_t bytes = encode(entry).size();
    entry.embedding = towards(3, 0.3F);
    ASSERT_TRUE(entry.embedding->fifths);
    EXPECT_EQ(parse_registry_entry(encode(entry)).value(), entry);
    EXPECT_EQ(encode(entry)[1], std::byte{3});
    EXPECT_EQ(encode(entry).size(), bytes + Embedding::refinement_bytes);
}

TEST(RegistryEntryFormat, RefinementThatHasNoRoom_IsLeftOut) {
    const std::string hash(64, 'h');
    RegistryEntry entry = entry_of("bag", towards(3, 0.3F));
    EXPECT_EQ(fitted(hash, entry), entry);
    const std::size_t room = wire::record_body_bytes_max(hash.size(), true);
    entry.metadata.append(room - encode(entry).size(), ' ');
    EXPECT_EQ(encode(entry).size(), room);
    EXPECT_EQ(fitted(hash, entry), entry);
    entry.metadata += ' ';
    const RegistryEntry said = fitted(hash, entry);
    EXPECT_FALSE(said.embedding->fifths);
    EXPECT_EQ(said.metadata, entry.metadata);
    EXPECT_TRUE(check(hash, said));
    TestMesh mesh(1, 1);
    put(mesh, 0, hash, entry);
    EXPECT_EQ(mesh[0].search({.hash = hash}).value()[0].entry, said);
    entry.metadata.append(Embedding::refinement_bytes, ' ');
    EXPECT_EQ(check(hash, fitted(hash, entry)).error().code, base::Errc::too_large);
}

TEST(RegistryEntryFormat, WhatCannotBe_IsMalformed) {
    const base::Buffer good = encode(entry_of("bag"));
    const auto with = [&](std::size_t at, int byte) {
        base::Buffer bytes = good;
        bytes[at] = static_cast<std::byte>(byte);
        return parse_registry_entry(bytes).error().code;
    };
    EXPECT_EQ(with(0, 2), base::Errc::wrong_version);
    EXPECT_EQ(with(1, 2), base::Errc::malformed);
    EXPECT_EQ(with(2, 33), base::Errc::malformed);
    EXPECT_EQ(with(3, 0x1b), base::Errc::malformed) << "a type that moves the cursor";
    EXPECT_EQ(with(11, 0xff), base::Errc::malformed) << "confidence above one";
    EXPECT_EQ(with(13, 0xff), base::Errc::malformed) << "metadata that is no UTF-8";
    EXPECT_EQ(with(1, 1), base::Errc::malformed) << "an embedding that is not there";
    EXPECT_EQ(with(1, 4), base::Errc::malformed);
    RegistryEntry refined = entry_of("", towards(3, 0.3F));
    refined.metadata.clear();
    base::Buffer bytes = encode(refined);
    bytes[1] = std::byte{2};
    EXPECT_EQ(parse_registry_entry(bytes).error().code, base::Errc::malformed)
        << "a refinement of nothing";
    bytes.resize(bytes.size() - Embedding::refinement_bytes);
    bytes[1] = std::byte{3};
    EXPECT_EQ(parse_registry_entry(bytes).error().code, base::Errc::malformed)
        << "a refinement that is not there";
    bytes[1] = std::byte{1};
    EXPECT_TRUE(parse_registry_entry(bytes));
}

TEST(RegistryTest, WrongEntries_SayWhatToDo) {
    TestMesh mesh(1, 1);
    const auto code = [&](std::string_view hash, const RegistryEntry& entry) {
        const auto result = mesh[0].register_entry(mesh.now(), hash, entry, 1h);
        EXPECT_FALSE(result.error().advice.empty());
        return result.error().code;
    };
    EXPECT_EQ(code("", entry_of("bag")), base::Errc::invalid_argument);
    EXPECT_EQ(code(std::string(65, 'h'), entry_of("bag")), base::Errc::too_large);
    EXPECT_EQ(code("h", entry_of(std::string(33, 't'))), base::Errc::too_large);
    EXPECT_EQ(code("h", entry_of("a\n")), base::Errc::invalid_argument);
    RegistryEntry large = entry_of("bag", towards(1));
    large.metadata.assign(65'536, 'x');
    EXPECT_EQ(code("h", large), base::Errc::too_large);
    large.metadata = "\xff";
    EXPECT_EQ(code("h", large), base::Errc::invalid_argument);
    std::array<float, Embedding::dimensions> numbers{};
    EXPECT_EQ(quantise(numbers).error().code, base::Errc::invalid_argument) << "zeros";
    numbers[5] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(quantise(numbers).error().code, base::Errc::invalid_argument);
    EXPECT_EQ(quantise(std::span(numbers).first(128)).error().code, base::Errc::invalid_argument);
}

TEST(RegistryTest, Searches_FindByHashTypeNodeTimeAndLikeness) {
    TestMesh mesh(2, 2);
    mesh.connect(0, 1);
    mesh.run(2s);
    put(mesh, 0, "bag-1", entry_of("bag", towards(1)));
    put(mesh, 0, "face-1", entry_of("face", towards(1, 0.1F)));
    mesh.run(5s);
    put(mesh, 1, "bag-2", entry_of("bag", towards(2)));
    mesh.run(1s);
    RecordService& service = mesh[0];
    using Names = std::vector<std::string>;
    EXPECT_EQ(hashes(service.search({.hash = "bag-2"}).value()), Names{"bag-2"});
    EXPECT_EQ(hashes(service.search({.type = "bag"}).value()), (Names{"bag-2", "bag-1"}));
    EXPECT_EQ(hashes(service.search({.node = mesh.key(1)}).value()), Names{"bag-2"});
    const auto later = static_cast<std::uint64_t>(base::unix_ms(test::at(5s).wall));
    EXPECT_EQ(hashes(service.search({.since_ms = later}).value()), Names{"bag-2"});
    EXPECT_EQ(hashes(service.search({.until_ms = later}).value()).size(), 2U);
    EXPECT_EQ(hashes(service.search({.like = towards(1), .similarity_min = 0.5F}).value()),
              (Names{"bag-1", "face-1"}));
    EXPECT_EQ(hashes(service.search({.type = "face", .like = towards(1)}).value()),
              Names{"face-1"});
    EXPECT_EQ(hashes(service.search({.like = towards(1), .count = 1}).value()), Names{"bag-1"});
}

TEST(RegistryTest, Searches_FindByMembersOfTheMetadata) {
    TestMesh mesh(2, 6);
    mesh.connect(0, 1);
    mesh.run(2s);
    const auto with = [](std::string metadata) {
        RegistryEntry entry = entry_of("bag");
        entry.metadata = std::move(metadata);
        return entry;
    };
    put(mesh, 0, "blue-4", with(R"({"colour":"blue","lane":4,"at":{"gate":"2"}})"));
    put(mesh, 0, "blue-42", with(R"({"colour":"blue","lane":42})"));
    put(mesh, 0, "says-so", with(R"({"text":"{"colour":"blue"}"})"));
    put(mesh, 0, "no-json", with(R"("colour":"blue)"));
    mesh.run(2s);
    using Names = std::vector<std::string>;
    const auto found = [&](std::vector<std::string> members) {
        Names names = hashes(mesh[1].search({.metadata = std::move(members)}).value());
        std::ranges::sort(names);
        return names;
    };
    EXPECT_EQ(found({R"("colour":"blue")"}), (Names{"blue-4", "blue-42"}));
    EXPECT_EQ(found({R"("lane":4)"}), Names{"blue-4"});
    EXPECT_EQ(found({R"("lane":42)", R"("colour":"blue")", R"("lane":42)"}), Names{"blue-42"});
    EXPECT_EQ(found({R"("lane":42)", R"("gate":"2")"}), Names{});
    EXPECT_EQ(found({R"("gate":"2")"}), Names{"blue-4"}) << "however deep";
    const auto asked = [&](std::vector<std::string> members) {
        return mesh[0].search_mesh(mesh.now(), {.metadata = std::move(members)}, 1s);
    };
    for (const char* member : {"", "blue", R"("a")", R"("a":)", R"("a":[1])", R"("a":1,"b":2)"}) {
        EXPECT_EQ(asked({member}).error().code, base::Errc::invalid_argument) << member;
    }
    EXPECT_EQ(asked({5, R"("a":1)"}).error().code, base::Errc::invalid_argument);
    const auto number = asked({R"("lane":42)"}).value();
    mesh.run(500ms);
    const SearchView view = mesh[0].search_view(mesh.now(), number).value();
    EXPECT_EQ(view.answered, 1U);
    ASSERT_EQ(view.hits.size(), 1U);
    EXPECT_EQ(view.hits[0].hash, "blue-42");
}

TEST(RegistryTest, UpdatedRemovedAndEndedEntries_AreNotFoundAnyMore) {
    TestMesh mesh(1, 3);
    put(mesh, 0, "bag", entry_of("bag", towards(1)));
    put(mesh, 0, "bag", entry_of("bag", towards(2)));
    put(mesh, 0, "short", entry_of("bag", towards(1)), 60s);
    EXPECT_EQ(mesh[0].search({.like = towards(1), .similarity_min = 0.5F}).value().size(), 1U);
    EXPECT_EQ(mesh[0].search({.like = towards(2), .similarity_min = 0.5F}).value().size(), 1U);
    ASSERT_TRUE(mesh[0].remove(mesh.now(), wire::RecordKind::registry, test::bytes_of("bag")));
    mesh.run(61s);
    EXPECT_TRUE(mesh[0].search({}).value().empty());
    EXPECT_TRUE(mesh[0].search({.like = towards(1)}).value().empty());
    EXPECT_EQ(mesh[0].view().registry_entries, 0U) << "what has ended takes no room";
    EXPECT_EQ(mesh[0].view().embeddings, 0U);
}

TEST(RegistryTest, Restart_FindsWhatWasThere) {
    TestMesh mesh(1, 4);
    put(mesh, 0, "bag", entry_of("bag", towards(1)));
    mesh.restart(0);
    EXPECT_EQ(hashes(mesh[0].search({.like = towards(1)}).value()),
              std::vector<std::string>{"bag"});
}

TEST(RegistryTest, KeysThatCannotBeShown_AreInNoAnswer) {
    TestMesh mesh(2, 5);
    mesh.connect(0, 1);
    mesh.run(2s);
    for (const char* key : {"\xff", "a\x1b[2J", ""}) {
        const Draft draft{.kind = wire::RecordKind::registry,
                          .key = test::bytes_of(key),
                          .body = encode(entry_of("bag", towards(1))),
                          .lifetime = 1h};
        EXPECT_EQ(mesh[0].publish(mesh.now(), draft).error().code, base::Errc::invalid_argument);
        mesh.inject(0, 1, wire::MessageType::record,
                    wire::encode(test::signed_record({.key = key, .raw_body = draft.body})));
    }
    mesh.run(1s);
    EXPECT_EQ(mesh[1].view().store.refused[static_cast<std::size_t>(Refusal::malformed)], 3U);
    EXPECT_TRUE(mesh[1].search({}).value().empty());
    EXPECT_TRUE(mesh[1].search({.like = towards(1)}).value().empty());
    EXPECT_EQ(mesh[1].search_mesh(mesh.now(), {.hash = "\x1b"}, 1s).error().code,
              base::Errc::invalid_argument);
}

TEST(RegistryTest, HashThatCannotBeShown_IsInNobodysAnswer) {
    TestMesh mesh(2, 5);
    mesh.connect(0, 1);
    mesh.run(2s);
    mesh.inject(0, 1, wire::MessageType::record,
                wire::encode(test::signed_record(
                    {.key = "\x1b[2J", .raw_body = encode(entry_of("bag", towards(1)))})));
    put(mesh, 1, "bag-1", entry_of("bag", towards(1)));
    mesh.run(1s);
    const auto number = mesh[0].search_mesh(mesh.now(), {.like = towards(1)}, 1s).value();
    mesh.run(500ms);
    const SearchView view = mesh[0].search_view(mesh.now(), number).value();
    EXPECT_EQ(view.answered, 1U);
    ASSERT_EQ(view.hits.size(), 1U);
    EXPECT_EQ(view.hits[0].hash, "bag-1");
}

TEST(SearchFormat, QuestionAndAnswer_HaveOneForm) {
    SearchQuestion question{7, 500, {.hash = "h", .type = "bag", .like = towards(9)}};
    question.query.node = test::public_key_of(1);
    question.query.similarity_min = -0.25F;
    question.query.metadata = {R"("a":1)", R"("b":"c")"};
    for (const float aside : {0.0F, 0.3F}) {
        question.query.like = towards(9, aside);
        base::Buffer bytes = encode(question);
        EXPECT_EQ(bytes[1], aside == 0 ? std::byte{7} : std::byte{15});
        EXPECT_EQ(encode(parse_search_question(bytes).value()), bytes);
        EXPECT_EQ(parse_search_question(bytes)->query.like, question.query.like);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            EXPECT_FALSE(parse_search_question(base::Bytes(bytes).first(size)));
        }
        bytes[1] = std::byte{8};
        EXPECT_FALSE(parse_search_question(bytes)) << "a refinement of nothing";
    }
    SearchAnswer answer{.number = 7, .searched = 3, .part = 63, .last = true, .hits = {}};
    SearchHit longest;
    longest.hash.assign(wire::Record::key_bytes_max, 'h');
    longest.type.assign(RegistryEntry::type_bytes_max, 't');
    longest.owner.assign(RegistryEntry::owner_bytes_max, 'o');
    longest.similarity = -10'000;
    answer.hits.assign(SearchAnswer::hits_max, longest);
    const base::Buffer answered = encode(answer);
    EXPECT_LE(answered.size(), wire::routed_payload_bytes_max);
    EXPECT_EQ(parse_search_answer(answered).value(), answer);
    for (std::size_t size = 0; size < answered.size(); ++size) {
        EXPECT_FALSE(parse_search_answer(base::Bytes(answered).first(size)));
    }
}

TEST(SearchFormat, RefinementThatHasNoRoom_IsNotAskedFor) {
    SearchQuestion question{7, 500, {.hash = std::string(64, 'h'), .like = towards(9, 0.3F)}};
    EXPECT_EQ(encode(fitted(question)), encode(question));
    const std::string member = R"("a":")" + std::string(90, 'b') + '"';
    question.query.metadata = {4, member};
    ASSERT_GT(encode(question).size(), wire::routed_payload_bytes_max);
    const SearchQuestion asked = fitted(question);
    EXPECT_LE(encode(asked).size(), wire::routed_payload_bytes_max);
    EXPECT_FALSE(asked.query.like->fifths);
    EXPECT_EQ(asked.query.metadata, question.query.metadata);
    TestMesh mesh(2, 7);
    mesh.connect(0, 1);
    mesh.run(2s);
    const auto number = mesh[0].search_mesh(mesh.now(), question.query, 1s).value();
    mesh.run(500ms);
    EXPECT_EQ(mesh[0].search_view(mesh.now(), number)->answered, 1U);
}

TEST(RegistryTest, EntriesThatFifthsTellApart_AreRankedByThemOnEveryNode) {
    TestMesh mesh(2, 8);
    mesh.connect(0, 1);
    mesh.run(2s);
    ASSERT_EQ(towards(1, 0.501F).values, towards(1, 0.504F).values);
    put(mesh, 1, "far", entry_of("bag", towards(1, 0.5025F)));
    put(mesh, 1, "near", entry_of("bag", towards(1, 0.504F)));
    put(mesh, 1, "farther", entry_of("bag", towards(1, 0.501F)));
    mesh.run(1s);
    using Names = std::vector<std::string>;
    const RegistryQuery query{.like = towards(1, 0.505F)};
    EXPECT_EQ(hashes(mesh[0].search(query).value()), (Names{"near", "far", "farther"}));
    EXPECT_EQ(hashes(mesh[1].search(query).value()), (Names{"near", "far", "farther"}));
}

TEST(MeshSearchTest, Answers_AreMergedRankedAndCountedOnce) {
    const auto hit = [](unsigned number, std::int16_t similarity) {
        SearchHit one;
        one.id.bytes[0] = static_cast<std::byte>(number);
        one.similarity = similarity;
        return one;
    };
    SearchQuestion question{7, 1'000, {.like = towards(1), .count = 3}};
    MeshSearch searches;
    const base::Instant start = test::at({}).instant;
    searches.begin(start, 7, question, {test::public_key_of(1), test::public_key_of(2)},
                   {hit(1, 9'000), hit(2, 5'000)}, 10);
    const auto answer = [&](unsigned from, base::Duration after, std::vector<SearchHit> hits,
                            std::uint8_t part = 0, bool last = true) {
        return searches.handle_answer(
            start + after, test::public_key_of(from),
            {.number = 7, .searched = 5, .part = part, .last = last, .hits = std::move(hits)});
    };
    // Its parts cross on their way.
    EXPECT_TRUE(answer(1, 10ms, {hit(4, 7'000)}, 1, true));
    EXPECT_EQ(searches.view(start, 7)->answered, 0U);
    EXPECT_FALSE(answer(1, 15ms, {hit(7, 10'000)}, 2, true)) << "after the last";
    EXPECT_FALSE(answer(1, 15ms, {hit(7, 10'000)}, 1, true)) << "again";
    EXPECT_TRUE(answer(1, 20ms, {hit(1, 9'000), hit(3, 9'500)}, 0, false));
    EXPECT_FALSE(answer(1, 30ms, {hit(9, 10'000)})) << "it had said everything";
    EXPECT_FALSE(answer(3, 30ms, {hit(9, 10'000)})) << "nobody asked it";
    EXPECT_TRUE(answer(2, 2s, {hit(8, 10'000)})) << "late";
    const SearchView view = *searches.view(start + 500ms, 7);
    ASSERT_EQ(view.hits.size(), 3U);
    EXPECT_EQ(view.hits[0].id, hit(3, 0).id);
    EXPECT_EQ(view.hits[1].id, hit(1, 0).id);
    EXPECT_EQ(view.hits[2].id, hit(4, 0).id);
    EXPECT_EQ(view.answered, 1U);
    EXPECT_EQ(view.late, 1U);
    EXPECT_EQ(view.searched, 15U);
    EXPECT_FALSE(view.done);
    EXPECT_TRUE(searches.view(start + 1'001ms, 7)->done);
    EXPECT_FALSE(searches.view(start, 8));
}

}  // namespace
}  // namespace meshchain::records
