#pragma once
// Whom to ask: the door through which a service lets the mesh choose among its peers (row F2).

#include <span>
#include <vector>

#include "base/time.h"
#include "crypto/signature.h"
#include "wire/message_type.h"
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
    /// How long to wait for an answer of this peer: `usual`, or longer where the way is slow.
    virtual base::Duration patience(const crypto::PublicKey&, base::Duration usual) const {
        return usual;
    }
    /// Whether messages of this type reach the peer at all.
    virtual bool reaches(const crypto::PublicKey&, MessageType) const { return true; }
    /// Whether something of this type would leave at once for somebody: not where the air alone is
    /// left, and that is used up.
    virtual bool is_free(base::Instant, MessageType) const { return true; }
    /// How long something said on the slowest link takes to be everywhere, about; zero where that
    /// is no matter.
    virtual base::Duration flood_time() const { return {}; }
};

}  // namespace meshchain::wire
