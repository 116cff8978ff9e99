#include "mesh/mesh.h"

#include <algorithm>

#include "base/assert.h"
#include "mesh/peer_selection.h"

namespace meshchain::mesh {
namespace {

bool is_own_type(wire::MessageType type) { return find_rule(mesh_rules(), type) != nullptr; }

/// Smooths like TCP's estimator: an eighth of each new measurement.
base::Duration smoothed(base::Duration before, base::Duration measured) {
    return before == base::Duration{} ? measured : before + (measured - before) / 8;
}

crypto::ShortHashKey secret_key(base::Entropy& entropy) {
    crypto::ShortHashKey key;
    entropy.fill(key);
    return key;
}

}  // namespace

Mesh::Mesh(Options options, Self self, std::span<const wire::MessageRule> rules, Doors doors,
           base::Random random, FrameHandler& handler)
    : options_(std::move(options)),
      self_(std::move(self)),
      id_(crypto::node_id(self_.identity.public_key())),
      rules_(rules),
      doors_(doors),
      random_(random),
      choice_random_(random.stream("choice")),
      handler_(handler),
      peers_(options_),
      flow_key_(secret_key(doors_.entropy)),
      lottery_(flow_key_),
      flood_(options_.seen_objects_max, secret_key(doors_.entropy)) {
    MESH_ASSERT(check(options_).has_value());
    speakers_.set_validators(options_.validators);
    for (const wire::MessageRule& own : mesh_rules()) {
        MESH_ASSERT(find_rule(rules_, own.type) != nullptr);
    }
    for (const wire::MessageRule& rule : rules_) {
        MESH_ASSERT(rule.message_class != wire::MessageClass::handshake || is_own_type(rule.type));
    }
}

void Mesh::add_link(wire::FrameLink& link) {
    MESH_ASSERT(!sequence_ && links_.size() < links_max);
    links_.push_back(&link);
}

void Mesh::set_validators(std::vector<ValidatorIdentity> validators) {
    options_.validators = std::move(validators);
    peers_.set_validators(options_.validators);
    if (surroundings_) surroundings_->known.set_validators(options_.validators);
    speakers_.set_validators(options_.validators);
}

std::expected<void, base::Error> Mesh::start(base::Now now) {
    MESH_ASSERT(!sequence_ && !(links_.empty() && airs_.empty()));
    MESH_ASSERT(!links_.empty() || options_.static_peers.empty());
    MESH_TRY(const ControlSequence sequence,
             ControlSequence::open(doors_.store, doors_.table, now.wall));
    sequence_ = sequence;
    work_.emplace(now.instant, options_.all_sessions_work, options_.flow_cells);
    handshake_.emplace(options_, doors_.entropy, random_.stream("dial"), now.instant);
    surroundings_.emplace(options_, self_.chain, identity(), sequence_->epoch(),
                          random_.stream("surroundings"), now);
    announce_at_ = now.instant;
    heartbeat_at_ = now.instant + options_.heartbeat_interval;
    recall_known_peers(now);
    start_airs(now);
    return {};
}

void Mesh::stop(base::Now now) {
    if (!sequence_) return;
    save_known_peers(now);
    peers_.for_each([&](PeerEntry& entry) {
        if (entry.session) disconnect(now, entry, LossReason::stopped);
    });
    announce_at_ = heartbeat_at_ = recall_at_ = save_known_at_ = base::never;
    for (Air& air : airs_) air.status_at = base::never;
    speakers_.for_each([&](const crypto::PublicKey& key, AirSpeaker& speaker) {
        if (std::exchange(speaker.said, std::nullopt)) emit(PeerLost{key, LossReason::stopped});
    });
    handshake_.reset();
    surroundings_.reset();
    sequence_.reset();
}

void Mesh::handle_timeout(base::Now now) {
    if (!sequence_) return;
    peers_.for_each([&](PeerEntry& entry) {
        if (!entry.session || now.instant < entry.peer.last_heard + options_.peer_timeout) return;
        disconnect(now, entry, LossReason::silent);
    });
    peers_.remove_forgotten(now.instant - options_.peer_forget_after);
    for (const Endpoint& endpoint : handshake_->take_due(now.instant)) {
        send_hello(now, endpoint, Initiative::ours);
    }
    dial_known_peers(now);
    if (now.instant >= save_known_at_) save_known_peers(now);
    if (now.instant >= announce_at_) announce(now);
    send_heartbeats(now);
    handle_airs_timeout(now);
    handle_surroundings_timeout(now);
}

base::Instant Mesh::poll_timeout(base::Now now) const {
    if (!sequence_) return base::never;
    base::Instant next = std::min(
        {announce_at_, heartbeat_at_, recall_at_, save_known_at_, handshake_->poll_timeout()});
    peers_.for_each([&](const PeerEntry& entry) {
        if (!entry.session) return;
        next = std::min(next, entry.peer.last_heard + options_.peer_timeout);
        next = std::min(next, entry.session->heartbeat_at);
    });
    return std::min({next, airs_timeout(), surroundings_timeout(now.instant)});
}

void Mesh::set_status(const wire::ChainStatus& status, std::uint8_t state) {
    status_ = status;
    state_ = state;
}

void Mesh::report_success(const crypto::PublicKey& peer, base::Duration latency) {
    PeerEntry* entry = peers_.find(peer);
    if (entry == nullptr) return;
    ++entry->peer.metrics.successes;
    ++entry->peer.metrics.useful;
    entry->peer.score.reward();
    entry->peer.metrics.latency = smoothed(entry->peer.metrics.latency, latency);
}

void Mesh::report_failure(const crypto::PublicKey& peer) {
    PeerEntry* entry = peers_.find(peer);
    if (entry == nullptr) return;
    // Datagrams get lost: a missing answer costs little, and never the session.
    ++entry->peer.metrics.failures;
    entry->peer.score.disappoint();
}

std::vector<crypto::PublicKey> Mesh::choose_peers(const Wish& wish) {
    std::vector<Candidate> candidates;
    peers_.for_each([&](const PeerEntry& entry) {
        const Peer& peer = entry.peer;
        if (!peer.connected || peer.final_height < wish.final_height_min) return;
        if (std::ranges::find(wish.excluded, peer.key) != wish.excluded.end()) return;
        candidates.push_back({peer.key, peer.score, peer.height, peer.metrics.latency});
    });
    if (candidates.empty()) {
        speakers_.for_each([&](const crypto::PublicKey& key, const AirSpeaker& speaker) {
            if (!speaker.said || speaker.said->final_height < wish.final_height_min) return;
            if (std::ranges::find(wish.excluded, key) != wish.excluded.end()) return;
            candidates.push_back({key, PeerScore{}, speaker.said->height, {}});
        });
    }
    return select_peers(std::move(candidates), wish.count, choice_random_);
}

std::vector<Peer> Mesh::peers() const {
    std::map<crypto::PublicKey, Peer> all;
    peers_.for_each([&](const PeerEntry& entry) {
        Peer& peer = all[entry.peer.key] = entry.peer;
        peer.hops = hops_to(entry);
    });
    speakers_.for_each([&](const crypto::PublicKey& key, const AirSpeaker& speaker) {
        if (speaker.said && !has_session(key)) all[key] = describe(key, speaker);
    });
    std::vector<Peer> list;
    list.reserve(all.size());
    for (const auto& [key, peer] : all) list.push_back(peer);
    return list;
}

std::optional<Peer> Mesh::peer(const crypto::PublicKey& key) const {
    const PeerEntry* entry = peers_.find(key);
    if (const AirSpeaker* speaker = has_session(key) ? nullptr : air_peer(key)) {
        return describe(key, *speaker);
    }
    if (entry == nullptr) return std::nullopt;
    Peer found = entry->peer;
    found.hops = hops_to(*entry);
    return found;
}

bool Mesh::has_session(const crypto::PublicKey& key) const {
    const PeerEntry* entry = peers_.find(key);
    return entry != nullptr && entry->peer.connected;
}

bool Mesh::has_air_alone() const {
    if (airs_.empty()) return false;
    bool has_session = false;
    peers_.for_each([&](const PeerEntry& entry) { has_session |= entry.peer.connected; });
    bool has_speaker = false;
    speakers_.for_each([&](const crypto::PublicKey&, const AirSpeaker& speaker) {
        has_speaker |= speaker.said.has_value();
    });
    return has_speaker && !has_session;
}

bool Mesh::is_announced(const crypto::PublicKey& key) const {
    const PeerEntry* entry = peers_.find(key);
    return entry != nullptr && entry->session && entry->session->announced;
}

bool Mesh::is_connected(const crypto::PublicKey& key) const {
    return has_session(key) || air_peer(key) != nullptr;
}

std::size_t Mesh::connected_count() const {
    std::size_t count = 0;
    peers_.for_each([&](const PeerEntry& entry) { count += entry.peer.connected ? 1 : 0; });
    speakers_.for_each([&](const crypto::PublicKey& key, const AirSpeaker& speaker) {
        if (speaker.said && !has_session(key)) ++count;
    });
    return count;
}

void Mesh::check_invariants() const {
    peers_.check_invariants();
    MESH_ASSERT(sequence_.has_value() == handshake_.has_value());
    MESH_ASSERT(sequence_ || peers_.sessions() == 0);
    MESH_ASSERT(sequence_.has_value() == surroundings_.has_value());
    if (!handshake_) return;
    surroundings_->known.check_invariants();
    surroundings_->router.check_invariants();
    MESH_ASSERT(handshake_->dials() <= Handshake::dials_max);
    MESH_ASSERT(handshake_->strangers() <= Handshake::strangers_max);
    peers_.for_each([&](const PeerEntry& entry) {
        MESH_ASSERT(entry.peer.key != identity());
        MESH_ASSERT(!entry.session || entry.session->buckets.size() == rules_.size());
        MESH_ASSERT(!entry.session || entry.session->endpoint.link < links_.size());
    });
}

void Mesh::connect(PeerEntry& entry) {
    MESH_ASSERT(entry.session);
    if (entry.session->mutual) return;
    entry.session->mutual = true;
    had_session_ = true;
    sessions_changed_ = true;
    entry.peer.connected = true;
    handshake_->note_connected(entry.session->endpoint);
    if (entry.session->announced) return;
    entry.session->announced = true;
    if (air_peer(entry.peer.key) == nullptr) emit(PeerDiscovered{entry.peer.key});
    if (doors_.log.wants(base::LogLevel::info)) {
        doors_.log.info("peer " + crypto::to_hex(entry.peer.id) + " connected at " +
                        base::to_string(entry.peer.address));
    }
}

void Mesh::disconnect(base::Now now, PeerEntry& entry, LossReason reason) {
    MESH_ASSERT(entry.session);
    handshake_->note_lost(now.instant, entry.session->endpoint);
    sessions_changed_ = true;
    note_known(now, entry);
    if (entry.session->announced) {
        if (air_peer(entry.peer.key) == nullptr) emit(PeerLost{entry.peer.key, reason});
        if (doors_.log.wants(base::LogLevel::info)) {
            doors_.log.info("peer " + crypto::to_hex(entry.peer.id) +
                            " lost: " + std::string(name(reason)));
        }
    }
    peers_.close_session(entry);
}

void Mesh::punish(base::Now now, PeerEntry& entry) {
    ++entry.peer.metrics.failures;
    entry.peer.score.punish();
    if (!entry.peer.score.is_failed() || !entry.session) return;
    entry.refused_until = now.instant + options_.refusal;
    handshake_->refuse(entry.session->endpoint, entry.refused_until);
    disconnect(now, entry, LossReason::punished);
}

void Mesh::emit(const Event& event) {
    if (!events_.push(event)) ++stats_.events_lost;
}

}  // namespace meshchain::mesh
