// What arrives, from the link up to the verdict.

#include "base/assert.h"
#include "mesh/mesh.h"

namespace meshchain::mesh {

using wire::MessageType;
using wire::Verdict;

bool Mesh::handle_readable(base::Now now) {
    bool more = handle_airs_readable(now);
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
    if (rule == nullptr || rule->message_class == wire::MessageClass::routed) {
        return drop(Drop::unknown_type);
    }
    const std::size_t bytes = received.frame.payload.size();
    if (bytes < rule->payload_bytes_min || bytes > rule->payload_bytes_max) {
        return drop(Drop::size);
    }

    if (header.type == MessageType::peer_hello) return handle_hello(now, from, received);
    if (header.type == MessageType::cookie) return handle_cookie(now, from, received);
    PeerEntry* entry = peers_.find_session(from);
    if (entry == nullptr) return drop(Drop::no_session);
    ++entry->peer.metrics.frames_received;
    if (rule->message_class == wire::MessageClass::control) {
        handle_control(now, *entry, *rule, received);
    } else if (rule->message_class == wire::MessageClass::chunk) {
        handle_chunk(now, *entry, *rule, received.frame);
    } else {
        handle_object(now, *entry, *rule, received.frame);
    }
}

base::TokenBucket& Mesh::bucket_of(PeerEntry& entry, const wire::MessageRule& rule) const {
    return entry.session->buckets[static_cast<std::size_t>(&rule - rules_.data())];
}

bool Mesh::start_work(base::Now now, Session& session, const crypto::NodeId& origin) {
    if (!work_->take(now.instant, session.flow)) return false;
    if (session.work.take(now.instant, crypto::short_hash(flow_key_, origin.bytes))) return true;
    work_->give_back(session.flow);
    return false;
}

void Mesh::excuse_work(Session& session, const crypto::NodeId& origin) {
    work_->give_back(session.flow);
    session.work.give_back(crypto::short_hash(flow_key_, origin.bytes));
}

void Mesh::handle_control(base::Now now, PeerEntry& entry, const wire::MessageRule& rule,
                          const wire::ReceivedFrame& received) {
    const auto& [header, payload] = received.frame;
    if (header.sender != entry.peer.id) return drop(Drop::bad_origin);
    const auto control = wire::split_control(payload);
    if (!control) return drop(Drop::malformed);
    const std::uint64_t sequence = header.control_sequence();
    if (!entry.sequences.is_new(sequence)) return drop(Drop::replayed);
    // Only what a peer signed takes its tokens: anybody can write its address on a datagram, and a
    // signature that fails proves nothing about the peer.
    base::TokenBucket& bucket = bucket_of(entry, rule);
    if (bucket.available(now.instant) == 0) return drop(Drop::rate);
    if (!start_work(now, *entry.session, header.sender)) return drop(Drop::work);
    if (!crypto::verify(entry.peer.key,
                        wire::control_preimage(self_.chain, header.type, entry.peer.key, sequence,
                                               control->body),
                        control->signature)) {
        return drop(Drop::bad_signature);
    }
    bucket.take(now.instant);
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
    // Answers that nobody asked for cost a signature each as well.
    const bool of_use = verdict == Verdict::relay || verdict == Verdict::keep;
    if (of_use && entry.session) excuse_work(*entry.session, header.sender);
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

void Mesh::handle_object(base::Now now, PeerEntry& entry, const wire::MessageRule& rule,
                         const wire::Frame& frame) {
    const wire::FrameHeader& header = frame.header;
    const ContentId id = flood_.content_id(header.type, frame.payload);
    switch (flood_.classify(id, header.hop_limit)) {
        case Flood::Novelty::seen: return drop(Drop::duplicate);
        case Flood::Novelty::reaches_further:
            drop(Drop::duplicate);
            // Nobody signed the hop limit, so this may be for nothing.
            if (!start_work(now, *entry.session, header.sender)) return drop(Drop::work);
            flood_.mark_relayed(id, header.hop_limit);
            relay(now, entry.peer.key, frame);
            return relay_to_airs(now, rule, frame, nullptr, Bridging::if_unsaid);
        case Flood::Novelty::unseen: return judge_object(now, entry, rule, frame, id);
    }
}

void Mesh::judge_object(base::Now now, PeerEntry& entry, const wire::MessageRule& rule,
                        const wire::Frame& frame, const ContentId& id) {
    const wire::FrameHeader& header = frame.header;
    if (bucket_of(entry, rule).available(now.instant) == 0) return drop(Drop::rate);
    if (!start_work(now, *entry.session, header.sender)) return drop(Drop::work);
    const crypto::PublicKey key = entry.peer.key;
    const Verdict verdict = judge(now, key, frame);
    // What is inside a routed message may have cost its origin the session it came in by.
    const bool of_use = verdict == Verdict::relay || verdict == Verdict::keep;
    if (of_use && entry.session) {
        excuse_work(*entry.session, header.sender);
        bucket_of(entry, rule).take(now.instant);
    }
    if (verdict == Verdict::relay) {
        flood_.mark_relayed(id, header.hop_limit);
        relay(now, key, frame);
        relay_to_airs(now, rule, frame);
    } else if (verdict == Verdict::keep) {
        flood_.mark_kept(id);
    }
    settle(now, key, header.type, verdict);
}

/// Neither remembered nor relayed: only who asked can tell what it is worth, and until he has, it
/// may be anybody's under this peer's address.
void Mesh::handle_chunk(base::Now now, PeerEntry& entry, const wire::MessageRule& rule,
                        const wire::Frame& frame) {
    if (bucket_of(entry, rule).available(now.instant) == 0) return drop(Drop::rate);
    if (!start_work(now, *entry.session, frame.header.sender)) return drop(Drop::work);
    const crypto::PublicKey key = entry.peer.key;
    const Verdict verdict =
        handler_.handle_frame(now, {.peer = key}, frame.header.type, frame.payload);
    if (verdict == Verdict::keep) {
        excuse_work(*entry.session, frame.header.sender);
        bucket_of(entry, rule).take(now.instant);
    }
    settle(now, key, frame.header.type, verdict);
}

void Mesh::note_use(base::Now now, PeerEntry& entry, MessageType type, Verdict verdict) {
    // Being there is no merit yet, nor is what any made-up identity can sign.
    if (type == MessageType::status || type == MessageType::peer_info ||
        type == MessageType::routed) {
        return;
    }
    std::optional<Question>& question = entry.session->question;
    if (question && question->answer == type) {
        report_success(entry.peer.key, now.instant - question->asked);
        question.reset();
        return;
    }
    ++entry.peer.metrics.successes;
    entry.peer.score.reward();
    if (verdict == Verdict::relay &&
        find_rule(rules_, type)->message_class == wire::MessageClass::object) {
        ++entry.peer.metrics.useful;
    }
}

Verdict Mesh::judge(base::Now now, const crypto::PublicKey& from, const wire::Frame& frame) {
    switch (frame.header.type) {
        case MessageType::peer_info: return judge_announcement(now, from, frame);
        case MessageType::routed: return judge_routed(now, from, frame);
        default:
            return handler_.handle_frame(now, {.peer = from}, frame.header.type, frame.payload);
    }
}

void Mesh::settle(base::Now now, const crypto::PublicKey& key, MessageType type, Verdict verdict) {
    PeerEntry* entry = peers_.find(key);
    MESH_ASSERT(entry != nullptr);
    switch (verdict) {
        case Verdict::relay:
        case Verdict::keep:
            ++stats_.of(type).accepted;
            entry->peer.last_heard = now.instant;
            return note_use(now, *entry, type, verdict);
        case Verdict::ignore: return drop(Drop::ignored);
        case Verdict::punish:
            drop(Drop::punished);
            if (doors_.log.wants(base::LogLevel::debug)) {
                doors_.log.debug("peer " + crypto::to_hex(entry->peer.id) + " sent a wrong " +
                                 std::string(wire::name(type)));
            }
            // Objects sign no frame: anybody can bring one under a peer's address. So a wrong one
            // lowers what we think of that address, and never ends a session.
            if (find_rule(rules_, type)->message_class != wire::MessageClass::control) {
                return report_failure(key);
            }
            return punish(now, *entry);
    }
}

}  // namespace meshchain::mesh
