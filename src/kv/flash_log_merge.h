#pragma once
// The lower run and the base of the index on their way into a new base, a little at a time, while
// the log goes on above them.
//
// An erase that the new base need not have is dropped, and its record with it once the new base
// counts. Should something take its place before, its record dies with that instead: has_passed()
// tells whether it was dropped already, and keep() takes it back.
//
// Ownership: keeps what it reads; borrows the buffer within a call only.
// Errors:    those of reading and writing runs; abandon() then.

#include "kv/flash_log_index.h"
#include "kv/flash_log_options.h"

namespace meshchain::kv::flash {

class BaseMerge {
public:
    BaseMerge(Reading reading, const Levels& levels, base::MutableBytes buffer,
              const FlashLogOptions& options);
    BaseMerge(const BaseMerge&) = delete;
    BaseMerge& operator=(const BaseMerge&) = delete;

    /// Merges about so many entries. `levels` are the present ones.
    std::expected<void, base::Error> go_on(Reading reading, const Levels& levels,
                                           std::uint64_t entries);
    /// Gives back what was written, unless it is done.
    void abandon() { writer_.abandon(); }

    /// Entries that a change of one key is worth, so that it ends long before the next merge.
    std::uint64_t pace() const { return pace_; }
    bool is_done() const { return is_done_; }
    /// The new base, not synced; none if it is empty, or not done.
    const std::shared_ptr<const Run>& result() const { return result_; }
    std::uint32_t segments() const {
        return result_ ? static_cast<std::uint32_t>(result_->segments.size()) : writer_.segments();
    }
    std::uint64_t written() const { return written_; }

    /// Grains of the records that were dropped, by segment.
    const std::vector<std::uint32_t>& dropped() const { return dropped_; }
    bool has_passed(const Wanted& wanted) const;
    void keep(std::uint32_t segment, std::uint32_t grains);

private:
    using Result = std::expected<void, base::Error>;
    struct Last {
        std::uint8_t table;
        KeyBuffer key;
    };

    std::vector<const Run*> inputs() const;
    Result take(Reading reading, const Levels& levels, const Entry& entry);
    Result finish();

    std::shared_ptr<const Run> lower_;
    std::shared_ptr<const Run> base_;
    std::uint32_t epoch_;  ///< the newest when it began
    std::uint64_t pace_;
    MergedCursor cursor_;
    RunWriter writer_;
    std::vector<std::uint32_t> dropped_;
    std::optional<Last> last_;  ///< the key that it stopped behind
    std::uint64_t written_ = 0;
    bool has_begun_ = false;
    bool is_done_ = false;
    std::shared_ptr<const Run> result_;
};

}  // namespace meshchain::kv::flash
