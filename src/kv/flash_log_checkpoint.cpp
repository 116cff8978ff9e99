#include "kv/flash_log_checkpoint.h"

#include <algorithm>
#include <bit>

#include "base/cursor.h"

namespace meshchain::kv::flash {
namespace {

constexpr std::size_t segment_info_bytes = 12;
/// Of the version: there is a lower run as well.
constexpr std::uint32_t lower_bit = 0x8000'0000;

void write_run(base::Writer& out, const std::optional<RunInfo>& info) {
    out.u32(info ? info->run.entries : 0);
    if (!info) return;
    out.u32(info->run.epoch).u32(info->run.stride).u32(info->fences);
    for (const std::uint32_t segment : info->run.segments) out.u32(segment);
}

std::uint32_t segments_of(const RunInfo& info, const Geometry& geometry) {
    const std::uint32_t fence_pages = (info.fences + page_fences_max - 1) / page_fences_max;
    const std::uint32_t a_segment = geometry.pages_a_segment();
    return (info.run.pages() + fence_pages + a_segment - 1) / a_segment;
}

bool read_run(base::Reader& in, const Geometry& geometry, std::optional<RunInfo>& info) {
    const std::uint32_t entries = in.u32();
    if (entries == 0) return in.ok();
    RunInfo read;
    read.run.entries = entries;
    read.run.epoch = in.u32();
    read.run.stride = in.u32();
    read.fences = in.u32();
    if (entries > Entry::erased_bit || !std::has_single_bit(read.run.stride)) return false;
    const std::uint32_t expected = (read.run.pages() + read.run.stride - 1) / read.run.stride;
    if (!in.ok() || read.fences != expected) return false;
    const std::uint32_t count = segments_of(read, geometry);
    if (count > geometry.segments) return false;
    for (std::uint32_t i = 0; i < count; ++i) {
        read.run.segments.push_back(in.u32());
        if (read.run.segments.back() >= geometry.segments) return false;
    }
    info = std::move(read);
    return in.ok();
}

}  // namespace

base::Buffer encode(const Checkpoint& checkpoint) {
    base::Buffer bytes;
    base::Writer out(bytes);
    bytes.reserve(64 + 12 * checkpoint.segments.size());
    out.u32(checkpoint.version | (checkpoint.lower ? lower_bit : 0)).u64(checkpoint.sequence);
    write_run(out, checkpoint.middle);
    if (checkpoint.lower) write_run(out, checkpoint.lower);
    write_run(out, checkpoint.base);
    for (const std::uint32_t count : checkpoint.counts) out.u32(count);
    for (const Checkpoint::SegmentInfo& segment : checkpoint.segments) {
        out.u32(segment.epoch).u32(segment.live).u32(segment.erases);
    }
    return bytes;
}

std::optional<Checkpoint> parse_checkpoint(base::Bytes bytes, const Geometry& geometry) {
    base::Reader in(bytes);
    Checkpoint checkpoint;
    const std::uint32_t version = in.u32();
    checkpoint.version = version & ~lower_bit;
    checkpoint.sequence = in.u64();
    if (!read_run(in, geometry, checkpoint.middle)) return std::nullopt;
    if ((version & lower_bit) != 0 && !read_run(in, geometry, checkpoint.lower)) {
        return std::nullopt;
    }
    if (!read_run(in, geometry, checkpoint.base)) return std::nullopt;
    for (std::uint32_t& count : checkpoint.counts) count = in.u32();
    // Of a region that has grown since, it names the segments that there were.
    checkpoint.named = static_cast<std::uint32_t>(in.remaining() / segment_info_bytes);
    checkpoint.segments.resize(std::max(checkpoint.named, geometry.segments));
    for (std::uint32_t i = 0; i < checkpoint.named; ++i) {
        Checkpoint::SegmentInfo& segment = checkpoint.segments[i];
        segment.epoch = in.u32();
        segment.live = in.u32();
        segment.erases = in.u32();
        if (segment.live > geometry.segment_bytes / grain_bytes) return std::nullopt;
    }
    if (!in.finish("checkpoint") || checkpoint.version == 0) return std::nullopt;
    return checkpoint;
}

}  // namespace meshchain::kv::flash
