#include "sim/tampers.h"

#include <algorithm>

#include "base/assert.h"
#include "wire/vote.h"

namespace meshchain::sim {

TwinTamper::TwinTamper(bool is_second, std::set<std::size_t> audience,
                       const ledger::Genesis& genesis, const crypto::PublicKey& validating_key)
    : is_second_(is_second), audience_(std::move(audience)) {
    const auto found =
        std::ranges::find(genesis.validators, validating_key, &ledger::GenesisValidator::key);
    MESH_ASSERT(found != genesis.validators.end());
    self_.value = static_cast<std::uint16_t>(found - genesis.validators.begin());
}

bool TwinTamper::is_for_other(base::Bytes payload) const {
    const bool is_odd = (crypto::hash(payload).bytes[0] & std::byte{1}) != std::byte{0};
    return is_odd != is_second_;
}

bool TwinTamper::lets_in(base::Bytes datagram) {
    const auto frame = wire::parse_frame(datagram);
    if (!frame) return true;
    switch (frame->header.type) {
        case wire::MessageType::block_ack: {
            const auto vote = wire::parse_vote(frame->payload);
            return !vote || vote->validator != self_;
        }
        case wire::MessageType::block: {
            const auto block = wire::parse_block_announcement(frame->payload);
            if (block && block->header.proposer == self_) return false;
            return !is_for_other(frame->payload);
        }
        case wire::MessageType::transaction: return !is_for_other(frame->payload);
        case wire::MessageType::evidence: return false;
        default: return true;
    }
}

std::optional<base::Duration> MuteTamper::lets_out(const std::optional<base::LinkAddress>&,
                                                   base::Bytes datagram) {
    const auto frame = wire::parse_frame(datagram);
    if (!frame || !types_.contains(frame->header.type)) return base::Duration{};
    ++acts_;
    return held_;
}

}  // namespace meshchain::sim
