#pragma once
// What a chain starts from (PROTOCOL.md P2.9). The canonical bytes are the chain: their
// hash is the chain id, and the same parameters, coins and validators have one encoding only.
// JSON is a view of this that host reads and writes.
//
// Limits: genesis_allocations_max coins, wire::validators_max validators.
// Format: docs/formats/genesis.md

#include "base/time.h"
#include "crypto/set_hash.h"
#include "ledger/coin_view.h"
#include "ledger/stake_records.h"
#include "wire/roster.h"

namespace meshchain::ledger {

/// A first coin. One owner may have several.
struct Allocation {
    crypto::PublicKey owner;
    wire::Amount amount;
    friend auto operator<=>(const Allocation&, const Allocation&) = default;
};

struct GenesisValidator {
    crypto::PublicKey identity;  ///< who it is, for life
    crypto::PublicKey key;       ///< signs its blocks and votes
    crypto::PublicKey payout;    ///< owns what it earns
    wire::Amount stake;
    friend auto operator<=>(const GenesisValidator&, const GenesisValidator&) = default;
};

/// The final state of a chain that lost its quorum, from which another goes on (row A13).
struct Predecessor {
    wire::ChainId chain;
    wire::Height height;  ///< of its last FINAL block
    wire::Hash block;
    wire::Hash state;  ///< digest of coins and fee balances after that block
    friend bool operator==(const Predecessor&, const Predecessor&) = default;
};

/// How stakes move on this chain (PROTOCOL.md P2.11). Without it they are those of genesis for
/// ever.
struct StakeRules {
    static constexpr std::uint16_t unbond_epochs_min = 4;
    /// Of the supply, so that no state holds more bonds than this.
    static constexpr std::uint64_t bonds_max = 4096;
    /// So that what an epoch rises on can become FINAL in it.
    static constexpr std::uint32_t epoch_rounds_min = 4;
    static constexpr std::uint32_t epoch_rounds_max = 1U << 20;

    wire::Amount stake_min;                         ///< the supply / bonds_max at least, rounded up
    std::uint16_t unbond_epochs = 0;                ///< unbond_epochs_min at least
    std::uint32_t epoch_rounds = epoch_rounds_min;  ///< E: between two rises of the epoch
    friend bool operator==(const StakeRules&, const StakeRules&) = default;
};

inline constexpr std::size_t genesis_allocations_max = 4096;

struct Genesis {
    static constexpr std::uint16_t protocol_version_known = 1;

    std::uint16_t protocol_version = protocol_version_known;
    base::WallTime start{};                    ///< of slot 0
    std::uint32_t block_time_ms = 0;           ///< length of a slot, 200 ms … 1 h
    std::uint32_t rank_delay_ms = 0;           ///< between leaders of a slot; three fit a slot
    std::uint8_t slots_per_round = 1;          ///< A, 1 … 64
    std::uint8_t vote_delay_slots = 1;         ///< D, 1 … 64
    std::uint32_t block_bytes_limit = 4096;    ///< 1,024 … wire::block_bytes_limit_max
    wire::Hash seed;                           ///< of the leaders' and the acks' order
    std::vector<Allocation> allocations;       ///< ascending; coin i is allocation i
    std::vector<GenesisValidator> validators;  ///< ascending by identity: their ValidatorIndex

    std::optional<Predecessor> predecessor;  ///< its money is the allocations and stakes
    std::optional<StakeRules> stakes;
    /// So long before its first slot a round starts: votes are out before the slot of the block
    /// that they are for is over. At most block_time_ms - rank_delay_ms: its first leader was
    /// heard.
    std::uint32_t vote_lead_ms = 0;

    friend bool operator==(const Genesis&, const Genesis&) = default;
};

/// Slots between two rises of the epoch at least; 0 where stakes do not move.
inline std::uint32_t epoch_slots(const Genesis& genesis) {
    return genesis.stakes ? genesis.stakes->epoch_rounds * genesis.slots_per_round : 0;
}

/// Brings allocations and validators into the order that `validate` asks for.
void sort_canonically(Genesis& genesis);

/// Errors name the field, its value and its range: invalid_argument, wrong_version, too_large (too
/// many entries, or a supply of 2^40 and more), exists (a validator's key twice).
std::expected<void, base::Error> validate(const Genesis& genesis);

/// `genesis` is valid.
base::Buffer encode(const Genesis& genesis);
/// Errors: malformed, and those of `validate`.
std::expected<Genesis, base::Error> parse_genesis(base::Bytes bytes);

/// H(`mc/gen/1` behind its length ‖ canonical bytes).
wire::ChainId chain_id(const Genesis& genesis);

/// Coins plus stakes: the supply for ever (PROTOCOL.md P2.3). Nothing at 2^40 and more.
std::optional<wire::Amount> supply(const Genesis& genesis);

/// Coin i is allocation i, at outpoint (chain id, i).
std::vector<Coin> genesis_coins(const Genesis& genesis);
/// Who votes in epochs 0 and 1 of a chain that has StakeRules.
wire::Roster genesis_roster(const Genesis& genesis, std::uint32_t epoch);
/// The rows of stakes after genesis; none without StakeRules.
StakeRows genesis_stakes(const Genesis& genesis);
/// The set hash of those coins and rows, nobody having earned anything: what blocks of height 1
/// commit to.
crypto::SetHash genesis_state(const Genesis& genesis);

}  // namespace meshchain::ledger
