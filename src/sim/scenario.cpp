#include "sim/scenario.h"

#include <algorithm>

#include "ledger/genesis.h"
#include "sim/scenario_words.h"
#include "wire/numbers.h"

namespace meshchain::sim {
namespace {

using words::Operands;

constexpr std::uint64_t stake_max = 1'000'000'000;

std::string joined(const auto& numbers) {
    std::string text;
    for (const auto number : numbers) text += " " + std::to_string(number);
    return text;
}

std::string sides_text(const std::vector<std::set<std::size_t>>& sides) {
    std::string text;
    for (const auto& side : sides) text += (text.empty() ? "" : " |") + joined(side);
    return text;
}

std::string operands_text(const Step& step, Operands operands) {
    switch (operands) {
        case Operands::none: return "";
        case Operands::sides: return sides_text(step.sides);
        case Operands::word: return " " + step.word;
        case Operands::pair:
        case Operands::machines: return joined(step.machines);
        case Operands::number_pair:
        case Operands::number_machines:
            return " " + std::to_string(step.number) + joined(step.machines);
        case Operands::number_time:
            return " " + std::to_string(step.number) + " " + duration_text(step.time);
        case Operands::number: return " " + std::to_string(step.number);
        case Operands::time_machines: return " " + duration_text(step.time) + joined(step.machines);
        case Operands::time: return " " + duration_text(step.time);
    }
    return "";
}

std::unexpected<base::Error> unfit(std::string what, std::string advice) {
    return base::failure(base::Errc::invalid_argument, std::move(what), "scenario",
                         std::move(advice));
}

std::expected<void, base::Error> check_machine(const Scenario& scenario, std::size_t machine) {
    if (machine < scenario.nodes()) return {};
    return unfit("there is no machine " + std::to_string(machine),
                 "they are 0 to " + std::to_string(scenario.nodes() - 1));
}

struct NumberRange {
    std::int64_t min;
    std::int64_t max;
};

/// What the number of a step may be: any that means something.
NumberRange range_of(Step::Verb verb) {
    constexpr std::int64_t year_ms = 365LL * 24 * 3600 * 1000;
    switch (verb) {
        case Step::Verb::drift: return {-499'999, 499'999};
        case Step::Verb::clock: return {-year_ms, year_ms};
        case Step::Verb::expect_paid:
        case Step::Verb::expect_alerted: return {1, 100};
        case Step::Verb::expect_channel: return {0, 1000};
        default: return {0, 1'000'000};
    }
}

bool moves_stake(Step::Verb verb) {
    return (verb >= Step::Verb::stake && verb <= Step::Verb::claim) ||
           verb == Step::Verb::expect_stake || verb == Step::Verb::expect_slashed ||
           (verb >= Step::Verb::expect_heard && verb <= Step::Verb::expect_withheld);
}

std::expected<void, base::Error> check_gateways(const Scenario& scenario) {
    if (scenario.gateways.empty()) return {};
    for (const std::size_t machine : scenario.gateways) {
        MESH_CHECK(check_machine(scenario, machine));
    }
    if (!scenario.air) return unfit("gateways without radios", "say `medium SHORT_TURBO`");
    if (scenario.gateways.size() > 1) return {};
    return unfit("a gateway that hears nobody", "name two at least");
}

std::expected<void, base::Error> check_sites(const Scenario& scenario) {
    MESH_CHECK(check_gateways(scenario));
    if (scenario.sites.empty()) return {};
    if (scenario.gateways.empty()) {
        return unfit("sites that nothing joins", "say which machines have a radio: `gateways 0 4`");
    }
    std::set<std::size_t> placed;
    for (const auto& site : scenario.sites) {
        for (const std::size_t machine : site) {
            MESH_CHECK(check_machine(scenario, machine));
            if (placed.insert(machine).second) continue;
            return unfit("machine " + std::to_string(machine) + " on two sites",
                         "name it on one of them");
        }
        if (std::ranges::none_of(site, [&](auto machine) { return scenario.has_radio(machine); })) {
            return unfit("the site" + joined(site) + " has no gateway",
                         "name one of its machines in `gateways`");
        }
    }
    for (std::size_t i = 0; i < scenario.nodes(); ++i) {
        if (placed.contains(i)) continue;
        return unfit("machine " + std::to_string(i) + " on no site", "name it on one of them");
    }
    return {};
}

std::expected<void, base::Error> check_air(const Scenario& scenario) {
    if (scenario.slots_per_round < 1 || scenario.slots_per_round > 64) {
        return unfit("a round of " + std::to_string(scenario.slots_per_round) + " slots",
                     "1 to 64");
    }
    MESH_CHECK(check_sites(scenario));
    if (!scenario.air && scenario.shape == Shape::street) {
        return unfit("a street without radios", "say `medium LONG_FAST`, or `shape line`");
    }
    if (!scenario.air) return {};
    for (const unsigned share : {scenario.air->validator_permille, scenario.air->other_permille}) {
        if (share >= 1 && share <= 100) continue;
        return unfit("an airtime of " + std::to_string(share) + " thousandths", "1 to 100");
    }
    const Shape shape = scenario.shape;
    if (shape == Shape::ring || shape == Shape::star) {
        return unfit("radios in the shape " + std::string(name(shape)),
                     "all, line, grid, valley or street");
    }
    if (shape == Shape::valley && !scenario.has_radio(scenario.stakes.size())) {
        return unfit("a valley whose first relay has no radio", "name it as a gateway");
    }
    if (!scenario.attackers.empty()) {
        return unfit("attackers on the air", "they know networks of datagrams only");
    }
    for (std::size_t i = scenario.nodes() - scenario.lights; i < scenario.nodes(); ++i) {
        if (scenario.has_radio(i)) return unfit("light nodes on the air", "take relays");
    }
    if (!scenario.successor.empty()) return unfit("a successor on the air", "leave out `medium`");
    return {};
}

std::expected<void, base::Error> check_staking(const Scenario& scenario) {
    if (!scenario.staking) return {};
    using Rules = ledger::StakeRules;
    const Rules& rules = *scenario.staking;
    std::uint64_t supply =
        std::min(scenario.nodes() * coins_each, ledger::genesis_allocations_max) * coin_units;
    for (const std::uint64_t stake : scenario.stakes) supply += stake;
    const std::uint64_t least = (supply + Rules::bonds_max - 1) / Rules::bonds_max;
    if (rules.stake_min.units < least ||
        std::ranges::min(scenario.stakes) < rules.stake_min.units) {
        return unfit("a least stake of " + std::to_string(rules.stake_min.units),
                     std::to_string(least) + " at least, and no more than any validator has");
    }
    if (rules.unbond_epochs < Rules::unbond_epochs_min ||
        rules.epoch_rounds < Rules::epoch_rounds_min ||
        rules.epoch_rounds > Rules::epoch_rounds_max) {
        return unfit("these epochs", "`staking 50 4 4`: 4 to wait at least, of 4 rounds at least");
    }
    if (scenario.lights == 0) return {};
    return unfit("light nodes where stakes move", "they cannot follow them yet: take relays");
}

std::expected<void, base::Error> check_records(const Scenario& scenario) {
    for (const base::Duration every : {scenario.alerts, scenario.records, scenario.states,
                                       scenario.acknowledgements, scenario.searches}) {
        if (every == base::Duration{} || every >= std::chrono::seconds(1)) continue;
        return unfit("a record every " + duration_text(every), "1s at least, or 0s: none");
    }
    if (scenario.segments > scenario.nodes()) {
        return unfit(std::to_string(scenario.segments) + " segments", "one for each machine");
    }
    if (!scenario.shares_records()) {
        if (scenario.segments == 0) return {};
        return unfit("segments, and nothing that is shared in them", "say `records 10s`");
    }
    if (scenario.searches > base::Duration{} && scenario.records == base::Duration{}) {
        return unfit("searches for nothing", "say what there is to be found: `records 10s`");
    }
    if (scenario.acknowledgements > base::Duration{} && scenario.alerts == base::Duration{}) {
        return unfit("acknowledgements of nothing", "say `alerts 10s`");
    }
    if (scenario.air && std::max({scenario.records, scenario.states, scenario.acknowledgements}) >
                            base::Duration{}) {
        return unfit("records other than alerts on the air",
                     "only alerts cross radios: say `alerts 2m`");
    }
    if (scenario.successor.empty()) return {};
    return unfit("records and a successor", "records go on as they are: leave one of them out");
}

std::expected<void, base::Error> check_step(const Scenario& scenario, const Step& step) {
    for (const std::size_t machine : step.machines) MESH_CHECK(check_machine(scenario, machine));
    for (const auto& side : step.sides) {
        for (const std::size_t machine : side) MESH_CHECK(check_machine(scenario, machine));
    }
    if (moves_stake(step.verb) && !scenario.staking) {
        return unfit("a step is about stakes that move, and they stay as they are",
                     "say `staking 50 4 4`");
    }
    if (step.verb == Step::Verb::network && !quality_of(step.word)) {
        return unfit("there is no network '" + step.word + "'", "lan, wifi, bad, poor or awful");
    }
    if (step.at > scenario.hostile) {
        return unfit("a step at " + duration_text(step.at) + " comes after the hostile phase",
                     "make `hostile` longer, or the step earlier");
    }
    if (step.verb == Step::Verb::expect_channel && !scenario.air) {
        return unfit("a step is about the channel of radios, and there are none",
                     "say `medium LONG_FAST`");
    }
    if ((step.verb == Step::Verb::expect_alerted || step.verb == Step::Verb::expect_refused) &&
        !scenario.shares_records()) {
        return unfit("a step is about records, and nobody shares any", "say `alerts 10s`");
    }
    const NumberRange range = range_of(step.verb);
    if (step.number < range.min || step.number > range.max) {
        return unfit("a step has the number " + std::to_string(step.number),
                     "from " + std::to_string(range.min) + " to " + std::to_string(range.max));
    }
    if (step.verb == Step::Verb::slow && step.time > std::chrono::minutes(1)) {
        return unfit("a disk that takes " + duration_text(step.time) + " for each write",
                     "1m at most");
    }
    return {};
}

std::expected<void, base::Error> check_attackers(const Scenario& scenario) {
    if (scenario.attackers.size() > attackers_max) {
        return unfit(std::to_string(scenario.attackers.size()) + " attackers",
                     std::to_string(attackers_max) + " at most");
    }
    std::set<std::size_t> taken;
    for (const Attacker& attacker : scenario.attackers) {
        if (!is_stranger(attacker.kind) && !taken.insert(attacker.machine).second) {
            return unfit("validator " + std::to_string(attacker.machine) + " attacks twice",
                         "choose one kind for it");
        }
        if (!is_stranger(attacker.kind) && attacker.machine >= scenario.stakes.size()) {
            return unfit("attacker " + std::to_string(attacker.machine) + " is no validator",
                         "they are 0 to " + std::to_string(scenario.stakes.size() - 1));
        }
        if (is_false_witness(attacker.kind) && !scenario.staking) {
            return unfit("nobody testifies where stakes stay as they are", "say `staking 50 4 4`");
        }
    }
    return {};
}

}  // namespace

bool is_stranger(Attacker::Kind kind) {
    return words::attackers[static_cast<std::size_t>(kind)].is_stranger;
}

bool is_false_witness(Attacker::Kind kind) {
    return kind >= Attacker::Kind::hears_all && kind <= Attacker::Kind::secretive;
}

std::string_view name(Attacker::Kind kind) {
    return words::attackers[static_cast<std::size_t>(kind)].word;
}

std::string_view name(Shape shape) { return words::shapes[static_cast<std::size_t>(shape)].word; }

std::string duration_text(base::Duration duration) {
    std::string text;
    for (const auto& unit : words::units) {
        const auto count = duration / unit.duration;
        if (count == 0) continue;
        text += std::to_string(count) + std::string(unit.word);
        duration -= count * unit.duration;
    }
    return text.empty() ? "0s" : text;
}

bool Scenario::has_network(std::size_t machine) const {
    if (air && gateways.empty()) return false;
    return std::ranges::none_of(
        sites, [&](const auto& site) { return site.size() == 1 && site.contains(machine); });
}

std::string to_text(const Step& step) {
    const auto& word = words::verbs[static_cast<std::size_t>(step.verb)];
    return "at " + duration_text(step.at) + " " + std::string(word.word) +
           operands_text(step, word.operands);
}

std::string to_text(const Scenario& scenario) {
    std::string text = "about " + scenario.about + "\n";
    text += "stakes" + joined(scenario.stakes) + "\n";
    if (scenario.relays > 0) text += "relays " + std::to_string(scenario.relays) + "\n";
    if (scenario.lights > 0) text += "lights " + std::to_string(scenario.lights) + "\n";
    text += "shape " + std::string(name(scenario.shape)) + "\n";
    text += "network " + scenario.network + "\n";
    text += std::string("disk ") + (scenario.disk == DiskKind::flash ? "flash" : "memory") + "\n";
    text += "block-time " + duration_text(std::chrono::milliseconds(scenario.block_time_ms)) + "\n";
    if (scenario.vote_lead_ms != 0) {
        text +=
            "vote-lead " + duration_text(std::chrono::milliseconds(scenario.vote_lead_ms)) + "\n";
    }
    if (scenario.slots_per_round != 1) {
        text += "round " + std::to_string(scenario.slots_per_round) + "\n";
    }
    if (const auto& air = scenario.air) {
        text += "medium " + std::string(radio::name(air->preset)) + "\n";
        text += "airtime " + std::to_string(air->validator_permille) + " " +
                std::to_string(air->other_permille) + "\n";
    }
    if (!scenario.gateways.empty()) text += "gateways" + joined(scenario.gateways) + "\n";
    if (!scenario.sites.empty()) text += "sites" + sides_text(scenario.sites) + "\n";
    if (const auto& rules = scenario.staking) {
        text += "staking " + std::to_string(rules->stake_min.units) + " " +
                std::to_string(rules->unbond_epochs) + " " + std::to_string(rules->epoch_rounds) +
                "\n";
    }
    text += "undo " + std::to_string(scenario.undo_blocks) + "\n";
    text += "heartbeat " + duration_text(scenario.heartbeat) + "\n";
    text += "payments " + duration_text(scenario.payments) + "\n";
    if (scenario.alerts > base::Duration{}) {
        text += "alerts " + duration_text(scenario.alerts) + "\n";
    }
    if (scenario.records > base::Duration{}) {
        text += "records " + duration_text(scenario.records) + "\n";
    }
    if (scenario.states > base::Duration{}) {
        text += "states " + duration_text(scenario.states) + "\n";
    }
    if (scenario.acknowledgements > base::Duration{}) {
        text += "acknowledgements " + duration_text(scenario.acknowledgements) + "\n";
    }
    if (scenario.searches > base::Duration{}) {
        text += "searches " + duration_text(scenario.searches) + "\n";
    }
    if (scenario.segments > 0) text += "segments " + std::to_string(scenario.segments) + "\n";
    if (!scenario.late.empty()) text += "late" + joined(scenario.late) + "\n";
    if (!scenario.successor.empty()) text += "successor" + joined(scenario.successor) + "\n";
    for (const Attacker& attacker : scenario.attackers) {
        text += "attacker " + std::string(name(attacker.kind));
        if (!is_stranger(attacker.kind)) text += " " + std::to_string(attacker.machine);
        text += "\n";
    }
    for (const Step& step : scenario.steps) text += to_text(step) + "\n";
    text += "hostile " + duration_text(scenario.hostile) + "\n";
    return text + "converge " + duration_text(scenario.converge) + "\n";
}

std::expected<void, base::Error> check(const Scenario& scenario) {
    if (scenario.stakes.empty()) return unfit("no validators", "say `validators 4`");
    if (scenario.stakes.size() > wire::validators_max) {
        return unfit(std::to_string(scenario.stakes.size()) + " validators",
                     std::to_string(wire::validators_max) + " at most");
    }
    for (const std::uint64_t stake : scenario.stakes) {
        if (stake == 0 || stake > stake_max) {
            return unfit("a stake of " + std::to_string(stake),
                         "1 to " + std::to_string(stake_max) + "; who has none is a relay");
        }
    }
    if (scenario.relays > machines_max || scenario.lights > machines_max ||
        scenario.nodes() > machines_max) {
        return unfit(std::to_string(scenario.nodes()) + " machines",
                     std::to_string(machines_max) + " at most");
    }
    MESH_CHECK(check_staking(scenario));
    if (scenario.shape == Shape::valley && scenario.relays == 0) {
        return unfit("a valley without a relay", "say `relays 1`");
    }
    if (!quality_of(scenario.network)) {
        return unfit("there is no network '" + scenario.network + "'",
                     "lan, wifi, bad, poor or awful");
    }
    if (scenario.block_time_ms < 200 || scenario.block_time_ms > 3'600'000) {
        return unfit("a block time of " + std::to_string(scenario.block_time_ms) + " ms",
                     "200ms to 1h");
    }
    const std::uint32_t lead_max = scenario.block_time_ms - scenario.rank_delay_ms();
    if (scenario.vote_lead_ms > lead_max) {
        return unfit("a lead of votes of " + std::to_string(scenario.vote_lead_ms) + " ms",
                     "7 tenths of the block time at most");
    }
    if (scenario.heartbeat < std::chrono::seconds(1) ||
        scenario.heartbeat > std::chrono::minutes(5)) {
        return unfit("a heartbeat every " + duration_text(scenario.heartbeat), "1s to 5m");
    }
    MESH_CHECK(check_air(scenario));
    MESH_CHECK(check_records(scenario));
    for (const std::size_t machine : scenario.late) MESH_CHECK(check_machine(scenario, machine));
    for (const std::size_t machine : scenario.successor) {
        if (machine < scenario.stakes.size() && !scenario.staking) continue;
        return unfit("machine " + std::to_string(machine) + " cannot go on with a successor",
                     "validators can, where stakes do not move");
    }
    MESH_CHECK(check_attackers(scenario));
    for (const Step& step : scenario.steps) MESH_CHECK(check_step(scenario, step));
    return {};
}

}  // namespace meshchain::sim
