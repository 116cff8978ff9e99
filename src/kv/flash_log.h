#pragma once
// The engine for flash, SD cards and files (row B4): a log of records with a sorted index in runs,
// on any base::Region. Power may go at any instant; memory is what the options say, whatever the
// number of keys.
//
// After a kill or a power cut the next open recovers by itself. Damage is reported by the read that
// meets it, and by verify(); writing the key again heals it.
//
// Ownership: the region is the store's until close().
// Limits:    a record fits into a segment: with segments below 256 KB values are smaller than
//            kv/limits.h allows (too_large).
// Errors:    beside those of kv::Store: not_found (never formatted), invalid_argument (a region of
//            unfit sizes).
// Format:    docs/formats/flash-log.md; why it is so: docs/decisions/0090-flash-log.md

#include <array>

#include "base/region.h"
#include "kv/flash_log_options.h"
#include "kv/store.h"

namespace meshchain::kv {

namespace flash {
class Engine;
}

class FlashLog final : public Store {
public:
    /// Makes an empty log of the region; what was on it is lost. Segments are the unit of
    /// collection, a multiple of the sector; 0 chooses.
    static std::expected<void, base::Error> format(base::Region& region,
                                                   std::uint32_t segment_bytes = 0);
    static std::expected<std::unique_ptr<FlashLog>, base::Error> open(
        std::unique_ptr<base::Region> region, const StoreOptions& options,
        const FlashLogOptions& flash_options = {});
    /// Asserts that no snapshot is left.
    ~FlashLog() override;
    FlashLog(const FlashLog&) = delete;
    FlashLog& operator=(const FlashLog&) = delete;

    std::expected<bool, base::Error> get_into(Table table, base::Bytes key,
                                              base::Buffer& value) override;
    std::expected<std::size_t, base::Error> scan(const Range& range, Visitor visit) override;
    std::expected<std::uint64_t, base::Error> count(Table table) override;
    std::expected<void, base::Error> commit(const Batch& batch) override;
    bool is_read_only() const override;
    /// Writes the index out first, so it costs about what a thousand operations cost.
    std::expected<std::unique_ptr<View>, base::Error> snapshot() override;
    /// The limit is never more than the medium has room for.
    Quota quota() const override;
    Stats stats() const override { return stats_; }
    std::uint64_t sequence() const override;
    std::expected<void, base::Error> verify() override;
    /// Writes the index out, so that the next open has nothing to replay.
    std::expected<void, base::Error> close() override;

    /// Collects about so much of what is dead while there is nothing better to do. False: nothing
    /// is worth it.
    std::expected<bool, base::Error> collect(std::uint32_t bytes);
    /// Writes the index out: what is dead as a whole can be used again.
    std::expected<void, base::Error> checkpoint();
    FlashLogFigures figures() const;

private:
    friend class FlashLogView;

    FlashLog(std::unique_ptr<base::Region> region, std::unique_ptr<flash::Engine> engine,
             std::uint64_t quota_bytes, bool read_only);

    std::expected<void, base::Error> declare(std::span<const TableInfo> tables);
    std::expected<void, base::Error> check_open() const;
    std::expected<void, base::Error> check_commit(const Batch& batch) const;
    void check_declared(Table table) const;
    Quota account() const;
    template <class Result>
    Result noted(Result result);

    std::unique_ptr<base::Region> region_;  ///< none when closed
    std::unique_ptr<flash::Engine> engine_;
    std::uint64_t quota_bytes_;
    bool read_only_;
    std::array<bool, tables_max> declared_{};
    Stats stats_;
};

}  // namespace meshchain::kv
