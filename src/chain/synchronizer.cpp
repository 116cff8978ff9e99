#include "chain/synchronizer.h"

#include <algorithm>

namespace meshchain::chain {

base::Instant Synchronizer::ready_at(const crypto::PublicKey& peer, const Claim& claim) const {
    // A reorganisation made us lower than a peer: noticed when it speaks again.
    if (behind_since_ == base::never) return base::never;
    const base::Duration answer = patience(peer);
    // Where an answer takes minutes, what is on its way to all comes first.
    if (answer > options_.request_timeout) return std::max(claim.again, behind_since_ + answer);
    const bool far = claim.heights.head.value > local_.head.value + 1;
    return std::max(claim.again, far ? behind_since_ : behind_since_ + options_.grace);
}

std::optional<crypto::PublicKey> Synchronizer::best_peer(base::Instant now) const {
    BestTier tier;
    for (const auto& [key, claim] : peers_) {
        tier.add(key, is_ahead(claim.heights) && ready_at(key, claim) <= now,
                 {claim.failures, claim.is_validator});
    }
    if (tier.peers().empty()) return std::nullopt;
    if (const auto drawn = tier.draw(choice_)) return drawn;
    return *std::ranges::max_element(tier.peers(), {}, [&](const crypto::PublicKey& key) {
        const PeerHeights& heights = peers_.at(key).heights;
        return std::pair(heights.final, heights.head);
    });
}

std::optional<PeerHeights> Synchronizer::heights_of(const crypto::PublicKey& peer) const {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return std::nullopt;
    return found->second.heights;
}

void Synchronizer::handle_peer(base::Instant now, const crypto::PublicKey& peer,
                               PeerHeights heights, bool is_validator) {
    Claim& claim = peers_[peer];
    claim.heights = heights;
    claim.is_validator = is_validator;
    if (is_ahead(heights) && behind_since_ == base::never) behind_since_ = now;
    update_state();
}

void Synchronizer::forget_peer(const crypto::PublicKey& peer) {
    peers_.erase(peer);
    if (asked_ == peer) asked_.reset();
    if (attempt_ && attempt_->peer == peer) attempt_.reset();
    update_state();
}

void Synchronizer::set_local(PeerHeights local) {
    local_ = local;
    update_state();
}

void Synchronizer::update_state() {
    bool ahead = false;
    bool believed = false;
    for (const auto& [peer, claim] : peers_) {
        if (!is_ahead(claim.heights)) continue;
        ahead = true;
        believed |= claim.is_believed();
    }
    if (!ahead) {
        behind_since_ = base::never;
        cursor_.reset();
        attempt_.reset();
    }
    is_behind_ = believed;
}

bool Synchronizer::handle_hashes(base::Instant now, const crypto::PublicKey& from,
                                 const wire::HashesResponse& response) {
    if (asked_ != from) return false;
    asked_.reset();
    if (response.hashes.empty() || response.from != asked_from_) {
        // The page after the last one: start again from FINAL, later, if we are still behind.
        doubt(now, from);
        return false;
    }
    cursor_ =
        wire::Height{response.from.value + static_cast<std::uint32_t>(response.hashes.size())};
    // Up to our own height a page may name what we hold; beyond it must bring something new.
    if (*cursor_ > wire::Height{local_.head.value + 1}) attempt_ = Attempt{from, local_};
    return true;
}

void Synchronizer::judge_attempt(base::Instant now) {
    if (!attempt_) return;
    const Attempt attempt = *attempt_;
    attempt_.reset();
    if (local_.head > attempt.before.head || local_.final > attempt.before.final) {
        peers_[attempt.peer].failures = 0;
    } else {
        doubt(now, attempt.peer);
    }
}

void Synchronizer::doubt(base::Instant now, const crypto::PublicKey& peer) {
    Claim& claim = peers_[peer];
    claim.again = now + patience(peer) * (1 << std::min(claim.failures, doublings_max));
    ++claim.failures;
    cursor_.reset();
    update_state();
}

void Synchronizer::handle_timeout(base::Instant now) {
    if (!asked_ || deadline_ > now) return;
    const crypto::PublicKey silent = *asked_;
    asked_.reset();
    failures_.push_back(silent);
    doubt(now, silent);
}

base::Instant Synchronizer::next_request(std::size_t downloads) const {
    if (asked_ || downloads > 0) return base::never;
    base::Instant earliest = base::never;
    for (const auto& [peer, claim] : peers_) {
        if (is_ahead(claim.heights)) earliest = std::min(earliest, ready_at(peer, claim));
    }
    return earliest;
}

std::optional<SyncQuery> Synchronizer::poll_request(base::Instant now, std::size_t downloads) {
    if (next_request(downloads) > now) return std::nullopt;
    judge_attempt(now);
    const auto peer = best_peer(now);
    if (!peer) return std::nullopt;
    if (cursor_ && *cursor_ > peers_.at(*peer).heights.head) cursor_.reset();
    asked_ = peer;
    deadline_ = now + patience(*peer);
    asked_from_ = cursor_.value_or(wire::Height{local_.final.value + 1});
    return SyncQuery{*peer, wire::HashesRequest{asked_from_, wire::hashes_max}};
}

base::Instant Synchronizer::poll_timeout(std::size_t downloads) const {
    return asked_ ? deadline_ : next_request(downloads);
}

std::optional<crypto::PublicKey> Synchronizer::poll_failure() {
    if (failures_.empty()) return std::nullopt;
    const crypto::PublicKey peer = failures_.front();
    failures_.pop_front();
    return peer;
}

}  // namespace meshchain::chain
