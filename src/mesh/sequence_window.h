#pragma once
// Which control sequences of one origin were used (PROTOCOL.md P1.3). Datagrams overtake each
// other, so the 64 numbers up to the highest are remembered one by one; anything older is a replay.

#include <cstdint>

namespace meshchain::mesh {

class SequenceWindow {
public:
    static constexpr std::uint64_t width = 64;

    /// True iff `sequence` was never taken and is not too old to tell.
    constexpr bool is_new(std::uint64_t sequence) const {
        if (used_ == 0 || sequence > highest_) return true;
        const std::uint64_t age = highest_ - sequence;
        return age < width && (used_ >> age & 1) == 0;
    }
    /// Marks `sequence`, which is_new, as used. Call only after its signature was verified.
    constexpr void take(std::uint64_t sequence) {
        if (used_ != 0 && sequence <= highest_) {
            used_ |= std::uint64_t{1} << (highest_ - sequence);
            return;
        }
        const std::uint64_t step = sequence - highest_;
        used_ = (used_ == 0 || step >= width) ? 1 : used_ << step | 1;
        highest_ = sequence;
    }
    /// Takes `sequence` and everything below it: nothing older will be new. For the first verified
    /// message of a session, before which its origin may have said what we did not listen to.
    constexpr void begin_at(std::uint64_t sequence) {
        highest_ = sequence;
        used_ = ~std::uint64_t{0};
    }
    /// Zero before the first take().
    constexpr std::uint64_t highest() const { return highest_; }

private:
    std::uint64_t highest_ = 0;
    std::uint64_t used_ = 0;  ///< bit i: highest_ - i was used; 0: nothing was taken yet
};

}  // namespace meshchain::mesh
