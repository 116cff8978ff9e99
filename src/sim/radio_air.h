#pragma once
// The radios of a world: one for each machine that has one, on one LoRa channel. A radio is a
// device of its own: it goes on relaying when its machine is off, and keeps what it heard until
// that is on again.
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
        struct Radio {
            std::size_t machine;  ///< whose it is
            Place place;
            base::Duration budget;  ///< what its program may send in any hour
        };
        std::vector<Radio> radios;
        /// Whether this machine's radio can hear that one's, now.
        std::function<bool(std::size_t to, std::size_t from)> hears;
    };
    RadioAir(const Options& options, base::Random random,
             const std::function<base::Instant()>& now);

    std::size_t size() const { return doors_.size(); }
    RadioDoor& door(std::size_t radio) { return *doors_.at(radio); }
    const RadioDoor& door(std::size_t radio) const { return *doors_.at(radio); }
    std::size_t machine_of(std::size_t radio) const { return machines_.at(radio); }
    /// Nothing of a machine without a radio.
    RadioDoor* door_of(std::size_t machine);
    LoraMesh& mesh() { return mesh_; }
    const LoraMesh& mesh() const { return mesh_; }
    const AirtimeWatch& watch() const { return watch_; }

    void set_loss(unsigned permille) { mesh_.medium().set_loss(permille); }

    /// `never` while nothing is under way.
    base::Instant poll_timeout() const { return mesh_.poll_timeout(); }
    /// `on_news`: something came for this machine, or its radio takes packets again.
    void handle_timeout(base::Instant now, const std::function<void(std::size_t machine)>& on_news);

    /// How far apart two radios may be that hear each other well.
    static std::int32_t reach(const LoraSetting& setting);

private:
    std::vector<std::size_t> machines_;  ///< of each radio
    LoraMesh mesh_;
    AirtimeWatch watch_;
    std::vector<std::unique_ptr<RadioDoor>> doors_;
    std::vector<bool> was_ready_;
};

}  // namespace meshchain::sim
