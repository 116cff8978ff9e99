#include "wallet/hd_key.h"

#include <algorithm>

#include "base/assert.h"
#include "base/cursor.h"
#include "base/resource_guard.h"

namespace meshchain::wallet {
namespace {

constexpr std::uint32_t hardened = 0x8000'0000;
constexpr std::uint32_t purpose = 44;  // BIP-44

}  // namespace

HdKey HdKey::master(base::Bytes seed) {
    return HdKey(crypto::hmac_sha512(base::as_bytes("ed25519 seed"), seed));
}

HdKey HdKey::child(std::uint32_t index) const {
    MESH_ASSERT(index < hardened);
    std::array<std::byte, 1 + 32 + 4> data{};
    const base::ResourceGuard wipe_data([&] { crypto::wipe(data); });
    base::FixedWriter(data).u8(0).bytes(base::Bytes(bytes_).first(32)).u32(hardened | index);
    return HdKey(crypto::hmac_sha512(chain_code(), data));
}

crypto::SigningKey::Seed HdKey::secret() const {
    crypto::SigningKey::Seed seed;
    std::copy_n(bytes_.begin(), seed.size(), seed.begin());
    return seed;
}

HdKey payment_key(base::Bytes seed, std::uint32_t account, std::uint32_t index) {
    return HdKey::master(seed).child(purpose).child(coin_type).child(account).child(index);
}

}  // namespace meshchain::wallet
