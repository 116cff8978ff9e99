#include "crypto/identity.h"

#include <sodium.h>

#include <algorithm>

#include "crypto/sodium_bytes.h"

namespace meshchain::crypto {

NodeId node_id(const PublicKey& identity) {
    NodeId id;
    std::copy_n(hash(identity.span()).bytes.begin(), NodeId::size, id.bytes.begin());
    return id;
}

std::string to_hex(const NodeId& id) { return base::to_hex(id.bytes); }
std::string to_hex(const PublicKey& key) { return base::to_hex(key.bytes); }

std::optional<std::array<std::byte, 32>> x25519_key(const PublicKey& identity) {
    std::array<std::byte, 32> key;
    if (crypto_sign_ed25519_pk_to_curve25519(raw_mutable(key), raw(identity.span())) != 0) {
        return std::nullopt;
    }
    return key;
}

std::expected<PublicKey, base::Error> public_key_from_hex(std::string_view text) {
    MESH_TRY(const Hash bytes, hash_from_hex(text));
    return PublicKey{bytes.bytes};
}

}  // namespace meshchain::crypto
