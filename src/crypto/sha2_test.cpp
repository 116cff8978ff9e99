#include "crypto/sha2.h"

#include <gtest/gtest.h>

namespace meshchain::crypto {
namespace {

using base::as_bytes;

TEST(Sha2, Sha256_AgreesWithFips180) {
    EXPECT_EQ(base::to_hex(sha256(as_bytes("abc"))),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha2, HmacSha512_AgreesWithRfc4231) {
    EXPECT_EQ(base::to_hex(hmac_sha512(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
              "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
              "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
    // A key longer than a block is hashed first: test case 6.
    const base::Buffer key(131, std::byte{0xaa});
    EXPECT_EQ(base::to_hex(hmac_sha512(
                  key, as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
              "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
              "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598");
}

// By Python's hashlib.pbkdf2_hmac, which is OpenSSL's.
TEST(Sha2, Pbkdf2_AgreesWithOpenSsl) {
    EXPECT_EQ(base::to_hex(pbkdf2_sha512(as_bytes("password"), as_bytes("salt"), 1)),
              "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252"
              "c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce");
    EXPECT_EQ(base::to_hex(pbkdf2_sha512(as_bytes("password"), as_bytes("salt"), 4096)),
              "d197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e072f457b5"
              "143f30602641b3d55cd335988cb36b84376060ecd532e039b742a239434af2d5");
}

}  // namespace
}  // namespace meshchain::crypto
