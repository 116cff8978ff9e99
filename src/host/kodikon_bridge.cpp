#include "host/kodikon_bridge.h"

#include <algorithm>

#include "base/assert.h"
#include "base/utf8.h"
#include "host/kodikon_translation.h"

namespace meshchain::host {
namespace {

using base::Errc;
using records::AlertPriority;
using wire::RecordKind;

constexpr base::Duration clean_every = std::chrono::minutes(1);
/// Of what an address may raise, left for what is urgent.
constexpr std::uint32_t alerts_kept_of_host = 4;
constexpr std::uint32_t alerts_kept_of_all = 7;
/// Of what all may raise together, left for those that are present.
constexpr std::uint32_t alerts_kept_from_strangers = 14;
constexpr std::uint32_t entries_kept_from_strangers = 300;

KodikonDrop reason_of(const base::Error& error) {
    return error.code == Errc::unsupported ? KodikonDrop::unknown_type : KodikonDrop::malformed;
}

/// Not passed on by anybody: a forwarder adds its name.
bool is_first_hand(const KodikonMessage& message) {
    return message.path.empty() || message.path.back() == message.source;
}

double seconds(const wire::HybridTime& stamp) { return static_cast<double>(stamp.ms) / 1'000; }

}  // namespace

std::string kodikon_bridge_id(const crypto::PublicKey& self) {
    return std::string(kodikon_bridge_prefix) + crypto::to_hex(crypto::node_id(self));
}

KodikonBridge::KodikonBridge(base::Now now, KodikonBridgeOptions options,
                             records::RecordService& records)
    : options_(std::move(options)),
      records_(records),
      peers_(now.instant, options_.peers_max, Limits::peer_timeout),
      outbox_(now, options_.node_id, options_.address, options_.port),
      alerts_(now.instant, Limits::alerts),
      entries_(now.instant, Limits::entries),
      clean_at_(now.instant + clean_every) {
    MESH_ASSERT(options_.node_id.starts_with(kodikon_bridge_prefix));
}

void KodikonBridge::drop(KodikonDrop reason, std::size_t count) {
    stats_.dropped[static_cast<std::size_t>(reason)] += count;
}

std::vector<base::LinkAddress> KodikonBridge::addresses() const {
    std::vector<base::LinkAddress> all;
    for (const auto& [id, peer] : peers_.all()) all.push_back(peer.address);
    std::ranges::sort(all);
    const auto repeated = std::ranges::unique(all);
    all.erase(repeated.begin(), repeated.end());
    return all;
}

void KodikonBridge::handle_datagram(base::Now now, const base::LinkAddress& from,
                                    base::Bytes datagram) {
    ++stats_.received;
    // Before anything is read, for reading is what costs.
    if (!peers_.may_read(now.instant, from.host)) return drop(KodikonDrop::too_often);
    const auto message = parse_kodikon(datagram);
    if (!message) return drop(reason_of(message.error()));
    if (!is_kodikon_id(message->source)) return drop(KodikonDrop::bad_source);
    if (message->source == options_.node_id) return drop(KodikonDrop::own);
    if (message->source.starts_with(kodikon_bridge_prefix)) {
        const bool is_there = message->type == KodikonType::heartbeat && is_first_hand(*message);
        if (is_there &&
            (bridges_.size() < Limits::bridges_max || bridges_.contains(message->source))) {
            bridges_[message->source] = now.instant;
        }
        return drop(KodikonDrop::other_bridge);
    }
    switch (message->type) {
        case KodikonType::heartbeat:
        case KodikonType::peer_discovery: return hear(now, from, *message);
        case KodikonType::node_state_sync:
            hear(now, from, *message);
            return take_state(now, from.host, *message);
        case KodikonType::alert: return take_alert(now, from.host, *message);
        case KodikonType::hash_registry: return take_entries(now, from.host, *message);
        case KodikonType::search_query:
        case KodikonType::route_broadcast:
        case KodikonType::ack:
        case KodikonType::transfer_event:
        case KodikonType::ownership_vote:
        case KodikonType::location_signature:
        case KodikonType::face_search_request:
        case KodikonType::face_search_result: return drop(KodikonDrop::not_carried);
    }
}

void KodikonBridge::hear(base::Now now, const base::LinkAddress& from,
                         const KodikonMessage& message) {
    if (!is_first_hand(message)) return;
    using Heard = KodikonPeers::Heard;
    switch (peers_.hear(now.instant, message.source, from)) {
        case Heard::known:
        case Heard::moved: return;
        case Heard::joined:
            if (retell_at_ == base::never) {
                retell_at_ = now.instant + Limits::retell_wait;
                if (retold_) retell_at_ = std::max(retell_at_, *retold_ + Limits::retell_every);
            }
            return;
        case Heard::elsewhere: return drop(KodikonDrop::name_taken);
        case Heard::too_many_a_host: return drop(KodikonDrop::many_of_a_host);
        case Heard::full: return drop(KodikonDrop::peers_full);
    }
}

bool KodikonBridge::is_known(base::Now now, std::uint64_t content) {
    const base::Instant* since = remembered_.get(content);
    return since != nullptr && now.instant - *since < Limits::duplicate_window;
}

bool KodikonBridge::has_alert_budget(base::Now now, const KodikonHost& from, bool is_urgent) {
    base::TokenBucket& own = peers_.budget(now.instant, from).alerts;
    const std::uint32_t kept_of_all = !peers_.has_host(from) ? alerts_kept_from_strangers
                                      : is_urgent            ? 0
                                                             : alerts_kept_of_all;
    if (own.available(now.instant) <= (is_urgent ? 0 : alerts_kept_of_host)) return false;
    if (alerts_.available(now.instant) <= kept_of_all) return false;
    return own.take(now.instant) && alerts_.take(now.instant);
}

std::size_t KodikonBridge::rank(base::Now now) const {
    const auto before = std::ranges::count_if(bridges_, [&](const auto& bridge) {
        return bridge.first < options_.node_id &&
               now.instant - bridge.second < Limits::peer_timeout;
    });
    return std::min(static_cast<std::size_t>(before), Limits::hold_ranks_max);
}

void KodikonBridge::take_alert(base::Now now, const KodikonHost& from,
                               const KodikonMessage& message) {
    const std::uint64_t content = kodikon_content(message);
    if (is_known(now, content)) return drop(KodikonDrop::duplicate);
    const auto read = read_kodikon_alert(message);
    if (!read) return drop(KodikonDrop::empty_alert);
    if (read->is_from_bridge) return drop(KodikonDrop::other_bridge);
    if (!has_alert_budget(now, from, read->alert.priority >= AlertPriority::high)) {
        return drop(KodikonDrop::alert_limit);
    }
    if (read->is_left_out) drop(KodikonDrop::alert_payload);
    remembered_.put(content, now.instant);
    const Alert alert{now.instant + static_cast<std::int64_t>(rank(now)) * Limits::hold, content,
                      read->alert};
    if (alert.due > now.instant && held_.size() < Limits::held_max) {
        held_.push_back(alert);
    } else {
        publish(now, alert);
    }
}

void KodikonBridge::publish(base::Now now, const Alert& alert) {
    if (records_.send_alert(now, alert.alert, Limits::alert_lifetime)) {
        ++stats_.alerts_in;
        return;
    }
    drop(KodikonDrop::refused);
    // A later copy may find room.
    remembered_.erase(alert.content);
}

void KodikonBridge::take_entries(base::Now now, const KodikonHost& from,
                                 const KodikonMessage& message) {
    const KodikonEntries read = read_kodikon_entries(message);
    drop(KodikonDrop::entry_unreadable, read.unreadable);
    for (const KodikonEntry& entry : read.entries) take_entry(now, from, entry);
}

void KodikonBridge::take_entry(base::Now now, const KodikonHost& from, const KodikonEntry& entry) {
    // They send back what we told them, in every snapshot.
    if (entry.is_from_bridge || told_.contains(entry.hash)) return drop(KodikonDrop::own);
    const KodikonHost host = peers_.has_host(from) ? from : KodikonHost{};
    const crypto::Hash body = crypto::hash(encode(entry.entry));
    if (!may_register(now, host, entry, body)) return;
    base::TokenBucket& own = peers_.budget(now.instant, from).entries;
    const std::uint32_t kept = host == KodikonHost{} ? entries_kept_from_strangers : 0;
    if (entries_.available(now.instant) <= kept || !own.take(now.instant) ||
        !entries_.take(now.instant)) {
        return drop(KodikonDrop::entry_limit);
    }
    if (entry.has_bad_embedding) drop(KodikonDrop::embedding);
    if (entry.is_left_out) drop(KodikonDrop::metadata);
    if (!records_.register_entry(now, entry.hash, entry.entry, Limits::entry_lifetime)) {
        return drop(KodikonDrop::refused);
    }
    ++stats_.entries_in;
    know(entry.hash, {host, body, now.instant});
}

bool KodikonBridge::may_register(base::Now now, const KodikonHost& from, const KodikonEntry& entry,
                                 const crypto::Hash& body) {
    const auto found = known_.find(entry.hash);
    if (found == known_.end()) return may_begin(now, from, entry, body);
    const Known& known = found->second;
    if (known.body == body) {
        if (now.instant - known.registered >= Limits::entry_lifetime / 2) return true;
        ++stats_.entries_unchanged;
        return false;
    }
    // Their snapshots repeat each other's entries, and not the newest of them.
    if (known.host != from && peers_.has_host(known.host)) {
        drop(KodikonDrop::entry_of_another);
        return false;
    }
    if (now.instant - known.registered >= Limits::entry_change_min) return true;
    drop(KodikonDrop::entry_limit);
    return false;
}

bool KodikonBridge::may_begin(base::Now now, const KodikonHost& from, const KodikonEntry& entry,
                              const crypto::Hash& body) {
    const auto count = known_of_.find(from);
    if (known_.size() >= Limits::entries_max ||
        (count != known_of_.end() && count->second >= Limits::entries_of_host_max)) {
        drop(KodikonDrop::entries_full);
        return false;
    }
    const auto record = records_.store().get({RecordKind::registry, records_.store().self(),
                                              base::to_buffer(base::as_bytes(entry.hash))});
    if (!record || !*record || (*record)->tombstone) return true;
    const auto held = records::parse_registry_entry((*record)->body);
    if (!held || !kodikon_mark(held->metadata)) {
        drop(KodikonDrop::entry_of_ours);
        return false;
    }
    // From before a restart.
    const base::Duration left =
        std::chrono::seconds((*record)->expires) - now.wall.time_since_epoch();
    if (*held != entry.entry || left < Limits::entry_lifetime / 2) return true;
    know(entry.hash, {from, body, now.instant - (Limits::entry_lifetime - left)});
    ++stats_.entries_unchanged;
    return false;
}

void KodikonBridge::know(const std::string& hash, const Known& known) {
    forget(hash);
    known_.emplace(hash, known);
    ++known_of_[known.host];
}

void KodikonBridge::forget(const std::string& hash) {
    const auto found = known_.find(hash);
    if (found == known_.end()) return;
    const auto count = known_of_.find(found->second.host);
    if (--count->second == 0) known_of_.erase(count);
    known_.erase(found);
}

void KodikonBridge::take_state(base::Now now, const KodikonHost& from,
                               const KodikonMessage& message) {
    const KodikonPeer* peer = peers_.find(message.source);
    if (peer == nullptr || peer->address.host != from) return drop(KodikonDrop::not_a_peer);
    const auto text = read_kodikon_state(message);
    if (!text) return drop(KodikonDrop::state_too_large);
    const State state{crypto::hash(base::as_bytes(*text)), now.instant};
    if (const auto found = states_.find(message.source); found != states_.end()) {
        const base::Duration age = now.instant - found->second.published;
        if (found->second.text == state.text && age < Limits::state_lifetime / 2) return;
        if (age < Limits::state_change_min) return drop(KodikonDrop::state_limit);
    } else if (states_.size() >= Limits::states_max) {
        return drop(KodikonDrop::states_full);
    }
    if (!records_.publish_state(now, "kodikon/" + message.source, *text, Limits::state_lifetime)) {
        return drop(KodikonDrop::refused);
    }
    states_[message.source] = state;
    ++stats_.states_in;
}

void KodikonBridge::handle_record(base::Now now, const wire::RecordId& id,
                                  const wire::Record& record) {
    if (record.tombstone) return;
    if (record.kind == RecordKind::alert) tell_alert(now, id, record);
    if (record.kind == RecordKind::registry) tell_entry(now, id, record);
}

void KodikonBridge::tell_alert(base::Now now, const wire::RecordId& id,
                               const wire::Record& record) {
    const auto alert = records::parse_alert(record.body);
    if (!alert) return;
    if (const auto mark = kodikon_mark(alert->payload)) {
        if (!mark->content) return;
        // Another bridge was first.
        remembered_.put(*mark->content, now.instant);
        std::erase_if(held_, [&](const Alert& held) { return held.content == *mark->content; });
        return;
    }
    if (record.segment) return drop(KodikonDrop::segment);
    if (now.wall - record.stamp.wall() > Limits::fresh_for) return drop(KodikonDrop::stale);
    const auto peers = addresses();
    if (peers.empty()) return;
    const KodikonOrigin origin{id, record.origin.span(), seconds(record.stamp)};
    if (outbox_.send_alert(now, kodikon_alert_payload(*alert, origin), peers)) {
        ++stats_.alerts_out;
    } else {
        drop(KodikonDrop::outgoing_full);
    }
}

void KodikonBridge::tell_entry(base::Now now, const wire::RecordId& id,
                               const wire::Record& record) {
    const auto entry = records::parse_registry_entry(record.body);
    if (!entry || kodikon_mark(entry->metadata)) return;
    const std::string hash(base::as_text(record.key));
    // Registered here by hand: from now on it is not theirs.
    if (record.origin == records_.store().self()) forget(hash);
    if (record.segment) return drop(KodikonDrop::segment);
    if (hash.empty() || !base::is_displayable(hash)) return drop(KodikonDrop::not_shown);
    if (peers_.all().empty()) return;
    const KodikonOrigin origin{id, record.origin.span(), seconds(record.stamp)};
    if (!outbox_.add_entry(now, hash, kodikon_entry_json(hash, *entry, origin, options_.node_id))) {
        return drop(KodikonDrop::outgoing_full);
    }
    told_.put(hash, true);
    ++stats_.entries_out;
}

void KodikonBridge::retell_entries(base::Now now) {
    retell_at_ = base::never;
    retold_ = now.instant;
    const auto hits = records_.search({.count = Limits::retold_max});
    if (!hits) return;
    for (const records::RegistryHit& hit : *hits) {
        const auto record = records_.store().get(hit.id);
        if (record && *record) tell_entry(now, hit.id, **record);
    }
}

void KodikonBridge::clean(base::Instant now) {
    clean_at_ = now + clean_every;
    std::erase_if(bridges_,
                  [&](const auto& one) { return now - one.second >= Limits::peer_timeout; });
    std::erase_if(states_, [&](const auto& one) {
        return now - one.second.published >= Limits::state_lifetime;
    });
    std::vector<std::string> ended;
    for (const auto& [hash, known] : known_) {
        if (now - known.registered >= Limits::entry_lifetime) ended.push_back(hash);
    }
    for (const std::string& hash : ended) forget(hash);
}

void KodikonBridge::handle_timeout(base::Now now) {
    peers_.handle_timeout(now.instant);
    outbox_.handle_timeout(now, addresses());
    if (now.instant >= clean_at_) clean(now.instant);
    if (now.instant >= retell_at_) retell_entries(now);
    std::deque<Alert> due;
    std::erase_if(held_, [&](Alert& alert) {
        if (alert.due > now.instant) return false;
        due.push_back(std::move(alert));
        return true;
    });
    for (const Alert& alert : due) publish(now, alert);
}

base::Instant KodikonBridge::poll_timeout(base::Now now) const {
    base::Instant next =
        std::min({outbox_.poll_timeout(now), peers_.poll_timeout(), clean_at_, retell_at_});
    for (const Alert& alert : held_) next = std::min(next, alert.due);
    return next;
}

KodikonView KodikonBridge::view() const {
    KodikonView view;
    view.node_id = options_.node_id;
    view.bridges = bridges_.size();
    view.stats = stats_;
    for (const auto& [id, peer] : peers_.all()) view.peers.push_back(peer);
    view.stats.sent = outbox_.sent();
    return view;
}

}  // namespace meshchain::host
