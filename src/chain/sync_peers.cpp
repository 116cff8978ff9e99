#include "chain/sync_peers.h"

#include <algorithm>
#include <tuple>

namespace meshchain::chain {

void SyncPeers::note_claim(const crypto::PublicKey& key, wire::Height final, bool is_validator) {
    Peer& peer = peers_[key];
    peer.final = final;
    peer.is_validator = is_validator;
}

void SyncPeers::note_proven(const crypto::PublicKey& key, wire::Height final) {
    const auto found = peers_.find(key);
    if (found != peers_.end()) found->second.final = std::max(found->second.final, final);
}

std::optional<crypto::PublicKey> SyncPeers::choose(base::Instant now, wire::Height final) const {
    const auto rank = [](const Peer& peer) {
        return std::tuple(-static_cast<int>(peer.silences),
                          static_cast<int>(peer.allowance) - static_cast<int>(peer.in_flight),
                          peer.is_validator, peer.final);
    };
    const std::pair<const crypto::PublicKey, Peer>* best = nullptr;
    for (const auto& entry : peers_) {
        const Peer& peer = entry.second;
        if (peer.final < final || peer.rests_until > now || peer.in_flight >= peer.allowance) {
            continue;
        }
        if (best == nullptr || rank(peer) > rank(best->second)) best = &entry;
    }
    if (best == nullptr) return std::nullopt;
    return best->first;
}

base::Instant SyncPeers::next_choice(base::Instant now, wire::Height final) const {
    base::Instant next = base::never;
    for (const auto& [key, peer] : peers_) {
        if (peer.final < final || peer.in_flight >= peer.allowance) continue;
        next = std::min(next, std::max(now, peer.rests_until));
    }
    return next;
}

bool SyncPeers::is_claimed(base::Instant now, wire::Height final) const {
    return std::ranges::any_of(peers_, [&](const auto& entry) {
        return entry.second.final >= final && entry.second.rests_until <= now;
    });
}

void SyncPeers::note_asked(const crypto::PublicKey& key) { ++peers_[key].in_flight; }

void SyncPeers::note_over(const crypto::PublicKey& key) {
    const auto found = peers_.find(key);
    if (found != peers_.end() && found->second.in_flight > 0) --found->second.in_flight;
}

void SyncPeers::note_delivered(const crypto::PublicKey& key) {
    const auto found = peers_.find(key);
    if (found == peers_.end()) return;
    found->second.silences = 0;
    found->second.allowance = std::min(found->second.allowance + 1, in_flight_max);
}

void SyncPeers::note_slow(const crypto::PublicKey& key) {
    const auto found = peers_.find(key);
    if (found != peers_.end()) found->second.allowance = std::max(1U, found->second.allowance / 2);
}

void SyncPeers::note_silent(base::Instant now, const crypto::PublicKey& key) {
    const auto found = peers_.find(key);
    if (found == peers_.end()) return;
    Peer& peer = found->second;
    peer.allowance = 1;
    peer.rests_until = now + rest_first * (1 << std::min(peer.silences, rest_doublings_max));
    ++peer.silences;
}

void SyncPeers::note_lie(base::Instant now, const crypto::PublicKey& key) {
    const auto found = peers_.find(key);
    if (found == peers_.end()) return;
    found->second.allowance = 1;
    found->second.rests_until = now + liar_rest;
    ++found->second.silences;
}

std::optional<wire::Height> SyncPeers::claim_of(const crypto::PublicKey& key) const {
    const auto found = peers_.find(key);
    if (found == peers_.end()) return std::nullopt;
    return found->second.final;
}

}  // namespace meshchain::chain
