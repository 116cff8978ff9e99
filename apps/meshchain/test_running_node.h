#pragma once
// A real node process for the tests: one validator, and the commands that ask it.

#include "host/api_client.h"
#include "host/config_json.h"
#include "host/data_folder.h"
#include "meshchain/test_program.h"

namespace meshchain::app {

/// Alice is the only validator of a chain with slots of 200 ms, and owns its one coin.
class RunningNode : public Program {
protected:
    void SetUp() override {
        make_validator("alice");
        const auto keys = host::parse_json(content(root_ / "alice.json"), "keys");
        const std::string owner = keys->at("payout");
        const Ended made = run({"genesis", "create", "--start", "2020-01-01T00:00:00Z",
                                "--block-time-ms", "200", "--validator", path("alice.json"),
                                "--allocate", owner + ":1000", "--out", path("g")});
        ASSERT_EQ(made.exit_code, 0) << made.errors;
        std::vector<std::string> init{"node",           "init",     "--genesis",
                                      path("g"),        "--listen", "127.0.0.1:0",
                                      "--no-multicast", "--data",   alice()};
        init.insert(init.end(), store_.begin(), store_.end());
        const Ended ready = run(init);
        ASSERT_EQ(ready.exit_code, 0) << ready.errors;
    }

    std::string alice() const { return path("alice"); }

    /// Runs `command` about alice's folder.
    Ended ask(std::vector<std::string> command) {
        command.insert(command.end(), {"--data", alice(), "--json"});
        return run(std::move(command));
    }

    void start(const std::vector<std::string>& options = {}) {
        std::vector<std::string> run{"node", "run", "--data", alice()};
        run.insert(run.end(), options.begin(), options.end());
        auto child = host::ChildProcess::start(
            {.program = MESHCHAIN_PROGRAM, .arguments = run, .errors = root_ / "node.log"});
        ASSERT_TRUE(child) << sentence(child.error());
        node_.emplace(*std::move(child));
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        while (std::chrono::steady_clock::now() < deadline && node_->running()) {
            const auto client = host::ApiClient::of_folder(alice());
            if (client && client->get("/v1/status")) return;
        }
        FAIL() << "the node did not start:\n" << content(root_ / "node.log");
    }

    /// `node run` on a folder on which it must not start.
    Ended start_in_vain() {
        const Ended ended = ask({"node", "run"});
        EXPECT_EQ(ended.exit_code, 1);
        EXPECT_FALSE(std::filesystem::exists(root_ / "alice" / "api.address"));
        return ended;
    }

    Ended send(const std::string& amount) {
        return ask(
            {"send", bob_address_, amount, "--wait", "--passphrase-file", path("passphrase")});
    }

    void configure(const std::function<void(node::NodeConfig&)>& change) {
        const auto file = host::DataFolder(alice()).config();
        auto config = host::load_config(file);
        ASSERT_TRUE(config);
        change(*config);
        ASSERT_TRUE(host::save_config(*config, file));
    }

    const std::string bob_address_ = wallet::encode_address(
        crypto::SigningKey::from_seed({std::byte{0xb0}, std::byte{0xb}}).public_key());
    std::optional<host::ChildProcess> node_;
};

}  // namespace meshchain::app
