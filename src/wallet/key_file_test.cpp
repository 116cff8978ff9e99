#include "wallet/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/cursor.h"
#include "crypto/seal.h"
#include "wallet/bip39_test_vectors.h"
#include "wallet/guessing_time.h"
#include "wallet/opened_key_file.h"
#include "wallet/test_doors.h"

namespace meshchain::wallet {
namespace {

using base::as_bytes;
using base::Errc;
using testing::HasSubstr;

constexpr std::string_view passphrase = "correct horse";
constexpr std::string_view pin = "271828";

/// Two keys under "correct horse", as version 1 of the format wrote them.
constexpr std::string_view old_file =
    "4d43574b0107736176696e67730002ac78304345be1c4e05d57c28c284c70cbf9710d4a44c33eb1c"
    "8afe9f320a173104fc6d95dd76dc29f88c74c5e464f987e9a29080242fe610c48b3365a160d05a01"
    "00000001000000087398bde2072c51769bc0e50a2f54799ec3e80d32577ca1c6eb10355a7fa4c9ee"
    "13385d82a7ccf116aef889d507eba2d37570a0ad92a6c1da9201f5a425393e86d317dfcbad4f9c52"
    "135b07ade2c60685a115a69c2f8d8b10d1981c4df8bf92e76af1c008931c6501d217006e1f4e4f70"
    "350ee63357b5fe1d34";

class KeyFileTest : public testing::Test {
protected:
    KeyFile create(std::string_view label = "savings") {
        return create_key_file(doors, quick_cost, as_bytes(passphrase), label).value();
    }
    KeyFile with_pin() {
        const KeyFile file = create();
        return open(file)->with_pin(doors, quick_cost, file, as_bytes(pin), device).value();
    }
    std::expected<OpenedKeyFile, base::Error> open(const KeyFile& file,
                                                   std::string_view with = passphrase) {
        return OpenedKeyFile::open(doors, file, {as_bytes(with)});
    }
    std::expected<OpenedKeyFile, base::Error> open_by_pin(const KeyFile& file,
                                                          std::string_view with = pin) {
        return OpenedKeyFile::open(doors, file, {as_bytes(with), device});
    }
    static void expect_error(const auto& result, Errc code) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, code) << base::sentence(result.error());
    }

    QuickKdf kdf;
    CountingEntropy entropy;
    crypto::HeapSecretMemory memory;
    KeyFileDoors doors{kdf, entropy, memory};
    base::Buffer device = base::Buffer(device_secret_bytes, std::byte{0x5d});
};

TEST_F(KeyFileTest, WrongPassphrase_IsUnauthorized) {
    const KeyFile file = create();
    for (const std::string_view wrong : {"", "correct hors", "correct horse ", "Correct horse"}) {
        expect_error(open(file, wrong), Errc::unauthorized);
    }
}

TEST_F(KeyFileTest, AnyBitChanged_NeverOpens) {
    const base::Buffer bytes = encode(with_pin());
    const KeyFile whole = parse_key_file(bytes).value();
    const std::size_t pin_end = bytes.size() - 2 - whole.content.size();
    const std::size_t pin_start = pin_end - whole.by_pin.size();
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        base::Buffer damaged = bytes;
        damaged[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        const auto file = parse_key_file(damaged);
        // The PIN's own part is not needed by who has the passphrase.
        const bool in_pin = bit / 8 >= pin_start && bit / 8 < pin_end;
        ASSERT_FALSE(file && !in_pin && open(*file)) << "bit " << bit;
        ASSERT_FALSE(file && in_pin && open_by_pin(*file)) << "bit " << bit;
    }
}

TEST_F(KeyFileTest, PublicKeySwappedForAnAttackers_IsFoundOutWhenOpening) {
    KeyFile file = create();
    file.keys[1] = crypto::SigningKey::generate(entropy).public_key();
    expect_error(open(file), Errc::corrupt);
    KeyFile old = parse_key_file(base::from_hex(old_file).value()).value();
    old.keys[0] = file.keys[1];
    expect_error(open(old), Errc::corrupt);
}

TEST_F(KeyFileTest, ClearPartChanged_IsFoundOutWhenOpening) {
    KeyFile file = create();
    file.label = "other";
    expect_error(open(file), Errc::corrupt);
    file = create();
    file.handed_out = 2;
    expect_error(open(file), Errc::corrupt);
    file = create();
    file.keys.pop_back();
    expect_error(open(file), Errc::corrupt);
}

TEST_F(KeyFileTest, PartsOfTwoFiles_OpenAsNeither) {
    const KeyFile mine = create();
    const KeyFile other = create();
    KeyFile mixed = mine;
    mixed.content = other.content;
    expect_error(open(mixed), Errc::corrupt);
    mixed = mine;
    mixed.by_passphrase = other.by_passphrase;
    expect_error(open(mixed), Errc::corrupt);
}

