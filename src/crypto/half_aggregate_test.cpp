#include "crypto/half_aggregate.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>

#include "base/cursor.h"
#include "crypto/sodium_bytes.h"

namespace meshchain::crypto {
namespace {

struct Signed {
    std::vector<Statement> statements;
    std::vector<Signature> signatures;
};

SigningKey key_of(int number) {
    SigningKey::Seed seed{};
    seed[0] = static_cast<std::byte>(number);
    return SigningKey::from_seed(seed);
}

/// `count` keys, each over a message of its own.
Signed sign_all(int count) {
    Signed all;
    for (int i = 0; i < count; ++i) {
        const SigningKey key = key_of(i + 1);
        const std::string text = "vote of " + std::to_string(i);
        all.statements.push_back({key.public_key(), base::to_buffer(base::as_bytes(text))});
        all.signatures.push_back(key.sign(all.statements.back().message));
    }
    return all;
}

TEST(HalfAggregate, OfAnyNumber_IsHalfAndOne_AndProvesEachStatement) {
    for (const int count : {1, 2, 3, 7, 16}) {
        const Signed all = sign_all(count);
        const auto aggregate = half_aggregate(all.statements, all.signatures);
        ASSERT_TRUE(aggregate.has_value()) << count;
        EXPECT_EQ(aggregate->nonces.size(), static_cast<std::size_t>(count));
        EXPECT_TRUE(verify(all.statements, *aggregate)) << count;
    }
}

TEST(HalfAggregate, AnyByteChanged_ProvesNothing) {
    const Signed all = sign_all(3);
    const auto aggregate = half_aggregate(all.statements, all.signatures);
    ASSERT_TRUE(aggregate.has_value());
    for (std::size_t who = 0; who < 3; ++who) {
        for (std::size_t at = 0; at < 32; at += 5) {
            HalfAggregate nonce = *aggregate;
            nonce.nonces[who][at] ^= std::byte{1};
            EXPECT_FALSE(verify(all.statements, nonce)) << who << "/" << at;
            Signed key = all;
            key.statements[who].key.bytes[at] ^= std::byte{1};
            EXPECT_FALSE(verify(key.statements, *aggregate)) << who << "/" << at;
        }
        Signed message = all;
        message.statements[who].message[0] ^= std::byte{1};
        EXPECT_FALSE(verify(message.statements, *aggregate)) << who;
    }
    for (std::size_t bit = 0; bit < 256; bit += 7) {
        HalfAggregate sum = *aggregate;
        sum.sum[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        EXPECT_FALSE(verify(all.statements, sum)) << bit;
    }
}

TEST(HalfAggregate, OrderAndNumberOfStatements_ArePartOfIt) {
    const Signed all = sign_all(3);
    const auto aggregate = half_aggregate(all.statements, all.signatures);
    ASSERT_TRUE(aggregate.has_value());
    std::vector<Statement> swapped = all.statements;
    std::swap(swapped[0], swapped[1]);
    EXPECT_FALSE(verify(swapped, *aggregate));
    HalfAggregate both = *aggregate;
    std::swap(both.nonces[0], both.nonces[1]);
    EXPECT_FALSE(verify(swapped, both)) << "the factors belong to the places";
    EXPECT_FALSE(verify(std::span(all.statements).first(2), *aggregate));
    EXPECT_FALSE(verify({}, HalfAggregate{}));
    EXPECT_FALSE(verify({}, HalfAggregate{{}, {std::byte{1}}}));
}

/// Two signatures that are both wrong could make up for one another in a plain sum.
TEST(HalfAggregate, APlainSumOfTheHalves_IsRefused) {
    const Signed all = sign_all(2);
    auto aggregate = half_aggregate(all.statements, all.signatures);
    ASSERT_TRUE(aggregate.has_value());
    Scalar plain{};
    for (const Signature& signature : all.signatures) {
        crypto_core_ed25519_scalar_add(raw_mutable(plain), raw(plain),
                                       raw(signature.span().subspan(32)));
    }
    aggregate->sum = plain;
    EXPECT_FALSE(verify(all.statements, *aggregate));
}

TEST(HalfAggregate, ASumThatIsNotReduced_IsRefused) {
    const Signed all = sign_all(2);
    auto aggregate = half_aggregate(all.statements, all.signatures);
    ASSERT_TRUE(aggregate.has_value());
    // The order of the group, little-endian (RFC 8032, 5.1).
    const auto order =
        base::from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").value();
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
        carry += std::to_integer<unsigned>(aggregate->sum[i]) + std::to_integer<unsigned>(order[i]);
        aggregate->sum[i] = static_cast<std::byte>(carry & 255U);
        carry >>= 8;
    }
    ASSERT_EQ(carry, 0U);
    EXPECT_FALSE(verify(all.statements, *aggregate));
}

/// Who chooses its key after seeing the others' could cancel them in a sum of keys. Here each key
/// has a challenge and a factor of its own.
TEST(HalfAggregate, AKeyMadeFromTheOthers_DoesNotSignForThem) {
    const Signed honest = sign_all(1);
    const SigningKey own = key_of(77);
    PublicKey rogue;
    ASSERT_EQ(crypto_core_ed25519_sub(raw_mutable(rogue.bytes), raw(own.public_key().span()),
                                      raw(honest.statements[0].key.span())),
              0);
    const std::vector<Statement> claimed{
        {honest.statements[0].key, base::to_buffer(base::as_bytes("never said"))},
        {rogue, base::to_buffer(base::as_bytes("never said"))}};
    const Signature of_the_sum = own.sign(claimed[0].message);
    base::Reader in(of_the_sum.span());
    HalfAggregate forged;
    forged.nonces.push_back(in.array<32>());
    forged.nonces.push_back(forged.nonces[0]);
    forged.sum = in.array<32>();
    EXPECT_FALSE(verify(claimed, forged));
}

TEST(HalfAggregate, PointsOfSmallOrder_AreRefusedWhereverTheyStand) {
    const Signed all = sign_all(2);
    const auto aggregate = half_aggregate(all.statements, all.signatures);
    ASSERT_TRUE(aggregate.has_value());
    // The neutral element, and a point of order 8.
    for (const char* hex : {"0100000000000000000000000000000000000000000000000000000000000000",
                            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"}) {
        const base::Buffer bytes = base::from_hex(hex).value();
        const auto point = base::Reader(bytes).array<32>();
        HalfAggregate nonce = *aggregate;
        nonce.nonces[1] = point;
        EXPECT_FALSE(verify(all.statements, nonce));
        std::vector<Statement> key = all.statements;
        key[1].key.bytes = point;
        EXPECT_FALSE(verify(key, *aggregate));
        EXPECT_FALSE(half_aggregate(key, all.signatures).has_value());
        // A point of small order added to an honest R changes it into one of mixed order.
        HalfAggregate mixed = *aggregate;
        ASSERT_EQ(
            crypto_core_ed25519_add(raw_mutable(mixed.nonces[1]), raw(mixed.nonces[1]), raw(point)),
            0);
        EXPECT_EQ(verify(all.statements, mixed), mixed == *aggregate);
    }
}

TEST(HalfAggregate, ASignatureThatDoesNotHold_IsNotAggregated) {
    Signed all = sign_all(2);
    std::swap(all.signatures[0], all.signatures[1]);
    EXPECT_FALSE(half_aggregate(all.statements, all.signatures).has_value());
    all.signatures.pop_back();
    EXPECT_FALSE(half_aggregate(all.statements, all.signatures).has_value());
}

}  // namespace
}  // namespace meshchain::crypto
