#include "wire/announcement.h"

#include <algorithm>

#include "base/assert.h"
#include "base/utf8.h"
#include "wire/fields.h"

namespace meshchain::wire {
namespace {

constexpr std::uint8_t announcement_version = 1;

/// Strictly ascending, so that one list has one form.
template <class Id>
bool is_set(const std::vector<Id>& ids) {
    return std::ranges::adjacent_find(ids, std::greater_equal<>{}) == ids.end();
}

template <class Id>
void write_ids(base::Writer& out, const std::vector<Id>& ids, std::size_t count_max) {
    MESH_ASSERT(ids.size() <= count_max && is_set(ids));
    out.u8(static_cast<std::uint8_t>(ids.size()));
    for (const Id& id : ids) out.bytes(id.bytes);
}

template <class Id>
std::vector<Id> read_ids(base::Reader& in, std::size_t count_max) {
    std::vector<Id> ids(in.u8());
    if (ids.size() > count_max) {
        in.fail();
        return {};
    }
    for (Id& id : ids) id.bytes = in.array<Id::size>();
    if (!is_set(ids)) in.fail();
    return ids;
}

base::Buffer encode_unsigned(const Announcement& announcement) {
    MESH_ASSERT(announcement.validity.count() > 0 &&
                announcement.validity <= Announcement::validity_max);
    MESH_ASSERT(announcement.name.size() <= Announcement::name_bytes_max);
    base::Buffer out;
    base::Writer writer(out);
    writer.u8(announcement_version)
        .bytes(announcement.identity.bytes)
        .u64(announcement.sequence)
        .u32(announcement.issued)
        .u16(static_cast<std::uint16_t>(announcement.validity.count()))
        .u8(static_cast<std::uint8_t>(announcement.role))
        .u8(static_cast<std::uint8_t>(announcement.name.size()))
        .text(announcement.name);
    write_ids(writer, announcement.neighbours, Announcement::neighbours_max);
    write_ids(writer, announcement.segments, Announcement::segments_max);
    return out;
}

}  // namespace

base::Buffer announcement_preimage(const ChainId& chain, const Announcement& announcement) {
    base::Buffer out =
        crypto::preimage("mc/peer/1", chain, static_cast<std::uint8_t>(MessageType::peer_info));
    base::Writer(out).bytes(encode_unsigned(announcement));
    return out;
}

base::Buffer encode(const Announcement& announcement) {
    base::Buffer out = encode_unsigned(announcement);
    base::Writer(out).bytes(announcement.signature.bytes);
    return out;
}

std::expected<Announcement, base::Error> parse_announcement(base::Bytes payload) {
    MESH_CHECK(check_version(payload, announcement_version, "PEER_INFO"));
    base::Reader in(payload);
    in.u8();
    Announcement announcement;
    announcement.identity = read_key(in);
    announcement.sequence = in.u64();
    announcement.issued = in.u32();
    announcement.validity = std::chrono::seconds(in.u16());
    if (announcement.validity.count() == 0 || announcement.validity > Announcement::validity_max) {
        in.fail();
    }
    const std::uint8_t role = in.u8();
    if (role > static_cast<std::uint8_t>(Role::light)) in.fail();
    announcement.role = static_cast<Role>(role);
    const std::size_t name_bytes = in.u8();
    if (name_bytes > Announcement::name_bytes_max) in.fail();
    announcement.name = std::string(base::as_text(in.take(name_bytes)));
    if (!base::is_displayable(announcement.name)) in.fail();
    announcement.neighbours = read_ids<crypto::NodeId>(in, Announcement::neighbours_max);
    announcement.segments = read_ids<SegmentId>(in, Announcement::segments_max);
    announcement.signature = read_signature(in);
    MESH_CHECK(in.finish("PEER_INFO"));
    return announcement;
}

}  // namespace meshchain::wire
