#pragma once
// What the flash log may spend, and what it tells about itself.

#include <cstdint>

namespace meshchain::kv {

/// Memory, chosen once. The largest batch takes 12 bytes an operation beside it, and a value that
/// is read, its own size.
struct FlashLogOptions {
    std::uint32_t memory_entries = 8192;   ///< of the index before a run is written: 12 bytes each
    std::uint32_t fences = 65'536;         ///< of each of at most four runs: 8 bytes each
    std::uint32_t cached_pages = 4096;     ///< of the index: 520 bytes each
    std::uint32_t cached_places = 65'536;  ///< of records by key: 8 bytes each; 0: none
    std::uint32_t buffer_bytes = 65'536;   ///< what one program writes at most
    std::uint32_t collect_bytes = 65'536;  ///< what one step of collection moves at most
    /// Values of so many bytes lie in segments of their own: less is moved on a full medium, for a
    /// second program in each commit that has one. A decision of the writer, not of the format.
    std::uint32_t far_bytes = 4096;
    /// The base of the index is merged in one go up to so many entries in all, and else a little
    /// with each commit, while a look-up may have to read one run more.
    std::uint32_t merged_at_once = 32'768;
    bool read_only = false;
    /// What lies behind damage in the log is passed over instead of refused, as is a large value
    /// whose head is damaged: its key has the value before, or none. Only to be read, by who checks
    /// what it reads.
    bool ends_at_damage = false;

    /// All in 64 KB, with 16 MB of flash in segments of 64 KB.
    static constexpr FlashLogOptions device() {
        return {.memory_entries = 1500,
                .fences = 1024,
                .cached_pages = 6,
                .cached_places = 0,
                .buffer_bytes = 2048,
                .collect_bytes = 4096,
                .far_bytes = 512,
                .merged_at_once = 1'000'000};
    }
    /// About 64 MB, for a million coins and more.
    static constexpr FlashLogOptions server() {
        return {.memory_entries = 16'384,
                .fences = 262'144,
                .cached_pages = 32'768,
                .cached_places = 4'194'304,
                .buffer_bytes = 262'144,
                .collect_bytes = 262'144,
                .merged_at_once = 65'536};
    }
};

/// Counted since the store was opened, but for the state of the medium.
struct FlashLogFigures {
    std::uint64_t user_bytes = 0;        ///< keys and values of committed batches
    std::uint64_t programmed_bytes = 0;  ///< everything written to the medium
    std::uint64_t page_reads = 0;
    std::uint64_t syncs = 0;
    std::uint64_t checkpoints = 0;
    std::uint64_t segments_collected = 0;
    std::uint64_t moved_bytes = 0;      ///< by collection
    std::uint64_t merged_entries = 0;   ///< written into runs
    std::uint64_t slow_merges = 0;      ///< of the base, a little with each commit
    std::uint64_t damage_found = 0;     ///< records, pages and headers that did not verify
    std::uint64_t batches_dropped = 0;  ///< by recovery: not completed when power went

    std::uint64_t live_bytes = 0;  ///< of records that are still needed
    std::uint64_t region_bytes = 0;
    std::uint32_t segments = 0;
    std::uint32_t segments_free = 0;
    std::uint32_t erases_least = 0;  ///< of a segment, since the medium was formatted
    std::uint32_t erases_most = 0;
    std::uint64_t erases = 0;
};

}  // namespace meshchain::kv
