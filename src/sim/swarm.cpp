#include "sim/swarm.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/assert.h"

namespace meshchain::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::Duration quiet_start = seconds(10);
constexpr std::uint64_t stake_min = 50;
/// Slots that a crowd holds are had by lot, one in ten seconds, and go on to others after their
/// minute (0066): with a single validator, who is unlucky has none for ten minutes.
constexpr base::Duration converge_in_crowd = std::chrono::minutes(30);

class Drawing {
public:
    Drawing(std::uint64_t seed, const SwarmLimits& limits)
        : random_(base::Random(seed).stream("swarm")), limits_(limits) {}

    Scenario draw(std::uint64_t seed) {
        scenario_.about = "Drawn from seed " + std::to_string(seed) + ".";
        draw_people();
        draw_surroundings();
        draw_staking();
        draw_attackers();
        draw_shape();
        const std::size_t faults = random_.below(7);
        for (std::size_t i = 0; i < faults; ++i) draw_fault();
        draw_false_witnesses();
        std::ranges::stable_sort(scenario_.steps, {}, &Step::at);
        MESH_ASSERT(check(scenario_).has_value());
        return std::move(scenario_);
    }

private:
    template <class T>
    T one_of(std::initializer_list<T> choices) {
        return choices.begin()[random_.below(choices.size())];
    }
    base::Duration whole_ms(base::Duration low, base::Duration high) {
        const auto drawn = random_.between(low, high);
        return std::chrono::duration_cast<milliseconds>(drawn);
    }

    void draw_people() {
        const std::size_t few = std::min<std::size_t>(4, limits_.validators_max);
        const std::size_t count =
            random_.chance(1, 3) ? few : 1 + random_.below(limits_.validators_max);
        const bool is_equal = random_.chance(1, 2);
        for (std::size_t i = 0; i < count; ++i) {
            scenario_.stakes.push_back(is_equal ? 100 : 50 + random_.below(250));
        }
        scenario_.relays = random_.below(limits_.relays_max + 1);
        const bool stakes_move = limits_.stakes_move && random_.chance(1, 3) && count > 1;
        scenario_.lights = stakes_move ? 0 : random_.below(2);
        if (stakes_move) {
            scenario_.staking = ledger::StakeRules{
                {stake_min}, ledger::StakeRules::unbond_epochs_min, one_of({4U, 4U, 8U})};
        }
        stakes_ = scenario_.stakes;
        stakes_.resize(scenario_.stakes.size() + scenario_.relays);
        stakes_least_ = std::accumulate(stakes_.begin(), stakes_.end(), std::uint64_t{0});
    }

    void draw_surroundings() {
        scenario_.network = one_of({"lan", "lan", "wifi", "wifi", "bad", "awful"});
        scenario_.disk = random_.chance(4, 5) ? DiskKind::flash : DiskKind::memory;
        scenario_.block_time_ms = one_of({500U, 1000U, 1000U, 1000U, 2000U});
        scenario_.undo_blocks = random_.chance(1, 5) ? 24 : 16'384;
        scenario_.payments = whole_ms(milliseconds(400), seconds(8));
        scenario_.hostile = whole_ms(limits_.hostile_min, limits_.hostile_max);
        for (std::size_t i = 0; i < scenario_.nodes(); ++i) {
            if (random_.chance(1, 2)) {
                add({.verb = Step::Verb::drift,
                     .machines = {i},
                     .number = static_cast<std::int64_t>(random_.below(201)) - 100});
            }
        }
    }

    /// Who stakes, and takes back, and how much: no more than a third, so that others stay.
    void draw_staking() {
        if (scenario_.staking) {
            std::uint64_t may_go = stakes_least_ / 3;
            const std::size_t operations = 1 + random_.below(6);
            for (std::size_t i = 0; i < operations; ++i) draw_operation(may_go);
        }
        stake_left_ = (stakes_least_ - 1) / 3;
        blamed_.assign(scenario_.nodes(), false);
    }
    void draw_operation(std::uint64_t& may_go) {
        const std::size_t machine = anybody();
        const std::uint64_t amount = stake_min + random_.below(100);
        const auto number = static_cast<std::int64_t>(amount);
        const base::Duration time = some_time();
        switch (random_.below(4)) {
            case 0:
                stakes_[machine] += amount;
                return add({.at = time,
                            .verb = Step::Verb::stake,
                            .machines = {machine},
                            .number = number});
            case 1: {
                const std::size_t validator = random_.below(scenario_.stakes.size());
                stakes_[validator] += amount;
                return add({.at = time,
                            .verb = Step::Verb::delegate,
                            .machines = {machine, validator},
                            .number = number});
            }
            case 2:
                if (stakes_[machine] == 0 || stakes_[machine] > may_go) return;
                may_go -= stakes_[machine];
                stakes_least_ -= std::min(stakes_least_, stakes_[machine]);
                add({.at = time, .verb = Step::Verb::unbond, .machines = {machine}});
                return add(
                    {.at = after(time), .verb = Step::Verb::withdraw, .machines = {machine}});
            default: return add({.at = time, .verb = Step::Verb::claim, .machines = {machine}});
        }
    }

