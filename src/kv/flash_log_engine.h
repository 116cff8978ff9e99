#pragma once
// The flash log without its doors: one log of records, one index over it, and the work that keeps
// both going. FlashLog is this as a kv::Store.
//
// Threads: one owner.
// Errors:  full, too_large, io, corrupt; after is_doubtful() nothing can be written any more.

#include "kv/batch.h"
#include "kv/flash_log_checkpoint.h"
#include "kv/flash_log_index.h"
#include "kv/flash_log_merge.h"
#include "kv/flash_log_options.h"
#include "kv/flash_log_place_cache.h"
#include "kv/flash_log_writer.h"
#include "kv/range.h"

namespace meshchain::kv::flash {

/// Where the names of tables are kept; no table of a program has this number.
inline constexpr std::uint8_t schema_table = tables_max;

class Engine {
public:
    static std::expected<void, base::Error> format(base::Region& region,
                                                   std::uint32_t segment_bytes);
    /// Errors: not_found (the medium was never formatted), wrong sizes, corrupt, io.
    static std::expected<std::unique_ptr<Engine>, base::Error> open(base::Region& region,
                                                                    const FlashLogOptions& options);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    const Levels& levels() const { return levels_; }
    const TableCounts& counts() const { return counts_; }

    std::expected<bool, base::Error> get(const Levels& levels, std::uint8_t table, base::Bytes key,
                                         base::Buffer& value);
    std::expected<std::size_t, base::Error> scan(const Levels& levels, const Range& range,
                                                 Visitor visit);
    /// Reads everything, recounts what is live, and compares.
    std::expected<void, base::Error> verify();

    std::expected<void, base::Error> commit(const Batch& batch);
    bool is_doubtful() const { return log_.is_doubtful(); }
    /// Of the last batch that is durable.
    std::uint64_t sequence() const { return log_.next_sequence() - 1; }

    /// Writes the index out: recovery begins here, and what died before can be erased.
    std::expected<void, base::Error> checkpoint();
    /// Moves about `bytes` of what is live out of the segment that is worth it most. False: no
    /// segment is. Whatever it was doing goes on at the next call, or after a restart from anew.
    std::expected<bool, base::Error> collect(std::uint32_t bytes);

    /// Snapshots are the present runs; memory must be empty.
    std::size_t pin() { return segments_.pin(); }
    void unpin(std::size_t pin) { segments_.unpin(pin); }

    std::uint64_t live_bytes() const { return segments_.live_bytes(); }
    /// What live records may come to while there is room to work in.
    std::uint64_t capacity_bytes() const;
    /// A batch found no room, and so it is until there is clearly more than there was then: that a
    /// small one fits now and then does not end it.
    bool is_full() const;
    FlashLogFigures figures() const;

private:
    friend class Recovery;

    /// A change of one key, from plan to memory.
    struct Change {
        std::uint64_t order = 0;
        std::uint32_t position = 0;  ///< in memory
        std::uint32_t source = 0;    ///< which operation or move
        bool replaces = false;
        bool is_fresh = false;  ///< no run knows the key
        bool is_put = false;
        bool had_value = false;
        bool was_dropped = false;  ///< what it replaces, by the merge under way
        std::uint8_t table = 0;
        Location old_location = 0;
        std::uint32_t old_bytes = 0;  ///< 0: there was none
        Location location = 0;
        std::uint32_t bytes = 0;

        /// Its entry leaves memory and nothing takes its place.
        bool vanishes() const { return is_fresh && !is_put; }
    };
    struct Move {
        Record record;
        Location location;
    };
    using Result = std::expected<void, base::Error>;

    Engine(base::Region& region, Geometry geometry, const FlashLogOptions& options);

    Reading reading() { return {medium_, segments_, records_, pages_}; }
    std::unexpected<base::Error> damaged(std::uint8_t table, base::Bytes key);

    std::expected<std::optional<Change>, base::Error> plan(std::uint8_t table, base::Bytes key,
                                                           bool is_put);
    Result plan(const Batch& batch);
    void add(Change change);
    Result write(const Batch& batch);
    /// Enters the planned changes, which are durable now, into memory and accounts.
    void apply();
    void account(const Change& change);
    static bool is_fresh(const Place& place);

    std::uint32_t reserve_segments() const;
    std::uint32_t whole_reserve_segments() const;
    std::uint32_t comfort_segments() const;
    std::uint32_t low_segments() const;
    Result make_room(const Batch& batch);
    Result make_room(std::uint32_t segments);
    Result collect_a_little(std::uint64_t batch_bytes);
    std::expected<bool, base::Error> reclaim(std::uint32_t wanted);
    std::uint32_t dead_segments() const;
    bool pays_to_collect(std::uint32_t segments) const;
    bool is_log_too_long() const;

    struct Merge;
    bool is_above_large() const;
    Result merge_levels(Merge& merge);
    std::expected<std::shared_ptr<const Run>, base::Error> write_run(Merge& merge, bool into_base);
    void release_run(const Run& run, std::uint32_t since);
    /// After a commit of so many changes: what keeps pace with them.
    void merge_a_little(std::size_t changes);
    void begin_base_merge();
    Result end_base_merge();
    void abandon_base_merge();
    /// Whether it is an erase that the merge under way has dropped.
    bool was_dropped(const Place& place, const Wanted& wanted) const;
    Result write_checkpoint(const Merge& merge);
    Checkpoint describe(const Merge& merge, std::uint32_t version) const;
    void adopt(Merge merge, std::array<Location, 2> places);

    std::uint32_t least_worn() const;
    std::uint32_t choose_victim() const;
    void begin_victim(std::uint32_t victim);
    Result gather_moves(std::uint32_t bytes, std::vector<Move>& moves);
    std::expected<bool, base::Error> is_live(const Record& record, Location location);
    Result write_moves(const std::vector<Move>& moves);
    Result plan_moves(const std::vector<Move>& moves);

    Medium medium_;
    FlashLogOptions options_;
    Segments segments_;
    Records records_;
    Pages pages_;
    LogWriter log_;
    PlaceCache places_;
    Levels levels_;
    TableCounts counts_{};
    std::unique_ptr<BaseMerge> base_merge_;
    std::uint32_t merge_not_before_ = 0;  ///< that checkpoint, as the last try failed
    std::vector<Change> changes_;         ///< of the batch under way
    base::Buffer moved_value_;
    std::uint32_t victim_ = none;
    std::uint32_t victim_epoch_ = 0;
    std::uint32_t victim_offset_ = 0;
    std::uint64_t checkpoint_bytes_ = 0;  ///< that the last one took in the log
    std::uint32_t full_segments_ = 0;     ///< that were asked for in vain; 0: none were
    std::uint64_t full_live_bytes_ = 0;
    std::uint64_t full_put_bytes_ = 0;
    std::uint32_t seen_epoch_ = 0;
    std::uint32_t segments_a_checkpoint_ = 2;  ///< of the log
    std::uint32_t levelled_epoch_ = 0;
    std::uint64_t owed_bytes_ = 0;  ///< that collection still has to win
    std::uint64_t won_bytes_ = 0;
    bool is_low_ = false;
    FlashLogFigures figures_;
};

}  // namespace meshchain::kv::flash
