#include "crypto/seal.h"

#include <sodium.h>

#include "base/cursor.h"
#include "base/resource_guard.h"
#include "crypto/signature.h"
#include "crypto/sodium_bytes.h"

namespace meshchain::crypto {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::size_t key_bytes = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t header_bytes = 1 + 4 + 4 + base::Kdf::salt_bytes + nonce_bytes;
/// More than any file of ours asks for; a larger cost in a file is damage or an attack on memory.
constexpr base::KdfCost cost_max{64, 4 * 1024 * 1024};

using Key = std::array<std::byte, key_bytes>;

base::Buffer associated_data(std::string_view purpose, base::Bytes header) {
    base::Buffer data;
    base::Writer(data).u8(static_cast<std::uint8_t>(purpose.size())).text(purpose).bytes(header);
    return data;
}

}  // namespace

std::expected<base::Buffer, base::Error> seal(base::Kdf& kdf, base::Entropy& entropy,
                                              base::KdfCost cost, base::Bytes passphrase,
                                              std::string_view purpose, base::Bytes secret) {
    std::array<std::byte, base::Kdf::salt_bytes> salt;
    std::array<std::byte, nonce_bytes> nonce;
    entropy.fill(salt);
    entropy.fill(nonce);
    Key key;
    const base::ResourceGuard wipe_key([&] { wipe(key); });
    MESH_CHECK(kdf.derive(key, passphrase, salt, cost));

    base::Buffer out;
    base::Writer(out).u8(version).u32(cost.passes).u32(cost.memory_kib).bytes(salt).bytes(nonce);
    const base::Buffer associated = associated_data(purpose, out);
    out.resize(header_bytes + secret.size() + tag_bytes);
    crypto_aead_xchacha20poly1305_ietf_encrypt(raw_mutable(out) + header_bytes, nullptr,
                                               raw(secret), secret.size(), raw(associated),
                                               associated.size(), nullptr, raw(nonce), raw(key));
    return out;
}

std::expected<base::Buffer, base::Error> open(base::Kdf& kdf, base::Bytes passphrase,
                                              std::string_view purpose, base::Bytes sealed) {
    base::Reader in(sealed);
    const std::uint8_t found_version = in.u8();
    if (in.ok() && found_version != version) {
        return base::failure(base::Errc::wrong_version,
                             "sealed format version " + std::to_string(found_version), "seal",
                             "use a program that knows this version");
    }
    base::KdfCost cost{};
    cost.passes = in.u32();
    cost.memory_kib = in.u32();
    const auto salt = in.array<base::Kdf::salt_bytes>();
    const auto nonce = in.array<nonce_bytes>();
    const base::Bytes ciphertext = in.rest();
    if (!in.ok() || ciphertext.size() < tag_bytes || cost.passes > cost_max.passes ||
        cost.memory_kib > cost_max.memory_kib) {
        return base::failure(base::Errc::malformed, "not a sealed secret", "seal",
                             "restore the file from its backup");
    }
    Key key;
    const base::ResourceGuard wipe_key([&] { wipe(key); });
    MESH_CHECK(kdf.derive(key, passphrase, salt, cost));

    const base::Buffer associated = associated_data(purpose, sealed.first(header_bytes));
    base::Buffer secret(ciphertext.size() - tag_bytes);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            raw_mutable(secret), nullptr, nullptr, raw(ciphertext), ciphertext.size(),
            raw(associated), associated.size(), raw(nonce), raw(key)) != 0) {
        return base::failure(base::Errc::unauthorized, "wrong passphrase, or the file was altered",
                             "seal", "try the passphrase again, or restore the file's backup");
    }
    return secret;
}

base::Buffer seal_with_key(SealKey key, base::Entropy& entropy, base::Bytes associated,
                           base::Bytes secret) {
    base::Buffer out(nonce_bytes);
    entropy.fill(out);
    out.resize(nonce_bytes + secret.size() + tag_bytes);
    crypto_aead_xchacha20poly1305_ietf_encrypt(raw_mutable(out) + nonce_bytes, nullptr, raw(secret),
                                               secret.size(), raw(associated), associated.size(),
                                               nullptr, raw(out), raw(key));
    return out;
}

std::expected<base::Buffer, base::Error> open_with_key(SealKey key, base::Bytes associated,
                                                       base::Bytes sealed) {
    if (sealed.size() < nonce_bytes + tag_bytes) {
        return base::failure(base::Errc::malformed, "too short for a sealed secret", "seal",
                             "restore the file from its backup");
    }
    const base::Bytes ciphertext = sealed.subspan(nonce_bytes);
    base::Buffer secret(ciphertext.size() - tag_bytes);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            raw_mutable(secret), nullptr, nullptr, raw(ciphertext), ciphertext.size(),
            raw(associated), associated.size(), raw(sealed), raw(key)) != 0) {
        return base::failure(base::Errc::corrupt, "what was sealed was altered", "seal",
                             "restore the file from its backup");
    }
    return secret;
}

}  // namespace meshchain::crypto
