#include "wire/aggregated_certificate.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "wire/fields.h"

namespace meshchain::wire {
namespace {

using Voter = AggregatedCertificate::Voter;

constexpr std::uint32_t last_round = std::numeric_limits<std::uint32_t>::max();

/// Each once, ascending: most voters have the same.
std::vector<Hash> targets_of(const std::vector<Voter>& voters) {
    std::vector<Hash> targets;
    for (const Voter& voter : voters) targets.push_back(voter.target);
    std::ranges::sort(targets);
    const auto repeated = std::ranges::unique(targets);
    targets.erase(repeated.begin(), repeated.end());
    return targets;
}

/// How many bytes the highest validator that anybody heard takes.
std::size_t heard_width(const std::vector<Voter>& voters) {
    std::uint64_t all = 0;
    for (const Voter& voter : voters) all |= voter.heard;
    return (static_cast<std::size_t>(std::bit_width(all)) + 7) / 8;
}

std::uint64_t bitmap_of(const std::vector<Voter>& voters) {
    std::uint64_t bitmap = 0;
    for (const Voter& voter : voters) bitmap |= std::uint64_t{1} << voter.validator.value;
    return bitmap;
}

std::uint64_t read_number(base::Reader& in, std::size_t width) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value = value << 8 | in.u8();
    return value;
}

void write_number(base::Writer& out, std::uint64_t value, std::size_t width) {
    while (width > 0) out.u8(static_cast<std::uint8_t>(value >> 8 * --width));
}

std::vector<Hash> read_targets(base::Reader& in, std::size_t voters) {
    const std::size_t count = in.u8();
    if (count == 0 || count > voters) in.fail();
    std::vector<Hash> targets;
    for (std::size_t i = 0; i < count && in.ok(); ++i) targets.push_back(read_hash(in));
    return targets;
}

Voter read_voter(base::Reader& in, const std::vector<Hash>& targets, std::size_t width) {
    Voter voter;
    const std::size_t target = targets.size() > 1 ? in.u8() : 0;
    if (target < targets.size()) {
        voter.target = targets[target];
    } else {
        in.fail();
    }
    voter.heard = read_number(in, width);
    voter.nonce = in.array<sizeof voter.nonce>();
    return voter;
}

}  // namespace

std::vector<Vote> votes_of(const AggregatedCertificate& certificate) {
    MESH_ASSERT(certificate.final.round.value != last_round);
    std::vector<Vote> votes;
    for (const Voter& voter : certificate.voters) {
        votes.push_back({.validator = voter.validator,
                         .round = {certificate.final.round.value + 1},
                         .source = certificate.final,
                         .target = voter.target,
                         .heard = voter.heard,
                         .signature = {}});
    }
    return votes;
}

base::Buffer encode(const AggregatedCertificate& certificate) {
    const std::vector<Voter>& voters = certificate.voters;
    MESH_ASSERT(!voters.empty() && certificate.final.round.value != last_round);
    MESH_ASSERT(std::ranges::adjacent_find(voters, std::ranges::greater_equal{},
                                           &Voter::validator) == voters.end());
    const std::vector<Hash> targets = targets_of(voters);
    const std::size_t width = heard_width(voters);
    base::Buffer out;
    base::Writer writer(out);
    write(writer, certificate.final);
    writer.u64(bitmap_of(voters)).u8(static_cast<std::uint8_t>(targets.size()));
    for (const Hash& target : targets) writer.bytes(target.bytes);
    writer.u8(static_cast<std::uint8_t>(width));
    for (const Voter& voter : voters) {
        if (targets.size() > 1) {
            const auto place = std::ranges::lower_bound(targets, voter.target) - targets.begin();
            writer.u8(static_cast<std::uint8_t>(place));
        }
        write_number(writer, voter.heard, width);
        writer.bytes(voter.nonce);
    }
    writer.bytes(certificate.sum);
    return out;
}

std::expected<AggregatedCertificate, base::Error> parse_aggregated_certificate(base::Bytes bytes) {
    base::Reader in(bytes);
    AggregatedCertificate certificate;
    certificate.final = read_checkpoint(in);
    const std::uint64_t bitmap = in.u64();
    if (bitmap == 0 || certificate.final.round.value == last_round) in.fail();
    const auto count = static_cast<std::size_t>(std::popcount(bitmap));
    const std::vector<Hash> targets = read_targets(in, count);
    const std::size_t width = in.u8();
    if (width > sizeof(std::uint64_t)) in.fail();
    for (std::uint64_t rest = bitmap; rest != 0 && in.ok(); rest &= rest - 1) {
        Voter voter = read_voter(in, targets, width);
        voter.validator.value = static_cast<std::uint16_t>(std::countr_zero(rest));
        certificate.voters.push_back(voter);
    }
    certificate.sum = in.array<sizeof certificate.sum>();
    // One way to write it: no target without a voter, none twice, no byte that says nothing.
    if (in.ok() &&
        (targets_of(certificate.voters) != targets || heard_width(certificate.voters) != width)) {
        in.fail();
    }
    MESH_CHECK(in.finish("aggregated certificate"));
    return certificate;
}

}  // namespace meshchain::wire
