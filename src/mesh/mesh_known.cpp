// Peers of earlier runs: dialled at start, and written down while they are useful.

#include "mesh/mesh.h"
#include "mesh/unix_seconds.h"

namespace meshchain::mesh {
namespace {

constexpr base::Duration recall_interval_min = std::chrono::seconds(2);
/// Who has not answered by then is left to discovery.
constexpr base::Duration recall_interval_max = std::chrono::seconds(16);
constexpr base::Duration save_interval = std::chrono::minutes(10);
/// A peer is worth remembering after so long.
constexpr base::Duration known_after = std::chrono::minutes(1);

}  // namespace

void Mesh::recall_known_peers(base::Now now) {
    if (const auto loaded = known_peers_.load(doors_.store, doors_.table); !loaded) {
        doors_.log.warning("starting without known peers: " + base::sentence(loaded.error()));
    }
    recall_interval_ = recall_interval_min;
    recall_at_ = known_peers_.all().empty() ? base::never : now.instant;
    save_known_at_ = now.instant + save_interval;
}

void Mesh::dial_known_peers(base::Now now) {
    if (now.instant < recall_at_) return;
    recall_at_ =
        recall_interval_ > recall_interval_max ? base::never : now.instant + recall_interval_;
    recall_interval_ *= 2;
    for (const KnownPeer& known : known_peers_.all()) {
        const PeerEntry* entry = peers_.find(known.key);
        if (entry != nullptr && entry->session) continue;
        const Endpoint endpoint{.link = 0, .address = known.address};
        if (!handshake_->is_static(endpoint)) send_hello(now, endpoint, Initiative::ours);
    }
}

void Mesh::note_known(base::Now now, const PeerEntry& entry) {
    if (!entry.session || entry.session->endpoint.link != 0) return;
    if (!entry.session->mutual || entry.peer.metrics.useful == 0) return;
    if (now.instant - entry.session->opened < known_after) return;
    known_peers_.note({entry.peer.key, entry.peer.address, unix_seconds(now.wall)});
}

void Mesh::save_known_peers(base::Now now) {
    save_known_at_ = now.instant + save_interval;
    peers_.for_each([&](const PeerEntry& entry) { note_known(now, entry); });
    if (const auto saved = known_peers_.save(doors_.store, doors_.table); !saved) {
        doors_.log.warning("known peers not stored: " + base::sentence(saved.error()));
    }
}

}  // namespace meshchain::mesh
