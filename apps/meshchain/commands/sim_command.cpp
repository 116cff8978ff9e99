// sim: whole nodes in a simulated world, under everything a seed can think of.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "host/file.h"
#include "host/json_document.h"
#include "meshchain/commands/commands.h"
#include "meshchain/screen/terminal.h"
#include "sim/named_scenarios.h"
#include "sim/play.h"
#include "sim/report_page.h"
#include "sim/swarm.h"

namespace meshchain::app {
namespace {

using host::Json;

struct SimOptions {
    std::uint64_t seed = 1;
    std::uint64_t runs = 1;
    std::optional<std::uint64_t> nodes;
    std::optional<std::uint64_t> hours;
    std::string scenario;
    std::string preset;
    std::string page;
    std::uint64_t jobs = 1;
    std::uint64_t sample = 0;
    bool small = false;
    bool stakes = false;
    bool stop = false;
    bool show = false;
    bool list = false;
    bool twice = false;
    bool verbose = false;
};

/// What the nodes log, all of them.
class StderrSink final : public base::LogSink {
public:
    bool wants(base::LogLevel level, std::string_view) const override {
        return level >= base::LogLevel::info;
    }
    void write(base::LogLevel level, std::string_view module, std::string_view line,
               base::LogFields) override {
        std::fprintf(stderr, "%s %.*s: %.*s\n", std::string(base::name(level)).c_str(),
                     static_cast<int>(module.size()), module.data(), static_cast<int>(line.size()),
                     line.data());
    }
};

double seconds_of(base::Duration duration) {
    return std::round(std::chrono::duration<double>(duration).count() * 1000) / 1000;
}

Json times_json(const std::vector<base::Duration>& ascending) {
    return {{"count", ascending.size()},
            {"p50", seconds_of(sim::percentile(ascending, 50))},
            {"p99", seconds_of(sim::percentile(ascending, 99))},
            {"max", ascending.empty() ? 0 : seconds_of(ascending.back())}};
}

Json traffic_json(const sim::Report& report) {
    Json traffic = Json::object();
    for (std::size_t type = 0; type < report.traffic.size(); ++type) {
        if (report.traffic[type].datagrams == 0) continue;
        std::string name(wire::name(static_cast<wire::MessageType>(type)));
        if (name == "UNKNOWN") name += " " + std::to_string(type);
        traffic[name] = {{"datagrams", report.traffic[type].datagrams},
                         {"bytes", report.traffic[type].bytes}};
    }
    return traffic;
}

std::string trace_text(std::uint64_t trace) {
    char text[20];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(trace));
    return text;
}

Json report_json(const sim::Report& report) {
    Json findings = Json::array();
    for (const sim::Finding& finding : report.findings) {
        findings.push_back(
            {{"seconds", seconds_of(finding.at)}, {"rule", finding.rule}, {"text", finding.text}});
    }
    return {{"about", report.about},
            {"seed", report.seed},
            {"machines", report.machines},
            {"simulated_seconds", seconds_of(report.simulated)},
            {"events", report.events},
            {"payments", report.payments},
            {"refused", report.refused},
            {"lost_with_a_disk", report.excused},
            {"seconds_to_live", times_json(report.to_live)},
            {"seconds_to_final", times_json(report.to_final)},
            {"final_height", report.final_height},
            {"seconds_to_converge",
             report.to_converge ? Json(seconds_of(*report.to_converge)) : Json()},
            {"blocks_reverted", report.blocks_reverted},
            {"evidence_found", report.evidence_found},
            {"forks", report.forks},
            {"guilty", report.guilty},
            {"attacks", report.attacks},
            {"stakes_moved", report.stake_operations},
            {"slashed", report.slashed},
            {"rows_healed", report.rows_healed},
            {"crashes", report.crashes},
            {"disks_replaced", report.disks_replaced},
            {"votes_signed", report.votes_signed},
            {"blocks_signed", report.blocks_signed},
            {"unchecked", report.unchecked},
            {"bytes_sent", report.bytes_sent},
            {"traffic", traffic_json(report)},
            {"trace", trace_text(report.trace)},
            {"findings", findings},
            {"findings_count", report.findings_count},
            {"all_right", report.all_right()}};
}

std::expected<std::string, base::Error> scenario_text(const std::string& name) {
    for (const sim::NamedScenario& named : sim::named_scenarios()) {
        if (named.name == name) return std::string(named.text);
    }
    std::string known;
    for (const sim::NamedScenario& named : sim::named_scenarios()) {
        known += (known.empty() ? "" : ", ") + std::string(named.name);
    }
    const auto file = host::read_file(name, sim::scenario_bytes_max);
    if (file) return std::string(base::as_text(*file));
    return base::failure(base::Errc::not_found, "there is no scenario '" + name + "'", "sim",
                         "name a file, or one of " + known);
}

std::expected<sim::Scenario, base::Error> choose(const SimOptions& options, std::uint64_t seed) {
    sim::Scenario scenario;
    if (!options.scenario.empty()) {
        MESH_TRY(const std::string text, scenario_text(options.scenario));
        MESH_TRY(scenario, sim::parse_scenario(text));
    } else if (options.nodes) {
        scenario.about = "Honest nodes that pay each other.";
        const std::uint64_t validators = std::min<std::uint64_t>(*options.nodes, 10);
        scenario.stakes.assign(validators, 100);
        scenario.relays = *options.nodes - validators;
        if (*options.nodes > 20) scenario.disk = sim::DiskKind::memory;
    } else {
        sim::SwarmLimits limits = options.small ? sim::small_villages : sim::SwarmLimits{};
        limits.stakes_move = options.stakes;
        scenario = sim::draw_scenario(seed, limits);
    }
    if (options.hours) scenario.hostile = std::chrono::hours(*options.hours);
    if (!options.preset.empty()) scenario.network = options.preset;
    MESH_CHECK(sim::check(scenario));
    return scenario;
}

class Bar {
public:
    Bar(bool silent, std::uint64_t seed) : progress_(silent), seed_(seed) {}

