#include "mesh/handshake.h"

#include <algorithm>

namespace meshchain::mesh {

Handshake::Handshake(const Options& options, base::Entropy& entropy, base::Random random,
                     base::Instant now)
    : cookies_(entropy, now),
      random_(random),
      interval_min_(options.dial_interval_min),
      interval_max_(options.dial_interval_max),
      hints_(now, hints_in_all, options.flow_cells, FairBudget::Groups::some),
      cookies_given_(now, cookies_in_all, options.flow_cells, FairBudget::Groups::some),
      verifications_(now, verifications_in_all, options.flow_cells, FairBudget::Groups::some) {
    entropy.fill(flow_key_);
    for (const base::LinkAddress& address : options.static_peers) {
        const Endpoint endpoint{.link = 0, .address = address};
        if (find_static(endpoint) != nullptr) continue;
        static_peers_.push_back({endpoint, {}, now, interval_min_});
    }
}

bool Handshake::may_answer_hint(base::Instant now, const Endpoint& from) {
    return take_token(now, from, hints_);
}

bool Handshake::may_give_cookie(base::Instant now, const Endpoint& from) {
    return take_token(now, from, cookies_given_);
}

bool Handshake::may_verify(base::Instant now, const Endpoint& from) {
    return take_token(now, from, verifications_);
}

bool Handshake::take_token(base::Instant now, const Endpoint& from, FairBudget& total) {
    base::TokenBucket* own = strangers_.get(from);
    if (own == nullptr) {
        strangers_.put(from, base::TokenBucket(now, per_address));
        own = strangers_.get(from);
    }
    if (!own->take(now)) return false;
    // What the configuration names is not starved by what strangers spend.
    if (is_static(from)) return true;
    const AddressFlow flow = flow_of(flow_key_, from.address);
    return total.take(now, flow.host, flow.prefix);
}

void Handshake::note_dialled(base::Instant now, const Endpoint& to) {
    if (find_dial(to) == nullptr) dials_.put(to, {});
    Dial* dial = find_dial(to);
    dial->awaits_cookie = true;
    dial->sent = now;
}

bool Handshake::take_cookie(base::Instant now, const Endpoint& from, const wire::Cookie& cookie) {
    Dial* dial = find_dial(from);
    if (dial == nullptr || !dial->awaits_cookie) return false;
    dial->awaits_cookie = false;
    dial->cookie = cookie;
    dial->round_trip = now - dial->sent;
    return true;
}

base::Duration Handshake::round_trip(const Endpoint& to) {
    const Dial* dial = find_dial(to);
    return dial == nullptr ? base::Duration{} : dial->round_trip;
}

wire::Cookie Handshake::cookie_for(const Endpoint& to) {
    const Dial* dial = find_dial(to);
    return dial == nullptr ? wire::Cookie{} : dial->cookie;
}

bool Handshake::is_static(const Endpoint& endpoint) const {
    return std::ranges::find(static_peers_, endpoint, &StaticPeer::endpoint) != static_peers_.end();
}

std::vector<Endpoint> Handshake::take_due(base::Instant now) {
    std::vector<Endpoint> due;
    for (StaticPeer& peer : static_peers_) {
        if (peer.next > now) continue;
        due.push_back(peer.endpoint);
        peer.next = now + random_.between(peer.interval * 3 / 4, peer.interval);
        peer.interval = std::min(peer.interval * 2, interval_max_);
    }
    return due;
}

void Handshake::note_connected(const Endpoint& endpoint) {
    if (Dial* dial = find_dial(endpoint)) dial->awaits_cookie = false;
    if (StaticPeer* peer = find_static(endpoint)) peer->next = base::never;
}

void Handshake::note_lost(base::Instant now, const Endpoint& endpoint) {
    StaticPeer* peer = find_static(endpoint);
    if (peer == nullptr) return;
    peer->interval = interval_min_;
    peer->next = now + random_.between(interval_min_ / 2, interval_min_);
}

base::Instant Handshake::poll_timeout() const {
    base::Instant first = base::never;
    for (const StaticPeer& peer : static_peers_) first = std::min(first, peer.next);
    return first;
}

void Handshake::refuse(const Endpoint& endpoint, base::Instant until) {
    refused_.put(endpoint, until);
}

bool Handshake::is_refused(base::Instant now, const Endpoint& endpoint) {
    const base::Instant* until = refused_.get(endpoint);
    if (until == nullptr) return false;
    if (now < *until) return true;
    refused_.erase(endpoint);
    return false;
}

Handshake::Dial* Handshake::find_dial(const Endpoint& endpoint) {
    StaticPeer* peer = find_static(endpoint);
    return peer != nullptr ? &peer->dial : dials_.get(endpoint);
}

Handshake::StaticPeer* Handshake::find_static(const Endpoint& endpoint) {
    const auto found = std::ranges::find(static_peers_, endpoint, &StaticPeer::endpoint);
    return found == static_peers_.end() ? nullptr : &*found;
}

}  // namespace meshchain::mesh
