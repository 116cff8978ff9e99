#include "wire/air_question.h"

#include "base/assert.h"
#include "wire/fields.h"

namespace meshchain::wire {
namespace {

constexpr std::uint8_t air_version = 1;
constexpr std::uint8_t block_kind = 1;
constexpr std::uint8_t votes_kind = 2;
constexpr std::uint8_t next_block_kind = 3;

}  // namespace

base::Buffer encode(const AirQuestion& question) {
    base::Buffer out;
    base::Writer writer(out);
    writer.u8(air_version);
    if (const auto* wish = std::get_if<BlockWish>(&question)) {
        writer.u8(block_kind).u32(wish->block.value).u8(wish->missing);
        return out;
    }
    if (const auto* next = std::get_if<NextBlockWish>(&question)) {
        writer.u8(next_block_kind).u32(next->after.value).u32(next->height.value);
        return out;
    }
    const auto& votes = std::get<VoteRequest>(question);
    writer.u8(votes_kind).u32(votes.round.value);
    write_bitmap(writer, votes.held);
    return out;
}

std::expected<AirQuestion, base::Error> parse_air_question(base::Bytes payload) {
    MESH_CHECK(check_version(payload, air_version, "AIR_ASK"));
    base::Reader in(payload);
    in.u8();
    const std::uint8_t kind = in.u8();
    if (kind == block_kind) {
        BlockWish wish;
        wish.block.value = in.u32();
        wish.missing = in.u8();
        MESH_CHECK(in.finish("AIR_ASK"));
        return wish;
    }
    if (kind == next_block_kind) {
        NextBlockWish next;
        next.after.value = in.u32();
        next.height.value = in.u32();
        MESH_CHECK(in.finish("AIR_ASK"));
        return next;
    }
    VoteRequest votes;
    votes.round.value = in.u32();
    votes.held = read_last_bitmap(in);
    if (kind != votes_kind) in.fail();
    MESH_CHECK(in.finish("AIR_ASK"));
    return votes;
}

base::Buffer encode(const BlockRow& row) {
    MESH_ASSERT(!row.bytes.empty() && row.bytes.size() <= BlockRow::bytes_max);
    base::Buffer out;
    base::Writer(out).u8(air_version).u32(row.block.value).u8(row.row).bytes(row.bytes);
    return out;
}

std::expected<BlockRow, base::Error> parse_block_row(base::Bytes payload) {
    MESH_CHECK(check_version(payload, air_version, "BLOCK_ROW"));
    base::Reader in(payload);
    in.u8();
    BlockRow row;
    row.block.value = in.u32();
    row.row = in.u8();
    row.bytes = in.rest();
    if (row.bytes.empty() || row.bytes.size() > BlockRow::bytes_max) in.fail();
    MESH_CHECK(in.finish("BLOCK_ROW"));
    return row;
}

}  // namespace meshchain::wire
