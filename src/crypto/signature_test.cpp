#include "crypto/signature.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/cursor.h"

namespace meshchain::crypto {
namespace {

template <std::size_t N>
std::array<std::byte, N> bytes_of(std::string_view hex) {
    return base::Reader(base::from_hex(hex).value()).array<N>();
}

SigningKey test_key(std::byte seed = std::byte{1}) {
    SigningKey::Seed bytes{};
    bytes[0] = seed;
    return SigningKey::from_seed(bytes);
}

struct Vector {
    const char* seed;
    const char* key;
    const char* message;
    const char* signature;
};

// RFC 8032, 7.1: TEST 1, 2, 3 and TEST SHA(abc).
constexpr std::array rfc8032{
    Vector{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
           "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
           "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
           "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    Vector{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
           "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
           "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
           "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    Vector{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
           "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
           "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
           "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
    Vector{"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
           "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
           "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
           "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
           "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
           "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"},
};

TEST(Verify, AnyBitOfKeyMessageOrSignatureChanged_Fails) {
    const SigningKey key = test_key();
    const base::Buffer message = base::to_buffer(base::as_bytes("pay 3 to the baker"));
    const Signature signature = key.sign(message);
    ASSERT_TRUE(verify(key.public_key(), message, signature));
    const auto flip = [](auto& bytes, std::size_t bit) {
        bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    };
    for (std::size_t bit = 0; bit < 8 * Signature::size; ++bit) {
        Signature wrong = signature;
        flip(wrong.bytes, bit);
        ASSERT_FALSE(verify(key.public_key(), message, wrong)) << bit;
    }
    for (std::size_t bit = 0; bit < 8 * PublicKey::size; ++bit) {
        PublicKey wrong = key.public_key();
        flip(wrong.bytes, bit);
        ASSERT_FALSE(verify(wrong, message, signature)) << bit;
    }
    for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
        base::Buffer wrong = message;
        flip(wrong, bit);
        ASSERT_FALSE(verify(key.public_key(), wrong, signature)) << bit;
    }
}

TEST(Verify, SignatureWithTheGroupOrderAdded_IsNotASecondOne) {
    const SigningKey key = test_key();
    Signature signature = key.sign({});
    // L, little-endian.
    const auto order =
        bytes_of<32>("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    unsigned carry = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
        carry += std::to_integer<unsigned>(signature.bytes[32 + i]) +
                 std::to_integer<unsigned>(order[i]);
        signature.bytes[32 + i] = static_cast<std::byte>(carry & 0xff);
        carry >>= 8;
    }
    EXPECT_FALSE(verify(key.public_key(), {}, signature));
}

TEST(Verify, SmallOrderKeys_VerifyNothing) {
    // With the neutral element as key, R = B·0 and s = 0 would satisfy a naive check.
    PublicKey neutral;
    neutral.bytes[0] = std::byte{1};
    Signature zero;
    zero.bytes[0] = std::byte{1};
    EXPECT_FALSE(verify(neutral, base::as_bytes("anything"), zero));
}

TEST(Signature, Rfc8032_KnownAnswers) {
    for (const Vector& vector : rfc8032) {
        const SigningKey key = SigningKey::from_seed(bytes_of<32>(vector.seed));
        const base::Buffer message = base::from_hex(vector.message).value();
        EXPECT_EQ(base::to_hex(key.public_key().bytes), vector.key);
        EXPECT_EQ(base::to_hex(key.sign(message).bytes), vector.signature);
        EXPECT_TRUE(verify({bytes_of<32>(vector.key)}, message, {bytes_of<64>(vector.signature)}));
    }
}

TEST(IsPrimeOrder, KeysOfSmallOrMixedOrderOrNonCanonical_AreNot) {
    for (const char* hex :
         {// The points of order 1, 2, 4 and 8, then a non-canonical form of y = 1.
          "0100000000000000000000000000000000000000000000000000000000000000",
          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
          "0000000000000000000000000000000000000000000000000000000000000000",
          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
          // Not on the curve.
          "0200000000000000000000000000000000000000000000000000000000000000"}) {
        EXPECT_FALSE(is_prime_order({bytes_of<32>(hex)})) << hex;
    }
    EXPECT_TRUE(is_prime_order(test_key().public_key()));
}

TEST(SigningKey, MovedFrom_HoldsNoSecret) {
    SigningKey first = test_key();
    const SigningKey::Seed seed = first.seed();
    const SigningKey second = std::move(first);
    EXPECT_EQ(second.seed(), seed);
    EXPECT_EQ(first.seed(), SigningKey::Seed{});  // NOLINT(bugprone-use-after-move): the promise
    SigningKey third = test_key(std::byte{7});
    SigningKey fourth = test_key(std::byte{8});
    third = std::move(fourth);
    EXPECT_EQ(fourth.seed(), SigningKey::Seed{});  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(third.public_key(), test_key(std::byte{8}).public_key());
}

TEST(SigningKey, CloneAndSeed_GiveTheSameKey) {
    const SigningKey key = test_key(std::byte{3});
    EXPECT_EQ(key.clone().public_key(), key.public_key());
    EXPECT_EQ(key.clone().sign({}), key.sign({}));
    EXPECT_EQ(SigningKey::from_seed(key.seed()).public_key(), key.public_key());
}

TEST(Wipe, Memory_IsZeros) {
    std::array<std::byte, 5> memory;
    memory.fill(std::byte{9});
    wipe(memory);
    EXPECT_TRUE(std::ranges::all_of(memory, [](std::byte b) { return b == std::byte{0}; }));
    wipe({});
}

}  // namespace
}  // namespace meshchain::crypto
