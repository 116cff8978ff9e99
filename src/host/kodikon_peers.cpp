#include "host/kodikon_peers.h"

#include <algorithm>

namespace meshchain::host {
namespace {

using base::Rate;

// Four hosts at their limit are what the bridge passes on in all.
constexpr Rate alerts_of_anybody{2, 8};
constexpr Rate entries_of_host{600, 300};
constexpr Rate entries_of_strangers{60, 60};

}  // namespace

KodikonBudget::KodikonBudget(base::Instant now, bool is_stranger)
    : alerts(now, alerts_of_anybody),
      entries(now, is_stranger ? entries_of_strangers : entries_of_host) {}

KodikonPeers::Heard KodikonPeers::hear(base::Instant now, const std::string& id,
                                       const base::LinkAddress& address) {
    if (const auto found = peers_.find(id); found != peers_.end()) {
        KodikonPeer& peer = found->second;
        const bool is_there = peer.address.host == address.host;
        if (!is_there && now - peer.heard < settled_for) return Heard::elsewhere;
        if (!is_there && count_of(address.host) >= ids_per_host_max) return Heard::too_many_a_host;
        peer.address = address;
        peer.heard = now;
        return is_there ? Heard::known : Heard::moved;
    }
    const std::size_t names = count_of(address.host);
    if (names >= ids_per_host_max) return Heard::too_many_a_host;
    if (peers_.size() >= peers_max_ && (names > 0 || !make_room())) return Heard::full;
    peers_.emplace(id, KodikonPeer{id, address, now, now});
    return Heard::joined;
}

/// The newest name of the host that has the most, if that is more than one.
bool KodikonPeers::make_room() {
    auto leaving = peers_.end();
    std::size_t most = 1;
    for (auto peer = peers_.begin(); peer != peers_.end(); ++peer) {
        const std::size_t names = count_of(peer->second.address.host);
        if (names < most || names == 1) continue;
        if (names > most || peer->second.joined >= leaving->second.joined) leaving = peer;
        most = names;
    }
    if (leaving == peers_.end()) return false;
    peers_.erase(leaving);
    return true;
}

base::Instant KodikonPeers::poll_timeout() const {
    base::Instant next = base::never;
    for (const auto& [id, peer] : peers_) next = std::min(next, peer.heard + timeout_);
    return next;
}

void KodikonPeers::handle_timeout(base::Instant now) {
    std::erase_if(peers_, [&](const auto& one) { return one.second.heard + timeout_ <= now; });
}

const KodikonPeer* KodikonPeers::find(const std::string& id) const {
    const auto found = peers_.find(id);
    return found == peers_.end() ? nullptr : &found->second;
}

bool KodikonPeers::has_host(const KodikonHost& host) const { return count_of(host) > 0; }

std::size_t KodikonPeers::count_of(const KodikonHost& host) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        peers_, [&](const auto& one) { return one.second.address.host == host; }));
}

bool KodikonPeers::may_read(base::Instant now, const KodikonHost& host) {
    if (read_.get(host) == nullptr) read_.put(host, base::TokenBucket(now, host_reading));
    return read_.get(host)->take(now) && (has_host(host) || strangers_read_.take(now));
}

KodikonBudget& KodikonPeers::budget(base::Instant now, const KodikonHost& host) {
    if (!has_host(host)) return strangers_;
    if (KodikonBudget* found = budgets_.get(host)) return *found;
    budgets_.put(host, KodikonBudget(now, false));
    return *budgets_.get(host);
}

}  // namespace meshchain::host
