// wallet create: on the file, while no node uses the folder.

#include "host/argon2_kdf.h"
#include "host/config_json.h"
#include "host/data_folder.h"
#include "host/file.h"
#include "host/file_lock.h"
#include "host/json_document.h"
#include "host/system_entropy.h"
#include "meshchain/commands/commands.h"
#include "meshchain/passphrase_options.h"
#include "wallet/address.h"
#include "wallet/guessing_time.h"
#include "wallet/key_file.h"

namespace meshchain::app {
namespace {

struct CreateOptions {
    PassphraseOptions passphrase;
    std::string label = "wallet";
    std::uint64_t keys = 1;
};

/// Where the configuration puts the wallet, if there is one yet.
std::expected<std::filesystem::path, base::Error> wallet_path(const host::DataFolder& folder) {
    if (!std::filesystem::exists(folder.config())) return folder.wallet(node::NodeConfig{});
    MESH_TRY(const node::NodeConfig config, host::load_config(folder.config()));
    return folder.wallet(config);
}

std::expected<Output, base::Error> create(const Context& context, const CreateOptions& options) {
    if (options.keys == 0 || options.keys > wallet::KeyFile::keys_max) {
        return base::failure(base::Errc::invalid_argument, std::to_string(options.keys) + " keys",
                             "--keys",
                             "allowed: 1 to " + std::to_string(wallet::KeyFile::keys_max));
    }
    const host::DataFolder folder(context.data);
    MESH_CHECK(host::make_folder(folder.root()));
    MESH_TRY(const host::FileLock lock, host::FileLock::acquire(folder.root()));
    MESH_TRY(const std::filesystem::path path, wallet_path(folder));
    if (std::filesystem::exists(path)) {
        return base::failure(base::Errc::exists, "there is a wallet already", path.string(),
                             "choose another folder; replacing it would lose its money");
    }
    MESH_TRY(const host::Secret passphrase,
             host::read_passphrase(options.passphrase.source(), host::Asking::twice));
    host::Argon2Kdf kdf;
    host::SystemEntropy entropy;
    constexpr base::KdfCost cost = wallet::key_file_cost_default;
    MESH_TRY(wallet::KeyFile keys,
             wallet::create_key_file(kdf, entropy, cost, passphrase.bytes(), options.label));
    while (keys.keys.size() < options.keys) {
        MESH_TRY(keys, wallet::add_key(kdf, entropy, cost, passphrase.bytes(), keys));
    }
    MESH_CHECK(host::write_file(path, wallet::encode(keys), host::IfExists::refuse));

    const std::string guessing =
        wallet::describe_guessing_time(cost, wallet::passphrase_bits_at_most(passphrase.bytes()));
    host::Json addresses = host::Json::array();
    std::string text = "Wallet written to " + path.string() + "\n\nAddresses\n";
    for (const crypto::PublicKey& key : keys.keys) {
        addresses.push_back(wallet::encode_address(key));
        text += "  " + wallet::encode_address(key) + "\n";
    }
    text += "\nIf the passphrase was chosen at random, guessing it takes " + guessing +
            ".\nA phrase that others may think of falls sooner. Without it the money is lost: "
            "nobody can reset it.\n";
    return output({{"file", path.string()}, {"addresses", addresses}, {"guessing_time", guessing}},
                  text);
}

Command create_command(const Context& context) {
    const auto o = std::make_shared<CreateOptions>();
    Command command{.name = "create",
                    .summary = "Make a new wallet, sealed by a passphrase",
                    .examples =
                        "Examples:\n"
                        "  meshchain wallet create --data alice\n"
                        "  meshchain wallet create --data alice --passphrase-file alice.passphrase",
                    .options = {{"--label", "TEXT", "a name for it (wallet)", &o->label},
                                {"--keys", "N", "how many addresses (1)", &o->keys}},
                    .run = [&context, o] { return create(context, *o); }};
    o->passphrase.add_to(command.options);
    return command;
}

}  // namespace

Command wallet_command(const Context& context) {
    Command group{.name = "wallet",
                  .summary = "Make a wallet, see what it holds",
                  .commands = wallet_view_commands(context)};
    group.commands.insert(group.commands.begin(), create_command(context));
    return group;
}

}  // namespace meshchain::app
