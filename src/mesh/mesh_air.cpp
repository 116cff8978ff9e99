// The air: a medium without sessions, of which one copy of everything is enough
// (docs/decisions/0152-the-air-beside-sessions.md).

#include "base/assert.h"
#include "base/cursor.h"
#include "mesh/mesh.h"

namespace meshchain::mesh {

using wire::MessageClass;
using wire::MessageType;
using wire::Verdict;

namespace {

/// Of a restart heard twice, or of many at once, one answer is enough for so long.
constexpr base::Duration answer_pause = std::chrono::minutes(5);

/// Messages with ways of their own wait until their cost on the air is known.
bool goes_on_air(const wire::MessageRule& rule) {
    return rule.on_radio && rule.type != MessageType::routed &&
           (rule.message_class == MessageClass::object ||
            rule.message_class == MessageClass::control);
}

}  // namespace

void AirSpeakers::set_validators(std::span<const ValidatorIdentity> validators) {
    std::map<crypto::PublicKey, AirSpeaker> speakers;
    key_of_id_.clear();
    validator_keys_.clear();
    for (const ValidatorIdentity& validator : validators) {
        key_of_id_.emplace(crypto::node_id(validator.key), validator.key);
        validator_keys_.insert(validator.key);
        const AirSpeaker* known = find(validator.key);
        if (known != nullptr) speakers.emplace(validator.key, *known);
        others_.erase(validator.key);
    }
    for (const auto& [key, speaker] : heard_validators_) {
        if (!speakers.contains(key)) others_.put(key, speaker);
    }
    heard_validators_ = std::move(speakers);
}

void Mesh::add_air(wire::AirLink& link) {
    MESH_ASSERT(!sequence_ && airs_.size() < links_max);
    airs_.push_back(Air{.link = &link});
}

void Mesh::start_airs(base::Now now) {
    for (Air& air : airs_) {
        air.buckets.clear();
        for (const wire::MessageRule& rule : rules_) {
            air.buckets.emplace_back(now.instant,
                                     Rate{rule.frames_per_minute_max, rule.frames_at_once()});
        }
        air.work.emplace(now.instant, Air::work_rate, options_.flow_cells);
        air.answered_at = now.instant - answer_pause;
    }
    request_air_status(now);
}

void Mesh::request_air_status(base::Now now) {
    for (Air& air : airs_) {
        air.status_at =
            std::min(air.status_at, now.instant + random_.between({}, options_.air_pause));
    }
}

bool Mesh::handle_airs_readable(base::Now now) {
    bool more = false;
    for (std::size_t air = 0; air < airs_.size(); ++air) {
        std::size_t taken = 0;
        for (; taken < options_.frames_per_step_max; ++taken) {
            const auto heard = airs_[air].link->receive(now.instant);
            if (!heard) break;
            if (sequence_) handle_heard(now, air, *heard);
        }
        more |= taken == options_.frames_per_step_max;
    }
    return more;
}

void Mesh::handle_heard(base::Now now, std::size_t air, const wire::HeardFrame& heard) {
    const wire::FrameHeader& header = heard.frame.header;
    TypeCounters& counters = stats_.of(header.type);
    ++counters.received;
    counters.bytes_received += heard.frame.payload.size();
    const wire::MessageRule* rule = find_rule(rules_, header.type);
    if (rule == nullptr || !goes_on_air(*rule)) return drop(Drop::unknown_type);
    const std::size_t bytes = heard.frame.payload.size();
    if (bytes < rule->payload_bytes_min || bytes > rule->payload_bytes_max) {
        return drop(Drop::size);
    }
    if (rule->message_class == MessageClass::control) {
        handle_heard_control(now, air, *rule, heard);
    } else {
        handle_heard_object(now, air, *rule, heard);
    }
}

bool Mesh::start_air_work(base::Now now, Air& air, const wire::MessageRule& rule,
                          std::uint64_t flow) {
    if (air_bucket(air, rule).available(now.instant) == 0) {
        drop(Drop::rate);
        return false;
    }
    if (!air.work->take(now.instant, flow)) {
        drop(Drop::work);
        return false;
    }
    return true;
}

void Mesh::note_air_use(base::Now now, Air& air, const wire::MessageRule& rule, std::uint64_t flow,
                        Verdict verdict) {
    switch (verdict) {
        case Verdict::relay:
        case Verdict::keep:
            air.work->give_back(flow);
            air_bucket(air, rule).take(now.instant);
            ++stats_.of(rule.type).accepted;
            return;
        case Verdict::ignore: return drop(Drop::ignored);
        // Whoever spoke is not proven, so nobody is worse for it.
        case Verdict::punish: return drop(Drop::punished);
    }
}

std::uint64_t Mesh::air_flow(std::uint32_t radio) const {
    base::Buffer name;
    base::Writer(name).u32(radio);
    return crypto::short_hash(flow_key_, name);
}

void Mesh::handle_heard_object(base::Now now, std::size_t air, const wire::MessageRule& rule,
                               const wire::HeardFrame& heard) {
    wire::Frame frame = heard.frame;
    const ContentId id = flood_.content_id(rule.type, frame.payload);
    // The radios pass it on themselves, however far this copy could still go.
    if (flood_.classify(id, 0) != Flood::Novelty::unseen) return drop(Drop::duplicate);
    const std::uint64_t flow = air_flow(heard.radio);
    if (!start_air_work(now, airs_[air], rule, flow)) return;
    Verdict verdict = Verdict::punish;
    if (rule.type == MessageType::peer_info) {
        // On a session the frame names its origin, which has to be the one inside.
        const auto announcement = wire::parse_announcement(frame.payload);
        if (announcement) {
            frame.header.sender = crypto::node_id(announcement->identity);
            verdict = judge_announcement(now, {}, frame);
        }
    } else {
        verdict = handler_.handle_frame(now, {.peer = {}}, rule.type, frame.payload);
    }
    note_air_use(now, airs_[air], rule, flow, verdict);
    if (verdict == Verdict::keep) flood_.mark_kept(id);
    if (verdict != Verdict::relay) return;
    flood_.mark_relayed(id, frame.header.hop_limit);
    relay(now, {}, frame);
    relay_to_airs(now, rule, frame, &airs_[air]);
}

std::optional<crypto::PublicKey> Mesh::air_key(const crypto::NodeId& id) const {
    if (const auto key = speakers_.validator(id)) return key;
    for (const auto& [key, node] : surroundings_->known.nodes()) {
        if (node.id == id) return key;
    }
    return std::nullopt;
}

void Mesh::handle_heard_control(base::Now now, std::size_t air, const wire::MessageRule& rule,
                                const wire::HeardFrame& heard) {
    const wire::FrameHeader& header = heard.frame.header;
    if (header.sender == id_) return drop(Drop::own);
    const auto key = air_key(header.sender);
    if (!key) return drop(Drop::no_session);
    const auto control = wire::split_control(heard.frame.payload);
    if (!control) return drop(Drop::malformed);
    const std::uint64_t sequence = header.control_sequence();
    const AirSpeaker* known = speakers_.find(*key);
    if (known != nullptr && !known->sequences.is_new(sequence)) return drop(Drop::replayed);
    const std::uint64_t flow = air_flow(heard.radio);
    if (!start_air_work(now, airs_[air], rule, flow)) return;
    if (!crypto::verify(
            *key, wire::control_preimage(self_.chain, header.type, *key, sequence, control->body),
            control->signature)) {
        return drop(Drop::bad_signature);
    }
    AirSpeaker& speaker = speakers_.note(*key);
    const bool is_start = header.timestamp > speaker.epoch;
    if (is_start) {
        speaker.sequences.begin_at(sequence);
        speaker.epoch = header.timestamp;
    } else {
        speaker.sequences.take(sequence);
    }
    speaker.air = air;
    speaker.radio = heard.radio;
    speaker.last_heard = now.instant;
    const Verdict verdict =
        header.type == MessageType::status
            ? handle_heard_status(now, airs_[air], *key, is_start, control->body)
            : handler_.handle_frame(now, {.peer = *key}, header.type, control->body);
    note_air_use(now, airs_[air], rule, flow, verdict);
}

Verdict Mesh::handle_heard_status(base::Now now, Air& air, const crypto::PublicKey& key,
                                  bool is_start, base::Bytes body) {
    const auto heartbeat = wire::parse_heartbeat(body);
    if (!heartbeat) return Verdict::punish;
    emit(PeerHeartbeat{key, *heartbeat});
    // Who has just started needs to hear what others' clocks show. What is going to be spoken
    // anyway answers him, too.
    const bool is_planned =
        air.answered_at > now.instant || air.status_at <= now.instant + options_.air_pause;
    if (is_start && !is_planned) {
        air.answered_at = std::max(now.instant, air.answered_at + answer_pause);
        air.status_at =
            std::min(air.status_at, air.answered_at + random_.between({}, options_.air_pause));
    }
    return Verdict::keep;
}

std::size_t Mesh::send_to_airs(base::Now now, const wire::MessageRule& rule,
                               wire::FrameHeader header, base::Bytes payload, const Air* except) {
    if (airs_.empty() || !goes_on_air(rule)) return 0;
    // A control message goes one hop between sessions; the air is one hop, however many radios
    // it takes.
    const bool is_control = rule.message_class == MessageClass::control;
    header.hop_limit =
        is_control ? options_.hop_limit : std::min(header.hop_limit, options_.hop_limit);
    std::size_t sent = 0;
    for (const Air& air : airs_) {
        if (&air == except) continue;
        const bool taken = air.link->send(now.instant, rule, header, payload).has_value();
        if (count_sent(taken, rule.type, payload)) ++sent;
    }
    return sent;
}

void Mesh::relay_to_airs(base::Now now, const wire::MessageRule& rule, const wire::Frame& frame,
                         const Air* except) {
    if (frame.header.hop_limit == 0 || rule.type == MessageType::peer_info) return;
    wire::FrameHeader header = frame.header;
    --header.hop_limit;
    stats_.of(rule.type).relayed += send_to_airs(now, rule, header, frame.payload, except);
}

void Mesh::handle_airs_timeout(base::Now now) {
    for (Air& air : airs_) {
        if (air.link->poll_timeout() <= now.instant) air.link->handle_timeout(now.instant);
        if (now.instant < air.status_at) continue;
        air.status_at = now.instant + random_.between(options_.air_status_interval * 3 / 4,
                                                      options_.air_status_interval);
        speak_up(now, air);
    }
}

void Mesh::speak_up(base::Now now, Air& air) {
    const auto speak = [&](const wire::FrameHeader& header, base::Bytes payload) {
        const wire::MessageRule& rule = *find_rule(rules_, header.type);
        const auto sent = air.link->send(now.instant, rule, header, payload);
        count_sent(sent.has_value(), header.type, payload);
    };
    // A validator's key is known; who else we are has to be said before we can be believed.
    if (self_.role != wire::Role::validator) {
        const base::Buffer own = wire::encode(own_announcement(now));
        const wire::FrameHeader header =
            own_header(now, MessageType::peer_info, options_.hop_limit);
        flood_.mark_relayed(flood_.content_id(header.type, own), header.hop_limit);
        speak(header, own);
    }
    if (auto frame = sign_control(MessageType::status, wire::encode(heartbeat()))) {
        frame->header.hop_limit = options_.hop_limit;
        speak(frame->header, frame->payload);
    }
}

base::Instant Mesh::airs_timeout() const {
    base::Instant next = base::never;
    for (const Air& air : airs_) {
        next = std::min({next, air.status_at, air.link->poll_timeout()});
    }
    return next;
}

}  // namespace meshchain::mesh
