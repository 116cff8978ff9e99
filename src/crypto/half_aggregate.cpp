#include "crypto/half_aggregate.h"

#include <sodium.h>

#include <algorithm>

#include "base/cursor.h"
#include "crypto/sodium_bytes.h"

namespace meshchain::crypto {
namespace {

constexpr std::string_view domain = "mc/half/1";

static_assert(sizeof(Scalar) == crypto_core_ed25519_SCALARBYTES);
static_assert(sizeof(NoncePoint) == crypto_core_ed25519_BYTES);

using WideScalar = std::array<std::byte, crypto_core_ed25519_NONREDUCEDSCALARBYTES>;

Scalar reduce(const WideScalar& wide) {
    Scalar scalar;
    crypto_core_ed25519_scalar_reduce(raw_mutable(scalar), raw(wide));
    return scalar;
}

bool is_reduced(const Scalar& scalar) {
    WideScalar wide{};
    std::ranges::copy(scalar, wide.begin());
    return reduce(wide) == scalar;
}

Scalar product(const Scalar& a, const Scalar& b) {
    Scalar result;
    crypto_core_ed25519_scalar_mul(raw_mutable(result), raw(a), raw(b));
    return result;
}

/// SHA-512(R ‖ A ‖ M): what the signer multiplied its secret by (RFC 8032, 5.1.6).
Scalar challenge(const NoncePoint& nonce, const Statement& statement) {
    crypto_hash_sha512_state state;
    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, raw(nonce), nonce.size());
    crypto_hash_sha512_update(&state, raw(statement.key.span()), PublicKey::size);
    crypto_hash_sha512_update(&state, raw(statement.message), statement.message.size());
    WideScalar wide;
    crypto_hash_sha512_final(&state, raw_mutable(wide));
    return reduce(wide);
}

/// The random factor of each signature, bound to all of them.
class Factors {
public:
    Factors(std::span<const Statement> statements, std::span<const NoncePoint> nonces) {
        base::Buffer all;
        base::Writer writer(all);
        writer.u8(static_cast<std::uint8_t>(domain.size())).text(domain);
        for (std::size_t i = 0; i < statements.size(); ++i) {
            writer.bytes(nonces[i]).bytes(statements[i].key.bytes);
            writer.bytes(hash(statements[i].message).bytes);
        }
        transcript_ = hash(all);
    }

    Scalar of(std::size_t index) const {
        base::Buffer input;
        base::Writer(input).bytes(transcript_.bytes).u32(static_cast<std::uint32_t>(index));
        WideScalar wide;
        crypto_generichash(raw_mutable(wide), wide.size(), raw(input), input.size(), nullptr, 0);
        return reduce(wide);
    }

private:
    Hash transcript_;
};

/// Adds `factor` times `point` to `sum`. False unless the point is canonical, of prime order.
bool add_multiple(std::optional<NoncePoint>& sum, const Scalar& factor, base::Bytes point) {
    NoncePoint multiple;
    if (crypto_scalarmult_ed25519_noclamp(raw_mutable(multiple), raw(factor), raw(point)) != 0) {
        return false;
    }
    if (!sum) {
        sum = multiple;
        return true;
    }
    return crypto_core_ed25519_add(raw_mutable(*sum), raw(*sum), raw(multiple)) == 0;
}

}  // namespace

std::optional<HalfAggregate> half_aggregate(std::span<const Statement> statements,
                                            std::span<const Signature> signatures) {
    if (statements.size() != signatures.size()) return std::nullopt;
    HalfAggregate aggregate;
    std::vector<Scalar> halves;
    for (std::size_t i = 0; i < statements.size(); ++i) {
        const auto& [key, message] = statements[i];
        if (!is_prime_order(key) || !verify(key, message, signatures[i])) return std::nullopt;
        base::Reader in(signatures[i].span());
        aggregate.nonces.push_back(in.array<sizeof(NoncePoint)>());
        halves.push_back(in.array<sizeof(Scalar)>());
    }
    const Factors factors(statements, aggregate.nonces);
    for (std::size_t i = 0; i < halves.size(); ++i) {
        const Scalar part = product(factors.of(i), halves[i]);
        crypto_core_ed25519_scalar_add(raw_mutable(aggregate.sum), raw(aggregate.sum), raw(part));
    }
    return aggregate;
}

bool verify(std::span<const Statement> statements, const HalfAggregate& aggregate) {
    if (statements.empty() || statements.size() != aggregate.nonces.size()) return false;
    if (!is_reduced(aggregate.sum)) return false;
    NoncePoint left;
    if (crypto_scalarmult_ed25519_base_noclamp(raw_mutable(left), raw(aggregate.sum)) != 0) {
        return false;
    }
    const Factors factors(statements, aggregate.nonces);
    std::optional<NoncePoint> right;
    for (std::size_t i = 0; i < statements.size(); ++i) {
        const NoncePoint& nonce = aggregate.nonces[i];
        const Scalar factor = factors.of(i);
        const Scalar both = product(factor, challenge(nonce, statements[i]));
        if (!add_multiple(right, factor, nonce)) return false;
        if (!add_multiple(right, both, statements[i].key.span())) return false;
    }
    return left == right;
}

}  // namespace meshchain::crypto