    /// One validator more of which nothing good can be expected, if the rest can bear it.
    std::optional<std::size_t> blame() {
        const std::size_t machine = random_.below(scenario_.nodes());
        if (blamed_[machine]) return machine;
        const std::uint64_t stake = machine < stakes_.size() ? stakes_[machine] : 0;
        if (stake > stake_left_ || !can_check_clocks(machine)) return std::nullopt;
        stake_left_ -= stake;
        blamed_[machine] = true;
        return machine;
    }

    /// Everybody signs only once others with more than a third agree on the time: where one holds
    /// more than a third itself, those others are fewer, and fewer of them may be missing.
    bool can_check_clocks(std::size_t blamed) const {
        const std::uint64_t total =
            std::accumulate(stakes_.begin(), stakes_.end(), std::uint64_t{});
        std::uint64_t greatest = 0;
        std::uint64_t sound = 0;
        for (std::size_t i = 0; i < stakes_.size(); ++i) {
            if (i == blamed || blamed_[i]) continue;
            greatest = std::max(greatest, stakes_[i]);
            sound += stakes_[i];
        }
        return 3 * (sound - greatest) > total || sound == total;
    }

    void draw_attackers() {
        using enum Attacker::Kind;
        const std::size_t insiders = random_.below(3);
        for (std::size_t i = 0; i < insiders; ++i) {
            const std::size_t before = stake_left_;
            const auto machine = blame();
            if (!machine || *machine >= scenario_.stakes.size() || stake_left_ == before) continue;
            scenario_.attackers.push_back(
                {one_of({twins, two_tongued, two_tongued, withhold, selfish, silent, fork, bounce}),
                 *machine});
        }
        if (!random_.chance(1, 2)) return;
        scenario_.attackers.push_back(
            {one_of({spam, forge, spoof, crowd, liar, replay, drizzle}), 0});
        if (scenario_.attackers.back().kind == crowd) scenario_.converge = converge_in_crowd;
    }

    /// Last, and from a stream of its own: what a seed draws besides does not depend on it.
    void draw_false_witnesses() {
        using enum Attacker::Kind;
        constexpr std::array kinds{hears_all, hears_none, hears_friends, secretive};
        base::Random random = random_.stream("false witnesses");
        if (!scenario_.staking) return;
        const std::size_t tries = random.below(5);  // most find no stake left to blame
        for (std::size_t i = 0; i < tries; ++i) {
            const std::size_t machine = random.below(scenario_.stakes.size());
            const Attacker::Kind kind = kinds[random.below(kinds.size())];
            const bool attacks = std::ranges::any_of(scenario_.attackers, [&](const auto& other) {
                return !is_stranger(other.kind) && other.machine == machine;
            });
            const std::uint64_t stake = blamed_[machine] ? 0 : stakes_[machine];
            if (attacks || stake > stake_left_) continue;
            stake_left_ -= stake;
            blamed_[machine] = true;
            scenario_.attackers.push_back({kind, machine});
        }
    }

    /// A validator that withholds or cheats may cut others off where it is the only way, as may a
    /// crowd that holds the slots of two who have nobody else (0066), and an object travels four
    /// hops.
    void draw_shape() {
        const auto is_insider = [](const Attacker& attacker) {
            return !is_stranger(attacker.kind);
        };
        if (std::ranges::any_of(scenario_.attackers, is_insider) || random_.chance(2, 3)) return;
        const auto is_crowd = [](const Attacker& attacker) {
            return attacker.kind == Attacker::Kind::crowd;
        };
        if (std::ranges::any_of(scenario_.attackers, is_crowd)) return;
        const std::size_t nodes = scenario_.nodes();
        scenario_.shape = Shape::star;
        if (nodes <= 9) scenario_.shape = one_of({Shape::star, Shape::ring, Shape::grid});
        if (nodes <= 5 && random_.chance(1, 4)) scenario_.shape = Shape::line;
    }

    void add(Step step) { scenario_.steps.push_back(std::move(step)); }
    std::size_t anybody() { return random_.below(scenario_.nodes()); }
    base::Duration some_time() { return whole_ms(quiet_start, scenario_.hostile - seconds(5)); }
    base::Duration after(base::Duration time) {
        return std::min(time + whole_ms(milliseconds(200), seconds(40)), scenario_.hostile);
    }
    std::vector<std::size_t> some() {
        std::vector<std::size_t> machines;
        for (std::size_t i = 0; i < scenario_.nodes(); ++i) {
            if (random_.chance(1, 3)) machines.push_back(i);
        }
        if (machines.empty()) machines.push_back(anybody());
        return machines;
    }

