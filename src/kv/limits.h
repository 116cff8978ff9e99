#pragma once
// What every engine takes, from the flash of a microcontroller to SQLite. A caller that stays
// inside fits all of them.
//
// A chain may set a block limit of up to 65,536 bytes; on a device it sets 4,096, and then no value
// comes near the limits below: an engine streams a batch to its medium and reserves no memory for
// the largest one possible.

#include <cstddef>
#include <cstdint>

namespace meshchain::kv {

inline constexpr std::size_t tables_max = 32;
inline constexpr std::size_t table_name_bytes_max = 32;
/// A key has 1 to 64 bytes: a hash, and something to sort by in front of it.
inline constexpr std::size_t key_bytes_max = 64;
/// A block of the largest limit a genesis may set, or its undo data, with as much room again.
inline constexpr std::size_t value_bytes_max = 131'072;
/// The largest block applied or reverted, with its coins and index, is one batch; while catching
/// up, some hundred small ones.
inline constexpr std::size_t batch_operations_max = 65'536;
/// Sum over the keys and values of a batch.
inline constexpr std::size_t batch_bytes_max = 4'194'304;
/// Open at a time; each pins what it sees.
inline constexpr std::size_t snapshots_max = 4;

}  // namespace meshchain::kv