    bool show(const sim::PlayProgress& at) {
        const double share =
            at.until > base::Duration{}
                ? std::chrono::duration<double>(at.at) / std::chrono::duration<double>(at.until)
                : 1.0;
        constexpr std::size_t width = 30;
        const auto full = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * width);
        progress_.show(
            "seed " + std::to_string(seed_) + "  " + std::string(full, '#') +
            std::string(width - full, '.') + (at.is_healing ? "  healing  " : "  hostile  ") +
            sim::duration_text(std::chrono::floor<std::chrono::seconds>(at.at)) + "  FINAL " +
            std::to_string(at.payments_final) + " of " + std::to_string(at.payments));
        return true;
    }

private:
    Progress progress_;
    std::uint64_t seed_;
};

std::expected<sim::Report, base::Error> play(const Context& context, const SimOptions& options,
                                             std::uint64_t seed) {
    MESH_TRY(const sim::Scenario scenario, choose(options, seed));
    StderrSink log;
    Bar bar(context.json || options.verbose, seed);
    const auto once = [&] {
        sim::Play game(scenario,
                       {.seed = seed,
                        .log = options.verbose ? &log : nullptr,
                        .on_progress = [&](const sim::PlayProgress& at) { return bar.show(at); }});
        return game.run();
    };
    sim::Report report = once();
    if (!options.twice) return report;
    if (const std::uint64_t again = once().trace; again != report.trace) {
        ++report.findings_count;
        report.findings.push_back(
            {report.simulated, "one-story", "a second run has the trace " + trace_text(again)});
    }
    return report;
}

/// The command that plays this run again.
std::string replay(const SimOptions& options, std::uint64_t seed) {
    std::string text = "meshchain sim --seed " + std::to_string(seed);
    if (!options.scenario.empty()) text += " --scenario " + options.scenario;
    if (options.nodes) text += " --nodes " + std::to_string(*options.nodes);
    if (options.hours) text += " --hours " + std::to_string(*options.hours);
    if (!options.preset.empty()) text += " --preset " + options.preset;
    if (options.small) text += " --small";
    if (options.stakes) text += " --stakes";
    if (options.twice) text += " --twice";
    return text;
}

