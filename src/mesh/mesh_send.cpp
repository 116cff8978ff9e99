// What leaves: the node's frames, relayed objects, announcements and heartbeats.

#include <chrono>

#include "base/assert.h"
#include "mesh/mesh.h"
#include "mesh/unix_seconds.h"

namespace meshchain::mesh {
namespace {

/// A request without an answer for so long was lost: the next one is timed instead.
constexpr base::Duration answer_timeout = std::chrono::seconds(10);

}  // namespace

std::expected<std::size_t, base::Error> Mesh::send(base::Now now, const wire::Outgoing& frame) {
    if (frame.destination) {
        MESH_CHECK(send_routed(now, *frame.destination, frame.type, frame.payload));
        return 1;
    }
    MESH_TRY(const wire::MessageRule* const rule, check_outgoing(frame));
    const PeerEntry* receiver = frame.to ? peers_.find(*frame.to) : nullptr;
    if (frame.to && (receiver == nullptr || !receiver->session)) {
        // Who asked is answered, though its STATUS was lost.
        if (const AirSpeaker* speaker = speakers_.find(*frame.to)) {
            return send_on_air(now, frame, *rule, *speaker);
        }
        return base::failure(base::Errc::not_found, "no session with " + crypto::to_hex(*frame.to),
                             "mesh", "wait until it is connected, or send a routed message");
    }
    if (rule->message_class == wire::MessageClass::control) {
        MESH_TRY(const auto signed_frame, sign_outgoing(frame));
        note_question(now, frame, *rule);
        return send_everywhere(now, frame, *rule, signed_frame.header, signed_frame.payload);
    }
    const wire::FrameHeader header = own_header(now, frame.type, options_.hop_limit);
    if (rule->message_class == wire::MessageClass::object) {
        flood_.mark_relayed(flood_.content_id(frame.type, frame.payload), options_.hop_limit);
    }
    return send_everywhere(now, frame, *rule, header, frame.payload);
}

std::expected<std::size_t, base::Error> Mesh::send_everywhere(base::Now now,
                                                              const wire::Outgoing& frame,
                                                              const wire::MessageRule& rule,
                                                              const wire::FrameHeader& header,
                                                              base::Bytes payload) {
    const wire::Spoken how{.crowd = frame.repeated ? air_crowd() : 0,
                           .others_first = frame.others_first,
                           .hurried = frame.hurried,
                           .again = frame.again,
                           .missed = frame.missed};
    const bool stays_off = frame.to || frame.not_on_air;
    const std::size_t on_air = stays_off ? 0 : send_to_airs(now, rule, header, payload, how);
    if (frame.only_on_air) return on_air;
    auto sent = send_to_sessions(frame, header, payload);
    if (on_air > 0) return sent.value_or(0) + on_air;
    return sent;
}

wire::FrameHeader Mesh::own_header(base::Now now, wire::MessageType type, std::uint8_t hop_limit) {
    return {.type = type,
            .sender = id_,
            .timestamp = unix_seconds(now.wall),
            .sequence = ++object_counter_,
            .hop_limit = hop_limit};
}

void Mesh::note_question(base::Now now, const wire::Outgoing& frame,
                         const wire::MessageRule& rule) {
    if (!frame.to || !rule.answered_by) return;
    PeerEntry* entry = peers_.find(*frame.to);
    std::optional<Question>& question = entry->session->question;
    // One at a time: which answer belongs to which request is its owner's to know.
    if (question && now.instant - question->asked < answer_timeout) return;
    question = {*rule.answered_by, now.instant};
}

std::expected<const wire::MessageRule*, base::Error> Mesh::check_outgoing(
    const wire::Outgoing& frame) const {
    MESH_ASSERT(sequence_);
    const wire::MessageRule* rule = find_rule(rules_, frame.type);
    const std::string type = "type " + std::to_string(static_cast<unsigned>(frame.type));
    const bool is_own = find_rule(mesh_rules(), frame.type) != nullptr;
    if (rule == nullptr || rule->message_class == wire::MessageClass::handshake ||
        (is_own && rule->message_class == wire::MessageClass::object)) {
        return base::failure(base::Errc::invalid_argument, type + " is not for sending", "mesh",
                             "send a type that a service's rule names");
    }
    if (rule->message_class == wire::MessageClass::routed) {
        return base::failure(base::Errc::invalid_argument, type + " needs a destination", "mesh",
                             "make the frame with wire::routed_to or wire::reply_to");
    }
    const bool is_signed = rule->message_class == wire::MessageClass::control;
    const std::size_t bytes = frame.payload.size() + (is_signed ? crypto::Signature::size : 0);
    if (bytes < rule->payload_bytes_min || bytes > rule->payload_bytes_max) {
        return base::failure(
            base::Errc::invalid_argument,
            std::to_string(bytes) + " bytes of " + type + ", whose rule allows " +
                std::to_string(rule->payload_bytes_min) + " to " +
                std::to_string(rule->payload_bytes_max) +
                (is_signed ? " with the signature's " + std::to_string(crypto::Signature::size)
                           : ""),
            "mesh", "send another length, or change the rule on every node");
    }
    return rule;
}

std::expected<std::size_t, base::Error> Mesh::send_to_sessions(const wire::Outgoing& frame,
                                                               const wire::FrameHeader& header,
                                                               base::Bytes payload) {
    std::size_t tried = 0;
    std::size_t sent = 0;
    peers_.for_each([&](PeerEntry& entry) {
        if (!entry.session) return;
        if (frame.to ? entry.peer.key != *frame.to
                     : !entry.session->mutual || entry.peer.key == frame.except) {
            return;
        }
        ++tried;
        if (send_to_session(entry, header, payload)) ++sent;
    });
    if (tried > 0 && sent == 0) {
        return base::failure(base::Errc::full, "the link took the frame for nobody", "mesh",
                             "send it again a little later");
    }
    return sent;
}

void Mesh::relay(base::Now now, const crypto::PublicKey& from, const wire::Frame& frame,
                 const Air* heard_on) {
    if (frame.header.type == wire::MessageType::peer_info) return relay_announcement(from, frame);
    if (frame.header.type == wire::MessageType::routed)
        return relay_routed(now, from, frame, heard_on);
    if (frame.header.hop_limit == 0) return;
    wire::FrameHeader header = frame.header;
    --header.hop_limit;
    peers_.for_each([&](PeerEntry& entry) {
        if (!entry.session || !entry.session->mutual) return;
        if (entry.peer.key == from || entry.peer.id == header.sender) return;
        if (send_to_session(entry, header, frame.payload)) ++stats_.of(header.type).relayed;
    });
}

bool Mesh::send_to_session(PeerEntry& entry, const wire::FrameHeader& header, base::Bytes payload) {
    if (!send_frame(entry.session->endpoint, header, payload)) return false;
    ++entry.peer.metrics.frames_sent;
    return true;
}

bool Mesh::send_frame(const Endpoint& to, const wire::FrameHeader& header, base::Bytes payload) {
    return count_sent(links_[to.link]->send(to.address, header, payload).has_value(), header.type,
                      payload);
}

bool Mesh::count_sent(bool sent, wire::MessageType type, base::Bytes payload) {
    if (!sent) {
        ++stats_.send_failures;
        return false;
    }
    ++stats_.of(type).sent;
    stats_.of(type).bytes_sent += wire::FrameHeader::size + payload.size();
    return true;
}

std::optional<Mesh::SignedFrame> Mesh::sign_control(wire::MessageType type, base::Bytes body) {
    const auto counter = sequence_->next();
    if (!counter) return std::nullopt;
    SignedFrame frame{.header = {.type = type,
                                 .sender = id_,
                                 .timestamp = sequence_->epoch(),
                                 .sequence = *counter,
                                 .hop_limit = 0},
                      .payload = base::to_buffer(body)};
    const crypto::Signature signature = self_.identity.sign(wire::control_preimage(
        self_.chain, type, identity(), frame.header.control_sequence(), body));
    frame.payload.insert(frame.payload.end(), signature.bytes.begin(), signature.bytes.end());
    return frame;
}

std::expected<Mesh::SignedFrame, base::Error> Mesh::sign_outgoing(const wire::Outgoing& frame) {
    if (auto made = sign_control(frame.type, frame.payload)) return *std::move(made);
    return base::failure(base::Errc::full, "no control sequence is left", "mesh",
                         "restart the node");
}

wire::Hello Mesh::hello() const {
    return {.version_min = protocol_version,
            .version_max = protocol_version,
            .chain = self_.chain,
            .identity = identity(),
            .role = self_.role,
            .accepted = false,
            .cookie = {},
            .status = status_};
}

wire::Heartbeat Mesh::heartbeat() const {
    return {.state = state_,
            .slot = status_.slot,
            .height = status_.height,
            .final_height = status_.final_height,
            .slot_phase = status_.slot_phase};
}

void Mesh::send_hello(base::Now now, const Endpoint& to, Initiative initiative) {
    if (to.link >= links_.size()) return;  // whoever has but an air dials nobody
    PeerEntry* entry = peers_.find_session(to);
    wire::Hello message = hello();
    message.accepted = entry != nullptr;
    message.cookie = handshake_->cookie_for(to);
    const auto frame = sign_control(wire::MessageType::peer_hello, wire::encode(message));
    if (!frame) return;
    if (initiative == Initiative::ours) handshake_->note_dialled(now.instant, to);
    if (entry != nullptr) entry->session->hello_sent = now.instant;
    send_frame(to, frame->header, frame->payload);
}

void Mesh::send_multicast(wire::MessageType type, base::Bytes body) {
    if (links_.empty()) return;  // numbers count what somebody may hear
    const auto frame = sign_control(type, body);
    if (!frame) return;
    for (wire::FrameLink* link : links_) {
        const bool sent = link->send(std::nullopt, frame->header, frame->payload).has_value();
        count_sent(sent, type, frame->payload);
    }
}

void Mesh::announce(base::Now now) {
    // Not quite periodic, so that nodes started together do not stay in step.
    announce_at_ = now.instant + random_.between(options_.discovery_interval * 9 / 10,
                                                 options_.discovery_interval);
    if (options_.multicast) send_multicast(wire::MessageType::peer_hello, wire::encode(hello()));
    peers_.for_each([&](const PeerEntry& entry) {
        if (!entry.session || entry.session->mutual) return;
        send_hello(now, entry.session->endpoint, Initiative::ours);
    });
}

void Mesh::request_hello(base::Now now) {
    if (!sequence_) return;
    announce(now);
    request_air_status(now);
    peers_.for_each([&](const PeerEntry& entry) {
        if (!entry.session || !entry.session->mutual) return;
        send_hello(now, entry.session->endpoint, Initiative::theirs);
    });
}

void Mesh::announce_peer(base::Now now, const base::LinkAddress& address) {
    MESH_ASSERT(sequence_);
    send_hello(now, {.link = 0, .address = address}, Initiative::ours);
}

void Mesh::send_heartbeats(base::Now now) {
    const base::Buffer body = wire::encode(heartbeat());
    if (now.instant >= heartbeat_at_) {
        heartbeat_at_ = now.instant + options_.heartbeat_interval;
        if (options_.multicast && peers_.sessions() > 0) {
            send_multicast(wire::MessageType::status, body);
        }
    }
    std::optional<SignedFrame> frame;
    peers_.for_each([&](PeerEntry& entry) {
        if (!entry.session || now.instant < entry.session->heartbeat_at) return;
        entry.session->heartbeat_at = now.instant + options_.static_heartbeat_interval;
        if (!needs_unicast_heartbeat(now, entry)) return;
        if (!frame) frame = sign_control(wire::MessageType::status, body);
        if (frame) send_to_session(entry, frame->header, frame->payload);
    });
}

bool Mesh::needs_unicast_heartbeat(base::Now now, const PeerEntry& entry) const {
    if (entry.peer.is_static || !options_.multicast) return true;
    // Whom we do not hear on the group may not hear us there either: it dialled us, or is far.
    const auto& heard = entry.session->multicast_heard;
    return !heard || now.instant - *heard >= options_.static_heartbeat_interval;
}

}  // namespace meshchain::mesh
