#pragma once
// The headers seen since FINAL, one a leader and slot, so that two blocks of one key in one slot
// are noticed and proved.
//
// Limits: `capacity` headers; at the limit the lowest slot is forgotten.

#include <map>
#include <optional>

#include "wire/vote.h"

namespace meshchain::consensus {

class ProposalLog {
public:
    explicit ProposalLog(std::size_t capacity) : capacity_(capacity) {}

    struct Seen {
        wire::BlockHeader header;
        crypto::Hash hash;
        unsigned blocks = 1;  ///< different ones, counted up to two
    };
    /// Notes a verified header. Returns the proof if it is the second of its leader and slot.
    std::optional<wire::BlockEvidence> note(const wire::BlockHeader& header,
                                            const crypto::Hash& hash);
    const Seen* find(wire::Slot slot, wire::ValidatorIndex proposer) const;
    void forget_through(wire::Slot slot);
    std::size_t size() const { return seen_.size(); }

private:
    struct Key {
        wire::Slot slot;
        wire::ValidatorIndex proposer;
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    std::size_t capacity_;
    std::map<Key, Seen> seen_;
};

}  // namespace meshchain::consensus
