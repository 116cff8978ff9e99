#pragma once
// Following a payment to its end, for commands with --wait.

#include <chrono>
#include <expected>

#include "host/api_client.h"
#include "host/json_document.h"
#include "meshchain/command.h"

namespace meshchain::app {

/// The longest wait that can be asked for.
constexpr std::uint64_t follow_s_max = 365 * 86'400;

/// The field `fee` of a payment: units, or low, normal, high; null when nothing is given.
/// Errors: invalid_argument.
std::expected<host::Json, base::Error> fee_json(const std::string& text);

/// Says once what the payment waits for, if its answer does; then shows state, percent and time
/// until the payment is FINAL; then `json` says so too. Errors: stale (it expired), timeout, those
/// of the node. Each names the txid.
std::expected<void, base::Error> follow_payment(const Context& context,
                                                const host::ApiClient& client, host::Json& json,
                                                std::chrono::seconds timeout);

}  // namespace meshchain::app
