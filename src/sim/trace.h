#pragma once
// One number for everything that happened in a run: two runs of one seed must share it, or
// something in the node or in the world depends on more than its inputs (row J1).
//
// Not for security: nobody chooses what is noted here.

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"

namespace meshchain::sim {

class Trace {
public:
    /// That `what` happened to machine `index`, with whatever bytes went with it.
    void note(base::Instant at, std::string_view what, std::size_t index, base::Bytes bytes = {}) {
        mix(static_cast<std::uint64_t>(at.time_since_epoch().count()));
        mix(base::as_bytes(what));
        mix(index);
        mix(bytes);
        ++count_;
    }
    std::uint64_t hash() const { return state_; }
    std::uint64_t count() const { return count_; }

private:
    /// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
    void mix(std::uint64_t word) {
        std::uint64_t z = (state_ ^ word) + 0x9e3779b97f4a7c15ULL;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
        state_ = z ^ z >> 31;
    }
    void mix(base::Bytes bytes) {
        mix(bytes.size());
        std::uint64_t word = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            word = word << 8 | std::to_integer<std::uint64_t>(bytes[i]);
            if (i % 8 == 7) mix(word);
        }
        mix(word);
    }

    std::uint64_t state_ = 0;
    std::uint64_t count_ = 0;
};

}  // namespace meshchain::sim
