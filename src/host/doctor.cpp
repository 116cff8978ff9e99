#include "host/doctor.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "host/config_json.h"
#include "host/doctor_checks.h"
#include "host/file.h"
#include "host/file_lock.h"
#include "host/locked_memory.h"
#include "host/node_inspection.h"
#include "host/node_keys.h"
#include "host/node_setup.h"

namespace meshchain::host {
namespace {

namespace fs = std::filesystem;

/// Whether anybody but the owner may use it.
bool is_open_to_others(const fs::path& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && (status.st_mode & 077U) != 0;
}

std::optional<pid_t> lock_owner(const fs::path& folder) {
    const auto content = read_file(folder / "lock", 64);
    if (!content) return std::nullopt;
    const std::string_view text = base::as_text(*content);
    pid_t id = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), id);
    return parsed.ec == std::errc{} && id > 0 ? std::optional(id) : std::nullopt;
}

void check_lock(Patient& patient) {
    const auto lock = FileLock::probe(patient.folder.root());
    if (lock) return;
    if (lock.error().code != base::Errc::locked) {
        patient.add("folder_not_lockable", Severity::fault, "The folder cannot be locked",
                    lock.error());
        return;
    }
    patient.running = true;
    patient.process = lock_owner(patient.folder.root());
    patient.add("running", Severity::note, "The folder is in use", lock.error().what,
                "nothing to do");
}

void check_config(Patient& patient) {
    patient.checked.emplace_back("configuration");
    const auto bytes = read_file(patient.folder.config(), config_bytes_max);
    if (!bytes) {
        const bool absent = bytes.error().code == base::Errc::not_found;
        patient.add(absent ? "no_node" : "config_unreadable", Severity::fault,
                    absent ? "There is no node in this folder" : "The configuration is unreadable",
                    bytes.error().what + ": " + patient.folder.config().string(),
                    absent ? "prepare one with `meshchain node init`, or name another folder by "
                             "--data"
                           : bytes.error().advice);
        return;
    }
    const std::string_view text = base::as_text(*bytes);
    for (const base::Error& problem : all_config_problems(patient.folder, text)) {
        patient.add("config", Severity::fault, "A setting is wrong", problem);
    }
    if (auto config = parse_config(text, patient.folder.config().string())) {
        patient.config = *std::move(config);
    }
}

void check_genesis(Patient& patient) {
    patient.checked.emplace_back("genesis");
    auto genesis = load_genesis(patient.folder.genesis());
    if (genesis) {
        patient.genesis = *std::move(genesis);
    } else {
        genesis.error().advice = "copy the network's genesis file there: others have the same";
        patient.add("genesis", Severity::fault, "The genesis cannot be read", genesis.error());
    }
}

void check_keys(Patient& patient) {
    patient.checked.emplace_back("keys");
    auto keys = load_node_keys(patient.folder.node_keys());
    if (keys) {
        patient.keys = *std::move(keys);
    } else if (keys.error().code != base::Errc::unauthorized) {
        patient.add("node_keys", Severity::fault, "The node's keys cannot be read", keys.error());
    }
    if (!LockedMemory::is_locked()) {
        patient.add("unlocked_memory", Severity::warning, "Secrets may reach the swap space",
                    "this system lets the user lock no memory (RLIMIT_MEMLOCK)",
                    "raise the limit: `ulimit -l`, or LimitMEMLOCK of the service");
    }
    std::vector<fs::path> secrets{patient.folder.node_keys(), patient.folder.api_token()};
    if (patient.config) secrets.push_back(patient.folder.wallet(*patient.config));
    for (const fs::path& path : secrets) {
        if (!is_open_to_others(path)) continue;
        patient.add(
            "key_permissions", Severity::fault, "Others may read a secret",
            path.string() + " is open to other users of this machine",
            "chmod 600 " + path.string() + ", and replace what it holds if they are not trusted");
    }
}

}  // namespace

std::string_view name(Severity severity) {
    switch (severity) {
        case Severity::note: return "note";
        case Severity::warning: return "warning";
        case Severity::fault: return "fault";
    }
    return "unknown";
}

std::optional<Severity> Diagnosis::worst() const {
    if (findings.empty()) return std::nullopt;
    return std::ranges::max(findings, {}, &Finding::severity).severity;
}

bool check_folder(Patient& patient) {
    patient.checked.emplace_back("folder");
    const fs::path& root = patient.folder.root();
    std::error_code error;
    const fs::file_status status = fs::status(root, error);
    if (!fs::exists(status)) {
        const bool absent = status.type() == fs::file_type::not_found;
        patient.add("no_folder", Severity::fault, "The data folder is not there",
                    root.string() + (absent ? " does not exist" : ": " + error.message()),
                    "prepare one with `meshchain node init`, or name another by --data");
        return false;
    }
    if (!fs::is_directory(status)) {
        patient.add("no_folder", Severity::fault, "The data folder is none",
                    root.string() + " is a file", "name a folder by --data");
        return false;
    }
    const bool usable = ::access(root.c_str(), R_OK | W_OK | X_OK) == 0 || errno == EROFS;
    if (!usable || fs::is_symlink(root / "lock")) {
        patient.add("folder_permissions", Severity::fault, "The data folder cannot be used",
                    root.string() + " is not readable and writable for this user",
                    "run as its owner, or mend its permissions");
        return false;
    }
    if (is_open_to_others(root)) {
        patient.add("folder_permissions", Severity::warning, "Others may look into the data folder",
                    root.string() + " is open to other users of this machine",
                    "chmod 700 " + root.string());
    }
    check_lock(patient);
    return true;
}

void check_files(Patient& patient) {
    check_genesis(patient);
    check_config(patient);
    check_keys(patient);
}

Diagnosis diagnose(const fs::path& folder, const DoctorOptions& options) {
    Patient patient{.folder = DataFolder(folder), .options = options};
    if (check_folder(patient)) {
        check_files(patient);
        if (check_disk(patient)) check_store(patient);
        if (patient.config) check_network(patient);
        check_clock(patient);
        if (patient.running) check_process(patient);
        check_api(patient);
    }
    std::ranges::stable_sort(patient.findings, std::ranges::greater{}, &Finding::severity);
    return {patient.running, std::move(patient.checked), std::move(patient.findings)};
}

}  // namespace meshchain::host
