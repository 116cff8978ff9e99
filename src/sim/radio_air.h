#pragma once
// The radios of a world: each machine's own, on one LoRa channel. A radio is a device of its own:
// it goes on relaying when its machine is off, and keeps what it heard until that is on again.
//
// Time:      the world's, handed in; the doors take it from `now`.
// Ownership: owns radios and doors.

#include <functional>
#include <memory>

#include "sim/radio_door.h"

namespace meshchain::sim {

class RadioAir {
public:
    struct Options {
        LoraSetting setting;
        std::vector<Place> places;
        /// Of each radio, what its program may send in any hour.
        std::vector<base::Duration> budgets;
        /// Whether this radio can hear that one, now.
        std::function<bool(std::size_t to, std::size_t from)> hears;
    };
    RadioAir(const Options& options, base::Random random,
             const std::function<base::Instant()>& now);

    std::size_t size() const { return doors_.size(); }
    RadioDoor& door(std::size_t index) { return *doors_.at(index); }
    const LoraMesh& mesh() const { return mesh_; }
    const AirtimeWatch& watch() const { return watch_; }

    void set_loss(unsigned permille) { mesh_.medium().set_loss(permille); }

    /// `never` while nothing is under way.
    base::Instant poll_timeout() const { return mesh_.poll_timeout(); }
    /// `on_news`: something came for this machine, or its radio takes packets again.
    void handle_timeout(base::Instant now, const std::function<void(std::size_t index)>& on_news);

    /// How far apart two radios may be that hear each other well.
    static std::int32_t reach(const LoraSetting& setting);

private:
    LoraMesh mesh_;
    AirtimeWatch watch_;
    std::vector<std::unique_ptr<RadioDoor>> doors_;
    std::vector<bool> was_ready_;
};

}  // namespace meshchain::sim
