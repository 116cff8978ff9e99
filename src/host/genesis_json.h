#pragma once
// The JSON view of a genesis (PROTOCOL.md P2.9): what `genesis create` reads and `genesis show`
// prints. The canonical bytes are the chain; this is for people.
//
// Errors: malformed (an unknown, repeated, missing or ill-typed field, by name), those of
//         ledger::validate.
// Format: docs/formats/genesis.md

#include <expected>
#include <string_view>

#include "host/json.h"
#include "ledger/genesis.h"

namespace meshchain::host {

inline constexpr std::size_t genesis_json_bytes_max = 4 * 1024 * 1024;

/// Sorts allocations and validators, so their order in the text does not matter. A text without
/// `seed` gets one derived from the rest, so the same text always names the same chain.
std::expected<ledger::Genesis, base::Error> parse_genesis_json(std::string_view text,
                                                               std::string_view source);
/// One validator as parse_genesis_json takes it; also the file by which an operator hands in keys.
std::expected<ledger::GenesisValidator, base::Error> parse_validator_json(std::string_view text,
                                                                          std::string_view source);

Json to_json(const ledger::Genesis& genesis);
Json to_json(const ledger::GenesisValidator& validator);

/// "mesh1…" or 64 hexadecimal digits.
std::expected<crypto::PublicKey, base::Error> parse_owner(std::string_view text);

}  // namespace meshchain::host
