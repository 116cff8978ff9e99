#include "host/wallet_json.h"

#include "host/json_document.h"
#include "host/time_text.h"
#include "wallet/address.h"

namespace meshchain::host {

Json to_json(const wallet::Balance& balance) {
    return {{"final", balance.final.units},
            {"live", balance.live.units},
            {"pending_in", balance.pending_in.units},
            {"pending_out", balance.pending_out.units},
            {"locked", balance.locked.units}};
}

Json to_json(const node::PaymentHistoryView& payment) {
    const wallet::HistoryEntry& entry = payment.entry;
    Json counterparties = Json::array();
    for (const crypto::PublicKey& key : entry.counterparties) {
        counterparties.push_back(wallet::encode_address(key));
    }
    Json json = {{"sequence", entry.sequence},
                 {"txid", crypto::to_hex(entry.txid.hash)},
                 {"direction", std::string(name(entry.direction))},
                 {"state", std::string(name(payment.certainty))},
                 {"live_percent", payment.live_percent},
                 {"amount", entry.amount.units},
                 {"fee", entry.fee.units},
                 {"label", entry.label},
                 {"counterparties", std::move(counterparties)}};
    if (entry.height) json["height"] = entry.height->value;
    if (payment.expires) json["expires"] = to_iso(*payment.expires);
    return json;
}

Json to_json(const node::FeesView& fees) {
    return {{"low", fees.low.amount().units},
            {"normal", fees.normal.amount().units},
            {"high", fees.high.amount().units}};
}

Json wallet_json(const wallet::Wallet& wallet, const node::ScanView& scan) {
    Json addresses = Json::array();
    for (const crypto::PublicKey& key : wallet.addresses()) {
        addresses.push_back(wallet::encode_address(key));
    }
    return {{"label", wallet.key_file().label},
            {"unlocked", wallet.is_unlocked()},
            {"watch_only", !wallet.can_sign()},
            {"pin", !wallet.key_file().by_pin.empty()},
            {"addresses", std::move(addresses)},
            {"balance", to_json(wallet.balance())},
            {"scan",
             {{"height", scan.height.value},
              {"target", scan.target.value},
              {"reading", scan.reading},
              {"percent", scan.percent()}}}};
}

}  // namespace meshchain::host
