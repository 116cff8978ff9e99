#include "crypto/hash.h"

#include <gtest/gtest.h>

#include "crypto/identity.h"

namespace meshchain::crypto {
namespace {

using base::as_bytes;

std::string blake2b(base::Bytes message) { return to_hex(hash(message)); }

TEST(HashFromHex, WrongLengthOrDigits_AreMalformed) {
    const std::string digits(64, 'a');
    EXPECT_TRUE(hash_from_hex(digits));
    for (const std::string& text : {std::string(), digits.substr(1), digits.substr(2),
                                    digits + "aa", "g" + digits.substr(1)}) {
        const auto result = hash_from_hex(text);
        ASSERT_FALSE(result) << text;
        EXPECT_EQ(result.error().code, base::Errc::malformed);
        EXPECT_FALSE(public_key_from_hex(text));
    }
}

// The values for 32 bytes of output by Python's hashlib.blake2b, which passes RFC 7693's self-test.
TEST(Hash, Blake2b256_KnownAnswers) {
    EXPECT_EQ(blake2b({}), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    EXPECT_EQ(blake2b(as_bytes("abc")),
              "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    base::Buffer bytes(300);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
    EXPECT_EQ(blake2b(base::Bytes(bytes).first(128)),
              "c3582f71ebb2be66fa5dd750f80baae97554f3b015663c8be377cfcb2488c1d1");
    EXPECT_EQ(blake2b(base::Bytes(bytes).first(129)),
              "f7f3c46ba2564ff4c4c162da1f5b605f9f1c4aa6a20652a9f9a337c1a2f5b9c9");
    EXPECT_EQ(blake2b(bytes), "3a486e3fe3ee414853000269ac020030aeef748cb05cd62ba85939ec298ef25c");
}

TEST(Hash, OfTwoParts_IsTheHashOfTheirJoin) {
    EXPECT_EQ(hash(as_bytes("ab"), as_bytes("c")), hash(as_bytes("abc")));
    EXPECT_EQ(hash(as_bytes(""), as_bytes("abc")), hash(as_bytes("abc")));
    EXPECT_NE(hash(as_bytes("ab"), as_bytes("c")), hash(as_bytes("ab"), as_bytes("d")));
}

TEST(Preimage, DomainBehindItsLengthThenChainThenType) {
    Hash chain;
    chain.bytes.fill(std::byte{0xcc});
    EXPECT_EQ(base::to_hex(preimage("mc/tx/1", chain, 5)),
              "07"
              "6d632f74782f31" +
                  to_hex(chain) + "05");
}

TEST(Preimage, NeighbouringDomains_NeverMeet) {
    EXPECT_NE(preimage("mc/a", {}, 0), preimage("mc/ab", {}, 0));
}

TEST(Mac, KnownAnswerAndKeyed) {
    MacKey key;
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::byte>(i);
    EXPECT_EQ(base::to_hex(mac(key, as_bytes("abc"))), "1a64be47e4729d951c302ee543f97cf3");
    key[31] ^= std::byte{1};
    EXPECT_NE(base::to_hex(mac(key, as_bytes("abc"))), "1a64be47e4729d951c302ee543f97cf3");
}

TEST(EqualConstantTime, TellsContentAndLength) {
    EXPECT_TRUE(equal_constant_time(as_bytes("abc"), as_bytes("abc")));
    EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("abd")));
    EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("ab")));
    EXPECT_TRUE(equal_constant_time({}, {}));
}

// vectors_sip64 of the reference implementation: key 00 … 0f, message of i bytes 00, 01, …; its
// output is read there as little-endian bytes, here as the number those bytes spell big-endian.
TEST(ShortHash, SipHash24_ReferenceVectors) {
    ShortHashKey key;
    std::array<std::byte, 16> message;
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = message[i] = static_cast<std::byte>(i);
    const auto of = [&](std::size_t size) {
        return short_hash(key, base::Bytes(message).first(size));
    };
    EXPECT_EQ(of(0), 0x310e0edd47db6f72U);
    EXPECT_EQ(of(1), 0xfd67dc93c539f874U);
    EXPECT_EQ(of(2), 0x5a4fa9d909806c0dU);
    EXPECT_EQ(of(8), 0x6224939a79f5f593U);
    EXPECT_EQ(of(15), 0xe545be4961ca29a1U);
}

// RFC 8032 7.1 TEST 1's key; node ids are the first 8 bytes of its BLAKE2b-256.
TEST(NodeId, IsTheFrontOfTheKeysHash) {
    const auto key =
        public_key_from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    ASSERT_TRUE(key);
    EXPECT_EQ(to_hex(node_id(*key)), "7849ac3049680be1");
    EXPECT_EQ(to_hex(*key), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
}

// The same key, u = (1 + y) / (1 - y) computed apart.
TEST(NodeId, X25519Key_IsTheSamePointOnTheOtherCurve) {
    const auto key =
        public_key_from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    ASSERT_TRUE(key);
    ASSERT_TRUE(x25519_key(*key));
    EXPECT_EQ(base::to_hex(*x25519_key(*key)),
              "d85e07ec22b0ad881537c2f44d662d1a143cf830c57aca4305d85c7a90f6b62e");
    EXPECT_FALSE(x25519_key(PublicKey{}));
}

}  // namespace
}  // namespace meshchain::crypto
