#include "sim/radio_door.h"

namespace meshchain::sim {

RadioDoor::RadioDoor(LoraMesh& mesh, AirtimeWatch& watch, const radio::Modulation& modulation,
                     std::size_t index, std::function<base::Instant()> now)
    : mesh_(mesh), watch_(watch), modulation_(modulation), index_(index), now_(std::move(now)) {}

bool RadioDoor::is_ready() const {
    return !mesh_.has_own(index_) && mesh_.queued(index_) <= LoraMesh::queue_max - 4;
}

std::expected<void, base::Error> RadioDoor::send(base::Instant, base::Bytes payload,
                                                 std::uint8_t hop_limit) {
    const base::Instant now = now_();
    on_sent(payload);
    const std::size_t bytes = radio::packet_bytes_of(payload.size());
    if (!watch_.note(now, index_, radio::time_on_air(modulation_, bytes))) {
        is_within_budget_ = false;
    }
    if (!mesh_.submit(now, index_, payload, hop_limit)) {
        return base::failure(base::Errc::full, "the radio's queue is full", "radio");
    }
    return {};
}

std::optional<radio::ReceivedPacket> RadioDoor::receive() {
    if (waiting_.empty()) return std::nullopt;
    const LoraMesh::Delivery delivery = std::move(waiting_.front());
    waiting_.pop_front();
    borrowed_ = delivery.payload;
    return radio::ReceivedPacket{.from = number_of(delivery.from),
                                 .hop_limit = delivery.hop_limit,
                                 .hops = static_cast<std::uint8_t>(delivery.hops),
                                 .payload = *borrowed_};
}

std::optional<unsigned> RadioDoor::take_channel_use_percent(base::Instant) {
    const base::Instant now = now_();
    if (told_ && now - *told_ < telemetry) return std::nullopt;
    told_ = now;
    return mesh_.medium().use_percent(now, index_);
}

void RadioDoor::arrive(const LoraMesh::Delivery& delivery) {
    if (waiting_.size() < waiting_max) waiting_.push_back(delivery);
}

}  // namespace meshchain::sim