TEST_F(KeyFileTest, SealedUnderAnotherPurpose_IsRefused) {
    KeyFile file = create();
    file.by_passphrase =
        crypto::seal(kdf, entropy, quick_cost, as_bytes(passphrase), "identity", base::Buffer(32))
            .value();
    expect_error(open(file), Errc::unauthorized);
}

TEST_F(KeyFileTest, UnknownSchemeInTheSealedPart_IsAWrongVersion) {
    KeyFile file = create();
    const base::Buffer key(32, std::byte{1});
    file.by_passphrase =
        crypto::seal(kdf, entropy, quick_cost, as_bytes(passphrase), "wallet/2", key).value();
    file.content = crypto::seal_with_key(crypto::SealKey(key), entropy, encode_clear(file),
                                         base::Buffer(1, std::byte{9}));
    expect_error(open(file), Errc::wrong_version);
}

TEST_F(KeyFileTest, EmptyPassphrase_IsRefusedAtCreation) {
    expect_error(create_key_file(doors, quick_cost, {}, "x"), Errc::invalid_argument);
    EXPECT_EQ(kdf.derivations, 0);
}

TEST_F(KeyFileTest, NumbersOfAddressesOutOfRange_AreRefused) {
    const auto opened = open(create());
    for (const std::size_t count : {std::size_t{0}, KeyFile::keys_max}) {
        expect_error(opened->make_file(doors, quick_cost, as_bytes("p"), "x", count),
                     Errc::invalid_argument);
    }
    expect_error(opened->with_keys(doors, create(), KeyFile::keys_max + 1), Errc::full);
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
    expect_error(with(4, 3), Errc::wrong_version);
    expect_error(with(5, 0), Errc::malformed);  // the kind of version 1
    expect_error(with(5, 3), Errc::malformed);
    expect_error(with(6, KeyFile::label_bytes_max + 1), Errc::malformed);
    expect_error(with(8, 0), Errc::malformed);    // no addresses
    expect_error(with(8, 22), Errc::malformed);   // more addresses than keys
    expect_error(with(9, 255), Errc::malformed);  // more keys than are allowed
    expect_error(parse_key_file(base::Buffer(KeyFile::bytes_max + 1)), Errc::too_large);
}

TEST_F(KeyFileTest, RoundTrip_KeepsEverythingAndOpens) {
    for (const KeyFile& file : {create(), with_pin()}) {
        const auto parsed = parse_key_file(encode(file));
        ASSERT_TRUE(parsed);
        EXPECT_EQ(*parsed, file);
        const auto opened = open(*parsed);
        ASSERT_TRUE(opened);
        EXPECT_EQ(opened->keys(memory, 1).at(0).public_key(), file.keys[0]);
    }
}

TEST_F(KeyFileTest, FullFile_FitsItsLimit) {
    KeyFile file = with_pin();
    file.keys.resize(KeyFile::keys_max, file.keys[0]);
    EXPECT_LE(encode(file).size(), KeyFile::bytes_max);
}

TEST_F(KeyFileTest, MoreKeys_KeepTheOldOnesAndBothWaysToOpen) {
    const KeyFile one = with_pin();
    const KeyFile more = open(one)->with_keys(doors, one, 40).value();
    ASSERT_EQ(more.keys.size(), 40U);
    EXPECT_TRUE(std::equal(one.keys.begin(), one.keys.end(), more.keys.begin()));
    ASSERT_TRUE(open(more));
    EXPECT_EQ(open_by_pin(more)->keys(memory, 40).at(39).public_key(), more.keys[39]);
}

TEST_F(KeyFileTest, OldFile_OpensStillAndBecomesOneOfTheNewKind) {
    const KeyFile old = parse_key_file(base::from_hex(old_file).value()).value();
    EXPECT_EQ(old.kind, KeyFile::Kind::old);
    EXPECT_EQ(old.handed_out, 2U);
    EXPECT_EQ(base::to_hex(encode(old)), old_file);
    expect_error(open(old, "wrong"), Errc::unauthorized);
    const auto opened = open(old);
    ASSERT_TRUE(opened) << base::sentence(opened.error());
    EXPECT_EQ(opened->keys(memory, 2).at(1).public_key(), old.keys[1]);
    EXPECT_FALSE(opened->phrase()) << "its keys do not derive from words";
    expect_error(opened->with_keys(doors, old, 3), Errc::unsupported);
    expect_error(opened->with_pin(doors, quick_cost, old, as_bytes(pin), device),
                 Errc::unsupported);

    const auto fresh = opened->with_passphrase(doors, quick_cost, old, as_bytes("new"));
    ASSERT_TRUE(fresh);
    const auto reopened = open(parse_key_file(encode(*fresh)).value(), "new");
    ASSERT_TRUE(reopened) << base::sentence(reopened.error());
    EXPECT_EQ(reopened->with_keys(doors, *fresh, 3)->keys[1], old.keys[1]);
}

