#include "crypto/seal.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"

namespace meshchain::crypto {
namespace {

using base::as_bytes;
using base::Errc;

constexpr base::KdfCost cost{2, 64};
constexpr std::size_t header_bytes = 1 + 4 + 4 + 16 + 24;
constexpr std::size_t tag_bytes = 16;

/// Every input reaches the key, without Argon2's work; the real one is tested with host.
class QuickKdf final : public base::Kdf {
public:
    std::expected<void, base::Error> derive(base::MutableBytes key, base::Bytes passphrase,
                                            base::Bytes salt, base::KdfCost asked) override {
        ++derivations;
        last_cost = asked;
        if (out_of_memory) return base::failure(Errc::unavailable, "no memory", "test");
        Hash both = hash(passphrase, salt);
        both.bytes[0] ^= static_cast<std::byte>(asked.passes);
        both.bytes[1] ^= static_cast<std::byte>(asked.memory_kib);
        std::copy(both.bytes.begin(), both.bytes.end(), key.begin());
        return {};
    }
    int derivations = 0;
    base::KdfCost last_cost{};
    bool out_of_memory = false;
};

class CountingEntropy final : public base::Entropy {
public:
    void fill(base::MutableBytes out) override {
        for (std::byte& byte : out) byte = static_cast<std::byte>(next_++);
    }

private:
    unsigned next_ = 0;
};

class SealTest : public testing::Test {
protected:
    base::Buffer sealed(std::string_view secret = "the secret") {
        return seal(kdf, entropy, cost, as_bytes("pass"), "test", as_bytes(secret)).value();
    }
    std::expected<base::Buffer, base::Error> open_with(base::Bytes bytes,
                                                       std::string_view passphrase = "pass",
                                                       std::string_view purpose = "test") {
        return open(kdf, as_bytes(passphrase), purpose, bytes);
    }
    static void expect_error(const std::expected<base::Buffer, base::Error>& result, Errc code) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, code) << base::sentence(result.error());
    }

    QuickKdf kdf;
    CountingEntropy entropy;
};

TEST_F(SealTest, WrongPassphraseOrPurpose_IsUnauthorized) {
    const base::Buffer bytes = sealed();
    expect_error(open_with(bytes, "Pass"), Errc::unauthorized);
    expect_error(open_with(bytes, ""), Errc::unauthorized);
    expect_error(open_with(bytes, "pass", "tes"), Errc::unauthorized);
    expect_error(open_with(bytes, "pass", ""), Errc::unauthorized);
}

TEST_F(SealTest, AnyBitChanged_NeverOpens) {
    const base::Buffer bytes = sealed();
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        base::Buffer damaged = bytes;
        damaged[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        ASSERT_FALSE(open_with(damaged)) << "bit " << bit;
    }
}

TEST_F(SealTest, Truncated_NeverOpens) {
    const base::Buffer bytes = sealed();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto result = open_with(base::Bytes(bytes).first(size));
        expect_error(result,
                     size < header_bytes + tag_bytes ? Errc::malformed : Errc::unauthorized);
    }
}

TEST_F(SealTest, AppendedByte_NeverOpens) {
    base::Buffer bytes = sealed();
    bytes.push_back(std::byte{0});
    expect_error(open_with(bytes), Errc::unauthorized);
}

TEST_F(SealTest, AbsurdCostInTheHeader_IsRefusedBeforeAnyWork) {
    for (const std::size_t offset : {std::size_t{1}, std::size_t{5}}) {
        base::Buffer bytes = sealed();
        const int before = kdf.derivations;
        bytes[offset] = std::byte{0xff};
        expect_error(open_with(bytes), Errc::malformed);
        EXPECT_EQ(kdf.derivations, before);
    }
}

TEST_F(SealTest, NewerVersion_IsNamedBeforeAnyWork) {
    base::Buffer bytes = sealed();
    const int before = kdf.derivations;
    bytes[0] = std::byte{2};
    expect_error(open_with(bytes), Errc::wrong_version);
    EXPECT_EQ(kdf.derivations, before);
}

TEST_F(SealTest, KdfWithoutMemory_IsPassedOn) {
    const base::Buffer bytes = sealed();
    kdf.out_of_memory = true;
    expect_error(open_with(bytes), Errc::unavailable);
    expect_error(seal(kdf, entropy, cost, as_bytes("p"), "test", {}), Errc::unavailable);
}

TEST_F(SealTest, UnderAKey_NothingAlteredOpens) {
    const base::Buffer key(seal_key_bytes, std::byte{3});
    const base::Buffer whole =
        seal_with_key(SealKey(key), entropy, as_bytes("clear"), as_bytes("secret"));
    for (std::size_t i = 0; i < whole.size(); ++i) {
        base::Buffer damaged = whole;
        damaged[i] ^= std::byte{1};
        expect_error(open_with_key(SealKey(key), as_bytes("clear"), damaged), Errc::corrupt);
    }
    expect_error(open_with_key(SealKey(key), as_bytes("Clear"), whole), Errc::corrupt);
    const base::Buffer other(seal_key_bytes, std::byte{4});
    expect_error(open_with_key(SealKey(other), as_bytes("clear"), whole), Errc::corrupt);
    expect_error(open_with_key(SealKey(key), {}, base::Bytes(whole).first(39)), Errc::malformed);
    const auto opened = open_with_key(SealKey(key), as_bytes("clear"), whole);
    ASSERT_TRUE(opened);
    EXPECT_EQ(base::as_text(*opened), "secret");
}

TEST_F(SealTest, RoundTrip_OfAnyLengthAtTheCostItWasSealedWith) {
    for (const std::size_t size : {0U, 1U, 31U, 32U, 1000U}) {
        const std::string secret(size, 's');
        const base::Buffer bytes = sealed(secret);
        EXPECT_EQ(bytes.size(), header_bytes + size + tag_bytes);
        const auto opened = open_with(bytes);
        ASSERT_TRUE(opened);
        EXPECT_EQ(base::as_text(*opened), secret);
        EXPECT_EQ(kdf.last_cost, cost);
    }
}

TEST_F(SealTest, SealedTwice_SharesNeitherSaltNorNonceNorCiphertext) {
    const base::Buffer first = sealed();
    const base::Buffer second = sealed();
    const auto part = [](const base::Buffer& all, std::size_t from, std::size_t size) {
        return base::to_buffer(base::Bytes(all).subspan(from, size));
    };
    EXPECT_NE(part(first, 9, 16), part(second, 9, 16));
    EXPECT_NE(part(first, 25, 24), part(second, 25, 24));
    EXPECT_NE(part(first, 49, 10), part(second, 49, 10));
}

TEST_F(SealTest, Header_IsAsTheFormatPageSays) {
    const base::Buffer bytes = sealed();
    EXPECT_EQ(base::to_hex(base::Bytes(bytes).first(header_bytes)),
              "01"
              "00000002"
              "00000040"
              "000102030405060708090a0b0c0d0e0f"
              "101112131415161718191a1b1c1d1e1f2021222324252627");
}

}  // namespace
}  // namespace meshchain::crypto
