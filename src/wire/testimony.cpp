#include "wire/testimony.h"

#include <string_view>

#include "base/cursor.h"

namespace meshchain::wire {
namespace {

base::Buffer behind_domain(std::string_view domain) {
    base::Buffer out;
    base::Writer(out).u8(static_cast<std::uint8_t>(domain.size())).text(domain);
    return out;
}

}  // namespace

bool Reception::is_sound() const {
    for (std::uint16_t seat = 0; seat < validators_max; ++seat) {
        if (rounds({seat}) > rounds_max) return false;
    }
    return true;
}

crypto::Hash commitment_to(const crypto::Hash& secret) {
    return crypto::hash(behind_domain("mc/commit/1"), secret.bytes);
}

crypto::Hash share_of(const crypto::PublicKey& key, const crypto::Hash& secret) {
    base::Buffer out = behind_domain("mc/reveal/1");
    base::Writer(out).bytes(key.bytes).bytes(secret.bytes);
    return crypto::hash(out);
}

}  // namespace meshchain::wire