Output listed() {
    std::vector<std::vector<std::string>> rows{{"NAME", "ABOUT"}};
    Json json = Json::array();
    for (const sim::NamedScenario& named : sim::named_scenarios()) {
        const auto scenario = sim::parse_scenario(named.text);
        rows.push_back({std::string(named.name), scenario ? scenario->about : ""});
        json.push_back({{"name", named.name}, {"about", rows.back()[1]}});
    }
    return output(std::move(json), table(rows));
}

/// Many seeds by several threads: each plays a world of its own, so what they find depends on
/// nothing but the seeds.
class Runs {
public:
    Runs(const Context& context, const SimOptions& options)
        : context_(context), options_(options), progress_(context.json || options.jobs == 1) {}

    std::expected<void, base::Error> play_all() {
        // One thread shows how its run goes, several how many are done.
        const bool is_alone = options_.jobs == 1;
        if (is_alone) {
            work(context_);
        } else {
            Context quiet = context_;
            quiet.json = true;
            std::vector<std::jthread> threads;
            for (std::uint64_t i = 0; i < options_.jobs; ++i) {
                threads.emplace_back([this, &quiet] { work(quiet); });
            }
        }
        if (error_) return std::unexpected(*error_);
        return {};
    }

    struct Failure {
        SimOptions how;
        sim::Finding first;
    };
    /// By seed.
    const std::map<std::uint64_t, Failure>& failures() const { return failures_; }
    base::Duration simulated() const { return simulated_; }
    std::uint64_t done() const { return done_; }
    std::uint64_t twice() const { return twice_; }

private:
    void work(const Context& context) {
        while (true) {
            const std::uint64_t index = next_++;
            if (index >= options_.runs) return;
            SimOptions how = options_;
            if (how.sample > 0 && index % how.sample == 0) how.twice = true;
            const auto report = play(context, how, options_.seed + index);
            const std::lock_guard lock(mutex_);
            if (!report) {
                error_ = report.error();
                next_ = options_.runs;
                return;
            }
            note(how, *report);
        }
    }
    void note(const SimOptions& how, const sim::Report& report) {
        ++done_;
        twice_ += how.twice;
        simulated_ += report.simulated;
        if (!report.all_right()) {
            failures_.emplace(report.seed, Failure{how, report.findings[0]});
            if (options_.stop) next_ = options_.runs;
        }
        progress_.show(std::to_string(done_) + " of " + std::to_string(options_.runs) + " runs, " +
                       std::to_string(failures_.size()) + " failed");
    }

    const Context& context_;
    const SimOptions& options_;
    Progress progress_;
    std::atomic<std::uint64_t> next_ = 0;
    std::mutex mutex_;  ///< of everything below
    std::uint64_t done_ = 0;
    std::uint64_t twice_ = 0;
    base::Duration simulated_{};
    std::map<std::uint64_t, Failure> failures_;
    std::optional<base::Error> error_;
};

std::expected<Output, base::Error> simulate_many(const Context& context,
                                                 const SimOptions& options) {
    const auto begin = std::chrono::steady_clock::now();
    Runs runs(context, options);
    MESH_CHECK(runs.play_all());
    Json failures = Json::array();
    std::string text;
    for (const auto& [seed, failure] : runs.failures()) {
        const std::string again = replay(failure.how, seed);
        failures.push_back({{"seed", seed},
                            {"rule", failure.first.rule},
                            {"text", failure.first.text},
                            {"replay", again}});
        text += "! seed " + std::to_string(seed) + ": " + failure.first.rule + ": " +
                failure.first.text + "\n  replay: " + again + "\n";
    }
    const double took =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    char line[160];
    std::snprintf(line, sizeof line,
                  "%llu runs, %llu of them twice, %zu failed; %.0f simulated seconds in %.1f s\n",
                  static_cast<unsigned long long>(runs.done()),
                  static_cast<unsigned long long>(runs.twice()), runs.failures().size(),
                  seconds_of(runs.simulated()), took);
    Output shown = output({{"runs", runs.done()},
                           {"twice", runs.twice()},
                           {"failed", runs.failures().size()},
                           {"simulated_seconds", seconds_of(runs.simulated())},
                           {"failures", std::move(failures)}},
                          text + line);
    if (!runs.failures().empty()) shown.exit_code = ExitCode::failure;
    return shown;
}

