#pragma once
// SYNC_REQUEST and SYNC_RESPONSE bodies (row F5; PROTOCOL.md P1.8). Each begins with a kind byte.
// A block over one datagram travels as header, then transactions in as many parts as it needs.
//
// What a node that is far behind asks for is too large for that: certificates, pages of headers,
// the transactions of many blocks. The answer is one signed list that names items by size and hash,
// and then their bytes in unsigned SYNC_DATA chunks, which nobody has to verify one by one
// (docs/decisions/0053-signed-list-unsigned-chunks.md).
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
/// Requests whose answer is an ItemsResponse carry a nonce that nobody else can guess; answer and
/// chunks repeat it.

/// "The proof of a FINAL of height `from` to `to`, the highest you have; if you have none there,
/// the lowest above." One item: the final block's header, then the certificate.
struct FinalRequest {
    std::uint64_t nonce = 0;
    Height from;
    Height to;
    friend bool operator==(const FinalRequest&, const FinalRequest&) = default;
};
/// "The header of this block, and those of its ancestors, `count` in all." One item: the headers,
/// downwards.
struct HeadersRequest {
    std::uint64_t nonce = 0;
    Hash top;
    std::uint16_t count = 0;  ///< 1 … headers_max
    friend bool operator==(const HeadersRequest&, const HeadersRequest&) = default;
};
/// "The transactions of `count` blocks from this height on, on the chain whose last of them is
/// `last`." One item a block, for as many of them as fit: its stored form without the header.
struct BodiesRequest {
    std::uint64_t nonce = 0;
    Height from;
    std::uint8_t count = 0;  ///< 1 … items_max
    Hash last;
    friend bool operator==(const BodiesRequest&, const BodiesRequest&) = default;
};
using SyncRequest = std::variant<HashesRequest, BlockRequest, CertificateRequest, FinalRequest,
                                 HeadersRequest, BodiesRequest>;

inline constexpr std::size_t hashes_max = 32;
inline constexpr std::size_t headers_max = 256;
inline constexpr std::size_t items_max = 30;  ///< such that a list of them fits one control message
inline constexpr std::size_t item_bytes_max = block_bytes_limit_max;
static_assert(headers_max * BlockHeader::size <= item_bytes_max);
/// Of all items of one answer, unless it has but one. What is over that is left out at the end.
inline constexpr std::size_t answer_bytes_max = 131'072;

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
/// What a request asked for, by size and hash; empty: not here.
struct ItemsResponse {
    struct Item {
        static constexpr std::size_t size = 4 + Hash::size;
        std::uint32_t bytes = 0;  ///< 1 … item_bytes_max
        Hash hash;                ///< H of the bytes
        friend bool operator==(const Item&, const Item&) = default;
    };
    std::uint64_t nonce = 0;
    std::vector<Item> items;
    friend bool operator==(const ItemsResponse&, const ItemsResponse&) = default;
};
static_assert(1 + 8 + 1 + items_max * ItemsResponse::Item::size <= control_body_bytes_max);
inline constexpr std::size_t block_response_overhead_bytes =
    1 + Hash::size + BlockHeader::size + 2 + 2 + 1;
static_assert(block_response_overhead_bytes + long_bytes_max <= control_body_bytes_max,
              "a block response makes progress by one transaction at least");
using SyncResponse = std::variant<HashesResponse, BlockResponse, NotFoundResponse, ItemsResponse>;

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

/// SYNC_DATA: a piece of an item, unsigned; chunk k holds the bytes from k * bytes_max on. Every
/// chunk of an item but the last is full.
struct SyncChunk {
    static constexpr std::uint8_t version = 1;
    static constexpr std::size_t overhead_bytes = 1 + 8 + 1 + 1;
    static constexpr std::size_t bytes_max = ip_payload_bytes_max - overhead_bytes;
    std::uint64_t nonce = 0;
    std::uint8_t item = 0;
    std::uint8_t chunk = 0;
    base::Buffer bytes;  ///< never empty
    friend bool operator==(const SyncChunk&, const SyncChunk&) = default;
};
static_assert(item_bytes_max <= 256 * SyncChunk::bytes_max);
constexpr std::size_t chunks_of(std::size_t item_bytes) {
    return (item_bytes + SyncChunk::bytes_max - 1) / SyncChunk::bytes_max;
}
/// Chunk `chunk` of an item of these bytes. Asserts that it is one.
SyncChunk chunk_of(base::Bytes item_bytes, std::uint64_t nonce, std::uint8_t item,
                   std::uint8_t chunk);
base::Buffer encode(const SyncChunk& chunk);
/// Errors: malformed, wrong_version, too_large.
std::expected<SyncChunk, base::Error> parse_sync_chunk(base::Bytes payload);

/// The item of a FinalRequest.
struct ProvenFinal {
    BlockHeader header;
    Certificate certificate;
    const Hash& hash() const { return certificate.final.block; }
    Height height() const { return header.height; }
    friend bool operator==(const ProvenFinal&, const ProvenFinal&) = default;
};
base::Buffer encode(const ProvenFinal& proven);
/// Whether it proves anything is for consensus to judge. Errors: malformed, wrong_version.
std::expected<ProvenFinal, base::Error> parse_proven_final(base::Bytes bytes);

/// The item of a HeadersRequest.
base::Buffer encode(const std::vector<BlockHeader>& headers);
/// Errors: malformed (also: none, or over headers_max).
std::expected<std::vector<BlockHeader>, base::Error> parse_headers(base::Bytes bytes);

}  // namespace meshchain::wire
