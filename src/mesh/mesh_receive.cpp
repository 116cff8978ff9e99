// What arrives, from the link up to the verdict.

#include "base/assert.h"
#include "mesh/mesh.h"

namespace meshchain::mesh {

using wire::MessageType;
using wire::Verdict;

bool Mesh::handle_readable(base::Now now) {
    bool more = false;
    for (std::size_t link = 0; link < links_.size(); ++link) {
        std::size_t taken = 0;
        while (taken < options_.frames_per_step_max) {
            const auto received = links_[link]->receive();
            if (!received) break;
            ++taken;
            if (sequence_) handle_frame(now, static_cast<std::uint8_t>(link), *received);
        }
        more |= taken == options_.frames_per_step_max;
    }
    return more;
}

void Mesh::handle_frame(base::Now now, std::uint8_t link, const wire::ReceivedFrame& received) {
    const wire::FrameHeader& header = received.frame.header;
    TypeCounters& counters = stats_.of(header.type);
    ++counters.received;
    counters.bytes_received += wire::FrameHeader::size + received.frame.payload.size();

    // Multicast loops back to its sender, and a relay may not know yet where an object began.
    if (header.sender == id_) return drop(Drop::own);
    const Endpoint from{.link = link, .address = received.from};
    if (handshake_->is_refused(now.instant, from)) return drop(Drop::refused);
    const wire::MessageRule* rule = find_rule(rules_, header.type);
    if (rule == nullptr) return drop(Drop::unknown_type);
    const std::size_t bytes = received.frame.payload.size();
    if (bytes < rule->payload_bytes_min || bytes > rule->payload_bytes_max) {
        return drop(Drop::size);
    }

    PeerEntry* entry = peers_.find_session(from);
    if (entry != nullptr && !take_token(now, *entry, *rule)) return drop(Drop::rate);
    if (header.type == MessageType::peer_hello) return handle_hello(now, from, received);
    if (header.type == MessageType::cookie) return handle_cookie(now, from, received);
    if (entry == nullptr) return drop(Drop::no_session);
    ++entry->peer.metrics.frames_received;
    if (rule->message_class == wire::MessageClass::control) {
        handle_control(now, *entry, received);
    } else {
        handle_object(now, *entry, received.frame);
    }
}

bool Mesh::take_token(base::Now now, PeerEntry& entry, const wire::MessageRule& rule) {
    const auto index = static_cast<std::size_t>(&rule - rules_.data());
    return entry.session->buckets[index].take(now.instant);
}

void Mesh::handle_control(base::Now now, PeerEntry& entry, const wire::ReceivedFrame& received) {
    const auto& [header, payload] = received.frame;
    if (header.sender != entry.peer.id) return drop(Drop::bad_origin);
    const auto control = wire::split_control(payload);
    if (!control) return drop(Drop::malformed);
    const std::uint64_t sequence = header.control_sequence();
    if (!entry.sequences.is_new(sequence)) return drop(Drop::replayed);
    // A signature that fails proves nothing about the peer: anybody can write its address on a
    // datagram. It cost the session a token, and costs it no more.
    if (!crypto::verify(entry.peer.key,
                        wire::control_preimage(self_.chain, header.type, entry.peer.key, sequence,
                                               control->body),
                        control->signature)) {
        return drop(Drop::bad_signature);
    }
    entry.sequences.take(sequence);
    entry.peer.last_heard = now.instant;
    if (received.multicast) {
        entry.session->multicast_heard = now.instant;
    } else {
        connect(entry);  // it sends this only to those it holds a session for
    }

    const crypto::PublicKey key = entry.peer.key;
    const Verdict verdict =
        header.type == MessageType::status
            ? handle_heartbeat(entry, control->body)
            : handler_.handle_frame(now, {.peer = key}, header.type, control->body);
    settle(now, key, header.type, verdict);
}

Verdict Mesh::handle_heartbeat(PeerEntry& entry, base::Bytes body) {
    const auto heartbeat = wire::parse_heartbeat(body);
    if (!heartbeat) return Verdict::punish;
    entry.peer.state = heartbeat->state;
    entry.peer.slot = heartbeat->slot;
    entry.peer.height = heartbeat->height;
    entry.peer.final_height = heartbeat->final_height;
    emit(PeerHeartbeat{entry.peer.key, *heartbeat});
    return Verdict::keep;
}

void Mesh::handle_object(base::Now now, PeerEntry& entry, const wire::Frame& frame) {
    const ContentId id = content_id(frame.header.type, frame.payload);
    const crypto::PublicKey key = entry.peer.key;
    switch (flood_.classify(id, frame.header.hop_limit)) {
        case Flood::Novelty::seen: return drop(Drop::duplicate);
        case Flood::Novelty::reaches_further:
            drop(Drop::duplicate);
            flood_.mark_relayed(id, frame.header.hop_limit);
            return relay(key, frame);
        case Flood::Novelty::unseen: break;
    }
    const Verdict verdict =
        handler_.handle_frame(now, {.peer = key}, frame.header.type, frame.payload);
    if (verdict == Verdict::relay) {
        flood_.mark_relayed(id, frame.header.hop_limit);
        relay(key, frame);
    } else if (verdict == Verdict::keep) {
        flood_.mark_kept(id);
    }
    settle(now, key, frame.header.type, verdict);
}

void Mesh::settle(base::Now now, const crypto::PublicKey& key, MessageType type, Verdict verdict) {
    PeerEntry* entry = peers_.find(key);
    MESH_ASSERT(entry != nullptr);
    switch (verdict) {
        case Verdict::relay:
        case Verdict::keep:
            ++stats_.of(type).accepted;
            ++entry->peer.metrics.successes;
            entry->peer.score.reward();
            entry->peer.last_heard = now.instant;
            return;
        case Verdict::ignore: return drop(Drop::ignored);
        case Verdict::punish:
            drop(Drop::punished);
            if (doors_.log.wants(base::LogLevel::debug)) {
                doors_.log.debug("peer " + crypto::to_hex(entry->peer.id) + " sent a wrong " +
                                 std::string(wire::name(type)));
            }
            // Objects sign no frame: anybody can bring one under a peer's address. So a wrong one
            // lowers what we think of that address, and never ends a session.
            if (find_rule(rules_, type)->message_class == wire::MessageClass::object) {
                return report_failure(key);
            }
            return punish(now, *entry);
    }
}

}  // namespace meshchain::mesh
