#pragma once
// What a run showed, as plain values, and as lines for people.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "sim/findings.h"
#include "sim/timeline.h"
#include "wire/message_type.h"

namespace meshchain::sim {

struct TypeTraffic {
    std::uint64_t datagrams = 0;
    std::uint64_t bytes = 0;
};

struct Report {
    std::string about;
    std::uint64_t seed = 0;
    std::size_t machines = 0;
    base::Duration simulated{};
    std::uint64_t events = 0;
    std::uint64_t steps = 0;
    std::uint64_t trace = 0;

    std::size_t payments = 0;  ///< taken
    std::size_t refused = 0;
    std::size_t successor_payments = 0;    ///< FINAL on the chain that went on
    std::size_t excused = 0;               ///< their node lost its disk
    std::vector<base::Duration> to_live;   ///< ascending
    std::vector<base::Duration> to_final;  ///< ascending
    std::uint32_t final_height = 0;
    std::optional<base::Duration> to_converge;  ///< after the hostile phase; nothing: it did not

    std::size_t records = 0;  ///< signed, alerts among them
    std::size_t records_refused = 0;
    std::size_t alerts = 0;
    std::vector<base::Duration> alerts_to_all;  ///< of those that came to all that were on
    std::size_t alerts_proven = 0;     ///< whose origins know in the end by receipts who holds them
    std::size_t records_misdated = 0;  ///< by clocks that were wrong
    std::size_t searches = 0;          ///< that were answered

    std::uint64_t blocks_reverted = 0;
    std::uint64_t evidence_found = 0;
    std::uint64_t rows_healed = 0;
    std::uint64_t crashes = 0;
    std::uint64_t disks_replaced = 0;
    std::uint64_t stake_operations = 0;  ///< that are FINAL
    std::uint64_t attacks = 0;           ///< as often as attackers did what they are there for
    std::uint64_t forks = 0;             ///< honest nodes with another FINAL history
    std::uint64_t guilty = 0;            ///< validators against whom there is proof on the wire
    std::uint64_t slashed = 0;           ///< validators that lost their stake
    std::uint64_t votes_signed = 0;      ///< seen on the wire, of honest validators
    std::uint64_t blocks_signed = 0;     ///< the same
    std::uint64_t unchecked = 0;         ///< said in short, and never found out for what
    std::array<TypeTraffic, 256> traffic{};
    std::array<TypeTraffic, 256> of_attackers{};  ///< of these, what no honest node sent
    std::uint64_t bytes_sent = 0;
    std::array<TypeTraffic, 256> on_air{};   ///< of these, what programs handed their radios
    std::array<TypeTraffic, 256> relayed{};  ///< what radios passed on, which is not among these
    base::Duration airtime{};                ///< that programs took
    base::Duration airtime_worst{};          ///< of one radio in one hour
    unsigned channel_permille = 0;  ///< of the time, in use around the radio where it was the most

    std::vector<Finding> findings;  ///< the first of them; empty: every rule held
    std::size_t findings_count = 0;

    Timeline timeline;

    bool all_right() const { return findings_count == 0; }
};

/// The duration that so many percent do not exceed; zero for none.
base::Duration percentile(const std::vector<base::Duration>& ascending, unsigned percent);

/// "2.5 s".
std::string seconds_text(base::Duration duration);
/// "BLOCK_ACK", or "type 200" for one without a name.
std::string type_name(std::size_t number);
/// What there is to say in figures: names and values.
std::vector<std::pair<std::string, std::string>> summary_of(const Report& report);

/// Whole lines, the last one says what to make of it.
std::string to_text(const Report& report);

}  // namespace meshchain::sim
