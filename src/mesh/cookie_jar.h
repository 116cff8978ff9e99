#pragma once
// Cookies (PROTOCOL.md P1.9): they prove that a sender receives at the address it sends from, and
// cost us no memory until it has proved it.
//
// A cookie is the time it was made (u64, milliseconds of our own monotonic clock) and a MAC of time
// and address under a key that nobody else has and that is replaced every `lifetime`.

#include <array>
#include <chrono>

#include "base/entropy.h"
#include "base/time.h"
#include "crypto/hash.h"
#include "mesh/endpoint.h"
#include "wire/control.h"

namespace meshchain::mesh {

class CookieJar {
public:
    static constexpr base::Duration lifetime = std::chrono::seconds(30);

    CookieJar(base::Entropy& entropy, base::Instant now);

    wire::Cookie make(base::Instant now, const Endpoint& endpoint);
    /// True iff we made `cookie` for `endpoint` within `lifetime`.
    bool verify(base::Instant now, const Endpoint& endpoint, const wire::Cookie& cookie);

    /// When it was made: orders the cookies we gave, whatever their holders' clocks say.
    static std::uint64_t made_at_ms(const wire::Cookie& cookie);

private:
    void rotate(base::Instant now);

    base::Entropy& entropy_;
    base::Instant rotated_;
    crypto::MacKey key_;
    crypto::MacKey previous_key_;
};

}  // namespace meshchain::mesh
