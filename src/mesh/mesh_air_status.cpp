// What nodes say of themselves where all hear it, how often, and whom they take for a peer by it
// (docs/decisions/0153-nodes-on-the-air.md, 0188-two-payments-a-minute.md).

#include <algorithm>

#include "mesh/mesh.h"

namespace meshchain::mesh {

using wire::MessageType;
using wire::Verdict;

namespace {

/// Of many who start at once one answer is enough for so long.
constexpr base::Duration answer_pause = std::chrono::minutes(5);
/// A validator may start so often in a row and be answered each time: it votes again only when it
/// has heard the time.
constexpr int validator_starts = 3;
/// So long a pause that as many may end theirs by chance without speaking into each other.
constexpr int packets_a_pause = 60;
constexpr unsigned statuses_a_far_one = 4;
/// A node that only follows says its STATUS so many times less often in a crowd.
constexpr int stretched_at_most = 2;

}  // namespace

void Mesh::request_air_status(base::Now now) {
    for (Air& air : airs_) {
        plan_status(air, now.instant);
    }
}

/// Not sooner than a while after the last one, and after a pause by chance: many may start at once.
void Mesh::plan_status(Air& air, base::Instant from) {
    if (air.spoken_at) from = std::max(from, *air.spoken_at + pause_of(air));
    air.status_at = std::min(air.status_at, from + random_.between({}, pause_of(air)));
    air.status_due = air.status_at;
}

base::Duration Mesh::pause_of(const Air& air) const {
    // What validators say sets clocks; the others have time.
    const bool is_validator = self_.role == wire::Role::validator;
    const int packets = is_validator ? packets_a_pause : 12 * packets_a_pause;
    return std::max(options_.air_pause, packets * air.link->packet_time());
}

Verdict Mesh::handle_heard_status(const crypto::PublicKey& key, const AirPath& path,
                                  base::Bytes body) {
    const auto heartbeat = wire::parse_heartbeat(body);
    if (!heartbeat) return Verdict::punish;
    AirSpeaker& speaker = *speakers_.find(key);
    const bool is_found = !speaker.said && !is_announced(key);
    speaker.said = *heartbeat;
    std::optional<wire::Addressee>& asked = airs_[speaker.air].status_to;
    if (asked == wire::addressee_of(crypto::node_id(key))) asked.reset();
    if (is_found) emit(PeerDiscovered{key});
    emit(PeerHeartbeat{key, *heartbeat, path});
    return Verdict::keep;
}

/// Who has just started needs to hear what others' clocks show. What is going to be spoken anyway
/// answers him, too.
void Mesh::answer_start(base::Now now, const crypto::PublicKey& key) {
    AirSpeaker& speaker = *speakers_.find(key);
    Air& air = airs_[speaker.air];
    const bool is_validator = speakers_.validator(crypto::node_id(key)) == key;
    base::Instant& answered = is_validator ? speaker.answered_at : air.answered_at;
    const base::Duration in_a_row = (is_validator ? validator_starts - 1 : 0) * answer_pause;
    const base::Instant from = std::max(now.instant, answered - in_a_row);
    const base::Instant soon = std::max(from, air.spoken_at.value_or(from) + pause_of(air));
    if (air.status_at <= soon + pause_of(air)) return;
    answered = std::max(now.instant, answered) + answer_pause;
    plan_status(air, from);
}

/// Who is at work and whose STATUS was lost would be nobody to ask until the next one. Ours, meant
/// for it, makes it repeat its own.
void Mesh::ask_status(base::Now now, const crypto::PublicKey& key) {
    AirSpeaker& speaker = *speakers_.find(key);
    Air& air = airs_[speaker.air];
    // Anybody can make keys: all of them together are asked as often as one validator.
    const bool is_validator = speakers_.validator(crypto::node_id(key)) == key;
    if (!is_validator && is_well_known(speaker.air)) return;
    base::Instant& ask_at = is_validator ? speaker.ask_at : air.ask_at;
    if (now.instant < ask_at) return;
    ask_at = now.instant + answer_pause;
    air.status_to = wire::addressee_of(crypto::node_id(key));
    plan_status(air, now.instant);
}

/// Who has enough peers to ask there needs no other before it says by itself that it is one.
bool Mesh::is_well_known(std::size_t air) const {
    constexpr std::size_t peers_enough = 8;
    return peers_on(air) >= peers_enough;
}

std::size_t Mesh::peers_on(std::size_t air) const {
    std::size_t peers = 0;
    speakers_.for_each([&](const crypto::PublicKey&, const AirSpeaker& speaker) {
        peers += speaker.said && speaker.air == air;
    });
    return peers;
}

/// Of who only follows: validators' words set clocks, and must not get rarer. From eleven peers on
/// less often, as far as half of it: what anybody can make of keys does no more.
base::Duration Mesh::status_interval(std::size_t air) const {
    constexpr std::size_t crowd = 10;
    if (self_.role == wire::Role::validator) return options_.air_status_interval;
    const std::size_t peers = std::clamp(peers_on(air), crowd, stretched_at_most * crowd);
    return options_.air_status_interval * static_cast<std::int64_t>(peers) / std::int64_t{crowd};
}

/// Whoever hears nobody may not have been heard either: it calls out again once answers had their
/// time, and less and less often.
base::Duration Mesh::pause_alone(std::size_t air) {
    constexpr unsigned doublings_max = 8;
    Air& alone = airs_[air];
    if (peers_on(air) > 0) {
        alone.calls_alone = 0;
        return base::Duration::max();
    }
    const base::Duration answers =
        std::max(options_.air_pause, packets_a_pause * alone.link->packet_time());
    const unsigned doublings = std::min(alone.calls_alone++, doublings_max);
    return answers * (std::int64_t{2} << doublings);
}

/// Its first words call all of them; whoever still hears nobody may have been heard for long, and
/// asks one after the other.
std::optional<wire::Addressee> Mesh::any_validator() {
    std::vector<crypto::PublicKey> others;
    for (const crypto::PublicKey& key : speakers_.validators()) {
        if (key != identity()) others.push_back(key);
    }
    if (others.empty()) return std::nullopt;
    return wire::addressee_of(crypto::node_id(others[random_.below(others.size())]));
}

void Mesh::handle_airs_timeout(base::Now now) {
    for (std::size_t i = 0; i < airs_.size(); ++i) {
        Air& air = airs_[i];
        if (air.link->poll_timeout() <= now.instant) air.link->handle_timeout(now.instant);
        if (now.instant < air.status_at) continue;
        // It says what the clock shows, so it must not wait for its turn once it is made.
        base::Duration interval = status_interval(i);
        const base::Instant free =
            air.link->free_at(now.instant, status_rule(), status_payload_bytes);
        if (free > now.instant && now.instant < air.status_due + interval) {
            air.status_at = free;
            continue;
        }
        interval = std::min(interval, pause_alone(i));
        if (air.calls_alone > 1 && !air.status_to) air.status_to = any_validator();
        air.status_at = now.instant + random_.between(interval * 3 / 4, interval);
        air.status_due = air.status_at;
        air.spoken_at = now.instant;
        speak_up(now, air);
    }
    lose_silent(now);
}

/// Without a word for so long it is no peer any more: two intervals, whatever crowd it is in.
base::Duration Mesh::air_silence(const crypto::PublicKey& key) const {
    const int stretched = speakers_.is_validator(key) ? 1 : stretched_at_most;
    return 2 * stretched * options_.air_status_interval + options_.air_pause;
}

void Mesh::lose_silent(base::Now now) {
    speakers_.for_each([&](const crypto::PublicKey& key, AirSpeaker& speaker) {
        if (!speaker.said || now.instant < speaker.last_heard + air_silence(key)) return;
        speaker.said.reset();
        if (!is_announced(key)) emit(PeerLost{key, LossReason::silent});
    });
}

void Mesh::speak_up(base::Now now, Air& air) {
    const auto speak = [&](const wire::FrameHeader& header, base::Bytes payload,
                           const wire::Spoken& how) {
        const wire::MessageRule& rule = *find_rule(rules_, header.type);
        const auto sent = air.link->send(now.instant, rule, header, payload, how);
        count_sent(sent.has_value(), header.type, payload);
    };
    const auto index = static_cast<std::size_t>(&air - airs_.data());
    // Who lives further away than anybody who was heard of late has to hear of us some time.
    const bool is_far = air.spoken++ % statuses_a_far_one == 0;
    const std::uint8_t hop_limit =
        is_far ? options_.hop_limit : hop_limit_of(index, MessageType::status);
    // A validator's key is known; who else we are has to be said before we can be believed.
    if (self_.role != wire::Role::validator) {
        const base::Buffer own = wire::encode(own_announcement(now));
        const wire::FrameHeader header = own_header(now, MessageType::peer_info, hop_limit);
        flood_.mark_relayed(flood_.content_id(header.type, own), header.hop_limit);
        speak(header, own, {});
    }
    if (auto frame = sign_control(MessageType::status, wire::encode(heartbeat()))) {
        frame->header.hop_limit = hop_limit;
        speak(frame->header, frame->payload, {.to = std::exchange(air.status_to, std::nullopt)});
    }
}

base::Instant Mesh::airs_timeout() const {
    base::Instant next = base::never;
    for (const Air& air : airs_) {
        next = std::min({next, air.status_at, air.link->poll_timeout()});
    }
    speakers_.for_each([&](const crypto::PublicKey& key, const AirSpeaker& speaker) {
        if (speaker.said) next = std::min(next, speaker.last_heard + air_silence(key));
    });
    return next;
}

}  // namespace meshchain::mesh
