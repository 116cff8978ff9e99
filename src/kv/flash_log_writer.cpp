#include "kv/flash_log_writer.h"

#include <algorithm>

#include "base/assert.h"
#include "kv/checksum.h"

namespace meshchain::kv::flash {
namespace {

constexpr std::array<std::byte, page_bytes> zeros{};

}  // namespace

SegmentHead::SegmentHead(Medium& medium, std::uint32_t buffer_bytes)
    : medium_(&medium), buffer_(round_up(std::max(buffer_bytes, 2 * page_bytes), page_bytes)) {}

bool SegmentHead::has_room(std::uint32_t bytes) const {
    return is_open() && offset_ + bytes <= medium_->geometry().segment_bytes;
}

void SegmentHead::begin(std::uint32_t segment) {
    segment_ = segment;
    offset_ = buffer_offset_ = medium_->geometry().body;
    buffered_ = 0;
}

void SegmentHead::close() {
    segment_ = none;
    buffered_ = 0;
}

base::MutableBytes SegmentHead::idle_buffer() {
    MESH_ASSERT(buffered_ == 0);
    return buffer_;
}

std::expected<void, base::Error> SegmentHead::flush() {
    if (buffered_ == 0) return {};
    const std::uint32_t unit = medium_->geometry().program_bytes;
    const std::uint32_t padded = round_up(static_cast<std::uint32_t>(buffered_), unit);
    std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(buffered_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(padded), std::byte{0});
    buffered_ = 0;
    const auto done =
        medium_->program(segment_, buffer_offset_, base::Bytes(buffer_).first(padded));
    buffer_offset_ += padded;
    return done;
}

std::expected<void, base::Error> SegmentHead::end_unit() {
    const Geometry& geometry = medium_->geometry();
    if (!is_open()) return {};
    offset_ = geometry.body + round_up(offset_ - geometry.body, geometry.program_bytes);
    return flush();
}

std::expected<void, base::Error> SegmentHead::write(base::Bytes bytes) {
    while (!bytes.empty()) {
        const std::size_t part = std::min(bytes.size(), buffer_.size() - buffered_);
        std::copy_n(bytes.begin(), part, buffer_.begin() + static_cast<std::ptrdiff_t>(buffered_));
        buffered_ += part;
        offset_ += static_cast<std::uint32_t>(part);
        bytes = bytes.subspan(part);
        if (buffered_ == buffer_.size()) MESH_CHECK(flush());
    }
    return {};
}

std::expected<void, base::Error> SegmentHead::pad(std::uint32_t bytes) {
    return write(base::Bytes(zeros).first(bytes));
}

LogWriter::LogWriter(Medium& medium, Segments& segments, std::uint32_t buffer_bytes,
                     std::uint32_t far_bytes)
    : medium_(&medium),
      segments_(&segments),
      far_bytes_(far_bytes),
      near_(medium, buffer_bytes),
      far_(medium, buffer_bytes) {}

void LogWriter::resume(const LogEnd& end, std::uint64_t sequence) {
    end_ = end;
    sequence_ = sequence;
    near_.close();
    far_.close();
}

LogWriter::Estimate::Estimate(const LogWriter& log)
    : log_(&log),
      geometry_(&log.medium_->geometry()),
      near_at_(log.near_.is_open() ? log.near_.offset() : geometry_->segment_bytes),
      far_at_(log.far_.is_open() ? log.far_.offset() : geometry_->segment_bytes) {}

void LogWriter::Estimate::place(std::uint32_t& at, std::uint32_t bytes) {
    bytes_ += bytes;
    if (at + bytes > geometry_->segment_bytes) {
        ++segments_;
        at = geometry_->body;
    }
    at += bytes;
}

void LogWriter::Estimate::add(RecordKind kind, std::size_t key_bytes, std::size_t value_bytes) {
    if (log_->lies_far(kind, value_bytes)) {
        place(far_at_, record_bytes(key_bytes, value_bytes));
        place(near_at_, record_bytes(0, far_place_bytes));
    } else {
        place(near_at_, record_bytes(key_bytes, value_bytes));
    }
}

LogWriter::Result LogWriter::turn_to_new_segment(SegmentHead& head) {
    MESH_CHECK(head.flush());
    const bool is_far = &head == &far_;
    LogEnd previous;
    if (!is_far) {
        previous = end_;
        if (near_.is_open()) {
            previous = {near_.segment(), (*segments_)[near_.segment()].epoch, near_.offset()};
        }
    }
    MESH_TRY(const std::uint32_t segment,
             segments_->open(is_far ? SegmentKind::far : SegmentKind::log, previous));
    opened_.push_back(segment);
    head.begin(segment);
    return {};
}

LogWriter::Result LogWriter::make_room(SegmentHead& head, std::uint32_t bytes) {
    if (bytes > medium_->geometry().body_bytes()) {
        return base::failure(base::Errc::too_large,
                             "a record of " + std::to_string(bytes) + " bytes in segments of " +
                                 std::to_string(medium_->geometry().segment_bytes),
                             "kv flash log", "use a store with larger segments");
    }
    return head.has_room(bytes) ? Result() : turn_to_new_segment(head);
}

std::expected<Location, base::Error> LogWriter::write_record(SegmentHead& to,
                                                             const RecordHead& head,
                                                             base::Bytes key, base::Bytes value) {
    const std::uint32_t bytes = record_bytes(head);
    MESH_CHECK(make_room(to, bytes));
    const Location location = medium_->geometry().location(to.segment(), to.offset());
    MESH_CHECK(to.write(encode(head, key, segments_->seal(location))));
    MESH_CHECK(to.write(key));
    MESH_CHECK(to.write(value));
    const std::size_t written = record_head_bytes + key.size() + value.size();
    MESH_CHECK(to.pad(bytes - static_cast<std::uint32_t>(written)));
    bytes_since_mark_ += bytes;
    return location;
}

std::expected<Location, base::Error> LogWriter::write_far(const RecordHead& head, base::Bytes key,
                                                          base::Bytes value) {
    MESH_TRY(const Location location, write_record(far_, head, key, value));
    const auto place =
        encode(FarPlace{.location = location, .epoch = (*segments_)[far_.segment()].epoch});
    MESH_CHECK(write_record(
        near_,
        {.kind = RecordKind::far, .value_bytes = far_place_bytes, .value_checksum = crc32c(place)},
        {}, place));
    return location;
}

std::expected<Location, base::Error> LogWriter::append(const RecordHead& head, base::Bytes key,
                                                       base::Bytes value) {
    auto location = lies_far(head.kind, value.size()) ? write_far(head, key, value)
                                                      : write_record(near_, head, key, value);
    if (!location) {
        abandon();
        return location;
    }
    ++records_;
    return location;
}

LogWriter::Result LogWriter::reserve(std::uint32_t bytes) {
    MESH_ASSERT(records_ == 0);
    auto made = make_room(near_, bytes);
    if (!made) abandon();
    return made;
}

LogWriter::Result LogWriter::write_commit() {
    const auto value = encode(CommitValue{sequence_, records_});
    MESH_CHECK(write_record(near_,
                            {.kind = RecordKind::commit,
                             .value_bytes = commit_value_bytes,
                             .value_checksum = crc32c(value)},
                            {}, value));
    return near_.end_unit();
}

LogWriter::Result LogWriter::commit() {
    if (auto ended = far_.end_unit(); !ended) {
        abandon();
        return ended;
    }
    if (auto written = write_commit(); !written) return cancel(std::move(written).error());
    if (auto synced = medium_->sync(); !synced) {
        is_doubtful_ = true;
        abandon();
        synced.error().what += "; whether the commit is stored is unknown until a restart";
        return synced;
    }
    end_ = {near_.segment(), (*segments_)[near_.segment()].epoch, near_.offset()};
    ++sequence_;
    records_ = 0;
    opened_.clear();
    return {};
}

/// The commit record may be on the medium though we were told that it is not. A new segment, whose
/// header ends the log before it, settles that.
LogWriter::Result LogWriter::cancel(base::Error error) {
    const bool is_settled = error.code == base::Errc::full || error.code == base::Errc::too_large;
    abandon();
    if (!is_settled) {
        auto turned = turn_to_new_segment(near_);
        if (turned) turned = medium_->sync();
        opened_.clear();
        if (!turned) {
            abandon();
            is_doubtful_ = true;
            error.what += "; whether the commit is stored is unknown until a restart";
        }
    }
    return std::unexpected(std::move(error));
}

void LogWriter::abandon() {
    for (const std::uint32_t segment : opened_) segments_->release(segment, 0);
    opened_.clear();
    near_.close();
    far_.close();
    records_ = 0;
}

}  // namespace meshchain::kv::flash
