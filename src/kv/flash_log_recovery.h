#pragma once
// From a medium to an engine that stands where the last durable batch left it, in one pass: the
// headers of all segments, the last checkpoint, and the log after it. Nothing is written; what was
// found is synced.
//
// What is not whole at the very end of the log is a batch that was under way when power went, and
// is dropped. Damage before that is told from it by the batches that follow, and is an Error when
// it hides a key; a damaged value is reported when it is read.
//
// Errors: not_found (no segment of a log), corrupt, wrong sizes, io.

#include "kv/flash_log_engine.h"

namespace meshchain::kv::flash {

class Recovery {
public:
    explicit Recovery(Engine& engine)
        : engine_(&engine), medium_(&engine.medium_), geometry_(engine.medium_.geometry()) {}

    /// The segment size of the log on a medium. Errors: not_found, io.
    static std::expected<std::uint32_t, base::Error> find_segment_bytes(base::Region& region);

    std::expected<void, base::Error> run();

private:
    using Result = std::expected<void, base::Error>;

    struct Cursor {
        std::size_t link = 0;  ///< which segment of the chain
        std::uint32_t offset = 0;
    };
    struct Step {
        Record record;
        Location location;
        bool value_is_sound = false;
    };
    struct Tail {
        Cursor end;  ///< after the last batch that is whole
        std::uint64_t sequence = 0;
    };
    struct Link {
        std::uint32_t segment;
        std::uint32_t end;  ///< where the log went on elsewhere; segment_bytes for the last
    };

    std::expected<std::optional<SegmentHeader>, base::Error> read_header(std::uint32_t segment);
    Result read_headers();
    Result find_checkpoint();
    Result read_pointed_checkpoint();
    Result read_later_checkpoint();
    std::expected<bool, base::Error> read_checkpoint(Location location);
    Result install_checkpoint();
    Result install_run(const std::optional<RunInfo>& info, std::shared_ptr<const Run>& run);
    Result follow_chain();
    Result keep_far_segments(const Cursor& end);
    Result free_the_rest();

    /// The record at the cursor, which moves behind it; nothing where there is none.
    std::expected<std::optional<Step>, base::Error> next(Cursor& cursor, bool checks_value);
    Result go_far(Step& step);
    bool skip_to_next_segment(Cursor& cursor) const;
    std::expected<std::optional<CommitValue>, base::Error> commit_value(const Step& step);
    std::expected<Tail, base::Error> find_end();
    std::expected<bool, base::Error> is_followed(Cursor from, std::uint64_t sequence);
    std::expected<bool, base::Error> has_commit_above(std::uint32_t segment, std::uint32_t offset,
                                                      std::uint64_t sequence);
    Result replay(const Cursor& end);
    Result replay(const Step& step);
    std::unexpected<base::Error> corrupt(const std::string& what);

    Engine* engine_;
    Medium* medium_;
    Geometry geometry_;
    std::optional<SegmentHeader> newest_;
    std::optional<Checkpoint> checkpoint_;
    std::array<Location, 2> places_{};
    std::vector<Link> chain_;      ///< oldest first: from the checkpoint's segment on
    Cursor start_;                 ///< behind the checkpoint
    std::uint8_t last_table_ = 0;  ///< of the batch that is replayed
    KeyBuffer last_key_;
};

}  // namespace meshchain::kv::flash
