#pragma once
// Unlocking the wallet of a running node, and opening a wallet's file without one.

#include "host/api_client.h"
#include "host/argon2_kdf.h"
#include "host/system_entropy.h"
#include "host/wallet_files.h"
#include "meshchain/passphrase_options.h"

namespace meshchain::app {

/// Errors: those of read_passphrase and of the node (unauthorized: wrong passphrase).
std::expected<void, base::Error> unlock_wallet(const host::ApiClient& client,
                                               const UnlockOptions& options);
std::expected<void, base::Error> unlock_wallet(const host::ApiClient& client,
                                               base::Bytes passphrase);

/// Runs `pay` with the wallet unlocked, unlocking it for this alone if need be. What was paid is
/// never lost by a failure to lock again, which the answer then says in `lock_error`.
/// Errors: those of unlock_wallet and of `pay`.
std::expected<host::Json, base::Error> with_unlocked_wallet(
    const host::ApiClient& client, const UnlockOptions& options,
    const std::function<std::expected<host::Json, base::Error>()>& pay);
/// What people are told of `lock_error`; empty without one.
std::string lock_warning(const host::Json& payment);

/// The wallet's files in a data folder, and what working on them needs.
class WalletTools {
public:
    /// Errors: those of load_config, if there is a configuration.
    static std::expected<WalletTools, base::Error> of(const Context& context);

    const host::WalletFiles& files() const { return files_; }
    wallet::KeyFileDoors doors() { return {kdf_, entropy_, host::secret_memory()}; }
    /// Asks for passphrase or PIN, waits as long as wrong tries demand, counts, opens.
    /// Errors: those of read_passphrase, host/try_counter.h and host/wallet_files.h.
    std::expected<wallet::OpenedKeyFile, base::Error> open(const Context& context,
                                                           const wallet::KeyFile& file,
                                                           const UnlockOptions& options);

private:
    explicit WalletTools(host::WalletFiles files) : files_(std::move(files)) {}

    host::WalletFiles files_;
    host::Argon2Kdf kdf_;
    host::SystemEntropy entropy_;
};

}  // namespace meshchain::app
