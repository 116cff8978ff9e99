#include "wire/numbers.h"

namespace meshchain::wire {

std::optional<FeeCode> fee_code_for(Amount fee) {
    for (unsigned code = 0; code < 256; ++code) {
        const FeeCode candidate{static_cast<std::uint8_t>(code)};
        if (candidate.amount() >= fee) return candidate;
    }
    return std::nullopt;
}

Expiry expiry_from_low_bits(std::uint16_t low, Slot slot) {
    constexpr std::uint32_t cycle = 1U << 16;
    const std::uint32_t now = expiry_units(slot);
    const std::uint32_t ahead = (low - now) % cycle;
    const std::uint32_t behind = cycle - ahead;
    return Expiry{ahead < behind || behind > now ? now + ahead : now - behind};
}

}  // namespace meshchain::wire
