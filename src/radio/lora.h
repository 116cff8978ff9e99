#pragma once
// How long a LoRa packet is on the air, exactly, and the presets that Meshtastic's radios share.
//
// Source: Semtech AN1200.13, section 4; presets, preamble and the 16 bytes of header as the
//         firmware 2.7 has them.
// Limits: packet_bytes_max a packet.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace meshchain::radio {

/// Of a packet on the air, Meshtastic's own header included.
inline constexpr std::size_t packet_bytes_max = 255;
/// Meshtastic's header, before the encoded and encrypted Data.
inline constexpr std::size_t packet_header_bytes = 16;

/// Of ours in a packet: port number, lengths and bit field take the rest.
inline constexpr std::size_t payload_bytes_max = 231;

/// Of a packet with a payload of ours, which goes to a port above 127.
constexpr std::size_t packet_bytes_of(std::size_t payload_bytes) {
    return packet_header_bytes + payload_bytes + (payload_bytes < 128 ? 7 : 8);
}
static_assert(packet_bytes_of(payload_bytes_max) == packet_bytes_max);

struct Modulation {
    std::uint8_t spreading_factor = 11;  ///< 7 … 12: a symbol carries so many bits
    std::uint32_t bandwidth_hz = 250'000;
    std::uint8_t coding_rate = 5;  ///< 5 … 8: so many bits on the air for four
    friend bool operator==(const Modulation&, const Modulation&) = default;
};

enum class Preset : std::uint8_t {
    short_turbo,
    short_fast,
    medium_turbo,
    short_slow,
    medium_fast,
    medium_slow,
    long_turbo,
    long_fast,
    long_moderate,
    long_slow,
    narrow_slow,
};
inline constexpr std::size_t presets = 11;

/// "LONG_FAST", as Meshtastic writes it.
std::string_view name(Preset preset);
/// Nothing for a name that is none.
std::optional<Preset> preset_of(std::string_view name);
Modulation modulation_of(Preset preset);

base::Duration symbol_time(const Modulation& modulation);
/// What comes before the first symbol of content.
base::Duration preamble_time(const Modulation& modulation);
/// Of a packet of so many bytes, header included; rounded up to a nanosecond. Asserts that the
/// modulation is within its limits and that it is no more than packet_bytes_max.
base::Duration time_on_air(const Modulation& modulation, std::size_t packet_bytes);

}  // namespace meshchain::radio
