#pragma once
// What every engine takes, from the flash of a microcontroller to SQLite. A caller that stays
// inside fits all of them.

#include <cstddef>
#include <cstdint>

namespace meshchain::kv {

inline constexpr std::size_t tables_max = 32;
inline constexpr std::size_t table_name_bytes_max = 32;
/// A key has 1 to 64 bytes: a hash, and something to sort by in front of it.
inline constexpr std::size_t key_bytes_max = 64;
/// A block of the default limit (4,096) with what goes along, or the 2 KB state of the coin hash.
inline constexpr std::size_t value_bytes_max = 8192;
/// One block applied or reverted, with its coins and index, is one batch.
inline constexpr std::size_t batch_operations_max = 1024;
/// Sum over the keys and values of a batch.
inline constexpr std::size_t batch_bytes_max = 65'536;
/// Open at a time; each pins what it sees.
inline constexpr std::size_t snapshots_max = 4;
/// Beyond the quota, for batches that declare with allow_reserve() that they make room.
inline constexpr std::uint64_t quota_reserve_bytes = 2 * batch_bytes_max;

}  // namespace meshchain::kv
