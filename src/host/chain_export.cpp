#include "host/chain_export.h"

#include <algorithm>

#include "chain/chain_store.h"
#include "consensus/vote_store.h"
#include "host/folder_store.h"
#include "host/json_document.h"
#include "host/time_text.h"
#include "host/wire_json.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

using Format = ExportOptions::Format;
using What = ExportOptions::What;

struct Exported {
    wire::Height height;
    wire::Hash hash;
    bool is_final = false;
    std::string time;
    const chain::StoredBlock& stored;
    std::vector<wire::Transaction> transactions;
};

class Exporter {
public:
    Exporter(const ledger::Genesis& genesis, const chain::ChainStore& chain, wire::Height final,
             const ExportOptions& options, const ExportSink& sink)
        : genesis_(genesis), chain_(chain), final_(final), options_(options), sink_(sink) {}

    std::expected<ExportResult, base::Error> run() {
        const wire::Height newest = options_.only_final ? final_ : chain_.tip().height;
        const std::uint32_t to = std::min(options_.to.value_or(UINT32_MAX), newest.value);
        result_.from = std::max(options_.from, 1U);
        result_.to = result_.from - 1;
        if (options_.format == Format::csv && options_.heading) {
            MESH_CHECK(sink_(heading(), result_.to));
        }
        for (std::uint32_t height = result_.from; height <= to; ++height) {
            MESH_CHECK(write({height}));
            result_.to = height;
        }
        return result_;
    }

private:
    std::string_view heading() const {
        return options_.what == What::blocks
                   ? "height,time,hash,slot,proposer,transactions,bytes,final"
                   : "height,time,txid,outputs,amount,fee,final";
    }

    std::expected<void, base::Error> write(wire::Height height) {
        MESH_TRY(const auto hash, chain_.hash_at(height));
        MESH_TRY(const auto stored, chain_.block(hash.value_or(wire::Hash{})));
        if (!stored) {
            return base::failure(base::Errc::unavailable,
                                 "block " + std::to_string(height.value) + " is not there",
                                 "export", "the chain changed or was pruned: begin later");
        }
        MESH_TRY(auto transactions, chain_.expand(*stored));
        const base::WallTime time =
            genesis_.start + base::Milliseconds(std::int64_t{genesis_.block_time_ms} *
                                                stored->block.header.slot.value);
        const Exported block{.height = height,
                             .hash = *hash,
                             .is_final = height <= final_,
                             .time = to_iso(time),
                             .stored = *stored,
                             .transactions = std::move(transactions)};
        if (options_.what == What::blocks) return put(block_line(block), height);
        for (const wire::Transaction& transaction : block.transactions) {
            MESH_CHECK(put(transaction_line(block, transaction), height));
        }
        return {};
    }

    std::expected<void, base::Error> put(const std::string& line, wire::Height height) {
        ++result_.records;
        return sink_(line, height.value);
    }

    std::string txid_of(const wire::Transaction& transaction) const {
        return crypto::to_hex(wire::txid(chain_.chain_id(), transaction.body).hash);
    }

    std::string block_line(const Exported& block) const {
        const wire::BlockHeader& header = block.stored.block.header;
        const std::size_t bytes = wire::encoded_bytes(block.stored.block);
        if (options_.format == Format::csv) {
            return std::to_string(block.height.value) + "," + block.time + "," +
                   crypto::to_hex(block.hash) + "," + std::to_string(header.slot.value) + "," +
                   std::to_string(header.proposer.value) + "," +
                   std::to_string(block.transactions.size()) + "," + std::to_string(bytes) + "," +
                   (block.is_final ? "true" : "false");
        }
        Json transactions = Json::array();
        for (const wire::Transaction& transaction : block.transactions) {
            Json entry = {{"txid", txid_of(transaction)}};
            entry.update(to_json(transaction));
            transactions.push_back(std::move(entry));
        }
        return to_line({{"height", block.height.value},
                        {"time", block.time},
                        {"hash", crypto::to_hex(block.hash)},
                        {"final", block.is_final},
                        {"bytes", bytes},
                        {"header", to_json(header)},
                        {"transactions", std::move(transactions)}});
    }

    std::string transaction_line(const Exported& block,
                                 const wire::Transaction& transaction) const {
        const wire::Amount fee = transaction.body.fee.amount();
        if (options_.format == Format::json_lines) {
            Json entry = {{"height", block.height.value},
                          {"time", block.time},
                          {"final", block.is_final},
                          {"txid", txid_of(transaction)}};
            entry.update(to_json(transaction));
            return to_line(entry);
        }
        std::uint64_t amount = 0;
        for (const wire::Output& output : transaction.body.outputs) amount += output.amount.units;
        return std::to_string(block.height.value) + "," + block.time + "," + txid_of(transaction) +
               "," + std::to_string(transaction.body.outputs.size()) + "," +
               std::to_string(amount) + "," + std::to_string(fee.units) + "," +
               (block.is_final ? "true" : "false");
    }

    const ledger::Genesis& genesis_;
    const chain::ChainStore& chain_;
    wire::Height final_;
    const ExportOptions& options_;
    const ExportSink& sink_;
    ExportResult result_;
};

}  // namespace

std::expected<ExportResult, base::Error> export_chain(const std::filesystem::path& root,
                                                      const ExportOptions& options,
                                                      const ExportSink& sink) {
    if (options.to && options.from > *options.to) {
        return base::failure(
            base::Errc::invalid_argument,
            std::to_string(options.from) + " is above " + std::to_string(*options.to), "--from",
            "give the lower height first");
    }
    MESH_TRY(const auto folder, open_folder_store(root));
    MESH_TRY(const auto chain, chain::ChainStore::open(*folder.store, folder.genesis));
    MESH_TRY(const auto votes, consensus::VoteStore(*folder.store, node::tables::consensus).load());
    const wire::Height final = votes.final ? votes.final->height : wire::Height{};
    return Exporter(folder.genesis, *chain, final, options, sink).run();
}

}  // namespace meshchain::host
