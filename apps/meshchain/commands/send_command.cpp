// send: one payment, and on wish its way to FINAL.

#include <charconv>

#include "host/api_client.h"
#include "host/json_document.h"
#include "meshchain/air_wait_text.h"
#include "meshchain/commands/commands.h"
#include "meshchain/payment_follow.h"
#include "meshchain/wallet_session.h"
#include "wallet/address.h"
#include "wallet/payment_uri.h"

namespace meshchain::app {
namespace {

using base::Errc;
using host::Json;

struct SendOptions {
    std::string to;
    std::optional<std::uint64_t> amount;
    std::string fee;
    std::string label;
    bool yes = false;
    bool wait = false;
    std::uint64_t timeout_s = 120;
    UnlockOptions unlock;
};

/// What a link asks for; what the command line says beside it must agree.
std::expected<void, base::Error> read_link(const host::ApiClient& client,
                                           const SendOptions& options, Json& order) {
    MESH_TRY(const wallet::PaymentRequest request, wallet::parse_uri(options.to));
    if (request.chain) {
        MESH_TRY(const Json status, client.get("/v1/status"));
        const std::string chain = status.at("chain_id");
        if (!chain.starts_with(base::to_hex(*request.chain))) {
            return base::failure(Errc::wrong_chain,
                                 "the request is for another chain than " + chain.substr(0, 16),
                                 "payment request", "ask its maker which network is meant");
        }
    }
    if (request.amount && options.amount && request.amount->units != *options.amount) {
        return base::failure(Errc::invalid_argument,
                             "the request asks for " + std::to_string(request.amount->units) +
                                 ", not " + std::to_string(*options.amount),
                             "amount", "leave the amount out, or give the one asked for");
    }
    order["to"] = wallet::encode_address(request.payee);
    if (request.amount) order["amount"] = request.amount->units;
    if (!request.note.empty() && options.label.empty()) order["label"] = request.note;
    return {};
}

/// More fee than payment is as a rule a slip of the hand.
std::expected<void, base::Error> check_fee(const Json& order) {
    if (!order.contains("fee") || !order.at("fee").is_number_unsigned()) return {};
    const std::uint64_t fee = order.at("fee");
    const std::uint64_t amount = order.at("amount");
    if (fee <= amount) return {};
    return base::failure(Errc::invalid_argument,
                         "the fee of " + std::to_string(fee) + " is more than the payment of " +
                             std::to_string(amount),
                         "--fee", "give less, or say --yes if it is meant");
}

std::expected<Json, base::Error> read_order(const host::ApiClient& client,
                                            const SendOptions& options) {
    if (options.amount == 0) {
        return base::failure(Errc::invalid_argument, "nothing would be paid", "amount",
                             "pay at least 1 unit");
    }
    Json order = {{"to", options.to}};
    if (options.amount) order["amount"] = *options.amount;
    if (!options.label.empty()) order["label"] = options.label;
    MESH_TRY(const Json fee, fee_json(options.fee));
    if (!fee.is_null()) order["fee"] = fee;
    if (wallet::is_payment_uri(options.to)) MESH_CHECK(read_link(client, options, order));
    if (order.contains("amount")) {
        if (!options.yes) MESH_CHECK(check_fee(order));
        return order;
    }
    return base::failure(Errc::invalid_argument, "no amount is given", "amount",
                         "say how much behind the address");
}

std::expected<Output, base::Error> send(const Context& context, const SendOptions& options) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(const Json order, read_order(client, options));
    MESH_TRY(Json json, with_unlocked_wallet(client, options.unlock,
                                             [&] { return client.post("/v1/payments", order); }));
    const std::string txid = json.at("txid");
    std::string text = "Sent as " + txid + "; see `meshchain tx " + txid +
                       "`\nIt can happen until " + json.at("expires").get<std::string>() + "." +
                       lock_warning(json);
    if (const std::string wait = air_wait_text(json); !wait.empty()) text += "\n" + wait;
    if (options.wait) {
        MESH_CHECK(follow_payment(context, client, json, std::chrono::seconds(options.timeout_s)));
        text = "Paid: " + txid + " is FINAL." + lock_warning(json);
    }
    return output(std::move(json), std::move(text));
}

}  // namespace

Command send_command(const Context& context) {
    const auto o = std::make_shared<SendOptions>();
    Command command{
        .name = "send",
        .summary = "Pay from the running node's wallet",
        .examples =
            "Examples:\n  meshchain send mesh1... 250 --wait --data alice\n"
            "  meshchain send 'meshchain:mesh1...?amount=250&note=bread' --fee high\n"
            "  meshchain send mesh1... 250 --passphrase-file alice.passphrase --json",
        .options = {{"to", "ADDRESS", "who gets it: an address, or a meshchain: link", &o->to,
                     true},
                    {"amount", "UNITS", "how much, unless the link says it", &o->amount},
                    {"--fee", "FEE", "low, normal, high, or at least so many units (usual fee)",
                     &o->fee},
                    {"--yes", "", "pay a fee above the amount", &o->yes},
                    {"--label", "TEXT", "a note for the own history", &o->label},
                    {"--wait", "", "show its way to FINAL", &o->wait},
                    {"--timeout", "SECONDS", "how long to wait (120)", &o->timeout_s, false,
                     follow_s_max}},
        .run = [&context, o] { return send(context, *o); }};
    o->unlock.add_to(command.options);
    return command;
}

}  // namespace meshchain::app
