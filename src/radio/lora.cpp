#include "radio/lora.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/assert.h"

namespace meshchain::radio {
namespace {

struct PresetRow {
    std::string_view name;
    Modulation modulation;
};

constexpr std::array<PresetRow, presets> rows{{
    {"SHORT_TURBO", {7, 500'000, 5}},
    {"SHORT_FAST", {7, 250'000, 5}},
    {"MEDIUM_TURBO", {9, 500'000, 5}},
    {"SHORT_SLOW", {8, 250'000, 5}},
    {"MEDIUM_FAST", {9, 250'000, 5}},
    {"MEDIUM_SLOW", {10, 250'000, 5}},
    {"LONG_TURBO", {11, 500'000, 8}},
    {"LONG_FAST", {11, 250'000, 5}},
    {"LONG_MODERATE", {11, 125'000, 8}},
    {"LONG_SLOW", {12, 125'000, 8}},
    {"NARROW_SLOW", {8, 62'500, 6}},
}};

/// Meshtastic sends 16 where the standard has 8; sync word and start take 4.25 more.
constexpr std::uint64_t preamble_quarters = 4 * 16 + 17;
constexpr std::uint64_t nanoseconds = 1'000'000'000;
/// Symbols as long as this are sent with two bits fewer each, against drift of the crystals.
constexpr base::Duration low_rate_from = std::chrono::milliseconds(16);

/// So many quarters of a symbol, rounded up.
base::Duration quarters(const Modulation& modulation, std::uint64_t count) {
    const std::uint64_t chips = count << modulation.spreading_factor;
    const std::uint64_t per_second = 4 * std::uint64_t{modulation.bandwidth_hz};
    return std::chrono::nanoseconds((chips * nanoseconds + per_second - 1) / per_second);
}

}  // namespace

std::string_view name(Preset preset) { return rows[static_cast<std::size_t>(preset)].name; }

std::optional<Preset> preset_of(std::string_view name) {
    const auto found = std::ranges::find(rows, name, &PresetRow::name);
    if (found == rows.end()) return std::nullopt;
    return static_cast<Preset>(found - rows.begin());
}

Modulation modulation_of(Preset preset) {
    return rows[static_cast<std::size_t>(preset)].modulation;
}

base::Duration symbol_time(const Modulation& modulation) { return quarters(modulation, 4); }

base::Duration preamble_time(const Modulation& modulation) {
    return quarters(modulation, preamble_quarters);
}

base::Duration time_on_air(const Modulation& modulation, std::size_t packet_bytes) {
    MESH_ASSERT(packet_bytes <= packet_bytes_max);
    MESH_ASSERT(modulation.spreading_factor >= 7 && modulation.spreading_factor <= 12);
    MESH_ASSERT(modulation.coding_rate >= 5 && modulation.coding_rate <= 8);
    MESH_ASSERT(modulation.bandwidth_hz > 0);
    const std::int64_t spreading = modulation.spreading_factor;
    const std::int64_t bits_less = symbol_time(modulation) >= low_rate_from ? 2 : 0;
    // Explicit header, checksum on. The first eight symbols carry what fits them.
    const std::int64_t bits = 8 * static_cast<std::int64_t>(packet_bytes) + 44 - 4 * spreading;
    const std::int64_t per_block = 4 * (spreading - bits_less);
    const std::int64_t blocks = std::max<std::int64_t>(0, (bits + per_block - 1) / per_block);
    const std::uint64_t symbols = 8 + static_cast<std::uint64_t>(blocks) * modulation.coding_rate;
    return quarters(modulation, preamble_quarters + 4 * symbols);
}

}  // namespace meshchain::radio
