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
    if (type != block && type != block_ack && type != short_vote) return;
    if (!known_.insert(crypto::hash(payload)).second) return;
    if (type == block_ack) {
        if (const auto vote = wire::parse_vote(payload)) note_vote(*vote);
    } else if (type == short_vote) {
        if (const auto vote = wire::parse_short_vote(payload)) note_short_vote(*vote);
    } else if (const auto announcement = wire::parse_block_announcement(payload)) {
        note_block(announcement->header);
    }
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
void SignatureWatch::note_short_vote(const wire::ShortVote& vote) {
    const auto source = named_.find(vote.source);
    const auto target = named_.find(vote.target);
    if (source == named_.end() || target == named_.end()) return;
    note_vote(wire::expand(vote, {vote.round_low}, source->second.slot, source->second.hash,
                           target->second.hash));
}

void SignatureWatch::note_block(const wire::BlockHeader& header) {
    const crypto::PublicKey* const key = signer(header.proposer, header);
    if (key == nullptr) return;
    blocks_ += is_honest(*key);
    const wire::Hash hash = crypto::hash(wire::preimage(chain_, header, *key));
    named_[wire::name_of(hash)] = {hash, header.slot};
    const auto [at, is_new] = block_of_slot_.emplace(Statement{*key, header.slot.value}, hash);
    if (!is_new && at->second != hash) {
        condemn(*key, who(header.proposer) + " signed two blocks of slot " +
                          std::to_string(header.slot.value));
    }
}

}  // namespace meshchain::sim
