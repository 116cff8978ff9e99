#pragma once
// The numbers of the protocol, each a type of its own so that none is taken for another.

#include <compare>
#include <cstdint>
#include <optional>

#include "base/assert.h"

namespace meshchain::wire {

/// Blocks since genesis, which is height 0.
struct Height {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(Height, Height) = default;
};

/// block_time intervals since the chain's start (PROTOCOL.md P3 Time).
struct Slot {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(Slot, Slot) = default;
};

/// Voting rounds since the chain's start; round k is slots kA … kA + A - 1.
struct Round {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(Round, Round) = default;
};

/// Position in the genesis (later: epoch's) list of validators.
struct ValidatorIndex {
    std::uint16_t value = 0;
    friend constexpr auto operator<=>(ValidatorIndex, ValidatorIndex) = default;
};

/// Units of money. Any amount is at most the supply, which is below 2^40 (PROTOCOL.md P2.3), so
/// it fits five bytes on the wire.
struct Amount {
    static constexpr std::uint64_t units_max = (std::uint64_t{1} << 40) - 1;
    std::uint64_t units = 0;
    friend constexpr auto operator<=>(Amount, Amount) = default;
};

/// Nothing when the sum exceeds Amount::units_max.
constexpr std::optional<Amount> add(Amount a, Amount b) {
    if (a.units > Amount::units_max - b.units) return std::nullopt;
    return Amount{a.units + b.units};
}
/// Nothing when b > a.
constexpr std::optional<Amount> subtract(Amount a, Amount b) {
    if (b > a) return std::nullopt;
    return Amount{a.units - b.units};
}

/// A fee in one byte (PROTOCOL.md P2.3): e = code >> 3, m = code & 7;
/// fee = e = 0 ? m : (8 + m) << (e - 1). One to one: each code is another fee.
struct FeeCode {
    std::uint8_t code = 0;

    constexpr Amount amount() const {
        const unsigned exponent = code >> 3;
        const std::uint64_t mantissa = code & 7U;
        return Amount{exponent == 0 ? mantissa : (8 + mantissa) << (exponent - 1)};
    }
    friend constexpr auto operator<=>(FeeCode, FeeCode) = default;
};
/// The smallest code whose fee is at least `fee`; nothing above the largest (15 << 30).
std::optional<FeeCode> fee_code_for(Amount fee);

/// The last moment a transaction is valid, in units of 64 slots (PROTOCOL.md P2.4).
struct Expiry {
    static constexpr std::uint32_t slots_per_unit = 64;
    static constexpr std::uint32_t units_ahead_max = 945;
    std::uint32_t units = 0;
    friend constexpr auto operator<=>(Expiry, Expiry) = default;
};
constexpr std::uint32_t expiry_units(Slot slot) { return slot.value / Expiry::slots_per_unit; }
/// Valid in a block of `slot` iff floor(slot / 64) <= E <= floor(slot / 64) + 945.
constexpr bool is_valid_at(Expiry expiry, Slot slot) {
    return expiry.units >= expiry_units(slot) &&
           expiry.units - expiry_units(slot) <= Expiry::units_ahead_max;
}
/// The Expiry whose low 16 bits are `low`, nearest to `slot`'s own unit.
Expiry expiry_from_low_bits(std::uint16_t low, Slot slot);

/// Capacity of every bitmap over validators, and so of a validator set.
inline constexpr std::size_t validators_max = 64;

}  // namespace meshchain::wire
