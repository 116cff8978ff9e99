#pragma once
// How many bytes this process has taken from a TCP connection, by the kernel's own count: for
// libraries that read by themselves and do not say.

#include <cstdint>
#include <optional>

namespace meshchain::host {

/// Too few by what arrives meanwhile: it may fall from one call to the next.
/// Nothing: it is no TCP connection, or not one any more.
std::optional<std::uint64_t> tcp_bytes_taken(int socket);

}  // namespace meshchain::host
