// The air: a medium without sessions, of which one copy of everything is enough
// (docs/decisions/0152-the-air-beside-sessions.md).

#include <algorithm>

#include "base/assert.h"
#include "base/cursor.h"
#include "mesh/mesh.h"

namespace meshchain::mesh {

using wire::MessageClass;
using wire::MessageType;
using wire::Verdict;

namespace {

/// Until most in reach of a few radios have heard something: what these wait for, and relay.
constexpr int packets_of_flood = 8;
/// So many gateways are waited for at most.
constexpr int turns_waited_max = 3;
/// Of who only follows: whose words are heard for the first time after so many has begun before. It
/// needs no answer, or asks for one.
constexpr std::uint32_t words_of_a_start = 4;

/// Messages with ways of their own are a matter of route_to_airs().
bool goes_on_air(const wire::MessageRule& rule) {
    return rule.on_radio && rule.type != MessageType::routed &&
           (rule.message_class == MessageClass::object ||
            rule.message_class == MessageClass::control ||
            rule.message_class == MessageClass::chunk);
}

}  // namespace

void Mesh::add_air(wire::AirLink& link) {
    MESH_ASSERT(!sequence_ && airs_.size() < links_max);
    airs_.push_back(Air{.link = &link});
}

void Mesh::start_airs(base::Now now) {
    for (Air& air : airs_) {
        air.buckets.clear();
        for (const wire::MessageRule& rule : rules_) {
            air.buckets.emplace_back(now.instant,
                                     base::Rate{rule.frames_per_minute_max, rule.frames_at_once()});
        }
        air.work.emplace(now.instant, Air::work_rate, options_.flow_cells);
        air.answered_at = now.instant;
        air.spoken_at.reset();
    }
    request_air_status(now);
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
    const bool is_routed = rule != nullptr && rule->type == MessageType::routed;
    if (rule == nullptr || !(goes_on_air(*rule) || is_routed)) return drop(Drop::unknown_type);
    const std::size_t bytes = heard.frame.payload.size();
    if (bytes < rule->payload_bytes_min || bytes > rule->payload_bytes_max) {
        return drop(Drop::size);
    }
    if (rule->message_class == MessageClass::control) {
        handle_heard_control(now, air, *rule, heard);
    } else if (rule->message_class == MessageClass::chunk) {
        handle_heard_chunk(now, air, *rule, heard);
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

void Mesh::handle_heard_chunk(base::Now now, std::size_t air, const wire::MessageRule& rule,
                              const wire::HeardFrame& heard) {
    const std::uint64_t flow = air_flow(heard.radio);
    if (!start_air_work(now, airs_[air], rule, flow)) return;
    const Verdict verdict = handler_.handle_frame(
        now, {.peer = {}, .on_air = true, .claimed = speakers_.at(air, heard.radio)}, rule.type,
        heard.frame.payload);
    note_air_use(now, airs_[air], rule, flow, verdict);
}

void Mesh::handle_heard_object(base::Now now, std::size_t air, const wire::MessageRule& rule,
                               const wire::HeardFrame& heard) {
    wire::Frame frame = heard.frame;
    const ContentId id = flood_.content_id(rule.type, frame.payload);
    // The radios pass it on themselves, however far this copy could still go.
    if (flood_.classify(id, 0) != Flood::Novelty::unseen) {
        airs_[air].note_heard(now.instant, id.low);
        handler_.handle_repeat(now, rule.type, frame.payload);
        return drop(Drop::duplicate);
    }
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
    } else if (rule.type == MessageType::routed) {
        // The same of the origin of a routed message.
        if (const auto message = wire::parse_routed(frame.payload)) {
            frame.header.sender = crypto::node_id(message->origin);
            verdict = judge_routed(now, {}, frame);
        }
    } else {
        verdict = handler_.handle_frame(
            now, {.peer = {}, .on_air = true, .claimed = speakers_.at(air, heard.radio)}, rule.type,
            frame.payload);
    }
    note_air_use(now, airs_[air], rule, flow, verdict);
    if (verdict == Verdict::keep) flood_.mark_kept(id);
    if (verdict == Verdict::keep || verdict == Verdict::relay) {
        airs_[air].note_heard(now.instant, id.low);
    }
    if (verdict != Verdict::relay) return;
    // Anybody can write how far it came, but has to say something new that is true for it.
    const auto speaker = speakers_.at(air, heard.radio);
    if (speaker && heard.hops) {
        speakers_.find(*speaker)->note_hops(now.instant, heard.hops, hops_memory());
    }
    // How far it may go there is a matter of that air, and its relays used that up.
    wire::Frame elsewhere = frame;
    if (rule.type == MessageType::routed) {
        // Its hops are counted all the way.
        elsewhere.header.hop_limit = std::max<std::uint8_t>(frame.header.hop_limit, 1);
    } else {
        elsewhere.header.hop_limit = options_.hop_limit;
    }
    flood_.mark_relayed(id, elsewhere.header.hop_limit);
    relay(now, {}, elsewhere, &airs_[air]);
    relay_to_airs(now, rule, elsewhere, &airs_[air]);
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
    // What one has to answer is for one: or all who hear it would.
    const bool is_for_all = rule.type == MessageType::status || rule.is_overheard;
    if (!heard.to && !is_for_all) return drop(Drop::elsewhere);
    const bool is_elsewhere = heard.to && *heard.to != wire::addressee_of(id_);
    if (is_elsewhere && !is_for_all) return drop(Drop::elsewhere);
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
    if (const auto gone = speakers_.displaced_by(*key)) lose_speaker(*gone);
    AirSpeaker& speaker = speakers_.note(now.instant, *key);
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
    speaker.note_hops(now.instant, heard.hops, hops_memory());
    const Verdict verdict =
        header.type == MessageType::status
            ? handle_heard_status(*key, {heard.hops == 0}, control->body)
            : handler_.handle_frame(
                  now, {.peer = *key, .heard_by_all = !heard.to, .overheard = is_elsewhere},
                  header.type, control->body);
    note_air_use(now, airs_[air], rule, flow, verdict);
    // Its STATUS may come later, or get lost.
    const bool is_asked = header.type == MessageType::status && heard.to && !is_elsewhere;
    const bool calls_all =
        is_start && (speakers_.is_validator(*key) || header.sequence <= words_of_a_start);
    if (is_asked || (calls_all && self_.role == wire::Role::validator)) answer_start(now, *key);
    if (!is_elsewhere && !speakers_.find(*key)->said) ask_status(now, *key);
}

void Mesh::lose_speaker(const crypto::PublicKey& key) {
    const AirSpeaker& speaker = *speakers_.find(key);
    const bool is_lost = speaker.said && !is_announced(key);
    speakers_.forget(key);
    if (is_lost) emit(PeerLost{key, LossReason::crowded_out});
}

const AirSpeaker* Mesh::air_peer(const crypto::PublicKey& key) const {
    const AirSpeaker* speaker = speakers_.find(key);
    return speaker != nullptr && speaker->said ? speaker : nullptr;
}

base::Duration Mesh::patience(const crypto::PublicKey& peer, base::Duration usual) const {
    const AirSpeaker* speaker = has_session(peer) ? nullptr : air_peer(peer);
    return speaker == nullptr ? usual : std::max(usual, airs_[speaker->air].link->patience());
}

bool Mesh::reaches(const crypto::PublicKey& peer, MessageType type) const {
    if (has_session(peer) || air_peer(peer) == nullptr) return true;
    const wire::MessageRule* rule = find_rule(rules_, type);
    return rule != nullptr && goes_on_air(*rule);
}

bool Mesh::is_free(base::Instant now, MessageType type) const {
    if (!has_air_alone()) return true;
    const wire::MessageRule* rule = find_rule(rules_, type);
    return rule != nullptr && std::ranges::any_of(airs_, [&](const Air& air) {
               return air.link->free_at(now, *rule, wire::ip_payload_bytes_max) <= now;
           });
}

base::Duration Mesh::air_packet_time() const {
    base::Duration longest{};
    for (const Air& air : airs_) longest = std::max(longest, air.link->packet_time());
    return longest;
}

base::Duration Mesh::flood_time() const {
    base::Duration longest{};
    if (!has_air_alone()) return longest;
    for (const Air& air : airs_) {
        longest = std::max(longest, packets_of_flood * air.link->packet_time());
    }
    return longest;
}

Peer Mesh::describe(const crypto::PublicKey& key, const AirSpeaker& speaker) const {
    Peer peer;
    peer.key = key;
    peer.id = crypto::node_id(key);
    const auto validator = std::ranges::find(options_.validators, key, &ValidatorIdentity::key);
    peer.is_validator = validator != options_.validators.end();
    if (peer.is_validator) {
        peer.stake = validator->stake;
        peer.role = wire::Role::validator;
    } else if (const KnownNode* known = surroundings_->known.find(key)) {
        peer.role = known->announcement.role;
    }
    peer.connected = true;
    peer.radio = speaker.radio;
    peer.state = speaker.said->state;
    peer.slot = speaker.said->slot;
    peer.height = speaker.said->height;
    peer.final_height = speaker.said->final_height;
    peer.first_heard = speaker.first_heard;
    peer.last_heard = speaker.last_heard;
    return peer;
}

std::expected<std::size_t, base::Error> Mesh::send_on_air(base::Now now,
                                                          const wire::Outgoing& frame,
                                                          const wire::MessageRule& rule,
                                                          const AirSpeaker& to) {
    if (!goes_on_air(rule)) {
        return base::failure(base::Errc::unavailable,
                             std::string(wire::name(rule.type)) + " does not go on the air", "mesh",
                             "wait for a faster link to this peer");
    }
    if (rule.message_class != MessageClass::control) {
        // Many may have been asked for it, and all can use it.
        const wire::FrameHeader header = own_header(now, frame.type, options_.hop_limit);
        return send_to_airs(now, rule, header, frame.payload, {.crowd = air_crowd()});
    }
    MESH_TRY(const SignedFrame control, sign_outgoing(frame));
    wire::FrameHeader header = control.header;
    header.hop_limit = hop_limit_of(to.air, rule.type);
    const base::Bytes payload = control.payload;
    MESH_CHECK(airs_[to.air].link->send(
        now.instant, rule, header, payload,
        {.to = wire::addressee_of(crypto::node_id(*frame.to)), .hurried = frame.hurried}));
    count_sent(true, rule.type, payload);
    return 1;
}

std::size_t Mesh::send_to_airs(base::Now now, const wire::MessageRule& rule,
                               wire::FrameHeader header, base::Bytes payload,
                               const wire::Spoken& how) {
    if (airs_.empty() || !goes_on_air(rule)) return 0;
    // A control message goes one hop between sessions; the air is one hop, however many radios
    // it takes.
    const bool is_control = rule.message_class == MessageClass::control;
    const std::uint8_t hop_limit =
        is_control ? options_.hop_limit : std::min(header.hop_limit, options_.hop_limit);
    std::optional<std::uint64_t> id;
    if (rule.message_class == MessageClass::object) id = flood_.content_id(rule.type, payload).low;
    std::size_t sent = 0;
    for (std::size_t i = 0; i < airs_.size(); ++i) {
        Air& air = airs_[i];
        wire::Spoken said = how;
        // What others hold, and neither said nor heard here, came by another link.
        said.bridged = id && how.crowd > 0 && has_other_links() && !air.is_its_own(*id);
        header.hop_limit = std::min(hop_limit, hop_limit_of(i, rule.type));
        // Relays have said it twice already, and would again.
        if (how.again && !how.missed && header.hop_limit > 0 && has_relays(i)) continue;
        if (say(now, air, rule, header, payload, id, said)) ++sent;
    }
    return sent;
}

/// As far as the furthest who was heard there. A relay more costs as much as saying it twice.
std::uint8_t Mesh::hop_limit_of(std::size_t air, MessageType type) const {
    // Of many who are near, some are heard over a relay alone, once, by chance.
    constexpr std::size_t many = 8;
    std::size_t speakers = 0;
    std::size_t far = 0;
    std::optional<std::uint8_t> furthest;
    std::optional<std::uint8_t> furthest_surely;
    speakers_.for_each([&](const crypto::PublicKey&, const AirSpeaker& speaker) {
        if (!speaker.said || speaker.air != air) return;
        ++speakers;
        far += speaker.hops > 0;
        furthest = std::max(furthest.value_or(0), speaker.hops);
        if (speaker.hops > 0 && speaker.far_in_a_row < 2) return;
        furthest_surely = std::max(furthest_surely.value_or(0), speaker.hops);
    });
    if (speakers >= many && 3 * far < speakers) furthest = furthest_surely;
    // Whoever misses a block builds another one.
    const bool is_block = type == MessageType::block || type == MessageType::short_block;
    const std::uint8_t least = is_block ? 1 : 0;
    return std::min(options_.hop_limit, std::max(least, furthest.value_or(UINT8_MAX)));
}

/// Somebody was heard there over one.
bool Mesh::has_relays(std::size_t air) const {
    bool found = false;
    speakers_.for_each([&](const crypto::PublicKey&, const AirSpeaker& speaker) {
        const bool is_far = speaker.hops > 0 && speaker.hops < UINT8_MAX;
        found |= speaker.said && speaker.air == air && is_far;
    });
    return found;
}

bool Mesh::say(base::Now now, Air& air, const wire::MessageRule& rule,
               const wire::FrameHeader& header, base::Bytes payload,
               std::optional<std::uint64_t> id, const wire::Spoken& how) {
    if (id && air.is_said(now.instant, *id, how)) return true;
    const bool taken = air.link->send(now.instant, rule, header, payload, how).has_value();
    if (taken && id) air.note_said(now.instant, *id, how.crowd == 0 && !how.bridged);
    return count_sent(taken, rule.type, payload);
}

/// Those who are on this air and on our network as well bridge the two like us. One after the other
/// has its turn, in an order that all of them know and that is another for each object; whoever
/// hears it said lets his pass. Its origin says it without being asked, and keys that cost nothing
/// come behind validators, and delay nobody by more than a few turns.
wire::Spoken Mesh::bridge_turn(std::size_t air, const wire::FrameHeader& header,
                               base::Bytes payload) const {
    wire::Spoken turn{.bridged = true};
    const auto rank_of = [&](const crypto::PublicKey& key) {
        base::Buffer text = base::to_buffer(payload);
        text.insert(text.end(), key.bytes.begin(), key.bytes.end());
        const crypto::NodeId id = crypto::node_id(key);
        return std::tuple(id != header.sender, speakers_.validator(id) != key, crypto::hash(text));
    };
    int before = 0;
    std::optional<std::tuple<bool, bool, crypto::Hash>> own;
    speakers_.for_each([&](const crypto::PublicKey& key, const AirSpeaker& speaker) {
        if (speaker.air != air || !speaker.said || !has_session(key)) return;
        if (!own) own = rank_of(identity());
        ++turn.crowd;
        if (rank_of(key) < *own) ++before;
    });
    if (turn.crowd > 0) {
        turn.after =
            std::min(before, turns_waited_max) * packets_of_flood * airs_[air].link->packet_time();
    }
    return turn;
}

std::size_t Mesh::air_crowd() const {
    std::size_t present = 0;
    speakers_.for_each([&](const crypto::PublicKey&, const AirSpeaker& speaker) {
        if (speaker.said) ++present;
    });
    return std::clamp<std::size_t>(present, 4, 16);
}

void Mesh::relay_to_airs(base::Now now, const wire::MessageRule& rule, const wire::Frame& frame,
                         const Air* except, Bridging bridging) {
    if (frame.header.hop_limit == 0 || rule.type == MessageType::peer_info) return;
    if (airs_.empty() || !goes_on_air(rule)) return;
    wire::FrameHeader header = frame.header;
    header.hop_limit =
        std::min(static_cast<std::uint8_t>(header.hop_limit - 1), options_.hop_limit);
    const std::uint64_t id = flood_.content_id(rule.type, frame.payload).low;
    for (std::size_t i = 0; i < airs_.size(); ++i) {
        if (&airs_[i] == except) continue;
        if (bridging == Bridging::if_unsaid && airs_[i].recent.get(id) != nullptr) continue;
        wire::FrameHeader there = header;
        there.hop_limit = std::min(header.hop_limit, hop_limit_of(i, rule.type));
        const wire::Spoken turn = bridge_turn(i, header, frame.payload);
        if (say(now, airs_[i], rule, there, frame.payload, id, turn)) {
            ++stats_.of(rule.type).relayed;
        }
    }
}

}  // namespace meshchain::mesh
