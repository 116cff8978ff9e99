#pragma once
// A whole node as a process runs it: the real doors (folder lock, SQLite, UDP, clocks, entropy),
// the node between them, its API and its end by signal, API or error.
//
// The outer ring of the life cycle (row D2): start opens the doors from the inside out, and a step
// that fails closes those before it; run ends with the store closed last and the lock let go.
//
// Time:    the node is stepped when datagrams wait and when its poll_timeout comes; an idle one
//          sleeps.
// Threads: one at a time: that of open() and begin(), then the one that calls run(). post() from
// any. Errors:  of start: whatever the failing step said, with path, cause and remedy.

#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/link.h"
#include "host/wallet_unlocker.h"
#include "node/node.h"
#include "records/record_service.h"

namespace meshchain::host {

class NodeProcess {
public:
    struct Options {
        /// Begin anew though the folder once had a store (host/store_marker.h).
        bool accept_empty_store = false;
        /// Go on from a store that is older than this node was.
        bool accept_older_store = false;
        std::vector<wire::Service*> services = {};         ///< outlive the process
        std::vector<records::KindRule> record_kinds = {};  ///< of an application
        bool api = true;
        bool signals = true;  ///< end at SIGINT and SIGTERM
    };

    /// Opens the doors and makes the node, which does not run yet.
    static std::expected<std::unique_ptr<NodeProcess>, base::Error> open(
        const std::filesystem::path& folder, const Options& options);
    /// Starts node and API. Once; after an Error nothing is left but to destroy this.
    std::expected<void, base::Error> begin();
    /// Both.
    static std::expected<std::unique_ptr<NodeProcess>, base::Error> start(
        const std::filesystem::path& folder, const Options& options);
    /// Stops the node, if run() has not yet.
    ~NodeProcess();

    /// Until SIGINT, SIGTERM or POST /v1/stop.
    /// Errors: those of closing the store.
    std::expected<void, base::Error> run();

    /// Leaves `work` for the thread in run(), which steps the node afterwards. It is never called
    /// when run() has ended before.
    void post(std::function<void()> work);
    /// Ends run(). In the thread that runs it.
    void request_stop(std::string_view why);

    /// Until run() ends.
    node::Node& node();
    /// Nothing where records are not enabled.
    records::RecordService* records();
    WalletUnlocker& unlocker();  ///< from begin() on
    base::Now now() const;

    /// With an API.
    base::LinkAddress api_address() const;
    /// With a network; otherwise all zeros.
    base::LinkAddress link_address() const;

private:
    struct Parts;
    explicit NodeProcess(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
};

}  // namespace meshchain::host
