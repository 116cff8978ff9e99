#include "mesh/cookie_jar.h"

#include "base/cursor.h"

namespace meshchain::mesh {
namespace {

constexpr std::size_t time_bytes = 8;
static_assert(std::tuple_size_v<wire::Cookie> == time_bytes + std::tuple_size_v<crypto::Mac>);

std::uint64_t milliseconds(base::Instant now) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<base::Milliseconds>(now.time_since_epoch()).count());
}

crypto::Mac mac_of(const crypto::MacKey& key, std::uint64_t made_ms, const Endpoint& endpoint) {
    std::array<std::byte, time_bytes + 1 + 16 + 2> message;
    base::FixedWriter(message)
        .u64(made_ms)
        .u8(endpoint.link)
        .bytes(endpoint.address.host)
        .u16(endpoint.address.port);
    return crypto::mac(key, message);
}

}  // namespace

CookieJar::CookieJar(base::Entropy& entropy, base::Instant now) : entropy_(entropy), rotated_(now) {
    entropy_.fill(key_);
    entropy_.fill(previous_key_);
}

wire::Cookie CookieJar::make(base::Instant now, const Endpoint& endpoint) {
    rotate(now);
    wire::Cookie cookie;
    base::FixedWriter(cookie)
        .u64(milliseconds(now))
        .bytes(mac_of(key_, milliseconds(now), endpoint));
    return cookie;
}

bool CookieJar::verify(base::Instant now, const Endpoint& endpoint, const wire::Cookie& cookie) {
    rotate(now);
    const std::uint64_t made_ms = made_at_ms(cookie);
    const std::uint64_t now_ms = milliseconds(now);
    const auto lifetime_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<base::Milliseconds>(lifetime).count());
    if (made_ms > now_ms || now_ms - made_ms > lifetime_ms) return false;
    const base::Bytes claimed = base::Bytes(cookie).subspan(time_bytes);
    const auto matches = [&](const crypto::MacKey& key) {
        return crypto::equal_constant_time(mac_of(key, made_ms, endpoint), claimed);
    };
    return matches(key_) || matches(previous_key_);
}

std::uint64_t CookieJar::made_at_ms(const wire::Cookie& cookie) {
    return base::Reader(cookie).u64();
}

void CookieJar::rotate(base::Instant now) {
    if (now - rotated_ < lifetime) return;
    previous_key_ = key_;
    entropy_.fill(key_);
    rotated_ = now;
}

}  // namespace meshchain::mesh
