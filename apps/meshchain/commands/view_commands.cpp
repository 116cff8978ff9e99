// status, peers, blocks, tx: what a running node says.

#include "host/api_client.h"
#include "host/json_document.h"
#include "host/time_text.h"
#include "meshchain/commands/commands.h"

namespace meshchain::app {
namespace {

using host::Json;

std::string text_of(const Json& value) {
    return value.is_string() ? value.get<std::string>() : host::to_line(value);
}

std::string span_of(const Json& ms) {
    return host::span_text(base::Milliseconds(ms.get<std::int64_t>()));
}

/// What of the chain is held here, where that is not all of it.
std::string history_text(const Json& status) {
    if (status.at("role") == "light") return " (proven; a light node holds no blocks)";
    const auto start = status.at("history_start").get<std::uint32_t>();
    return start == 0 ? "" : ", history starts at " + std::to_string(start);
}

std::string status_text(const Json& status) {
    const Json& sync = status.at("sync");
    std::string text = table({
        {"Node", text_of(status.at("node_name")) + " (" + text_of(status.at("node_id")) + ")"},
        {"Role", text_of(status.at("role"))},
        {"State", text_of(status.at("state")) + " for chain " + text_of(status.at("chain_id"))},
        {"Uptime", span_of(status.at("uptime_ms"))},
        {"Height", text_of(status.at("height")) + ", FINAL " + text_of(status.at("final_height")) +
                       history_text(status)},
        {"Slot", text_of(status.at("slot")) + (status.at("clock_checked").get<bool>()
                                                   ? ", confirmed by other validators"
                                                   : ", not yet confirmed by others")},
        {"Stake heard", text_of(status.at("online_percent")) + " %"},
        {"Peers", text_of(status.at("peers"))},
        {"Mempool", text_of(status.at("mempool_transactions")) + " transactions, " +
                        text_of(status.at("mempool_bytes")) + " bytes"},
        {"Sync", text_of(sync.at("state")) + " " + text_of(sync.at("percent")) + " %"},
        {"Supply", text_of(status.at("supply"))},
        {"Storage", text_of(status.at("storage_bytes")) + " bytes"},
    });
    for (const Json& problem : status.at("problems")) text += "! " + text_of(problem) + "\n";
    return text;
}

std::expected<Output, base::Error> status(const Context& context) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, client.get("/v1/status"));
    std::string text = status_text(json);
    return output(std::move(json), std::move(text));
}

std::expected<Output, base::Error> peers(const Context& context) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, client.get("/v1/peers"));
    std::vector<std::vector<std::string>> rows{
        {"NODE", "ADDRESS", "ROLE", "SCORE", "HEIGHT", "FINAL", "HEARD"}};
    for (const Json& peer : json.at("peers")) {
        if (peer.contains("link")) {  // a node of another network, through a bridge
            rows.push_back({text_of(peer.at("name")), text_of(peer.at("address")),
                            text_of(peer.at("link")), "-", "-", "-",
                            span_of(peer.at("last_heard_ms")) + " ago"});
            continue;
        }
        rows.push_back({text_of(peer.at("node_id")), text_of(peer.at("address")),
                        text_of(peer.at("role")), text_of(peer.at("score")),
                        text_of(peer.at("height")), text_of(peer.at("final_height")),
                        span_of(peer.at("last_heard_ms")) + " ago"});
    }
    std::string text = rows.size() == 1 ? "No peers yet." : table(rows);
    return output(std::move(json), std::move(text));
}

struct BlocksOptions {
    std::optional<std::uint64_t> from;
    std::uint64_t count = 10;
};

std::expected<Output, base::Error> blocks(const Context& context, const BlocksOptions& options) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    std::string target = "/v1/blocks?count=" + std::to_string(options.count);
    if (options.from) target += "&from=" + std::to_string(*options.from);
    MESH_TRY(Json json, client.get(target));
    std::vector<std::vector<std::string>> rows{
        {"HEIGHT", "TIME", "CERTAINTY", "TX", "BYTES", "HASH"}};
    for (const Json& block : json.at("blocks")) {
        rows.push_back({text_of(block.at("height")), text_of(block.at("time")),
                        text_of(block.at("certainty")),
                        std::to_string(block.at("transactions").size()), text_of(block.at("bytes")),
                        text_of(block.at("hash"))});
    }
    std::string text = rows.size() == 1 ? "No blocks yet." : table(rows);
    return output(std::move(json), std::move(text));
}

std::expected<Output, base::Error> transaction(const Context& context, const std::string& txid) {
    if (txid.empty()) {
        return base::failure(base::Errc::invalid_argument, "which transaction?", "--txid",
                             "write `meshchain tx TXID`");
    }
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, client.get("/v1/transactions/" + txid));
    std::string text =
        "Transaction " + text_of(json.at("txid")) + "\nis " + text_of(json.at("certainty"));
    if (json.contains("height")) text += " in block " + text_of(json.at("height"));
    if (json.at("certainty") == "LIVE") {
        text += ", on which " + text_of(json.at("live_percent")) + " % of the stake built";
    }
    text += ".\n";
    if (json.contains("transaction")) {
        for (const Json& output : json.at("transaction").at("outputs")) {
            text +=
                "  " + text_of(output.at("amount")) + " to " + text_of(output.at("owner")) + "\n";
        }
        text += "  " + text_of(json.at("fee")) + " fee\n";
    }
    return output(std::move(json), std::move(text));
}

}  // namespace

Command status_command(const Context& context) {
    const auto watch = std::make_shared<bool>(false);
    const auto o = std::make_shared<WatchOptions>();
    return {
        .name = "status",
        .summary = "How the running node is",
        .examples =
            "Examples:\n  meshchain status --data alice\n"
            "  meshchain status --watch --data alice",
        .options = {{"--watch", "", "go on showing it; in a pipe a line each time", watch.get()},
                    {"--interval", "SECONDS", "between two looks (1)", &o->interval_s},
                    {"--count", "N", "end after so many looks", &o->count}},
        .run = [&context, watch, o] {
            return *watch ? watch_status(context, *o) : status(context);
        }};
}

Command peers_command(const Context& context) {
    return {.name = "peers",
            .summary = "Whom the running node is connected to",
            .examples = "Example:\n  meshchain peers --data alice",
            .run = [&context] { return peers(context); }};
}

Command blocks_command(const Context& context) {
    const auto o = std::make_shared<BlocksOptions>();
    return {.name = "blocks",
            .summary = "The chain's latest blocks",
            .examples = "Example:\n  meshchain blocks --data alice --from 100 --count 5",
            .options = {{"--from", "HEIGHT", "begin here and go down (the tip)", &o->from},
                        {"--count", "N", "how many (10)", &o->count}},
            .run = [&context, o] { return blocks(context, *o); }};
}

Command transaction_command(const Context& context) {
    const auto txid = std::make_shared<std::string>();
    return {.name = "tx",
            .summary = "How sure a transaction is, or what its bytes say",
            .examples =
                "Examples:\n  meshchain tx 7f3c... --data alice\n"
                "  meshchain tx decode 10a1b2...",
            .options = {{"txid", "TXID", "the transaction's id", txid.get()}},
            .run = [&context, txid] { return transaction(context, *txid); },
            .commands = {transaction_decode_command(context), transaction_proof_command(context)}};
}

}  // namespace meshchain::app
