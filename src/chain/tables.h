#pragma once
// The tables that the chain keeps in the node's one store. Their bytes:
// docs/formats/chain-store.md.

#include <array>

#include "kv/schema.h"

namespace meshchain::chain {

namespace tables {
inline constexpr kv::Table meta{0};           ///< tip, state hash, chain id
inline constexpr kv::Table blocks{1};         ///< block hash → block
inline constexpr kv::Table heights{2};        ///< height → block hash
inline constexpr kv::Table undo{3};           ///< block hash → coins it spent
inline constexpr kv::Table transactions{4};   ///< txid → height, index
inline constexpr kv::Table coins{5};          ///< outpoint → output
inline constexpr kv::Table positions{6};      ///< short outpoint ‖ outpoint → nothing
inline constexpr kv::Table fees{7};           ///< validator → what it earned
inline constexpr kv::Table certificates{11};  ///< height → certificate of FINAL
inline constexpr kv::Table stakes{12};        ///< rows of ledger/stake_records.h
inline constexpr kv::Table epochs{13};        ///< rosters, and a proven FINAL of each epoch
inline constexpr kv::Table branches{14};      ///< block hash → block that votes name, not applied
}  // namespace tables

/// What the chain contributes to the schema of the store it is given.
inline constexpr std::array<kv::TableInfo, 12> chain_tables{{{tables::meta, "chain_meta"},
                                                             {tables::blocks, "blocks"},
                                                             {tables::heights, "heights"},
                                                             {tables::undo, "undo"},
                                                             {tables::transactions, "transactions"},
                                                             {tables::coins, "coins"},
                                                             {tables::positions, "positions"},
                                                             {tables::fees, "fees"},
                                                             {tables::certificates, "certificates"},
                                                             {tables::stakes, "stakes"},
                                                             {tables::epochs, "epochs"},
                                                             {tables::branches, "branches"}}};

}  // namespace meshchain::chain
