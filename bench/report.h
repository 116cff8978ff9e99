#pragma once
// Measures workloads against what a user would otherwise pick, and prints one line for each:
//     NAME ours=N baseline=N ratio=N unit=U peer=WHAT        ratio > 1: ours is better
//
// Machines drift by a fifth within the hour, so both sides run in turn, round by round, and the
// medians are compared. One warm-up round is thrown away.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meshchain::bench {

enum class Better { higher, lower };

struct Workload {
    std::string_view name;
    std::string_view unit;  ///< of both values, without spaces: "M/s", "us", "MiB"
    std::string_view peer;  ///< what the baseline is
    Better better = Better::higher;
    int rounds = 7;
};

/// Keeps the compiler from leaving out the computation of `value`.
template <class T>
void keep(const T& value) {
    asm volatile("" : : "r,m"(value) : "memory");
}

template <class Run>
double seconds(Run&& run) {
    const auto start = std::chrono::steady_clock::now();
    run();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Rate of a run that does `operations` operations.
template <class Run>
double million_per_second(std::size_t operations, Run&& run) {
    return static_cast<double>(operations) / seconds(run) / 1e6;
}

class Report {
public:
    explicit Report(std::string filter) : filter_(std::move(filter)) {}

    /// Whether the name filter of the command line lets this workload run.
    bool wants(std::string_view name) const { return name.find(filter_) != std::string_view::npos; }

    /// `ours` and `baseline` each run the workload once and return its value in `unit`.
    /// What they prepare outside their own stopwatch is not counted.
    template <class Ours, class Baseline>
    void compare(const Workload& workload, Ours&& ours, Baseline&& baseline) {
        if (!wants(workload.name)) return;
        std::vector<double> our_values;
        std::vector<double> baseline_values;
        for (int round = -1; round < workload.rounds; ++round) {
            const bool ours_first = round % 2 == 0;
            const double first = ours_first ? ours() : baseline();
            const double second = ours_first ? baseline() : ours();
            if (round < 0) continue;
            our_values.push_back(ours_first ? first : second);
            baseline_values.push_back(ours_first ? second : first);
        }
        print(workload, median(std::move(our_values)), median(std::move(baseline_values)));
    }

    /// Measures against an absolute figure that was promised; the line says peer=target.
    template <class Ours>
    void against_target(Workload workload, double target, Ours&& ours) {
        workload.peer = "target";
        compare(workload, std::forward<Ours>(ours), [target] { return target; });
    }

private:
    static double median(std::vector<double> values) {
        const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
        std::nth_element(values.begin(), middle, values.end());
        return *middle;
    }

    static void print(const Workload& workload, double ours, double baseline) {
        const bool higher = workload.better == Better::higher;
        const double ratio = higher ? ours / baseline : baseline / ours;
        std::printf("%.*s ours=%.4g baseline=%.4g ratio=%.2f unit=%.*s peer=%.*s\n",
                    static_cast<int>(workload.name.size()), workload.name.data(), ours, baseline,
                    ratio, static_cast<int>(workload.unit.size()), workload.unit.data(),
                    static_cast<int>(workload.peer.size()), workload.peer.data());
        std::fflush(stdout);
    }

    std::string filter_;
};

}  // namespace meshchain::bench
