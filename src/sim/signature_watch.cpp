#include "sim/signature_watch.h"

#include "wire/frame.h"

namespace meshchain::sim {

SignatureWatch::SignatureWatch(const ledger::Genesis& genesis,
                               std::set<crypto::PublicKey> dishonest, Findings& findings)
    : genesis_(genesis),
      chain_(ledger::chain_id(genesis)),
      dishonest_(std::move(dishonest)),
      findings_(findings) {}

void SignatureWatch::handle_datagram(base::Bytes datagram) {
    const auto frame = wire::parse_frame(datagram);
    if (!frame) return;
    const auto type = frame->header.type;
    if (type != wire::MessageType::block && type != wire::MessageType::block_ack) return;
    if (!known_.insert(crypto::hash(frame->payload)).second) return;
    if (type == wire::MessageType::block_ack) {
        if (const auto vote = wire::parse_vote(frame->payload)) note_vote(*vote);
    } else if (const auto block = wire::parse_block_announcement(frame->payload)) {
        note_block(block->header);
    }
}

bool SignatureWatch::is_honest(wire::ValidatorIndex validator) const {
    return validator.value < genesis_.validators.size() &&
           !dishonest_.contains(genesis_.validators[validator.value].key);
}

std::string SignatureWatch::who(wire::ValidatorIndex validator) const {
    return "validator " + std::to_string(validator.value);
}

bool SignatureWatch::is_signed(const wire::Vote& vote) const {
    const crypto::PublicKey& key = genesis_.validators[vote.validator.value].key;
    return crypto::verify(key, wire::preimage(chain_, vote, key), vote.signature);
}

void SignatureWatch::note_vote(const wire::Vote& vote) {
    if (!is_honest(vote.validator) || !is_signed(vote)) return;
    ++votes_;
    const auto [at, is_new] =
        vote_of_round_.emplace(Statement{vote.validator, vote.round.value}, vote);
    if (!is_new) {
        if (at->second.source != vote.source || at->second.target != vote.target) {
            findings_.add("equivocation", who(vote.validator) + " signed two votes of round " +
                                              std::to_string(vote.round.value));
        }
        return;
    }
    // Of one validator, sources must not fall while target rounds rise.
    const auto before = at == vote_of_round_.begin() ? vote_of_round_.end() : std::prev(at);
    const auto after = std::next(at);
    const auto surrounds = [](const wire::Vote& earlier, const wire::Vote& later) {
        return wire::precedes(later.source, earlier.source);
    };
    const bool is_bad = (before != vote_of_round_.end() && before->first.first == vote.validator &&
                         surrounds(before->second, vote)) ||
                        (after != vote_of_round_.end() && after->first.first == vote.validator &&
                         surrounds(vote, after->second));
    if (is_bad) {
        findings_.add("equivocation", who(vote.validator) + " signed a surround vote in round " +
                                          std::to_string(vote.round.value));
    }
}

void SignatureWatch::note_block(const wire::BlockHeader& header) {
    if (!is_honest(header.proposer)) return;
    const crypto::PublicKey& key = genesis_.validators[header.proposer.value].key;
    const base::Buffer preimage = wire::preimage(chain_, header, key);
    if (!crypto::verify(key, preimage, header.signature)) return;
    ++blocks_;
    const wire::Hash hash = crypto::hash(preimage);
    const auto [at, is_new] =
        block_of_slot_.emplace(Statement{header.proposer, header.slot.value}, hash);
    if (!is_new && at->second != hash) {
        findings_.add("equivocation", who(header.proposer) + " signed two blocks of slot " +
                                          std::to_string(header.slot.value));
    }
}

}  // namespace meshchain::sim
