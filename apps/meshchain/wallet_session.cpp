#include "meshchain/wallet_session.h"

#include <chrono>
#include <cstdio>
#include <thread>

#include "base/resource_guard.h"
#include "host/config_json.h"
#include "host/http.h"
#include "host/json_document.h"
#include "host/time_text.h"
#include "host/try_counter.h"

namespace meshchain::app {
namespace {

base::Instant steady_now() {
    return base::Instant(std::chrono::duration_cast<base::Duration>(
        std::chrono::steady_clock::now().time_since_epoch()));
}

std::expected<void, base::Error> post_unlock(const host::ApiClient& client, const char* field,
                                             base::Bytes secret) {
    host::Json body{{field, base::as_text(secret)}};
    const base::ResourceGuard wipe_body([&] {
        auto& text = body.at(field).get_ref<std::string&>();
        crypto::wipe(std::as_writable_bytes(std::span(text)));
    });
    MESH_CHECK(client.post("/v1/wallet/unlock", body));
    return {};
}

}  // namespace

std::expected<void, base::Error> unlock_wallet(const host::ApiClient& client,
                                               base::Bytes passphrase) {
    return post_unlock(client, "passphrase", passphrase);
}

std::expected<void, base::Error> unlock_wallet(const host::ApiClient& client,
                                               const UnlockOptions& options) {
    MESH_TRY(const host::Secret secret,
             host::read_passphrase(options.source(), host::Asking::once));
    return post_unlock(client, options.pin ? "pin" : "passphrase", secret.bytes());
}

std::expected<host::Json, base::Error> with_unlocked_wallet(
    const host::ApiClient& client, const UnlockOptions& options,
    const std::function<std::expected<host::Json, base::Error>()>& pay) {
    MESH_TRY(const host::Json wallet, client.get("/v1/wallet"));
    // The node refuses to pay from a wallet that only watches, and says it best.
    if (wallet.at("unlocked").get<bool>() || wallet.at("watch_only").get<bool>()) return pay();
    MESH_CHECK(unlock_wallet(client, options));
    auto payment = pay();
    const auto locked = client.post("/v1/wallet/lock", host::Json::object());
    if (payment && !locked) (*payment)["lock_error"] = host::to_json(locked.error());
    return payment;
}

std::string lock_warning(const host::Json& payment) {
    if (!payment.contains("lock_error")) return "";
    return "\nThe wallet could not be locked again: " +
           payment.at("lock_error").at("what").get<std::string>() +
           "; use `meshchain wallet lock`.";
}

std::expected<WalletTools, base::Error> WalletTools::of(const Context& context) {
    const host::DataFolder folder(context.data);
    node::NodeConfig config;
    if (std::filesystem::exists(folder.config())) {
        MESH_TRY(config, host::load_config(folder.config()));
    }
    return WalletTools(host::WalletFiles::of(folder, config));
}

std::expected<wallet::OpenedKeyFile, base::Error> WalletTools::open(const Context& context,
                                                                    const wallet::KeyFile& file,
                                                                    const UnlockOptions& options) {
    const auto kind = options.pin ? wallet::TryKind::pin : wallet::TryKind::passphrase;
    MESH_CHECK(host::check_openable(file, kind));
    host::WalletSecret secret{{}, kind};
    MESH_TRY(secret.typed, host::read_passphrase(options.source(), host::Asking::once));
    const base::Instant start = steady_now();
    MESH_TRY(host::TryCounter counter, host::TryCounter::open(files_.tries, start));
    if (const auto delay = counter.delay(kind, start); delay > base::Duration::zero()) {
        if (!context.json) {
            std::fprintf(stderr, "Waiting %s, because of tries in vain\n",
                         host::span_text(delay).c_str());
        }
        std::this_thread::sleep_for(delay);
    }
    MESH_CHECK(counter.begin(kind, steady_now()));
    MESH_TRY(wallet::OpenedKeyFile opened, host::open_key_file(doors(), files_, file, secret));
    MESH_CHECK(counter.succeed(kind));
    return opened;
}

}  // namespace meshchain::app
