#include "chain/synchronizer.h"

#include <algorithm>

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

std::optional<crypto::PublicKey> Synchronizer::best_peer() const {
    std::optional<crypto::PublicKey> best;
    PeerHeights best_heights{};
    for (const auto& [peer, heights] : peers_) {
        if (!is_ahead(heights)) continue;
        const auto rank = [](const PeerHeights& h) { return std::pair(h.final, h.head); };
        if (!best || rank(heights) > rank(best_heights)) {
            best = peer;
            best_heights = heights;
        }
    }
    return best;
}

void Synchronizer::handle_peer(base::Instant now, const crypto::PublicKey& peer,
                               PeerHeights heights) {
    peers_[peer] = heights;
    if (is_ahead(heights) && behind_since_ == base::never) behind_since_ = now;
    update_state();
}

void Synchronizer::forget_peer(const crypto::PublicKey& peer) {
    peers_.erase(peer);
    if (asked_ == peer) asked_.reset();
    update_state();
}

void Synchronizer::set_local(PeerHeights local) {
    local_ = local;
    update_state();
}

void Synchronizer::update_state() {
    if (best_peer()) {
        if (state_ == SyncState::idle || state_ == SyncState::synced) {
            state_ = SyncState::behind;
            start_ = local_.head;
        }
        return;
    }
    behind_since_ = base::never;
    cursor_.reset();
    state_ = peers_.empty() ? SyncState::idle : SyncState::synced;
}

bool Synchronizer::handle_hashes(base::Instant now, const crypto::PublicKey& from,
                                 const wire::HashesResponse& response) {
    if (asked_ != from) return false;
    asked_.reset();
    if (response.hashes.empty()) {
        // The page after the last one: start again from FINAL, later, if we are still behind.
        cursor_.reset();
        next_request_ = now + options_.request_timeout;
        return false;
    }
    cursor_ =
        wire::Height{response.from.value + static_cast<std::uint32_t>(response.hashes.size())};
    return true;
}

void Synchronizer::handle_timeout(base::Instant now) {
    if (!asked_ || deadline_ > now) return;
    failures_.push_back(*asked_);
    peers_.erase(*asked_);  // until it speaks again
    asked_.reset();
    cursor_.reset();
    update_state();
}

base::Instant Synchronizer::next_request(std::size_t downloads) const {
    const auto peer = best_peer();
    if (asked_ || downloads > 0 || !peer) return base::never;
    const bool far = peers_.at(*peer).head.value > local_.head.value + 1;
    return std::max(next_request_, far ? behind_since_ : behind_since_ + options_.grace);
}

std::optional<SyncQuery> Synchronizer::poll_request(base::Instant now, std::size_t downloads) {
    if (next_request(downloads) > now) return std::nullopt;
    const crypto::PublicKey peer = *best_peer();
    const PeerHeights& theirs = peers_.at(peer);
    state_ = SyncState::syncing;
    if (theirs.head <= local_.head || (cursor_ && *cursor_ > theirs.head)) {
        // Their blocks are here; what is missing is the proof that they are final.
        cursor_.reset();
        next_request_ = now + options_.request_timeout;
        return SyncQuery{peer, wire::CertificateRequest{}};
    }
    asked_ = peer;
    deadline_ = now + options_.request_timeout;
    const wire::Height from = cursor_.value_or(wire::Height{local_.final.value + 1});
    return SyncQuery{peer, wire::HashesRequest{from, wire::hashes_max}};
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
    for (const auto& [peer, heights] : peers_) target = std::max(target, heights.head);
    return target;
}

std::uint32_t Synchronizer::percent() const {
    const std::uint32_t whole = target().value - std::min(target(), start_).value;
    if (whole == 0 || local_.head >= target()) return 100;
    return (local_.head.value - std::min(local_.head, start_).value) * 100 / whole;
}

}  // namespace meshchain::chain
