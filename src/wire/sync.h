#pragma once
// SYNC_REQUEST and SYNC_RESPONSE bodies (row F5; PROTOCOL.md P1.8). Each begins with a kind byte.
// A block over one datagram travels as header, then transactions in as many parts as it needs.
//
// Format: docs/formats/sync.md

#include "wire/control.h"

namespace meshchain::wire {

/// "Hashes of your chain from this height on."
struct HashesRequest {
    Height from;
    std::uint8_t count = 0;  ///< 1 … hashes_max
    friend bool operator==(const HashesRequest&, const HashesRequest&) = default;
};
/// "This block's header and transactions from index `first` on"; also fetches what a compact
/// announcement lacks, and a block named by a vote.
struct BlockRequest {
    Hash block;
    std::uint16_t first = 0;
    friend bool operator==(const BlockRequest&, const BlockRequest&) = default;
};
/// "The proof of your FINAL": answered by its votes as BLOCK_ACK objects.
struct CertificateRequest {
    friend bool operator==(const CertificateRequest&, const CertificateRequest&) = default;
};
using SyncRequest = std::variant<HashesRequest, BlockRequest, CertificateRequest>;

inline constexpr std::size_t hashes_max = 32;

struct HashesResponse {
    Height from;
    std::vector<Hash> hashes;  ///< of consecutive heights; empty when `from` is above the tip
    friend bool operator==(const HashesResponse&, const HashesResponse&) = default;
};
struct BlockResponse {
    Hash block;
    BlockHeader header;
    std::uint16_t total = 0;  ///< transactions in the block
    std::uint16_t first = 0;  ///< index of the first one here
    std::vector<WireTransaction> transactions;
    friend bool operator==(const BlockResponse&, const BlockResponse&) = default;
};
struct NotFoundResponse {
    Hash block;
    friend bool operator==(const NotFoundResponse&, const NotFoundResponse&) = default;
};
inline constexpr std::size_t block_response_overhead_bytes =
    1 + Hash::size + BlockHeader::size + 2 + 2 + 1;
static_assert(block_response_overhead_bytes + long_bytes_max <= control_body_bytes_max,
              "a block response makes progress by one transaction at least");
using SyncResponse = std::variant<HashesResponse, BlockResponse, NotFoundResponse>;

base::Buffer encode(const SyncRequest& request);
/// Errors: malformed.
std::expected<SyncRequest, base::Error> parse_sync_request(base::Bytes body);
/// Asserts that it fits control_body_bytes_max; `block_response` fills one up to that.
base::Buffer encode(const SyncResponse& response);
/// Errors: malformed, too_large (over control_body_bytes_max).
std::expected<SyncResponse, base::Error> parse_sync_response(base::Bytes body);

/// As many transactions of `block` from `first` on as fit one response; none when there are no
/// more.
BlockResponse block_response(const Hash& hash, const Block& block, std::uint16_t first);

}  // namespace meshchain::wire
