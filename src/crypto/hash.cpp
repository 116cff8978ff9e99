#include "crypto/hash.h"

#include <sodium.h>

#include "base/assert.h"
#include "base/cursor.h"
#include "crypto/sodium_bytes.h"

namespace meshchain::crypto {

std::string to_hex(const Hash& hash) { return base::to_hex(hash.bytes); }

std::expected<Hash, base::Error> hash_from_hex(std::string_view text) {
    MESH_TRY(const base::Buffer bytes, base::from_hex(text));
    if (bytes.size() != Hash::size) {
        return base::failure(base::Errc::malformed,
                             "a hash of " + std::to_string(bytes.size()) + " bytes", "hash",
                             "give 64 hexadecimal digits");
    }
    return Hash{base::Reader(bytes).array<Hash::size>()};
}

Hash hash(base::Bytes message) {
    Hash result;
    crypto_generichash(raw_mutable(result.bytes), Hash::size, raw(message), message.size(), nullptr,
                       0);
    return result;
}

Hash hash(base::Bytes first, base::Bytes second) {
    crypto_generichash_state state;
    Hash result;
    crypto_generichash_init(&state, nullptr, 0, Hash::size);
    crypto_generichash_update(&state, raw(first), first.size());
    crypto_generichash_update(&state, raw(second), second.size());
    crypto_generichash_final(&state, raw_mutable(result.bytes), Hash::size);
    return result;
}

base::Buffer preimage(std::string_view domain, const Hash& chain, std::uint8_t type) {
    MESH_ASSERT(domain.size() < 256);
    base::Buffer out;
    out.reserve(256);
    base::Writer(out)
        .u8(static_cast<std::uint8_t>(domain.size()))
        .text(domain)
        .bytes(chain.bytes)
        .u8(type);
    return out;
}

Mac mac(const MacKey& key, base::Bytes message) {
    Mac result;
    crypto_generichash(raw_mutable(result), result.size(), raw(message), message.size(), raw(key),
                       key.size());
    return result;
}

bool equal_constant_time(base::Bytes a, base::Bytes b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::uint64_t short_hash(const ShortHashKey& key, base::Bytes message) {
    std::array<std::byte, crypto_shorthash_BYTES> out;
    crypto_shorthash(raw_mutable(out), raw(message), message.size(), raw(key));
    return base::Reader(out).u64();
}

WideShortHash wide_short_hash(const ShortHashKey& key, base::Bytes message) {
    static_assert(std::tuple_size_v<WideShortHash> == crypto_shorthash_siphashx24_BYTES);
    WideShortHash out;
    crypto_shorthash_siphashx24(raw_mutable(out), raw(message), message.size(), raw(key));
    return out;
}

}  // namespace meshchain::crypto
