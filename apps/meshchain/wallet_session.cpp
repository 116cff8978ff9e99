#include "meshchain/wallet_session.h"

#include "host/json_document.h"

namespace meshchain::app {

std::expected<void, base::Error> unlock_wallet(const host::ApiClient& client,
                                               base::Bytes passphrase) {
    MESH_CHECK(client.post("/v1/wallet/unlock", {{"passphrase", base::as_text(passphrase)}}));
    return {};
}

std::expected<void, base::Error> unlock_wallet(const host::ApiClient& client,
                                               const host::PassphraseSource& source) {
    MESH_TRY(const host::Secret passphrase, host::read_passphrase(source, host::Asking::once));
    return unlock_wallet(client, passphrase.bytes());
}

}  // namespace meshchain::app
