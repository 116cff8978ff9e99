#include "sim/signing_tampers.h"

#include <algorithm>

#include "crypto/merkle.h"

namespace meshchain::sim {
namespace {

constexpr std::size_t headers_max = 4096;

bool is_consensus(base::Bytes datagram) {
    const auto frame = wire::parse_frame(datagram);
    return frame && (frame->header.type == wire::MessageType::block ||
                     frame->header.type == wire::MessageType::block_ack);
}

/// Every other machine is told the other story.
bool is_lied_to(const std::optional<base::LinkAddress>& to) {
    const auto machine = to ? index_of(*to) : std::nullopt;
    return machine && *machine % 2 == 1;
}

}  // namespace

SigningTamper::SigningTamper(const ledger::Genesis& genesis, crypto::SigningKey key)
    : chain_(ledger::chain_id(genesis)), key_(std::move(key)) {
    for (const auto& validator : genesis.validators) seats_.push_back(validator.key);
}

bool SigningTamper::lets_in(base::Bytes datagram) {
    learn(datagram);
    return true;
}

std::optional<base::Duration> SigningTamper::lets_out(const std::optional<base::LinkAddress>&,
                                                      base::Bytes datagram) {
    learn(datagram);
    return base::Duration{};
}

void SigningTamper::learn(base::Bytes datagram) {
    const auto frame = wire::parse_frame(datagram);
    if (!frame || frame->header.type != wire::MessageType::block) return;
    const auto block = wire::parse_block_announcement(frame->payload);
    if (!block || block->header.proposer.value >= seats_.size()) return;
    if (headers_.size() >= headers_max) headers_.clear();
    const auto& proposer = seats_[block->header.proposer.value];
    headers_.emplace(wire::block_hash(chain_, block->header, proposer), block->header);
}

const wire::BlockHeader* SigningTamper::header(const wire::Hash& block) const {
    const auto found = headers_.find(block);
    return found == headers_.end() ? nullptr : &found->second;
}

bool SigningTamper::is_own(const wire::Vote& vote) const {
    return vote.validator.value < seats_.size() &&
           seats_[vote.validator.value] == key_.public_key();
}

bool SigningTamper::is_own(const wire::BlockHeader& header) const {
    return header.proposer.value < seats_.size() &&
           seats_[header.proposer.value] == key_.public_key();
}

void SigningTamper::sign(wire::Vote& vote) const {
    vote.signature = key_.sign(wire::preimage(chain_, vote, key_.public_key()));
}

void SigningTamper::sign(wire::BlockHeader& header) const {
    header.signature = key_.sign(wire::preimage(chain_, header, key_.public_key()));
}

base::Buffer SigningTamper::with_payload(const wire::Frame& frame, base::Bytes payload) {
    return wire::encode_frame(frame.header, payload);
}

void SigningTamper::count(const wire::Hash& lie) { acts_ += told_.insert(lie).second; }

std::optional<base::Buffer> DoubleTamper::turn(const std::optional<base::LinkAddress>& to,
                                               base::Bytes datagram) {
    if (!is_lied_to(to)) return std::nullopt;
    const auto frame = wire::parse_frame(datagram);
    if (!frame) return std::nullopt;
    if (frame->header.type == wire::MessageType::block_ack) {
        auto vote = wire::parse_vote(frame->payload);
        if (!vote || !is_own(*vote) || vote->target == vote->source.block) return std::nullopt;
        // Not this block but the one before: as good a target for whoever knows no better.
        const wire::BlockHeader* const target = header(vote->target);
        vote->target = target != nullptr ? target->parent : vote->source.block;
        sign(*vote);
        const base::Buffer lie = wire::encode(*vote);
        count(crypto::hash(lie));
        return with_payload(*frame, lie);
    }
    if (frame->header.type == wire::MessageType::block) {
        auto block = wire::parse_block_announcement(frame->payload);
        if (!block || !is_own(block->header) || block->short_ids.empty()) return std::nullopt;
        block->short_ids.clear();
        block->header.transaction_root = crypto::merkle_root({});
        sign(block->header);
        const base::Buffer lie = wire::encode(*block);
        count(crypto::hash(lie));
        return with_payload(*frame, lie);
    }
    return std::nullopt;
}

std::optional<base::Duration> ForkTamper::lets_out(const std::optional<base::LinkAddress>& to,
                                                   base::Bytes datagram) {
    const auto frame = wire::parse_frame(datagram);
    if (frame && frame->header.type == wire::MessageType::block_ack) {
        const auto vote = wire::parse_vote(frame->payload);
        if (vote && is_own(*vote)) return std::nullopt;
    }
    return SigningTamper::lets_out(to, datagram);
}

std::optional<base::Buffer> ForkTamper::turn(const std::optional<base::LinkAddress>&,
                                             base::Bytes datagram) {
    const auto frame = wire::parse_frame(datagram);
    if (!frame || frame->header.type != wire::MessageType::block) return std::nullopt;
    auto block = wire::parse_block_announcement(frame->payload);
    if (!block || !is_own(block->header)) return std::nullopt;
    const wire::BlockHeader* const parent = header(block->header.parent);
    if (parent == nullptr) return std::nullopt;
    // What stands in the parent's header is what an heir of the grandparent has to say.
    block->header.height = parent->height;
    block->header.parent = parent->parent;
    block->header.parent_state = parent->parent_state;
    block->header.epoch = parent->epoch;
    block->header.certificate = parent->certificate;
    block->header.transaction_root = crypto::merkle_root({});
    block->short_ids.clear();
    sign(block->header);
    const base::Buffer lie = wire::encode(*block);
    count(crypto::hash(lie));
    return with_payload(*frame, lie);
}

std::optional<base::Duration> BounceTamper::lets_out(const std::optional<base::LinkAddress>&,
                                                     base::Bytes datagram) {
    if (!is_consensus(datagram)) return base::Duration{};
    const base::Instant now = now_();
    if (now < start_) return base::Duration{};
    const base::Duration into_slot = (now - start_) % slot_;
    const base::Duration wait = slot_ - into_slot - before_;
    if (wait <= base::Duration{}) return base::Duration{};
    ++acts_;
    return wait;
}

}  // namespace meshchain::sim
