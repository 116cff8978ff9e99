#pragma once
// How much of the air this node may use (rows E6, E9; DESIGN section 8). Every relay repeats what
// we say, so what is lawful for one radio is far more than what is neighbourly.
//
// A bucket paces: it fills by the node's share of the channel and holds a quarter of an hour of it.
// A sliding hour limits: whatever is asked for and when, no hour has more than the share. A part of
// both is kept for what is more urgent than what asks; what is urgent uses that part up first, in
// the bucket what it spent while that fills. Above 15 % use of the channel half of both is kept for
// what is urgent before what can wait, above 25 % before blocks and payments, and what can wait
// stops; above 40 % all but what is urgent and blocks does
// (docs/decisions/0187-payments-in-the-next-block.md). Use is the mean of about ten minutes: a
// single minute of a network that speaks now and then is often half full
// (docs/decisions/0188-two-payments-a-minute.md).
//
// Time:   handed in, never falling. What was spent counts from the moment it was handed to a radio.
// Limits: fixed memory.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "radio/packet_link.h"

namespace meshchain::radio {

/// The first leaves first.
enum class Priority : std::uint8_t {
    urgent,  ///< votes, alerts
    block,
    transaction,
    sync,
    record,
};
inline constexpr std::size_t priorities = 5;
std::string_view name(Priority priority);

/// What a region's law allows a radio in any hour; nothing for a region that we know none of.
std::optional<unsigned> duty_permille_of(std::string_view region);
/// The same by the number that radios give the region; 1000 for one that we know no law of.
unsigned duty_permille_of(std::uint32_t region);

struct AirtimeOptions {
    Modulation modulation = modulation_of(Preset::long_fast);
    unsigned share_permille = 10;  ///< of the channel, for what this node originates
    /// By law, relays included: we use no more than half of it. 1000: no limit.
    unsigned duty_permille = 1000;
    unsigned percent = 100;  ///< of what these two leave
    /// A validator: part of it is kept for its votes and blocks. Who has neither may use that part
    /// for what it pays.
    bool keeps_for_votes = true;
};

class AirtimeBudget {
public:
    static constexpr unsigned bulk_halved_from_percent = 15;
    static constexpr unsigned halved_from_percent = 25;
    static constexpr unsigned bulk_stops_at_percent = 25;
    static constexpr unsigned urgent_only_from_percent = 40;
    /// A radio that says no more how busy the channel is, is not believed for longer.
    static constexpr base::Duration reading_lasts = std::chrono::minutes(10);

    AirtimeBudget(base::Instant now, const AirtimeOptions& options);

    /// What the radio says it is set to, which goes before what we were told of it.
    void follow(base::Instant now, const RadioSetting& setting);
    /// What the radio says of the channel around it, in the last minute or so.
    void note_channel_use(base::Instant now, unsigned percent);
    /// Nothing is sent while paused; listen-only is a pause that does not end.
    void set_paused(bool paused) { is_paused_ = paused; }
    bool is_paused() const { return is_paused_; }

    enum class Reason : std::uint8_t {
        pace,      ///< the bucket has to fill
        hour,      ///< the hour is used up
        channel,   ///< others use the channel too much
        paused,    ///< by the operator
        too_long,  ///< a packet that no budget of this size ever allows
    };
    struct Deferral {
        base::Instant until;  ///< if nothing else changes; `never`: not by waiting
        Reason reason;
    };
    /// Nothing: it may leave now.
    std::optional<Deferral> deferral(base::Instant now, Priority priority,
                                     base::Duration airtime) const;
    /// Whether a packet may ever leave, if it waits long enough at a quiet channel.
    bool allows(Priority priority, base::Duration airtime) const;
    /// It was handed to the radio. Asserts that no deferral stood against it at urgent priority.
    void spend(base::Instant now, base::Duration airtime, Priority priority = Priority::block);

    base::Duration airtime_of(std::size_t payload_bytes) const {
        return time_on_air(modulation(), packet_bytes_of(payload_bytes));
    }
    const Modulation& modulation() const {
        return setting_ ? setting_->modulation : options_.modulation;
    }
    /// The radio has said so itself.
    bool follows_radio() const { return setting_.has_value(); }
    /// Of an hour at a quiet channel.
    base::Duration per_hour() const { return per_hour_; }
    /// In the last hour, up to a minute more.
    base::Duration spent(base::Instant now) const;
    /// What may still be spent in this hour at the present use of the channel, votes apart.
    base::Duration left(base::Instant now) const;
    /// The mean of what the radio said, the last most; 0 where it says nothing.
    unsigned channel_use_percent(base::Instant now) const;

    /// An hour that begins within a part ends within the sixtieth after it.
    static constexpr std::int64_t parts = 61;
    /// Of this hour, by minutes: the present one first.
    using Minutes = std::array<base::Duration, parts>;
    Minutes spent_by_minute(base::Instant now) const;
    /// What an earlier life of this node spent. Once, before anything is spent.
    void restore(base::Instant now, const Minutes& spent);
    /// Spent by this object.
    base::Duration total() const { return total_; }

private:
    static constexpr base::Duration part = std::chrono::minutes(1);

    static std::int64_t part_of(base::Instant now);
    static std::size_t place_of(std::int64_t number) {
        return static_cast<std::size_t>(number % parts);
    }
    bool is_in_hour(std::int64_t number) const {
        return number <= newest_part_ && number > newest_part_ - parts;
    }
    base::Duration spent_in(std::int64_t number) const;
    base::Duration urgent_spent_in(std::int64_t number) const;
    void size();
    /// The bucket, if nothing is spent.
    std::int64_t minutes_to_fill() const { return (parts - 1) * capacity_ / per_hour_; }
    base::Duration tokens(base::Instant now) const;
    base::Instant filled_at(base::Instant now, base::Duration needed) const;
    /// `from` or later.
    base::Instant pace_until(base::Instant now, base::Instant from, base::Duration airtime,
                             base::Duration kept) const;
    base::Duration urgent_spent(base::Instant now, std::int64_t minutes = parts) const;
    base::Instant hour_until(base::Instant now, base::Duration airtime, base::Duration kept) const;

    AirtimeOptions options_;
    std::optional<RadioSetting> setting_;
    base::Duration per_hour_;
    std::int64_t per_million_;  ///< the same, of the time that passes
    base::Duration capacity_;
    bool is_paused_ = false;
    std::int64_t use_ppm_ = 0;   ///< of all time
    std::int64_t readings_ = 0;  ///< that it is of
    base::Instant use_read_;
    base::Duration tokens_;
    base::Instant filled_;
    std::array<base::Duration, parts> spent_{};
    std::array<base::Duration, parts> urgent_spent_{};  ///< of it, on what is urgent
    std::int64_t newest_part_;
    base::Duration total_{};
};

std::string_view name(AirtimeBudget::Reason reason);

}  // namespace meshchain::radio
