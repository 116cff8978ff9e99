#include "mesh/peer_table.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::mesh {
namespace {

constexpr std::size_t known_peers_per_session = 4;

bool is_privileged(const Peer& peer) { return peer.is_static || peer.is_validator; }

}  // namespace

PeerTable::PeerTable(const Options& options)
    : sessions_max_(options.peers_max),
      sessions_reserved_(options.peers_reserved),
      validators_(options.validators) {
    std::ranges::sort(validators_);
}

PeerEntry* PeerTable::find(const crypto::PublicKey& key) {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second;
}

const PeerEntry* PeerTable::find(const crypto::PublicKey& key) const {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second;
}

PeerEntry* PeerTable::find_session(const Endpoint& endpoint) {
    const auto found = by_endpoint_.find(endpoint);
    return found == by_endpoint_.end() ? nullptr : find(found->second);
}

PeerEntry& PeerTable::add(base::Instant now, const crypto::PublicKey& key,
                          const crypto::NodeId& id) {
    if (PeerEntry* known = find(key)) return *known;
    make_room();
    PeerEntry& entry = entries_[key];
    entry.peer.key = key;
    entry.peer.id = id;
    entry.peer.is_validator = is_validator(key);
    entry.peer.first_heard = entry.peer.last_heard = now;
    flag_shared_id(id);
    return entry;
}

void PeerTable::make_room() {
    if (entries_.size() < sessions_max_ * known_peers_per_session) return;
    auto victim = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
        if (it->second.session) continue;
        if (victim == entries_.end() ||
            it->second.peer.last_heard < victim->second.peer.last_heard) {
            victim = it;
        }
    }
    MESH_ASSERT(victim != entries_.end());
    entries_.erase(victim);
}

void PeerTable::flag_shared_id(const crypto::NodeId& id) {
    const auto shares = [&](const auto& item) { return item.second.peer.id == id; };
    if (std::ranges::count_if(entries_, shares) < 2) return;
    for (auto& [key, entry] : entries_) entry.peer.id_shared |= entry.peer.id == id;
}

PeerTable::Admission PeerTable::admit(bool is_static, bool is_validator) {
    std::size_t ordinary = 0;
    PeerEntry* worst = nullptr;
    for (auto& [key, entry] : entries_) {
        if (!entry.session || is_privileged(entry.peer)) continue;
        ++ordinary;
        if (worst == nullptr || entry.peer.score < worst->peer.score) worst = &entry;
    }
    if (!is_static && !is_validator) {
        return {.admitted =
                    sessions() < sessions_max_ && ordinary < sessions_max_ - sessions_reserved_};
    }
    if (sessions() < sessions_max_) return {.admitted = true};
    return {.admitted = worst != nullptr, .evict = worst};
}

void PeerTable::open_session(PeerEntry& entry, Session session) {
    MESH_ASSERT(!entry.session);
    const bool added = by_endpoint_.emplace(session.endpoint, entry.peer.key).second;
    MESH_ASSERT(added);
    entry.peer.address = session.endpoint.address;
    entry.session = std::move(session);
}

void PeerTable::close_session(PeerEntry& entry) {
    MESH_ASSERT(entry.session);
    by_endpoint_.erase(entry.session->endpoint);
    entry.session.reset();
    entry.peer.connected = false;
}

void PeerTable::remove_forgotten(base::Instant before) {
    std::erase_if(entries_, [&](const auto& item) {
        return !item.second.session && item.second.peer.last_heard < before;
    });
}

bool PeerTable::is_validator(const crypto::PublicKey& key) const {
    return std::ranges::binary_search(validators_, key);
}

void PeerTable::check_invariants() const {
    MESH_ASSERT(by_endpoint_.size() <= sessions_max_);
    MESH_ASSERT(entries_.size() <= sessions_max_ * known_peers_per_session);
    std::size_t sessions = 0;
    std::size_t ordinary = 0;
    for (const auto& [key, entry] : entries_) {
        MESH_ASSERT(entry.peer.key == key);
        MESH_ASSERT(!entry.peer.connected || entry.session);
        if (!entry.session) continue;
        ++sessions;
        if (!is_privileged(entry.peer)) ++ordinary;
        const auto found = by_endpoint_.find(entry.session->endpoint);
        MESH_ASSERT(found != by_endpoint_.end() && found->second == key);
        MESH_ASSERT(!entry.peer.connected || entry.session->mutual);
    }
    MESH_ASSERT(sessions == by_endpoint_.size());
    MESH_ASSERT(ordinary <= sessions_max_ - sessions_reserved_);
}

}  // namespace meshchain::mesh
