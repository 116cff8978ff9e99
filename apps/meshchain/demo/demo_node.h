#pragma once
// One node of the demo: a folder, a `meshchain node run` process, and its API.

#include <filesystem>
#include <optional>

#include "host/api_client.h"
#include "host/child_process.h"
#include "host/data_folder.h"
#include "host/json.h"
#include "ledger/genesis.h"
#include "node/config.h"
#include "node/keys.h"

namespace meshchain::app {

class DemoNode {
public:
    /// Makes the folder with keys and a wallet.
    static std::expected<DemoNode, base::Error> prepare(const std::filesystem::path& folder,
                                                        std::string name, node::StoreEngine engine);

    ledger::GenesisValidator genesis_entry(wire::Amount stake) const;
    const crypto::PublicKey& owner() const { return owner_; }
    const std::string& address() const { return address_; }
    const std::string& name() const { return name_; }
    const std::filesystem::path& folder() const { return folder_.root(); }

    /// Configuration and genesis into the folder. With a radio, it has nothing else.
    std::expected<void, base::Error> join(const ledger::Genesis& genesis,
                                          const std::optional<node::RadioConfig>& radio);
    /// Starts the process, waits for its API and unlocks the wallet.
    std::expected<void, base::Error> start(base::Duration timeout);
    /// kill -9.
    void kill();
    /// By the API, then waits for the process to end well.
    std::expected<void, base::Error> stop(base::Duration timeout);

    bool running() { return process_ && process_->running(); }
    /// Only while running. Errors: closed, and the API's.
    std::expected<host::Json, base::Error> get(std::string_view target) const;
    std::expected<host::Json, base::Error> post(std::string_view target,
                                                const host::Json& body) const;
    std::string api_text() const;

private:
    DemoNode(std::filesystem::path folder, std::string name, node::StoreEngine engine,
             node::Keys keys);

    host::DataFolder folder_;
    std::string name_;
    node::StoreEngine engine_;
    node::Keys keys_;
    crypto::PublicKey owner_;
    std::string address_;
    std::optional<host::ChildProcess> process_;
    std::optional<host::ApiClient> client_;
};

}  // namespace meshchain::app
