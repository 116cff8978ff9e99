#pragma once
// The node under attack: a real process of the program, and what an honest user and an honest peer
// ask of it meanwhile.

#include <fstream>

#include "host/api_client.h"
#include "host/child_process.h"
#include "host/json_document.h"
#include "host/local_chain.h"
#include "host/node_setup.h"
#include "host/temporary_folder.h"
#include "hostile/peer.h"
#include "wallet/address.h"
#include "wire/sync.h"

namespace meshchain::tests {

class Victim {
public:
    /// Errors: it did not come up.
    static std::expected<std::unique_ptr<Victim>, base::Error> start(
        const std::filesystem::path& program) {
        std::unique_ptr<Victim> victim(new Victim());
        MESH_TRY(victim->chain_, host::LocalChain::create(victim->folder_.path(), {.nodes = 1}));
        MESH_TRY(victim->process_,
                 host::ChildProcess::start(
                     {.program = program,
                      .arguments = {"node", "run", "--json", "--data", victim->data().string()},
                      .output = victim->folder_.path() / "out",
                      .errors = victim->folder_.path() / "log"}));
        MESH_TRY(const ledger::Genesis genesis,
                 host::load_genesis(host::DataFolder(victim->data()).genesis()));
        victim->chain_id_ = ledger::chain_id(genesis);
        MESH_CHECK(victim->await_api());
        return victim;
    }

    const wire::ChainId& chain_id() const { return chain_id_; }
    const base::LinkAddress& link() const { return link_; }
    const base::LinkAddress& api() const { return client_->address(); }
    const crypto::PublicKey& identity() const { return chain_.members[0].identity; }
    const host::ApiClient& client() const { return *client_; }
    std::filesystem::path data() const { return folder_.path() / "0"; }
    bool is_running() { return process_->running(); }

    std::uint64_t resident_bytes() const {
        std::ifstream in("/proc/" + std::to_string(process_->pid()) + "/status");
        for (std::string line; std::getline(in, line);) {
            if (line.starts_with("VmRSS:")) return std::stoull(line.substr(6)) * 1024;
        }
        return 0;
    }

    /// What its operator is told that all its tables and queues can take.
    std::expected<std::uint64_t, base::Error> limits_bytes(
        const std::filesystem::path& program) const {
        const auto output = folder_.path() / "limits";
        MESH_TRY(auto shown,
                 host::ChildProcess::start({.program = program,
                                            .arguments = {"config", "show", "--limits", "--json",
                                                          "--data", data().string()},
                                            .output = output}));
        if (shown.wait(std::chrono::seconds(30)) != 0) {
            return base::failure(base::Errc::unavailable, "`config show --limits` failed",
                                 "victim");
        }
        std::ifstream in(output);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        MESH_TRY(const host::Json limits, host::parse_json(text, "limits"));
        return limits.at("bytes_max").get<std::uint64_t>();
    }

    /// The owner's request. Until it is read nothing tells its connection from a stranger's, and in
    /// a storm of those it may be closed to make room: then one asks again, as people do.
    std::expected<host::Json, base::Error> ask_status(int tries = 20) const {
        auto status = client_->get("/v1/status");
        for (int i = 1; i < tries && !status; ++i) status = client_->get("/v1/status");
        return status;
    }

    /// A payment from its own wallet, until it is FINAL.
    std::expected<void, base::Error> pay() {
        const std::string passphrase(host::LocalChain::passphrase);
        MESH_CHECK(client_->post("/v1/wallet/unlock", {{"passphrase", passphrase}}));
        MESH_TRY(const host::Json paid,
                 client_->post("/v1/payments",
                               {{"to", wallet::encode_address(identity())}, {"amount", 10}}));
        const std::string target = "/v1/transactions/" + paid.at("txid").get<std::string>();
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (std::chrono::steady_clock::now() < end) {
            MESH_TRY(const host::Json seen, client_->get(target));
            if (seen.at("certainty") == "FINAL") return {};
        }
        return base::failure(base::Errc::timeout, "a payment was not final in 20 s", "victim");
    }

private:
    Victim() = default;

    /// The first line of its output says where it listens.
    std::expected<void, base::Error> await_api() {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (std::chrono::steady_clock::now() < end && process_->running()) {
            std::ifstream out(folder_.path() / "out");
            std::string line;
            if (!std::getline(out, line) || out.eof()) {
                process_->wait(std::chrono::milliseconds(20));
                continue;
            }
            MESH_TRY(const host::Json where, host::parse_json(line, "output of the node"));
            MESH_TRY(link_, base::parse_link_address(where.at("listen").get<std::string>()));
            MESH_TRY(client_, host::ApiClient::of_folder(data(), std::chrono::seconds(10)));
            return {};
        }
        return base::failure(base::Errc::timeout, "the node did not come up", "victim");
    }

    host::TemporaryFolder folder_;
    host::LocalChain chain_;
    wire::ChainId chain_id_;
    base::LinkAddress link_;
    std::optional<host::ChildProcess> process_;
    std::optional<host::ApiClient> client_;
};

/// Asks as a node does that catches up: once more when an answer is lost.
class HonestPeer {
public:
    explicit HonestPeer(const Victim& victim) : peer_(victim.chain_id(), victim.link()) {
        peer_.on_frame = [this](wire::MessageType type, base::Bytes) {
            if (type == wire::MessageType::sync_response) answered_ = true;
            return wire::Verdict::keep;
        };
    }
    bool connect() { return peer_.connect(std::chrono::seconds(15)); }
    /// Keeps its session alive until `done`.
    bool meanwhile(const std::function<bool()>& done, base::Duration limit) {
        return peer_.pump(limit, done);
    }

    /// How long one request took; nothing when none of `tries` was answered.
    std::optional<base::Duration> ask(int tries = 10) {
        const base::Instant asked = real_now().instant;
        answered_ = false;
        for (int i = 0; i < tries; ++i) {
            peer_.send(wire::MessageType::sync_request,
                       wire::encode(wire::SyncRequest(wire::HashesRequest{{0}, 1})));
            if (peer_.pump(std::chrono::milliseconds(500), [this] { return answered_; })) {
                return real_now().instant - asked;
            }
        }
        return std::nullopt;
    }

private:
    Peer peer_;
    bool answered_ = false;
};

}  // namespace meshchain::tests
