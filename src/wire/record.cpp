#include "wire/record.h"

#include "base/assert.h"
#include "wire/fields.h"

namespace meshchain::wire {
namespace {

constexpr std::uint8_t record_version = 1;
constexpr std::uint8_t tombstone_flag = 1;
constexpr std::uint8_t segment_flag = 2;

base::Buffer encode_unsigned(const Record& record) {
    MESH_ASSERT(record.key.size() <= Record::key_bytes_max);
    MESH_ASSERT(record.body.size() <=
                record_body_bytes_max(record.key.size(), record.segment.has_value()));
    MESH_ASSERT(record.sequence > 0 && record.stamp.ms <= HybridTime::ms_max);
    MESH_ASSERT(!record.tombstone || record.body.empty());
    base::Buffer out;
    out.reserve(record_overhead_bytes + SegmentId::size + record.key.size() + record.body.size());
    base::Writer writer(out);
    writer.u8(record_version)
        .u8(static_cast<std::uint8_t>((record.tombstone ? tombstone_flag : 0) |
                                      (record.segment ? segment_flag : 0)))
        .u8(static_cast<std::uint8_t>(record.kind))
        .bytes(record.origin.bytes)
        .u64(record.sequence)
        .u64(record.stamp.ms << 16 | record.stamp.counter)
        .u32(record.expires);
    if (record.segment) writer.bytes(record.segment->bytes);
    writer.u8(static_cast<std::uint8_t>(record.key.size()))
        .bytes(record.key)
        .u16(static_cast<std::uint16_t>(record.body.size()))
        .bytes(record.body);
    return out;
}

}  // namespace

std::string name(RecordKind kind) {
    switch (kind) {
        case RecordKind::state: return "state";
        case RecordKind::registry: return "registry";
        case RecordKind::alert: return "alert";
        case RecordKind::acknowledgement: return "acknowledgement";
        case RecordKind::ownership: return "ownership";
    }
    return "kind-" + std::to_string(static_cast<unsigned>(kind));
}

base::Buffer record_preimage(const ChainId& chain, const Record& record) {
    base::Buffer out =
        crypto::preimage("mc/rec/1", chain, static_cast<std::uint8_t>(MessageType::record));
    base::Writer(out).bytes(encode_unsigned(record));
    return out;
}

RecordId record_id(const ChainId& chain, const Record& record) {
    return crypto::hash(record_preimage(chain, record));
}

base::Buffer encode(const Record& record) {
    base::Buffer out = encode_unsigned(record);
    base::Writer(out).bytes(record.signature.bytes);
    return out;
}

std::expected<Record, base::Error> parse_record(base::Bytes bytes) {
    if (bytes.size() > record_bytes_max) {
        return base::failure(base::Errc::too_large, std::to_string(bytes.size()) + " bytes",
                             "RECORD");
    }
    MESH_CHECK(check_version(bytes, record_version, "RECORD"));
    base::Reader in(bytes);
    in.u8();
    Record record;
    const std::uint8_t flags = in.u8();
    if (flags > (tombstone_flag | segment_flag)) in.fail();
    record.tombstone = (flags & tombstone_flag) != 0;
    record.kind = static_cast<RecordKind>(in.u8());
    record.origin = read_key(in);
    record.sequence = in.u64();
    const std::uint64_t stamp = in.u64();
    record.stamp = {stamp >> 16, static_cast<std::uint16_t>(stamp)};
    record.expires = in.u32();
    if ((flags & segment_flag) != 0) record.segment = SegmentId{in.array<SegmentId::size>()};
    const std::size_t key_bytes = in.u8();
    if (key_bytes > Record::key_bytes_max) in.fail();
    record.key = base::to_buffer(in.take(key_bytes));
    record.body = base::to_buffer(in.take(in.u16()));
    if (record.kind == RecordKind{} || record.sequence == 0) in.fail();
    if (record.tombstone && !record.body.empty()) in.fail();
    record.signature = read_signature(in);
    MESH_CHECK(in.finish("RECORD"));
    return record;
}

}  // namespace meshchain::wire
