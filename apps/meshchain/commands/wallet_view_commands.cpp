// wallet show, balance, history, unlock, lock: about the wallet of a running node.

#include <chrono>
#include <thread>

#include "host/api_client.h"
#include "host/json_document.h"
#include "meshchain/commands/commands.h"
#include "meshchain/screen/terminal.h"
#include "meshchain/wallet_session.h"

namespace meshchain::app {
namespace {

using host::Json;

std::string units(const Json& value) { return std::to_string(value.get<std::uint64_t>()); }

std::string balance_text(const Json& balance) {
    return table({{"Final", units(balance.at("final")), "paid, cannot be undone"},
                  {"Live", units(balance.at("live")), "in blocks that are not final yet"},
                  {"Coming", units(balance.at("pending_in")), "in no block yet"},
                  {"Going", units(balance.at("pending_out")), "own payments not final yet"},
                  {"Reserved", units(balance.at("locked")), "coins those payments use"}});
}

std::string lock_text(const Json& wallet) {
    if (wallet.at("watch_only").get<bool>()) return "watching only";
    return wallet.at("unlocked").get<bool>() ? "unlocked" : "locked";
}

std::string scan_text(const Json& scan) {
    return "Reading the chain: block " + units(scan.at("height")) + " of " +
           units(scan.at("target")) + ", " + units(scan.at("percent")) + " %";
}

/// Until the wallet has read the chain, which it does after it was made or got more keys.
std::expected<Json, base::Error> wait_for_scan(const Context& context,
                                               const host::ApiClient& client) {
    Progress progress(context.json);
    while (true) {
        MESH_TRY(Json json, client.get("/v1/wallet"));
        if (!json.at("scan").at("reading").get<bool>()) return json;
        progress.show(scan_text(json.at("scan")));
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

std::expected<Output, base::Error> show(const Context& context, bool wait) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, wait ? wait_for_scan(context, client) : client.get("/v1/wallet"));
    std::string text =
        "Wallet '" + json.at("label").get<std::string>() + "', " + lock_text(json) + "\n\n";
    if (json.at("scan").at("reading").get<bool>()) text += scan_text(json.at("scan")) + "\n\n";
    text += balance_text(json.at("balance")) + "\nAddresses\n";
    for (const Json& address : json.at("addresses")) {
        text += "  " + address.get<std::string>() + "\n";
    }
    return output(std::move(json), std::move(text));
}

std::expected<Output, base::Error> balance(const Context& context) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(const Json json, client.get("/v1/wallet"));
    return output(json.at("balance"), balance_text(json.at("balance")));
}

/// "LIVE 67 %", and of a payment in no block until when it may still happen.
std::string state_text(const Json& entry) {
    std::string state = entry.at("state");
    if (state == "LIVE") return state + " " + units(entry.at("live_percent")) + " %";
    if (entry.contains("expires")) {
        return state + " until " + entry.at("expires").get<std::string>();
    }
    return state;
}

std::expected<Output, base::Error> history(const Context& context, std::uint64_t count) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, client.get("/v1/wallet/history?count=" + std::to_string(count)));
    std::vector<std::vector<std::string>> rows{
        {"STATE", "WAY", "AMOUNT", "FEE", "HEIGHT", "TXID", "LABEL"}};
    for (const Json& entry : json.at("history")) {
        rows.push_back({state_text(entry), entry.at("direction").get<std::string>(),
                        units(entry.at("amount")), units(entry.at("fee")),
                        entry.contains("height") ? units(entry.at("height")) : "-",
                        entry.at("txid").get<std::string>(), entry.at("label").get<std::string>()});
    }
    std::string text = rows.size() == 1 ? "No payments yet." : table(rows);
    return output(std::move(json), std::move(text));
}

std::expected<Output, base::Error> unlock(const Context& context, const UnlockOptions& options) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_CHECK(unlock_wallet(client, options));
    return output({{"unlocked", true}},
                  "The wallet is unlocked until `meshchain wallet lock`, the time of "
                  "wallet.lock_after_ms is over, or the node stops.");
}

std::expected<Output, base::Error> lock(const Context& context) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, client.post("/v1/wallet/lock", Json::object()));
    return output(std::move(json), "The wallet is locked.");
}

Command unlock_command(const Context& context) {
    const auto o = std::make_shared<UnlockOptions>();
    Command command{.name = "unlock",
                    .summary = "Let the running node pay from it",
                    .examples =
                        "Examples:\n  meshchain wallet unlock --data alice\n"
                        "  meshchain wallet unlock --pin --data alice",
                    .run = [&context, o] { return unlock(context, *o); }};
    o->add_to(command.options);
    return command;
}

struct LabelOptions {
    std::string txid;
    std::string text;
};

std::expected<Output, base::Error> label(const Context& context, const LabelOptions& options) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json,
             client.post("/v1/wallet/labels", {{"txid", options.txid}, {"label", options.text}}));
    return output(std::move(json), "The payment is labelled.");
}

Command label_command(const Context& context) {
    const auto o = std::make_shared<LabelOptions>();
    return {
        .name = "label",
        .summary = "Note what a payment was for",
        .examples = "Example:\n  meshchain wallet label TXID \"two loaves\" --data alice",
        .options = {{"txid", "TXID", "the payment, as the history shows it", &o->txid, true},
                    {"text", "TEXT", "up to 80 bytes; empty removes the label", &o->text, true}},
        .run = [&context, o] { return label(context, *o); }};
}

}  // namespace

std::vector<Command> wallet_view_commands(const Context& context) {
    const auto count = std::make_shared<std::uint64_t>(20);
    const auto wait = std::make_shared<bool>(false);
    return {{.name = "show",
             .summary = "Its addresses and what they hold",
             .examples = "Example:\n  meshchain wallet show --data alice",
             .options = {{"--wait", "", "until it has read the chain", wait.get()}},
             .run = [&context, wait] { return show(context, *wait); }},
            {.name = "balance",
             .summary = "What it holds",
             .examples = "Example:\n  meshchain wallet balance --data alice --json",
             .run = [&context] { return balance(context); }},
            {.name = "history",
             .summary = "Payments, the newest first",
             .examples = "Example:\n  meshchain wallet history --data alice --count 50",
             .options = {{"--count", "N", "how many, up to 200 (20)", count.get()}},
             .run = [&context, count] { return history(context, *count); }},
            label_command(context),
            unlock_command(context),
            {.name = "lock",
             .summary = "Forget the keys until it is unlocked again",
             .examples = "Example:\n  meshchain wallet lock --data alice",
             .run = [&context] { return lock(context); }}};
}

}  // namespace meshchain::app
