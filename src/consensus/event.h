#pragma once
// What the engine asks its owner to do or to know.

#include <variant>
#include <vector>

#include "wire/control.h"

namespace meshchain::consensus {

/// A new vote of this node, durable already: flood it.
struct SendVote {
    wire::Vote vote;
};
/// Stored votes that somebody misses: send the identical bytes again.
struct ResendVotes {
    std::vector<wire::Vote> votes;
};
struct RequestVotes {
    wire::VoteRequest request;
};
/// A vote names a block that is not in the tree: fetch it and add it. Asked again once a round
/// while it is wanted. A block that the owner holds below FINAL needs nothing.
struct NeedBlock {
    crypto::Hash hash;
};
/// More than two thirds of the stake finalised a block that was marked invalid here: its mark and
/// those of its ancestors are gone. Fetch their transactions again, from others.
struct CondemnedIsFinal {
    crypto::Hash hash;
};
/// Votes of proofs that are durable now are for blocks that are not applied
/// (`Engine::proof_targets`): without them the proofs are worth nothing after a restart. Keep those
/// that are here, and what lies between them and the applied chain, before the next event; the
/// others once they come.
struct KeepBlocks {};
/// The greatest justified checkpoint rose.
struct Justified {
    wire::Checkpoint checkpoint;
};
/// FINAL rose and is durable; its block may be the same as before, in a higher round.
struct Final {
    wire::Checkpoint checkpoint;
    wire::Certificate certificate;
};
/// New proof against a validator: flood it.
struct EvidenceFound {
    wire::Evidence evidence;
};
/// `Engine::head()` is another block than before.
struct HeadChanged {
    crypto::Hash head;
};
/// Tell the others our slot and hear theirs (HELLO), so that the clock can be checked.
struct SayHello {};

/// The clock is still unchecked: ask these, by identity, in this order, as far as they are not
/// heard directly.
struct AskClocks {
    std::vector<crypto::PublicKey> validators;
};

using Event =
    std::variant<SendVote, ResendVotes, RequestVotes, NeedBlock, KeepBlocks, CondemnedIsFinal,
                 Justified, Final, EvidenceFound, HeadChanged, SayHello, AskClocks>;

}  // namespace meshchain::consensus
