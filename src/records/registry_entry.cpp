#include "records/registry_entry.h"

#include "base/assert.h"
#include "base/utf8.h"
#include "wire/fields.h"

namespace meshchain::records {
namespace {

constexpr std::uint8_t entry_version = 1;
constexpr std::uint8_t embedding_flag = 1;
constexpr std::uint8_t refinement_flag = 2;

std::uint8_t flags_of(const RegistryEntry& entry) {
    if (!entry.embedding) return 0;
    return entry.embedding->fifths ? embedding_flag | refinement_flag : embedding_flag;
}

/// Of the body.
std::size_t encoded_bytes(const RegistryEntry& entry) {
    constexpr std::size_t version_flags_lengths_and_confidence = 1 + 1 + 2 + 2;
    std::size_t embedding = entry.embedding ? Embedding::bytes : 0;
    if (entry.embedding && entry.embedding->fifths) embedding += Embedding::refinement_bytes;
    return version_flags_lengths_and_confidence + entry.type.size() + entry.owner.size() +
           embedding + entry.metadata.size();
}

std::size_t room_for(std::string_view hash) {
    return wire::record_body_bytes_max(hash.size(), true);
}

std::string read_short_text(base::Reader& in, std::size_t bytes_max) {
    const std::size_t bytes = in.u8();
    if (bytes > bytes_max) in.fail();
    std::string text(base::as_text(in.take(bytes)));
    if (!base::is_displayable(text)) in.fail();
    return text;
}

std::expected<void, base::Error> check_text(std::string_view text, std::size_t bytes_max,
                                            const char* field) {
    if (text.size() > bytes_max) {
        return base::failure(base::Errc::too_large, std::to_string(text.size()) + " bytes", field,
                             "at most " + std::to_string(bytes_max));
    }
    if (base::is_displayable(text)) return {};
    return base::failure(base::Errc::invalid_argument, "a text that cannot be shown", field,
                         "write UTF-8 without control characters");
}

}  // namespace

base::Buffer encode(const RegistryEntry& entry) {
    MESH_ASSERT(entry.type.size() <= RegistryEntry::type_bytes_max);
    MESH_ASSERT(entry.owner.size() <= RegistryEntry::owner_bytes_max);
    MESH_ASSERT(entry.confidence <= RegistryEntry::certain);
    base::Buffer out;
    base::Writer writer(out);
    writer.u8(entry_version)
        .u8(flags_of(entry))
        .u8(static_cast<std::uint8_t>(entry.type.size()))
        .text(entry.type)
        .u8(static_cast<std::uint8_t>(entry.owner.size()))
        .text(entry.owner)
        .u16(entry.confidence);
    if (entry.embedding) encode(*entry.embedding, writer);
    writer.text(entry.metadata);
    return out;
}

std::expected<RegistryEntry, base::Error> parse_registry_entry(base::Bytes body) {
    MESH_CHECK(wire::check_version(body, entry_version, "registry entry"));
    base::Reader in(body);
    in.u8();
    RegistryEntry entry;
    const std::uint8_t flags = in.u8();
    if (flags > (embedding_flag | refinement_flag) || flags == refinement_flag) in.fail();
    entry.type = read_short_text(in, RegistryEntry::type_bytes_max);
    entry.owner = read_short_text(in, RegistryEntry::owner_bytes_max);
    entry.confidence = in.u16();
    if (entry.confidence > RegistryEntry::certain) in.fail();
    if ((flags & refinement_flag) != 0) {
        entry.embedding = parse_refined_embedding(in);
    } else if (flags != 0) {
        entry.embedding = parse_embedding(in);
    }
    const base::Bytes metadata = in.rest();
    if (!base::is_utf8(metadata)) in.fail();
    entry.metadata = std::string(base::as_text(metadata));
    MESH_CHECK(in.finish("registry entry"));
    return entry;
}

RegistryEntry fitted(std::string_view hash, RegistryEntry entry) {
    if (entry.embedding && encoded_bytes(entry) > room_for(hash)) entry.embedding->fifths.reset();
    return entry;
}

std::expected<void, base::Error> check(std::string_view hash, const RegistryEntry& entry) {
    if (hash.empty()) {
        return base::failure(base::Errc::invalid_argument, "an entry without a hash", "hash",
                             "name what was seen");
    }
    MESH_CHECK(check_text(hash, wire::Record::key_bytes_max, "hash"));
    MESH_CHECK(check_text(entry.type, RegistryEntry::type_bytes_max, "type"));
    MESH_CHECK(check_text(entry.owner, RegistryEntry::owner_bytes_max, "owner"));
    if (entry.confidence > RegistryEntry::certain) {
        return base::failure(base::Errc::invalid_argument, "a confidence above 1", "confidence",
                             "write 0 to 1");
    }
    if (!base::is_utf8(base::as_bytes(entry.metadata))) {
        return base::failure(base::Errc::invalid_argument, "metadata that is no UTF-8", "metadata",
                             "write JSON in UTF-8");
    }
    const std::size_t bytes = encoded_bytes(entry);
    const std::size_t room = room_for(hash);
    if (bytes <= room) return {};
    return base::failure(
        base::Errc::too_large, std::to_string(bytes) + " bytes in all", "metadata",
        "shorten it by " + std::to_string(bytes - room) + " bytes: an entry is one datagram");
}

}  // namespace meshchain::records
