// What an event of a simulated world costs, with few and with many whole nodes that pay once a
// minute, beside a loop that does nothing but take events out of a std::priority_queue of the same
// size and put one in for each.

#include <algorithm>
#include <map>
#include <queue>

#include "base/assert.h"
#include "base/random.h"
#include "bench/workloads.h"
#include "sim/village.h"

namespace meshchain::bench {
namespace {

/// So few that they are within the four hops of an object in a grid of any width.
constexpr std::size_t validators = 4;
constexpr base::Duration settled = std::chrono::seconds(60);  ///< everybody has found his peers
constexpr base::Duration payment_interval = std::chrono::minutes(1);

/// Machines in a grid, each of which hears its four neighbours: so however many there are, the same
/// happens to each. Left alone until it came to rest.
class Grid {
public:
    explicit Grid(std::size_t nodes) : village_(scenario(nodes), 7) {
        for (std::size_t i = 0; i < nodes; ++i) {
            MESH_ASSERT(village_.world().switch_on(i).has_value());
        }
        run(settled);
    }
    sim::World& world() { return village_.world(); }

    /// Microseconds an event, over so much of the world's time.
    double measure(base::Duration span) {
        const std::uint64_t before = world().events();
        const double took = seconds([&] { run(span); });
        return took * 1e6 / static_cast<double>(world().events() - before);
    }
    /// What the machine calls FINAL: that there is anything shows that the payments were.
    std::uint32_t final_height(std::size_t machine) {
        return village_.node(machine).node().status(world().time_of(machine)).final_height.value;
    }

private:
    static sim::Scenario scenario(std::size_t nodes) {
        sim::Scenario scenario;
        scenario.stakes.assign(std::min(nodes, validators), 100);
        scenario.relays = nodes - scenario.stakes.size();
        scenario.shape = sim::Shape::grid;
        scenario.disk = sim::DiskKind::memory;
        return scenario;
    }
    void run(base::Duration span) {
        const base::Instant end = world().now() + span;
        while (world().now() < end) {
            if (world().now() >= pay_at_) pay();
            world().run_until(std::min(end, pay_at_));
        }
    }
    void pay() {
        pay_at_ = world().now() + payment_interval;
        if (world().now() <= village_.genesis_time()) return;
        static_cast<void>(village_.node(0).node().pay(
            world().time_of(0), village_.node(1).credentials().payee(), {1}, std::nullopt));
        world().wake(0);
    }

    sim::Village village_;
    base::Instant pay_at_ = sim::World::start;
};

/// Microseconds that a thousand events take, with as many under way, each of which is followed by
/// another.
double bare_thousand(std::size_t waiting) {
    constexpr std::uint64_t events = 1'000'000;
    struct Event {
        base::Instant at;
        std::uint64_t sequence;
        std::size_t machine;
        bool operator<(const Event& other) const {
            return std::pair(at, sequence) > std::pair(other.at, other.sequence);
        }
    };
    base::Random random(1);
    std::priority_queue<Event> queue;
    std::uint64_t sequence = 0;
    const auto push = [&](base::Instant now) {
        queue.push({now + base::Duration(random.below(5'000'000)), ++sequence, sequence % 1000});
    };
    for (std::size_t i = 0; i < waiting; ++i) push({});
    std::uint64_t sum = 0;
    const double took = seconds([&] {
        for (std::uint64_t i = 0; i < events; ++i) {
            const Event event = queue.top();
            queue.pop();
            sum += event.machine;
            push(event.at);
        }
    });
    keep(sum);
    return took * 1e9 / static_cast<double>(events);
}

}  // namespace

void sim_workloads(Report& report) {
    if (!report.wants("sim_event")) return;
    struct Size {
        std::size_t nodes;
        std::string_view name;
        base::Duration span;  ///< whole minutes, so that each has as many payments
    };
    constexpr std::array sizes{Size{10, "sim_event_10", std::chrono::minutes(20)},
                               Size{100, "sim_event_100", std::chrono::minutes(4)},
                               Size{1000, "sim_event_1000", std::chrono::minutes(1)}};
    std::map<std::size_t, std::vector<double>> costs;
    for (const auto& [nodes, name, span] : sizes) {
        Grid grid(nodes);
        report.compare(
            {name, "us", "a_thousand_of_std::priority_queue", Better::lower, 3},
            [&] { return costs[nodes].emplace_back(grid.measure(span)); },
            [&] { return bare_thousand(std::max<std::size_t>(grid.world().waiting(), 1)); });
        MESH_ASSERT(grid.final_height(0) > 0 && grid.final_height(nodes - 1) > 0);
    }
    // How many times dearer an event is among a thousand nodes than among ten.
    report.against_target({"sim_event_growth", "times", "", Better::lower, 1}, 2, [&] {
        return std::ranges::min(costs[1000]) / std::ranges::min(costs[10]);
    });
}

}  // namespace meshchain::bench