TEST_F(KeyFileTest, ChangedPassphrase_LeavesThePinAndForgetsTheOld) {
    const KeyFile file = with_pin();
    const auto changed = open(file)->with_passphrase(doors, quick_cost, file, as_bytes("other"));
    ASSERT_TRUE(changed);
    expect_error(open(*changed), Errc::unauthorized);
    EXPECT_TRUE(open(*changed, "other"));
    EXPECT_TRUE(open_by_pin(*changed));
}

TEST_F(KeyFileTest, Pin_OpensOnlyTogetherWithTheDeviceSecret) {
    expect_error(open_by_pin(create()), Errc::not_found);
    const KeyFile file = with_pin();
    EXPECT_TRUE(open_by_pin(file));
    expect_error(open_by_pin(file, "271829"), Errc::unauthorized);
    expect_error(open(file, pin), Errc::unauthorized);
    device[31] ^= std::byte{1};
    expect_error(open_by_pin(file), Errc::unauthorized);
}

TEST_F(KeyFileTest, PinsThatAreNone_AreRefused) {
    for (const std::string_view bad :
         {"", "123", "1234567", "12a4", "12 4", "-123", "0000", "777777", "1234", "987654"}) {
        expect_error(check_pin(as_bytes(bad)), Errc::invalid_argument);
    }
    for (const std::string_view good : {"2468", "1357", "10293", "271828"}) {
        EXPECT_TRUE(check_pin(as_bytes(good))) << good;
    }
}

TEST_F(KeyFileTest, WatchOnly_HoldsNoSecretAndIsCheckedForItsKeys) {
    const crypto::PublicKey key = create().keys[0];
    const auto file = make_watch_only("till", {key});
    ASSERT_TRUE(file);
    EXPECT_EQ(parse_key_file(encode(*file)).value(), *file);
    expect_error(open(*file), Errc::unsupported);
    expect_error(make_watch_only("till", {}), Errc::invalid_argument);
    expect_error(make_watch_only("till", {key, key}), Errc::invalid_argument);
    expect_error(make_watch_only("till", {crypto::PublicKey{}}), Errc::invalid_argument);
    expect_error(make_watch_only(std::string(65, 'x'), {key}), Errc::invalid_argument);
}

TEST_F(KeyFileTest, TwoWallets_ShareNoSeed) { EXPECT_NE(create().keys[0], create().keys[0]); }

TEST_F(KeyFileTest, SamePhrase_GivesTheSameKeysAndShowsAgain) {
    const Phrase phrase = Phrase::parse(bip39_vectors[14].phrase).value();
    const auto made = OpenedKeyFile::from_phrase(doors, phrase);
    const KeyFile file = made.make_file(doors, quick_cost, as_bytes(passphrase), "a", 3).value();
    EXPECT_EQ(file.keys.size(), 3 + KeyFile::lookahead);
    EXPECT_EQ(OpenedKeyFile::from_phrase(doors, phrase).public_key(7), file.keys[7]);
    const auto opened = open(file);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->phrase(), phrase);
    EXPECT_FALSE(opened->needs_words_passphrase());
}

TEST_F(KeyFileTest, PassphraseOfThePhrase_GivesAnotherWalletAndIsRemembered) {
    const Phrase phrase = Phrase::parse(bip39_vectors[0].phrase).value();
    const auto with = OpenedKeyFile::from_phrase(doors, phrase, as_bytes("TREZOR"));
    EXPECT_NE(with.public_key(0), OpenedKeyFile::from_phrase(doors, phrase).public_key(0));
    const KeyFile file = with.make_file(doors, quick_cost, as_bytes(passphrase), "a").value();
    EXPECT_TRUE(open(file)->needs_words_passphrase());
}

TEST_F(KeyFileTest, SecretsInClear_AreNowhereInTheFile) {
    const Phrase phrase = Phrase::parse(bip39_vectors[14].phrase).value();
    const auto made = OpenedKeyFile::from_phrase(doors, phrase);
    const base::Buffer bytes =
        encode(made.make_file(doors, quick_cost, as_bytes(passphrase), "a").value());
    EXPECT_TRUE(std::ranges::search(bytes, phrase.entropy()).empty());
    EXPECT_TRUE(std::ranges::search(bytes, seed_of(phrase, {})).empty());
    EXPECT_TRUE(std::ranges::search(bytes, made.keys(memory, 1).at(0).seed()).empty());
}

// The seeds by Python's hashlib.blake2b.
TEST(KeyDerivation, GoldenKeysOfScheme1_NeverChange) {
    base::Buffer seed(32);
    for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<std::byte>(i);
    EXPECT_EQ(base::to_hex(derive_labelled_key(seed, 0).seed()),
              "f295da70f9d275b8b2fd7a7458ba7fb410ef471cc75ae950abf6f6a4178dc0e5");
    EXPECT_EQ(base::to_hex(derive_labelled_key(seed, 0x01020304).seed()),
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
    EXPECT_THAT(text(1e30), testing::StartsWith("over a million years with one"));
}

}  // namespace
}  // namespace meshchain::wallet
