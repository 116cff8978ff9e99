// How long an honest peer waits for an answer while others flood the node, against how long it
// waits when nobody does. A real process of the program, real sockets on loopback.

#include <algorithm>
#include <thread>

#include "bench/workloads.h"
#include "hostile/attacks.h"
#include "hostile/victim.h"

namespace meshchain::bench {
namespace {

using namespace std::chrono_literals;

constexpr int requests = 300;
constexpr auto warming = 1s;  ///< until the attackers have sessions and full speed

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "hostile bench: %s\n", why.c_str());
    std::exit(1);
}

/// Median time from a request to its answer, in microseconds.
double latency_us(tests::HonestPeer& honest) {
    std::vector<double> times;
    for (int i = 0; i < requests; ++i) {
        const auto taken = honest.ask();
        if (!taken) give_up("an honest request was not answered");
        times.push_back(std::chrono::duration<double, std::micro>(*taken).count());
    }
    std::ranges::nth_element(times, times.begin() + requests / 2);
    return times[requests / 2];
}

}  // namespace

void hostile_workloads(Report& report) {
    const Workload workload{.name = "hostile_latency",
                            .unit = "us",
                            .peer = "unloaded",
                            .better = Better::lower,
                            .rounds = 5};
    if (!report.wants(workload.name)) return;
    auto started = tests::Victim::start(host::own_program().parent_path() / "meshchain");
    if (!started) give_up(base::sentence(started.error()));
    const tests::Victim& victim = **started;
    tests::HonestPeer honest(victim);
    if (!honest.connect()) give_up("no session with the node");
    tests::Target target;
    target.chain = victim.chain_id();
    target.link = victim.link();
    target.identity = victim.identity();

    const auto loaded = [&] {
        std::vector<std::jthread> attackers;
        for (const tests::Attack& attack : tests::link_attacks) {
            if (!attack.name.starts_with("flood")) continue;
            attackers.emplace_back(
                [&attack, &target](std::stop_token stop) { attack.run(target, std::move(stop)); });
        }
        honest.meanwhile([] { return false; }, warming);
        return latency_us(honest);
    };
    report.compare(workload, loaded, [&] { return latency_us(honest); });
}

}  // namespace meshchain::bench
