#pragma once
// What a validator says once an epoch, in the first block of it that it proposes (rows A6, A11;
// PROTOCOL.md P3 Epochs, Selection; docs/decisions/0134-testimony.md): whom it hears directly, and
// a secret it was bound to before anybody could know the others'. The block's signature is its own.
//
// Format: docs/formats/transaction.md, Operations

#include <array>
#include <optional>

#include "crypto/hash.h"
#include "crypto/signature.h"
#include "wire/numbers.h"

namespace meshchain::wire {

/// In how many of its last rounds a validator heard each seat, a nibble a seat.
class Reception {
public:
    static constexpr std::uint8_t rounds_max = 8;
    static constexpr std::size_t size = validators_max / 2;

    std::uint8_t rounds(ValidatorIndex seat) const {
        const auto byte = std::to_integer<unsigned>(bytes.at(seat.value / 2U));
        return static_cast<std::uint8_t>((seat.value % 2 == 0 ? byte >> 4U : byte) & 0xfU);
    }
    void set_rounds(ValidatorIndex seat, std::uint8_t count) {
        std::byte& byte = bytes.at(seat.value / 2U);
        const bool is_high = seat.value % 2 == 0;
        byte &= std::byte{is_high ? std::uint8_t{0x0f} : std::uint8_t{0xf0}};
        byte |= std::byte{static_cast<std::uint8_t>(is_high ? count << 4U : count)};
    }
    /// No count exceeds rounds_max.
    bool is_sound() const;

    std::array<std::byte, size> bytes{};
    friend bool operator==(const Reception&, const Reception&) = default;
};

/// Nobody signs it: it stands in a block of the seat's holder, and nowhere else.
struct Testimony {
    ValidatorIndex seat;
    std::uint32_t epoch = 0;  ///< of the block
    Reception heard;          ///< in the last rounds that became FINAL
    crypto::Hash commitment;  ///< to the secret that comes next
    crypto::Hash reveal;      ///< what the commitment before was to; zero where there was none
    friend bool operator==(const Testimony&, const Testimony&) = default;
};
inline constexpr std::size_t testimony_bytes = 2 + 4 + Reception::size + 2 * crypto::Hash::size;

/// H(`mc/commit/1` behind its length ‖ secret).
crypto::Hash commitment_to(const crypto::Hash& secret);
/// What a revealed secret adds to the seed: H(`mc/reveal/1` behind its length ‖ validating key ‖
/// secret), so that nobody takes another's away by copying its commitment.
crypto::Hash share_of(const crypto::PublicKey& key, const crypto::Hash& secret);

}  // namespace meshchain::wire
