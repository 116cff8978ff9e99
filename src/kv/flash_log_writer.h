#pragma once
// The head of the log: records become durable batch by batch, each whole or not at all.
//
// A batch is what is appended until commit(). It is gathered in a buffer and streamed out when that
// is full, so a small one costs one program and one sync. Large values go to a second head of their
// own, and the log names their places. After a failure the batch never happened: the next one
// begins in new segments, and the header of the log's says where the log before it ended. Only when
// that cannot be said either, or a sync fails, is the outcome unknown: is_doubtful().
//
// Limits: two buffers; a record fits into one segment.
// Errors: full, too_large (a record larger than a segment's body), io.

#include "kv/flash_log_segments.h"

namespace meshchain::kv::flash {

/// A segment that is being filled, through a buffer of whole program units.
class SegmentHead {
public:
    SegmentHead(Medium& medium, std::uint32_t buffer_bytes);

    bool is_open() const { return segment_ != none; }
    std::uint32_t segment() const { return segment_; }
    std::uint32_t offset() const { return offset_; }
    bool has_room(std::uint32_t bytes) const;

    void begin(std::uint32_t segment);
    void close();
    std::expected<void, base::Error> write(base::Bytes bytes);
    std::expected<void, base::Error> pad(std::uint32_t bytes);
    /// Programs what is buffered, up to the next whole unit.
    std::expected<void, base::Error> flush();
    /// The same, and the next record begins with the next unit.
    std::expected<void, base::Error> end_unit();
    base::MutableBytes idle_buffer();

private:
    Medium* medium_;
    base::Buffer buffer_;
    std::size_t buffered_ = 0;
    std::uint32_t buffer_offset_ = 0;  ///< where the buffer's content goes
    std::uint32_t segment_ = none;
    std::uint32_t offset_ = 0;
};

class LogWriter {
public:
    LogWriter(Medium& medium, Segments& segments, std::uint32_t buffer_bytes,
              std::uint32_t far_bytes);

    /// Goes on after the last batch that recovery found.
    void resume(const LogEnd& end, std::uint64_t sequence);

    /// Returns where the record will lie.
    std::expected<Location, base::Error> append(const RecordHead& head, base::Bytes key,
                                                base::Bytes value);
    /// Makes what was appended durable. After an Error nothing of it is.
    std::expected<void, base::Error> commit();
    /// Forgets what was appended. What append() and commit() do by themselves when they fail.
    void abandon();
    /// Makes sure that the next `bytes` lie in one segment. Only between batches.
    std::expected<void, base::Error> reserve(std::uint32_t bytes);

    /// How many segments a batch of such records would open; add() them in order.
    class Estimate {
    public:
        explicit Estimate(const LogWriter& log);
        void add(RecordKind kind, std::size_t key_bytes, std::size_t value_bytes);
        std::uint32_t segments() const { return segments_; }
        std::uint64_t bytes() const { return bytes_; }

    private:
        void place(std::uint32_t& at, std::uint32_t bytes);

        const LogWriter* log_;
        const Geometry* geometry_;
        std::uint32_t near_at_;
        std::uint32_t far_at_;
        std::uint32_t segments_ = 0;
        std::uint64_t bytes_ = 0;
    };

    bool is_doubtful() const { return is_doubtful_; }
    /// Whether it is being written.
    bool is_head(std::uint32_t segment) const {
        return segment == near_.segment() || segment == far_.segment();
    }
    std::uint64_t next_sequence() const { return sequence_; }
    /// Batches since the last call of mark(): what recovery would have to read.
    std::uint64_t bytes_since_mark() const { return bytes_since_mark_; }
    void mark() { bytes_since_mark_ = 0; }
    void count(std::uint32_t bytes) { bytes_since_mark_ += bytes; }
    /// A buffer for others to use between batches.
    base::MutableBytes idle_buffer() { return near_.idle_buffer(); }

private:
    using Result = std::expected<void, base::Error>;

    bool lies_far(RecordKind kind, std::size_t value_bytes) const {
        return kind == RecordKind::put && value_bytes >= far_bytes_;
    }
    Result make_room(SegmentHead& head, std::uint32_t bytes);
    Result turn_to_new_segment(SegmentHead& head);
    std::expected<Location, base::Error> write_record(SegmentHead& to, const RecordHead& head,
                                                      base::Bytes key, base::Bytes value);
    std::expected<Location, base::Error> write_far(const RecordHead& head, base::Bytes key,
                                                   base::Bytes value);
    Result write_commit();
    Result cancel(base::Error error);

    Medium* medium_;
    Segments* segments_;
    std::uint32_t far_bytes_;
    SegmentHead near_;
    SegmentHead far_;
    LogEnd end_;                         ///< of the last batch that is durable
    std::vector<std::uint32_t> opened_;  ///< by the batch under way
    std::uint64_t sequence_ = 1;
    std::uint32_t records_ = 0;
    std::uint64_t bytes_since_mark_ = 0;
    bool is_doubtful_ = false;
};

}  // namespace meshchain::kv::flash
