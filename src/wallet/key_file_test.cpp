#include "wallet/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "crypto/seal.h"
#include "wallet/guessing_time.h"
#include "wallet/test_doors.h"

namespace meshchain::wallet {
namespace {

using base::as_bytes;
using base::Errc;
using testing::HasSubstr;

constexpr std::string_view passphrase = "correct horse";

class KeyFileTest : public testing::Test {
protected:
    KeyFile create(std::string_view label = "savings") {
        return create_key_file(kdf, entropy, quick_cost, as_bytes(passphrase), label).value();
    }
    std::expected<std::vector<crypto::SigningKey>, base::Error> open(
        const KeyFile& file, std::string_view with = passphrase) {
        return open_key_file(kdf, as_bytes(with), file);
    }
    static void expect_error(const auto& result, Errc code) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, code) << base::sentence(result.error());
    }

    QuickKdf kdf;
    CountingEntropy entropy;
};

TEST_F(KeyFileTest, WrongPassphrase_IsUnauthorized) {
    const KeyFile file = create();
    for (const std::string_view wrong : {"", "correct hors", "correct horse ", "Correct horse"}) {
        expect_error(open(file, wrong), Errc::unauthorized);
    }
}

TEST_F(KeyFileTest, AnyBitChanged_NeverOpens) {
    const base::Buffer bytes = encode(create());
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        base::Buffer damaged = bytes;
        damaged[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        const auto file = parse_key_file(damaged);
        ASSERT_FALSE(file && open(*file)) << "bit " << bit;
    }
}

TEST_F(KeyFileTest, PublicKeySwappedForAnAttackers_IsFoundOutWhenOpening) {
    KeyFile file = create();
    file.keys[0] = crypto::SigningKey::generate(entropy).public_key();
    expect_error(open(file), Errc::corrupt);
    expect_error(add_key(kdf, entropy, quick_cost, as_bytes(passphrase), file), Errc::corrupt);
}

TEST_F(KeyFileTest, LabelChanged_IsFoundOutWhenOpening) {
    KeyFile file = create();
    file.label = "other";
    expect_error(open(file), Errc::corrupt);
}

TEST_F(KeyFileTest, SealedUnderAnotherPurpose_IsRefused) {
    KeyFile file = create();
    file.sealed =
        crypto::seal(kdf, entropy, quick_cost, as_bytes(passphrase), "identity", base::Buffer(65))
            .value();
    expect_error(open(file), Errc::unauthorized);
}

TEST_F(KeyFileTest, UnknownSchemeInTheSealedPart_IsAWrongVersion) {
    KeyFile file = create();
    base::Buffer secret(65);
    secret[0] = std::byte{2};
    file.sealed =
        crypto::seal(kdf, entropy, quick_cost, as_bytes(passphrase), "wallet", secret).value();
    expect_error(open(file), Errc::wrong_version);
}

TEST_F(KeyFileTest, EmptyPassphrase_IsRefusedAtCreation) {
    expect_error(create_key_file(kdf, entropy, quick_cost, {}, "x"), Errc::invalid_argument);
    EXPECT_EQ(kdf.derivations, 0);
}

TEST_F(KeyFileTest, NoMemoryForTheKdf_IsPassedOn) {
    const KeyFile file = create();
    kdf.out_of_memory = true;
    expect_error(open(file), Errc::unavailable);
}

TEST_F(KeyFileTest, Truncated_IsRefusedAtEveryLength) {
    const base::Buffer bytes = encode(create());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto file = parse_key_file(base::Bytes(bytes).first(size));
        ASSERT_FALSE(file && open(*file)) << size;
    }
}

TEST_F(KeyFileTest, OutOfRangeFields_AreMalformed) {
    const base::Buffer bytes = encode(create(""));
    const auto with = [&](std::size_t offset, unsigned value) {
        base::Buffer changed = bytes;
        changed[offset] = static_cast<std::byte>(value);
        return parse_key_file(changed);
    };
    expect_error(with(0, 'X'), Errc::malformed);
    expect_error(with(4, 2), Errc::wrong_version);
    expect_error(with(5, KeyFile::label_bytes_max + 1), Errc::malformed);
    expect_error(with(7, 0), Errc::malformed);  // no keys
    expect_error(with(6, 2), Errc::malformed);  // 513 keys
    expect_error(parse_key_file(base::Buffer(KeyFile::bytes_max + 1)), Errc::too_large);
}

TEST_F(KeyFileTest, RoundTrip_KeepsEverythingAndOpens) {
    const KeyFile file = create();
    const auto parsed = parse_key_file(encode(file));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, file);
    const auto keys = open(*parsed);
    ASSERT_TRUE(keys);
    ASSERT_EQ(keys->size(), 1U);
    EXPECT_EQ(keys->front().public_key(), file.keys[0]);
}

