#pragma once
// Who is around: the door through which a service that spreads something by itself sees the mesh's
// sessions and what is known of the sessions of others (row F3).

#include <optional>
#include <vector>

#include "base/time.h"
#include "wire/routed.h"

namespace meshchain::wire {

class Neighbourhood {
public:
    virtual ~Neighbourhood() = default;
    /// With whom there is a session, ascending.
    virtual std::vector<crypto::PublicKey> neighbours() const = 0;
    /// Everybody within reach as far as is known, ascending; not this node.
    virtual std::vector<crypto::PublicKey> reachable() const = 0;
    /// Whether it speaks on a medium that everybody in reach hears, too.
    virtual bool has_air() const = 0;
    /// How long a full packet takes there, on the slowest of several; zero without any.
    virtual base::Duration air_packet_time() const { return {}; }
    /// To which neighbours this node passes on what began at `origin`, so that each node gets it
    /// once if all know the same: along the tree of shortest ways from there, where of several
    /// givers the one with the lowest key gives. What is known of others may be old or false, so
    /// whoever uses this notices who was missed. With a segment: over those alone who say that they
    /// are its members.
    virtual std::vector<crypto::PublicKey> onward(
        const crypto::PublicKey& origin, const std::optional<crypto::PublicKey>& from,
        const std::optional<SegmentId>& segment) const = 0;
};

}  // namespace meshchain::wire
