// send: one payment, and on wish its way to FINAL.

#include <chrono>
#include <cstdio>
#include <thread>

#include "host/api_client.h"
#include "host/json_document.h"
#include "meshchain/commands/commands.h"
#include "meshchain/passphrase_options.h"
#include "meshchain/wallet_session.h"

namespace meshchain::app {
namespace {

using host::Json;

struct SendOptions {
    std::string to;
    std::uint64_t amount = 0;
    std::optional<std::uint64_t> fee;
    bool wait = false;
    std::uint64_t timeout_s = 120;
    PassphraseOptions passphrase;
};

/// Follows a payment, telling each step on stderr, until it is FINAL, dead, or time is up.
std::expected<std::string, base::Error> follow(const Context& context,
                                               const host::ApiClient& client,
                                               const std::string& txid,
                                               std::chrono::seconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    std::string shown;
    while (true) {
        MESH_TRY(const Json json, client.get("/v1/transactions/" + txid));
        std::string certainty = json.at("certainty");
        std::string line = certainty;
        if (certainty == "LIVE") {
            line += " (" + host::to_line(json.at("live_percent")) + " % of the stake)";
        }
        if (line != shown && !context.json) std::fprintf(stderr, "%s\n", line.c_str());
        shown = line;
        if (certainty == "FINAL" || certainty == "EXPIRED") return certainty;
        if (std::chrono::steady_clock::now() > deadline) {
            return base::failure(base::Errc::timeout, "the payment is only " + line + " so far",
                                 txid, "ask again with `meshchain tx " + txid + "`");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

/// Unlocks for this one payment if need be, and locks again.
std::expected<Json, base::Error> pay(const host::ApiClient& client, const SendOptions& options) {
    Json order = {{"to", options.to}, {"amount", options.amount}};
    if (options.fee) order["fee"] = *options.fee;
    MESH_TRY(const Json wallet, client.get("/v1/wallet"));
    if (wallet.at("unlocked").get<bool>()) return client.post("/v1/payments", order);
    MESH_CHECK(unlock_wallet(client, options.passphrase.source()));
    auto payment = client.post("/v1/payments", order);
    MESH_CHECK(client.post("/v1/wallet/lock", Json::object()));
    return payment;
}

std::expected<Output, base::Error> send(const Context& context, const SendOptions& options) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, pay(client, options));
    const std::string txid = json.at("txid");
    std::string text = "Sent as " + txid + "; see `meshchain tx " + txid + "`";
    if (options.wait) {
        MESH_TRY(const std::string certainty,
                 follow(context, client, txid, std::chrono::seconds(options.timeout_s)));
        json["certainty"] = certainty;
        text = "Paid: " + txid + " is FINAL.";
        if (certainty != "FINAL") {
            return base::failure(base::Errc::stale, "the payment expired", txid, "send it again");
        }
    }
    return output(std::move(json), std::move(text));
}

}  // namespace

Command send_command(const Context& context) {
    const auto o = std::make_shared<SendOptions>();
    Command command{.name = "send",
                    .summary = "Pay from the running node's wallet",
                    .examples =
                        "Examples:\n  meshchain send mesh1... 250 --wait --data alice\n"
                        "  meshchain send mesh1... 250 --passphrase-file alice.passphrase --json",
                    .options = {{"to", "ADDRESS", "who gets it", &o->to, true},
                                {"amount", "UNITS", "how much", &o->amount, true},
                                {"--fee", "UNITS", "at least so much (the usual fee)", &o->fee},
                                {"--wait", "", "show its way to FINAL", &o->wait},
                                {"--timeout", "SECONDS", "how long to wait (120)", &o->timeout_s}},
                    .run = [&context, o] { return send(context, *o); }};
    o->passphrase.add_to(command.options);
    return command;
}

}  // namespace meshchain::app
