// Announcements (row F3): what we tell everybody, what we take from others, and the topology that
// follows from both.

#include <algorithm>

#include "base/assert.h"
#include "base/utf8.h"
#include "mesh/mesh.h"

namespace meshchain::mesh {
namespace {

/// The topology is rebuilt as a whole, so a stream of announcements rebuilds it only so often.
constexpr base::Duration topology_interval = std::chrono::seconds(1);
/// A new neighbour's own announcement comes first: it says what need not be told.
constexpr base::Duration hand_over_delay = std::chrono::seconds(4);
/// Slower than the rule of announcements, which has to leave room for news.
constexpr base::Duration hand_over_pause = std::chrono::milliseconds(500);
constexpr base::Duration hand_over_again = std::chrono::minutes(1);
constexpr std::size_t hand_over_at_once = 8;

bool states(const wire::Announcement& announcement, const crypto::NodeId& neighbour) {
    return std::ranges::binary_search(announcement.neighbours, neighbour);
}

}  // namespace

void Mesh::handle_surroundings_timeout(base::Now now) {
    if (sessions_changed_) follow_sessions(now);
    Surroundings& around = *surroundings_;
    if (around.known.expire(now.instant)) around.topology_changed = true;
    // Alone there is nobody to tell; the first session is a change.
    if (around.neighbours.empty()) around.announcer.stop();
    if (around.announcer.is_due(now.instant)) publish(now);
    if (around.announcer.is_repeat_due(now.instant)) {
        around.announcer.note_repeated();
        send_announcement(now);
    }
    hand_over(now);
    refresh_topology(now.instant);
    retry_routed(now);
}

base::Instant Mesh::surroundings_timeout(base::Instant now) const {
    if (sessions_changed_) return now;
    const Surroundings& around = *surroundings_;
    base::Instant next = std::min({around.announcer.poll_timeout(), around.known.next_expiry(),
                                   around.router.poll_timeout()});
    if (around.topology_changed) next = std::min(next, around.topology_built + topology_interval);
    for (const auto& [peer, given] : around.hand_overs) next = std::min(next, given.next);
    return next;
}

void Mesh::follow_sessions(base::Now now) {
    sessions_changed_ = false;
    Surroundings& around = *surroundings_;
    std::vector<crypto::PublicKey> current;
    peers_.for_each([&](const PeerEntry& entry) {
        if (entry.session && entry.session->mutual) current.push_back(entry.peer.key);
    });
    for (const crypto::PublicKey& lost : around.neighbours) {
        if (std::ranges::binary_search(current, lost)) continue;
        around.known.set_neighbour(lost, false);
        around.hand_overs.erase(lost);
        around.router.handle_peer_lost(now.instant, lost);
    }
    for (const crypto::PublicKey& found : current) {
        if (std::ranges::binary_search(around.neighbours, found)) continue;
        around.known.set_neighbour(found, true);
        begin_hand_over(now.instant, found);
    }
    if (current == around.neighbours) return;
    around.neighbours = std::move(current);
    around.announcer.handle_change(now.instant, around.known.size());
    // Our own edges count at once: what is sent next may need them.
    around.topology_changed = true;
    around.topology_built = {};
}

std::vector<crypto::PublicKey> Mesh::neighbours() const {
    return surroundings_ ? surroundings_->neighbours : std::vector<crypto::PublicKey>();
}

std::vector<crypto::PublicKey> Mesh::reachable() const {
    std::vector<crypto::PublicKey> found;
    if (!surroundings_) return found;
    const Topology& topology = surroundings_->topology;
    for (const crypto::PublicKey& node : topology.nodes()) {
        if (node != identity() && topology.hops(node)) found.push_back(node);
    }
    return found;
}

std::vector<crypto::PublicKey> Mesh::onward(const crypto::PublicKey& origin,
                                            const std::optional<crypto::PublicKey>& from,
                                            const std::optional<wire::SegmentId>& segment) const {
    if (!surroundings_) return {};
    Topology::Takes takes;
    if (segment) {
        takes = [&](const crypto::PublicKey& key) {
            const KnownNode* node = surroundings_->known.find(key);
            return node != nullptr &&
                   std::ranges::binary_search(node->announcement.segments, *segment);
        };
    }
    return surroundings_->topology.onward(origin, from, takes);
}

wire::Announcement Mesh::own_announcement(base::Now now) {
    Surroundings& around = *surroundings_;
    wire::Announcement own;
    own.identity = identity();
    own.sequence = std::uint64_t{sequence_->epoch()} << 32 | ++around.announced;
    own.issued = static_cast<std::uint32_t>(base::unix_ms(now.wall) / 1000);
    own.validity = std::chrono::duration_cast<std::chrono::seconds>(options_.announce_validity);
    own.role = self_.role;
    own.name = base::utf8_prefix(options_.name, wire::Announcement::name_bytes_max);
    own.segments = around.segments;
    // With more sessions than there is room for, those are stated that others most rely on.
    std::vector<crypto::PublicKey> stated = around.neighbours;
    std::ranges::stable_partition(stated, [&](const crypto::PublicKey& key) {
        const PeerEntry* entry = peers_.find(key);
        return entry != nullptr && (entry->peer.is_validator || entry->peer.is_static);
    });
    stated.resize(std::min(stated.size(), wire::Announcement::neighbours_max));
    for (const crypto::PublicKey& key : stated) own.neighbours.push_back(crypto::node_id(key));
    std::ranges::sort(own.neighbours);
    const auto twins = std::ranges::unique(own.neighbours);
    own.neighbours.erase(twins.begin(), twins.end());
    own.signature = self_.identity.sign(wire::announcement_preimage(self_.chain, own));
    return own;
}

void Mesh::publish(base::Now now) {
    surroundings_->announcement = wire::encode(own_announcement(now));
    surroundings_->announcer.note_announced(now.instant);
    send_announcement(now);
}

void Mesh::send_announcement(base::Now now) {
    const base::Buffer& payload = surroundings_->announcement;
    const wire::FrameHeader header =
        own_header(now, wire::MessageType::peer_info, wire::hop_limit_max);
    flood_.mark_relayed(flood_.content_id(header.type, payload), header.hop_limit);
    peers_.for_each([&](PeerEntry& entry) {
        if (entry.session && entry.session->mutual) send_to_session(entry, header, payload);
    });
}

wire::Verdict Mesh::judge_announcement(base::Now now, const crypto::PublicKey& from,
                                       const wire::Frame& frame) {
    auto announcement = wire::parse_announcement(frame.payload);
    if (!announcement || frame.header.sender != crypto::node_id(announcement->identity)) {
        return wire::Verdict::punish;
    }
    Surroundings& around = *surroundings_;
    if (!around.known.is_news(now, *announcement)) return wire::Verdict::ignore;
    if (!crypto::verify(announcement->identity,
                        wire::announcement_preimage(self_.chain, *announcement),
                        announcement->signature)) {
        return wire::Verdict::punish;
    }
    const auto result = around.known.take(now, *std::move(announcement), frame.payload, from,
                                          frame.header.hop_limit);
    if (result != AnnouncementTable::Result::taken) return wire::Verdict::ignore;
    around.topology_changed = true;
    return wire::Verdict::relay;
}

void Mesh::relay_announcement(const crypto::PublicKey& from, const wire::Frame& frame) {
    const auto announcement = wire::parse_announcement(frame.payload);
    if (!announcement || frame.header.hop_limit == 0) return;
    wire::FrameHeader header = frame.header;
    --header.hop_limit;
    peers_.for_each([&](PeerEntry& entry) {
        if (!entry.session || !entry.session->mutual) return;
        // The origin tells its own neighbours itself: where all know each other nothing is relayed.
        if (entry.peer.key == from || entry.peer.key == announcement->identity ||
            states(*announcement, entry.peer.id)) {
            return;
        }
        if (send_to_session(entry, header, frame.payload)) ++stats_.of(header.type).relayed;
    });
}

void Mesh::begin_hand_over(base::Instant now, const crypto::PublicKey& peer) {
    Surroundings& around = *surroundings_;
    const base::Instant* before = around.handed_over.get(peer);
    if (before != nullptr && now - *before < hand_over_again) return;
    around.handed_over.put(peer, now);
    around.hand_overs[peer] = {{}, now + hand_over_delay};
    for (const auto& [key, node] : around.known.nodes()) {
        around.hand_overs[peer].origins.push_back(key);
    }
}

void Mesh::hand_over(base::Now now) {
    Surroundings& around = *surroundings_;
    for (auto& [peer, given] : around.hand_overs) {
        if (now.instant < given.next) continue;
        given.next = now.instant + hand_over_pause;
        PeerEntry* entry = peers_.find(peer);
        for (std::size_t count = 0; count < hand_over_at_once && !given.origins.empty();) {
            const KnownNode* node = around.known.find(given.origins.back());
            given.origins.pop_back();
            if (node == nullptr || node->hop_limit == 0 || node->ingress == peer ||
                node->announcement.identity == peer || states(node->announcement, entry->peer.id)) {
                continue;
            }
            ++count;
            wire::FrameHeader header = own_header(now, wire::MessageType::peer_info,
                                                  static_cast<std::uint8_t>(node->hop_limit - 1));
            header.sender = node->id;
            if (entry->session) send_to_session(*entry, header, node->bytes);
        }
    }
    std::erase_if(around.hand_overs, [](const auto& item) { return item.second.origins.empty(); });
}

void Mesh::refresh_topology(base::Instant now) {
    Surroundings& around = *surroundings_;
    const bool is_due = now - around.topology_built >= topology_interval;
    if (!around.topology_changed || !is_due) return;
    around.topology.rebuild(identity(), around.neighbours, around.known.nodes());
    around.topology_changed = false;
    around.topology_built = now;
}

std::uint8_t Mesh::hops_to(const PeerEntry& entry) const {
    if (entry.session) return 1;
    if (!surroundings_) return Peer::hops_unknown;
    return surroundings_->topology.hops(entry.peer.key).value_or(Peer::hops_unknown);
}

}  // namespace meshchain::mesh
