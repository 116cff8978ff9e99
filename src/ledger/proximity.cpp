#include "ledger/proximity.h"

namespace meshchain::ledger {

std::uint8_t proximity(std::span<const Hearer> others) {
    constexpr unsigned rounds_max = wire::Reception::rounds_max;
    std::uint64_t total = 0;
    for (const Hearer& other : others) total += other.stake.units;
    for (unsigned rounds = rounds_max; rounds > 0; --rounds) {
        std::uint64_t confirming = 0;
        for (const Hearer& other : others) {
            if (other.rounds >= rounds) confirming += other.stake.units;
        }
        if (2 * confirming > total) return static_cast<std::uint8_t>(rounds * 255 / rounds_max);
    }
    return 0;
}

}  // namespace meshchain::ledger
