// The doctor's look at a node that runs: its process, and what it says of itself.

#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>
#include <sstream>

#include "host/api_client.h"
#include "host/doctor_checks.h"
#include "host/json_document.h"
#include "host/node_inspection.h"

namespace meshchain::host {
namespace {

namespace fs = std::filesystem;

/// What the program takes beside its tables: code, libraries, the heap's own, and what a sanitizer
/// keeps of every byte in the builds that have one.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t program_bytes = 1024ULL * 1024 * 1024;
#else
constexpr std::uint64_t program_bytes = 64ULL * 1024 * 1024;
#endif
constexpr std::uint64_t machine_bytes_min = 64ULL * 1024 * 1024;

/// The number of KiB behind `key` in a file like /proc/meminfo.
std::optional<std::uint64_t> kib_of(const fs::path& file, std::string_view key) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with(key)) continue;
        std::istringstream rest(line.substr(key.size()));
        std::uint64_t kib = 0;
        if (rest >> kib) return kib;
    }
    return std::nullopt;
}

void check_memory(Patient& patient, const fs::path& process) {
    std::optional<std::uint64_t> most = patient.options.memory_bytes_max;
    if (!most && patient.config && patient.genesis) {
        most = node::total_bytes(host::memory_limits(*patient.config, *patient.genesis)) +
               program_bytes;
    }
    const auto resident = kib_of(process / "status", "VmRSS:");
    if (most && resident && *resident * 1024 > *most) {
        patient.add("memory", Severity::warning, "The node takes more memory than it should",
                    std::to_string(*resident) + " KiB, its limits add up to " +
                        std::to_string(*most / 1024) + " KiB",
                    "restart it, and report this with its log");
    }
    const auto available = kib_of("/proc/meminfo", "MemAvailable:");
    if (available && *available * 1024 < machine_bytes_min) {
        patient.add("machine_memory", Severity::warning, "The machine is short of memory",
                    std::to_string(*available) + " KiB are left", "end other programs");
    }
}

/// The inodes of the sockets that a process has open.
std::set<std::string> sockets_of(const fs::path& process) {
    std::set<std::string> inodes;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(process / "fd", error)) {
        const std::string target = fs::read_symlink(entry.path(), error).string();
        if (!target.starts_with("socket:[")) continue;
        inodes.insert(target.substr(8, target.size() - 9));
    }
    return inodes;
}

/// Datagrams that the kernel threw away because the process did not read in time.
std::uint64_t dropped_datagrams(const fs::path& process) {
    const std::set<std::string> inodes = sockets_of(process);
    std::uint64_t dropped = 0;
    for (const char* table : {"net/udp", "net/udp6"}) {
        std::ifstream in(process / table);
        std::string line;
        std::getline(in, line);  // the heading
        while (std::getline(in, line)) {
            std::istringstream cells(line);
            std::vector<std::string> row;
            for (std::string cell; cells >> cell;) row.push_back(std::move(cell));
            // … tr tm->when retrnsmt uid timeout inode ref pointer drops
            if (row.size() < 13 || !inodes.contains(row[9])) continue;
            std::uint64_t count = 0;
            std::from_chars(row[12].data(), row[12].data() + row[12].size(), count);
            dropped += count;
        }
    }
    return dropped;
}

Severity severity_of(const Json& problem) {
    return problem.at("state") == "failed" ? Severity::fault : Severity::warning;
}

void ask_health(Patient& patient, const ApiClient& client) {
    const auto health = client.get("/v1/health");
    if (!health) {
        patient.add("api_unreachable", Severity::fault, "The node does not say how it is",
                    health.error());
        return;
    }
    for (const Json& part : health->at("parts")) {
        for (const Json& problem : part.at("problems")) {
            patient.add(problem.at("id"), severity_of(problem), problem.at("what"),
                        problem.at("why"), problem.at("advice"));
        }
    }
}

/// Each radio that cannot send for the node.
void ask_radios(Patient& patient, const ApiClient& client) {
    const auto answer = client.get("/v1/radios");
    if (!answer) return;  // an older node has none
    for (const Json& radio : answer->at("radios")) {
        const std::string place = radio.at("place");
        if (radio.contains("fault")) {
            const Json& fault = radio.at("fault");
            patient.add("radio", Severity::fault, "A radio is of no use (" + place + ")",
                        fault.at("what"), fault.at("advice"));
        } else if (radio.at("up") != true) {
            patient.add("radio", Severity::warning, "A radio is not there yet (" + place + ")",
                        "it has not answered since the node started",
                        "wait, or see the node's log");
        }
        if (radio.at("paused") == true) {
            patient.add("radio_paused", Severity::note, "A radio is paused (" + place + ")",
                        "somebody asked for it since the node started",
                        "let it speak again with `meshchain radio resume`");
        }
    }
}

}  // namespace

void check_process(Patient& patient) {
    patient.checked.emplace_back("process");
    if (!patient.process) return;
    const fs::path process = "/proc/" + std::to_string(*patient.process);
    std::error_code error;
    const std::string program = fs::read_symlink(process / "exe", error).string();
    if (program.ends_with(" (deleted)")) {
        patient.add("version", Severity::warning, "The node runs an older program",
                    "the file it was started from was replaced or removed", "restart the node");
    }
    check_memory(patient, process);
    if (const std::uint64_t dropped = dropped_datagrams(process); dropped > 0) {
        patient.add("lost_messages", Severity::warning, "Messages were lost on their way in",
                    std::to_string(dropped) +
                        " datagrams since the node started came faster than "
                        "it could read them",
                    "give it a faster machine, or raise net.core.rmem_default");
    }
}

void check_api(Patient& patient) {
    patient.checked.emplace_back("API");
    const bool left_behind = fs::exists(patient.folder.api_address());
    if (!patient.running) {
        if (left_behind) {
            patient.add("killed", Severity::note, "The node did not stop in good order",
                        "it left the address of its API behind",
                        "nothing to do: the next start recovers");
        } else {
            patient.add("stopped", Severity::note, "The node does not run",
                        "no process holds the folder", "start it with `meshchain node run`");
        }
        return;
    }
    const auto client = ApiClient::of_folder(patient.folder.root(), std::chrono::seconds(5));
    if (!client) {
        patient.add("api_unreachable", Severity::fault, "The node cannot be asked",
                    "its API's address or token cannot be read: " + client.error().what,
                    "wait if it is just starting; else restart it");
        return;
    }
    const auto status = client->get("/v1/status");
    if (status) {
        ask_health(patient, *client);
        ask_radios(patient, *client);
    } else if (status.error().code == base::Errc::unauthorized) {
        patient.add("api_token", Severity::fault, "The node refuses our token",
                    patient.folder.api_token().string() + " is not the one of this start",
                    "do not change that file; restart the node");
    } else {
        patient.add("api_unreachable", Severity::fault, "The node does not answer",
                    status.error().what + " (" + base::to_string(client->address()) + ")",
                    "see whether it is stopped or busy, and its log; else restart it");
    }
}

}  // namespace meshchain::host
