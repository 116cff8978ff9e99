#include "wire/roster.h"

#include <algorithm>

#include "base/assert.h"
#include "wire/fields.h"

namespace meshchain::wire {
namespace {

Roster::Member read_member(base::Reader& in) {
    Roster::Member member;
    member.seat = read_validator(in);
    member.identity = read_key(in);
    member.key = read_key(in);
    member.stake = read_amount(in);
    member.proximity = in.u8();
    const std::uint8_t standing = in.u8();
    if (standing > static_cast<std::uint8_t>(Roster::Standing::withheld)) in.fail();
    member.standing = static_cast<Roster::Standing>(standing);
    return member;
}

/// Seats ascend, and the sum of the stakes is an amount.
bool is_sound(const std::vector<Roster::Member>& members) {
    std::optional<Amount> total = Amount{};
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (i > 0 && !(members[i - 1].seat < members[i].seat)) return false;
        total = add(*total, members[i].stake);
        if (!total) return false;
    }
    return !members.empty();
}

}  // namespace

bool is_same_set(const Roster& a, const Roster& b) {
    return std::ranges::equal(a.members, b.members,
                              [](const Roster::Member& one, const Roster::Member& other) {
                                  return one.seat == other.seat && one.identity == other.identity &&
                                         one.key == other.key && one.stake == other.stake;
                              });
}

base::Buffer encode(const Roster& roster) {
    MESH_ASSERT(is_sound(roster.members));
    base::Buffer out;
    base::Writer writer(out);
    writer.u32(roster.epoch)
        .u32(roster.elected.value)
        .bytes(roster.seed.bytes)
        .u8(static_cast<std::uint8_t>(roster.members.size()));
    for (const Roster::Member& member : roster.members) {
        writer.u16(member.seat.value)
            .bytes(member.identity.bytes)
            .bytes(member.key.bytes)
            .u40(member.stake.units)
            .u8(member.proximity)
            .u8(static_cast<std::uint8_t>(member.standing));
    }
    return out;
}

std::expected<Roster, base::Error> parse_roster(base::Bytes bytes) {
    base::Reader in(bytes);
    Roster roster;
    roster.epoch = in.u32();
    roster.elected = {in.u32()};
    roster.seed = read_hash(in);
    const std::size_t count = in.u8();
    for (std::size_t i = 0; i < count && in.ok(); ++i) roster.members.push_back(read_member(in));
    if (in.ok() && !is_sound(roster.members)) in.fail();
    MESH_CHECK(in.finish("roster"));
    return roster;
}

Hash roster_hash(const ChainId& chain, const Roster& roster) {
    constexpr std::string_view domain = "mc/roster/1";
    base::Buffer prefix;
    base::Writer(prefix)
        .u8(static_cast<std::uint8_t>(domain.size()))
        .text(domain)
        .bytes(chain.bytes);
    return crypto::hash(prefix, encode(roster));
}

}  // namespace meshchain::wire
