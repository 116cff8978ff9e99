#include "sim/lora_mesh.h"

#include <algorithm>

namespace meshchain::sim {
namespace {

/// The contention window is so many doublings of a slot, the more the busier the channel is, or
/// the louder a packet was: who heard it least relays it first.
constexpr std::int64_t window_min = 3;
constexpr std::int64_t window_max = 8;
constexpr Decibel100 snr_min = -20'00;
constexpr Decibel100 snr_max = 10'00;

/// Listening for two symbols and half of another, and turning the radio round.
base::Duration slot_of(const radio::Modulation& modulation) {
    return radio::symbol_time(modulation) * 5 / 2 + std::chrono::microseconds(7'600);
}

std::int64_t window_at(std::int64_t value, std::int64_t low, std::int64_t high) {
    const std::int64_t inside = std::clamp(value, low, high);
    return window_min + (inside - low) * (window_max - window_min) / (high - low);
}

}  // namespace

LoraMesh::LoraMesh(const LoraSetting& setting, const std::vector<Place>& places,
                   base::Random random)
    : medium_(setting, places, random.stream("medium")),
      slot_(slot_of(setting.modulation)),
      radios_(places.size()),
      random_(random.stream("radios")) {}

base::Duration LoraMesh::slots(std::uint64_t count) const {
    return slot_ * static_cast<std::int64_t>(count);
}

base::Duration LoraMesh::own_pause(base::Instant now, std::size_t radio) {
    const auto window = window_at(medium_.use_percent(now, radio), 0, 100);
    return slots(random_.below(std::uint64_t{1} << window));
}

base::Duration LoraMesh::relay_pause(Decibel100 snr) {
    const auto window = window_at(snr, snr_min, snr_max);
    return slots(2 * window_max + random_.below(std::uint64_t{1} << window));
}

bool LoraMesh::note(Radio& radio, const PacketId& id) {
    if (std::ranges::find(radio.history, id) != radio.history.end()) return false;
    if (radio.history.size() < history_max) {
        radio.history.push_back(id);
    } else {
        radio.history[radio.history_next++ % history_max] = id;
    }
    return true;
}

bool LoraMesh::submit(base::Instant now, std::size_t radio, base::Bytes payload,
                      std::uint8_t hop_limit) {
    MESH_ASSERT(payload.size() <= radio::payload_bytes_max);
    return submit_sized(now, radio, payload, hop_limit, radio::packet_bytes_of(payload.size()));
}

bool LoraMesh::submit_sized(base::Instant now, std::size_t radio, base::Bytes payload,
                            std::uint8_t hop_limit, std::size_t packet_bytes) {
    Packet packet{.id = {radio, ++numbers_},
                  .hop_limit = hop_limit,
                  .packet_bytes = packet_bytes,
                  .payload = std::make_shared<const base::Buffer>(base::to_buffer(payload))};
    note(radios_.at(radio), packet.id);
    const bool fits = enqueue(now, radio, std::move(packet), own_pause(now, radio));
    counts_.submitted += fits;
    return fits;
}

bool LoraMesh::enqueue(base::Instant now, std::size_t radio, Packet packet, base::Duration pause) {
    Radio& self = radios_.at(radio);
    if (self.waiting.size() >= queue_max) {
        ++counts_.dropped;
        return false;
    }
    self.waiting.push_back({std::move(packet), now + pause});
    schedule(now, radio);
    return true;
}

bool LoraMesh::has_own(std::size_t radio) const {
    const Radio& self = radios_.at(radio);
    if (self.sending && self.sending->hops == 0) return true;
    return std::ranges::any_of(self.waiting,
                               [](const Waiting& waiting) { return waiting.packet.hops == 0; });
}

std::size_t LoraMesh::relays(std::size_t radio) const {
    const auto is_relay = [](const Waiting& waiting) { return waiting.packet.hops > 0; };
    return static_cast<std::size_t>(std::ranges::count_if(radios_.at(radio).waiting, is_relay));
}

void LoraMesh::restart(std::size_t radio) { radios_.at(radio).waiting.clear(); }

void LoraMesh::schedule(base::Instant now, std::size_t radio) {
    Radio& self = radios_[radio];
    if (self.sending || self.waiting.empty()) return;
    const auto next = std::ranges::min_element(self.waiting, {}, &Waiting::ready);
    const base::Instant wakes = std::max(now, next->ready);
    if (wakes >= self.wakes) return;
    self.wakes = wakes;
    queue_.push(wakes, {radio, false});
}

void LoraMesh::handle_timeout(base::Instant now) {
    while (queue_.next_time() <= now) {
        const auto event = queue_.pop();
        if (event.what.is_end) {
            finish_sending(event.at, event.what.radio);
        } else if (radios_[event.what.radio].wakes == event.at) {
            radios_[event.what.radio].wakes = base::never;
            try_to_send(event.at, event.what.radio);
        }
    }
}

void LoraMesh::try_to_send(base::Instant now, std::size_t radio) {
    Radio& self = radios_[radio];
    if (self.sending || self.waiting.empty()) return;
    const auto next = std::ranges::min_element(self.waiting, {}, &Waiting::ready);
    if (next->ready <= now && medium_.is_busy(radio)) {
        next->ready = now + slot_ + own_pause(now, radio);
    }
    if (next->ready > now) return schedule(now, radio);
    self.sending = std::move(next->packet);
    self.waiting.erase(next);
    const base::Duration takes = medium_.begin(now, radio, self.sending->packet_bytes);
    self.airtime += takes;
    if (on_air) on_air(*self.sending->payload, self.sending->packet_bytes, self.sending->hops > 0);
    queue_.push(now + takes, {radio, true});
}

void LoraMesh::finish_sending(base::Instant now, std::size_t radio) {
    Radio& self = radios_[radio];
    const Packet packet = std::move(*self.sending);
    self.sending.reset();
    counts_.relayed += packet.hops > 0;
    for (const LoraMedium::Reception& reception : medium_.end(now, radio)) {
        hear(now, reception.radio, packet, reception.snr);
    }
    schedule(now, radio);
}

void LoraMesh::hear(base::Instant now, std::size_t radio, const Packet& packet, Decibel100 snr) {
    Radio& self = radios_[radio];
    if (!note(self, packet.id)) {
        if (packet.id.from == radio && on_echo) on_echo(radio, *packet.payload);
        const auto mine = std::ranges::find(
            self.waiting, packet.id, [](const Waiting& waiting) { return waiting.packet.id; });
        // One's own packet stays: that it comes back says only that somebody relayed an older one.
        if (mine == self.waiting.end() || mine->packet.hops == 0) return;
        self.waiting.erase(mine);
        ++counts_.left_to_others;
        return;
    }
    deliveries_.push_back({.to = radio,
                           .from = packet.id.from,
                           .hops = packet.hops,
                           .hop_limit = packet.hop_limit,
                           .snr = snr,
                           .payload = packet.payload});
    if (packet.hop_limit == 0) return;
    Packet relayed = packet;
    --relayed.hop_limit;
    ++relayed.hops;
    enqueue(now, radio, std::move(relayed), relay_pause(snr));
}

std::optional<LoraMesh::Delivery> LoraMesh::poll_delivery() {
    if (deliveries_.empty()) return std::nullopt;
    Delivery delivery = std::move(deliveries_.front());
    deliveries_.pop_front();
    return delivery;
}

}  // namespace meshchain::sim
