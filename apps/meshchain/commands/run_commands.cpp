// node run, node stop.

#include <chrono>
#include <cstdio>
#include <thread>

#include "host/api_client.h"
#include "host/file_lock.h"
#include "host/json_document.h"
#include "host/node_process.h"
#include "meshchain/commands/commands.h"
#include "meshchain/screen/terminal.h"

namespace meshchain::app {
namespace {

constexpr auto stop_timeout = std::chrono::seconds(30);

std::expected<Output, base::Error> run(const Context& context,
                                       const host::NodeProcess::Options& options) {
    MESH_TRY(const auto process, host::NodeProcess::start(context.data, options));
    const std::string api = base::to_string(process->api_address());
    const base::LinkAddress address = process->link_address();
    const std::string link = address == base::LinkAddress{} ? "" : base::to_string(address);
    const std::string ways = link.empty() ? "Peers reach it by radio" : "Peers reach it on " + link;
    const std::string text =
        context.json ? host::to_line({{"listen", link}, {"api", api}})
                     : "The node runs. " + ways + ", its API is on " + api + ".\nCtrl-C stops it.";
    std::printf("%s\n", text.c_str());
    std::fflush(stdout);
    MESH_CHECK(process->run());
    return Output{};
}

/// The answer says that it will stop; the lock says that it has.
std::expected<Output, base::Error> stop(const Context& context) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_CHECK(client.post("/v1/stop", host::Json::object()));
    Progress progress(context.json);
    progress.show("The node is stopping…");
    const auto deadline = std::chrono::steady_clock::now() + stop_timeout;
    while (std::chrono::steady_clock::now() < deadline) {
        const auto lock = host::FileLock::acquire(context.data);
        if (lock) return output({{"stopped", true}}, "The node has stopped.");
        if (lock.error().code != base::Errc::locked) return std::unexpected(lock.error());
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return base::failure(base::Errc::timeout, "the node has not stopped yet", context.data.string(),
                         "look at its log");
}

}  // namespace

Command run_command(const Context& context) {
    const auto options = std::make_shared<host::NodeProcess::Options>();
    return {.name = "run",
            .summary = "Run the node in the foreground, its log on stderr",
            .examples = "Example:\n  meshchain node run --data alice 2> alice.log",
            .options = {{"--accept-empty-store", "",
                         "begin anew where the store was lost; a validator keeps silent at first",
                         &options->accept_empty_store},
                        {"--accept-older-store", "",
                         "go on from an older copy of the store; a validator keeps silent at first",
                         &options->accept_older_store}},
            .run = [&context, options] { return run(context, *options); }};
}

Command stop_command(const Context& context) {
    return {.name = "stop",
            .summary = "Stop the running node and wait until it has ended",
            .examples = "Example:\n  meshchain node stop --data alice",
            .run = [&context] { return stop(context); }};
}

}  // namespace meshchain::app
