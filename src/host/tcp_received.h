#pragma once
// How many bytes this process has taken from a TCP connection, by the kernel's own count: for
// libraries that read by themselves and do not say.

#include <cstdint>
#include <optional>

namespace meshchain::host {

/// Nothing: it is no TCP connection, or not one any more.
std::optional<std::uint64_t> tcp_bytes_taken(int socket);

}  // namespace meshchain::host
