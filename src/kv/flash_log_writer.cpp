#include "kv/flash_log_writer.h"

#include <algorithm>

#include "base/assert.h"
#include "kv/checksum.h"

namespace meshchain::kv::flash {
namespace {

constexpr std::array<std::byte, page_bytes> zeros{};

}  // namespace

LogWriter::LogWriter(Medium& medium, Segments& segments, std::uint32_t buffer_bytes)
    : medium_(&medium),
      segments_(&segments),
      buffer_(round_up(std::max(buffer_bytes, 2 * page_bytes), page_bytes)) {}

void LogWriter::resume(const LogEnd& end, std::uint64_t sequence) {
    end_ = end;
    sequence_ = sequence;
    is_open_ = false;
}

base::MutableBytes LogWriter::idle_buffer() {
    MESH_ASSERT(buffered_ == 0);
    return buffer_;
}

/// Without a head the next record opens one.
std::uint32_t LogWriter::room_from() const {
    return is_open_ ? offset_ : medium_->geometry().segment_bytes;
}

void LogWriter::Estimate::add(std::uint32_t record_bytes) {
    if (at_ + record_bytes > geometry_->segment_bytes) {
        ++segments_;
        at_ = geometry_->body;
    }
    at_ += record_bytes;
}

LogWriter::Result LogWriter::flush() {
    if (buffered_ == 0) return {};
    const std::uint32_t unit = medium_->geometry().program_bytes;
    const std::uint32_t padded = round_up(static_cast<std::uint32_t>(buffered_), unit);
    std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(buffered_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(padded), std::byte{0});
    const auto done =
        medium_->program(segment_, buffer_offset_, base::Bytes(buffer_).first(padded));
    buffer_offset_ += padded;
    buffered_ = 0;
    return done;
}

LogWriter::Result LogWriter::write(base::Bytes bytes) {
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

LogWriter::Result LogWriter::turn_to_new_segment() {
    MESH_CHECK(flush());
    LogEnd previous = end_;
    if (is_open_) previous = {segment_, (*segments_)[segment_].epoch, offset_};
    MESH_TRY(segment_, segments_->open(SegmentKind::log, previous));
    opened_.push_back(segment_);
    is_open_ = true;
    offset_ = buffer_offset_ = medium_->geometry().body;
    return {};
}

LogWriter::Result LogWriter::write_record(const RecordHead& head, base::Bytes key,
                                          base::Bytes value) {
    const std::uint32_t bytes = record_bytes(head);
    if (bytes > medium_->geometry().body_bytes()) {
        return base::failure(base::Errc::too_large,
                             "a record of " + std::to_string(bytes) + " bytes in segments of " +
                                 std::to_string(medium_->geometry().segment_bytes),
                             "kv flash log", "use a store with larger segments");
    }
    if (!is_open_ || offset_ + bytes > medium_->geometry().segment_bytes) {
        MESH_CHECK(turn_to_new_segment());
    }
    const Location location = medium_->geometry().location(segment_, offset_);
    MESH_CHECK(write(encode(head, key, segments_->seal(location))));
    MESH_CHECK(write(key));
    MESH_CHECK(write(value));
    const std::size_t written = record_head_bytes + key.size() + value.size();
    return write(base::Bytes(zeros).first(bytes - written));
}

std::expected<Location, base::Error> LogWriter::append(const RecordHead& head, base::Bytes key,
                                                       base::Bytes value) {
    if (auto written = write_record(head, key, value); !written) {
        abandon();
        return std::unexpected(std::move(written).error());
    }
    ++records_;
    bytes_since_mark_ += record_bytes(head);
    return medium_->geometry().location(segment_, offset_ - record_bytes(head));
}

LogWriter::Result LogWriter::reserve(std::uint32_t bytes) {
    MESH_ASSERT(records_ == 0);
    if (is_open_ && offset_ + bytes <= medium_->geometry().segment_bytes) return {};
    auto turned = turn_to_new_segment();
    if (!turned) abandon();
    return turned;
}

LogWriter::Result LogWriter::write_commit() {
    commit_may_exist_ = true;
    const auto value = encode(CommitValue{sequence_, records_});
    MESH_CHECK(write_record({.kind = RecordKind::commit,
                             .value_bytes = commit_value_bytes,
                             .value_checksum = crc32c(value)},
                            {}, value));
    offset_ = medium_->geometry().body +
              round_up(offset_ - medium_->geometry().body, medium_->geometry().program_bytes);
    return flush();
}

LogWriter::Result LogWriter::commit() {
    if (auto written = write_commit(); !written) return cancel(std::move(written).error());
    if (auto synced = medium_->sync(); !synced) {
        is_doubtful_ = true;
        abandon();
        synced.error().what += "; whether the commit is stored is unknown until a restart";
        return synced;
    }
    end_ = {segment_, (*segments_)[segment_].epoch, offset_};
    ++sequence_;
    records_ = 0;
    commit_may_exist_ = false;
    opened_.clear();
    return {};
}

/// The commit record may be on the medium though we were told that it is not. A new segment, whose
/// header ends the log before it, settles that.
LogWriter::Result LogWriter::cancel(base::Error error) {
    const bool is_settled = error.code == base::Errc::full || error.code == base::Errc::too_large;
    abandon();
    if (!is_settled) {
        auto turned = turn_to_new_segment();
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
    buffered_ = 0;
    records_ = 0;
    is_open_ = false;
    commit_may_exist_ = false;
}

}  // namespace meshchain::kv::flash
