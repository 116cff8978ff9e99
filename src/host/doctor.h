#pragma once
// Finds what is wrong with a node (row D9), running or not: its folder, files, store, network and
// clock, and what the node itself says. Each finding says what, why and what to do.
//
// Time:   a few seconds; verifying a large store takes longer (options.verify_store).
// Errors: none: whatever cannot be examined is a finding itself. Changes nothing on disk.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace meshchain::host {

enum class Severity : unsigned char {
    note,     ///< worth knowing, nothing to mend
    warning,  ///< works, but not as it should
    fault,    ///< does not work
};
std::string_view name(Severity severity);  ///< "note", …

struct Finding {
    std::string id;  ///< stable, for programs: "port_taken"
    Severity severity = Severity::fault;
    std::string what;
    std::string why;
    std::string advice;
};

struct DoctorOptions {
    bool verify_store = true;
    std::uint64_t free_bytes_min = 64ULL * 1024 * 1024;  ///< less is a fault, eight times a warning
    /// Of the node's process; what its limits add up to and a share for the program if not given.
    std::optional<std::uint64_t> memory_bytes_max = {};
};

struct Diagnosis {
    bool running = false;              ///< a process holds the folder
    std::vector<std::string> checked;  ///< what was looked at
    std::vector<Finding> findings;     ///< the worst first

    /// Nothing where all is well.
    std::optional<Severity> worst() const;
};

Diagnosis diagnose(const std::filesystem::path& folder, const DoctorOptions& options = {});

}  // namespace meshchain::host
