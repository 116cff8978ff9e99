// wallet phrase, verify-phrase, backup, passphrase, pin: what guards a wallet, and what brings it
// back.

#include "host/device_secret.h"
#include "host/file.h"
#include "host/file_lock.h"
#include "host/json_document.h"
#include "host/unicode.h"
#include "meshchain/commands/commands.h"
#include "meshchain/phrase_dialog.h"
#include "meshchain/wallet_session.h"
#include "wallet/guessing_time.h"

namespace meshchain::app {
namespace {

using base::Errc;

struct SecretOptions {
    UnlockOptions unlock;
    PassphraseOptions phrase{.name = "phrase", .prompt = "Seed phrase"};
    PassphraseOptions words_passphrase{.name = "words-passphrase",
                                       .prompt = "Passphrase of the phrase"};
    PassphraseOptions fresh;
    std::string file;
    bool remove = false;
};

std::expected<Output, base::Error> show_phrase(const Context& context,
                                               const SecretOptions& options) {
    MESH_TRY(WalletTools tools, WalletTools::of(context));
    MESH_TRY(const wallet::KeyFile file, tools.files().load());
    MESH_TRY(const wallet::OpenedKeyFile opened, tools.open(context, file, options.unlock));
    const auto phrase = opened.phrase();
    if (!phrase) {
        return base::failure(Errc::unsupported, "this wallet is older than seed phrases",
                             tools.files().key_file.string(),
                             "keep copies of its file (`meshchain wallet backup`), or make a new "
                             "wallet and pay its money there");
    }
    base::Buffer words;
    phrase->write(words);
    const host::Secret text(std::move(words));
    const host::Secret numbered = numbered_words(*phrase);
    return output({{"phrase", base::as_text(text.bytes())},
                   {"needs_words_passphrase", opened.needs_words_passphrase()}},
                  std::string(base::as_text(numbered.bytes())) +
                      (opened.needs_words_passphrase()
                           ? "\nTogether with the passphrase of the phrase, which is kept nowhere."
                           : "\nWho has these words has the money."));
}

std::expected<Output, base::Error> verify_phrase(const Context& context,
                                                 const SecretOptions& options) {
    MESH_TRY(WalletTools tools, WalletTools::of(context));
    MESH_TRY(const wallet::KeyFile file, tools.files().load());
    MESH_TRY(const host::Secret typed,
             host::read_passphrase(options.phrase.source(), host::Asking::once));
    MESH_TRY(const host::Secret text, host::to_nfkd(typed.bytes()));
    MESH_TRY(const wallet::Phrase phrase, wallet::Phrase::parse(base::as_text(text.bytes())));
    host::Secret words_passphrase;
    if (options.words_passphrase.given()) {
        MESH_TRY(const host::Secret given,
                 host::read_passphrase(options.words_passphrase.source(), host::Asking::once));
        MESH_TRY(words_passphrase, host::to_nfkd(given.bytes()));
    }
    const auto made =
        wallet::OpenedKeyFile::from_phrase(tools.doors(), phrase, words_passphrase.bytes());
    if (made.public_key(0) != file.keys.front()) {
        return base::failure(Errc::conflict, "this is a sound phrase, but of another wallet",
                             tools.files().key_file.string(),
                             "look for the right paper; a passphrase of the phrase may be missing");
    }
    return output({{"matches", true}}, "This is the phrase of this wallet.");
}

/// A copy that passphrase and phrase open, and no PIN: what makes a PIN safe stays on this device.
std::expected<Output, base::Error> backup(const Context& context, const SecretOptions& options) {
    MESH_TRY(const WalletTools tools, WalletTools::of(context));
    MESH_TRY(wallet::KeyFile file, tools.files().load());
    file.by_pin.clear();
    MESH_CHECK(host::write_file(options.file, wallet::encode(file), host::IfExists::refuse));
    const bool watches = file.kind == wallet::KeyFile::Kind::watch_only;
    return output({{"file", options.file}},
                  "Copied to " + options.file +
                      (watches ? ". It holds addresses and no secret"
                               : ". It opens with the wallet's passphrase") +
                      "; to use it, put it into a node's folder as wallet.key.");
}

/// Changes the file while no node uses the folder.
template <class Change>
std::expected<Output, base::Error> change(const Context& context, const SecretOptions& options,
                                          Change change_file) {
    MESH_TRY(const host::FileLock lock, host::FileLock::acquire(context.data));
    MESH_TRY(WalletTools tools, WalletTools::of(context));
    MESH_TRY(const wallet::KeyFile file, tools.files().load());
    MESH_TRY(const wallet::OpenedKeyFile opened, tools.open(context, file, options.unlock));
    return change_file(tools, file, opened);
}

std::expected<Output, base::Error> set_passphrase(const Context& context,
                                                  const SecretOptions& options) {
    return change(context, options,
                  [&](WalletTools& tools, const wallet::KeyFile& file,
                      const wallet::OpenedKeyFile& opened) -> std::expected<Output, base::Error> {
                      MESH_TRY(const host::Secret fresh,
                               host::read_passphrase(options.fresh.source(), host::Asking::twice));
                      constexpr base::KdfCost cost = wallet::key_file_cost_default;
                      MESH_TRY(const wallet::KeyFile changed,
                               opened.with_passphrase(tools.doors(), cost, file, fresh.bytes()));
                      MESH_CHECK(tools.files().save(changed));
                      const std::string guessing = wallet::describe_guessing_time(
                          cost, wallet::passphrase_bits_at_most(fresh.bytes()));
                      return output(
                          {{"guessing_time", guessing}},
                          "The passphrase is changed. Copies made before still open with the old "
                          "one.\nIf it was chosen at random, guessing it takes " +
                              guessing + ".");
                  });
}

std::expected<Output, base::Error> set_pin(const Context& context, const SecretOptions& options) {
    return change(
        context, options,
        [&](WalletTools& tools, const wallet::KeyFile& file,
            const wallet::OpenedKeyFile& opened) -> std::expected<Output, base::Error> {
            if (options.remove) {
                wallet::KeyFile changed = file;
                changed.by_pin.clear();
                MESH_CHECK(tools.files().save(changed));
                return output({{"pin", false}}, "The PIN is removed.");
            }
            MESH_TRY(const std::filesystem::path path, tools.files().device_secret());
            MESH_TRY(const host::Secret pin,
                     host::read_passphrase(options.fresh.source(), host::Asking::twice));
            MESH_CHECK(wallet::check_pin(pin.bytes()));
            MESH_TRY(const host::Secret device,
                     host::load_or_make_device_secret(path, tools.doors().entropy));
            MESH_TRY(const wallet::KeyFile changed,
                     opened.with_pin(tools.doors(), wallet::key_file_cost_default, file,
                                     pin.bytes(), device.bytes()));
            MESH_CHECK(tools.files().save(changed));
            return output(
                {{"pin", true}, {"device_secret", path.string()}},
                "The PIN is set. It opens the wallet on this device only, together with " +
                    path.string() +
                    ".\nIt guards against who copies the wallet, not against who takes "
                    "the device and its disk.");
        });
}

Command phrase_command(const Context& context) {
    const auto o = std::make_shared<SecretOptions>();
    Command command{.name = "phrase",
                    .summary = "Show the seed phrase again",
                    .examples = "Example:\n  meshchain wallet phrase --data alice",
                    .run = [&context, o] { return show_phrase(context, *o); }};
    o->unlock.passphrase.add_to(command.options);
    return command;
}

Command verify_command(const Context& context) {
    const auto o = std::make_shared<SecretOptions>();
    Command command{.name = "verify-phrase",
                    .summary = "See whether what was written down is this wallet's phrase",
                    .examples = "Example:\n  meshchain wallet verify-phrase --data alice",
                    .run = [&context, o] { return verify_phrase(context, *o); }};
    o->phrase.add_to(command.options);
    o->words_passphrase.add_to(command.options);
    return command;
}

Command passphrase_command(const Context& context) {
    const auto o = std::make_shared<SecretOptions>();
    o->fresh = {.name = "new-passphrase", .prompt = "New passphrase"};
    Command command{.name = "passphrase",
                    .summary = "Change the passphrase",
                    .examples = "Example:\n  meshchain wallet passphrase --data alice",
                    .run = [&context, o] { return set_passphrase(context, *o); }};
    o->unlock.passphrase.add_to(command.options);
    o->fresh.add_to(command.options);
    return command;
}

Command pin_command(const Context& context) {
    const auto o = std::make_shared<SecretOptions>();
    o->fresh = {.name = "new-pin", .prompt = "New PIN"};
    Command command{.name = "pin",
                    .summary = "Set a PIN of 4 to 6 digits that opens the wallet on this device",
                    .examples =
                        "Examples:\n  meshchain wallet pin --data alice\n"
                        "  meshchain wallet pin --remove --data alice",
                    .options = {{"--remove", "", "have none any more", &o->remove}},
                    .run = [&context, o] { return set_pin(context, *o); }};
    o->unlock.passphrase.add_to(command.options);
    o->fresh.add_to(command.options);
    return command;
}

}  // namespace

std::vector<Command> wallet_secret_commands(const Context& context) {
    const auto o = std::make_shared<SecretOptions>();
    return {{.name = "backup",
             .summary = "Copy the sealed wallet, with the node running or not",
             .examples = "Example:\n  meshchain wallet backup /media/stick/alice.wallet --data "
                         "alice",
             .options = {{"file", "FILE", "where to; it must not be there yet", &o->file, true}},
             .run = [&context, o] { return backup(context, *o); }},
            phrase_command(context),
            verify_command(context),
            passphrase_command(context),
            pin_command(context)};
}

}  // namespace meshchain::app
