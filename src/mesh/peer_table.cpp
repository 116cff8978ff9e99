#include "mesh/peer_table.h"

#include <algorithm>
#include <tuple>

#include "base/assert.h"
#include "mesh/address_group.h"

namespace meshchain::mesh {
namespace {

/// A session that lasted so long may be safe from newcomers.
constexpr base::Duration safe_after = std::chrono::minutes(1);

bool is_privileged(const Peer& peer) { return peer.is_static || peer.is_validator; }

}  // namespace

PeerTable::PeerTable(const Options& options)
    : entries_max_(entries_max(options)),
      sessions_max_(options.peers_max),
      sessions_reserved_(options.peers_reserved) {
    set_validators(options.validators);
}

void PeerTable::set_validators(std::span<const ValidatorIdentity> validators) {
    validators_.assign(validators.begin(), validators.end());
    std::ranges::sort(validators_);
    for (auto& [key, entry] : entries_) note_stake(entry.peer);
}

void PeerTable::note_stake(Peer& peer) const {
    const auto stake = stake_of(peer.key);
    peer.is_validator = stake.has_value();
    peer.stake = stake.value_or(wire::Amount{});
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
    return found == by_endpoint_.end() ? nullptr : found->second;
}

PeerEntry& PeerTable::add(base::Instant now, const crypto::PublicKey& key,
                          const crypto::NodeId& id) {
    if (PeerEntry* known = find(key)) return *known;
    make_room();
    PeerEntry& entry = entries_[key];
    entry.peer.key = key;
    entry.peer.id = id;
    note_stake(entry.peer);
    entry.peer.first_heard = entry.peer.last_heard = now;
    flag_shared_id(id);
    return entry;
}

void PeerTable::make_room() {
    if (entries_.size() < entries_max_) return;
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

std::vector<PeerEntry*> PeerTable::ordinary_by_use() {
    std::vector<PeerEntry*> ordinary;
    for (auto& [key, entry] : entries_) {
        if (entry.session && !is_privileged(entry.peer)) ordinary.push_back(&entry);
    }
    // Of two that are equally useful the newer one counts less.
    std::ranges::stable_sort(ordinary, [](const PeerEntry* a, const PeerEntry* b) {
        const auto rank = [](const PeerEntry* entry) {
            return std::tuple(entry->peer.metrics.useful, entry->peer.score);
        };
        if (rank(a) != rank(b)) return rank(a) < rank(b);
        return a->session->opened > b->session->opened;
    });
    return ordinary;
}

PeerTable::Admission PeerTable::admit(base::Instant now, const Applicant& applicant) {
    const std::vector<PeerEntry*> ordinary = ordinary_by_use();
    const bool room = sessions() < sessions_max_;
    if (applicant.is_privileged) {
        if (room) return {.admitted = true};
        return {.admitted = !ordinary.empty(), .evict = ordinary.empty() ? nullptr : ordinary[0]};
    }
    const std::size_t slots = sessions_max_ - sessions_reserved_;
    if (room && ordinary.size() < slots) return {.admitted = true};

    std::vector<PeerEntry*> replaceable;
    for (std::size_t i = 0; i < ordinary.size(); ++i) {
        const PeerEntry& entry = *ordinary[i];
        const bool upper_half = 2 * i >= ordinary.size();
        const bool proven =
            entry.peer.metrics.useful > 0 && now - entry.session->opened >= safe_after;
        if (!(upper_half && proven)) replaceable.push_back(ordinary[i]);
    }
    if (PeerEntry* one = in_crowd(replaceable, ordinary, applicant.address)) {
        return {.admitted = true, .evict = one};
    }
    if (applicant.is_known && !replaceable.empty() && replaceable[0]->peer.metrics.useful == 0 &&
        !replaceable[0]->known) {
        return {.admitted = true, .evict = replaceable[0]};
    }
    if (!applicant.is_drawn) return {};
    PeerEntry* const one = least_useful(now, replaceable);
    return {.admitted = one != nullptr, .evict = one};
}

PeerEntry* PeerTable::least_useful(base::Instant now, std::span<PeerEntry* const> candidates) {
    PeerEntry* found = nullptr;
    // Of equals the one that has been here longest: each gets its time.
    const auto rank = [](const PeerEntry* entry) {
        return std::pair(entry->peer.metrics.useful, entry->session->opened);
    };
    for (PeerEntry* candidate : candidates) {
        if (now - candidate->session->opened < safe_after) continue;
        if (found == nullptr || rank(candidate) < rank(found)) found = candidate;
    }
    return found;
}

PeerEntry* PeerTable::in_crowd(std::span<PeerEntry* const> candidates,
                               std::span<PeerEntry* const> ordinary,
                               const base::LinkAddress& address) const {
    // Two more than the newcomer's side has, so that the same exchange is never worth undoing.
    constexpr std::size_t excess = 2;
    for (const auto part : {prefix_of, host_of}) {
        const auto crowd_at = [&](const base::LinkAddress& at) {
            return static_cast<std::size_t>(
                std::ranges::count_if(ordinary, [&](const PeerEntry* entry) {
                    return base::equal(part(entry->peer.address), part(at));
                }));
        };
        PeerEntry* found = nullptr;
        std::size_t greatest = crowd_at(address) + excess - 1;
        for (PeerEntry* candidate : candidates) {
            const std::size_t crowd = crowd_at(candidate->peer.address);
            if (crowd <= greatest) continue;
            greatest = crowd;
            found = candidate;
        }
        if (found != nullptr) return found;
    }
    return nullptr;
}

void PeerTable::open_session(PeerEntry& entry, Session session) {
    MESH_ASSERT(!entry.session);
    const bool added = by_endpoint_.emplace(session.endpoint, &entry).second;
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

std::optional<wire::Amount> PeerTable::stake_of(const crypto::PublicKey& key) const {
    const auto found = std::ranges::lower_bound(validators_, key, {}, &ValidatorIdentity::key);
    if (found == validators_.end() || found->key != key) return std::nullopt;
    return found->stake;
}

void PeerTable::check_invariants() const {
    MESH_ASSERT(by_endpoint_.size() <= sessions_max_);
    MESH_ASSERT(entries_.size() <= entries_max_);
    std::size_t sessions = 0;
    for (const auto& [key, entry] : entries_) {
        MESH_ASSERT(entry.peer.key == key);
        MESH_ASSERT(!entry.peer.connected || entry.session);
        if (!entry.session) continue;
        ++sessions;
        const auto found = by_endpoint_.find(entry.session->endpoint);
        MESH_ASSERT(found != by_endpoint_.end() && found->second == &entry);
        MESH_ASSERT(!entry.peer.connected || entry.session->mutual);
    }
    MESH_ASSERT(sessions == by_endpoint_.size());
}

}  // namespace meshchain::mesh
