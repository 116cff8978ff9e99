#include "meshchain/demo/demo_node.h"

#include <signal.h>

#include <chrono>
#include <thread>

#include "host/argon2_kdf.h"
#include "host/file.h"
#include "host/json_document.h"
#include "host/node_setup.h"
#include "host/system_entropy.h"
#include "meshchain/wallet_session.h"
#include "wallet/address.h"
#include "wallet/key_file.h"

namespace meshchain::app {
namespace {

using namespace std::chrono_literals;

/// The demo's money is worth nothing; its folders are temporary.
constexpr std::string_view passphrase = "demo";
constexpr base::KdfCost cheap{1, 64};
constexpr auto request_timeout = 5s;

node::NodeConfig store_config(node::StoreEngine engine) {
    node::NodeConfig config;
    config.store_engine = engine;
    config.store_size_mb = 32;
    return config;
}

base::Error at_node(base::Error error, const std::string& name) {
    error.where = name + ": " + error.where;
    return error;
}

}  // namespace

DemoNode::DemoNode(std::filesystem::path folder, std::string name, node::StoreEngine engine,
                   node::Keys keys)
    : folder_(std::move(folder)), name_(std::move(name)), engine_(engine), keys_(std::move(keys)) {}

std::expected<DemoNode, base::Error> DemoNode::prepare(const std::filesystem::path& folder,
                                                       std::string name, node::StoreEngine engine) {
    host::SystemEntropy entropy;
    host::Argon2Kdf kdf;
    MESH_CHECK(host::make_folder(folder));
    MESH_TRY(node::Keys keys,
             host::load_or_make_keys(host::DataFolder(folder), entropy, store_config(engine)));
    DemoNode node(folder, std::move(name), engine, std::move(keys));
    MESH_TRY(const wallet::KeyFile wallet,
             wallet::create_key_file({kdf, entropy, host::secret_memory()}, cheap,
                                     base::as_bytes(passphrase), node.name_));
    MESH_CHECK(host::write_file(node.folder_.wallet({}), wallet::encode(wallet)));
    node.owner_ = wallet.keys.front();
    node.address_ = wallet::encode_address(node.owner_);
    return node;
}

ledger::GenesisValidator DemoNode::genesis_entry(wire::Amount stake) const {
    return {keys_.identity.public_key(), keys_.validating->public_key(), owner_, stake};
}

/// On loopback only, every port free but the group's, and quick to notice who comes and goes.
std::expected<void, base::Error> DemoNode::join(const ledger::Genesis& genesis,
                                                const std::optional<node::RadioConfig>& radio) {
    node::NodeConfig config = store_config(engine_);
    config.node_name = name_;
    config.role = wire::Role::validator;
    config.network.enabled = !radio;
    if (radio) config.radios.push_back(*radio);
    config.network.listen = node::ipv4({127, 0, 0, 1}, 0);
    config.network.interface = node::ipv4({127, 0, 0, 1}, 0);
    config.network.discovery_interval = 500ms;
    config.network.heartbeat_interval = 1s;
    config.network.peer_timeout = 5s;
    return host::write_node(folder_, genesis, keys_, config);
}

std::expected<void, base::Error> DemoNode::start(base::Duration timeout) {
    const auto log = folder() / "node.log";
    MESH_TRY(process_,
             host::ChildProcess::start({.program = host::own_program(),
                                        .arguments = {"node", "run", "--data", folder().string()},
                                        .errors = log}));
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (std::chrono::steady_clock::now() < deadline && process_->running()) {
        // Files of a node that was killed may still lie there: only an answer counts.
        auto client = host::ApiClient::of_folder(folder(), request_timeout);
        if (client && client->get("/v1/status")) {
            client_ = *std::move(client);
            return unlock_wallet(*client_, base::as_bytes(passphrase));
        }
        std::this_thread::sleep_for(20ms);
    }
    const bool ended = !process_->running();
    return base::failure(base::Errc::timeout, ended ? "it ended at once" : "its API did not answer",
                         name_, "see " + log.string() + " (with --keep)");
}

void DemoNode::kill() {
    client_.reset();
    if (!process_) return;
    process_->send_signal(SIGKILL);
    process_->wait(10s);
    process_.reset();
}

std::expected<void, base::Error> DemoNode::stop(base::Duration timeout) {
    if (!running()) return {};
    MESH_CHECK(post("/v1/stop", host::Json::object()));
    client_.reset();
    const std::optional<int> exit_code = process_->wait(timeout);
    if (exit_code == 0) return {};
    return base::failure(
        base::Errc::timeout,
        exit_code ? "it ended with code " + std::to_string(*exit_code) : "it did not end", name_,
        "see its node.log (with --keep)");
}

std::expected<host::Json, base::Error> DemoNode::get(std::string_view target) const {
    if (!client_) return base::failure(base::Errc::closed, "not running", name_);
    auto answer = client_->get(target);
    if (!answer) return std::unexpected(at_node(answer.error(), name_));
    return answer;
}

std::expected<host::Json, base::Error> DemoNode::post(std::string_view target,
                                                      const host::Json& body) const {
    if (!client_) return base::failure(base::Errc::closed, "not running", name_);
    auto answer = client_->post(target, body);
    if (!answer) return std::unexpected(at_node(answer.error(), name_));
    return answer;
}

std::string DemoNode::api_text() const {
    return client_ ? "http://" + base::to_string(client_->address()) : "down";
}

}  // namespace meshchain::app
