#pragma once
// Whom to ask: the door through which a service lets the mesh choose among its peers (row F2).

#include <span>
#include <vector>

#include "crypto/signature.h"
#include "wire/numbers.h"

namespace meshchain::wire {

class PeerChoice {
public:
    struct Wish {
        std::size_t count = 1;
        Height final_height_min{};  ///< only peers that claim at least this much to be final
        std::span<const crypto::PublicKey> excluded{};
    };

    virtual ~PeerChoice() = default;
    /// At most `wish.count` different connected peers, drawn at random by score, claimed height and
    /// latency. Fewer where there are fewer.
    virtual std::vector<crypto::PublicKey> choose_peers(const Wish& wish) = 0;
};

}  // namespace meshchain::wire
