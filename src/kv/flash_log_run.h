#pragma once
// A run: entries of the index, sorted, in pages on the medium, with the first prefix of every page
// (or of every 2nd, 4th, …) in memory. It is written once and read until it is merged away.
//
// An entry whose segment was opened again after the run was written is stale: its key has a newer
// entry above this run. So a run never has to be told what died.
//
// Limits: `fences_max` of 8 bytes for each run; a look-up reads one page, or a few more when there
//         are more pages than fences.
// Errors: corrupt (a page fails its checksum), io, full.

#include <memory>
#include <span>
#include <vector>

#include "kv/flash_log_segments.h"

namespace meshchain::kv::flash {

struct Run {
    std::uint32_t entries = 0;
    std::uint32_t epoch = 0;   ///< the newest when it was written
    std::uint32_t stride = 1;  ///< pages a fence
    /// Prefix of the first entry of a page, and in the lowest bit whether the page before ends with
    /// the same.
    std::vector<std::uint64_t> fences;
    std::vector<std::uint32_t> segments;

    std::uint32_t pages() const { return (entries + page_entries_max - 1) / page_entries_max; }
    std::uint32_t fence_pages() const {
        return (static_cast<std::uint32_t>(fences.size()) + page_fences_max - 1) / page_fences_max;
    }
    /// Whether no entry of that page has the prefix, as far as memory knows.
    bool begins_above(std::uint32_t page, std::uint64_t prefix) const {
        return page % stride == 0 && fences[page / stride] >> 1 > prefix;
    }
    bool is_stale(const Entry& entry, const Segments& of, const Geometry& geometry) const {
        const std::uint32_t segment = geometry.segment_of(entry.location());
        return segment < of.size() && of[segment].epoch > epoch;
    }
};

/// How many segments a run of so many entries takes.
std::uint32_t segments_for(const Geometry& geometry, std::uint64_t entries);

/// Reads pages of runs, the lately used ones from memory.
class Pages {
public:
    Pages(Medium& medium, const Segments& segments, std::uint32_t cached);

    std::expected<void, base::Error> load(const Run& run, std::uint32_t number, Page& page);
    /// Borrowed until the next call.
    std::expected<const Page*, base::Error> get(const Run& run, std::uint32_t number);
    /// The index of the first entry whose prefix is not below.
    std::expected<std::uint32_t, base::Error> lower_bound(const Run& run, std::uint64_t prefix);
    std::expected<void, base::Error> load_fences(Run& run, std::uint32_t count);

private:
    struct Slot {
        std::uint64_t of = 0;  ///< epoch and location
        Page page;
    };

    std::expected<std::uint32_t, base::Error> last_page_below(const Run& run, std::uint64_t prefix,
                                                              std::uint32_t first);
    Location place(const Run& run, std::uint32_t number) const;

    Medium* medium_;
    const Segments* segments_;
    std::vector<Slot> slots_;
};

class RunWriter {
public:
    /// `buffer` gathers pages; `expected` entries at most decide how far apart fences are.
    RunWriter(Medium& medium, Segments& segments, base::MutableBytes buffer,
              std::uint32_t fences_max, std::uint64_t expected);

    std::expected<void, base::Error> add(const Entry& entry);
    /// Empties the buffer, which others may use until the next call.
    std::expected<void, base::Error> pause() { return flush(); }
    /// Writes what is left. The run is not synced yet.
    std::expected<Run, base::Error> finish();
    /// Gives back the segments of a run that is not wanted any more.
    void abandon();
    std::uint32_t segments() const { return static_cast<std::uint32_t>(run_.segments.size()); }

private:
    using Result = std::expected<void, base::Error>;

    Result end_page();
    Result place_page();
    Result flush();

    Medium* medium_;
    Segments* segments_;
    base::MutableBytes buffer_;
    std::size_t buffered_ = 0;
    std::uint32_t buffer_offset_ = 0;
    std::uint32_t page_in_segment_ = 0;
    std::uint64_t last_prefix_ = 0;
    Page page_;
    Run run_;
};

}  // namespace meshchain::kv::flash
