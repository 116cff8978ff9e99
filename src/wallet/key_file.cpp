#include "wallet/key_file.h"

#include "base/assert.h"
#include "base/cursor.h"
#include "base/resource_guard.h"
#include "crypto/hash.h"
#include "crypto/seal.h"

namespace meshchain::wallet {
namespace {

constexpr std::string_view magic = "MCWK";
constexpr std::uint8_t version = 1;
constexpr std::string_view seal_purpose = "wallet";
constexpr std::string_view key_domain = "mc/wallet/1";
/// How keys derive from the seed; later schemes (BIP-39 with SLIP-0010) get numbers of their own.
constexpr std::uint8_t labelled_hash_scheme = 1;

using Seed = crypto::SigningKey::Seed;

/// The clear part: what the sealed one vouches for.
base::Buffer encode_clear(const KeyFile& file) {
    MESH_ASSERT(file.label.size() <= KeyFile::label_bytes_max);
    MESH_ASSERT(!file.keys.empty() && file.keys.size() <= KeyFile::keys_max);
    base::Buffer out;
    base::Writer writer(out);
    writer.text(magic).u8(version).u8(static_cast<std::uint8_t>(file.label.size()));
    writer.text(file.label).u16(static_cast<std::uint16_t>(file.keys.size()));
    for (const crypto::PublicKey& key : file.keys) writer.bytes(key.bytes);
    return out;
}

std::expected<void, base::Error> seal_into(KeyFile& file, const Seed& seed, base::Kdf& kdf,
                                           base::Entropy& entropy, base::KdfCost cost,
                                           base::Bytes passphrase) {
    base::Buffer secret;
    const base::ResourceGuard wipe_secret([&] { crypto::wipe(secret); });
    secret.reserve(1 + Seed{}.size() + crypto::Hash::size);  // growing would leave copies behind
    base::Writer(secret)
        .u8(labelled_hash_scheme)
        .bytes(seed)
        .bytes(crypto::hash(encode_clear(file)).bytes);
    MESH_TRY(file.sealed, crypto::seal(kdf, entropy, cost, passphrase, seal_purpose, secret));
    return {};
}

std::unexpected<base::Error> failure_of(base::Errc code, std::string what, std::string advice) {
    return base::failure(code, std::move(what), "wallet key file", std::move(advice));
}

/// Opens the sealed part into `seed`. The caller wipes it.
std::expected<void, base::Error> open_seed(const KeyFile& file, base::Kdf& kdf,
                                           base::Bytes passphrase, Seed& seed) {
    MESH_TRY(base::Buffer secret, crypto::open(kdf, passphrase, seal_purpose, file.sealed));
    const base::ResourceGuard wipe_secret([&] { crypto::wipe(secret); });
    base::Reader in(secret);
    const std::uint8_t scheme = in.u8();
    in.read(seed);
    const crypto::Hash clear{in.array<crypto::Hash::size>()};
    if (scheme != labelled_hash_scheme) {
        return failure_of(base::Errc::wrong_version, "key scheme " + std::to_string(scheme),
                          "use a program that knows this scheme");
    }
    MESH_CHECK(in.finish("wallet key file"));
    if (clear == crypto::hash(encode_clear(file))) return {};
    return failure_of(base::Errc::corrupt, "its label or public keys were altered",
                      "restore it from its backup, and mistrust addresses it showed");
}

std::expected<void, base::Error> check_passphrase(base::Bytes passphrase) {
    if (!passphrase.empty()) return {};
    return failure_of(base::Errc::invalid_argument, "an empty passphrase",
                      "choose one; several random words are easy to keep in mind");
}

}  // namespace

base::Buffer encode(const KeyFile& file) {
    base::Buffer out = encode_clear(file);
    base::Writer(out).bytes(file.sealed);
    return out;
}

std::expected<KeyFile, base::Error> parse_key_file(base::Bytes bytes) {
    if (bytes.size() > KeyFile::bytes_max) {
        return failure_of(base::Errc::too_large, std::to_string(bytes.size()) + " bytes",
                          "check that this is the right file");
    }
    base::Reader in(bytes);
    if (base::as_text(in.take(magic.size())) != magic) {
        return failure_of(base::Errc::malformed, "not a wallet key file",
                          "check that this is the right file");
    }
    const std::uint8_t found_version = in.u8();
    if (in.ok() && found_version != version) {
        return failure_of(base::Errc::wrong_version, "version " + std::to_string(found_version),
                          "use a program that knows this version");
    }
    KeyFile file;
    const std::size_t label_bytes = in.u8();
    if (label_bytes > KeyFile::label_bytes_max) in.fail();
    file.label = base::as_text(in.take(label_bytes));
    const std::size_t count = in.u16();
    if (count == 0 || count > KeyFile::keys_max) in.fail();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        file.keys.push_back({in.array<crypto::PublicKey::size>()});
    }
    file.sealed = base::to_buffer(in.rest());
    MESH_CHECK(in.finish("wallet key file"));
    return file;
}

