#pragma once
// The air that LoRa radios share: who hears whom how well, and what becomes of packets that
// overlap. A radio hears nothing while it sends; of two packets at one place the stronger one is
// read if it is 6 dB above the other (capture), else neither; a radio that reads one packet reads
// no other until that ends; links fade in bursts.
//
// Source: Bor et al., "Do LoRa Low-Power Wide-Area Networks Scale?" (2016) for collisions and
//         capture; sensitivity as the SX1262's data sheet has it.
// Time:   handed in, never falling.
// Limits: memory grows with the pairs in reach, and with what is on the air.

#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "base/random.h"
#include "radio/lora.h"
#include "sim/decibel.h"

namespace meshchain::sim {

/// Metres from somewhere.
struct Place {
    std::int32_t x = 0;
    std::int32_t y = 0;
};

struct LoraSetting {
    radio::Modulation modulation = radio::modulation_of(radio::Preset::long_fast);
    Decibel100 power = 20'00;  ///< of each radio, antenna included
    Decibel100 loss_at_metre = 40'00;
    std::int32_t exponent_tenths = 29;  ///< by which the loss grows: 20 in free space
    /// A link fades by so much for so long, so often, on the average. Zero: never.
    Decibel100 fade_depth = 0;
    base::Duration fade_lasts = std::chrono::seconds(3);
    base::Duration fade_every = std::chrono::minutes(1);
    unsigned loss_permille = 0;  ///< lost for no reason that the model knows
};

class LoraMedium {
public:
    LoraMedium(const LoraSetting& setting, const std::vector<Place>& places, base::Random random);

    /// Something between two radios that lets nothing through; without it nothing does.
    std::function<bool(std::size_t to, std::size_t from)> hears;

    std::size_t size() const { return radios_.size(); }
    void set_loss(unsigned permille) { setting_.loss_permille = permille; }
    /// The loudest of a link without fading. Nothing: out of reach, not even a disturbance.
    std::optional<Decibel100> level(std::size_t from, std::size_t to) const;
    /// Quieter packets are not read.
    Decibel100 sensitivity() const { return sensitivity_; }
    /// Of a signal that is just read; above it by how much its level is.
    Decibel100 snr_limit() const { return snr_limit_; }

    /// A radio begins to send; it asserts that it does not already. Returns how long that takes.
    base::Duration begin(base::Instant now, std::size_t sender, std::size_t packet_bytes);

    struct Reception {
        std::size_t radio;
        Decibel100 snr;
    };
    /// That packet ends. Asserts that there is one. Who read it.
    std::vector<Reception> end(base::Instant now, std::size_t sender);

    /// It sends, or hears somebody.
    bool is_busy(std::size_t radio) const;
    /// How much of the last minute the channel was in use around it, in percent; above 100 where
    /// packets overlap.
    unsigned use_percent(base::Instant now, std::size_t radio);
    /// Since the beginning, packets that overlap counted each.
    base::Duration used(std::size_t radio) const { return radios_.at(radio).used; }

    struct Counts {
        std::uint64_t packets = 0;    ///< sent
        std::uint64_t read = 0;       ///< by one radio each
        std::uint64_t disturbed = 0;  ///< loud enough, and lost to another packet
        std::uint64_t deaf = 0;       ///< loud enough, and lost because the radio sent or read
        base::Duration air{};         ///< all that was sent
    };
    const Counts& counts() const { return counts_; }

private:
    static constexpr std::size_t use_parts = 6;  ///< of ten seconds each

    enum class Fate : std::uint8_t { read, disturbed, deaf };
    struct Signal {
        std::size_t sender;
        Decibel100 level;
        base::Instant begin;
        base::Instant end;
        Fate fate = Fate::read;
    };
    static constexpr Decibel100 silence = -1'000'00;
    struct Link {
        std::size_t to;
        Decibel100 level;
        std::optional<base::Instant> changes{};  ///< when it fades, or ends to
        bool is_faded = false;
    };
    struct Radio {
        std::vector<Link> reach;
        std::vector<Signal> heard;
        bool is_sending = false;
        std::array<base::Duration, use_parts> use{};  ///< of the channel, a ring
        std::int64_t use_part = 0;                    ///< the newest of them, since the epoch
        base::Duration used{};
    };

    static void advance_use(Radio& radio, base::Instant now);
    static void use_channel(base::Instant now, Radio& radio, base::Duration takes);
    base::Duration draw_around(base::Duration mean);
    Decibel100 level_now(base::Instant now, Link& link);
    void arrive(Radio& radio, Signal signal) const;
    base::Duration lock_time() const;

    LoraSetting setting_;
    Decibel100 sensitivity_;
    Decibel100 snr_limit_;
    std::vector<Radio> radios_;
    base::Random random_;
    Counts counts_;
};

}  // namespace meshchain::sim
