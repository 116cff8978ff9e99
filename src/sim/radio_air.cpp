#include "sim/radio_air.h"

#include <algorithm>

namespace meshchain::sim {
namespace {

/// Above the sensitivity, so that what is in reach is not lost to chance alone.
constexpr Decibel100 margin = 6'00;

template <class Value>
std::vector<Value> each(const RadioAir::Options& options,
                        Value RadioAir::Options::Radio::* member) {
    std::vector<Value> values;
    for (const auto& radio : options.radios) values.push_back(radio.*member);
    return values;
}

}  // namespace

RadioAir::RadioAir(const Options& options, base::Random random,
                   const std::function<base::Instant()>& now)
    : machines_(each(options, &Options::Radio::machine)),
      mesh_(options.setting, each(options, &Options::Radio::place), random),
      watch_(each(options, &Options::Radio::budget)),
      was_ready_(options.radios.size(), true) {
    mesh_.medium().hears = [this, hears = options.hears](std::size_t to, std::size_t from) {
        return hears(machines_[to], machines_[from]);
    };
    for (std::size_t i = 0; i < options.radios.size(); ++i) {
        doors_.push_back(
            std::make_unique<RadioDoor>(mesh_, watch_, options.setting.modulation, i, now));
    }
}

RadioDoor* RadioAir::door_of(std::size_t machine) {
    const auto found = std::ranges::find(machines_, machine);
    if (found == machines_.end()) return nullptr;
    return doors_[static_cast<std::size_t>(found - machines_.begin())].get();
}

void RadioAir::handle_timeout(base::Instant now,
                              const std::function<void(std::size_t machine)>& on_news) {
    mesh_.handle_timeout(now);
    while (const auto delivery = mesh_.poll_delivery()) {
        doors_[delivery->to]->arrive(*delivery);
        on_news(machines_[delivery->to]);
    }
    for (std::size_t i = 0; i < doors_.size(); ++i) {
        const bool is_ready = doors_[i]->is_ready();
        if (is_ready && !was_ready_[i]) on_news(machines_[i]);
        was_ready_[i] = is_ready;
    }
}

std::int32_t RadioAir::reach(const LoraSetting& setting) {
    std::int32_t metres = 1;
    for (std::int32_t step = 1 << 20; step > 0; step /= 2) {
        const LoraMedium medium(setting, {{0, 0}, {metres + step, 0}}, base::Random(1));
        const auto level = medium.level(0, 1);
        if (level && *level >= medium.sensitivity() + margin) metres += step;
    }
    return metres;
}

}  // namespace meshchain::sim
