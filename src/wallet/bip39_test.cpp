#include "wallet/bip39.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wallet/bip39_test_vectors.h"
#include "wallet/bip39_words.h"
#include "wallet/test_doors.h"

namespace meshchain::wallet {
namespace {

using base::as_bytes;
using base::Errc;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view good =
    "legal winner thank year wave sausage worth useful legal winner thank yellow";

void expect_error(const std::string& text, Errc code, const std::string& part) {
    const auto phrase = Phrase::parse(text);
    ASSERT_FALSE(phrase) << text;
    EXPECT_EQ(phrase.error().code, code);
    EXPECT_THAT(base::sentence(phrase.error()), HasSubstr(part));
    EXPECT_FALSE(phrase.error().advice.empty());
}

std::string with(std::string_view old_word, std::string_view new_word) {
    std::string text(good);
    return text.replace(text.find(old_word), old_word.size(), new_word);
}

std::string text_of(const Phrase& phrase) {
    base::Buffer text;
    phrase.write(text);
    return std::string(base::as_text(text));
}

TEST(Bip39, WordList_IsTheStandardsByItsHash) {
    std::string lines;
    for (const std::string_view word : bip39_words()) lines += std::string(word) + "\n";
    EXPECT_EQ(base::to_hex(crypto::sha256(as_bytes(lines))),
              "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
}

TEST(Bip39, OneWordWrong_BreaksTheChecksum) {
    expect_error(with("winner", "wine"), Errc::bad_signature, "do not belong together");
    expect_error("winner legal thank year wave sausage worth useful legal winner thank yellow",
                 Errc::bad_signature, "changed places");
    expect_error(
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
        "abandon abandon",
        Errc::bad_signature, "do not belong together");
}

TEST(Bip39, UnknownWord_IsNamedByItsPlaceAndWhatMayBeMeant) {
    expect_error(with("sausage", "sausagge"), Errc::malformed, "word 6, 'sausagge'");
    expect_error(with("sausage", "sausagge"), Errc::malformed, "is 'sausage' meant?");
    expect_error(with("year", "yera"), Errc::malformed, "word 4, 'yera'");
    expect_error(with("year", "yaer"), Errc::malformed, "is 'year' meant?");
    expect_error(with("year", "qqqqq"), Errc::malformed, "written down");
}

TEST(Bip39, Error_RepeatsNoWordOfTheList) {
    const auto phrase = Phrase::parse(with("winner", "wine"));
    ASSERT_FALSE(phrase);
    for (const char* word : {"legal", "wine", "yellow"}) {
        EXPECT_THAT(base::sentence(phrase.error()), Not(HasSubstr(word)));
    }
}

TEST(Bip39, WrongCount_IsTold) {
    expect_error("", Errc::malformed, "0 words");
    expect_error("zoo", Errc::malformed, "1 words");
    expect_error(std::string(good) + " zoo", Errc::malformed, "13 words");
    std::string many;
    for (int i = 0; i < 27; ++i) many += "zoo ";
    expect_error(many, Errc::malformed, "27 words");
    expect_error(std::string(5000, ' '), Errc::too_large, "5000 bytes");
}

TEST(Bip39, LettersOfOtherScripts_AreNamedAndNeverGuessedAway) {
    // The a of Cyrillic looks the same; a full-width one is for the caller's normalisation.
    expect_error(with("legal", "leg\xd0\xb0l"), Errc::malformed, "word 1, 'leg??l'");
    expect_error(with("year",
                      "\xef\xbd\x99"
                      "ear"),
                 Errc::malformed, "letters a to z");
    expect_error(with(" year ", "\xc2\xa0year "), Errc::malformed, "word 3");
    expect_error(with("year", std::string_view("ye\0ar", 5)), Errc::malformed, "word 4, 'ye?ar'");
    expect_error(with("year", "\x1b[31myear"), Errc::malformed, "'?[31myear'");
    expect_error("\xff\xfe" + std::string(good), Errc::malformed, "word 1");
}

TEST(Bip39, CapitalsAndLineBreaks_DoNotMatter) {
    std::string typed(good);
    typed[0] = 'L';
    typed.replace(typed.find(' '), 1, " \t\r\n  ");
    const auto phrase = Phrase::parse(" " + typed + "\n");
    ASSERT_TRUE(phrase) << base::sentence(phrase.error());
    EXPECT_EQ(text_of(*phrase), good);
}

TEST(Bip39, EntropyOfOtherLengths_IsRefused) {
    for (const unsigned size : {0U, 12U, 15U, 17U, 18U, 33U, 36U, 64U}) {
        EXPECT_FALSE(Phrase::from_entropy(base::Buffer(size))) << size;
    }
}

TEST(Bip39, OfficialVectors_HoldBothWays) {
    for (const Bip39Vector& vector : bip39_vectors) {
        const auto phrase = Phrase::from_entropy(base::from_hex(vector.entropy).value());
        ASSERT_TRUE(phrase);
        EXPECT_EQ(text_of(*phrase), vector.phrase);
        const auto parsed = Phrase::parse(vector.phrase);
        ASSERT_TRUE(parsed) << base::sentence(parsed.error());
        EXPECT_EQ(base::to_hex(parsed->entropy()), vector.entropy);
        EXPECT_EQ(base::to_hex(seed_of(*parsed, as_bytes("TREZOR"))), vector.seed);
    }
}

TEST(Bip39, EveryLength_ReadsBackWhatItWrote) {
    CountingEntropy entropy;
    for (const unsigned words : {12U, 15U, 18U, 21U, 24U}) {
        const Phrase phrase = Phrase::generate(entropy, words);
        EXPECT_EQ(phrase.word_count(), words);
        const auto parsed = Phrase::parse(text_of(phrase));
        ASSERT_TRUE(parsed) << base::sentence(parsed.error());
        EXPECT_EQ(*parsed, phrase);
        EXPECT_LE(text_of(phrase).size(), Phrase::text_bytes_max);
    }
}

// The seed by Python's hashlib and unicodedata.
TEST(Bip39, PassphraseBeyondAscii_GivesTheStandardsSeedWhenItIsInNfkd) {
    const auto phrase = Phrase::from_entropy(base::Buffer(16));
    const auto passphrase = base::from_hex("7061cc887373776fcc887264206669").value();
    EXPECT_EQ(base::to_hex(seed_of(*phrase, passphrase)),
              "f82b9a7fc1d9ace95adc24816e085087d4d27bbc61e5de30fdf46ee17e0786cc"
              "27d0e028ae0c6a71fc8f2171b717cab72e01f20a158dff08d44f568c4aa530c6");
}

TEST(Bip39, Suggestions_AreOfferedOnlyWhenThereIsOne) {
    EXPECT_EQ(suggest_word("abanxxx"), "abandon") << "the first four letters tell";
    EXPECT_EQ(suggest_word("Zooo"), "zoo");
    EXPECT_EQ(suggest_word("acess"), "access");
    EXPECT_EQ(suggest_word("xx"), std::nullopt);
    EXPECT_EQ(suggest_word("bat"), std::nullopt) << "bar, cat, hat and more are as near";
    EXPECT_EQ(suggest_word(std::string(17, 'a')), std::nullopt);
    EXPECT_EQ(suggest_word("qqqqqqqq"), std::nullopt);
}

}  // namespace
}  // namespace meshchain::wallet
