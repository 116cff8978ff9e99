// What a running node costs its machine when nothing happens, and how soon a payment is final: real
// processes of the program, looked at from outside through /proc.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include "bench/workloads.h"
#include "host/child_process.h"
#include "host/node_setup.h"
#include "host/system_entropy.h"
#include "host/temporary_folder.h"

namespace meshchain::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t node_count = 2;
constexpr auto settling = 6s;
constexpr auto watching = 10s;

std::filesystem::path program() { return host::own_program().parent_path() / "meshchain"; }

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "host bench: %s\n", why.c_str());
    std::exit(1);
}

template <class T>
T must(std::expected<T, base::Error> result) {
    if (!result) give_up(base::sentence(result.error()));
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// Sum of the numbers behind `key` in the status files of all threads.
std::uint64_t status_value(pid_t pid, const std::string& key, bool all_threads) {
    const std::filesystem::path root = "/proc/" + std::to_string(pid);
    std::uint64_t sum = 0;
    const auto add = [&](const std::filesystem::path& file) {
        std::ifstream in(file);
        for (std::string line; std::getline(in, line);) {
            if (line.starts_with(key + ":")) sum += std::stoull(line.substr(key.size() + 1));
        }
    };
    if (!all_threads) {
        add(root / "status");
        return sum;
    }
    for (const auto& thread : std::filesystem::directory_iterator(root / "task")) {
        add(thread.path() / "status");
    }
    return sum;
}

/// Seconds of processor time so far, in nanoseconds as the scheduler counts them.
double cpu_seconds(pid_t pid) {
    double sum = 0;
    for (const auto& thread :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
        std::ifstream in(thread.path() / "schedstat");
        double nanoseconds = 0;
        in >> nanoseconds;
        sum += nanoseconds / 1e9;
    }
    return sum;
}

/// Two validators that know each other, with the default configuration but for loopback.
class IdleNetwork {
public:
    IdleNetwork() {
        ledger::Genesis genesis;
        genesis.start =
            base::wall_from_unix_ms(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
        genesis.block_time_ms = 1000;
        genesis.rank_delay_ms = 300;
        std::vector<node::Keys> keys;
        for (std::size_t i = 0; i < node_count; ++i) {
            const host::DataFolder folder(path(i));
            must(host::make_folder(folder.root()));
            keys.push_back(must(host::load_or_make_keys(folder, entropy_)));
            const crypto::PublicKey identity = keys.back().identity.public_key();
            genesis.validators.push_back(
                {identity, keys.back().validating->public_key(), identity, {100}});
            genesis.allocations.push_back({identity, {1000}});
        }
        ledger::sort_canonically(genesis);
        node::NodeConfig config;
        config.role = wire::Role::validator;
        config.network.listen = node::ipv4({127, 0, 0, 1}, 0);
        config.network.interface = node::ipv4({127, 0, 0, 1}, 0);
        for (std::size_t i = 0; i < node_count; ++i) {
            must(host::write_node(host::DataFolder(path(i)), genesis, keys[i], config));
            nodes_.push_back(must(host::ChildProcess::start(
                {.program = program(), .arguments = {"node", "run", "--data", path(i).string()}})));
        }
        std::this_thread::sleep_for(settling);
        if (!nodes_.front().running()) give_up("the node did not start");
    }

    pid_t pid() const { return nodes_.front().pid(); }

private:
    std::filesystem::path path(std::size_t i) const { return folder_.path() / std::to_string(i); }

    host::TemporaryFolder folder_;
    host::SystemEntropy entropy_;
    std::vector<host::ChildProcess> nodes_;
};

void idle_workloads(Report& report) {
    if (!report.wants("idle_wakeups") && !report.wants("idle_cpu") &&
        !report.wants("idle_resident")) {
        return;
    }
    const IdleNetwork network;
    const pid_t pid = network.pid();
    const auto per_second = [&](auto read) {
        const auto before = read();
        std::this_thread::sleep_for(watching);
        return static_cast<double>(read() - before) /
               std::chrono::duration<double>(watching).count();
    };
    report.against_target({"idle_wakeups", "wakeups/s", "", Better::lower, 1}, 20, [&] {
        return per_second([&] { return status_value(pid, "voluntary_ctxt_switches", true); });
    });
    report.against_target({"idle_cpu", "percent", "", Better::lower, 1}, 0.2,
                          [&] { return 100 * per_second([&] { return cpu_seconds(pid); }); });
    report.against_target({"idle_resident", "MiB", "", Better::lower, 1}, 24, [&] {
        return static_cast<double>(status_value(pid, "VmRSS", false)) / 1024;
    });
}

/// One value of the JSON that `meshchain demo --once --json` prints.
double value_of(const std::string& json, const std::string& key) {
    const std::size_t at = json.find("\"" + key + "\"");
    if (at == std::string::npos) give_up("the demo's answer has no " + key);
    return std::stod(json.substr(json.find(':', at) + 1));
}

void demo_workload(Report& report) {
    if (!report.wants("demo_seconds_to_final_p50")) return;
    const host::TemporaryFolder folder;
    const auto output = folder.path() / "demo.json";
    auto demo = must(host::ChildProcess::start(
        {.program = program(), .arguments = {"demo", "--once", "--json"}, .output = output}));
    if (demo.wait(5min) != 0) give_up("the demo failed");
    std::ifstream in(output);
    std::stringstream text;
    text << in.rdbuf();
    const double p50 = value_of(text.str(), "seconds_to_final_p50");
    Workload workload{"demo_seconds_to_final_p50", "s", "", Better::lower, 1};
    report.against_target(workload, 3.5, [p50] { return p50; });
}

}  // namespace

void host_workloads(Report& report) {
    idle_workloads(report);
    demo_workload(report);
}

}  // namespace meshchain::bench
