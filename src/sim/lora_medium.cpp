#include "sim/lora_medium.h"

#include <algorithm>
#include <array>

#include "base/assert.h"

namespace meshchain::sim {
namespace {

constexpr Decibel100 capture = 6'00;
/// Of the radio's own amplifier.
constexpr Decibel100 noise_figure = 6'00;
/// Thermal noise of one hertz at room temperature.
constexpr Decibel100 noise_of_hertz = -174'00;
/// By spreading factor, from 7 on.
constexpr std::array<Decibel100, 6> snr_limits{-7'50, -10'00, -12'50, -15'00, -17'50, -20'00};
/// A receiver needs the last five symbols of the preamble to find the packet.
constexpr int symbols_to_lock = 5;
constexpr base::Duration use_part_time = std::chrono::seconds(10);

Decibel100 path_loss(const LoraSetting& setting, const Place& a, const Place& b) {
    const auto dx = static_cast<std::int64_t>(a.x) - b.x;
    const auto dy = static_cast<std::int64_t>(a.y) - b.y;
    const auto squared = static_cast<std::uint64_t>(std::max<std::int64_t>(1, dx * dx + dy * dy));
    // Half of it, for the square; a tenth of that, for the exponent's tenths.
    return setting.loss_at_metre + decibels_of(squared) * setting.exponent_tenths / 20;
}

}  // namespace

LoraMedium::LoraMedium(const LoraSetting& setting, const std::vector<Place>& places,
                       base::Random random)
    : setting_(setting), radios_(places.size()), random_(random) {
    snr_limit_ = snr_limits.at(setting.modulation.spreading_factor - 7U);
    sensitivity_ =
        noise_of_hertz + decibels_of(setting.modulation.bandwidth_hz) + noise_figure + snr_limit_;
    for (std::size_t from = 0; from < places.size(); ++from) {
        for (std::size_t to = 0; to < places.size(); ++to) {
            if (from == to) continue;
            const Decibel100 level = setting.power - path_loss(setting, places[from], places[to]);
            // What is too quiet to be read may still disturb.
            if (level < sensitivity_ - capture) continue;
            radios_[from].reach.push_back({.to = to, .level = level});
        }
    }
}

std::optional<Decibel100> LoraMedium::level(std::size_t from, std::size_t to) const {
    const auto& reach = radios_.at(from).reach;
    const auto found = std::ranges::find(reach, to, &Link::to);
    if (found == reach.end()) return std::nullopt;
    return found->level;
}

base::Duration LoraMedium::lock_time() const {
    return radio::preamble_time(setting_.modulation) -
           symbols_to_lock * radio::symbol_time(setting_.modulation);
}

base::Duration LoraMedium::draw_around(base::Duration mean) {
    return random_.between(base::Duration{1}, 2 * mean);
}

Decibel100 LoraMedium::level_now(base::Instant now, Link& link) {
    if (setting_.fade_depth == 0) return link.level;
    if (!link.changes) link.changes = now + draw_around(setting_.fade_every);
    while (*link.changes <= now) {
        link.is_faded = !link.is_faded;
        *link.changes += draw_around(link.is_faded ? setting_.fade_lasts : setting_.fade_every);
    }
    return link.is_faded ? link.level - setting_.fade_depth : link.level;
}

void LoraMedium::advance_use(Radio& radio, base::Instant now) {
    const std::int64_t part = now.time_since_epoch() / use_part_time;
    for (std::int64_t i = radio.use_part + 1; i <= part; ++i) {
        if (i > radio.use_part + static_cast<std::int64_t>(use_parts)) break;
        radio.use[static_cast<std::size_t>(i) % use_parts] = {};
    }
    radio.use_part = part;
}

void LoraMedium::use_channel(base::Instant now, Radio& radio, base::Duration takes) {
    advance_use(radio, now);
    radio.use[static_cast<std::size_t>(radio.use_part) % use_parts] += takes;
    radio.used += takes;
}

unsigned LoraMedium::use_percent(base::Instant now, std::size_t radio) {
    Radio& self = radios_.at(radio);
    advance_use(self, now);
    base::Duration sum{};
    for (const base::Duration& part : self.use) sum += part;
    constexpr auto whole = use_part_time * use_parts;
    return static_cast<unsigned>(100 * sum / whole);
}

void LoraMedium::arrive(Radio& radio, Signal signal) const {
    if (radio.is_sending) signal.fate = Fate::deaf;
    for (Signal& other : radio.heard) {
        const bool reads_other = other.level >= sensitivity_ && other.fate != Fate::deaf &&
                                 signal.begin >= other.begin + lock_time();
        const bool over_in_time = other.end <= signal.begin + lock_time();
        if (other.level < signal.level + capture && other.fate == Fate::read) {
            other.fate = Fate::disturbed;
        }
        if (over_in_time || signal.fate != Fate::read) continue;
        if (reads_other) {
            signal.fate = Fate::deaf;
        } else if (signal.level < other.level + capture) {
            signal.fate = Fate::disturbed;
        }
    }
    radio.heard.push_back(signal);
}

base::Duration LoraMedium::begin(base::Instant now, std::size_t sender, std::size_t packet_bytes) {
    Radio& radio = radios_.at(sender);
    MESH_ASSERT(!radio.is_sending);
    radio.is_sending = true;
    for (Signal& signal : radio.heard) signal.fate = Fate::deaf;
    const base::Duration takes = radio::time_on_air(setting_.modulation, packet_bytes);
    use_channel(now, radio, takes);
    for (Link& link : radio.reach) {
        Radio& hearer = radios_[link.to];
        const bool is_cut = hears && !hears(link.to, sender);
        const Decibel100 level = is_cut ? silence : level_now(now, link);
        if (level >= sensitivity_) use_channel(now, hearer, takes);
        arrive(hearer, {.sender = sender, .level = level, .begin = now, .end = now + takes});
    }
    ++counts_.packets;
    counts_.air += takes;
    return takes;
}

std::vector<LoraMedium::Reception> LoraMedium::end(base::Instant now, std::size_t sender) {
    Radio& radio = radios_.at(sender);
    MESH_ASSERT(radio.is_sending);
    radio.is_sending = false;
    std::vector<Reception> receptions;
    for (const Link& link : radio.reach) {
        auto& heard = radios_[link.to].heard;
        const auto found = std::ranges::find(heard, sender, &Signal::sender);
        MESH_ASSERT(found != heard.end() && found->end == now);
        const Signal signal = *found;
        heard.erase(found);
        if (signal.level < sensitivity_) continue;
        counts_.disturbed += signal.fate == Fate::disturbed;
        counts_.deaf += signal.fate == Fate::deaf;
        if (signal.fate != Fate::read) continue;
        if (random_.chance(setting_.loss_permille, 1000)) continue;
        ++counts_.read;
        receptions.push_back({link.to, signal.level - sensitivity_ + snr_limit_});
    }
    return receptions;
}

bool LoraMedium::is_busy(std::size_t radio) const {
    const Radio& self = radios_.at(radio);
    return self.is_sending || std::ranges::any_of(self.heard, [&](const Signal& signal) {
               return signal.level >= sensitivity_;
           });
}

}  // namespace meshchain::sim
