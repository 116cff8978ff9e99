#include "sim/stream_radios.h"

#include "radio/stream_link.h"
#include "sim/radio_air.h"

namespace meshchain::sim {
namespace {

using radio::Content;
using radio::MeshPacket;
using radio::Preset;

constexpr std::uint32_t first_number = 0x4d430001;
constexpr std::size_t channel_name_max = 11;  ///< as Meshtastic's apps take it
/// Where nothing limits the duty cycle, which these radios do not watch.
constexpr std::uint32_t region_us = 1;
constexpr std::int32_t metres_in_a_room = 10;
constexpr std::uint32_t hardware_private = 255;

radio::LoraConfig lora_config(Preset preset) {
    const radio::Modulation modulation = modulation_of(preset);
    const auto number = radio::preset_number(modulation);
    return {.uses_preset = number.has_value(),
            .preset = number.value_or(0),
            .bandwidth = modulation.bandwidth_hz / 1'000,
            .spreading_factor = modulation.spreading_factor,
            .coding_rate = modulation.coding_rate,
            .region = region_us,
            .hop_limit = LoraMesh::hop_limit_default,
            .may_transmit = true};
}

LoraSetting setting_of(const StreamRadios::Options& options) {
    MESH_ASSERT(StreamRadios::check(options));
    return {.modulation = modulation_of(options.preset), .loss_permille = options.loss_permille};
}

std::vector<Place> places_of(const StreamRadios::Options& options) {
    const std::int32_t apart =
        options.is_line ? RadioAir::reach(setting_of(options)) : metres_in_a_room;
    std::vector<Place> places;
    for (std::size_t i = 0; i < options.radios; ++i) {
        places.push_back({static_cast<std::int32_t>(i) * apart, 0});
    }
    return places;
}

radio::StreamRadio radio_of(const StreamRadios::Options& options, std::size_t index) {
    radio::StreamRadio made(StreamRadios::number_of(index));
    made.lora = lora_config(options.preset);
    made.channels = {{.index = 0, .psk = {std::byte{1}}, .name = {}, .role = 1}};
    if (!options.channel.empty()) {
        made.channels.push_back({.index = 1,
                                 .psk = base::Buffer(16, std::byte{7}),
                                 .name = options.channel,
                                 .role = 2});
    }
    made.user = {.id = to_text(made.number),
                 .long_name = "Test radio " + std::to_string(index),
                 .short_name = "T" + std::to_string(index),
                 .hardware = hardware_private,
                 .public_key = {}};
    made.metrics = {.channel_utilization = 0.0F, .air_util_tx = {}};
    return made;
}

/// A header and the encoded content. Nothing: no packet has room for it.
std::optional<std::size_t> bytes_on_air(const MeshPacket& packet) {
    const auto* content = std::get_if<Content>(&packet.content);
    if (content == nullptr) return std::nullopt;
    const auto encoded = encode(*content);
    if (!encoded) return std::nullopt;
    return radio::packet_header_bytes + encoded->size();
}

std::unexpected<base::Error> refuse(std::string what, std::string option, std::string advice) {
    return base::failure(base::Errc::invalid_argument, std::move(what), std::move(option),
                         std::move(advice));
}

}  // namespace

std::expected<void, base::Error> StreamRadios::check(const Options& options) {
    if (options.radios < 1 || options.radios > radios_max) {
        return refuse(std::to_string(options.radios) + " radios", "--radios",
                      "choose 1 to " + std::to_string(radios_max));
    }
    if (options.loss_permille > 1'000) {
        return refuse(std::to_string(options.loss_permille) + " lost of a thousand packets",
                      "--loss", "choose 0 to 1000");
    }
    if (options.channel.size() > channel_name_max) {
        return refuse("a channel name of " + std::to_string(options.channel.size()) + " bytes",
                      "--channel",
                      "choose one of " + std::to_string(channel_name_max) + " at most");
    }
    return {};
}

radio::NodeNumber StreamRadios::number_of(std::size_t index) {
    return radio::NodeNumber{first_number + static_cast<std::uint32_t>(index)};
}

StreamRadios::StreamRadios(const Options& options)
    : mesh_(setting_of(options), places_of(options), base::Random(options.seed)) {
    for (std::size_t i = 0; i < options.radios; ++i) {
        radios_.push_back({.radio = radio_of(options, i)});
    }
    mesh_.on_echo = [this](std::size_t index, const base::Buffer& packet) {
        if (const auto own = radio::parse_mesh_packet(packet)) at(index).radio.hear_echo(own->id);
    };
}

void StreamRadios::handle_bytes(base::Instant now, std::size_t index, base::Bytes bytes) {
    OnAir& self = at(index);
    const unsigned reboots = self.radio.reboots;
    self.radio.relays = mesh_.relays(index);
    self.radio.handle_bytes(bytes);
    if (self.radio.reboots != reboots) {
        mesh_.restart(index);
        self.is_handed = false;
    }
    pump(now, index);
}

void StreamRadios::handle_timeout(base::Instant now) {
    while (poll_timeout() <= now) {
        const base::Instant at_time = poll_timeout();
        mesh_.handle_timeout(at_time);
        while (const auto delivery = mesh_.poll_delivery()) deliver(*delivery);
        if (at_time >= metrics_at_) say_metrics(at_time);
        for (std::size_t i = 0; i < size(); ++i) pump(at_time, i);
    }
}

void StreamRadios::deliver(const LoraMesh::Delivery& delivery) {
    auto packet = radio::parse_mesh_packet(*delivery.payload);
    if (!packet) return;
    packet->hop_limit = delivery.hop_limit;
    packet->rx_snr = static_cast<float>(delivery.snr) / 100;
    LoraMedium& medium = mesh_.medium();
    packet->rx_rssi = (delivery.snr + medium.sensitivity() - medium.snr_limit()) / 100;
    at(delivery.to).radio.hear(*packet);
}

void StreamRadios::pump(base::Instant now, std::size_t index) {
    OnAir& self = at(index);
    self.radio.relays = mesh_.relays(index);
    if (mesh_.has_own(index)) return;
    if (std::exchange(self.is_handed, false)) self.radio.transmit();
    if (self.radio.queue.empty()) return;
    const MeshPacket& packet = self.radio.queue.front();
    const auto takes = bytes_on_air(packet);
    const auto protobuf = encode(packet);  // stands for the packet in the mesh
    if (!takes || !protobuf) return self.radio.transmit();
    self.is_handed = mesh_.submit_sized(now, index, *protobuf, packet.hop_limit, *takes);
}

void StreamRadios::say_metrics(base::Instant now) {
    metrics_at_ = now + metrics_every;
    for (std::size_t i = 0; i < size(); ++i) {
        const unsigned percent = std::min(100U, mesh_.medium().use_percent(now, i));
        at(i).radio.metrics.channel_utilization = static_cast<float>(percent);
        at(i).radio.say_metrics();
    }
}

}  // namespace meshchain::sim
