#pragma once
// CRC-32C (Castagnoli; RFC 3720 B.4), the checksum of everything that engines store.

#include <cstdint>

#include "base/bytes.h"
#include "kv/schema.h"

namespace meshchain::kv {

/// Continues from `checksum`, that of the bytes before; 0 at the start.
std::uint32_t crc32c(base::Bytes bytes, std::uint32_t checksum = 0);
/// The same without the processor's own instruction, as where there is none.
std::uint32_t crc32c_by_tables(base::Bytes bytes, std::uint32_t checksum = 0);

/// Of one entry: table (1), key length (1), key, value. So a value that turns up under another key
/// or in another table is found out too.
std::uint32_t entry_checksum(Table table, base::Bytes key, base::Bytes value);

}  // namespace meshchain::kv
