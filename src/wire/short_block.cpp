#include "wire/short_block.h"

#include "base/assert.h"
#include "wire/fields.h"

namespace meshchain::wire {
namespace {

constexpr std::uint8_t short_block_version = 1;
constexpr unsigned rank_bits_from = 6;
constexpr std::uint8_t rank_max = 2;
constexpr std::uint8_t count_bits = 0x3f;
constexpr std::uint8_t certificate_flag = 0x40;
constexpr std::uint8_t raises_epoch_flag = 0x80;

static_assert(validators_max == std::size_t{1} << rank_bits_from, "rank and proposer share a byte");
static_assert(BlockAnnouncement::short_id_bytes == 4);
static_assert(ShortBlock::ids_max <= count_bits);

}  // namespace

std::optional<ShortBlock> shorten(const BlockAnnouncement& announcement, const Hash& hash,
                                  std::uint32_t parent_epoch, const Hash& parent_certificate) {
    const BlockHeader& header = announcement.header;
    const bool follows = header.epoch == parent_epoch || header.epoch - 1 == parent_epoch;
    if (!follows || announcement.short_ids.size() > ShortBlock::ids_max) return std::nullopt;
    ShortBlock block;
    block.name = name_of(hash);
    block.parent = name_of(header.parent);
    block.slot = header.slot;
    block.rank = header.rank;
    block.proposer = header.proposer;
    block.raises_epoch = header.epoch != parent_epoch;
    block.transaction_root = header.transaction_root;
    if (header.certificate != parent_certificate) block.certificate = header.certificate;
    block.signature = header.signature;
    block.short_ids = announcement.short_ids;
    return block;
}

BlockAnnouncement expand(const ShortBlock& block, const BlockParent& parent) {
    BlockHeader header;
    header.height = {parent.height.value + 1};
    header.parent = parent.hash;
    header.slot = block.slot;
    header.rank = block.rank;
    header.proposer = block.proposer;
    header.transaction_root = block.transaction_root;
    header.parent_state = parent.state;
    header.epoch = parent.epoch + (block.raises_epoch ? 1 : 0);
    header.certificate = block.certificate.value_or(parent.certificate);
    header.signature = block.signature;
    return {header, block.short_ids};
}

base::Buffer encode(const ShortBlock& block) {
    MESH_ASSERT(block.short_ids.size() <= ShortBlock::ids_max && block.rank <= rank_max &&
                block.proposer.value < validators_max);
    const unsigned leader = unsigned{block.rank} << rank_bits_from | block.proposer.value;
    const unsigned flags =
        (block.raises_epoch ? raises_epoch_flag : 0U) | (block.certificate ? certificate_flag : 0U);
    const auto count = static_cast<unsigned>(block.short_ids.size());
    base::Buffer out;
    base::Writer writer(out);
    writer.u8(short_block_version)
        .u32(block.name.value)
        .u32(block.parent.value)
        .u32(block.slot.value)
        .u8(static_cast<std::uint8_t>(leader))
        .u8(static_cast<std::uint8_t>(flags | count))
        .bytes(block.transaction_root.bytes);
    if (block.certificate) writer.bytes(block.certificate->bytes);
    writer.bytes(block.signature.bytes);
    for (const std::uint32_t id : block.short_ids) writer.u32(id);
    return out;
}

std::expected<ShortBlock, base::Error> parse_short_block(base::Bytes payload) {
    MESH_CHECK(check_version(payload, short_block_version, "SHORT_BLOCK"));
    base::Reader in(payload);
    in.u8();
    ShortBlock block;
    block.name.value = in.u32();
    block.parent.value = in.u32();
    block.slot.value = in.u32();
    const std::uint8_t leader = in.u8();
    block.rank = static_cast<std::uint8_t>(leader >> rank_bits_from);
    block.proposer.value = leader % validators_max;
    const std::uint8_t flags = in.u8();
    const std::size_t count = flags & count_bits;
    block.raises_epoch = (flags & raises_epoch_flag) != 0;
    if (block.rank > rank_max || count > ShortBlock::ids_max) in.fail();
    block.transaction_root = read_hash(in);
    if ((flags & certificate_flag) != 0) block.certificate = read_hash(in);
    block.signature = read_signature(in);
    for (std::size_t i = 0; i < count && in.ok(); ++i) block.short_ids.push_back(in.u32());
    MESH_CHECK(in.finish("SHORT_BLOCK"));
    return block;
}

}  // namespace meshchain::wire
