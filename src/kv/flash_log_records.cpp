#include "kv/flash_log_records.h"

#include <algorithm>

#include "kv/checksum.h"

namespace meshchain::kv::flash {

bool Records::is_inside(Location location, std::size_t bytes) const {
    const Geometry& geometry = medium_->geometry();
    return geometry.segment_of(location) < geometry.segments &&
           geometry.offset_of(location) >= geometry.body &&
           bytes <= geometry.segment_bytes - geometry.offset_of(location);
}

std::expected<std::optional<Record>, base::Error> Records::read(Location location) {
    chunk_size_ = 0;
    if (!is_inside(location, record_head_bytes)) return std::nullopt;
    const Geometry& geometry = medium_->geometry();
    const std::size_t size =
        std::min<std::size_t>(chunk_bytes, geometry.segment_bytes - geometry.offset_of(location));
    MESH_CHECK(medium_->read(location, base::MutableBytes(chunk_).first(size)));
    const base::Bytes chunk = base::Bytes(chunk_).first(size);
    const auto head = parse_record_head(chunk, segments_->seal(location));
    if (!head || !is_inside(location, record_bytes(*head))) return std::nullopt;
    chunk_size_ = size;
    chunk_location_ = location;
    chunk_epoch_ = (*segments_)[geometry.segment_of(location)].epoch;
    Record record{.head = *head, .key = {}};
    record.key.size = head->key_bytes;
    std::ranges::copy(chunk.subspan(record_head_bytes, head->key_bytes), record.key.bytes.begin());
    return record;
}

std::expected<bool, base::Error> Records::read_value(Location location, const RecordHead& head,
                                                     base::Buffer& value) {
    const std::size_t start = record_head_bytes + std::size_t{head.key_bytes};
    std::size_t known = 0;
    value.resize(head.value_bytes);
    if (chunk_size_ > start && chunk_location_ == location &&
        chunk_epoch_ == (*segments_)[medium_->geometry().segment_of(location)].epoch) {
        known = std::min<std::size_t>(chunk_size_ - start, head.value_bytes);
        std::copy_n(chunk_.begin() + static_cast<std::ptrdiff_t>(start), known, value.begin());
    }
    if (known < value.size()) {
        const std::uint32_t offset =
            medium_->geometry().offset_of(location) + static_cast<std::uint32_t>(start + known);
        if (auto done = medium_->read(medium_->geometry().segment_of(location), offset,
                                      base::MutableBytes(value).subspan(known));
            !done) {
            value.clear();
            return std::unexpected(std::move(done).error());
        }
    }
    if (crc32c(value) == head.value_checksum) return true;
    value.clear();
    return false;
}

std::expected<bool, base::Error> Records::check_value(Location location, const RecordHead& head,
                                                      base::MutableBytes buffer) {
    std::uint32_t offset =
        medium_->geometry().offset_of(location) + record_head_bytes + head.key_bytes;
    std::uint32_t checksum = 0;
    for (std::size_t left = head.value_bytes; left > 0;) {
        const auto part = buffer.first(std::min(left, buffer.size()));
        MESH_CHECK(medium_->read(medium_->geometry().segment_of(location), offset, part));
        checksum = crc32c(part, checksum);
        offset += static_cast<std::uint32_t>(part.size());
        left -= part.size();
    }
    return checksum == head.value_checksum;
}

}  // namespace meshchain::kv::flash
