#include "consensus/schedule.h"

#include <algorithm>

#include "base/assert.h"
#include "base/cursor.h"

namespace meshchain::consensus {
namespace {

/// The hash as one big-endian number, modulo `divisor` (below 2^56, so that nothing overflows).
std::uint64_t remainder(const crypto::Hash& hash, std::uint64_t divisor) {
    std::uint64_t value = 0;
    for (const std::byte byte : hash.bytes) {
        value = ((value << 8) | std::to_integer<std::uint64_t>(byte)) % divisor;
    }
    return value;
}

}  // namespace

std::optional<std::uint8_t> Leaders::rank_of(wire::ValidatorIndex validator) const {
    for (std::uint8_t rank = 0; rank < size_; ++rank) {
        if (leaders_[rank] == validator) return rank;
    }
    return std::nullopt;
}

Schedule::Schedule(const Params& params, const ValidatorSet& validators)
    : params_(params), validators_(&validators) {
    MESH_ASSERT(params_.block_time.count() > 0 && params_.rank_delay.count() >= 0);
    MESH_ASSERT(params_.block_time >= 3 * params_.rank_delay);
    MESH_ASSERT(params_.slots_per_round > 0 && params_.vote_delay > 0);
    MESH_ASSERT(params_.vote_lead.count() >= 0 && params_.vote_lead < params_.block_time);
}

std::optional<wire::Slot> Schedule::slot_at(base::WallTime now) const {
    if (now < params_.start) return std::nullopt;
    const auto slot = (now - params_.start) / params_.block_time;
    if (slot > UINT32_MAX) return std::nullopt;
    return wire::Slot{static_cast<std::uint32_t>(slot)};
}

base::WallTime Schedule::start_of(wire::Slot slot) const {
    return params_.start + params_.block_time * slot.value;
}

wire::Round Schedule::round_of(wire::Slot slot) const {
    return {slot.value / params_.slots_per_round};
}

std::optional<wire::Round> Schedule::round_at(base::WallTime now) const {
    if (now < params_.start) return std::nullopt;
    const auto slot = slot_at(now + params_.vote_lead);
    if (!slot) return std::nullopt;
    return round_of(*slot);
}

wire::Slot Schedule::first_slot(wire::Round round) const {
    const std::uint64_t slot = std::uint64_t{round.value} * params_.slots_per_round;
    return {static_cast<std::uint32_t>(std::min<std::uint64_t>(slot, UINT32_MAX))};
}

crypto::Hash Schedule::draw(std::string_view domain, const crypto::Hash& seed, std::uint32_t time,
                            std::uint16_t what) const {
    base::Buffer preimage;
    base::Writer out(preimage);
    out.u8(static_cast<std::uint8_t>(domain.size())).text(domain);
    out.bytes(params_.chain.span()).bytes(seed.span()).u32(time).u16(what);
    return crypto::hash(preimage);
}

Leaders Schedule::leaders(wire::Slot slot, const ValidatorSet& set,
                          const crypto::Hash& seed) const {
    Leaders leaders;
    std::uint64_t left = set.total_weight();
    ValidatorBits taken = 0;
    for (std::uint16_t rank = 0; rank < Leaders::count_max && left > 0; ++rank) {
        std::uint64_t ticket = remainder(draw("mc/lead/1", seed, slot.value, rank), left);
        for (std::uint16_t i = 0; i < set.size(); ++i) {
            const wire::ValidatorIndex candidate{i};
            if ((taken & bit(candidate)) != 0) continue;
            const std::uint64_t weight = set.weight(candidate);
            if (ticket < weight) {
                leaders.push(candidate);
                taken |= bit(candidate);
                left -= weight;
                break;
            }
            ticket -= weight;
        }
    }
    return leaders;
}

base::Milliseconds Schedule::ack_offset(wire::Round round, wire::ValidatorIndex validator) const {
    const crypto::Hash own = draw("mc/order/1", params_.seed, round.value, validator.value);
    std::int64_t before = 0;
    for (std::uint16_t i = 0; i < validators_->size(); ++i) {
        if (draw("mc/order/1", params_.seed, round.value, i) < own) ++before;
    }
    return round_length() / 2 * before / static_cast<std::int64_t>(validators_->size());
}

}  // namespace meshchain::consensus