std::expected<KeyFile, base::Error> create_key_file(base::Kdf& kdf, base::Entropy& entropy,
                                                    base::KdfCost cost, base::Bytes passphrase,
                                                    std::string_view label) {
    MESH_CHECK(check_passphrase(passphrase));
    if (label.size() > KeyFile::label_bytes_max) {
        return failure_of(base::Errc::invalid_argument,
                          "a label of " + std::to_string(label.size()) + " bytes",
                          "use at most " + std::to_string(KeyFile::label_bytes_max));
    }
    Seed seed;
    const base::ResourceGuard wipe_seed([&] { crypto::wipe(seed); });
    entropy.fill(seed);
    KeyFile file;
    file.label = label;
    file.keys = {derive_key(seed, 0).public_key()};
    MESH_CHECK(seal_into(file, seed, kdf, entropy, cost, passphrase));
    return file;
}

std::expected<std::vector<crypto::SigningKey>, base::Error> open_key_file(base::Kdf& kdf,
                                                                          base::Bytes passphrase,
                                                                          const KeyFile& file) {
    Seed seed{};
    const base::ResourceGuard wipe_seed([&] { crypto::wipe(seed); });
    MESH_CHECK(open_seed(file, kdf, passphrase, seed));
    std::vector<crypto::SigningKey> keys;
    keys.reserve(file.keys.size());
    for (std::size_t i = 0; i < file.keys.size(); ++i) {
        keys.push_back(derive_key(seed, static_cast<std::uint32_t>(i)));
        if (keys.back().public_key() != file.keys[i]) {
            return failure_of(base::Errc::corrupt,
                              "key " + std::to_string(i) + " does not derive from its seed",
                              "restore it from its backup");
        }
    }
    return keys;
}

std::expected<KeyFile, base::Error> add_key(base::Kdf& kdf, base::Entropy& entropy,
                                            base::KdfCost cost, base::Bytes passphrase,
                                            const KeyFile& file) {
    if (file.keys.size() >= KeyFile::keys_max) {
        return failure_of(base::Errc::full,
                          "all " + std::to_string(KeyFile::keys_max) + " keys are handed out",
                          "create another wallet");
    }
    Seed seed{};
    const base::ResourceGuard wipe_seed([&] { crypto::wipe(seed); });
    MESH_CHECK(open_seed(file, kdf, passphrase, seed));
    KeyFile next = file;
    const auto index = static_cast<std::uint32_t>(file.keys.size());
    next.keys.push_back(derive_key(seed, index).public_key());
    MESH_CHECK(seal_into(next, seed, kdf, entropy, cost, passphrase));
    return next;
}

crypto::SigningKey derive_key(const Seed& wallet_seed, std::uint32_t index) {
    base::Buffer labelled;
    labelled.reserve(1 + key_domain.size() + wallet_seed.size() + 4);
    base::Writer(labelled)
        .u8(static_cast<std::uint8_t>(key_domain.size()))
        .text(key_domain)
        .bytes(wallet_seed)
        .u32(index);
    crypto::Hash seed = crypto::hash(labelled);
    crypto::SigningKey key = crypto::SigningKey::from_seed(seed.bytes);
    crypto::wipe(labelled);
    crypto::wipe(seed.bytes);
    return key;
}

}  // namespace meshchain::wallet
