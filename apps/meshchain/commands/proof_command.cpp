// tx proof: that a FINAL block holds a transaction, for anybody who has the genesis (row J4).

#include <chrono>
#include <thread>

#include "chain/consensus_of.h"
#include "chain/transaction_proof.h"
#include "host/api_client.h"
#include "host/data_folder.h"
#include "host/file.h"
#include "host/json_document.h"
#include "host/node_setup.h"
#include "meshchain/commands/commands.h"
#include "meshchain/screen/terminal.h"
#include "wallet/address.h"

namespace meshchain::app {
namespace {

constexpr std::size_t proof_bytes_max = 2 * 1024 * 1024;
constexpr auto patience = std::chrono::seconds(60);
constexpr auto pause = std::chrono::milliseconds(300);

struct ProofOptions {
    std::string txid;
    std::string out;
    std::string file;
    std::string genesis;
};

std::expected<Output, base::Error> show(const chain::TransactionProof& proof,
                                        const wire::Txid& txid, const std::string& file) {
    const std::string id = crypto::to_hex(txid.hash);
    std::string text = "Transaction " + id + "\nis FINAL: block " +
                       std::to_string(proof.inclusion.height.value) +
                       " holds it, and votes of more than two thirds of the stake made block " +
                       std::to_string(proof.headers.back().height.value) + " FINAL.\n";
    host::Json outputs = host::Json::array();
    for (const wire::Output& output : proof.inclusion.transaction.body.outputs) {
        const std::string owner = wallet::encode_address(output.owner);
        text += "  " + std::to_string(output.amount.units) + " to " + owner + "\n";
        outputs.push_back({{"owner", owner}, {"amount", output.amount.units}});
    }
    if (!file.empty()) text += "The proof is in " + file + ".\n";
    return output({{"txid", id},
                   {"proven", true},
                   {"height", proof.inclusion.height.value},
                   {"final_height", proof.headers.back().height.value},
                   {"outputs", std::move(outputs)},
                   {"file", file}},
                  std::move(text));
}

std::expected<Output, base::Error> check(const base::Buffer& bytes, const std::string& genesis_path,
                                         const std::string& wanted, const std::string& file) {
    MESH_TRY(const ledger::Genesis genesis, host::load_genesis(genesis_path));
    MESH_TRY(const chain::TransactionProof proof, chain::parse_transaction_proof(bytes));
    MESH_TRY(const wire::Txid txid,
             chain::verify(proof, ledger::chain_id(genesis), chain::validators_of(genesis)));
    if (!wanted.empty() && crypto::to_hex(txid.hash) != wanted) {
        return base::failure(base::Errc::conflict,
                             "it proves transaction " + crypto::to_hex(txid.hash), "proof",
                             "do not accept it for the other one");
    }
    return show(proof, txid, file);
}

/// A light node fetches what it needs first.
std::expected<base::Buffer, base::Error> fetch(const Context& context, const std::string& txid) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    const auto end = std::chrono::steady_clock::now() + patience;
    Progress progress(context.json);
    for (;;) {
        MESH_TRY(const host::Json answer, client.get("/v1/proofs/" + txid));
        if (answer.at("proven").get<bool>()) {
            return base::from_hex(answer.at("proof").get<std::string>());
        }
        if (std::chrono::steady_clock::now() >= end) {
            return base::failure(base::Errc::timeout, "the proof is not complete yet", "proof",
                                 "ask again; the node goes on fetching it");
        }
        progress.show("Fetching the proof: " + host::to_line(answer.at("percent")) +
                      " % of the headers are here");
        std::this_thread::sleep_for(pause);
    }
}

std::expected<Output, base::Error> proof(const Context& context, const ProofOptions& options) {
    const std::string genesis = options.genesis.empty()
                                    ? host::DataFolder(context.data).genesis().string()
                                    : options.genesis;
    if (!options.file.empty()) {
        MESH_TRY(const base::Buffer bytes, host::read_file(options.file, proof_bytes_max));
        return check(bytes, genesis, options.txid, options.file);
    }
    if (options.txid.empty()) {
        return base::failure(base::Errc::invalid_argument, "of which transaction?", "txid",
                             "write `meshchain tx proof TXID`, or --verify FILE");
    }
    MESH_TRY(const base::Buffer bytes, fetch(context, options.txid));
    auto checked = check(bytes, genesis, options.txid, options.out);
    if (checked && !options.out.empty()) {
        MESH_CHECK(host::write_file(options.out, bytes, host::IfExists::refuse));
    }
    return checked;
}

}  // namespace

Command transaction_proof_command(const Context& context) {
    const auto o = std::make_shared<ProofOptions>();
    return {.name = "proof",
            .summary = "Prove that a FINAL block holds a transaction, or check such a proof",
            .examples =
                "Examples:\n"
                "  meshchain tx proof 7f3c... --data alice --out paid.proof\n"
                "  meshchain tx proof --verify paid.proof --genesis genesis.bin",
            .options = {{"txid", "TXID", "the transaction's id", &o->txid},
                        {"--out", "FILE", "keep the proof for others", &o->out},
                        {"--verify", "FILE", "check this proof; no node is needed", &o->file},
                        {"--genesis", "FILE", "of the chain (DIR/genesis.bin)", &o->genesis}},
            .run = [&context, o] { return proof(context, *o); }};
}

}  // namespace meshchain::app
