#pragma once
// Keys and values of the chain's tables as bytes: docs/formats/chain-store.md.

#include "base/cursor.h"
#include "chain/chain_store.h"

namespace meshchain::chain {

namespace meta_keys {
inline const base::Bytes chain = base::as_bytes("chain");
inline const base::Bytes tip = base::as_bytes("tip");
inline const base::Bytes state = base::as_bytes("state");
inline const base::Bytes base = base::as_bytes("base");  ///< absent: genesis
/// Of a state that others give, until its chain is whole (chain/state_staging.h).
inline const base::Bytes staged = base::as_bytes("staged");
/// The newest FINAL that a node of role light has proven.
inline const base::Bytes light = base::as_bytes("light");
}  // namespace meta_keys

std::array<std::byte, 4> height_key(wire::Height height);
/// Of a roster in the table of epochs.
std::array<std::byte, 5> roster_key(std::uint32_t epoch);
/// Of a FINAL of this epoch with its certificate, in the same table.
std::array<std::byte, 5> epoch_proof_key(std::uint32_t epoch);
std::array<std::byte, 2> validator_key(wire::ValidatorIndex validator);
/// Of a coin in the index of short outpoints.
using PositionKey = std::array<std::byte, wire::ShortOutpoint::size + wire::outpoint_bytes>;
PositionKey position_key(const wire::ChainId& chain, const wire::Outpoint& outpoint);

/// All parsers fail with corrupt: these bytes were ours.
std::array<std::byte, 40> encode_tip(const Tip& tip);
std::expected<Tip, base::Error> parse_tip(base::Bytes value);
std::array<std::byte, 6> encode_location(const TransactionLocation& location);
std::array<std::byte, wire::Output::size> encode_output(const wire::Output& output);
std::expected<wire::Output, base::Error> parse_output(base::Bytes value);
std::expected<wire::Outpoint, base::Error> parse_outpoint(base::Bytes value);
std::array<std::byte, 5> encode_amount(wire::Amount amount);
std::expected<wire::Amount, base::Error> parse_amount(base::Bytes value);
base::Buffer encode_coins(const std::vector<ledger::Coin>& coins);
std::expected<std::vector<ledger::Coin>, base::Error> parse_coins(base::Bytes value);

/// What a block needs to be taken back, beside the block.
struct Undo {
    std::vector<ledger::Coin> spent;
    std::vector<ledger::StakeChange> stakes;
};
/// Without changes of stakes the same bytes as the coins alone.
base::Buffer encode_undo(const std::vector<ledger::Coin>& spent,
                         const std::vector<ledger::StakeChange>& stakes);
std::expected<Undo, base::Error> parse_undo(base::Bytes value);

}  // namespace meshchain::chain
