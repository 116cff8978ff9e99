#include "sim/radio_air.h"

#include "base/assert.h"

namespace meshchain::sim {
namespace {

/// Above the sensitivity, so that what is in reach is not lost to chance alone.
constexpr Decibel100 margin = 6'00;

}  // namespace

RadioAir::RadioAir(const Options& options, base::Random random,
                   const std::function<base::Instant()>& now)
    : mesh_(options.setting, options.places, random),
      watch_(options.budgets),
      was_ready_(options.places.size(), true) {
    MESH_ASSERT(options.budgets.size() == options.places.size());
    mesh_.medium().hears = options.hears;
    for (std::size_t i = 0; i < options.places.size(); ++i) {
        doors_.push_back(
            std::make_unique<RadioDoor>(mesh_, watch_, options.setting.modulation, i, now));
    }
}

void RadioAir::handle_timeout(base::Instant now,
                              const std::function<void(std::size_t index)>& on_news) {
    mesh_.handle_timeout(now);
    while (const auto delivery = mesh_.poll_delivery()) {
        doors_[delivery->to]->arrive(*delivery);
        on_news(delivery->to);
    }
    for (std::size_t i = 0; i < doors_.size(); ++i) {
        const bool is_ready = doors_[i]->is_ready();
        if (is_ready && !was_ready_[i]) on_news(i);
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
