#include "kv/memory_region.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::kv {
namespace {

constexpr std::byte erased{0xff};

std::unexpected<base::Error> failed(base::Errc code, std::string_view what) {
    return base::failure(code, std::string(what), "kv memory flash");
}

}  // namespace

MemoryFlash::MemoryFlash(Options options)
    : options_(options),
      bytes_(std::size_t{options.sectors} * options.sector_bytes, erased),
      programmed_(bytes_.size() / options.program_bytes, false),
      erases_(options.sectors, 0) {
    MESH_ASSERT(options.sector_bytes % options.program_bytes == 0);
}

void MemoryFlash::fail(Step step, std::uint64_t sound, base::Errc code) {
    faults_[step] = {sound, code};
}

MemoryFlash::Result MemoryFlash::check_power() const {
    if (has_power_) return {};
    return failed(base::Errc::io, "there is no power");
}

MemoryFlash::Result MemoryFlash::begin(Step step) {
    MESH_CHECK(check_power());
    const auto fault = faults_.find(step);
    if (fault != faults_.end() && fault->second.sound-- == 0) {
        const base::Errc code = fault->second.code;
        faults_.erase(fault);
        return failed(code, "the medium failed as planned");
    }
    if (is_full_ && (step == Step::program || step == Step::erase)) {
        return failed(base::Errc::full, "no room on the medium");
    }
    return {};
}

MemoryFlash::Result MemoryFlash::read(std::uint64_t offset, base::MutableBytes out) {
    MESH_ASSERT(offset <= bytes_.size() && out.size() <= bytes_.size() - offset);
    MESH_CHECK(begin(Step::read));
    ++reads_;
    std::ranges::copy(base::Bytes(bytes_).subspan(offset, out.size()), out.begin());
    return {};
}

void MemoryFlash::write(Step step, std::uint64_t offset, base::Buffer bytes) {
    const auto place = base::MutableBytes(bytes_).subspan(offset, bytes.size());
    pending_.push_back({step, offset, base::to_buffer(place), bytes});
    std::ranges::copy(bytes, place.begin());
    ++steps_;
    if (steps_left_ && (*steps_left_)-- == 0) {
        steps_left_.reset();
        has_power_ = false;
    }
}

MemoryFlash::Result MemoryFlash::program(std::uint64_t offset, base::Bytes bytes) {
    MESH_ASSERT(offset <= bytes_.size() && bytes.size() <= bytes_.size() - offset);
    MESH_ASSERT(offset % options_.program_bytes == 0 && bytes.size() % options_.program_bytes == 0);
    const std::size_t first = offset / options_.program_bytes;
    const std::size_t units = bytes.size() / options_.program_bytes;
    for (std::size_t unit = first; unit < first + units; ++unit) MESH_ASSERT(!programmed_[unit]);
    const Result begun = begin(Step::program);
    if (!begun && begun.error().code == base::Errc::full) return begun;
    for (std::size_t unit = first; unit < first + units; ++unit) programmed_[unit] = true;
    if (!has_power_) return begun;
    if (!begun) bytes = bytes.first(bytes.size() / 2);
    programmed_bytes_ += bytes.size();
    write(Step::program, offset, base::to_buffer(bytes));
    return begun ? check_power() : begun;
}

MemoryFlash::Result MemoryFlash::erase(std::uint64_t offset) {
    MESH_ASSERT(offset < bytes_.size() && offset % options_.sector_bytes == 0);
    MESH_CHECK(begin(Step::erase));
    ++erases_[sector_of(offset)];
    const std::size_t units = options_.sector_bytes / options_.program_bytes;
    std::fill_n(programmed_.begin() + static_cast<std::ptrdiff_t>(offset / options_.program_bytes),
                units, false);
    const auto old = base::MutableBytes(bytes_).subspan(offset, options_.sector_bytes);
    write(Step::erase, offset,
          options_.erase_keeps_content ? base::to_buffer(old)
                                       : base::Buffer(options_.sector_bytes, erased));
    return check_power();
}

MemoryFlash::Result MemoryFlash::sync() {
    MESH_CHECK(begin(Step::sync));
    ++steps_;
    if (steps_left_ && (*steps_left_)-- == 0) {
        steps_left_.reset();
        has_power_ = false;
        return check_power();
    }
    pending_.clear();
    return {};
}

void MemoryFlash::settle(const Pending& pending, base::Random& random,
                         std::vector<bool>& lost_sectors) {
    const std::size_t sector = sector_of(pending.offset);
    const auto place = base::MutableBytes(bytes_).subspan(pending.offset, pending.after.size());
    const std::uint64_t fate = random.below(4);
    // What follows an erase that did not happen, or only half, did not happen either.
    if (lost_sectors[sector] || fate == 0) {
        if (pending.step == Step::erase) lost_sectors[sector] = true;
        return;
    }
    if (fate <= 2) {
        std::ranges::copy(pending.after, place.begin());
        return;
    }
    const std::size_t torn = random.below(pending.after.size() + 1);
    const bool is_front = random.chance(1, 2);
    const std::size_t from = is_front ? 0 : torn;
    const std::size_t to = is_front ? torn : pending.after.size();
    std::ranges::copy(base::Bytes(pending.after).subspan(from, to - from),
                      place.begin() + static_cast<std::ptrdiff_t>(from));
    if (pending.step == Step::erase) lost_sectors[sector] = true;
}

void MemoryFlash::power_on(base::Random& random) {
    for (auto last = pending_.rbegin(); last != pending_.rend(); ++last) {
        std::ranges::copy(last->before, bytes_.begin() + static_cast<std::ptrdiff_t>(last->offset));
    }
    std::vector<bool> lost_sectors(options_.sectors, false);
    for (const Pending& pending : pending_) settle(pending, random, lost_sectors);
    pending_.clear();
    faults_.clear();
    steps_left_.reset();
    has_power_ = true;
}

std::expected<std::unique_ptr<MemoryRegion>, base::Error> MemoryRegion::open(
    std::shared_ptr<MemoryFlash> flash) {
    if (flash->in_use_) {
        return base::failure(base::Errc::locked, "another region is open on this medium",
                             "kv memory flash", "close it first");
    }
    return std::unique_ptr<MemoryRegion>(new MemoryRegion(std::move(flash)));
}

}  // namespace meshchain::kv
