#include "kv/flash_log_medium.h"

#include <algorithm>
#include <bit>

namespace meshchain::kv::flash {
namespace {

constexpr std::uint32_t segments_min = 8;
constexpr std::uint32_t segments_usual = 1024;
constexpr std::uint32_t segment_bytes_usual_min = 65'536;
constexpr std::uint32_t segment_bytes_usual_max = 1'048'576;
constexpr std::uint32_t segment_bytes_max = 1 << 24;
constexpr std::uint64_t region_bytes_max = std::uint64_t{Entry::locations} * grain_bytes;

std::unexpected<base::Error> unfit(const std::string& what) {
    return base::failure(base::Errc::invalid_argument, what, "kv flash log",
                         "choose other sizes for the region and its segments");
}

}  // namespace

std::expected<Geometry, base::Error> make_geometry(const base::Region& region,
                                                   std::uint32_t segment_bytes,
                                                   bool may_leave_rest) {
    const std::uint32_t unit = region.program_bytes();
    if (!std::has_single_bit(unit) || unit > page_bytes || region.sector_bytes() % unit != 0) {
        return unfit("program units of " + std::to_string(unit) + " bytes");
    }
    if (segment_bytes == 0 || segment_bytes > segment_bytes_max ||
        segment_bytes % region.sector_bytes() != 0 || segment_bytes % grain_bytes != 0) {
        return unfit("segments of " + std::to_string(segment_bytes) + " bytes");
    }
    std::uint64_t segments = region.size_bytes() / segment_bytes;
    const std::uint32_t copy = round_up(segment_header_bytes, unit);
    // A checkpoint names every segment, and its two copies lie in one.
    const std::int64_t segments_max =
        (std::int64_t{segment_bytes} - round_up(2 * copy, grain_bytes) - page_bytes) / 40;
    if (may_leave_rest) {
        segments =
            std::min({segments, static_cast<std::uint64_t>(std::max<std::int64_t>(segments_max, 0)),
                      region_bytes_max / segment_bytes});
    }
    const Geometry geometry{.segment_bytes = segment_bytes,
                            .segments = static_cast<std::uint32_t>(segments),
                            .program_bytes = unit,
                            .body = round_up(2 * copy, grain_bytes)};
    if (segments < segments_min || segments * segment_bytes > region_bytes_max) {
        return unfit("a region of " + std::to_string(region.size_bytes()) + " bytes");
    }
    if (segment_bytes < geometry.body + 2 * page_bytes ||
        static_cast<std::int64_t>(segments) > segments_max) {
        return unfit(std::to_string(segments) + " segments of " + std::to_string(segment_bytes) +
                     " bytes");
    }
    return geometry;
}

std::uint32_t usual_segment_bytes(const base::Region& region) {
    const std::uint64_t wanted = std::bit_ceil(region.size_bytes() / segments_usual + 1);
    const std::uint32_t bytes = static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(wanted, segment_bytes_usual_min, segment_bytes_usual_max));
    const bool has_room = region.size_bytes() >= std::uint64_t{64} * 2 * value_bytes_max;
    return round_up(has_room ? std::max<std::uint32_t>(bytes, 2 * value_bytes_max) : bytes,
                    region.sector_bytes());
}

std::expected<void, base::Error> Medium::read(std::uint32_t segment, std::uint32_t offset,
                                              base::MutableBytes out) {
    ++counters_.reads;
    return region_->read(at(segment, offset), out);
}

std::expected<void, base::Error> Medium::program(std::uint32_t segment, std::uint32_t offset,
                                                 base::Bytes bytes) {
    counters_.programmed_bytes += bytes.size();
    return region_->program(at(segment, offset), bytes);
}

std::expected<void, base::Error> Medium::erase(std::uint32_t segment) {
    ++counters_.erases;
    for (std::uint32_t offset = 0; offset < geometry_.segment_bytes;
         offset += region_->sector_bytes()) {
        MESH_CHECK(region_->erase(at(segment, offset)));
    }
    return {};
}

std::expected<void, base::Error> Medium::sync() {
    ++counters_.syncs;
    return region_->sync();
}

}  // namespace meshchain::kv::flash
