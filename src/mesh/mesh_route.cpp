// Routed messages (row F9): ours, those for us, and those of others that pass.

#include <algorithm>

#include "base/assert.h"
#include "mesh/mesh.h"
#include "wire/clock_question.h"

namespace meshchain::mesh {

using wire::MessageType;
using wire::RoutedMessage;
using wire::Verdict;

namespace {

/// Who handed over what was heard on the air: nobody that a message could be sent back to.
constexpr crypto::PublicKey on_air{};

/// A validator behind a gateway may hear too few others to know that its clock is right, and all
/// that it is to learn from them fits two packets. Other routed messages stay off the air.
bool is_about_clocks(MessageType type) {
    return type == MessageType::clock_ask || type == MessageType::clock_answer;
}

/// From one validator to another, of those that are taken from the air.
constexpr int packets_between_clocks = 32;

/// Of what crosses the air.
std::tuple<crypto::PublicKey, crypto::PublicKey, MessageType> way_of(const RoutedMessage& message) {
    return {message.origin, std::get<crypto::PublicKey>(message.destination), message.type};
}

std::uint8_t hops_travelled(const wire::FrameHeader& header, const RoutedMessage& message) {
    return static_cast<std::uint8_t>(message.hop_limit - header.hop_limit + 1);
}

}  // namespace

std::expected<std::uint64_t, base::Error> Mesh::send_routed(base::Now now,
                                                            const wire::Destination& destination,
                                                            MessageType type, base::Bytes payload) {
    MESH_ASSERT(sequence_);
    const wire::MessageRule* rule = find_rule(rules_, type);
    const auto refuse = [](std::string what) {
        return base::failure(base::Errc::invalid_argument, std::move(what), "mesh",
                             "send another node a message that its type's rule allows");
    };
    const std::string number = "type " + std::to_string(static_cast<unsigned>(type));
    if (rule == nullptr || rule->message_class != wire::MessageClass::routed ||
        Router::is_answer(type)) {
        return refuse(number + " is not for sending over several hops");
    }
    if (payload.size() < rule->payload_bytes_min || payload.size() > rule->payload_bytes_max) {
        return refuse(std::to_string(payload.size()) + " bytes of " + number +
                      " are outside its rule");
    }
    if (destination == wire::Destination(identity())) return refuse("the destination is ourselves");
    MESH_TRY(RoutedMessage message, surroundings_->router.begin(destination, type, payload));
    if (const auto* key = std::get_if<crypto::PublicKey>(&destination)) {
        surroundings_->known.note_talk(*key);
    }
    const std::uint64_t sequence = message.sequence;
    transmit(now, std::move(message));
    return sequence;
}

void Mesh::transmit(base::Now now, RoutedMessage message) {
    Surroundings& around = *surroundings_;
    refresh_topology(now.instant);
    std::optional<NextHop> next;
    const auto* key = std::get_if<crypto::PublicKey>(&message.destination);
    if (key != nullptr && !Router::is_flooded(message)) {
        next = around.router.next_hop(now.instant, message, around.topology, is_neighbour());
    }
    // Where the way is known, hop limit and reach are too; else each attempt searches further.
    const std::uint8_t reach = next ? next->hops : options_.hop_limit;
    const bool is_first = key != nullptr && message.attempt == 0;
    message.hop_limit = is_first
                            ? std::min(std::max(reach, options_.hop_limit), wire::hop_limit_max)
                            : wire::hop_limit_max;
    message.issued = static_cast<std::uint32_t>(base::unix_ms(now.wall) / 1000);
    message.signature = self_.identity.sign(wire::routed_preimage(self_.chain, message));

    const base::Buffer payload = wire::encode(message);
    const wire::FrameHeader header = own_header(now, MessageType::routed, message.hop_limit);
    flood_.mark_relayed(flood_.content_id(header.type, payload), header.hop_limit);
    around.router.note_sent(now.instant, message, next ? std::optional(next->peer) : std::nullopt);
    ++stats_.routes.sent;
    pass(now, next ? std::optional(next->peer) : std::nullopt, {}, message, header, payload);
}

void Mesh::pass(base::Now now, const std::optional<crypto::PublicKey>& next,
                const crypto::PublicKey& from, const RoutedMessage& message,
                const wire::FrameHeader& header, base::Bytes payload, const Air* heard_on) {
    if (next) {
        send_to_session(*peers_.find(*next), header, payload);
        return;
    }
    ++stats_.routes.flooded;
    route_to_airs(now, message, header, payload, heard_on);
    peers_.for_each([&](PeerEntry& entry) {
        if (!entry.session || !entry.session->mutual) return;
        if (entry.peer.key == from || entry.peer.key == message.origin) return;
        send_to_session(entry, header, payload);
    });
}

Verdict Mesh::judge_routed(base::Now now, const crypto::PublicKey& from, const wire::Frame& frame) {
    const auto message = wire::parse_routed(frame.payload);
    if (!message || frame.header.hop_limit > message->hop_limit ||
        frame.header.sender != crypto::node_id(message->origin)) {
        return Verdict::punish;
    }
    if (from == on_air && (!crosses_air(*message) || !is_due_on_air(now, *message))) {
        return Verdict::ignore;
    }
    Router& router = surroundings_->router;
    if (!router.is_timely(now, *message)) return Verdict::ignore;
    if (!crypto::verify(message->origin, wire::routed_preimage(self_.chain, *message),
                        message->signature)) {
        return Verdict::punish;
    }
    if (!router.admit(now.instant, message->origin)) return Verdict::ignore;
    // Who is not our neighbour is two hops away at least, whatever relays say.
    const std::uint8_t hops = hops_travelled(frame.header, *message);
    const std::uint8_t least = from == message->origin ? 1 : 2;
    if (from == on_air) {
        clocks_heard_.put(way_of(*message), now.instant);
    } else {
        router.routes().learn(now.instant, message->origin, from, std::max(hops, least));
    }
    if (!is_for_us(message->destination)) return Verdict::relay;
    take_routed(now, from, *message, hops);
    return message->destination == wire::Destination(identity()) ? Verdict::keep : Verdict::relay;
}

/// Anybody can make keys, and each question costs an answer: on the air only validators ask, and
/// each other.
bool Mesh::crosses_air(const RoutedMessage& message) const {
    const auto is_validator = [&](const crypto::PublicKey& key) {
        return speakers_.validator(crypto::node_id(key)) == key;
    };
    const auto* to = std::get_if<crypto::PublicKey>(&message.destination);
    return is_about_clocks(message.type) && to != nullptr && is_validator(*to) &&
           is_validator(message.origin);
}

/// Not quicker than the air carries them.
bool Mesh::is_due_on_air(base::Now now, const RoutedMessage& message) {
    base::Duration pause{};
    for (const Air& air : airs_) {
        pause = std::max(pause, packets_between_clocks * air.link->packet_time());
    }
    const base::Instant* last = clocks_heard_.get(way_of(message));
    return last == nullptr || now.instant >= *last + pause;
}

bool Mesh::is_for_us(const wire::Destination& destination) const {
    if (const auto* key = std::get_if<crypto::PublicKey>(&destination)) return *key == identity();
    if (const auto* segment = std::get_if<wire::SegmentId>(&destination)) {
        return std::ranges::binary_search(surroundings_->segments, *segment);
    }
    return true;
}

void Mesh::take_routed(base::Now now, const crypto::PublicKey& from, const RoutedMessage& message,
                       std::uint8_t hops) {
    Router& router = surroundings_->router;
    if (Router::is_answer(message.type)) {
        hand_up(now, from, message, hops);
    } else if (router.take_new(message)) {
        ++stats_.routes.delivered;
        surroundings_->known.note_talk(message.origin);
        if (!hand_up(now, from, message, hops)) router.note_refused(message);
    }
    // A repetition was handed up before, but its receipt may be lost.
    if (!message.receipt_wanted) return;
    const wire::Receipt receipt{.sequence = message.sequence,
                                .attempt = message.attempt,
                                .hops = hops,
                                .outcome = router.was_refused(message)
                                               ? wire::Receipt::Outcome::refused
                                               : wire::Receipt::Outcome::taken};
    transmit(now, router.begin_receipt(message.origin, receipt));
}

bool Mesh::hand_up(base::Now now, const crypto::PublicKey& from, const RoutedMessage& message,
                   std::uint8_t hops) {
    const wire::MessageRule* rule = find_rule(rules_, message.type);
    if (rule == nullptr || rule->message_class != wire::MessageClass::routed ||
        message.payload.size() < rule->payload_bytes_min ||
        message.payload.size() > rule->payload_bytes_max ||
        !surroundings_->router.admit_type(now.instant, message.origin, *rule)) {
        return false;
    }
    if (message.type == MessageType::probe) return true;
    if (message.type == MessageType::receipt) return handle_receipt(now, message, hops);
    if (message.type == MessageType::clock_ask) return answer_clock(now, message);
    if (message.type == MessageType::clock_answer) return handle_clock_answer(now, message);
    const wire::Ingress ingress{
        .peer = from, .routed = wire::RoutedFrom{message.origin, hops, message.destination}};
    const Verdict verdict = handler_.handle_frame(now, ingress, message.type, message.payload);
    // What is wrong inside is the origin's doing, not that of the relays.
    if (verdict == Verdict::punish) {
        if (PeerEntry* origin = peers_.find(message.origin)) punish(now, *origin);
    }
    return verdict == Verdict::relay || verdict == Verdict::keep;
}

bool Mesh::handle_receipt(base::Now now, const RoutedMessage& message, std::uint8_t hops) {
    const auto receipt = wire::parse_receipt(message.payload);
    if (!receipt) return false;
    Router& router = surroundings_->router;
    const auto settled = router.take_receipt(now.instant, message.origin, *receipt);
    if (!settled) return false;
    const bool taken = receipt->outcome == wire::Receipt::Outcome::taken;
    emit(RoutedSettled{.to = message.origin,
                       .sequence = receipt->sequence,
                       .type = settled->message.type,
                       .outcome = taken ? RoutedOutcome::taken : RoutedOutcome::refused,
                       .attempts = static_cast<std::uint8_t>(receipt->attempt + 1),
                       .hops_there = receipt->hops,
                       .hops_back = hops,
                       .round_trip = now.instant - settled->sent[receipt->attempt]});
    return true;
}

void Mesh::ask_clock(base::Now now, const crypto::PublicKey& validator) {
    if (!sequence_ || validator == identity()) return;
    wire::ClockAsk question;
    doors_.entropy.fill(question.nonce);
    if (!send_routed(now, validator, MessageType::clock_ask, wire::encode(question))) return;
    surroundings_->clock_questions.note(now.instant, validator, question.nonce);
}

bool Mesh::answer_clock(base::Now now, const RoutedMessage& message) {
    const auto question = wire::parse_clock_ask(message.payload);
    // Slot 0 is also what a node says before the chain begins.
    const bool is_told = message.destination == wire::Destination(identity());
    if (!question || !is_told || self_.role != wire::Role::validator ||
        status_.slot == wire::Slot{}) {
        return false;
    }
    const wire::ClockAnswer answer{question->nonce, status_.slot, status_.slot_phase};
    transmit(now, surroundings_->router.begin_answer(message.origin, MessageType::clock_answer,
                                                     wire::encode(answer), message.attempt));
    return true;
}

bool Mesh::handle_clock_answer(base::Now now, const RoutedMessage& message) {
    const auto answer = wire::parse_clock_answer(message.payload);
    if (!answer) return false;
    const auto asked = surroundings_->clock_questions.take(message.origin, answer->nonce);
    if (!asked) return false;
    emit(ClockStated{.validator = message.origin,
                     .slot = answer->slot,
                     .slot_phase = answer->slot_phase,
                     .round_trip = now.instant - *asked});
    return true;
}

void Mesh::relay_routed(base::Now now, const crypto::PublicKey& from, const wire::Frame& frame,
                        const Air* heard_on) {
    const auto message = wire::parse_routed(frame.payload);
    if (!message || frame.header.hop_limit == 0 || frame.header.hop_limit > message->hop_limit) {
        return;
    }
    wire::FrameHeader header = frame.header;
    --header.hop_limit;
    std::optional<crypto::PublicKey> next;
    if (std::holds_alternative<crypto::PublicKey>(message->destination)) {
        refresh_topology(now.instant);
        next = surroundings_->router.pass_on(now.instant, *message, surroundings_->topology,
                                             is_neighbour({from, message->origin}));
    }
    ++stats_.routes.passed_on;
    ++stats_.of(header.type).relayed;
    pass(now, next, from, *message, header, frame.payload, heard_on);
}

/// Nobody on our links is a way to where it goes. Whoever has nothing but an air hears clocks there
/// by themselves, and asks nobody.
void Mesh::route_to_airs(base::Now now, const RoutedMessage& message, wire::FrameHeader header,
                         base::Bytes payload, const Air* except) {
    const bool is_own_question =
        message.origin == identity() && message.type == MessageType::clock_ask;
    if (airs_.empty() || !crosses_air(message)) return;
    if (is_own_question && peers_.sessions() == 0) return;
    // Each attempt is signed anew. One is enough: the air is slower than who asks again.
    base::Buffer name;
    base::Writer writer(name);
    writer.bytes(message.origin.bytes);
    writer.u64(message.sequence);
    const std::uint64_t id = crypto::short_hash(flow_key_, name);
    header.hop_limit = std::min(header.hop_limit, options_.hop_limit);
    // An answer is worth nothing after a slot: it goes before other questions.
    wire::MessageRule rule = *find_rule(rules_, header.type);
    rule.priority = find_rule(rules_, message.type)->priority;
    for (std::size_t i = 0; i < airs_.size(); ++i) {
        if (&airs_[i] == except) continue;
        const wire::Spoken how =
            message.origin == identity() ? wire::Spoken{} : bridge_turn(i, header, payload);
        if (say(now, airs_[i], rule, header, payload, id, how)) ++stats_.of(header.type).relayed;
    }
}

void Mesh::retry_routed(base::Now now) {
    while (auto overdue = surroundings_->router.take_overdue(now.instant)) {
        RoutedMessage& message = overdue->message;
        const auto& to = std::get<crypto::PublicKey>(message.destination);
        if (++message.attempt < RoutedMessage::attempts_max) {
            transmit(now, std::move(message));
            continue;
        }
        ++stats_.routes.lost;
        emit(RoutedSettled{.to = to,
                           .sequence = message.sequence,
                           .type = message.type,
                           .outcome = RoutedOutcome::lost,
                           .attempts = RoutedMessage::attempts_max,
                           .hops_there = 0,
                           .hops_back = 0,
                           .round_trip = now.instant - overdue->sent[0]});
    }
}

}  // namespace meshchain::mesh
