#include "records/search_message.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "base/utf8.h"
#include "records/metadata.h"
#include "wire/fields.h"

namespace meshchain::records {
namespace {

constexpr std::uint8_t search_version = 1;
constexpr std::uint8_t node_flag = 1;
constexpr std::uint8_t like_flag = 2;
constexpr std::uint8_t metadata_flag = 4;
constexpr std::uint8_t refined_like_flag = 8;
constexpr std::uint8_t last_flag = 0x80;
constexpr std::int16_t similarity_one = 10'000;

std::int16_t to_wire(float similarity) {
    return static_cast<std::int16_t>(
        std::lround(std::clamp(similarity, -1.0F, 1.0F) * similarity_one));
}

void write_text(base::Writer& out, std::string_view text) {
    out.u8(static_cast<std::uint8_t>(text.size())).text(text);
}
std::string read_text(base::Reader& in, std::size_t bytes_max) {
    const std::size_t bytes = in.u8();
    if (bytes > bytes_max) in.fail();
    std::string text(base::as_text(in.take(bytes)));
    if (!base::is_displayable(text)) in.fail();
    return text;
}
std::int16_t read_similarity(base::Reader& in) {
    const auto similarity = static_cast<std::int16_t>(in.u16());
    if (similarity < -similarity_one || similarity > similarity_one) in.fail();
    return similarity;
}

std::uint8_t flags_of(const RegistryQuery& query) {
    const bool is_refined = query.like && query.like->fifths;
    return static_cast<std::uint8_t>((query.node ? node_flag : 0) | (query.like ? like_flag : 0) |
                                     (query.metadata.empty() ? 0 : metadata_flag) |
                                     (is_refined ? refined_like_flag : 0));
}

std::vector<std::string> read_members(base::Reader& in) {
    std::vector<std::string> members(in.u8());
    if (members.empty() || members.size() > query_members_max) {
        in.fail();
        return {};
    }
    for (std::string& member : members) {
        member = read_text(in, metadata_member_bytes_max);
        if (!is_metadata_member(member)) in.fail();
    }
    return members;
}

bool is_known(std::uint8_t flags) {
    return flags <= (node_flag | like_flag | metadata_flag | refined_like_flag) &&
           (flags & (like_flag | refined_like_flag)) != refined_like_flag;
}

std::optional<Embedding> read_like(base::Reader& in, std::uint8_t flags) {
    if ((flags & like_flag) == 0) return std::nullopt;
    return (flags & refined_like_flag) != 0 ? parse_refined_embedding(in) : parse_embedding(in);
}

}  // namespace

SearchQuestion fitted(SearchQuestion question) {
    std::optional<Embedding>& like = question.query.like;
    if (like && encode(question).size() > wire::routed_payload_bytes_max) like->fifths.reset();
    return question;
}

base::Buffer encode(const SearchQuestion& question) {
    const RegistryQuery& query = question.query;
    MESH_ASSERT(query.count > 0 && query.count <= SearchQuestion::count_max);
    MESH_ASSERT(query.metadata.size() <= query_members_max);
    base::Buffer out;
    base::Writer writer(out);
    writer.u8(search_version)
        .u8(flags_of(query))
        .u64(question.number)
        .u16(question.patience_ms)
        .u8(static_cast<std::uint8_t>(query.count))
        .u16(static_cast<std::uint16_t>(to_wire(query.similarity_min)))
        .u64(query.since_ms)
        .u64(query.until_ms);
    write_text(writer, query.hash);
    write_text(writer, query.type);
    if (query.node) writer.bytes(query.node->bytes);
    if (query.like) encode(*query.like, writer);
    if (query.metadata.empty()) return out;
    writer.u8(static_cast<std::uint8_t>(query.metadata.size()));
    for (const std::string& member : query.metadata) write_text(writer, member);
    return out;
}

std::expected<SearchQuestion, base::Error> parse_search_question(base::Bytes payload) {
    MESH_CHECK(wire::check_version(payload, search_version, "SEARCH_QUERY"));
    base::Reader in(payload);
    in.u8();
    SearchQuestion question;
    const std::uint8_t flags = in.u8();
    if (!is_known(flags)) in.fail();
    question.number = in.u64();
    question.patience_ms = in.u16();
    RegistryQuery& query = question.query;
    query.count = in.u8();
    if (query.count == 0 || query.count > SearchQuestion::count_max) in.fail();
    query.similarity_min = static_cast<float>(read_similarity(in)) / similarity_one;
    query.since_ms = in.u64();
    query.until_ms = in.u64();
    query.hash = read_text(in, wire::Record::key_bytes_max);
    query.type = read_text(in, RegistryEntry::type_bytes_max);
    if ((flags & node_flag) != 0) query.node = wire::read_key(in);
    query.like = read_like(in, flags);
    if ((flags & metadata_flag) != 0) query.metadata = read_members(in);
    MESH_CHECK(in.finish("SEARCH_QUERY"));
    return question;
}

SearchHit search_hit(const RegistryHit& hit) {
    return {.id = hit.id,
            .origin = hit.origin,
            .stamp_ms = hit.stamp.ms,
            .hash = hit.hash,
            .type = hit.entry.type,
            .owner = hit.entry.owner,
            .confidence = hit.entry.confidence,
            .similarity = to_wire(hit.similarity)};
}

base::Buffer encode(const SearchAnswer& answer) {
    MESH_ASSERT(answer.hits.size() <= SearchAnswer::hits_max &&
                answer.part < SearchAnswer::parts_max);
    base::Buffer out;
    base::Writer writer(out);
    writer.u8(search_version)
        .u8(static_cast<std::uint8_t>(answer.part | (answer.last ? last_flag : 0)))
        .u64(answer.number)
        .u32(answer.searched)
        .u8(static_cast<std::uint8_t>(answer.hits.size()));
    for (const SearchHit& hit : answer.hits) {
        writer.bytes(hit.id.bytes)
            .bytes(hit.origin.bytes)
            .u64(hit.stamp_ms)
            .u16(hit.confidence)
            .u16(static_cast<std::uint16_t>(hit.similarity));
        write_text(writer, hit.hash);
        write_text(writer, hit.type);
        write_text(writer, hit.owner);
    }
    return out;
}

std::expected<SearchAnswer, base::Error> parse_search_answer(base::Bytes payload) {
    MESH_CHECK(wire::check_version(payload, search_version, "SEARCH_ANSWER"));
    base::Reader in(payload);
    in.u8();
    SearchAnswer answer;
    const std::uint8_t part = in.u8();
    answer.last = (part & last_flag) != 0;
    answer.part = part & 0x7f;
    if (answer.part >= SearchAnswer::parts_max) in.fail();
    answer.number = in.u64();
    answer.searched = in.u32();
    answer.hits.resize(in.u8());
    if (answer.hits.size() > SearchAnswer::hits_max) {
        in.fail();
        answer.hits.clear();
    }
    for (SearchHit& hit : answer.hits) {
        hit.id = wire::read_hash(in);
        hit.origin = wire::read_key(in);
        hit.stamp_ms = in.u64();
        if (hit.stamp_ms > wire::HybridTime::ms_max) in.fail();
        hit.confidence = in.u16();
        if (hit.confidence > RegistryEntry::certain) in.fail();
        hit.similarity = read_similarity(in);
        hit.hash = read_text(in, wire::Record::key_bytes_max);
        hit.type = read_text(in, RegistryEntry::type_bytes_max);
        hit.owner = read_text(in, RegistryEntry::owner_bytes_max);
    }
    MESH_CHECK(in.finish("SEARCH_ANSWER"));
    return answer;
}

}  // namespace meshchain::records