    void draw_fault() {
        switch (random_.below(10)) {
            case 0:
            case 1: return draw_partition();
            case 2: return draw_cut();
            case 3: return draw_crashes();
            case 4: return draw_power_cut();
            case 5: return draw_lost_disk();
            case 6: return draw_disk_trouble();
            case 7: return draw_clock();
            case 8: return draw_mass_restart();
            default: return draw_network();
        }
    }
    void draw_partition() {
        Step step{.at = some_time(), .verb = Step::Verb::partition, .sides = {{}, {}}};
        if (random_.chance(1, 3)) step.sides.emplace_back();
        for (std::size_t i = 0; i < scenario_.nodes(); ++i) {
            step.sides[random_.below(step.sides.size())].insert(i);
        }
        std::erase_if(step.sides, [](const auto& side) { return side.empty(); });
        const base::Duration end = after(step.at);
        add(std::move(step));
        add({.at = end, .verb = Step::Verb::heal});
    }
    void draw_cut() {
        add({.at = some_time(), .verb = Step::Verb::cut, .machines = {anybody(), anybody()}});
    }
    void draw_crashes() {
        const base::Duration time = some_time();
        for (const std::size_t machine : some()) {
            add({.at = time, .verb = Step::Verb::crash, .machines = {machine}});
            add({.at = after(time), .verb = Step::Verb::start, .machines = {machine}});
        }
    }
    void draw_power_cut() {
        const base::Duration time = some_time();
        for (const std::size_t machine : some()) {
            add({.at = time,
                 .verb = Step::Verb::power_cut,
                 .machines = {machine},
                 .number = static_cast<std::int64_t>(random_.below(60))});
            add({.at = after(time), .verb = Step::Verb::start, .machines = {machine}});
        }
    }
    void draw_lost_disk() {
        const auto machine = blame();
        if (!machine) return;
        const base::Duration time = some_time();
        if (random_.chance(1, 2)) {
            add({.at = time, .verb = Step::Verb::wipe, .machines = {*machine}});
        } else {
            add({.at = time,
                 .verb = Step::Verb::rot,
                 .machines = {*machine},
                 .number = static_cast<std::int64_t>(1 + random_.below(300))});
        }
        add({.at = after(time), .verb = Step::Verb::start, .machines = {*machine}});
    }
    void draw_disk_trouble() {
        const base::Duration time = some_time();
        const std::size_t machine = anybody();
        if (random_.chance(1, 2)) {
            add({.at = time, .verb = Step::Verb::full, .machines = {machine}});
            add({.at = after(time), .verb = Step::Verb::room, .machines = {machine}});
        } else {
            add({.at = time,
                 .verb = Step::Verb::slow,
                 .machines = {machine},
                 .time = whole_ms(milliseconds(1), milliseconds(50))});
        }
    }
    void draw_clock() {
        const auto machine = blame();
        if (!machine) return;
        const std::int64_t by =
            one_of({-86'400'000LL, -3'600'000LL, -1500LL, -400LL, 400LL, 1500LL, 3'600'000LL});
        add({.at = some_time(), .verb = Step::Verb::clock, .machines = {*machine}, .number = by});
        if (random_.chance(1, 3)) add({.verb = Step::Verb::ntp, .machines = {*machine}});
    }
    void draw_mass_restart() {
        std::vector<std::size_t> all(scenario_.nodes());
        std::iota(all.begin(), all.end(), std::size_t{0});
        const base::Duration time = some_time();
        add({.at = time, .verb = Step::Verb::crash, .machines = all});
        add({.at = after(time), .verb = Step::Verb::start, .machines = all});
    }
    void draw_network() {
        const base::Duration time = some_time();
        add({.at = time, .verb = Step::Verb::network, .word = one_of({"bad", "awful"})});
        add({.at = after(time), .verb = Step::Verb::network, .word = scenario_.network});
    }

    base::Random random_;
    SwarmLimits limits_;
    Scenario scenario_;
    std::vector<std::uint64_t> stakes_;  ///< the most that each may have
    std::uint64_t stakes_least_ = 0;     ///< of all together, when those who leave are gone
    std::uint64_t stake_left_ = 0;       ///< that may still be blamed
    std::vector<bool> blamed_;
};

}  // namespace

Scenario draw_scenario(std::uint64_t seed, const SwarmLimits& limits) {
    return Drawing(seed, limits).draw(seed);
}

}  // namespace meshchain::sim
