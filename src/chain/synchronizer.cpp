#include "chain/synchronizer.h"

#include <algorithm>
#include <tuple>

namespace meshchain::chain {

std::string_view name(SyncState state) {
    switch (state) {
        case SyncState::idle: return "IDLE";
        case SyncState::syncing: return "SYNCING";
        case SyncState::synced: return "SYNCED";
        case SyncState::behind: return "BEHIND";
        case SyncState::error: return "ERROR";
    }
    return "UNKNOWN";
}

bool Synchronizer::is_ahead(const PeerHeights& heights) const {
    return heights.head > local_.head || heights.final > local_.final;
}

base::Instant Synchronizer::ready_at(const Claim& claim) const {
    // A reorganisation made us lower than a peer: noticed when it speaks again.
    if (behind_since_ == base::never) return base::never;
    const bool far = claim.heights.head.value > local_.head.value + 1;
    return std::max(claim.again, far ? behind_since_ : behind_since_ + options_.grace);
}

std::optional<crypto::PublicKey> Synchronizer::best_peer(base::Instant now) const {
    const auto rank = [](const Claim& claim) {
        return std::tuple(-static_cast<int>(claim.failures), claim.is_validator,
                          claim.heights.final, claim.heights.head);
    };
    const std::pair<const crypto::PublicKey, Claim>* best = nullptr;
    for (const auto& entry : peers_) {
        if (!is_ahead(entry.second.heights) || ready_at(entry.second) > now) continue;
        if (best == nullptr || rank(entry.second) > rank(best->second)) best = &entry;
    }
    if (best == nullptr) return std::nullopt;
    return best->first;
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
    if (!believed) {
        state_ = peers_.empty() ? SyncState::idle : SyncState::synced;
    } else if (state_ == SyncState::idle || state_ == SyncState::synced) {
        state_ = SyncState::behind;
        start_ = local_.head;
    }
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
    claim.again = now + options_.request_timeout * (1 << std::min(claim.failures, doublings_max));
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
        if (is_ahead(claim.heights)) earliest = std::min(earliest, ready_at(claim));
    }
    return std::max(next_request_, earliest);
}

std::optional<SyncQuery> Synchronizer::poll_request(base::Instant now, std::size_t downloads) {
    if (next_request(downloads) > now) return std::nullopt;
    judge_attempt(now);
    const auto peer = best_peer(now);
    if (!peer) return std::nullopt;
    const Claim& claim = peers_.at(*peer);
    if (claim.is_believed()) state_ = SyncState::syncing;
    if (claim.heights.head <= local_.head || (cursor_ && *cursor_ > claim.heights.head)) {
        // Their blocks are here; what is missing is the proof that they are final.
        cursor_.reset();
        attempt_ = Attempt{*peer, local_};
        next_request_ = now + options_.request_timeout;
        return SyncQuery{*peer, wire::CertificateRequest{}};
    }
    asked_ = peer;
    deadline_ = now + options_.request_timeout;
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

wire::Height Synchronizer::target() const {
    wire::Height target = local_.head;
    for (const auto& [peer, claim] : peers_) {
        if (claim.is_believed()) target = std::max(target, claim.heights.head);
    }
    return target;
}

std::uint32_t Synchronizer::percent() const {
    const std::uint32_t whole = target().value - std::min(target(), start_).value;
    if (whole == 0 || local_.head >= target()) return 100;
    return (local_.head.value - std::min(local_.head, start_).value) * 100 / whole;
}

}  // namespace meshchain::chain
