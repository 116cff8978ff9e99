// Wallets by the real program: made, guarded, lost, brought back, and asked to pay.

#include <gmock/gmock.h>
#include <signal.h>

#include "host/wallet_files.h"
#include "meshchain/test_running_node.h"
#include "wallet/bip39.h"
#include "wallet/payment_uri.h"

namespace meshchain::app {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view phrase_text =
    "legal winner thank year wave sausage worth useful legal winner thank yellow";

class WalletProgram : public Program {
protected:
    std::string secret_file(const std::string& name, std::string_view content) {
        EXPECT_TRUE(host::write_file(root_ / name, base::as_bytes(content)));
        return path(name);
    }
    Ended restore(std::string_view words, const std::string& folder = "w") {
        return run({"wallet", "restore", "--data", path(folder), "--phrase-file",
                    secret_file("words", words), "--passphrase-file", passphrase_file(), "--json"});
    }
    Ended about(const std::string& folder, std::vector<std::string> command) {
        command.insert(command.end(), {"--data", path(folder), "--json"});
        return run(std::move(command));
    }
};

TEST_F(WalletProgram, PhrasesThatAreNone_AreRefusedByPlaceAndLeaveNothing) {
    EXPECT_THAT(restore("legal winner thank year wave sausagge worth useful legal winner thank "
                        "yellow")
                    .errors,
                HasSubstr("is 'sausage' meant?"));
    EXPECT_THAT(restore("legal winner thank year").errors, HasSubstr("4 words"));
    EXPECT_EQ(restore("winner legal thank year wave sausage worth useful legal winner thank yellow")
                  .error_code(),
              "bad_signature");
    EXPECT_EQ(restore("\xff\xfe").error_code(), "invalid_argument");
    EXPECT_FALSE(std::filesystem::exists(root_ / "w" / "wallet.key"));
}

TEST_F(WalletProgram, RestoredWallet_HasTheSameAddressesWhateverTheWayOfTyping) {
    const Ended made = restore(phrase_text);
    ASSERT_EQ(made.exit_code, 0) << made.errors;
    const Ended wide = restore(
        "ＬＥＧＡＬ　winner\tthank year wave sausage\nworth useful legal "
        "winner thank yellow\n",
        "wide");
    ASSERT_EQ(wide.exit_code, 0) << wide.errors;
    EXPECT_EQ(wide.json().at("addresses"), made.json().at("addresses"));
    EXPECT_EQ(restore(phrase_text).error_code(), "exists");
}

TEST_F(WalletProgram, Phrase_IsShownAgainForThePassphraseAndVerified) {
    ASSERT_EQ(
        about("w", {"wallet", "create", "--no-confirm", "--passphrase-file", passphrase_file()})
            .exit_code,
        0);
    const std::vector<std::string> show{"wallet", "phrase", "--passphrase-file",
                                        path("passphrase")};
    const Ended shown = about("w", show);
    ASSERT_EQ(shown.exit_code, 0) << shown.errors;
    const std::string words = shown.json().at("phrase");
    EXPECT_TRUE(wallet::Phrase::parse(words)) << words;
    const auto verify = [&](std::string_view text) {
        return about("w",
                     {"wallet", "verify-phrase", "--phrase-file", secret_file("written", text)});
    };
    EXPECT_EQ(verify(words).exit_code, 0);
    EXPECT_EQ(verify(phrase_text).error_code(), "conflict");
    EXPECT_EQ(verify(words.substr(0, words.rfind(' '))).error_code(), "malformed");
    secret_file("passphrase", "wrong");
    const Ended refused = about("w", show);
    EXPECT_EQ(refused.error_code(), "unauthorized");
    EXPECT_THAT(refused.output, Not(HasSubstr(words.substr(0, 5))));
}

TEST_F(WalletProgram, NumberOfWordsThatNoPhraseHas_IsWrongUsage) {
    const Ended made = run({"wallet", "create", "--words", "13", "--data", path("w")});
    EXPECT_EQ(made.exit_code, 2);
    EXPECT_THAT(made.errors, HasSubstr("--words"));
}

TEST_F(WalletProgram, PassphraseOfThePhrase_IsNeededToBringItBack) {
    const std::string extra = secret_file("extra", "pässwörd");
    const Ended with =
        about("with", {"wallet", "restore", "--phrase-file", secret_file("words", phrase_text),
                       "--words-passphrase-file", extra, "--passphrase-file", passphrase_file()});
    ASSERT_EQ(with.exit_code, 0) << with.errors;
    EXPECT_NE(with.json().at("addresses"), restore(phrase_text, "without").json().at("addresses"));
    EXPECT_EQ(
        about("with", {"wallet", "verify-phrase", "--phrase-file", path("words")}).error_code(),
        "conflict");
    EXPECT_EQ(
        about("with", {"wallet", "verify-phrase", "--phrase-file", path("words"),
                       "--words-passphrase-file", secret_file("extra", "pa\xcc\x88sswo\xcc\x88rd")})
            .exit_code,
        0)
        << "typed in another of Unicode's forms";
}

TEST_F(WalletProgram, Backup_OpensWithThePassphraseAndHoldsNoPin) {
    ASSERT_EQ(restore(phrase_text).exit_code, 0);
    ASSERT_TRUE(
        host::write_file(root_ / "w" / "config.json",
                         base::as_bytes("{\"wallet\": {\"device_secret_path\": \"dev\"}}")));
    const Ended pin = about("w", {"wallet", "pin", "--passphrase-file", path("passphrase"),
                                  "--new-pin-file", secret_file("pin", "271828")});
    ASSERT_EQ(pin.exit_code, 0) << pin.errors;
    EXPECT_EQ(about("w", {"wallet", "backup", path("copy")}).exit_code, 0);
    EXPECT_EQ(about("w", {"wallet", "backup", path("copy")}).error_code(), "exists");
    const auto copy = wallet::parse_key_file(base::as_bytes(content(root_ / "copy")));
    ASSERT_TRUE(copy);
    EXPECT_TRUE(copy->by_pin.empty());
    std::filesystem::create_directory(root_ / "other");
    std::filesystem::rename(root_ / "copy", root_ / "other" / "wallet.key");
    EXPECT_EQ(
        about("other", {"wallet", "phrase", "--passphrase-file", path("passphrase")}).exit_code, 0);
}

TEST_F(WalletProgram, PinsThatAreTooEasy_AreRefused) {
    ASSERT_EQ(restore(phrase_text).exit_code, 0);
    for (const char* pin : {"1234", "0000", "12", "abcdef"}) {
        EXPECT_EQ(about("w", {"wallet", "pin", "--passphrase-file", path("passphrase"),
                              "--new-pin-file", secret_file("pin", pin)})
                      .error_code(),
                  "invalid_argument")
            << pin;
    }
}

TEST_F(WalletProgram, WrongTries_AreCountedOverProgramsAndForgivenByTheRightOne) {
    ASSERT_EQ(restore(phrase_text).exit_code, 0);
    const auto tries = [&] {
        const auto bytes = host::read_file(root_ / "w" / "wallet.key.tries", 64);
        return bytes ? wallet::parse_try_record(*bytes)->passphrase : 0;
    };
    const auto open = [&](std::string_view passphrase) {
        return about(
            "w", {"wallet", "phrase", "--passphrase-file", secret_file("passphrase", passphrase)});
    };
    EXPECT_EQ(open("wrong").error_code(), "unauthorized");
    EXPECT_EQ(open("worse").error_code(), "unauthorized");
    EXPECT_EQ(tries(), 2U);
    EXPECT_EQ(open("correct horse").exit_code, 0);
    EXPECT_EQ(tries(), 0U);
}

TEST_F(WalletProgram, ChangedPassphrase_IsTheOnlyOne) {
    ASSERT_EQ(restore(phrase_text).exit_code, 0);
    ASSERT_EQ(about("w", {"wallet", "passphrase", "--passphrase-file", path("passphrase"),
                          "--new-passphrase-file", secret_file("fresh", "battery staple")})
                  .exit_code,
              0);
    EXPECT_EQ(
        about("w", {"wallet", "phrase", "--passphrase-file", path("passphrase")}).error_code(),
        "unauthorized");
    EXPECT_EQ(about("w", {"wallet", "phrase", "--passphrase-file", path("fresh")}).exit_code, 0);
}

TEST_F(WalletProgram, Watch_TakesAddressesAndRefusesNonsense) {
    EXPECT_EQ(about("w", {"wallet", "watch", "--address", "mesh1nobody"}).exit_code, 1);
    const std::string address = restore(phrase_text, "own").json().at("addresses").at(0);
    const Ended made = about("w", {"wallet", "watch", "--address", address});
    ASSERT_EQ(made.exit_code, 0) << made.errors;
    EXPECT_EQ(about("w", {"wallet", "phrase", "--passphrase-file", path("missing")}).error_code(),
              "unsupported")
        << "before it asks for a passphrase";
    const Ended copied = run({"wallet", "backup", path("copy"), "--data", path("w")});
    EXPECT_EQ(copied.exit_code, 0) << copied.errors;
    EXPECT_THAT(copied.output, Not(HasSubstr("passphrase")));
}

TEST_F(WalletProgram, AFileThatDoesNotParse_IsNamedWithAdvice) {
    ASSERT_EQ(restore(phrase_text, "w").exit_code, 0);
    const std::string file = path("w") + "/wallet.key";
    ASSERT_TRUE(host::write_file(file, base::as_bytes(content(file).substr(0, 40))));
    const Ended shown =
        run({"wallet", "phrase", "--passphrase-file", path("passphrase"), "--data", path("w")});
    EXPECT_THAT(shown.errors, HasSubstr(file));
    EXPECT_THAT(shown.errors, HasSubstr("wallet restore"));
}

class RunningWallet : public RunningNode {
protected:
    std::string secret_file(const std::string& name, std::string_view content) {
        EXPECT_TRUE(host::write_file(root_ / name, base::as_bytes(content)));
        return path(name);
    }
    void stop() {
        ASSERT_EQ(ask({"node", "stop"}).exit_code, 0);
        ASSERT_EQ(node_->wait(20s), 0);
    }
    Json scanned_wallet() {
        const Ended shown = ask({"wallet", "show", "--wait"});
        EXPECT_EQ(shown.exit_code, 0) << shown.errors;
        return shown.json();
    }
    Ended unlock(std::string_view secret, bool pin = false) {
        std::vector<std::string> command{"wallet", "unlock", "--passphrase-file",
                                         secret_file("secret", secret)};
        if (pin) command.push_back("--pin");
        return ask(std::move(command));
    }
};

TEST_F(RunningWallet, LostFolder_IsBroughtBackFromThePhraseWithItsMoneyAndHistory) {
    const Ended shown = ask({"wallet", "phrase", "--passphrase-file", path("passphrase")});
    ASSERT_EQ(shown.exit_code, 0) << shown.errors;
    secret_file("words", shown.json().at("phrase").get<std::string>());
    start();
    ASSERT_EQ(send("250").exit_code, 0);
    const Json before = scanned_wallet();
    stop();
    std::filesystem::remove(root_ / "alice" / "wallet.key");
    ASSERT_EQ(ask({"wallet", "restore", "--phrase-file", path("words"), "--passphrase-file",
                   path("passphrase")})
                  .exit_code,
              0);
    start();
    EXPECT_EQ(scanned_wallet().at("balance"), before.at("balance"));
    EXPECT_EQ(scanned_wallet().at("addresses"), before.at("addresses"));
    EXPECT_EQ(ask({"wallet", "history"}).json().at("history").size(), 2U);
    ASSERT_EQ(send("100").exit_code, 0) << "and it pays";
}

TEST_F(RunningWallet, PinOpensItUntilItWasWrongTooOften) {
    configure([](node::NodeConfig& config) { config.wallet.device_secret_path = "device"; });
    ASSERT_EQ(ask({"wallet", "pin", "--passphrase-file", path("passphrase"), "--new-pin-file",
                   secret_file("pin", "271828")})
                  .exit_code,
              0);
    start();
    EXPECT_EQ(unlock("271828", true).exit_code, 0);
    EXPECT_EQ(ask({"wallet", "show"}).json().at("unlocked"), true);
    EXPECT_EQ(ask({"wallet", "lock"}).exit_code, 0);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(unlock("271829", true).error_code(), "unauthorized");
    const Ended slowed = unlock("271828", true);
    EXPECT_EQ(slowed.error_code(), "unavailable");
    EXPECT_THAT(slowed.errors, HasSubstr("try again in"));
    EXPECT_EQ(unlock("correct horse").exit_code, 0) << "the passphrase has its own count";
    EXPECT_EQ(unlock("271828", true).exit_code, 0) << "and enables the PIN again";
}

TEST_F(RunningWallet, APinThatWasNeverSet_IsNoTry) {
    start();
    EXPECT_EQ(unlock("271828", true).error_code(), "not_found");
    EXPECT_FALSE(std::filesystem::exists(root_ / "alice" / "wallet.key.tries"));
}

TEST_F(RunningWallet, TriesOfAKilledNode_StayCounted) {
    start();
    EXPECT_EQ(unlock("wrong").error_code(), "unauthorized");
    node_->send_signal(SIGKILL);
    ASSERT_TRUE(node_->wait(20s));
    start();
    EXPECT_EQ(unlock("wrong").error_code(), "unauthorized");
    const auto bytes = host::read_file(root_ / "alice" / "wallet.key.tries", 64);
    ASSERT_TRUE(bytes);
    EXPECT_EQ(wallet::parse_try_record(*bytes)->passphrase, 2U);
}

TEST_F(RunningWallet, WatchOnlyNode_SeesTheMoneyAndRefusesToPay) {
    const std::string address =
        host::parse_json(content(root_ / "alice.json"), "keys")->at("payout");
    std::filesystem::remove(root_ / "alice" / "wallet.key");
    ASSERT_EQ(ask({"wallet", "watch", "--address", address}).exit_code, 0);
    start();
    const Json shown = scanned_wallet();
    EXPECT_EQ(shown.at("watch_only"), true);
    EXPECT_EQ(shown.at("balance").at("final"), 1000);
    EXPECT_EQ(send("1").error_code(), "unsupported");
    EXPECT_EQ(unlock("correct horse").error_code(), "unsupported");
}

TEST_F(RunningWallet, Request_IsALinkThatSendUnderstands) {
    start();
    const Ended asked =
        ask({"wallet", "receive", "--amount", "70", "--note", "two loaves", "--new"});
    ASSERT_EQ(asked.exit_code, 0) << asked.errors;
    const std::string uri = asked.json().at("uri");
    EXPECT_THAT(uri, StartsWith("meshchain:mesh1"));
    EXPECT_THAT(uri, HasSubstr("note=two%20loaves"));
    const Ended drawn = run({"wallet", "receive", "--ascii", "--data", alice()});
    EXPECT_THAT(drawn.output, HasSubstr("##  "));

    const Ended wrong = ask({"send", uri, "71", "--passphrase-file", path("passphrase")});
    EXPECT_EQ(wrong.error_code(), "invalid_argument");
    std::string other = uri;
    other.replace(other.find("chain=") + 6, 4,
                  other.substr(other.find("chain=") + 6, 4) == "0000" ? "1111" : "0000");
    EXPECT_EQ(ask({"send", other, "--passphrase-file", path("passphrase")}).error_code(),
              "wrong_chain");
    const Ended paid = ask({"send", uri, "--wait", "--passphrase-file", path("passphrase")});
    ASSERT_EQ(paid.exit_code, 0) << paid.errors;
    const Json entry = ask({"wallet", "history"}).json().at("history").at(0);
    EXPECT_EQ(entry.at("amount"), 70);
    EXPECT_EQ(entry.at("label"), "two loaves");
    EXPECT_EQ(entry.at("state"), "FINAL");
    EXPECT_EQ(ask({"wallet", "label", paid.json().at("txid"), "bread"}).exit_code, 0);
    EXPECT_EQ(ask({"wallet", "history"}).json().at("history").at(0).at("label"), "bread");
}

TEST_F(RunningWallet, Fees_AreChosenByNameOrNumberAndNeverByMistake) {
    start();
    const auto pay = [&](const std::string& fee) {
        return ask(
            {"send", bob_address_, "5", "--fee", fee, "--passphrase-file", path("passphrase")});
    };
    EXPECT_EQ(pay("cheap").exit_code, 2);
    EXPECT_EQ(pay("18446744073709551615").error_code(), "invalid_argument");
    const Ended slip = pay("6");
    EXPECT_EQ(slip.error_code(), "invalid_argument");
    EXPECT_THAT(slip.errors, HasSubstr("--yes"));
    EXPECT_EQ(ask({"send", bob_address_, "5", "--fee", "6", "--yes", "--passphrase-file",
                   path("passphrase")})
                  .exit_code,
              0);
    const Ended low = pay("low");
    ASSERT_EQ(low.exit_code, 0) << low.errors;
    EXPECT_EQ(low.json().at("fee"), 1);
    const Ended high = pay("high");
    ASSERT_EQ(high.exit_code, 0) << high.errors;
    EXPECT_GE(high.json().at("fee"), 4);
    EXPECT_THAT(high.json().at("expires").get<std::string>(), StartsWith("20"));
    EXPECT_EQ(
        ask({"wallet", "reissue", std::string(64, '0'), "--passphrase-file", path("passphrase")})
            .error_code(),
        "not_found");
}

TEST_F(RunningWallet, UnlockedWallet_LocksItselfAfterAWhile) {
    configure([](node::NodeConfig& config) { config.wallet.lock_after = 1s; });
    start();
    ASSERT_EQ(unlock("correct horse").exit_code, 0);
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (ask({"wallet", "show"}).json().at("unlocked") == true) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    }
}

TEST_F(RunningWallet, Secrets_AreInNoLogAndNoStore) {
    const Ended shown = ask({"wallet", "phrase", "--passphrase-file", path("passphrase")});
    const std::string words = shown.json().at("phrase");
    start();
    ASSERT_EQ(send("5").exit_code, 0);
    EXPECT_EQ(unlock("a wrong secret").error_code(), "unauthorized");
    stop();
    for (const char* file : {"node.log", "alice/store.db", "alice/wallet.key"}) {
        const auto bytes = host::read_file(root_ / file, 100'000'000);
        ASSERT_TRUE(bytes) << file;
        const std::string_view text = base::as_text(*bytes);
        for (const std::string_view secret :
             {std::string_view(words).substr(0, words.find(' ', words.find(' ') + 1)),
              std::string_view("correct horse"), std::string_view("a wrong secret")}) {
            EXPECT_EQ(text.find(secret), std::string_view::npos) << file;
        }
    }
}

}  // namespace
}  // namespace meshchain::app
