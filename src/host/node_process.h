#pragma once
// A whole node as a process runs it: the real doors (folder lock, SQLite, UDP, clocks, entropy),
// the node between them, its API and its end by signal, API or error.
//
// The outer ring of the life cycle (row D2): start opens the doors from the inside out, and a step
// that fails closes those before it; run ends with the store closed last and the lock let go.
//
// Time:    the node is stepped when datagrams wait and when its poll_timeout comes; an idle one
//          sleeps.
// Threads: all in the thread that calls run().
// Errors:  of start: whatever the failing step said, with path, cause and remedy.

#include <expected>
#include <filesystem>
#include <memory>

#include "base/error.h"
#include "base/link.h"

namespace meshchain::host {

class NodeProcess {
public:
    struct Options {
        /// Begin anew though the folder once had a store (host/store_marker.h).
        bool accept_empty_store = false;
    };
    static std::expected<std::unique_ptr<NodeProcess>, base::Error> start(
        const std::filesystem::path& folder, const Options& options);
    /// Stops the node, if run() has not yet.
    ~NodeProcess();

    /// Until SIGINT, SIGTERM or POST /v1/stop.
    /// Errors: those of closing the store.
    std::expected<void, base::Error> run();

    base::LinkAddress api_address() const;
    base::LinkAddress link_address() const;

private:
    struct Parts;
    explicit NodeProcess(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
};

}  // namespace meshchain::host
