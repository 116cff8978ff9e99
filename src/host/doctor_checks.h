#pragma once
// The inside of the doctor: what the checks share. For doctor*.cpp only.

#include <sys/types.h>

#include "base/error.h"
#include "host/data_folder.h"
#include "host/doctor.h"
#include "ledger/genesis.h"
#include "node/keys.h"

namespace meshchain::host {

/// The node under examination, as far as its files could be read, and what was found.
struct Patient {
    DataFolder folder;
    DoctorOptions options;
    std::optional<node::NodeConfig> config = {};
    std::optional<ledger::Genesis> genesis = {};
    std::optional<node::Keys> keys = {};
    bool running = false;
    std::optional<pid_t> process = {};  ///< who holds the folder, if that can be known
    std::vector<std::string> checked = {};
    std::vector<Finding> findings = {};

    void add(std::string id, Severity severity, std::string what, std::string why,
             std::string advice) {
        findings.push_back(
            {std::move(id), severity, std::move(what), std::move(why), std::move(advice)});
    }
    void add(std::string id, Severity severity, std::string what, const base::Error& error) {
        add(std::move(id), severity, std::move(what), error.where + ": " + error.what,
            error.advice.empty() ? "see the log" : error.advice);
    }
};

bool check_folder(Patient& patient);  ///< false: there is nothing to examine further
void check_files(Patient& patient);
void check_store(Patient& patient);
bool check_disk(Patient& patient);  ///< false: nothing on it can be opened
void check_network(Patient& patient);
void check_clock(Patient& patient);
void check_process(Patient& patient);
void check_api(Patient& patient);

}  // namespace meshchain::host
