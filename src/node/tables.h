#pragma once
// The schema of a node's one store: every module's table in one list, so that numbers and names
// are given once. A number that was used is never given to something else.

#include <array>

#include "chain/tables.h"

namespace meshchain::node {

namespace tables {
inline constexpr kv::Table consensus{8};  ///< own votes, proofs, FINAL certificate
inline constexpr kv::Table mesh{9};       ///< sequence epoch
inline constexpr kv::Table wallet{10};    ///< scan state
inline constexpr kv::Table radio{15};     ///< airtime spent
inline constexpr kv::Table records{16};   ///< records, and the last sequence of our own
inline constexpr kv::Table receipts{17};  ///< who holds alarms of ours
}  // namespace tables

inline constexpr auto node_tables = [] {
    std::array<kv::TableInfo, chain::chain_tables.size() + 6> all{};
    std::size_t count = 0;
    for (const kv::TableInfo& table : chain::chain_tables) all[count++] = table;
    all[count++] = {tables::consensus, "consensus"};
    all[count++] = {tables::mesh, "mesh"};
    all[count++] = {tables::wallet, "wallet"};
    all[count++] = {tables::radio, "radio"};
    all[count++] = {tables::records, "records"};
    all[count++] = {tables::receipts, "receipts"};
    return all;
}();

}  // namespace meshchain::node
