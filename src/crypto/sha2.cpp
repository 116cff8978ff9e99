#include "crypto/sha2.h"

#include <sodium.h>

#include "base/assert.h"
#include "base/resource_guard.h"
#include "crypto/signature.h"
#include "crypto/sodium_bytes.h"

namespace meshchain::crypto {
namespace {

void wipe_state(crypto_auth_hmacsha512_state& state) { sodium_memzero(&state, sizeof state); }

}  // namespace

Sha256 sha256(base::Bytes message) {
    Sha256 result;
    crypto_hash_sha256(raw_mutable(result), raw(message), message.size());
    return result;
}

Sha512 hmac_sha512(base::Bytes key, base::Bytes message) {
    Sha512 result;
    crypto_auth_hmacsha512_state state;
    const base::ResourceGuard wipe_it([&] { wipe_state(state); });
    crypto_auth_hmacsha512_init(&state, raw(key), key.size());
    crypto_auth_hmacsha512_update(&state, raw(message), message.size());
    crypto_auth_hmacsha512_final(&state, raw_mutable(result));
    return result;
}

Sha512 pbkdf2_sha512(base::Bytes password, base::Bytes salt, unsigned rounds) {
    MESH_ASSERT(rounds > 0);
    // The key's pads are hashed once and copied for each round.
    crypto_auth_hmacsha512_state keyed;
    crypto_auth_hmacsha512_state state;
    Sha512 block;
    const base::ResourceGuard wipe_all([&] {
        wipe_state(keyed);
        wipe_state(state);
        wipe(block);
    });
    crypto_auth_hmacsha512_init(&keyed, raw(password), password.size());
    constexpr std::array<unsigned char, 4> first_block{0, 0, 0, 1};
    state = keyed;
    crypto_auth_hmacsha512_update(&state, raw(salt), salt.size());
    crypto_auth_hmacsha512_update(&state, first_block.data(), first_block.size());
    crypto_auth_hmacsha512_final(&state, raw_mutable(block));
    Sha512 sum = block;
    for (unsigned round = 1; round < rounds; ++round) {
        state = keyed;
        crypto_auth_hmacsha512_update(&state, raw(block), block.size());
        crypto_auth_hmacsha512_final(&state, raw_mutable(block));
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] ^= block[i];
    }
    return sum;
}

}  // namespace meshchain::crypto
