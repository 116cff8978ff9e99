#pragma once
// A node's wallet as the API answers it.
//
// Format: docs/formats/api.md

#include "host/json.h"
#include "node/node.h"

namespace meshchain::host {

Json to_json(const wallet::Balance& balance);
Json to_json(const node::PaymentHistoryView& payment);
Json to_json(const node::FeesView& fees);
/// Label, addresses, lock, balance, and how far the chain is read.
Json wallet_json(const wallet::Wallet& wallet, const node::ScanView& scan);

}  // namespace meshchain::host
