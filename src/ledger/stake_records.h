#pragma once
// What chain state holds of stakes (row A11; PROTOCOL.md P2.11): the rules of the chain, its
// validators' seats, bonds, what waits to be withdrawn, and keys that may not come again. Rows of a
// table and elements of the set hash, one the bytes of the other.
//
// A ValidatorIndex is a seat: it stays with its holder for as long as he has anything on it.
//
// Limits: validators_max seats. Every bond and every part that waits is stake_min at least, or all
//         there is, so the supply bounds their number (docs/decisions/0130-stakes.md).
// Errors: corrupt (bytes that were ours do not parse).
// Format: docs/formats/block.md, Stakes

#include <map>
#include <optional>
#include <string>

#include "crypto/set_hash.h"
#include "wire/transaction.h"

namespace meshchain::ledger {

/// The one record of a chain that has stakes in its state.
struct Economy {
    std::uint32_t epoch = 0;
    std::uint16_t unbond_epochs = 0;  ///< that a bond taken back waits
    wire::Amount stake_min;
    wire::Amount burnt;             ///< what equivocators lost; counts in the supply, nobody's
    std::uint32_t epoch_slots = 0;  ///< between two rises of the epoch at least
    wire::Slot risen;               ///< of the block that raised the epoch last
    wire::Hash next;                ///< of the next epoch's roster: what headers name
    wire::Hash mix;                 ///< of the secrets revealed in this epoch, in any order
    friend bool operator==(const Economy&, const Economy&) = default;
};

struct Seat {
    wire::ValidatorIndex index;
    crypto::PublicKey identity;
    crypto::PublicKey key;
    crypto::PublicKey payout;
    wire::Amount bonded;     ///< its weight in the epoch after next
    wire::Amount unbonding;  ///< does not count any more, but can be slashed
    wire::Amount earned;     ///< its fee balance
    bool slashed = false;
    std::uint32_t emptied = 0;  ///< the epoch in which its last stake went, while it has none
    friend bool operator==(const Seat&, const Seat&) = default;
};

/// Who has put how much on a seat. Worth nothing once the seat's key is slashed.
struct Bond {
    crypto::PublicKey validator;  ///< validating key
    crypto::PublicKey owner;
    wire::Amount amount;
    friend bool operator==(const Bond&, const Bond&) = default;
};

/// Part of a bond on its way back.
struct Waiting {
    std::uint32_t epoch = 0;  ///< from which it may be withdrawn
    Bond bond;
    friend bool operator==(const Waiting&, const Waiting&) = default;
};

/// Where a validating key sits, or sat; or, without a seat, an identity that was slashed.
struct UsedKey {
    crypto::PublicKey key;
    std::optional<wire::ValidatorIndex> seat;
    friend bool operator==(const UsedKey&, const UsedKey&) = default;
};

/// What the holder of a seat said last. Of a former holder it counts for nothing.
struct Told {
    wire::ValidatorIndex seat;
    crypto::PublicKey key;  ///< of who said it
    std::uint32_t epoch = 0;
    wire::Reception heard;
    wire::Hash commitment;
    bool revealed = false;  ///< what the commitment before was to
    friend bool operator==(const Told&, const Told&) = default;
};

/// A row: its first byte tells the kind.
struct StakeRow {
    base::Buffer key;
    base::Buffer value;
    friend auto operator<=>(const StakeRow&, const StakeRow&) = default;
};
inline constexpr std::size_t stake_key_bytes_max = 1 + 4 + wire::Hash::size;
inline constexpr std::size_t stake_value_bytes_max = 128;

base::Buffer economy_key();
base::Buffer seat_key(wire::ValidatorIndex index);
base::Buffer bond_key(const crypto::PublicKey& validator, const crypto::PublicKey& owner);
base::Buffer waiting_key(std::uint32_t epoch, const crypto::PublicKey& validator,
                         const crypto::PublicKey& owner);
/// In front of the keys of all that waits, which ascend by epoch.
base::Buffer waiting_row_prefix();
base::Buffer used_key(const crypto::PublicKey& key);
base::Buffer told_key(wire::ValidatorIndex seat);

StakeRow encode(const Economy& economy);
StakeRow encode(const Seat& seat);
StakeRow encode(const Bond& bond);
StakeRow encode(const Waiting& waiting);
StakeRow encode(const UsedKey& used);
StakeRow encode(const Told& told);

std::expected<Economy, base::Error> parse_economy(base::Bytes value);
std::expected<Seat, base::Error> parse_seat(base::Bytes key, base::Bytes value);
std::expected<Bond, base::Error> parse_bond(base::Bytes value);
std::expected<Waiting, base::Error> parse_waiting(base::Bytes key, base::Bytes value);
std::expected<UsedKey, base::Error> parse_used_key(base::Bytes key, base::Bytes value);
std::expected<Told, base::Error> parse_told(base::Bytes key, base::Bytes value);

/// H(`mc/stake/1` behind its length ‖ bytes of the key u8 ‖ key ‖ value): the row's element of the
/// set hash.
wire::Hash stake_hash(base::Bytes key, base::Bytes value);

/// All rows of a state.
using StakeRows = std::map<base::Buffer, base::Buffer>;
/// Stakes, what waits, fee balances and what was burnt.
/// Errors: corrupt (also: seats that do not say what their bonds add up to, or a sum over the
/// supply).
std::expected<wire::Amount, base::Error> stake_total(const StakeRows& rows);

}  // namespace meshchain::ledger
