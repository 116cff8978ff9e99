#include "wallet/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/cursor.h"
#include "wallet/bech32m.h"

namespace meshchain::wallet {
namespace {

using base::Errc;
using testing::HasSubstr;

constexpr std::string_view alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

crypto::PublicKey key_of(std::byte seed) {
    crypto::SigningKey::Seed bytes{};
    bytes[0] = seed;
    return crypto::SigningKey::from_seed(bytes).public_key();
}

std::string with_symbols(std::string prefix, std::vector<std::uint8_t> symbols) {
    return encode(Bech32m{std::move(prefix), std::move(symbols)});
}

void expect_refused(std::string_view text, Errc code, std::string_view what) {
    const auto key = parse_address(text);
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().code, code) << text;
    EXPECT_THAT(key.error().what, HasSubstr(what)) << text;
    EXPECT_FALSE(key.error().advice.empty());
}

TEST(Bech32m, InvalidStringsOfBip350_AreRefused) {
    const std::string long_prefix(84, 'a');
    for (const std::string& text :
         {std::string("\x20") + "1xj0phk", std::string("\x7f") + "1g6xzxy",
          std::string("\x80") + "1vctc34",
          std::string("an84characterslonghumanreadablepartthatcontainsthetheexcludedcharacters"
                      "bioandnumber11d6pts4"),
          std::string("qyrz8wqd2c9m"), std::string("1qyrz8wqd2c9m"), std::string("y1b0jsk6g"),
          std::string("lt1igcx5c0"), std::string("in1muywd"), std::string("mm1crxm3i"),
          std::string("au1s5cgom"), std::string("M1VUXWEZ"), std::string("16plkw9"),
          std::string("1p2gdwpf")}) {
        EXPECT_FALSE(parse_bech32m(text)) << text;
    }
}

TEST(Bech32m, ValidStringsOfBip350_ParseAndEncodeBack) {
    for (const std::string& text :
         {std::string("A1LQFN3A"), std::string("a1lqfn3a"),
          std::string("an83characterlonghumanreadablepartthatcontainsthetheexcludedcharacters"
                      "bioandnumber11sg7hg6"),
          std::string("abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx"),
          "11" + std::string(82, 'l') + "ludsr8",
          std::string("split1checkupstagehandshakeupstreamerranterredcaperredlc445v"),
          std::string("?1v759aa")}) {
        const auto content = parse_bech32m(text);
        ASSERT_TRUE(content) << text << ": " << base::sentence(content.error());
        std::string lower = text;
        for (char& c : lower) c = static_cast<char>(std::tolower(c));
        EXPECT_EQ(encode(*content), lower);
    }
}

TEST(Bech32m, OlderChecksum_IsNamedAsSuch) {
    const auto content = parse_bech32m("A12UEL5L");
    ASSERT_FALSE(content);
    EXPECT_THAT(content.error().what, HasSubstr("older Bech32"));
}

TEST(Address, EveryMistake_IsNamed) {
    const std::string good = encode_address(key_of(std::byte{1}));
    std::string mixed = good;
    mixed[10] = 'Q';
    expect_refused(mixed, Errc::malformed, "mixed");
    expect_refused(good.substr(0, good.size() - 1), Errc::bad_signature, "checksum");
    expect_refused(good + " ", Errc::malformed, "space or unprintable character at character 65");
    expect_refused("", Errc::malformed, "no prefix");
    expect_refused("mesh1", Errc::malformed, "too short");
    expect_refused("mesh1qqqiqqqqqq", Errc::malformed, "'i' at character 9");
    expect_refused(std::string(91, 'q'), Errc::too_large, "91 characters");
    expect_refused("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
                   Errc::invalid_argument, "'bc'");
}

TEST(Address, SoundChecksumOverUnsoundContent_IsRefused) {
    std::vector<std::uint8_t> symbols =
        parse_bech32m(encode_address(key_of(std::byte{1})))->symbols;
    auto newer = symbols;
    newer[0] = 1;
    expect_refused(with_symbols("mesh", newer), Errc::wrong_version, "version 1");
    auto padded = symbols;
    padded.back() ^= 1;
    expect_refused(with_symbols("mesh", padded), Errc::malformed, "32 bytes");
    auto longer = symbols;
    longer.push_back(0);
    expect_refused(with_symbols("mesh", longer), Errc::malformed, "32 bytes");
    auto shorter = symbols;
    shorter.pop_back();
    expect_refused(with_symbols("mesh", shorter), Errc::malformed, "32 bytes");
    expect_refused(with_symbols("mesh", {}), Errc::malformed, "empty");
    expect_refused(with_symbols("mesh", std::vector<std::uint8_t>(53, 0)), Errc::invalid_argument,
                   "nobody can sign");
}

TEST(Address, AnyOneWrongCharacter_IsFound) {
    const std::string good = encode_address(key_of(std::byte{7}));
    for (std::size_t i = 5; i < good.size(); ++i) {
        for (const char c : alphabet) {
            std::string typo = good;
            if (typo[i] == c) continue;
            typo[i] = c;
            ASSERT_FALSE(parse_address(typo)) << typo;
        }
    }
}

TEST(Address, TwoSwappedCharacters_AreFound) {
    const std::string good = encode_address(key_of(std::byte{7}));
    for (std::size_t i = 5; i + 1 < good.size(); ++i) {
        std::string typo = good;
        std::swap(typo[i], typo[i + 1]);
        EXPECT_EQ(parse_address(typo).has_value(), typo == good);
    }
}

TEST(Address, RoundTrip_InEitherCase) {
    for (unsigned seed = 0; seed < 50; ++seed) {
        const crypto::PublicKey key = key_of(static_cast<std::byte>(seed));
        std::string text = encode_address(key);
        EXPECT_EQ(text.size(), 64U);
        EXPECT_TRUE(text.starts_with("mesh1q"));
        EXPECT_EQ(parse_address(text), key);
        for (char& c : text) c = static_cast<char>(std::toupper(c));
        EXPECT_EQ(parse_address(text), key);
    }
}

// The text was computed with the Python code of BIP-350.
TEST(Address, KnownKey_HasTheKnownAddress) {
    const auto key = crypto::PublicKey{
        base::Reader(
            *base::from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
            .array<32>()};
    EXPECT_EQ(encode_address(key),
              "mesh1q6adfsqvzky9t042tlmfujeq88g8wzuhnm2nzxfd0qgdx3ac82ydq4cppd6");
}

}  // namespace
}  // namespace meshchain::wallet
