#include "wallet/opened_key_file.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/assert.h"
#include "base/cursor.h"
#include "base/resource_guard.h"
#include "crypto/hash.h"
#include "crypto/seal.h"
#include "wallet/hd_key.h"

namespace meshchain::wallet {
namespace {

constexpr std::string_view old_purpose = "wallet";
constexpr std::string_view passphrase_purpose = "wallet/2";
constexpr std::string_view pin_purpose = "wallet/2/pin";
constexpr std::string_view labelled_key_domain = "mc/wallet/1";
constexpr std::size_t old_seed_bytes = 32;
constexpr std::uint32_t first_account = 0;

using Seed = crypto::SigningKey::Seed;

std::unexpected<base::Error> failure_of(base::Errc code, std::string what, std::string advice) {
    return base::failure(code, std::move(what), "wallet key file", std::move(advice));
}

crypto::SealKey seal_key(const base::SecretBuffer& file_key) {
    return crypto::SealKey(file_key.bytes());
}

base::SecretBuffer random_file_key(KeyFileDoors doors) {
    base::SecretBuffer key(doors.memory, crypto::seal_key_bytes);
    doors.entropy.fill(key.bytes());
    return key;
}

/// What Argon2id stretches: the device secret makes up for the few bits of the PIN.
base::SecretBuffer join(base::SecretMemory& memory, base::Bytes device, base::Bytes pin) {
    base::SecretBuffer both(memory, device.size() + pin.size());
    std::ranges::copy(pin, std::ranges::copy(device, both.bytes().begin()).out);
    return both;
}

std::expected<base::Buffer, base::Error> open_slot(KeyFileDoors doors, const KeyFile& file,
                                                   Unlocker unlocker) {
    if (!unlocker.is_pin()) {
        return crypto::open(doors.kdf, unlocker.secret, passphrase_purpose, file.by_passphrase);
    }
    if (file.by_pin.empty()) {
        return failure_of(base::Errc::not_found, "no PIN is set", "use the passphrase");
    }
    const base::SecretBuffer both = join(doors.memory, unlocker.device, unlocker.secret);
    auto opened = crypto::open(doors.kdf, both.bytes(), pin_purpose, file.by_pin);
    if (opened || opened.error().code != base::Errc::unauthorized) return opened;
    return failure_of(base::Errc::unauthorized, "wrong PIN, or not this device's wallet",
                      "try again, or use the passphrase");
}

}  // namespace

OpenedKeyFile OpenedKeyFile::from_phrase(KeyFileDoors doors, const Phrase& phrase,
                                         base::Bytes words_passphrase) {
    OpenedKeyFile opened;
    opened.file_key_ = random_file_key(doors);
    opened.entropy_ = base::SecretBuffer(doors.memory, phrase.entropy());
    Bip39Seed seed = seed_of(phrase, words_passphrase);
    opened.seed_ = base::SecretBuffer(doors.memory, seed);
    crypto::wipe(seed);
    opened.needs_words_passphrase_ = !words_passphrase.empty();
    return opened;
}

std::expected<OpenedKeyFile, base::Error> OpenedKeyFile::open(KeyFileDoors doors,
                                                              const KeyFile& file,
                                                              Unlocker unlocker) {
    if (file.kind == KeyFile::Kind::watch_only) {
        return failure_of(base::Errc::unsupported, "this wallet only watches; it holds no secret",
                          "pay from the wallet that has the keys");
    }
    if (file.kind == KeyFile::Kind::old) {
        if (!unlocker.is_pin()) return open_old(doors, file, unlocker.secret);
        return failure_of(base::Errc::not_found, "no PIN is set", "use the passphrase");
    }
    OpenedKeyFile opened;
    MESH_TRY(base::Buffer key, open_slot(doors, file, unlocker));
    const base::ResourceGuard wipe_key([&] { crypto::wipe(key); });
    if (key.size() != crypto::seal_key_bytes) {
        return failure_of(base::Errc::malformed, "a file key of another length",
                          "restore it from its backup");
    }
    opened.file_key_ = base::SecretBuffer(doors.memory, key);
    auto content =
        crypto::open_with_key(seal_key(opened.file_key_), encode_clear(file), file.content);
    if (!content) {
        return failure_of(base::Errc::corrupt, "its label, public keys or content were altered",
                          "restore it from its backup, and mistrust addresses it showed");
    }
    const base::ResourceGuard wipe_content([&] { crypto::wipe(*content); });
    MESH_CHECK(opened.parse_content(doors.memory, *content));
    MESH_CHECK(opened.check_keys(file));
    return opened;
}

std::expected<OpenedKeyFile, base::Error> OpenedKeyFile::open_old(KeyFileDoors doors,
                                                                  const KeyFile& file,
                                                                  base::Bytes passphrase) {
    MESH_TRY(base::Buffer secret,
             crypto::open(doors.kdf, passphrase, old_purpose, file.by_passphrase));
    const base::ResourceGuard wipe_secret([&] { crypto::wipe(secret); });
    base::Reader in(secret);
    const std::uint8_t scheme = in.u8();
    const base::Bytes seed = in.take(old_seed_bytes);
    const crypto::Hash clear{in.array<crypto::Hash::size>()};
    if (scheme != std::to_underlying(Scheme::labelled_hash)) {
        return failure_of(base::Errc::wrong_version, "key scheme " + std::to_string(scheme),
                          "use a program that knows this scheme");
    }
    MESH_CHECK(in.finish("wallet key file"));
    if (clear != crypto::hash(encode_clear(file))) {
        return failure_of(base::Errc::corrupt, "its label or public keys were altered",
                          "restore it from its backup, and mistrust addresses it showed");
    }
    OpenedKeyFile opened;
    opened.scheme_ = Scheme::labelled_hash;
    opened.file_key_ = random_file_key(doors);
    opened.seed_ = base::SecretBuffer(doors.memory, seed);
    MESH_CHECK(opened.check_keys(file));
    return opened;
}

std::expected<void, base::Error> OpenedKeyFile::parse_content(base::SecretMemory& memory,
                                                              base::Bytes content) {
    base::Reader in(content);
    const std::uint8_t scheme = in.u8();
    if (scheme == std::to_underlying(Scheme::labelled_hash)) {
        seed_ = base::SecretBuffer(memory, in.take(old_seed_bytes));
    } else if (scheme == std::to_underlying(Scheme::phrase)) {
        entropy_ = base::SecretBuffer(memory, in.take(in.u8()));
        const std::uint8_t flag = in.u8();
        if (flag > 1 || !Phrase::from_entropy(entropy_.bytes())) in.fail();
        needs_words_passphrase_ = flag == 1;
        seed_ = base::SecretBuffer(memory, in.take(Bip39Seed{}.size()));
    } else if (in.ok()) {
        return failure_of(base::Errc::wrong_version, "key scheme " + std::to_string(scheme),
                          "use a program that knows this scheme");
    }
    scheme_ = static_cast<Scheme>(scheme);
    return in.finish("wallet key file");
}

std::expected<void, base::Error> OpenedKeyFile::check_keys(const KeyFile& file) const {
    for (std::size_t i = 0; i < file.keys.size(); ++i) {
        if (public_key(static_cast<std::uint32_t>(i)) == file.keys[i]) continue;
        return failure_of(base::Errc::corrupt,
                          "key " + std::to_string(i) + " does not derive from its seed",
                          "restore it from its backup");
    }
    return {};
}

void OpenedKeyFile::seal_content(KeyFileDoors doors, KeyFile& file) const {
    base::Buffer content;
    const base::ResourceGuard wipe_content([&] { crypto::wipe(content); });
    content.reserve(3 + entropy_.size() + seed_.size());  // growing would leave copies behind
    base::Writer out(content);
    out.u8(std::to_underlying(scheme_));
    if (scheme_ == Scheme::phrase) {
        out.u8(static_cast<std::uint8_t>(entropy_.size())).bytes(entropy_.bytes());
        out.u8(needs_words_passphrase_ ? 1 : 0);
    }
    out.bytes(seed_.bytes());
    file.content =
        crypto::seal_with_key(seal_key(file_key_), doors.entropy, encode_clear(file), content);
}

std::expected<KeyFile, base::Error> OpenedKeyFile::make_file(KeyFileDoors doors, base::KdfCost cost,
                                                             base::Bytes passphrase,
                                                             std::string_view label,
                                                             std::size_t handed_out) const {
    MESH_CHECK(check_label(label));
    if (handed_out == 0 || handed_out > KeyFile::keys_max - KeyFile::lookahead) {
        return failure_of(
            base::Errc::invalid_argument, std::to_string(handed_out) + " addresses",
            "allowed: 1 to " + std::to_string(KeyFile::keys_max - KeyFile::lookahead));
    }
    KeyFile file;
    file.label = label;
    file.handed_out = static_cast<std::uint16_t>(handed_out);
    for (std::uint32_t i = 0; i < handed_out + KeyFile::lookahead; ++i) {
        file.keys.push_back(public_key(i));
    }
    return with_passphrase(doors, cost, std::move(file), passphrase);
}

std::expected<KeyFile, base::Error> OpenedKeyFile::with_passphrase(KeyFileDoors doors,
                                                                   base::KdfCost cost, KeyFile file,
                                                                   base::Bytes passphrase) const {
    if (passphrase.empty()) {
        return failure_of(base::Errc::invalid_argument, "an empty passphrase",
                          "choose one; several random words are easy to keep in mind");
    }
    file.kind = KeyFile::Kind::sealed;
    MESH_TRY(file.by_passphrase, crypto::seal(doors.kdf, doors.entropy, cost, passphrase,
                                              passphrase_purpose, file_key_.bytes()));
    seal_content(doors, file);
    return file;
}

std::expected<KeyFile, base::Error> OpenedKeyFile::with_keys(KeyFileDoors doors, KeyFile file,
                                                             std::size_t count) const {
    MESH_ASSERT(count >= file.keys.size());
    if (file.kind != KeyFile::Kind::sealed) {
        return failure_of(base::Errc::unsupported, "a file of the old version takes no more keys",
                          "set its passphrase again, which makes it one of the present version");
    }
    if (count > KeyFile::keys_max) {
        return failure_of(base::Errc::full,
                          "a wallet has at most " + std::to_string(KeyFile::keys_max) + " keys",
                          "create another wallet");
    }
    while (file.keys.size() < count) {
        file.keys.push_back(public_key(static_cast<std::uint32_t>(file.keys.size())));
    }
    seal_content(doors, file);
    return file;
}

std::expected<KeyFile, base::Error> OpenedKeyFile::with_pin(KeyFileDoors doors, base::KdfCost cost,
                                                            KeyFile file, base::Bytes pin,
                                                            base::Bytes device) const {
    MESH_ASSERT(device.size() == device_secret_bytes);
    MESH_CHECK(check_pin(pin));
    if (file.kind != KeyFile::Kind::sealed) {
        return failure_of(base::Errc::unsupported, "a file of the old version takes no PIN",
                          "set its passphrase again, which makes it one of the present version");
    }
    const base::SecretBuffer both = join(doors.memory, device, pin);
    MESH_TRY(file.by_pin, crypto::seal(doors.kdf, doors.entropy, cost, both.bytes(), pin_purpose,
                                       file_key_.bytes()));
    return file;
}

void OpenedKeyFile::write_secret(std::uint32_t index, base::MutableBytes out) const {
    Seed secret = scheme_ == Scheme::phrase
                      ? payment_key(seed_.bytes(), first_account, index).secret()
                      : derive_labelled_key(seed_.bytes(), index).seed();
    std::ranges::copy(secret, out.begin());
    crypto::wipe(secret);
}

crypto::PublicKey OpenedKeyFile::public_key(std::uint32_t index) const {
    Seed secret;
    const base::ResourceGuard wipe_secret([&] { crypto::wipe(secret); });
    write_secret(index, secret);
    return crypto::SigningKey::from_seed(secret).public_key();
}

SecretKeys OpenedKeyFile::keys(base::SecretMemory& memory, std::size_t count) const {
    base::SecretBuffer seeds(memory, count * crypto::SigningKey::seed_size);
    for (std::size_t i = 0; i < count; ++i) {
        write_secret(static_cast<std::uint32_t>(i),
                     seeds.bytes().subspan(i * crypto::SigningKey::seed_size,
                                           crypto::SigningKey::seed_size));
    }
    return SecretKeys(std::move(seeds));
}

std::optional<Phrase> OpenedKeyFile::phrase() const {
    if (scheme_ != Scheme::phrase) return std::nullopt;
    return Phrase::from_entropy(entropy_.bytes()).value();
}

std::expected<void, base::Error> check_pin(base::Bytes pin) {
    const std::string_view digits = base::as_text(pin);
    const auto refused = [](const char* what, const char* advice) {
        return base::failure(base::Errc::invalid_argument, what, "PIN", advice);
    };
    const bool only_digits =
        std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    if (!only_digits || digits.size() < pin_digits_min || digits.size() > pin_digits_max) {
        return refused("is not 4 to 6 digits", "choose 4 to 6 digits, better 6");
    }
    bool is_run = true;
    for (std::size_t i = 2; i < digits.size(); ++i) {
        is_run = is_run && digits[i] - digits[i - 1] == digits[1] - digits[0];
    }
    if (is_run && std::abs(digits[1] - digits[0]) <= 1) {
        return refused("is what everybody tries first", "choose digits neither equal nor in a row");
    }
    return {};
}

std::expected<KeyFile, base::Error> create_key_file(KeyFileDoors doors, base::KdfCost cost,
                                                    base::Bytes passphrase,
                                                    std::string_view label) {
    const Phrase phrase = Phrase::generate(doors.entropy);
    return OpenedKeyFile::from_phrase(doors, phrase).make_file(doors, cost, passphrase, label);
}

crypto::SigningKey derive_labelled_key(base::Bytes seed, std::uint32_t index) {
    base::Buffer labelled;
    labelled.reserve(1 + labelled_key_domain.size() + seed.size() + 4);
    base::Writer(labelled)
        .u8(static_cast<std::uint8_t>(labelled_key_domain.size()))
        .text(labelled_key_domain)
        .bytes(seed)
        .u32(index);
    crypto::Hash secret = crypto::hash(labelled);
    crypto::SigningKey key = crypto::SigningKey::from_seed(secret.bytes);
    crypto::wipe(labelled);
    crypto::wipe(secret.bytes);
    return key;
}

}  // namespace meshchain::wallet
