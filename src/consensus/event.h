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
/// A vote names a block that is not known here: fetch it (wire::SYNC) and add it. Asked again
/// once a round while it is wanted.
struct NeedBlock {
    crypto::Hash hash;
};
struct Justified {
    wire::Checkpoint checkpoint;
};
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

using Event = std::variant<SendVote, ResendVotes, RequestVotes, NeedBlock, Justified, Final,
                           EvidenceFound, HeadChanged, SayHello>;

}  // namespace meshchain::consensus
