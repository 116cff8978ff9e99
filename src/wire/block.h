#pragma once
// Blocks (row A4; PROTOCOL.md P2.6). The header commits to the transactions and to the state
// before them, so its signature can be judged before anything is executed.
//
// Format: docs/formats/block.md

#include <vector>

#include "wire/transaction.h"

namespace meshchain::wire {

struct BlockHeader {
    static constexpr std::uint8_t version = 1;
    static constexpr std::size_t size = 1 + 4 + 32 + 4 + 1 + 2 + 32 + 32 + 4 + 32 + 64;

    Height height;
    Hash parent;            ///< block hash; genesis block: the chain id
    Slot slot;              ///< the block's timestamp
    std::uint8_t rank = 0;  ///< 0, 1 or 2: which of the slot's leaders proposed it
    ValidatorIndex proposer;
    Hash transaction_root;  ///< Merkle root over wtxids
    Hash parent_state;      ///< digest of coins and fee balances after the parent
    std::uint32_t epoch = 0;
    Hash certificate;  ///< hash of the FINAL certificate it builds on; zero for genesis
    crypto::Signature signature;

    friend bool operator==(const BlockHeader&, const BlockHeader&) = default;
};

/// `mc/block/1` ‖ chain ‖ type 1 ‖ fields, the proposer as its full validating key.
base::Buffer preimage(const ChainId& chain, const BlockHeader& header,
                      const crypto::PublicKey& proposer);
/// H(preimage): signature left out, so that one block has one name.
Hash block_hash(const ChainId& chain, const BlockHeader& header, const crypto::PublicKey& proposer);

/// The first four bytes of a block's hash: enough among the last blocks.
struct BlockName {
    std::uint32_t value = 0;
    friend auto operator<=>(const BlockName&, const BlockName&) = default;
};
BlockName name_of(const Hash& block);

void encode(const BlockHeader& header, base::Buffer& out);
/// Nothing (and `in` failed) if the front is no header of this version.
std::optional<BlockHeader> read_block_header(base::Reader& in);

struct Block {
    BlockHeader header;
    std::vector<WireTransaction> transactions;
    friend bool operator==(const Block&, const Block&) = default;
};

/// Header ‖ count u16 ‖ transactions: the stored form, and what the genesis block limit counts.
inline constexpr std::size_t block_bytes_limit_max = 65'536;  ///< no genesis may ask for more
base::Buffer encode(const Block& block);
std::size_t encoded_bytes(const Block& block);
/// Errors: malformed, wrong_version, too_large (over block_bytes_limit_max).
std::expected<Block, base::Error> parse_block(base::Bytes bytes);
/// The stored form behind the header. Errors: as parse_block.
std::expected<std::vector<WireTransaction>, base::Error> parse_block_body(base::Bytes bytes);

/// What travels as type BLOCK on IP: the header and a short id for each transaction
/// (PROTOCOL.md P1.8). The ids are SipHash under a key drawn from the header, unknowable before
/// the block, so collisions cannot be prepared.
struct BlockAnnouncement {
    static constexpr std::size_t short_id_bytes = 4;
    static constexpr std::size_t transactions_max = 224;  ///< such that it fits one datagram
    BlockHeader header;
    std::vector<std::uint32_t> short_ids;
    friend bool operator==(const BlockAnnouncement&, const BlockAnnouncement&) = default;
};
std::uint32_t short_id(const Hash& block_hash, const Wtxid& id);
base::Buffer encode(const BlockAnnouncement& announcement);
/// Errors: malformed, wrong_version, too_large.
std::expected<BlockAnnouncement, base::Error> parse_block_announcement(base::Bytes bytes);

}  // namespace meshchain::wire
