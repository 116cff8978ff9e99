// node passphrase: another passphrase for an encrypted store.

#include "host/argon2_kdf.h"
#include "host/config_json.h"
#include "host/file_lock.h"
#include "host/json_document.h"
#include "host/store_key.h"
#include "host/system_entropy.h"
#include "meshchain/commands/commands.h"
#include "meshchain/passphrase_options.h"

namespace meshchain::app {
namespace {

std::expected<Output, base::Error> change(const Context& context, const PassphraseOptions& fresh) {
    const host::DataFolder folder(context.data);
    MESH_TRY(const node::NodeConfig config, host::load_config(folder.config()));
    if (config.store_encryption != node::StoreEncryption::passphrase) {
        return base::failure(base::Errc::unsupported, "the store has no passphrase",
                             folder.config().string(), "see store.encryption");
    }
    MESH_TRY(const host::FileLock lock, host::FileLock::acquire(folder.root()));
    MESH_TRY(const host::Secret passphrase,
             host::read_passphrase(fresh.source(), host::Asking::twice));
    host::Argon2Kdf kdf;
    host::SystemEntropy entropy;
    MESH_CHECK(host::change_store_passphrase({.kdf = kdf, .entropy = entropy}, folder, config,
                                             passphrase));
    const std::string file = config.store_passphrase_path;
    return output({{"changed", true}},
                  "The store opens with the new passphrase alone." +
                      (file.empty() ? "" : "\nWrite it to " + file + " before the next start."));
}

}  // namespace

Command store_passphrase_command(const Context& context) {
    const auto fresh = std::make_shared<PassphraseOptions>();
    fresh->name = "new-passphrase";
    fresh->prompt = "New passphrase of the store";
    Command command{.name = "passphrase",
                    .summary = "Change the passphrase of an encrypted store",
                    .run = [&context, fresh] { return change(context, *fresh); }};
    fresh->add_to(command.options);
    return command;
}

}  // namespace meshchain::app
