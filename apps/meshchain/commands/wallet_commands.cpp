// wallet create, restore, watch: making a wallet's file, while no node uses the folder.

#include "host/data_folder.h"
#include "host/file.h"
#include "host/file_lock.h"
#include "host/genesis_json.h"
#include "host/json_document.h"
#include "host/unicode.h"
#include "meshchain/commands/commands.h"
#include "meshchain/phrase_dialog.h"
#include "meshchain/wallet_session.h"
#include "wallet/address.h"
#include "wallet/guessing_time.h"

namespace meshchain::app {
namespace {

struct CreateOptions {
    PassphraseOptions passphrase;
    PassphraseOptions words_passphrase{.name = "words-passphrase",
                                       .prompt = "Passphrase of the phrase"};
    PassphraseOptions phrase{.name = "phrase", .prompt = "Seed phrase"};
    std::string label = "wallet";
    std::uint64_t keys = 1;
    std::uint64_t words = wallet::Phrase::words_default;
    bool no_confirm = false;
    std::vector<std::string> addresses;
};

std::expected<void, base::Error> check(const CreateOptions& options) {
    constexpr std::size_t keys_max = wallet::KeyFile::keys_max - wallet::KeyFile::lookahead;
    if (options.keys == 0 || options.keys > keys_max) {
        return base::failure(base::Errc::invalid_argument, std::to_string(options.keys) + " keys",
                             "--keys", "allowed: 1 to " + std::to_string(keys_max));
    }
    if (wallet::Phrase::is_word_count(options.words)) return {};
    return base::failure(base::Errc::invalid_argument, std::to_string(options.words) + " words",
                         "--words", "allowed: 12, 15, 18, 21 or 24");
}

/// Runs `make` while nobody else uses the folder, and writes what it makes where no wallet is.
template <class Make>
std::expected<Output, base::Error> make_wallet(const Context& context, Make make) {
    const host::DataFolder folder(context.data);
    MESH_CHECK(host::make_folder(folder.root()));
    MESH_TRY(const host::FileLock lock, host::FileLock::acquire(folder.root()));
    MESH_TRY(WalletTools tools, WalletTools::of(context));
    const std::filesystem::path& path = tools.files().key_file;
    if (std::filesystem::exists(path)) {
        return base::failure(base::Errc::exists, "there is a wallet already", path.string(),
                             "choose another folder; replacing it would lose its money");
    }
    host::Json json = host::Json::object();
    std::string after;
    MESH_TRY(const wallet::KeyFile file, make(tools, json, after));
    MESH_CHECK(host::write_file(path, wallet::encode(file), host::IfExists::refuse));
    json["file"] = path.string();
    json["addresses"] = host::Json::array();
    std::string text = "Wallet written to " + path.string() + "\n\nAddresses\n";
    for (const crypto::PublicKey& key : std::span(file.keys).first(file.handed_out)) {
        json["addresses"].push_back(wallet::encode_address(key));
        text += "  " + wallet::encode_address(key) + "\n";
    }
    return output(std::move(json), text + "\n" + after);
}

/// The file of a phrase's wallet, and what its passphrase is worth.
std::expected<wallet::KeyFile, base::Error> seal(WalletTools& tools, const CreateOptions& options,
                                                 const wallet::Phrase& phrase, host::Json& json,
                                                 std::string& after) {
    host::Secret words_passphrase;
    if (options.words_passphrase.given()) {
        MESH_TRY(const host::Secret typed,
                 host::read_passphrase(options.words_passphrase.source(), host::Asking::once));
        MESH_TRY(words_passphrase, host::to_nfkd(typed.bytes()));
    }
    MESH_TRY(const host::Secret passphrase,
             host::read_passphrase(options.passphrase.source(), host::Asking::twice));
    constexpr base::KdfCost cost = wallet::key_file_cost_default;
    const auto made =
        wallet::OpenedKeyFile::from_phrase(tools.doors(), phrase, words_passphrase.bytes());
    const std::string guessing =
        wallet::describe_guessing_time(cost, wallet::passphrase_bits_at_most(passphrase.bytes()));
    json["guessing_time"] = guessing;
    after += "If the passphrase was chosen at random, guessing it takes " + guessing +
             ".\nA phrase that others may think of falls sooner. Without it, and without the seed "
             "phrase,\nthe money is lost: nobody can reset it.\n";
    return made.make_file(tools.doors(), cost, passphrase.bytes(), options.label,
                          static_cast<std::size_t>(options.keys));
}

std::expected<Output, base::Error> create(const Context& context, const CreateOptions& options) {
    MESH_CHECK(check(options));
    return make_wallet(
        context,
        [&](WalletTools& tools, host::Json& json,
            std::string& after) -> std::expected<wallet::KeyFile, base::Error> {
            const wallet::Phrase phrase = wallet::Phrase::generate(
                tools.doors().entropy, static_cast<std::size_t>(options.words));
            if (options.no_confirm) {
                after =
                    "Its seed phrase was not shown. Write it down before money comes in:\n"
                    "  meshchain wallet phrase --data " +
                    context.data.string() + "\n\n";
            } else {
                MESH_CHECK(confirm_phrase(phrase, tools.doors().entropy));
            }
            return seal(tools, options, phrase, json, after);
        });
}

std::expected<Output, base::Error> restore(const Context& context, const CreateOptions& options) {
    MESH_CHECK(check(options));
    return make_wallet(context,
                       [&](WalletTools& tools, host::Json& json,
                           std::string& after) -> std::expected<wallet::KeyFile, base::Error> {
                           MESH_TRY(
                               const host::Secret typed,
                               host::read_passphrase(options.phrase.source(), host::Asking::once));
                           MESH_TRY(const host::Secret text, host::to_nfkd(typed.bytes()));
                           MESH_TRY(const wallet::Phrase phrase,
                                    wallet::Phrase::parse(base::as_text(text.bytes())));
                           after =
                               "The node looks for its coins when it runs; see how far it is:\n"
                               "  meshchain wallet show --wait --data " +
                               context.data.string() + "\n\n";
                           return seal(tools, options, phrase, json, after);
                       });
}

std::expected<Output, base::Error> watch(const Context& context, const CreateOptions& options) {
    return make_wallet(context,
                       [&](WalletTools&, host::Json& json,
                           std::string& after) -> std::expected<wallet::KeyFile, base::Error> {
                           std::vector<crypto::PublicKey> keys;
                           for (const std::string& address : options.addresses) {
                               MESH_TRY(const crypto::PublicKey key, host::parse_owner(address));
                               keys.push_back(key);
                           }
                           json["watch_only"] = true;
                           after = "It sees what these addresses hold and get, and cannot pay.\n";
                           return wallet::make_watch_only(options.label, std::move(keys));
                       });
}

Command create_command(const Context& context) {
    const auto o = std::make_shared<CreateOptions>();
    Command command{
        .name = "create",
        .summary = "Make a new wallet from a new seed phrase, sealed by a passphrase",
        .examples =
            "Examples:\n"
            "  meshchain wallet create --data alice\n"
            "  meshchain wallet create --no-confirm --passphrase-file alice.passphrase",
        .options = {{"--label", "TEXT", "a name for it (wallet)", &o->label},
                    {"--keys", "N", "how many addresses (1)", &o->keys},
                    {"--words", "N", "length of the seed phrase: 12, 15, 18, 21 or 24 (24)",
                     &o->words},
                    {"--no-confirm", "", "do not show the phrase, nor ask for words of it",
                     &o->no_confirm}},
        .run = [&context, o] { return create(context, *o); }};
    o->passphrase.add_to(command.options);
    o->words_passphrase.add_to(command.options);
    return command;
}

Command restore_command(const Context& context) {
    const auto o = std::make_shared<CreateOptions>();
    Command command{.name = "restore",
                    .summary = "Make a wallet again from its seed phrase",
                    .examples =
                        "Examples:\n"
                        "  meshchain wallet restore --data alice\n"
                        "  meshchain wallet restore --phrase-file alice.phrase \\\n"
                        "      --passphrase-file alice.passphrase",
                    .options = {{"--label", "TEXT", "a name for it (wallet)", &o->label},
                                {"--keys", "N", "how many addresses at least (1)", &o->keys}},
                    .run = [&context, o] { return restore(context, *o); }};
    o->phrase.add_to(command.options);
    o->passphrase.add_to(command.options);
    o->words_passphrase.add_to(command.options);
    return command;
}

Command watch_command(const Context& context) {
    const auto o = std::make_shared<CreateOptions>();
    return {
        .name = "watch",
        .summary = "Make a wallet that follows addresses and cannot pay",
        .examples = "Example:\n  meshchain wallet watch --address mesh1... --data till",
        .options = {{"--address", "ADDRESS", "one to follow; repeat for each", &o->addresses, true},
                    {"--label", "TEXT", "a name for it (wallet)", &o->label}},
        .run = [&context, o] { return watch(context, *o); }};
}

void append(std::vector<Command>& to, std::vector<Command> more) {
    for (Command& command : more) to.push_back(std::move(command));
}

}  // namespace

Command wallet_command(const Context& context) {
    Command group{
        .name = "wallet",
        .summary = "Make a wallet, see what it holds, back it up",
        .commands = {create_command(context), restore_command(context), watch_command(context)}};
    append(group.commands, wallet_view_commands(context));
    append(group.commands, wallet_payment_commands(context));
    append(group.commands, wallet_secret_commands(context));
    return group;
}

}  // namespace meshchain::app
