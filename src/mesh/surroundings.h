#pragma once
// What Mesh knows about the mesh beyond its own sessions, and what it still has to tell
// (mesh_announce.cpp, mesh_route.cpp; rows F3, F9).
//
// Limits: those of the tables; one hand-over a session, at most one a minute to one peer.

#include <vector>

#include "mesh/announcement_table.h"
#include "mesh/announcer.h"
#include "mesh/clock_questions.h"
#include "mesh/options.h"
#include "mesh/router.h"

namespace meshchain::mesh {

/// Announcements that a new neighbour may not have heard, given to it a few at a time.
struct HandOver {
    std::vector<crypto::PublicKey> origins;
    base::Instant next;
};

struct Surroundings {
    Surroundings(const Options& options, const wire::ChainId& chain,
                 const crypto::PublicKey& identity, std::uint32_t epoch, base::Random random,
                 base::Now now)
        : known(options.nodes_max, options.validators),
          topology(identity),
          announcer(options.announce_interval, random),
          router({options.routes_max, options.route_timeout}, identity, epoch, now) {
        for (const std::string& name : options.segments) {
            segments.push_back(wire::segment_id(chain, name));
        }
        std::ranges::sort(segments);
        announcer.start(now.instant);
    }

    AnnouncementTable known;
    Topology topology;
    bool topology_changed = true;
    base::Instant topology_built{};

    Announcer announcer;
    std::uint32_t announced = 0;  ///< how often
    base::Buffer announcement;    ///< our newest, as it left
    std::vector<wire::SegmentId> segments;

    std::vector<crypto::PublicKey> neighbours;  ///< with a mutual session; ascending
    std::map<crypto::PublicKey, HandOver> hand_overs;
    base::LruCache<crypto::PublicKey, base::Instant> handed_over{128};  ///< when

    Router router;
    ClockQuestions clock_questions;
};

}  // namespace meshchain::mesh
