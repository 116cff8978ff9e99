#pragma once
// Unlocking the wallet of a running node.

#include "host/api_client.h"
#include "host/passphrase.h"

namespace meshchain::app {

/// Errors: those of read_passphrase and of the node (unauthorized: wrong passphrase).
std::expected<void, base::Error> unlock_wallet(const host::ApiClient& client,
                                               const host::PassphraseSource& source);
std::expected<void, base::Error> unlock_wallet(const host::ApiClient& client,
                                               base::Bytes passphrase);

}  // namespace meshchain::app
