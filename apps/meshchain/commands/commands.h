#pragma once
// Every command of the program. Those that borrow `context` do so until they are run.

#include "meshchain/command.h"

namespace meshchain::host {
class ApiClient;
}

namespace meshchain::app {

Command alert_command(const Context& context);
Command blocks_command(const Context& context);
Command completions_command(const ProgramText& text, const std::vector<Command>& all,
                            Context& context);
Command config_command(const Context& context);
Command demo_command(const Context& context);
Command doctor_command(const Context& context);
Command export_command(const Context& context);
Command frame_command();
Command man_command(const ProgramText& text, const std::vector<Command>& all, Context& context);
Command mempool_command(const Context& context);
Command genesis_command(const Context& context);
Command node_command(const Context& context);
Command peers_command(const Context& context);
Command ping_command(const Context& context);
Command radio_command(const Context& context);
Command registry_command(const Context& context);
Command search_command(const Context& context);
Command send_command(const Context& context);
Command sim_command(const Context& context);
Command state_command(const Context& context);
Command stats_command(const Context& context);
Command status_command(const Context& context);
Command store_command(const Context& context);
Command validators_command(const Context& context);
std::vector<Command> stake_commands(const Context& context);
Command topology_command(const Context& context);
Command transaction_command(const Context& context);
Command wallet_command(const Context& context);

// Parts of those above that have a file of their own.
struct WatchOptions {
    std::uint64_t interval_s = 1;
    std::uint64_t count = 0;  ///< 0: until Ctrl-C
};
std::expected<Output, base::Error> watch_status(const Context& context,
                                                const WatchOptions& options);
Command radio_simulate_command();
Command run_command(const Context& context);
Command stop_command(const Context& context);
Command store_passphrase_command(const Context& context);
Command store_prune_command(const Context& context);
Command transaction_decode_command(const Context& context);
std::vector<Command> wallet_payment_commands(const Context& context);
std::vector<Command> wallet_secret_commands(const Context& context);
Command transaction_proof_command(const Context& context);
std::vector<Command> successor_commands(const Context& context);
std::vector<Command> wallet_view_commands(const Context& context);
std::vector<Command> ownership_commands(const Context& context);

enum class Called : std::uint8_t { by_any_name, by_id };
/// An identity in full, or the node id, or else the name of somebody in the topology.
/// Errors: not_found, conflict (several are called so).
std::expected<std::string, base::Error> identity_of(const host::ApiClient& client,
                                                    const std::string& peer,
                                                    Called called = Called::by_any_name);

}  // namespace meshchain::app