TEST_F(KeyFileTest, AddedKey_KeepsTheOldOnesAndSealsAfresh) {
    const KeyFile one = create();
    const KeyFile two = add_key(kdf, entropy, quick_cost, as_bytes(passphrase), one).value();
    ASSERT_EQ(two.keys.size(), 2U);
    EXPECT_EQ(two.keys[0], one.keys[0]);
    EXPECT_NE(two.keys[1], one.keys[0]);
    EXPECT_NE(two.sealed, one.sealed);
    EXPECT_EQ(open(two)->at(1).public_key(), two.keys[1]);
}

TEST_F(KeyFileTest, FullFile_HandsOutNoMoreKeys) {
    KeyFile file = create();
    file.keys.resize(KeyFile::keys_max, file.keys[0]);
    expect_error(add_key(kdf, entropy, quick_cost, as_bytes(passphrase), file), Errc::full);
    EXPECT_LE(encode(file).size(), KeyFile::bytes_max);
}

TEST_F(KeyFileTest, TwoWallets_ShareNoSeed) { EXPECT_NE(create().keys[0], create().keys[0]); }

TEST_F(KeyFileTest, SeedInClear_IsNowhereInTheFile) {
    const auto keys = open(create());
    const crypto::SigningKey::Seed seed = keys->front().seed();
    CountingEntropy again;
    crypto::SigningKey::Seed wallet_seed;
    again.fill(wallet_seed);
    entropy = CountingEntropy();
    const base::Buffer bytes = encode(create());
    EXPECT_TRUE(std::ranges::search(bytes, seed).empty());
    EXPECT_TRUE(std::ranges::search(bytes, wallet_seed).empty());
}

// The seeds by Python's hashlib.blake2b.
TEST(KeyDerivation, GoldenKeys_NeverChange) {
    crypto::SigningKey::Seed seed;
    for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<std::byte>(i);
    EXPECT_EQ(base::to_hex(derive_key(seed, 0).seed()),
              "f295da70f9d275b8b2fd7a7458ba7fb410ef471cc75ae950abf6f6a4178dc0e5");
    EXPECT_EQ(base::to_hex(derive_key(seed, 0x01020304).seed()),
              "68ad40ac71f7ec5eaf1950f9d40ac504110228af9ea641fcf59f84a4a2d27eef");
}

TEST(GuessingTime, FourDigits_FallInSecondsWhateverTheCost) {
    EXPECT_NEAR(passphrase_bits_at_most(as_bytes("4829")), 13.3, 0.1);
    EXPECT_LT(guessing_seconds(key_file_cost_default, 13.3), 5);
    EXPECT_THAT(describe_guessing_time(key_file_cost_default, 13.3),
                HasSubstr("seconds with one graphics card, under a second with a thousand"));
}

TEST(GuessingTime, RepeatsAndRuns_CountAlmostNothing) {
    EXPECT_LT(passphrase_bits_at_most(as_bytes("aaaaaaaaaaaa")), 17);
    EXPECT_LT(passphrase_bits_at_most(as_bytes("abcdefghijkl")), 17);
    EXPECT_LT(passphrase_bits_at_most(as_bytes("987654321")), 12);
    EXPECT_EQ(passphrase_bits_at_most({}), 0);
}

TEST(GuessingTime, TwelveRandomLetters_HoldAgainstAThousandCards) {
    const double bits = passphrase_bits_at_most(as_bytes("qzkwmxvbtrpe"));
    EXPECT_NEAR(bits, 12 * 4.7, 0.1);
    EXPECT_GT(guessing_seconds(key_file_cost_default, bits) / 1000, 500 * 365.25 * 86'400);
}

TEST(GuessingTime, GrowsWithTheCostAndDoublesWithEachBit) {
    const double base_line = guessing_seconds({1, 1024}, 20);
    EXPECT_DOUBLE_EQ(guessing_seconds({1, 1024}, 21), 2 * base_line);
    EXPECT_DOUBLE_EQ(guessing_seconds({3, 1024}, 20), 3 * base_line);
    EXPECT_DOUBLE_EQ(guessing_seconds({1, 2048}, 20), 2 * base_line);
}

TEST(GuessingTime, Descriptions_UseTheLargestFittingUnit) {
    const auto text = [](double seconds) {
        const base::KdfCost cost{1, 1};
        return describe_guessing_time(cost, std::log2(seconds / guessing_seconds(cost, 0)));
    };
    EXPECT_THAT(text(1.5), HasSubstr("about 1 second with"));
    EXPECT_THAT(text(7300), HasSubstr("about 2 hours with"));
    EXPECT_THAT(text(86'500e3), HasSubstr("1 day with a thousand"));
    EXPECT_THAT(text(1e30), HasSubstr("over a million years with one"));
}

}  // namespace
}  // namespace meshchain::wallet
