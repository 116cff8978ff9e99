#pragma once
// A region cut into segments, the unit in which the flash log opens, collects and erases; and what
// was read and written of it.
//
// Limits: 8 GiB; program units up to a page of the index.
// Errors: those of the region.

#include "base/region.h"
#include "kv/flash_log_format.h"

namespace meshchain::kv::flash {

struct Geometry {
    std::uint32_t segment_bytes = 0;
    std::uint32_t segments = 0;
    std::uint32_t program_bytes = 0;
    std::uint32_t body = 0;  ///< where a segment's content begins

    Location location(std::uint32_t segment, std::uint32_t offset) const {
        return static_cast<Location>((std::uint64_t{segment} * segment_bytes + offset) /
                                     grain_bytes);
    }
    std::uint32_t segment_of(Location location) const {
        return static_cast<std::uint32_t>(std::uint64_t{location} * grain_bytes / segment_bytes);
    }
    std::uint32_t offset_of(Location location) const {
        return static_cast<std::uint32_t>(std::uint64_t{location} * grain_bytes % segment_bytes);
    }
    std::uint32_t body_bytes() const { return segment_bytes - body; }
    std::uint32_t pages_a_segment() const { return body_bytes() / page_bytes; }
};

/// Errors: invalid_argument (the region cannot be cut so). Of a region that has grown beyond what
/// such segments can hold, the rest is left alone.
std::expected<Geometry, base::Error> make_geometry(const base::Region& region,
                                                   std::uint32_t segment_bytes,
                                                   bool may_leave_rest = false);
/// Small enough that collecting is fine-grained, large enough to hold a value of any size if the
/// region has room for that.
std::uint32_t usual_segment_bytes(const base::Region& region);

class Medium {
public:
    struct Counters {
        std::uint64_t reads = 0;
        std::uint64_t programmed_bytes = 0;
        std::uint64_t erases = 0;  ///< of segments
        std::uint64_t syncs = 0;
    };

    Medium(base::Region& region, Geometry geometry) : region_(&region), geometry_(geometry) {}

    const Geometry& geometry() const { return geometry_; }
    const Counters& counters() const { return counters_; }

    std::expected<void, base::Error> read(std::uint32_t segment, std::uint32_t offset,
                                          base::MutableBytes out);
    std::expected<void, base::Error> read(Location location, base::MutableBytes out) {
        return read(geometry_.segment_of(location), geometry_.offset_of(location), out);
    }
    std::expected<void, base::Error> program(std::uint32_t segment, std::uint32_t offset,
                                             base::Bytes bytes);
    std::expected<void, base::Error> erase(std::uint32_t segment);
    std::expected<void, base::Error> sync();

private:
    std::uint64_t at(std::uint32_t segment, std::uint32_t offset) const {
        return std::uint64_t{segment} * geometry_.segment_bytes + offset;
    }

    base::Region* region_;
    Geometry geometry_;
    Counters counters_;
};

}  // namespace meshchain::kv::flash
