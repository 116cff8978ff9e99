#include "sim/signature_watch.h"

#include <algorithm>

#include "radio/packet.h"
#include "wire/frame.h"

namespace meshchain::sim {

namespace {

std::string who(wire::ValidatorIndex seat) { return "validator " + std::to_string(seat.value); }

}  // namespace

SignatureWatch::SignatureWatch(const ledger::Genesis& genesis,
                               std::set<crypto::PublicKey> dishonest, Findings& findings,
                               std::span<const crypto::PublicKey> people)
    : chain_(ledger::chain_id(genesis)), dishonest_(std::move(dishonest)), findings_(findings) {
    for (const auto& validator : genesis.validators) people_.push_back(validator.key);
    // Where stakes do not move nobody else ever has a seat.
    may_change_ = genesis.stakes.has_value();
    if (may_change_) people_.insert(people_.end(), people.begin(), people.end());
    named_[wire::name_of(chain_)] = {chain_, {}};  // the first votes start from genesis
}

void SignatureWatch::handle_datagram(base::Bytes datagram) {
    const auto frame = wire::parse_frame(datagram);
    if (frame) handle_object(frame->header.type, frame->payload);
}

void SignatureWatch::handle_packet(base::Bytes packet) {
    const auto parsed = radio::parse_packet(packet);
    if (!parsed) return;
    if (const auto* message = std::get_if<radio::Message>(&*parsed)) {
        handle_object(message->type, message->payload);
    }
}

void SignatureWatch::handle_object(wire::MessageType type, base::Bytes payload) {
    using enum wire::MessageType;
    if (type != block && type != block_ack && type != short_vote && type != short_block) return;
    if (!known_.insert(crypto::hash(payload)).second || read(type, payload)) return;
    if (waiting_.size() == waiting_max) {
        waiting_.pop_front();
        ++given_up_;
    }
    waiting_.push_back({type, base::to_buffer(payload)});
}

bool SignatureWatch::read(wire::MessageType type, base::Bytes payload) {
    using enum wire::MessageType;
    if (type == block_ack) {
        if (const auto vote = wire::parse_vote(payload)) note_vote(*vote);
    } else if (type == short_vote) {
        const auto vote = wire::parse_short_vote(payload);
        return !vote || note_short_vote(*vote);
    } else if (type == short_block) {
        const auto said = wire::parse_short_block(payload);
        return !said || note_short_block(*said);
    } else if (const auto announcement = wire::parse_block_announcement(payload)) {
        note_block(announcement->header);
    }
    return true;
}

void SignatureWatch::retry() {
    // Votes may name what a block after them in the queue tells.
    std::erase_if(waiting_, [&](Waiting& waiting) {
        return waiting.type == wire::MessageType::short_block &&
               read(waiting.type, waiting.payload);
    });
    std::erase_if(waiting_, [&](Waiting& waiting) {
        const bool is_vote = waiting.type == wire::MessageType::short_vote;
        if (is_vote && read(waiting.type, waiting.payload)) return true;
        if (++waiting.tries < tries_max) return false;
        ++given_up_;
        return true;
    });
}

template <class Signed>
const crypto::PublicKey* SignatureWatch::signer(wire::ValidatorIndex seat,
                                                const Signed& statement) const {
    const auto has_signed = [&](const crypto::PublicKey& key) {
        return crypto::verify(key, wire::preimage(chain_, statement, key), statement.signature);
    };
    if (seat.value < people_.size() && has_signed(people_[seat.value])) return &people_[seat.value];
    if (!may_change_) return nullptr;
    const auto found = std::ranges::find_if(people_, has_signed);
    return found == people_.end() ? nullptr : &*found;
}

void SignatureWatch::condemn(const crypto::PublicKey& key, std::string what) {
    guilty_.insert(key);
    if (is_honest(key)) findings_.add("equivocation", std::move(what));
}

void SignatureWatch::note_vote(const wire::Vote& vote) {
    const crypto::PublicKey* const key = signer(vote.validator, vote);
    if (key == nullptr) return;
    const std::string round = " round " + std::to_string(vote.round.value);
    const auto [first, last] = votes_of_round_.equal_range(Statement{*key, vote.round.value});
    for (auto at = first; at != last; ++at) {
        const bool is_same = at->second.source == vote.source && at->second.target == vote.target;
        if (is_same) return;
        condemn(*key, who(vote.validator) + " signed two votes of" + round);
    }
    votes_ += is_honest(*key);
    const auto at = votes_of_round_.emplace(Statement{*key, vote.round.value}, vote);
    // Of one validator, sources must not fall while target rounds rise.
    const auto surrounds = [](const wire::Vote& earlier, const wire::Vote& later) {
        return earlier.round < later.round && wire::precedes(later.source, earlier.source);
    };
    const auto before = at == votes_of_round_.begin() ? votes_of_round_.end() : std::prev(at);
    const auto after = std::next(at);
    const bool is_bad = (before != votes_of_round_.end() && before->first.first == *key &&
                         surrounds(before->second, vote)) ||
                        (after != votes_of_round_.end() && after->first.first == *key &&
                         surrounds(vote, after->second));
    if (is_bad) condemn(*key, who(vote.validator) + " signed a surround vote in" + round);
}

/// Of blocks that were announced; no run here has as many rounds as the short form tells apart.
bool SignatureWatch::note_short_vote(const wire::ShortVote& vote) {
    const auto source = named_.find(vote.source);
    const auto target = named_.find(vote.target);
    if (source == named_.end() || target == named_.end()) return false;
    note_vote(wire::expand(vote, {vote.round_low}, source->second.slot, source->second.hash,
                           target->second.hash));
    return true;
}

bool SignatureWatch::note_short_block(const wire::ShortBlock& block) {
    auto header = expand_like_sibling(block);
    if (!header && expand_block) header = expand_block(block);
    if (!header || header->signature != block.signature) return false;
    note_block(*header);
    return true;
}

/// Of two blocks of a slot mostly one is applied, and tells what both have from their parent: the
/// other one may be in short for ever.
std::optional<wire::BlockHeader> SignatureWatch::expand_like_sibling(
    const wire::ShortBlock& block) const {
    for (const auto& [hash, sibling] : headers_) {
        if (wire::name_of(sibling.parent) != block.parent) continue;
        wire::BlockParent parent{.hash = sibling.parent,
                                 .height = {sibling.height.value - 1},
                                 .certificate = {},
                                 .state = sibling.parent_state};
        if (const auto known = headers_.find(sibling.parent); known != headers_.end()) {
            parent.epoch = known->second.epoch;
            parent.certificate = known->second.certificate;
        } else if (sibling.parent != chain_) {
            continue;
        }
        const wire::BlockHeader header = wire::expand(block, parent).header;
        const crypto::PublicKey* const key = signer(header.proposer, header);
        if (key == nullptr) continue;
        if (wire::name_of(wire::block_hash(chain_, header, *key)) == block.name) return header;
    }
    return std::nullopt;
}

void SignatureWatch::note_block(const wire::BlockHeader& header) {
    const crypto::PublicKey* const key = signer(header.proposer, header);
    if (key == nullptr) return;
    blocks_ += is_honest(*key);
    const wire::Hash hash = crypto::hash(wire::preimage(chain_, header, *key));
    named_[wire::name_of(hash)] = {hash, header.slot};
    headers_.emplace(hash, header);
    const auto [at, is_new] = block_of_slot_.emplace(Statement{*key, header.slot.value}, hash);
    if (!is_new && at->second != hash) {
        condemn(*key, who(header.proposer) + " signed two blocks of slot " +
                          std::to_string(header.slot.value));
    }
}

}  // namespace meshchain::sim
