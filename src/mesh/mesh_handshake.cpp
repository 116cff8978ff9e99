// HELLO and COOKIE (PROTOCOL.md P1.9). A HELLO of a stranger costs us one MAC until it brings back
// the cookie that proves its address; only then its signature is checked and a session made.

#include <algorithm>
#include <chrono>

#include "base/assert.h"
#include "base/cursor.h"
#include "mesh/mesh.h"

namespace meshchain::mesh {
namespace {

/// A HELLO inside a session is answered once in this time, so that two answers never chase
/// each other.
constexpr base::Duration hello_answer_interval = std::chrono::seconds(2);

}  // namespace

void Mesh::handle_hello(base::Now now, const Endpoint& from, const wire::ReceivedFrame& received) {
    const wire::FrameHeader& header = received.frame.header;
    const auto control = wire::split_control(received.frame.payload);
    if (!control) return drop(Drop::malformed);
    const auto hello = wire::parse_hello(control->body);
    if (!hello) return drop(Drop::malformed);
    if (hello->chain != self_.chain) return drop(Drop::wrong_chain);
    if (protocol_version < hello->version_min || protocol_version > hello->version_max) {
        return drop(Drop::wrong_version);
    }
    if (hello->identity == identity()) return drop(Drop::own);
    if (header.sender != crypto::node_id(hello->identity)) return drop(Drop::bad_origin);

    const SignedHello signed_hello{header, *control, *hello, received.multicast};
    PeerEntry* holder = peers_.find_session(from);
    if (holder != nullptr && holder->peer.key == hello->identity &&
        holder->sequences.is_new(header.control_sequence())) {
        return refresh_session(now, *holder, signed_hello);
    }
    if (received.multicast) return handle_hint(now, from, signed_hello);
    if (!handshake_->cookies().verify(now.instant, from, hello->cookie)) {
        return answer_with_cookie(now, from);
    }
    handle_proven_hello(now, from, signed_hello);
}

void Mesh::handle_hint(base::Now now, const Endpoint& from, const SignedHello& hello) {
    if (!options_.multicast) return drop(Drop::no_session);
    const crypto::PublicKey& key = hello.hello.identity;
    const PeerEntry* known = peers_.find(key);
    if (known != nullptr && now.instant < known->refused_until) return drop(Drop::refused);
    // A live session stands unless the peer seems to have restarted since.
    if (known != nullptr && known->session && hello.header.timestamp <= known->session->epoch) {
        return drop(Drop::occupied);
    }
    const bool is_admitted = peers_.admit(now.instant, applicant(from, key)).admitted;
    // Whose slot another has got may not know: what we say to the group keeps its side alive.
    const bool may_not_know = known != nullptr && !known->session;
    if (!is_admitted && !may_not_know) return drop(Drop::crowded);
    if (!handshake_->may_answer_hint(now.instant, from)) return drop(Drop::handshake_rate);
    send_hello(now, from, is_admitted ? Initiative::ours : Initiative::theirs);
    if (!is_admitted) drop(Drop::crowded);
}

void Mesh::answer_with_cookie(base::Now now, const Endpoint& to) {
    if (!handshake_->may_give_cookie(now.instant, to)) return drop(Drop::handshake_rate);
    const base::Buffer payload = wire::encode_cookie(handshake_->cookies().make(now.instant, to));
    send_frame(to, {.type = wire::MessageType::cookie, .sender = id_, .hop_limit = 0}, payload);
}

void Mesh::handle_cookie(base::Now now, const Endpoint& from, const wire::ReceivedFrame& received) {
    const auto cookie = wire::parse_cookie(received.frame.payload);
    if (!cookie || received.multicast) return drop(Drop::bad_cookie);
    if (!handshake_->take_cookie(now.instant, from, *cookie)) return drop(Drop::bad_cookie);
    ++stats_.of(wire::MessageType::cookie).accepted;
    send_hello(now, from, Initiative::theirs);
}

void Mesh::handle_proven_hello(base::Now now, const Endpoint& from, const SignedHello& hello) {
    const PeerEntry* known = peers_.find(hello.hello.identity);
    if (known != nullptr) {
        if (now.instant < known->refused_until) return drop(Drop::refused);
        if (is_replay(*known, hello)) return drop(Drop::replayed);
        if (blocks_replacement(*known, from, hello.header)) return drop(Drop::occupied);
    }
    if (!handshake_->may_verify(now.instant, from)) return drop(Drop::handshake_rate);
    if (!is_genuine(hello)) return drop(Drop::bad_signature);

    PeerEntry* entry = admit(now, from, hello.hello.identity);
    if (entry == nullptr) return drop(Drop::crowded);
    const std::uint64_t sequence = hello.header.control_sequence();
    SequenceWindow& window = entry->sequences;
    if (window.is_new(sequence) && sequence < window.highest()) {
        window.take(sequence);  // one that a later message overtook
    } else {
        window.begin_at(sequence);
    }
    note_cookie(*entry, hello.hello.cookie);
    entry->session->epoch = hello.header.timestamp;
    note_hello(now, *entry, hello);
    // Our answer tells the peer that it is accepted, and asks for its own cookie if we are not.
    send_hello(now, from, entry->session->mutual ? Initiative::theirs : Initiative::ours);
}

bool Mesh::is_replay(const PeerEntry& known, const SignedHello& hello) {
    if (known.sequences.is_new(hello.header.control_sequence())) return false;
    // A peer that lost its sequence epoch, or whose clock ran ahead, comes back with lower numbers
    // and must not be locked out by its past. A cookie made after the last accepted one proves by
    // our own clock that such a HELLO is new. Within one run numbers never fall.
    const auto run = static_cast<std::uint32_t>(known.sequences.highest() >> 32);
    return hello.header.timestamp == run ||
           CookieJar::made_at_ms(hello.hello.cookie) <= known.cookie_made_ms;
}

bool Mesh::blocks_replacement(const PeerEntry& known, const Endpoint& from,
                              const wire::FrameHeader& header) {
    // One run of a peer has one address. Else whoever passes on its HELLOs could take its place.
    return known.session && known.session->endpoint != from && known.session->mutual &&
           header.timestamp <= known.session->epoch;
}

bool Mesh::is_genuine(const SignedHello& hello) const {
    const crypto::PublicKey& key = hello.hello.identity;
    return crypto::verify(
        key,
        wire::control_preimage(self_.chain, hello.header.type, key, hello.header.control_sequence(),
                               hello.control.body),
        hello.control.signature);
}

PeerTable::Applicant Mesh::applicant(const Endpoint& from, const crypto::PublicKey& key) const {
    return {.address = from.address,
            .is_privileged = handshake_->is_static(from) || peers_.stake_of(key).has_value(),
            .is_known = known_peers_.contains(key)};
}

PeerEntry* Mesh::admit(base::Now now, const Endpoint& from, const crypto::PublicKey& key) {
    PeerEntry* known = peers_.find(key);
    if (known != nullptr && known->session && known->session->endpoint == from) return known;
    // Whoever held this address before, and wherever this peer was: that is over.
    PeerEntry* holder = peers_.find_session(from);
    if (holder != nullptr) disconnect(now, *holder, LossReason::replaced);
    if (known != nullptr && known->session) disconnect(now, *known, LossReason::replaced);

    PeerTable::Applicant asking = applicant(from, key);
    auto admission = peers_.admit(now.instant, asking);
    if (!admission.admitted) {
        asking.is_drawn = true;
        admission = peers_.admit(now.instant, asking);
        if (!admission.admitted || !lottery_.enter(now.instant, key)) return nullptr;
    }
    if (admission.evict != nullptr) disconnect(now, *admission.evict, LossReason::crowded_out);

    PeerEntry& entry = peers_.add(now.instant, key, crypto::node_id(key));
    if (entry.peer.id_shared) doors_.log.warning("two keys share one node id");
    if (entry.peer.score.is_failed()) entry.peer.score = PeerScore(PeerScore::poor);
    entry.peer.is_static = handshake_->is_static(from);
    entry.known = known_peers_.contains(key);
    peers_.open_session(entry, new_session(now, from));
    return &entry;
}

std::uint64_t Mesh::flow_of(const Endpoint& endpoint) const {
    std::array<std::byte, 1 + 16 + 2> bytes;
    base::FixedWriter(bytes)
        .u8(endpoint.link)
        .bytes(endpoint.address.host)
        .u16(endpoint.address.port);
    return crypto::short_hash(flow_key_, bytes);
}

Session Mesh::new_session(base::Now now, const Endpoint& from) const {
    Session session{
        .endpoint = from,
        .work = FairBudget(now.instant, options_.session_work, options_.flow_cells),
        .flow = flow_of(from),
        .opened = now.instant,
    };
    for (const wire::MessageRule& rule : rules_) {
        session.buckets.emplace_back(now.instant,
                                     base::Rate{rule.frames_per_minute_max, rule.frames_at_once()});
    }
    session.heartbeat_at = now.instant + options_.static_heartbeat_interval;
    return session;
}

void Mesh::refresh_session(base::Now now, PeerEntry& entry, const SignedHello& hello) {
    if (!start_work(now, *entry.session, entry.peer.id)) return drop(Drop::work);
    if (!is_genuine(hello)) return drop(Drop::bad_signature);
    excuse_work(*entry.session, entry.peer.id);
    entry.sequences.take(hello.header.control_sequence());
    Session& session = *entry.session;
    const bool restarted = hello.header.timestamp > session.epoch;
    if (hello.multicast) session.multicast_heard = now.instant;
    if (handshake_->cookies().verify(now.instant, session.endpoint, hello.hello.cookie)) {
        note_cookie(entry, hello.hello.cookie);
    }
    if (restarted) {
        session.epoch = hello.header.timestamp;
        session.mutual = entry.peer.connected = false;
    }
    note_hello(now, entry, hello);
    const bool wants_answer =
        !hello.multicast && now.instant - session.hello_sent >= hello_answer_interval;
    if (!session.mutual && (restarted || !hello.multicast)) {
        send_hello(now, session.endpoint, Initiative::ours);
    } else if (wants_answer) {
        send_hello(now, session.endpoint, Initiative::theirs);
    }
}

void Mesh::note_cookie(PeerEntry& entry, const wire::Cookie& cookie) {
    entry.cookie_made_ms = std::max(entry.cookie_made_ms, CookieJar::made_at_ms(cookie));
}

void Mesh::note_hello(base::Now now, PeerEntry& entry, const SignedHello& hello) {
    ++stats_.of(wire::MessageType::peer_hello).accepted;
    Peer& peer = entry.peer;
    peer.role = hello.hello.role;
    peer.slot = hello.hello.status.slot;
    peer.height = hello.hello.status.height;
    peer.final_height = hello.hello.status.final_height;
    peer.hops = 1;
    peer.last_heard = now.instant;
    if (peer.metrics.latency == base::Duration{}) {
        peer.metrics.latency = handshake_->round_trip(entry.session->endpoint);
    }
    // HELLOs overtake each other: only the newest tells whether the peer holds a session for us.
    const bool newest = hello.header.control_sequence() == entry.sequences.highest();
    if (newest && !hello.multicast) {
        if (hello.hello.accepted) {
            connect(entry);
        } else {
            entry.session->mutual = peer.connected = false;
            sessions_changed_ = true;
        }
    }
    emit(PeerStatus{peer.key, peer.role, hello.hello.status});
}

}  // namespace meshchain::mesh
