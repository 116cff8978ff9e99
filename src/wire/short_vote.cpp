#include "wire/short_vote.h"

#include "base/assert.h"
#include "wire/fields.h"

namespace meshchain::wire {
namespace {

constexpr std::uint8_t short_vote_version = 1;

}  // namespace

std::optional<ShortVote> shorten(const Vote& vote) {
    MESH_ASSERT(vote.source.round < vote.round);
    const std::uint32_t distance = vote.round.value - vote.source.round.value;
    if (distance > UINT8_MAX) return std::nullopt;
    return ShortVote{.validator = vote.validator,
                     .round_low = static_cast<std::uint16_t>(vote.round.value),
                     .distance = static_cast<std::uint8_t>(distance),
                     .source = name_of(vote.source.block),
                     .target = name_of(vote.target),
                     .heard = vote.heard,
                     .signature = vote.signature};
}

Round round_of(const ShortVote& vote, Round now) {
    const auto ahead = static_cast<std::int16_t>(
        static_cast<std::uint16_t>(vote.round_low - static_cast<std::uint16_t>(now.value)));
    return {static_cast<std::uint32_t>(now.value + static_cast<std::uint32_t>(ahead))};
}

Vote expand(const ShortVote& vote, Round round, Slot source_slot, const Hash& source,
            const Hash& target) {
    Vote whole;
    whole.validator = vote.validator;
    whole.round = round;
    whole.source = {{round.value - vote.distance}, source_slot, source};
    whole.target = target;
    whole.heard = vote.heard;
    whole.signature = vote.signature;
    return whole;
}

base::Buffer encode(const ShortVote& vote) {
    base::Buffer out;
    base::Writer writer(out);
    writer.u8(short_vote_version)
        .u8(static_cast<std::uint8_t>(vote.validator.value))
        .u16(vote.round_low)
        .u8(vote.distance)
        .u32(vote.source.value)
        .u32(vote.target.value)
        .bytes(vote.signature.bytes);
    write_bitmap(writer, vote.heard);
    return out;
}

std::expected<ShortVote, base::Error> parse_short_vote(base::Bytes payload) {
    MESH_CHECK(check_version(payload, short_vote_version, "SHORT_VOTE"));
    base::Reader in(payload);
    in.u8();
    ShortVote vote;
    vote.validator.value = in.u8();
    vote.round_low = in.u16();
    vote.distance = in.u8();
    vote.source.value = in.u32();
    vote.target.value = in.u32();
    vote.signature = read_signature(in);
    vote.heard = read_last_bitmap(in);
    if (vote.validator.value >= validators_max || vote.distance == 0) in.fail();
    MESH_CHECK(in.finish("SHORT_VOTE"));
    return vote;
}

}  // namespace meshchain::wire
