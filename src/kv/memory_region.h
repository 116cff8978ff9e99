#pragma once
// Flash in memory, which knows the rules and can lose power: for tests and the simulator.
//
// MemoryFlash is the chip and outlives its MemoryRegion as a chip outlives a process. A unit that
// is programmed twice, or a call outside the medium, is our bug and asserts.

#include <map>
#include <memory>
#include <optional>

#include "base/random.h"
#include "base/region.h"

namespace meshchain::kv {

class MemoryFlash {
public:
    struct Options {
        std::uint32_t sectors = 64;
        std::uint32_t sector_bytes = 4096;
        std::uint32_t program_bytes = 16;
        /// Erasing leaves the old bytes to be read, as it does in a file.
        bool erase_keeps_content = false;
    };
    enum class Step : std::uint8_t { read, program, erase, sync };

    explicit MemoryFlash(Options options);

    /// Power goes at the program, erase or sync after `steps` more: that one may be half done, and
    /// nothing works any more until power_on().
    void cut_power_after(std::uint64_t steps) { steps_left_ = steps; }
    /// A cut that is still to come does not.
    void keep_power() { steps_left_.reset(); }
    /// Power returns. What was not synced is there, missing or torn, as `random` has it.
    void power_on(base::Random& random);
    bool has_power() const { return has_power_; }

    /// The step of this kind after `sound` more fails once with `code`, having changed nothing if
    /// that is full, and else a part.
    void fail(Step step, std::uint64_t sound, base::Errc code);
    void mend() { faults_.clear(); }
    /// Every program and erase finds no room while it is so.
    void set_full(bool is_full) { is_full_ = is_full; }

    base::MutableBytes bytes() { return bytes_; }
    std::uint64_t steps() const { return steps_; }  ///< programs, erases and syncs
    std::uint64_t reads() const { return reads_; }
    std::uint64_t programmed_bytes() const { return programmed_bytes_; }
    const std::vector<std::uint32_t>& erases() const { return erases_; }  ///< by sector

private:
    friend class MemoryRegion;

    struct Pending {
        Step step;
        std::uint64_t offset;
        base::Buffer before;
        base::Buffer after;
    };
    struct Fault {
        std::uint64_t sound;
        base::Errc code;
    };
    using Result = std::expected<void, base::Error>;

    Result read(std::uint64_t offset, base::MutableBytes out);
    Result program(std::uint64_t offset, base::Bytes bytes);
    Result erase(std::uint64_t offset);
    Result sync();

    Result begin(Step step);
    Result check_power() const;
    void write(Step step, std::uint64_t offset, base::Buffer bytes);
    void settle(const Pending& pending, base::Random& random, std::vector<bool>& lost_sectors);
    std::size_t sector_of(std::uint64_t offset) const { return offset / options_.sector_bytes; }

    Options options_;
    base::Buffer bytes_;
    std::vector<bool> programmed_;  ///< by unit
    std::vector<std::uint32_t> erases_;
    std::vector<Pending> pending_;  ///< since the last sync
    std::optional<std::uint64_t> steps_left_;
    std::map<Step, Fault> faults_;
    bool has_power_ = true;
    bool is_full_ = false;
    bool in_use_ = false;
    std::uint64_t steps_ = 0;
    std::uint64_t reads_ = 0;
    std::uint64_t programmed_bytes_ = 0;
};

class MemoryRegion final : public base::Region {
public:
    /// Errors: locked (another region is open on the medium).
    static std::expected<std::unique_ptr<MemoryRegion>, base::Error> open(
        std::shared_ptr<MemoryFlash> flash);
    ~MemoryRegion() override { flash_->in_use_ = false; }
    MemoryRegion(const MemoryRegion&) = delete;
    MemoryRegion& operator=(const MemoryRegion&) = delete;

    std::uint64_t size_bytes() const override { return flash_->bytes_.size(); }
    std::uint32_t sector_bytes() const override { return flash_->options_.sector_bytes; }
    std::uint32_t program_bytes() const override { return flash_->options_.program_bytes; }
    std::expected<void, base::Error> read(std::uint64_t offset, base::MutableBytes out) override {
        return flash_->read(offset, out);
    }
    std::expected<void, base::Error> program(std::uint64_t offset, base::Bytes bytes) override {
        return flash_->program(offset, bytes);
    }
    std::expected<void, base::Error> erase(std::uint64_t offset) override {
        return flash_->erase(offset);
    }
    std::expected<void, base::Error> sync() override { return flash_->sync(); }

private:
    explicit MemoryRegion(std::shared_ptr<MemoryFlash> flash) : flash_(std::move(flash)) {
        flash_->in_use_ = true;
    }

    std::shared_ptr<MemoryFlash> flash_;
};

}  // namespace meshchain::kv
