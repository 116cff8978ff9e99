#pragma once
// The head of the log: records become durable batch by batch, each whole or not at all.
//
// A batch is what is appended until commit(). It is gathered in a buffer and streamed out when that
// is full, so a small one costs one program and one sync. After a failure the batch never happened:
// the next one begins in a new segment, whose header says where the log before it ended. Only when
// that cannot be said either, or a sync fails, is the outcome unknown: is_doubtful().
//
// Limits: one buffer; a record fits into one segment.
// Errors: full, too_large (a record larger than a segment's body), io.

#include "kv/flash_log_segments.h"

namespace meshchain::kv::flash {

class LogWriter {
public:
    LogWriter(Medium& medium, Segments& segments, std::uint32_t buffer_bytes);

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
        Estimate(const LogWriter& log)
            : geometry_(&log.medium_->geometry()), at_(log.room_from()) {}
        void add(std::uint32_t record_bytes);
        std::uint32_t segments() const { return segments_; }

    private:
        const Geometry* geometry_;
        std::uint32_t at_;
        std::uint32_t segments_ = 0;
    };

    bool is_doubtful() const { return is_doubtful_; }
    /// The segment being written, or none.
    std::uint32_t head() const { return is_open_ ? segment_ : none; }
    const LogEnd& end() const { return end_; }
    std::uint64_t next_sequence() const { return sequence_; }
    /// Batches since the last call of mark(): what recovery would have to read.
    std::uint64_t bytes_since_mark() const { return bytes_since_mark_; }
    void mark() { bytes_since_mark_ = 0; }
    void count(std::uint32_t bytes) { bytes_since_mark_ += bytes; }
    /// The buffer, for others to use between batches.
    base::MutableBytes idle_buffer();

private:
    using Result = std::expected<void, base::Error>;

    Result write(base::Bytes bytes);
    Result write_record(const RecordHead& head, base::Bytes key, base::Bytes value);
    Result turn_to_new_segment();
    Result flush();
    Result write_commit();
    Result cancel(base::Error error);
    std::uint32_t room_from() const;

    Medium* medium_;
    Segments* segments_;
    base::Buffer buffer_;
    std::size_t buffered_ = 0;
    std::uint32_t buffer_offset_ = 0;  ///< where the buffer's content goes
    bool is_open_ = false;
    std::uint32_t segment_ = none;
    std::uint32_t offset_ = 0;
    LogEnd end_;                         ///< of the last batch that is durable
    std::vector<std::uint32_t> opened_;  ///< by the batch under way
    std::uint64_t sequence_ = 1;
    std::uint32_t records_ = 0;
    std::uint64_t bytes_since_mark_ = 0;
    bool commit_may_exist_ = false;
    bool is_doubtful_ = false;
};

}  // namespace meshchain::kv::flash
