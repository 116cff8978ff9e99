// genesis create, genesis show: the file a chain starts from.

#include <charconv>

#include "crypto/identity.h"
#include "host/file.h"
#include "host/genesis_json.h"
#include "host/json_document.h"
#include "host/node_setup.h"
#include "host/time_text.h"
#include "meshchain/commands/commands.h"
#include "wallet/address.h"

namespace meshchain::app {
namespace {

constexpr std::uint64_t block_time_ms_usual = 10'000;
constexpr std::uint64_t epoch_rounds_usual = 8640;

struct CreateOptions {
    std::string spec;
    std::string start;
    std::optional<std::uint64_t> block_time_ms;
    std::optional<std::uint64_t> rank_delay_ms;
    std::optional<std::uint64_t> vote_lead_ms;
    std::optional<std::uint64_t> slots_per_round;
    std::string seed;
    std::vector<std::string> validators;
    std::vector<std::string> allocations;
    std::optional<std::uint64_t> stake_min;
    std::optional<std::uint64_t> unbond_epochs;
    std::optional<std::uint64_t> epoch_rounds;
    std::string out = "genesis.bin";
};

/// "ADDRESS:AMOUNT" as the JSON form has it, which does all checking.
std::expected<host::Json, base::Error> allocation_json(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    std::uint64_t amount = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = colon == std::string::npos
                            ? std::from_chars_result{nullptr, std::errc::invalid_argument}
                            : std::from_chars(text.data() + colon + 1, end, amount);
    if (parsed.ec != std::errc{} || parsed.ptr != end) {
        return base::failure(base::Errc::invalid_argument, "'" + text + "' is no allocation",
                             "--allocate", "write it as ADDRESS:AMOUNT");
    }
    return host::Json{{"owner", text.substr(0, colon)}, {"amount", amount}};
}

std::expected<host::Json, base::Error> spec_from_flags(const CreateOptions& options) {
    if (options.start.empty()) {
        return base::failure(base::Errc::invalid_argument, "the chain's beginning is not given",
                             "--start", "write it in UTC like 2026-11-21T02:00:00Z");
    }
    host::Json spec = {{"start", options.start},
                       {"block_time_ms", options.block_time_ms.value_or(block_time_ms_usual)}};
    if (options.rank_delay_ms) spec["rank_delay_ms"] = *options.rank_delay_ms;
    if (options.vote_lead_ms) spec["vote_lead_ms"] = *options.vote_lead_ms;
    if (options.slots_per_round) spec["slots_per_round"] = *options.slots_per_round;
    if (!options.seed.empty()) spec["seed"] = options.seed;
    spec["allocations"] = host::Json::array();
    for (const std::string& text : options.allocations) {
        MESH_TRY(host::Json allocation, allocation_json(text));
        spec["allocations"].push_back(std::move(allocation));
    }
    spec["validators"] = host::Json::array();
    for (const std::string& file : options.validators) {
        MESH_TRY(const base::Buffer bytes, host::read_file(file, host::genesis_json_bytes_max));
        MESH_TRY(const auto validator, host::parse_validator_json(base::as_text(bytes), file));
        spec["validators"].push_back(host::to_json(validator));
    }
    if (options.stake_min) {
        spec["stakes"] = {{"stake_min", *options.stake_min},
                          {"unbond_epochs",
                           options.unbond_epochs.value_or(ledger::StakeRules::unbond_epochs_min)},
                          {"epoch_rounds", options.epoch_rounds.value_or(epoch_rounds_usual)}};
    } else if (options.unbond_epochs || options.epoch_rounds) {
        return base::failure(base::Errc::invalid_argument,
                             "without --stake-min no stake of this chain ever moves",
                             options.unbond_epochs ? "--unbond-epochs" : "--epoch-rounds",
                             "add --stake-min, or leave this out");
    }
    return spec;
}

/// Nothing that was asked for is left out without a word.
std::expected<void, base::Error> check_spec_alone(const CreateOptions& options) {
    const bool is_alone = options.start.empty() && !options.block_time_ms &&
                          !options.rank_delay_ms && !options.vote_lead_ms &&
                          !options.slots_per_round && options.seed.empty() &&
                          options.validators.empty() && options.allocations.empty() &&
                          !options.stake_min && !options.unbond_epochs && !options.epoch_rounds;
    if (is_alone) return {};
    return base::failure(base::Errc::invalid_argument, "all but --out is taken from the file",
                         "--spec", "change it there, or leave --spec out");
}

std::expected<ledger::Genesis, base::Error> build(const CreateOptions& options) {
    if (!options.spec.empty()) {
        MESH_CHECK(check_spec_alone(options));
        MESH_TRY(const base::Buffer bytes,
                 host::read_file(options.spec, host::genesis_json_bytes_max));
        return host::parse_genesis_json(base::as_text(bytes), options.spec);
    }
    MESH_TRY(const host::Json spec, spec_from_flags(options));
    return host::parse_genesis_json(host::to_line(spec), "command line");
}

std::string summary(const ledger::Genesis& genesis) {
    std::string text = "Chain      " + crypto::to_hex(ledger::chain_id(genesis)) + "\nStart      " +
                       host::to_iso(genesis.start) + "\nSlot       " +
                       host::span_text(base::Milliseconds(genesis.block_time_ms)) +
                       "\nSupply     " + std::to_string(ledger::supply(genesis)->units) + "\n";
    if (genesis.vote_lead_ms != 0) {
        text += "Votes      " + host::span_text(base::Milliseconds(genesis.vote_lead_ms)) +
                " before the slot of the block is over\n";
    }
    if (const auto& from = genesis.predecessor) {
        text += "Succeeds   " + crypto::to_hex(from->chain) + "\nAfter      block " +
                std::to_string(from->height.value) + " " + crypto::to_hex(from->block) + "\n";
    }
    if (const auto& stakes = genesis.stakes) {
        text += "Stakes     move: at least " + std::to_string(stakes->stake_min.units) +
                ", back after " + std::to_string(stakes->unbond_epochs) + " epochs of " +
                std::to_string(stakes->epoch_rounds) + " rounds\n";
    }
    text += "\n";
    std::vector<std::vector<std::string>> rows{{"VALIDATOR", "STAKE", "PAYOUT"}};
    for (const auto& validator : genesis.validators) {
        rows.push_back({crypto::to_hex(crypto::node_id(validator.identity)),
                        std::to_string(validator.stake.units),
                        wallet::encode_address(validator.payout)});
    }
    text += table(rows) + "\n";
    rows = {{"AMOUNT", "OWNER"}};
    for (const auto& allocation : genesis.allocations) {
        rows.push_back(
            {std::to_string(allocation.amount.units), wallet::encode_address(allocation.owner)});
    }
    return text + table(rows);
}

std::expected<Output, base::Error> create(const CreateOptions& options) {
    MESH_TRY(const ledger::Genesis genesis, build(options));
    MESH_CHECK(host::write_file(options.out, ledger::encode(genesis), host::IfExists::refuse));
    const std::string chain = crypto::to_hex(ledger::chain_id(genesis));
    return output({{"chain_id", chain}, {"file", options.out}},
                  "Chain " + chain + "\nwritten to " + options.out);
}

std::expected<Output, base::Error> show(const std::string& file) {
    MESH_TRY(const ledger::Genesis genesis, host::load_genesis(file));
    return output(host::to_json(genesis), summary(genesis));
}

Command create_command() {
    const auto o = std::make_shared<CreateOptions>();
    return {
        .name = "create",
        .summary = "Make a genesis file; the same inputs always give the same chain",
        .examples =
            "Example:\n"
            "  meshchain genesis create --start 2026-11-21T02:00:00Z \\\n"
            "      --block-time-ms 1000 --validator alice.json \\\n"
            "      --validator bob.json --allocate mesh1...:1000",
        .options =
            {{"--spec", "FILE", "take all from a JSON file, as `genesis show --json` prints it",
              &o->spec},
             {"--start", "TIME", "start of slot 0, in UTC", &o->start},
             {"--block-time-ms", "MS", "length of a slot (10000)", &o->block_time_ms},
             {"--rank-delay-ms", "MS", "between the leaders of a slot (a third of it)",
              &o->rank_delay_ms},
             {"--vote-lead-ms", "MS",
              "begin each round so long before its first slot; on slow radios, 6 tenths of a slot "
              "(0)",
              &o->vote_lead_ms},
             {"--slots-per-round", "N",
              "each validator votes once in so many slots; more on slow radios (1)",
              &o->slots_per_round},
             {"--validator", "FILE", "what `node keys --json` printed; repeat for each",
              &o->validators},
             {"--allocate", "ADDRESS:AMOUNT", "a first coin; repeat for each", &o->allocations},
             {"--stake-min", "UNITS",
              "let stakes move: validators come and go, each with this at least", &o->stake_min},
             {"--unbond-epochs", "N", "epochs until stake that is taken back may be had (4)",
              &o->unbond_epochs},
             {"--epoch-rounds", "N", "voting rounds of an epoch at least (8640)", &o->epoch_rounds},
             {"--seed", "HEX", "of the leaders' order (derived from the rest)", &o->seed},
             {"--out", "FILE", "where to write it (genesis.bin)", &o->out}},
        .run = [o] { return create(*o); }};
}

Command show_command() {
    const auto file = std::make_shared<std::string>();
    return {.name = "show",
            .summary = "Print what a genesis file says",
            .examples = "Example:\n  meshchain genesis show genesis.bin",
            .options = {{"file", "FILE", "the genesis file", file.get(), true}},
            .run = [file] { return show(*file); }};
}

}  // namespace

Command genesis_command(const Context& context) {
    std::vector<Command> commands{create_command(), show_command()};
    for (Command& command : successor_commands(context)) commands.push_back(std::move(command));
    return {.name = "genesis",
            .summary = "Make or read the file a chain starts from",
            .commands = std::move(commands)};
}

}  // namespace meshchain::app
