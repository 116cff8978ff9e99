#include "crypto/piece_seal.h"

#include <sodium.h>

#include <algorithm>

#include "base/assert.h"
#include "base/cursor.h"
#include "crypto/sodium_bytes.h"

namespace meshchain::crypto {
namespace {

constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
static_assert(piece_salt_bytes + 8 == nonce_bytes);
static_assert(piece_tag_bytes == crypto_aead_xchacha20poly1305_ietf_ABYTES);
static_assert(seal_key_bytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

using NonceBytes = std::array<std::byte, nonce_bytes>;

NonceBytes encode(const PieceNonce& nonce) {
    NonceBytes bytes;
    base::FixedWriter(bytes).bytes(nonce.salt).u64(nonce.number);
    return bytes;
}

}  // namespace

void seal_piece(SealKey key, const PieceNonce& nonce, base::Bytes piece, base::MutableBytes out) {
    MESH_ASSERT(out.size() == piece.size() + piece_tag_bytes);
    const NonceBytes place = encode(nonce);
    crypto_aead_xchacha20poly1305_ietf_encrypt(raw_mutable(out), nullptr, raw(piece), piece.size(),
                                               nullptr, 0, nullptr, raw(place), raw(key));
}

bool open_piece(SealKey key, const PieceNonce& nonce, base::Bytes sealed, base::MutableBytes out) {
    MESH_ASSERT(sealed.size() == out.size() + piece_tag_bytes);
    const NonceBytes place = encode(nonce);
    return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
               raw_mutable(out), nullptr, raw(sealed), out.size(), raw(sealed.subspan(out.size())),
               nullptr, 0, raw(place), raw(key)) == 0;
}

void fill_unopened(SealKey key, const PieceNonce& nonce, base::MutableBytes out) {
    constexpr std::string_view purpose = "meshchain unopened piece";
    std::array<std::byte, crypto_generichash_BYTES_MAX> pattern;
    base::Buffer message;
    base::Writer(message).text(purpose).bytes(encode(nonce));
    crypto_generichash(raw_mutable(pattern), pattern.size(), raw(message), message.size(), raw(key),
                       key.size());
    for (std::size_t at = 0; at < out.size(); at += pattern.size()) {
        const std::size_t part = std::min(pattern.size(), out.size() - at);
        std::copy_n(pattern.begin(), part, out.begin() + static_cast<std::ptrdiff_t>(at));
    }
}

}  // namespace meshchain::crypto
