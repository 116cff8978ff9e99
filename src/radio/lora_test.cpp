#include "radio/lora.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace meshchain::radio {
namespace {

/// Milliseconds for 50, 100, 200 and 237 bytes of encoded Data, as measured and computed for the
/// firmware's presets by others (RadioLib agrees).
struct Known {
    Preset preset;
    std::array<int, 4> ms;
};
constexpr std::array known{
    Known{Preset::short_turbo, {33, 51, 88, 101}},
    Known{Preset::short_fast, {66, 102, 176, 201}},
    Known{Preset::medium_turbo, {106, 162, 280, 321}},
    Known{Preset::short_slow, {116, 183, 311, 357}},
    Known{Preset::medium_fast, {211, 324, 560, 642}},
    Known{Preset::medium_slow, {402, 607, 1017, 1160}},
    Known{Preset::long_turbo, {509, 837, 1426, 1623}},
    Known{Preset::long_fast, {723, 1133, 1870, 2116}},
    Known{Preset::long_moderate, {2429, 3871, 6754, 7934}},
    Known{Preset::long_slow, {4596, 7217, 12460, 14295}},
    Known{Preset::narrow_slow, {534, 853, 1467, 1689}},
};

TEST(TimeOnAir, OfEveryPreset_IsWhatOthersFound) {
    static_assert(known.size() == presets);
    constexpr std::array<std::size_t, 4> data_bytes{50, 100, 200, 237};
    for (const Known& row : known) {
        for (std::size_t i = 0; i < data_bytes.size(); ++i) {
            const base::Duration time =
                time_on_air(modulation_of(row.preset), packet_header_bytes + data_bytes[i]);
            const double ms = std::chrono::duration<double, std::milli>(time).count();
            EXPECT_NEAR(ms, row.ms[i], 0.75) << name(row.preset) << ", " << data_bytes[i];
        }
    }
}

TEST(TimeOnAir, OfOnePacket_IsExact) {
    // 20.25 symbols of preamble and 8 + 5 * 14 of content, each 8.192 ms.
    EXPECT_EQ(time_on_air(modulation_of(Preset::long_fast), packet_header_bytes + 50),
              std::chrono::nanoseconds(88'250'000 * 8192LL / 1000));
    EXPECT_EQ(symbol_time(modulation_of(Preset::long_fast)), std::chrono::microseconds(8192));
    EXPECT_EQ(preamble_time(modulation_of(Preset::long_fast)), std::chrono::microseconds(165'888));
}

TEST(TimeOnAir, MoreBytes_NeverTakeLess) {
    for (const Known& row : known) {
        base::Duration before{};
        for (std::size_t bytes = 0; bytes <= packet_bytes_max; ++bytes) {
            const base::Duration time = time_on_air(modulation_of(row.preset), bytes);
            ASSERT_GE(time, before);
            before = time;
        }
    }
}

TEST(Presets, TheirNames_AreReadBack) {
    for (const Known& row : known) EXPECT_EQ(preset_of(name(row.preset)), row.preset);
    EXPECT_EQ(preset_of("LongFast"), std::nullopt);
    EXPECT_EQ(preset_of(""), std::nullopt);
}

}  // namespace
}  // namespace meshchain::radio
