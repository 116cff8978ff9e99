#pragma once
// Runs the real program for the tests: commands to their end, nodes in the background.

#include <gtest/gtest.h>

#include "host/child_process.h"
#include "host/file.h"
#include "host/json_document.h"
#include "host/temporary_folder.h"
#include "wallet/address.h"

namespace meshchain::app {

using namespace std::chrono_literals;
using host::Json;

struct Ended {
    int exit_code = -1;
    std::string output;
    std::string errors;

    Json json() const {
        const auto value = host::parse_json(output, "output");
        EXPECT_TRUE(value) << output << errors;
        return value ? *value : Json();
    }
    /// The `code` of a JSON error.
    std::string error_code() const {
        const auto value = host::parse_json(errors, "errors");
        EXPECT_TRUE(value && value->contains("error")) << errors;
        return value ? value->at("error").at("code").get<std::string>() : "";
    }
};

class Program : public testing::Test {
protected:
    Ended run(std::vector<std::string> arguments, base::Duration timeout = 60s) {
        const auto output = root_ / ("out" + std::to_string(++runs_));
        const auto errors = root_ / ("err" + std::to_string(runs_));
        auto child = host::ChildProcess::start({.program = MESHCHAIN_PROGRAM,
                                                .arguments = std::move(arguments),
                                                .output = output,
                                                .errors = errors});
        EXPECT_TRUE(child) << sentence(child.error());
        const auto exit_code = child->wait(timeout);
        EXPECT_TRUE(exit_code) << "still running";
        return {exit_code.value_or(-1), content(output), content(errors)};
    }

    static std::string content(const std::filesystem::path& path) {
        const auto bytes = host::read_file(path, 1'000'000);
        EXPECT_TRUE(bytes) << sentence(bytes.error());
        return bytes ? std::string(base::as_text(*bytes)) : "";
    }

    std::string path(const std::string& name) const { return (root_ / name).string(); }

    std::string passphrase_file() {
        EXPECT_TRUE(host::write_file(root_ / "passphrase", base::as_bytes("correct horse\n")));
        return path("passphrase");
    }

    /// A folder with wallet and keys, and its part of a genesis in NAME.json.
    void make_validator(const std::string& name) {
        EXPECT_EQ(run({"wallet", "create", "--no-confirm", "--data", path(name),
                       "--passphrase-file", passphrase_file()})
                      .exit_code,
                  0);
        std::vector<std::string> command{"node",    "keys", "--data", path(name),
                                         "--stake", "100",  "--json"};
        command.insert(command.end(), store_.begin(), store_.end());
        const Ended keys = run(command);
        EXPECT_EQ(keys.exit_code, 0) << keys.errors;
        EXPECT_TRUE(host::write_file(root_ / (name + ".json"), base::as_bytes(keys.output)));
    }

    Ended make_genesis(const std::string& out, const std::string& start = "2026-11-21T02:00:00Z") {
        const crypto::SigningKey::Seed seed{std::byte{1}};
        const std::string owner =
            wallet::encode_address(crypto::SigningKey::from_seed(seed).public_key());
        return run({"genesis", "create", "--start", start, "--block-time-ms", "1000", "--validator",
                    path("alice.json"), "--allocate", owner + ":1000", "--out", path(out),
                    "--json"});
    }

    std::vector<std::string> store_;  ///< options of `node keys` and `node init` about the store
    host::TemporaryFolder folder_;
    std::filesystem::path root_ = folder_.path();
    int runs_ = 0;
};

}  // namespace meshchain::app
