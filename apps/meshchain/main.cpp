// The program: one command line, one command, one exit code.

#include <csignal>
#include <cstdlib>

#include "host/system_entropy.h"
#include "meshchain/commands/commands.h"

namespace meshchain::app {
namespace {

constexpr char footer[] = R"(See it work:
  meshchain demo                         five nodes that pay each other

Start a network (each operator makes keys, one of them the genesis):
  meshchain wallet create --data alice
  meshchain node keys --data alice --stake 100 --json > alice.json
  meshchain genesis create --start 2026-11-21T02:00:00Z --validator alice.json \
      --allocate mesh1...:1000 --out genesis.bin
  meshchain node init --data alice --genesis genesis.bin
  meshchain node run --data alice

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the node does not run,
            4 the folder is in use by a running node.
--json prints one line of JSON. Errors are one sentence on stderr; with --json an object
  {"error": {"code", "what", "where", "advice"}}.)";

std::filesystem::path default_folder() {
    const char* home = std::getenv("HOME");
    return home == nullptr ? std::filesystem::path(".meshchain")
                           : std::filesystem::path(home) / ".meshchain";
}

}  // namespace
}  // namespace meshchain::app

int main(int argc, char** argv) {
    using namespace meshchain::app;
    std::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files is an error, and no death
    const meshchain::host::SystemEntropy initialises_crypto;
    const ProgramText text{"meshchain", MESHCHAIN_VERSION,
                           "MeshChain: payments and shared records for networks without Internet.",
                           footer};
    Context context{.json = false, .data = default_folder()};
    std::vector<Command> commands{
        demo_command(context),     node_command(context),
        wallet_command(context),   send_command(context),
        status_command(context),   peers_command(context),
        blocks_command(context),   transaction_command(context),
        genesis_command(context),  config_command(context),
        frame_command(),           doctor_command(context),
        mempool_command(context),  export_command(context),
        topology_command(context), ping_command(context),
        radio_command(context),    store_command(context),
        sim_command(context),      validators_command(context),
        alert_command(context),    state_command(context),
        registry_command(context), search_command(context),
        stats_command(context),
    };
    for (Command& command : stake_commands(context)) commands.push_back(std::move(command));
    // These describe all of them, themselves included.
    commands.push_back(completions_command(text, commands, context));
    commands.push_back(man_command(text, commands, context));
    return run_program(text, commands, context, argc, argv);
}
