#pragma once
// What happens in a simulated world, as plain values and as a few lines of text (tests/scenarios/).
// docs/simulation.md teaches how to write one.
//
// A run has two phases: the hostile one, as long as `hostile` says, with everything that the steps
// and the attackers do; then all faults are taken away, attackers stay, and within `converge` the
// honest nodes must agree and finalise again.
//
// Errors: parse_scenario names the line and what it may say instead (malformed, too_large).

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "ledger/genesis.h"
#include "radio/lora.h"
#include "sim/disk.h"
#include "sim/network.h"

namespace meshchain::sim {

inline constexpr std::size_t machines_max = 2000;
inline constexpr std::size_t attackers_max = 64;
inline constexpr std::size_t scenario_bytes_max = 64 * 1024;
/// What each person has at first, as far as genesis has room for coins.
inline constexpr std::size_t coins_each = 8;
inline constexpr std::uint64_t coin_units = 1000;

/// Something that happens at a time after the start, to the machines it names.
struct Step {
    enum class Verb : std::uint8_t {
        partition,       ///< `sides` hear themselves only
        cut,             ///< machines[0] is not heard by machines[1] any more
        heal,            ///< no partition, no cut
        network,         ///< the quality called `word`
        crash,           ///< off, in the middle of whatever it does
        start,           ///< on again
        wipe,            ///< off, and an empty disk in place of the old one
        power_cut,       ///< off at the disk's write after `number` more
        rot,             ///< `number` bits of the disk turn over, then off
        full,            ///< the disk has no room any more
        room,            ///< it has again
        slow,            ///< every write to the disk takes `time`
        clock,           ///< somebody sets the clock forward by `number` milliseconds
        drift,           ///< its quartz gains `number` millionths
        ntp,             ///< its system says that the clock is kept, though it may be wrong
        pay,             ///< machines[0] pays machines[1]
        payments,        ///< from now on somebody pays somebody every `time`; zero: nobody does
        stake,           ///< becomes a validator with `number` units, or stakes so many more
        delegate,        ///< machines[0] stakes `number` units on validator machines[1]
        unbond,          ///< takes `number` units of its stake back; zero: all
        withdraw,        ///< makes coins of what it took back, if it waited long enough
        claim,           ///< makes coins of the fees that it earned
        expect_final,    ///< a block became FINAL within the last `time`, or the run has failed
        expect_still,    ///< none did
        expect_stake,    ///< machine has `number` units or more staked on it, as FINAL has it
        expect_slashed,  ///< has lost its stake, as FINAL has it
        expect_kept,     ///< it took no more than `number` blocks back since it started
        expect_heard,    ///< its proximity is `number` or more in the newest election that is FINAL
        expect_unheard,  ///< `number` or less
        expect_withheld,  ///< it withheld its secret in `number` elections or more, as FINAL has it
        expect_paid,      ///< of the payments older than `time`, `number` % were FINAL in this time
        expect_channel,   ///< no radio found the channel in use for more than `number` thousandths
        expect_alerted,   ///< of the alerts older than `time`, `number` % had come to all in it
        expect_refused,   ///< each refused `number` records or more that were dated ahead
    };
    base::Duration at{};
    Verb verb{};
    std::vector<std::size_t> machines = {};
    std::vector<std::set<std::size_t>> sides = {};
    std::int64_t number = 0;
    base::Duration time{};
    std::string word = {};
    friend bool operator==(const Step&, const Step&) = default;
};

/// Somebody who breaks the rules (sim/tampers.h, sim/stranger.h).
struct Attacker {
    enum class Kind : std::uint8_t {
        // A validator, with its stake:
        twins,     ///< its key runs in two places, which tell each half of the others another story
        withhold,  ///< announces blocks and gives nobody their content
        selfish,   ///< holds its blocks and votes back for a few slots
        silent,    ///< hears everything and says nothing of consensus
        two_tongued,  ///< signs every vote and block twice, another one for every other machine
        fork,         ///< proposes empty blocks beside those that others made
        bounce,       ///< lets votes and blocks leave when it is too late for some
        // The same, on a chain whose stakes move:
        hears_all,      ///< claims to hear everybody directly
        hears_none,     ///< claims to hear nobody
        hears_friends,  ///< claims to hear those who lie as well, and nobody else
        secretive,      ///< keeps the secret that it is bound to in every other epoch
        // A stranger, without any:
        spam,     ///< more than anybody may send, and nothing of it true
        forge,    ///< claims heights, answers with certificates and blocks that it made up
        spoof,    ///< sends what it heard under others' names and addresses, and again later
        crowd,    ///< many identities that want every slot of a victim
        liar,     ///< states wrong slots
        replay,   ///< says what the same validators signed on another chain
        drizzle,  ///< sends nothing true, and of nothing more than it may
        echo,     ///< says each record that it heard again and again, and with other bytes
    };
    Kind kind{};
    std::size_t machine = 0;  ///< of a validator
    friend bool operator==(const Attacker&, const Attacker&) = default;
};
bool is_stranger(Attacker::Kind kind);
/// Lies about what it hears or keeps its secret, and breaks no other rule.
bool is_false_witness(Attacker::Kind kind);
std::string_view name(Attacker::Kind kind);

/// Of a valley the two halves hear each other over the first relay alone; in a street all stand on
/// a line, in no order, as long as two hops.
enum class Shape : std::uint8_t { all, line, ring, star, grid, valley, street };
std::string_view name(Shape shape);

/// Radios, in place of a network of datagrams or of gateways beside it.
struct AirOptions {
    radio::Preset preset = radio::Preset::long_fast;
    unsigned validator_permille = 20;  ///< of each hour, for what a validator originates
    unsigned other_permille = 10;
    friend bool operator==(const AirOptions&, const AirOptions&) = default;
};

struct Scenario {
    std::string about;                  ///< one sentence
    std::vector<std::uint64_t> stakes;  ///< of the validators, machines 0 …
    std::size_t relays = 0;             ///< the machines after them
    std::size_t lights = 0;             ///< and after those
    Shape shape = Shape::all;           ///< who is in reach of whom
    std::string network = "lan";        ///< quality_of() knows it
    std::optional<AirOptions> air;      ///< without gateways only the loss of `network` counts
    /// Who has a radio besides the network; none: with `air` everybody has one, and no network.
    std::set<std::size_t> gateways;
    /// Machines that share a network; each is on one of them. None: all share one.
    std::vector<std::set<std::size_t>> sites;
    DiskKind disk = DiskKind::flash;
    std::uint32_t block_time_ms = 1000;
    std::uint32_t vote_lead_ms = 0;
    std::uint8_t slots_per_round = 1;
    std::optional<ledger::StakeRules> staking;  ///< nothing: stakes stay as they are
    std::uint32_t undo_blocks = 16'384;
    base::Duration heartbeat = std::chrono::seconds(5);  ///< how often a machine says it is there
    base::Duration payments = std::chrono::seconds(5);   ///< one in this time, from the start on
    base::Duration alerts{};            ///< one in this time, of any node; zero: none
    base::Duration records{};           ///< the same of registry entries
    base::Duration states{};            ///< and of what nodes say of themselves
    base::Duration acknowledgements{};  ///< of alerts, by people
    base::Duration searches{};          ///< over the mesh, by similarity
    std::size_t segments = 0;  ///< entries are shared by neighbours in so many groups; 0: by all
    std::vector<std::size_t> late;  ///< machines that are off until a step starts them
    /// Validators that go on with a successor when the hostile phase is over (row A13); the others
    /// are gone for good. None: nobody has to.
    std::vector<std::size_t> successor;
    std::vector<Attacker> attackers;
    std::vector<Step> steps;
    base::Duration hostile = std::chrono::minutes(5);
    base::Duration converge = std::chrono::minutes(10);

    std::size_t nodes() const { return stakes.size() + relays + lights; }
    std::uint32_t rank_delay_ms() const { return block_time_ms * 3 / 10; }
    bool shares_records() const {
        return std::max({alerts, records, states, acknowledgements, searches}) > base::Duration{};
    }
    /// Of machine `machine`, if there are any: machines in a row share one.
    std::size_t segment_of(std::size_t machine) const { return machine * segments / nodes(); }
    bool has_radio(std::size_t machine) const {
        return air && (gateways.empty() || gateways.contains(machine));
    }
    /// Of datagrams, and somebody else on it.
    bool has_network(std::size_t machine) const;
    friend bool operator==(const Scenario&, const Scenario&) = default;
};

std::expected<Scenario, base::Error> parse_scenario(std::string_view text);
/// What parse_scenario reads.
std::string to_text(const Scenario& scenario);
/// Its line, without the end of it.
std::string to_text(const Step& step);
/// What the parts say together: steps name machines that exist, and so on.
/// Errors: invalid_argument.
std::expected<void, base::Error> check(const Scenario& scenario);

/// "1h30m", "250ms"; the largest units first.
std::string duration_text(base::Duration duration);

}  // namespace meshchain::sim
