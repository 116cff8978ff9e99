#pragma once
// The disk of one simulated machine: a flash log on flash that loses power, tears what was not
// synced, rots, fills up and is slow; or, for many machines, a store in memory that loses nothing.
// It outlives the node as a disk outlives a process.
//
// Errors: those of kv::Store::open; corrupt after rot, and then only wipe() helps.

#include <memory>

#include "base/random.h"
#include "kv/memory_region.h"
#include "kv/memory_store.h"

namespace meshchain::sim {

enum class DiskKind : std::uint8_t { flash, memory };

class Disk {
public:
    static constexpr std::uint32_t flash_kb_default = 2048;

    explicit Disk(DiskKind kind, std::uint32_t flash_kb = flash_kb_default);

    /// At most one is open at a time; dropping it is a crash.
    std::expected<std::unique_ptr<kv::Store>, base::Error> open(
        std::span<const kv::TableInfo> tables);

    /// Power goes at the write, erasure or sync after `steps` more, which may be half done. Memory
    /// cannot: whoever has it switches the machine off instead.
    void cut_power_after(std::uint64_t steps);
    /// A cut that is still to come does not.
    void keep_power() {
        if (flash_) flash_->keep_power();
    }
    bool has_power() const { return !flash_ || flash_->has_power(); }
    /// Nothing is open. What was not synced is there, missing or torn.
    void power_on(base::Random& random);
    /// Nothing is open. As many bits turn over, anywhere.
    void rot(base::Random& random, std::size_t bits);
    void set_full(bool is_full);
    bool is_full() const { return is_full_; }
    /// Every write, erasure and sync takes so long.
    void set_slow(base::Duration each) { each_ = each; }
    /// An empty disk in its place.
    void wipe();

    /// How long the disk was busy since the last call.
    base::Duration take_busy();
    std::uint64_t steps() const { return flash_ ? flash_->steps() : 0; }

private:
    DiskKind kind_;
    std::uint32_t flash_kb_;
    std::shared_ptr<kv::MemoryFlash> flash_;
    std::shared_ptr<kv::MemoryMedium> memory_;
    base::Duration each_{};
    bool is_full_ = false;
    std::uint64_t steps_told_ = 0;
};

}  // namespace meshchain::sim
