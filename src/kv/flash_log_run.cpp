#include "kv/flash_log_run.h"

#include <algorithm>

namespace meshchain::kv::flash {
namespace {

std::uint64_t fence_prefix(std::uint64_t fence) { return fence >> 1; }
bool begins_before(std::uint64_t fence) { return (fence & 1) != 0; }

}  // namespace

std::uint32_t segments_for(const Geometry& geometry, std::uint64_t entries) {
    const std::uint64_t pages = (entries + page_entries_max - 1) / page_entries_max;
    const std::uint64_t all = pages + (pages + page_fences_max - 1) / page_fences_max;
    return static_cast<std::uint32_t>((all + geometry.pages_a_segment() - 1) /
                                      geometry.pages_a_segment());
}

Pages::Pages(Medium& medium, const Segments& segments, std::uint32_t cached)
    : medium_(&medium), segments_(&segments), slots_(std::max(cached, 1u)) {}

Location Pages::place(const Run& run, std::uint32_t number) const {
    const Geometry& geometry = medium_->geometry();
    const std::uint32_t a_segment = geometry.pages_a_segment();
    return geometry.location(run.segments[number / a_segment],
                             geometry.body + number % a_segment * page_bytes);
}

std::expected<void, base::Error> Pages::load(const Run& run, std::uint32_t number, Page& page) {
    const Location location = place(run, number);
    PageBytes bytes;
    MESH_CHECK(medium_->read(location, bytes));
    const std::uint32_t expected =
        std::min(run.entries - number * page_entries_max, page_entries_max);
    if (parse_page(bytes, segments_->seal(location), page) && page.count == expected) return {};
    return base::failure(base::Errc::corrupt,
                         "page " + std::to_string(number) + " of the index is damaged",
                         "kv flash log", "fetch the state again from peers");
}

std::expected<const Page*, base::Error> Pages::get(const Run& run, std::uint32_t number) {
    const Location location = place(run, number);
    const std::uint32_t epoch = (*segments_)[medium_->geometry().segment_of(location)].epoch;
    const std::uint64_t of = std::uint64_t{epoch} << 32 | location;
    Slot& slot = slots_[(location / (page_bytes / grain_bytes)) % slots_.size()];
    if (slot.of != of) {
        slot.of = 0;
        MESH_CHECK(load(run, number, slot.page));
        slot.of = of;
    }
    return &slot.page;
}

/// Among the pages that share a fence: the last one whose first prefix is below, or `first`.
std::expected<std::uint32_t, base::Error> Pages::last_page_below(const Run& run,
                                                                 std::uint64_t prefix,
                                                                 std::uint32_t first) {
    std::uint32_t low = first;
    std::uint32_t high = std::min(first + run.stride, run.pages());
    while (high - low > 1) {
        const std::uint32_t middle = low + (high - low) / 2;
        MESH_TRY(const Page* page, get(run, middle));
        (page->entries[0].prefix() < prefix ? low : high) = middle;
    }
    return low;
}

std::expected<std::uint32_t, base::Error> Pages::lower_bound(const Run& run, std::uint64_t prefix) {
    if (run.entries == 0) return 0;
    auto fence = std::ranges::upper_bound(run.fences, prefix, {}, fence_prefix);
    while (fence != run.fences.begin()) {
        --fence;
        if (fence_prefix(*fence) < prefix || !begins_before(*fence)) break;
    }
    std::uint32_t number = static_cast<std::uint32_t>(fence - run.fences.begin()) * run.stride;
    if (run.stride > 1) {
        MESH_TRY(number, last_page_below(run, prefix, number));
    }
    MESH_TRY(const Page* page, get(run, number));
    const auto entries = std::span(page->entries).first(page->count);
    const auto found = std::ranges::lower_bound(entries, prefix, {}, &Entry::prefix);
    return number * page_entries_max + static_cast<std::uint32_t>(found - entries.begin());
}

std::expected<void, base::Error> Pages::load_fences(Run& run, std::uint32_t count) {
    run.fences.clear();
    run.fences.reserve(count);
    for (std::uint32_t number = run.pages(); run.fences.size() < count; ++number) {
        const Location location = place(run, number);
        PageBytes bytes;
        FencePage page;
        MESH_CHECK(medium_->read(location, bytes));
        const std::size_t left = count - run.fences.size();
        if (!parse_fence_page(bytes, segments_->seal(location), page) ||
            page.count != std::min<std::size_t>(left, page_fences_max)) {
            return base::failure(base::Errc::corrupt, "a page of fences is damaged", "kv flash log",
                                 "fetch the state again from peers");
        }
        run.fences.insert(run.fences.end(), page.fences.begin(), page.fences.begin() + page.count);
    }
    return {};
}

RunWriter::RunWriter(Medium& medium, Segments& segments, base::MutableBytes buffer,
                     std::uint32_t fences_max, std::uint64_t expected)
    : medium_(&medium),
      segments_(&segments),
      buffer_(buffer.first(buffer.size() / page_bytes * page_bytes)) {
    const std::uint64_t pages = (expected + page_entries_max - 1) / page_entries_max;
    while (pages > std::uint64_t{fences_max} * run_.stride) run_.stride *= 2;
    run_.fences.reserve((pages + run_.stride - 1) / run_.stride);
}

RunWriter::Result RunWriter::add(const Entry& entry) {
    if (page_.count == 0 && run_.entries / page_entries_max % run_.stride == 0) {
        const bool continues = run_.entries > 0 && entry.prefix() == last_prefix_;
        run_.fences.push_back(entry.prefix() << 1 | (continues ? 1 : 0));
    }
    last_prefix_ = entry.prefix();
    page_.entries[page_.count] = entry;
    page_.entries[page_.count++].where &= ~Entry::fresh_bit;
    ++run_.entries;
    if (page_.count == page_entries_max) return end_page();
    return {};
}

/// Makes room for one more page, in the buffer and on the medium.
RunWriter::Result RunWriter::place_page() {
    const Geometry& geometry = medium_->geometry();
    if (run_.segments.empty() || page_in_segment_ == geometry.pages_a_segment()) {
        MESH_CHECK(flush());
        MESH_TRY(const std::uint32_t segment, segments_->open(SegmentKind::run));
        run_.segments.push_back(segment);
        page_in_segment_ = 0;
        buffer_offset_ = geometry.body;
    }
    if (buffered_ == buffer_.size()) MESH_CHECK(flush());
    return {};
}

RunWriter::Result RunWriter::flush() {
    if (buffered_ == 0) return {};
    MESH_CHECK(medium_->program(run_.segments.back(), buffer_offset_, buffer_.first(buffered_)));
    buffer_offset_ += static_cast<std::uint32_t>(buffered_);
    buffered_ = 0;
    return {};
}

RunWriter::Result RunWriter::end_page() {
    MESH_CHECK(place_page());
    const Geometry& geometry = medium_->geometry();
    const Location location =
        geometry.location(run_.segments.back(), geometry.body + page_in_segment_ * page_bytes);
    encode(page_, segments_->seal(location), buffer_.subspan(buffered_, page_bytes));
    buffered_ += page_bytes;
    ++page_in_segment_;
    page_.count = 0;
    return {};
}

std::expected<Run, base::Error> RunWriter::finish() {
    if (page_.count > 0) MESH_CHECK(end_page());
    const Geometry& geometry = medium_->geometry();
    for (std::size_t written = 0; written < run_.fences.size();) {
        MESH_CHECK(place_page());
        FencePage page;
        page.count = static_cast<std::uint32_t>(
            std::min<std::size_t>(run_.fences.size() - written, page_fences_max));
        std::copy_n(run_.fences.begin() + static_cast<std::ptrdiff_t>(written), page.count,
                    page.fences.begin());
        written += page.count;
        const Location location =
            geometry.location(run_.segments.back(), geometry.body + page_in_segment_ * page_bytes);
        encode(page, segments_->seal(location), buffer_.subspan(buffered_, page_bytes));
        buffered_ += page_bytes;
        ++page_in_segment_;
    }
    MESH_CHECK(flush());
    run_.epoch = segments_->last_epoch();
    return std::move(run_);
}

void RunWriter::abandon() {
    for (const std::uint32_t segment : run_.segments) segments_->release(segment, 0);
    run_.segments.clear();
}

}  // namespace meshchain::kv::flash
