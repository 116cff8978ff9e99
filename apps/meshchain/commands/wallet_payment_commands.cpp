// wallet receive, reissue: asking for a payment, and sending one again that did not happen.

#include <cstdlib>

#include "crypto/hash.h"
#include "host/api_client.h"
#include "host/json_document.h"
#include "host/qr_text.h"
#include "meshchain/air_wait_text.h"
#include "meshchain/commands/commands.h"
#include "meshchain/payment_follow.h"
#include "meshchain/wallet_session.h"
#include "wallet/address.h"
#include "wallet/payment_uri.h"

namespace meshchain::app {
namespace {

using host::Json;

struct ReceiveOptions {
    std::optional<std::uint64_t> amount;
    std::string note;
    bool fresh = false;
    bool ascii = false;
};

/// Whether the terminal's text is UTF-8, by the variables that say so.
bool knows_half_blocks() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* const value = std::getenv(name);
        if (value == nullptr || *value == '\0') continue;
        const std::string_view text(value);
        return text.contains("UTF-8") || text.contains("utf8") || text.contains("utf-8");
    }
    return false;
}

std::expected<Output, base::Error> receive(const Context& context, const ReceiveOptions& options) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    std::string address;
    if (options.fresh) {
        MESH_TRY(const Json made, client.post("/v1/wallet/addresses", Json::object()));
        address = made.at("address");
    } else {
        MESH_TRY(const Json wallet, client.get("/v1/wallet"));
        address = wallet.at("addresses").back();
    }
    MESH_TRY(const Json status, client.get("/v1/status"));
    wallet::PaymentRequest request;
    MESH_TRY(request.payee, wallet::parse_address(address));
    if (options.amount) request.amount = wire::Amount{*options.amount};
    request.note = options.note;
    MESH_TRY(const crypto::Hash chain,
             crypto::hash_from_hex(status.at("chain_id").get_ref<const std::string&>()));
    request.chain.emplace();
    std::copy_n(chain.bytes.begin(), request.chain->size(), request.chain->begin());
    MESH_TRY(const std::string uri, wallet::encode_uri(request));
    const bool ascii = options.ascii || !knows_half_blocks();
    MESH_TRY(const std::string code,
             host::qr_text(uri, ascii ? host::QrStyle::ascii : host::QrStyle::half_blocks));
    return output({{"address", address}, {"uri", uri}}, address + "\n" + uri + "\n\n" + code);
}

struct ReissueOptions {
    std::string txid;
    std::string fee;
    bool wait = false;
    std::uint64_t timeout_s = 120;
    UnlockOptions unlock;
};

std::expected<Output, base::Error> reissue(const Context& context, const ReissueOptions& options) {
    MESH_CHECK(crypto::hash_from_hex(options.txid));
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(const Json fee, fee_json(options.fee));
    Json body = Json::object();
    if (!fee.is_null()) body["fee"] = fee;
    MESH_TRY(Json json, with_unlocked_wallet(client, options.unlock, [&] {
                 return client.post("/v1/payments/" + options.txid + "/reissue", body);
             }));
    json["replaces"] = options.txid;
    const std::string txid = json.at("txid");
    std::string text = "Sent again as " + txid +
                       ", from the same coins: at most one of the two can happen." +
                       lock_warning(json);
    if (const std::string wait = air_wait_text(json); !wait.empty()) text += "\n" + wait;
    if (options.wait) {
        MESH_CHECK(follow_payment(context, client, json, std::chrono::seconds(options.timeout_s)));
        text = "Paid: " + txid + " is FINAL." + lock_warning(json);
    }
    return output(std::move(json), std::move(text));
}

Command receive_command(const Context& context) {
    const auto o = std::make_shared<ReceiveOptions>();
    return {.name = "receive",
            .summary = "Ask for a payment: address, link and QR code",
            .examples =
                "Examples:\n  meshchain wallet receive --data alice\n"
                "  meshchain wallet receive --amount 250 --note bread --new",
            .options = {{"--amount", "UNITS", "how much is asked for", &o->amount},
                        {"--note", "TEXT", "what for, up to 80 bytes", &o->note},
                        {"--new", "", "with an address that nobody has seen", &o->fresh},
                        {"--ascii", "", "draw the code without special characters", &o->ascii}},
            .run = [&context, o] { return receive(context, *o); }};
}

Command reissue_command(const Context& context) {
    const auto o = std::make_shared<ReissueOptions>();
    Command command{
        .name = "reissue",
        .summary = "Send a payment again that expired or hangs, never paying twice",
        .examples = "Example:\n  meshchain wallet reissue TXID --fee high --wait --data alice",
        .options = {{"txid", "TXID", "the payment, as the history shows it", &o->txid, true},
                    {"--fee", "FEE", "low, normal, high, or at least so many units (as before)",
                     &o->fee},
                    {"--wait", "", "show its way to FINAL", &o->wait},
                    {"--timeout", "SECONDS", "how long to wait (120)", &o->timeout_s, false,
                     follow_s_max}},
        .run = [&context, o] { return reissue(context, *o); }};
    o->unlock.add_to(command.options);
    return command;
}

}  // namespace

std::vector<Command> wallet_payment_commands(const Context& context) {
    return {receive_command(context), reissue_command(context)};
}

}  // namespace meshchain::app
