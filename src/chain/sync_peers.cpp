#include "chain/sync_peers.h"

#include <algorithm>

namespace meshchain::chain {

void BestTier::add(const crypto::PublicKey& peer, bool may_be_asked, Standing standing) {
    const auto rank = [](const Standing& one) {
        return std::pair(-static_cast<int>(one.failures), one.is_validator);
    };
    if (may_be_asked && (peers_.empty() || rank(standing) > rank(standing_))) {
        others_.insert(others_.end(), peers_.begin(), peers_.end());
        peers_.assign(1, peer);
        standing_ = standing;
        return;
    }
    const bool is_equal = may_be_asked && rank(standing) == rank(standing_);
    (is_equal ? peers_ : others_).push_back(peer);
}

std::optional<crypto::PublicKey> BestTier::draw(wire::PeerChoice* choice) const {
    if (choice == nullptr || peers_.size() < 2) return std::nullopt;
    const auto drawn = choice->choose_peers({.count = 1, .excluded = others_});
    if (drawn.empty() || std::ranges::find(peers_, drawn.front()) == peers_.end()) {
        return std::nullopt;
    }
    return drawn.front();
}

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
    BestTier tier;
    for (const auto& [key, peer] : peers_) {
        const bool may_be_asked =
            peer.final >= final && peer.rests_until <= now && peer.in_flight < peer.allowance;
        tier.add(key, may_be_asked, {peer.silences, peer.is_validator});
    }
    if (tier.peers().empty()) return std::nullopt;
    if (const auto drawn = tier.draw(choice_)) return drawn;
    return *std::ranges::max_element(tier.peers(), {}, [&](const crypto::PublicKey& key) {
        const Peer& peer = peers_.at(key);
        return std::pair(peer.allowance - peer.in_flight, peer.final);
    });
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

bool SyncPeers::is_held(wire::Height final) const {
    return std::ranges::any_of(peers_, [&](const auto& entry) {
        return entry.second.final >= final && entry.second.silences < silences_believed;
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

}  // namespace meshchain::chain