std::expected<void, base::Error> write_page(const SimOptions& options, const sim::Report& report) {
    if (options.page.empty()) return {};
    MESH_TRY(const sim::Scenario scenario, choose(options, options.seed));
    const std::string page = sim::to_page(report, scenario, replay(options, options.seed));
    return host::write_file(options.page, base::as_bytes(page));
}

/// Before minutes are spent on a page that cannot be written.
std::expected<void, base::Error> check_page(const SimOptions& options) {
    if (options.page.empty()) return {};
    if (options.runs != 1 || options.list || options.show) {
        return base::failure(base::Errc::invalid_argument, "--page shows one run", "sim",
                             "leave --runs, --list and --show out, and name the --seed");
    }
    const auto folder = std::filesystem::absolute(options.page).parent_path();
    std::error_code ignored;
    if (std::filesystem::is_directory(folder, ignored)) return {};
    return base::failure(base::Errc::not_found, "there is no folder " + folder.string(), "sim",
                         "make it, or name a file elsewhere");
}

/// What would be left undone without a word.
std::expected<void, base::Error> check_alone(const SimOptions& options) {
    if (options.runs != 1 || (options.jobs == 1 && options.sample == 0 && !options.stop)) return {};
    return base::failure(base::Errc::invalid_argument,
                         "--jobs, --sample and --stop are for several runs", "sim",
                         "say with --runs how many there are to be");
}

std::expected<Output, base::Error> simulate(const Context& context, const SimOptions& options) {
    MESH_CHECK(check_page(options));
    MESH_CHECK(check_alone(options));
    if (options.list) return listed();
    if (options.show) {
        MESH_TRY(const sim::Scenario scenario, choose(options, options.seed));
        const std::string text = sim::to_text(scenario);
        return output({{"scenario", text}}, text);
    }
    if (options.runs != 1) return simulate_many(context, options);
    MESH_TRY(const sim::Report report, play(context, options, options.seed));
    MESH_CHECK(write_page(options, report));
    std::string text = sim::to_text(report);
    if (!report.all_right()) text += "Replay: " + replay(options, options.seed) + "\n";
    Output shown = output(report_json(report), text);
    if (!report.all_right()) shown.exit_code = ExitCode::failure;
    return shown;
}

}  // namespace

Command sim_command(const Context& context) {
    const auto o = std::make_shared<SimOptions>();
    return {
        .name = "sim",
        .summary = "Play whole nodes in a simulated world, with faults and attackers",
        .examples =
            "Examples:\n  meshchain sim --seed 7\n  meshchain sim --runs 100\n"
            "  meshchain sim --scenario half-and-half\n  meshchain sim --nodes 20 --hours 1",
        .options = {{"--seed", "NUMBER", "everything follows from it (1)", &o->seed},
                    {"--scenario", "NAME", "by name, or a file; without: drawn from the seed",
                     &o->scenario},
                    {"--runs", "COUNT", "so many seeds, from --seed on (1)", &o->runs},
                    {"--nodes", "COUNT", "so many honest nodes instead of a drawn scenario",
                     &o->nodes, false, sim::machines_max},
                    {"--hours", "COUNT", "length of the hostile phase", &o->hours, false, 8760},
                    {"--preset", "NETWORK", "lan, wifi, bad or awful", &o->preset},
                    {"--jobs", "COUNT", "of --runs, so many at once (1)", &o->jobs, false, 64, 1},
                    {"--sample", "COUNT", "play every COUNTth of --runs twice", &o->sample},
                    {"--stop", "", "of --runs, none after one that failed", &o->stop},
                    {"--small", "", "draw few nodes and short times, as every test run does",
                     &o->small},
                    {"--stakes", "", "draw chains on which validators come and go, too",
                     &o->stakes},
                    {"--page", "FILE", "write a page with plots of the run there", &o->page},
                    {"--list", "", "the scenarios that have names", &o->list},
                    {"--show", "", "print the scenario instead of playing it", &o->show},
                    {"--twice", "", "play it twice: both must have one trace", &o->twice},
                    {"--verbose", "", "what the nodes log, on stderr", &o->verbose}},
        .run = [&context, o] { return simulate(context, *o); }};
}

}  // namespace meshchain::app
