// genesis new, sign, finish, verify: going on after a quorum was lost for good (row A13).

#include "crypto/identity.h"
#include "host/data_folder.h"
#include "host/file.h"
#include "host/file_lock.h"
#include "host/genesis_json.h"
#include "host/json_document.h"
#include "host/node_keys.h"
#include "host/successor_files.h"
#include "host/time_text.h"
#include "meshchain/commands/commands.h"

namespace meshchain::app {
namespace {

struct NewOptions {
    std::string from;
    std::string start;
    std::string seed;
    std::vector<std::string> validators;
    std::string out = "successor.draft";
};

std::string id_of(const ledger::GenesisValidator& validator) {
    return crypto::to_hex(crypto::node_id(validator.identity));
}

std::string progress(const ledger::SuccessorDraft& draft) {
    std::vector<std::vector<std::string>> rows{{"VALIDATOR", "STAKE", "SIGNED"}};
    for (std::uint16_t i = 0; i < draft.genesis.validators.size(); ++i) {
        const auto& validator = draft.genesis.validators[i];
        rows.push_back({id_of(validator), std::to_string(validator.stake.units),
                        draft.approvals.contains({i}) ? "yes" : "not yet"});
    }
    return table(rows);
}

host::Json describe(const ledger::SuccessorDraft& draft, const std::string& file) {
    const ledger::Predecessor& from = *draft.genesis.predecessor;
    return {{"file", file},
            {"chain_id", crypto::to_hex(ledger::chain_id(draft.genesis))},
            {"predecessor", crypto::to_hex(from.chain)},
            {"final_height", from.height.value},
            {"final_block", crypto::to_hex(from.block)},
            {"signatures", draft.approvals.size()},
            {"validators", draft.genesis.validators.size()}};
}

std::string text_of(const ledger::SuccessorDraft& draft) {
    const ledger::Predecessor& from = *draft.genesis.predecessor;
    return "Chain " + crypto::to_hex(ledger::chain_id(draft.genesis)) + "\ngoes on after block " +
           std::to_string(from.height.value) + " of chain " + crypto::to_hex(from.chain) + ".\n\n" +
           progress(draft);
}

std::expected<Output, base::Error> make(const NewOptions& options) {
    MESH_TRY(const host::FolderState state, host::read_folder_state(options.from));
    ledger::SuccessorPlan plan;
    MESH_TRY(plan.start, host::parse_iso(options.start));
    if (!options.seed.empty()) {
        MESH_TRY(plan.seed, crypto::hash_from_hex(options.seed));
    }
    for (const std::string& file : options.validators) {
        MESH_TRY(const base::Buffer bytes, host::read_file(file, host::genesis_json_bytes_max));
        MESH_TRY(const auto validator, host::parse_validator_json(base::as_text(bytes), file));
        plan.validators.push_back(validator);
    }
    MESH_TRY(ledger::Genesis genesis, ledger::make_successor(state.genesis, state.final, plan));
    const ledger::SuccessorDraft draft{std::move(genesis), {}};
    MESH_CHECK(host::write_file(options.out, ledger::encode(draft), host::IfExists::refuse));
    return output(describe(draft, options.out),
                  text_of(draft) + "\nwritten to " + options.out +
                      ". Each of these operators checks and signs it:\n  meshchain genesis sign " +
                      options.out + " --data DIR");
}

std::expected<Output, base::Error> sign(const Context& context, const std::string& file) {
    MESH_TRY(ledger::SuccessorDraft draft, host::load_draft(file));
    MESH_TRY(const host::FolderState state, host::read_folder_state(context.data));
    MESH_CHECK(ledger::check_successor(draft.genesis, state.genesis, state.final));
    const host::DataFolder folder(context.data);
    MESH_TRY(const host::FileLock lock, host::FileLock::acquire(folder.root()));
    MESH_TRY(const node::Keys keys, host::load_node_keys(folder.node_keys()));
    MESH_CHECK(ledger::approve(draft, keys.identity));
    MESH_CHECK(host::write_file(file, ledger::encode(draft)));
    return output(describe(draft, file), "It is the last FINAL state of " + folder.root().string() +
                                             ", to the unit, and is signed now.\n" +
                                             text_of(draft));
}

struct FinishOptions {
    std::string file;
    std::vector<std::string> more;
    std::string out = "genesis.bin";
};

std::expected<Output, base::Error> finish(const FinishOptions& options) {
    MESH_TRY(ledger::SuccessorDraft draft, host::load_draft(options.file));
    for (const std::string& file : options.more) {
        MESH_TRY(const ledger::SuccessorDraft other, host::load_draft(file));
        MESH_CHECK(ledger::merge(draft, other));
    }
    if (!ledger::is_approved(draft)) {
        return base::failure(base::Errc::unauthorized,
                             std::to_string(draft.approvals.size()) + " of " +
                                 std::to_string(draft.genesis.validators.size()) +
                                 " validators have signed",
                             options.file, "let each of them run `genesis sign`");
    }
    MESH_CHECK(
        host::write_file(options.out, ledger::encode(draft.genesis), host::IfExists::refuse));
    return output(describe(draft, options.out), text_of(draft) + "\nwritten to " + options.out);
}

std::expected<Output, base::Error> verify(const std::string& file, const std::string& against) {
    MESH_TRY(const ledger::Genesis genesis, host::load_successor(file));
    MESH_TRY(const host::FolderState state, host::read_folder_state(against));
    MESH_CHECK(ledger::check_successor(genesis, state.genesis, state.final));
    const ledger::Predecessor& from = *genesis.predecessor;
    return output({{"chain_id", crypto::to_hex(ledger::chain_id(genesis))},
                   {"predecessor", crypto::to_hex(from.chain)},
                   {"final_height", from.height.value},
                   {"supply", ledger::supply(genesis)->units},
                   {"matches", true}},
                  "Chain " + crypto::to_hex(ledger::chain_id(genesis)) +
                      "\nhands out exactly what chain " + crypto::to_hex(from.chain) +
                      "\nhad after its FINAL block " + std::to_string(from.height.value) + ": " +
                      std::to_string(ledger::supply(genesis)->units) + " units.");
}

Command new_command() {
    const auto o = std::make_shared<NewOptions>();
    return {
        .name = "new",
        .summary = "Draft a successor of a chain that lost its quorum for good",
        .examples =
            "Example, where two operators are left:\n"
            "  meshchain genesis new --from alice --start 2026-11-21T12:00:00Z \\\n"
            "      --validator alice.json --validator bob.json",
        .options = {{"--from", "DIR", "folder of a stopped node of the old chain", &o->from, true},
                    {"--start", "TIME", "start of slot 0, in UTC", &o->start, true},
                    {"--validator", "FILE",
                     "who stays: what `node keys --json` printed; repeat for each", &o->validators,
                     true},
                    {"--seed", "HEX", "of the leaders' order (derived from the rest)", &o->seed},
                    {"--out", "FILE", "where to write it (successor.draft)", &o->out}},
        .run = [o] { return make(*o); }};
}

Command sign_command(const Context& context) {
    const auto file = std::make_shared<std::string>();
    return {
        .name = "sign",
        .summary = "Check a draft against this node's last FINAL state and sign it",
        .examples = "Example:\n  meshchain genesis sign successor.draft --data bob",
        .options = {{"file", "DRAFT", "the draft; the signature is added to it", file.get(), true}},
        .run = [&context, file] { return sign(context, *file); }};
}

Command finish_command() {
    const auto o = std::make_shared<FinishOptions>();
    return {.name = "finish",
            .summary = "Make the genesis file of a draft that all its validators have signed",
            .examples =
                "Example:\n"
                "  meshchain genesis finish alice.draft --with bob.draft --out genesis.bin",
            .options = {{"file", "DRAFT", "the draft", &o->file, true},
                        {"--with", "DRAFT", "another signed copy of it; repeat for each", &o->more},
                        {"--out", "FILE", "where to write it (genesis.bin)", &o->out}},
            .run = [o] { return finish(*o); }};
}

Command verify_command() {
    const auto file = std::make_shared<std::string>();
    const auto against = std::make_shared<std::string>();
    return {.name = "verify",
            .summary = "Whether a successor hands out exactly a node's last FINAL state",
            .examples = "Example:\n  meshchain genesis verify genesis.bin --against carol",
            .options = {{"file", "FILE", "a draft or a genesis file", file.get(), true},
                        {"--against", "DIR", "folder of a stopped node of the old chain",
                         against.get(), true}},
            .run = [file, against] { return verify(*file, *against); }};
}

}  // namespace

std::vector<Command> successor_commands(const Context& context) {
    return {new_command(), sign_command(context), finish_command(), verify_command()};
}

}  // namespace meshchain::app
