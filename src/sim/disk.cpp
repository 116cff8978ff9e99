#include "sim/disk.h"

#include "base/assert.h"
#include "kv/flash_log.h"

namespace meshchain::sim {
namespace {

constexpr std::uint32_t sector_bytes = 4096;
constexpr std::uint32_t segment_bytes = 16 * sector_bytes;

/// What a small board would spend.
constexpr kv::FlashLogOptions log_options{.memory_entries = 1500,
                                          .fences = 4096,
                                          .cached_pages = 64,
                                          .cached_places = 1024,
                                          .buffer_bytes = 16 * 1024,
                                          .collect_bytes = 16 * 1024};

}  // namespace

Disk::Disk(DiskKind kind, std::uint32_t flash_kb) : kind_(kind), flash_kb_(flash_kb) { wipe(); }

void Disk::wipe() {
    steps_told_ = 0;
    is_full_ = false;
    if (kind_ == DiskKind::memory) {
        memory_ = std::make_shared<kv::MemoryMedium>();
        return;
    }
    flash_ = std::make_shared<kv::MemoryFlash>(
        kv::MemoryFlash::Options{.sectors = flash_kb_ * 1024 / sector_bytes,
                                 .sector_bytes = sector_bytes,
                                 .program_bytes = 16,
                                 .erase_keeps_content = false});
    auto region = kv::MemoryRegion::open(flash_);
    MESH_ASSERT(region.has_value());
    MESH_ASSERT(kv::FlashLog::format(**region, segment_bytes).has_value());
}

std::expected<std::unique_ptr<kv::Store>, base::Error> Disk::open(
    std::span<const kv::TableInfo> tables) {
    if (memory_) return kv::MemoryStore::open(memory_, {.tables = tables});
    MESH_TRY(auto region, kv::MemoryRegion::open(flash_));
    return kv::FlashLog::open(std::move(region), {.tables = tables}, log_options);
}

void Disk::cut_power_after(std::uint64_t steps) {
    if (flash_) flash_->cut_power_after(steps);
}

void Disk::power_on(base::Random& random) {
    if (flash_) flash_->power_on(random);
}

void Disk::rot(base::Random& random, std::size_t bits) {
    if (!flash_) return;
    const base::MutableBytes bytes = flash_->bytes();
    for (std::size_t i = 0; i < bits; ++i) {
        bytes[random.below(bytes.size())] ^= std::byte{1} << random.below(8);
    }
}

void Disk::set_full(bool is_full) {
    is_full_ = is_full;
    if (flash_) flash_->set_full(is_full);
}

base::Duration Disk::take_busy() {
    const std::uint64_t done = steps() - steps_told_;
    steps_told_ = steps();
    return each_ * static_cast<std::int64_t>(done);
}

}  // namespace meshchain::sim
