#pragma once
// LtHash16-1024 (Bellare and Micciancio; Lewi et al. 2019): a hash of a set to which elements are
// added and from which they are removed in any order, at one ChaCha20 expansion each. Blocks
// commit to coins and fee balances with it (PROTOCOL.md P2.6).

#include <array>
#include <cstdint>

#include "crypto/hash.h"

namespace meshchain::crypto {

class SetHash {
public:
    static constexpr std::size_t state_bytes = 2048;

    /// The empty set.
    SetHash() = default;
    /// Reads what `encode` wrote. Errors: malformed (not state_bytes long).
    static std::expected<SetHash, base::Error> parse(base::Bytes state);
    base::Buffer encode() const;

    /// `element` is the hash of a member; adding twice counts twice.
    void add(const Hash& element);
    void remove(const Hash& element);

    /// Adds all members of `other`.
    void add(const SetHash& other);

    /// H of the encoded state.
    Hash digest() const;

    friend bool operator==(const SetHash&, const SetHash&) = default;

private:
    static constexpr std::size_t lanes = 1024;

    std::array<std::uint16_t, lanes> state_{};
};

}  // namespace meshchain::crypto
