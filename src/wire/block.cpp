#include "wire/block.h"

#include <algorithm>

#include "wire/fields.h"

namespace meshchain::wire {
namespace {

constexpr std::uint8_t block_type = 1;
constexpr std::uint8_t ranks = 3;
/// Every transaction takes at least this, so a count over it cannot be honest.
constexpr std::size_t transactions_per_block_max = block_bytes_limit_max / CompactTransfer::size;
static_assert(BlockHeader::size + 2 +
                  BlockAnnouncement::transactions_max * BlockAnnouncement::short_id_bytes <=
              1180);

base::Error too_large(std::size_t found, std::size_t limit, const char* unit) {
    return {base::Errc::too_large,
            std::to_string(found) + " " + unit + ", of at most " + std::to_string(limit), "block",
            ""};
}

std::vector<WireTransaction> read_transactions(base::Reader& in) {
    std::vector<WireTransaction> transactions;
    const std::size_t count = in.u16();
    if (count > transactions_per_block_max) in.fail();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        if (auto transaction = read_transaction(in)) {
            transactions.push_back(*std::move(transaction));
        }
    }
    return transactions;
}

}  // namespace

base::Buffer preimage(const ChainId& chain, const BlockHeader& header,
                      const crypto::PublicKey& proposer) {
    base::Buffer out = crypto::preimage("mc/block/1", chain, block_type);
    base::Writer(out)
        .u32(header.height.value)
        .bytes(header.parent.bytes)
        .u32(header.slot.value)
        .u8(header.rank)
        .bytes(proposer.bytes)
        .bytes(header.transaction_root.bytes)
        .bytes(header.parent_state.bytes)
        .u32(header.epoch)
        .bytes(header.certificate.bytes);
    return out;
}

Hash block_hash(const ChainId& chain, const BlockHeader& header,
                const crypto::PublicKey& proposer) {
    return crypto::hash(preimage(chain, header, proposer));
}

BlockName name_of(const Hash& block) {
    base::Reader in(block.bytes);
    return {in.u32()};
}

void encode(const BlockHeader& header, base::Buffer& out) {
    base::Writer(out)
        .u8(BlockHeader::version)
        .u32(header.height.value)
        .bytes(header.parent.bytes)
        .u32(header.slot.value)
        .u8(header.rank)
        .u16(header.proposer.value)
        .bytes(header.transaction_root.bytes)
        .bytes(header.parent_state.bytes)
        .u32(header.epoch)
        .bytes(header.certificate.bytes)
        .bytes(header.signature.bytes);
}

std::optional<BlockHeader> read_block_header(base::Reader& in) {
    if (in.u8() != BlockHeader::version) in.fail();
    BlockHeader header;
    header.height.value = in.u32();
    header.parent = read_hash(in);
    header.slot.value = in.u32();
    header.rank = in.u8();
    if (header.rank >= ranks) in.fail();
    header.proposer = read_validator(in);
    header.transaction_root = read_hash(in);
    header.parent_state = read_hash(in);
    header.epoch = in.u32();
    header.certificate = read_hash(in);
    header.signature = read_signature(in);
    return in.ok() ? std::optional(header) : std::nullopt;
}

std::size_t encoded_bytes(const Block& block) {
    std::size_t total = BlockHeader::size + 2;
    for (const WireTransaction& transaction : block.transactions) {
        total += encoded_bytes(transaction);
    }
    return total;
}

base::Buffer encode(const Block& block) {
    MESH_ASSERT(block.transactions.size() <= transactions_per_block_max);
    base::Buffer out;
    out.reserve(encoded_bytes(block));
    encode(block.header, out);
    base::Writer(out).u16(static_cast<std::uint16_t>(block.transactions.size()));
    for (const WireTransaction& transaction : block.transactions) encode(transaction, out);
    return out;
}

std::expected<std::vector<WireTransaction>, base::Error> parse_block_body(base::Bytes bytes) {
    if (bytes.size() > block_bytes_limit_max - BlockHeader::size) {
        return std::unexpected(
            too_large(bytes.size(), block_bytes_limit_max - BlockHeader::size, "bytes"));
    }
    base::Reader in(bytes);
    std::vector<WireTransaction> transactions = read_transactions(in);
    MESH_CHECK(in.finish("block body"));
    return transactions;
}

std::expected<Block, base::Error> parse_block(base::Bytes bytes) {
    if (bytes.size() > block_bytes_limit_max) {
        return std::unexpected(too_large(bytes.size(), block_bytes_limit_max, "bytes"));
    }
    MESH_CHECK(check_version(bytes, BlockHeader::version, "block"));
    base::Reader in(bytes);
    const auto header = read_block_header(in);
    Block block;
    if (in.ok()) block = {*header, read_transactions(in)};
    MESH_CHECK(in.finish("block"));
    return block;
}

std::uint32_t short_id(const Hash& block_hash, const Wtxid& id) {
    const Hash secret = crypto::hash(block_hash.bytes);
    crypto::ShortHashKey key;
    std::copy_n(secret.bytes.begin(), key.size(), key.begin());
    return static_cast<std::uint32_t>(crypto::short_hash(key, id.hash.bytes) >> 32);
}

base::Buffer encode(const BlockAnnouncement& announcement) {
    MESH_ASSERT(announcement.short_ids.size() <= BlockAnnouncement::transactions_max);
    base::Buffer out;
    encode(announcement.header, out);
    base::Writer writer(out);
    writer.u16(static_cast<std::uint16_t>(announcement.short_ids.size()));
    for (const std::uint32_t id : announcement.short_ids) writer.u32(id);
    return out;
}

std::expected<BlockAnnouncement, base::Error> parse_block_announcement(base::Bytes bytes) {
    MESH_CHECK(check_version(bytes, BlockHeader::version, "block announcement"));
    base::Reader in(bytes);
    const auto header = read_block_header(in);
    const std::size_t count = in.u16();
    if (in.ok() && count > BlockAnnouncement::transactions_max) {
        return std::unexpected(
            too_large(count, BlockAnnouncement::transactions_max, "transactions"));
    }
    BlockAnnouncement announcement;
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        announcement.short_ids.push_back(in.u32());
    }
    MESH_CHECK(in.finish("block announcement"));
    announcement.header = *header;
    return announcement;
}

}  // namespace meshchain::wire
