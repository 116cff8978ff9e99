#pragma once
// Who votes in one epoch, with which weight, and the seed its leaders are drawn from (row A11;
// PROTOCOL.md P3 Epochs). Every header of an epoch names the roster of the next one by its hash, so
// whoever knows a FINAL of an epoch can be shown the next set.
//
// Limits: validators_max members; the sum of their stakes within Amount.
// Format: docs/formats/roster.md

#include <vector>

#include "wire/transaction.h"

namespace meshchain::wire {

struct Roster {
    /// What came of the secret it was bound to, in the epoch in which this set was elected.
    enum class Standing : std::uint8_t { unbound, revealed, withheld };

    struct Member {
        ValidatorIndex seat;
        crypto::PublicKey identity;
        crypto::PublicKey key;
        Amount stake;
        std::uint8_t proximity = 0;  ///< how far it is heard directly; weighs in who leads
        Standing standing = Standing::unbound;
        friend bool operator==(const Member&, const Member&) = default;
    };

    std::uint32_t epoch = 0;
    Slot elected;  ///< of the block that raised to the epoch before, from whose parent it was read
    Hash seed;
    std::vector<Member> members;  ///< ascending by seat, at least one
    friend bool operator==(const Roster&, const Roster&) = default;
};

inline constexpr std::size_t roster_bytes_max =
    4 + 4 + Hash::size + 1 + validators_max * (2 + 2 * crypto::PublicKey::size + 5 + 2);

/// Whether both have the same members with the same stakes; proximity and standing aside, for whose
/// sake no epoch has to rise.
bool is_same_set(const Roster& a, const Roster& b);

base::Buffer encode(const Roster& roster);
/// Errors: malformed (also: nobody, seats not ascending, a stake of zero, stakes over Amount).
std::expected<Roster, base::Error> parse_roster(base::Bytes bytes);
/// H(`mc/roster/1` behind its length ‖ chain ‖ encoded roster).
Hash roster_hash(const ChainId& chain, const Roster& roster);

}  // namespace meshchain::wire
