// wallet show, balance, history, unlock, lock: about the wallet of a running node.

#include "host/api_client.h"
#include "host/json_document.h"
#include "meshchain/commands/commands.h"
#include "meshchain/passphrase_options.h"
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

std::expected<Output, base::Error> show(const Context& context) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, client.get("/v1/wallet"));
    std::string text = "Wallet '" + json.at("label").get<std::string>() + "', " +
                       (json.at("unlocked").get<bool>() ? "unlocked" : "locked") + "\n\n" +
                       balance_text(json.at("balance")) + "\nAddresses\n";
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

std::expected<Output, base::Error> history(const Context& context, std::uint64_t count) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, client.get("/v1/wallet/history?count=" + std::to_string(count)));
    std::vector<std::vector<std::string>> rows{{"STATE", "WAY", "AMOUNT", "FEE", "HEIGHT", "TXID"}};
    for (const Json& entry : json.at("history")) {
        rows.push_back({entry.at("state").get<std::string>(),
                        entry.at("direction").get<std::string>(), units(entry.at("amount")),
                        units(entry.at("fee")),
                        entry.contains("height") ? units(entry.at("height")) : "-",
                        entry.at("txid").get<std::string>()});
    }
    std::string text = rows.size() == 1 ? "No payments yet." : table(rows);
    return output(std::move(json), std::move(text));
}

std::expected<Output, base::Error> unlock(const Context& context,
                                          const PassphraseOptions& passphrase) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_CHECK(unlock_wallet(client, passphrase.source()));
    return output({{"unlocked", true}},
                  "The wallet is unlocked until `meshchain wallet lock` or the node stops.");
}

std::expected<Output, base::Error> lock(const Context& context) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, client.post("/v1/wallet/lock", Json::object()));
    return output(std::move(json), "The wallet is locked.");
}

Command unlock_command(const Context& context) {
    const auto passphrase = std::make_shared<PassphraseOptions>();
    Command command{.name = "unlock",
                    .summary = "Let the running node pay from it",
                    .examples = "Example:\n  meshchain wallet unlock --data alice",
                    .run = [&context, passphrase] { return unlock(context, *passphrase); }};
    passphrase->add_to(command.options);
    return command;
}

}  // namespace

std::vector<Command> wallet_view_commands(const Context& context) {
    const auto count = std::make_shared<std::uint64_t>(20);
    return {{.name = "show",
             .summary = "Its addresses and what they hold",
             .examples = "Example:\n  meshchain wallet show --data alice",
             .run = [&context] { return show(context); }},
            {.name = "balance",
             .summary = "What it holds",
             .examples = "Example:\n  meshchain wallet balance --data alice --json",
             .run = [&context] { return balance(context); }},
            {.name = "history",
             .summary = "Payments, the newest first",
             .examples = "Example:\n  meshchain wallet history --data alice --count 50",
             .options = {{"--count", "N", "how many, up to 200 (20)", count.get()}},
             .run = [&context, count] { return history(context, *count); }},
            unlock_command(context),
            {.name = "lock",
             .summary = "Forget the keys until it is unlocked again",
             .examples = "Example:\n  meshchain wallet lock --data alice",
             .run = [&context] { return lock(context); }}};
}

}  // namespace meshchain::app
