// Reads scenarios: a line is a word and what belongs to it; # begins a comment.

#include <algorithm>
#include <charconv>

#include "base/utf8.h"
#include "sim/scenario.h"
#include "sim/scenario_words.h"

namespace meshchain::sim {
namespace {

using Words = std::vector<std::string_view>;
using words::Operands;

constexpr std::size_t about_bytes_max = 400;
constexpr base::Duration duration_max = std::chrono::hours(24 * 366);

Words split(std::string_view text, char at) {
    Words parts;
    while (true) {
        const std::size_t end = text.find(at);
        if (!text.substr(0, end).empty()) parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<base::Duration> duration(std::string_view text) {
    base::Duration sum{};
    if (text.empty()) return std::nullopt;
    while (!text.empty()) {
        const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
        const auto count = number<std::int64_t>(text.substr(0, digits));
        text.remove_prefix(digits);
        const std::size_t letters = std::min(text.find_first_of("0123456789"), text.size());
        const auto unit =
            std::ranges::find(words::units, text.substr(0, letters), &words::UnitWord::word);
        if (!count || unit == words::units.end()) return std::nullopt;
        if (*count > duration_max / unit->duration) return std::nullopt;
        sum += *count * unit->duration;
        if (sum > duration_max) return std::nullopt;
        text.remove_prefix(letters);
    }
    return sum;
}

class Parser {
public:
    std::expected<Scenario, base::Error> parse(std::string_view text) {
        if (text.size() > scenario_bytes_max) {
            return base::failure(base::Errc::too_large, std::to_string(text.size()) + " bytes",
                                 "scenario", std::to_string(scenario_bytes_max) + " are the most");
        }
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            ++line_;
            MESH_CHECK(parse_line(text.substr(0, end)));
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        std::ranges::stable_sort(scenario_.steps, {}, &Step::at);
        MESH_CHECK(check(scenario_));
        return std::move(scenario_);
    }

private:
    using Result = std::expected<void, base::Error>;

    std::unexpected<base::Error> wrong(std::string what, std::string advice) const {
        return base::failure(base::Errc::malformed, std::move(what),
                             "scenario line " + std::to_string(line_), std::move(advice));
    }
    std::unexpected<base::Error> wrong_value(std::string_view text, std::string_view kind,
                                             std::string advice) const {
        return wrong("'" + std::string(text.substr(0, 40)) + "' is no " + std::string(kind),
                     std::move(advice));
    }

    Result parse_line(std::string_view line) {
        line = line.substr(0, line.find('#'));
        while (line.ends_with(' ') || line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) return {};
        const std::string_view word = line.substr(0, line.find(' '));
        const std::string_view rest =
            line.size() > word.size() ? line.substr(word.size() + 1) : std::string_view{};
        if (word == "about") return parse_about(rest);
        const Words operands = split(rest, ' ');
        if (word == "at") return parse_step(rest, operands);
        if (word == "attacker") return parse_attacker(operands);
        if (word == "stakes") return read_list(scenario_.stakes, operands);
        if (word == "staking") return read_staking(operands);
        if (word == "successor") return read_list(scenario_.successor, operands);
        if (word == "late") return read_list(scenario_.late, operands);
        if (word == "airtime") return read_airtime(operands);
        if (word == "gateways") return read_gateways(operands);
        if (word == "sites") return read_sides(scenario_.sites, rest, "sites 0 1 2 | 3 4 5");
        if (operands.size() != 1) {
            return wrong("'" + std::string(word.substr(0, 40)) + "' with " +
                             std::to_string(operands.size()) + " operands",
                         "one value belongs behind it");
        }
        return parse_value(word, operands[0]);
    }

    Result parse_about(std::string_view text) {
        if (text.size() > about_bytes_max || !base::is_displayable(text)) {
            return wrong("the sentence cannot be shown",
                         "at most " + std::to_string(about_bytes_max) + " bytes of plain text");
        }
        scenario_.about = text;
        return {};
    }

    Result parse_value(std::string_view word, std::string_view value) {
        if (word == "validators") {
            std::size_t count = 0;
            MESH_CHECK(read(count, value));
            if (count > machines_max) return wrong_value(value, "count of machines", "fewer");
            scenario_.stakes.assign(count, 100);
            return {};
        }
        if (word == "relays") return read(scenario_.relays, value);
        if (word == "lights") return read(scenario_.lights, value);
        if (word == "undo") return read(scenario_.undo_blocks, value);
        if (word == "payments") return read(scenario_.payments, value);
        if (word == "alerts") return read(scenario_.alerts, value);
        if (word == "records") return read(scenario_.records, value);
        if (word == "states") return read(scenario_.states, value);
        if (word == "acknowledgements") return read(scenario_.acknowledgements, value);
        if (word == "searches") return read(scenario_.searches, value);
        if (word == "segments") return read(scenario_.segments, value);
        if (word == "heartbeat") return read(scenario_.heartbeat, value);
        if (word == "hostile") return read(scenario_.hostile, value);
        if (word == "converge") return read(scenario_.converge, value);
        if (word == "network") return read(scenario_.network, value);
        if (word == "shape") return read_shape(value);
        if (word == "disk") return read_disk(value);
        if (word == "block-time") return read_milliseconds(scenario_.block_time_ms, value);
        if (word == "vote-lead") return read_milliseconds(scenario_.vote_lead_ms, value);
        if (word == "round") return read(scenario_.slots_per_round, value);
        if (word == "medium") return read_medium(value);
        return wrong_value(
            word, "word of a scenario",
            "about, validators, stakes, relays, lights, shape, network, medium, airtime, "
            "gateways, sites, disk, block-time, vote-lead, round, staking, undo, heartbeat, "
            "payments, alerts, "
            "records, states, acknowledgements, searches, segments, late, successor, attacker, at, "
            "hostile, converge");
    }

    template <class Number>
        requires std::is_integral_v<Number>
    Result read(Number& into, std::string_view text) {
        const auto value = number<Number>(text);
        if (!value) return wrong_value(text, "number", "write it in digits");
        into = *value;
        return {};
    }
    Result read(base::Duration& into, std::string_view text) {
        const auto value = duration(text);
        if (!value) return wrong_value(text, "duration", "write it like 90s, 1h30m or 250ms");
        into = *value;
        return {};
    }
    Result read(std::string& into, std::string_view text) {
        into = text;
        return {};
    }
    template <class Number>
    Result read_list(std::vector<Number>& into, const Words& operands) {
        into.clear();
        for (const std::string_view operand : operands)
            MESH_CHECK(read(into.emplace_back(), operand));
        return {};
    }
    Result read_shape(std::string_view text) {
        const auto found = std::ranges::find(words::shapes, text, &words::ShapeWord::word);
        if (found == words::shapes.end()) {
            return wrong_value(text, "shape", "all, line, ring, star, grid, valley or street");
        }
        scenario_.shape = found->shape;
        return {};
    }
    Result read_disk(std::string_view text) {
        if (text != "flash" && text != "memory") {
            return wrong_value(text, "disk", "flash or memory");
        }
        scenario_.disk = text == "flash" ? DiskKind::flash : DiskKind::memory;
        return {};
    }
    Result read_milliseconds(std::uint32_t& into, std::string_view text) {
        base::Duration time{};
        MESH_CHECK(read(time, text));
        into = static_cast<std::uint32_t>(std::min(time, base::Duration(std::chrono::hours(2))) /
                                          std::chrono::milliseconds(1));
        return {};
    }

    Result read_medium(std::string_view text) {
        const auto preset = radio::preset_of(text);
        if (!preset) return wrong_value(text, "preset of radios", "write it like LONG_FAST");
        if (!scenario_.air) scenario_.air.emplace();
        scenario_.air->preset = *preset;
        return {};
    }
    Result read_airtime(const Words& operands) {
        if (operands.size() != 2) {
            return wrong("'airtime' with " + std::to_string(operands.size()) + " operands",
                         "thousandths of an hour for a validator, and for the others");
        }
        if (!scenario_.air) return wrong("airtime without radios", "say `medium LONG_FAST` before");
        MESH_CHECK(read(scenario_.air->validator_permille, operands[0]));
        return read(scenario_.air->other_permille, operands[1]);
    }

    Result read_gateways(const Words& operands) {
        std::vector<std::size_t> machines;
        MESH_CHECK(read_list(machines, operands));
        scenario_.gateways = {machines.begin(), machines.end()};
        return {};
    }

    Result read_staking(const Words& operands) {
        if (operands.size() != 3) {
            return wrong("'staking' with " + std::to_string(operands.size()) + " operands",
                         "the least stake, epochs that it waits, rounds of an epoch");
        }
        ledger::StakeRules rules;
        MESH_CHECK(read(rules.stake_min.units, operands[0]));
        MESH_CHECK(read(rules.unbond_epochs, operands[1]));
        MESH_CHECK(read(rules.epoch_rounds, operands[2]));
        scenario_.staking = rules;
        return {};
    }

    Result parse_attacker(const Words& operands) {
        const std::string_view word = operands.empty() ? "" : operands[0];
        const auto found = std::ranges::find(words::attackers, word, &words::AttackerWord::word);
        if (found == words::attackers.end()) {
            return wrong_value(word, "attacker",
                               "twins, withhold, selfish, silent, two-tongued, fork, bounce, "
                               "hears-all, hears-none, hears-friends or secretive, with a "
                               "validator's number; spam, forge, spoof, crowd, liar, "
                               "replay, drizzle or echo");
        }
        Attacker attacker{.kind = found->kind};
        if (operands.size() != (found->is_stranger ? 1U : 2U)) {
            return wrong("'" + std::string(word) + "' with too many operands, or too few",
                         found->is_stranger ? "nothing belongs behind it" : "say which validator");
        }
        if (!found->is_stranger) MESH_CHECK(read(attacker.machine, operands[1]));
        scenario_.attackers.push_back(attacker);
        return {};
    }

    Result parse_step(std::string_view rest, const Words& operands) {
        Step step;
        if (operands.size() < 2) return wrong("a step without a verb", "say `at 5m heal`");
        MESH_CHECK(read(step.at, operands[0]));
        const auto found = std::ranges::find(words::verbs, operands[1], &words::VerbWord::word);
        if (found == words::verbs.end()) {
            std::string all;
            for (const auto& verb : words::verbs) all += " " + std::string(verb.word);
            return wrong_value(operands[1], "verb", "one of" + all);
        }
        step.verb = found->verb;
        if (found->operands == Operands::sides) {
            const auto verb_ends = static_cast<std::size_t>(operands[1].end() - rest.begin());
            MESH_CHECK(read_sides(step.sides, rest.substr(verb_ends), "partition 0 1 | 2 3"));
        } else {
            MESH_CHECK(
                read_operands(step, found->operands, Words(operands.begin() + 2, operands.end())));
        }
        scenario_.steps.push_back(std::move(step));
        return {};
    }

    Result read_sides(std::vector<std::set<std::size_t>>& sides, std::string_view text,
                      std::string example) {
        sides.clear();
        for (const std::string_view part : split(text, '|')) {
            auto& side = sides.emplace_back();
            for (const std::string_view word : split(part, ' ')) {
                std::size_t machine = 0;
                MESH_CHECK(read(machine, word));
                side.insert(machine);
            }
            if (side.empty()) return wrong("a side with nobody in it", std::move(example));
        }
        if (sides.empty()) return wrong("no sides", std::move(example));
        return {};
    }

    Result read_operands(Step& step, Operands operands, Words given) {
        const bool has_number = operands == Operands::number_machines ||
                                operands == Operands::number_pair ||
                                operands == Operands::number_time || operands == Operands::number;
        const bool has_time = operands == Operands::time_machines || operands == Operands::time ||
                              operands == Operands::number_time;
        const bool has_word = operands == Operands::word;
        const std::size_t values = std::size_t{has_number} + has_time + has_word;
        if (given.size() < values) return wrong("a step without its value", "see the others");
        auto value = given.begin();
        if (has_number) MESH_CHECK(read(step.number, *value++));
        if (has_word) step.word = *value++;
        if (has_time) MESH_CHECK(read(step.time, *value++));
        given.erase(given.begin(), value);
        MESH_CHECK(read_list(step.machines, given));
        const std::size_t count = step.machines.size();
        const bool takes_none = operands == Operands::none || operands == Operands::word ||
                                operands == Operands::time || operands == Operands::number_time ||
                                operands == Operands::number;
        const bool takes_two = operands == Operands::pair || operands == Operands::number_pair;
        if (takes_none ? count != 0 : takes_two ? count != 2 : count == 0) {
            return wrong(std::to_string(count) + " machines in this step",
                         takes_none  ? "it names none"
                         : takes_two ? "it names two"
                                     : "it names at least one");
        }
        return {};
    }

    Scenario scenario_;
    std::size_t line_ = 0;
};

}  // namespace

std::expected<Scenario, base::Error> parse_scenario(std::string_view text) {
    return Parser().parse(text);
}

}  // namespace meshchain::sim
