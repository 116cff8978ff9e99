// The real program, run as people run it: what it prints, how it ends, what it leaves on disk.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/data_folder.h"
#include "host/file.h"
#include "host/file_lock.h"
#include "host/genesis_json.h"
#include "host/json_document.h"
#include "host/temporary_folder.h"
#include "meshchain/test_program.h"
#include "wallet/address.h"
#include "wire/frame.h"
#include "wire/transaction.h"

namespace meshchain::app {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST_F(Program, WrongUsage_EndsWithCodeTwoAndSaysWhereHelpIs) {
    for (const std::vector<std::string>& arguments : {
             std::vector<std::string>{},
             {"fly"},
             {"node"},
             {"node", "init"},
             {"genesis", "show"},
         }) {
        const Ended ended = run(arguments);
        EXPECT_EQ(ended.exit_code, 2);
        EXPECT_THAT(ended.errors, StartsWith("meshchain: command line: "));
        EXPECT_THAT(ended.errors, HasSubstr("--help"));
    }
    EXPECT_EQ(run({"--json", "fly"}).error_code(), "invalid_argument");
    EXPECT_THAT(run({"fly"}).errors, HasSubstr("there is no command 'fly'"));
    const Ended value = run({"wallet", "create", "--keys", "0", "--data", path("w")});
    EXPECT_EQ(value.exit_code, 2);
    EXPECT_THAT(value.errors, HasSubstr("--keys"));
}

TEST_F(Program, WrongUsage_NamesTheHelpOfTheCommandThatWasMeant) {
    EXPECT_THAT(run({"wallet"}).errors, HasSubstr("see meshchain wallet --help"));
    EXPECT_THAT(run({"node", "init", "--fly"}).errors, HasSubstr("see meshchain node init --help"));
}

TEST_F(Program, Numbers_AreDecimalDigitsAndNothingElse) {
    const auto stake = [&](const std::string& text) {
        return run({"node", "keys", "--stake", text, "--json", "--data", path("alice")});
    };
    make_validator("alice");
    for (const char* const text : {"-5", "-18446744073709551606", "0x10", "0b1", "1.5", "1e3", "+3",
                                   " 3", "1_000", "ten", "18446744073709551616"}) {
        const Ended ended = stake(text);
        EXPECT_EQ(ended.exit_code, 2) << text;
        EXPECT_THAT(ended.errors, HasSubstr("'" + std::string(text) + "'"));
    }
    EXPECT_EQ(stake("010").json().at("stake"), 10) << "never octal";
    const Ended long_wait = run({"send", "mesh1x", "1", "--timeout", "18446744073709551615"});
    EXPECT_EQ(long_wait.exit_code, 2);
    EXPECT_THAT(long_wait.errors, HasSubstr("from 0 to 31536000"));
}

TEST_F(Program, Help_TeachesWithExamplesAndExitCodes) {
    const Ended help = run({"--help"});
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_THAT(help.output, HasSubstr("Exit codes:"));
    EXPECT_THAT(help.output, HasSubstr("meshchain genesis create"));
    EXPECT_THAT(run({"node", "init", "--help"}).output, HasSubstr("Example"));
    EXPECT_THAT(run({"--version"}).output, StartsWith("meshchain "));
}

TEST_F(Program, Init_NeedsAGenesisThatParses) {
    EXPECT_EQ(run({"node", "init", "--data", path("a"), "--genesis", path("none"), "--json"})
                  .error_code(),
              "not_found");
    ASSERT_TRUE(host::write_file(root_ / "bad", base::as_bytes("no genesis")));
    const Ended bad = run({"node", "init", "--data", path("a"), "--genesis", path("bad")});
    EXPECT_EQ(bad.exit_code, 1);
    EXPECT_FALSE(std::filesystem::exists(root_ / "a")) << "nothing is left of a failed init";
}

TEST_F(Program, Init_OfAValidatorThatGenesisDoesNotListIsRefused) {
    make_validator("alice");
    ASSERT_EQ(make_genesis("g").exit_code, 0);
    const Ended eve =
        run({"node", "init", "--data", path("eve"), "--genesis", path("g"), "--role", "validator"});
    EXPECT_EQ(eve.exit_code, 1);
    EXPECT_THAT(eve.errors, HasSubstr("role"));
}

TEST_F(Program, SecondInit_DoesNotOverwrite) {
    make_validator("alice");
    ASSERT_EQ(make_genesis("g").exit_code, 0);
    const std::vector<std::string> init{"node",      "init",    "--data", path("alice"),
                                        "--genesis", path("g"), "--json"};
    const Ended first = run(init);
    ASSERT_EQ(first.exit_code, 0) << first.errors;
    EXPECT_EQ(first.json().at("role"), "validator");
    EXPECT_EQ(run(init).error_code(), "exists");
    EXPECT_EQ(run({"config", "check", "--data", path("alice")}).exit_code, 0);
    EXPECT_EQ(run({"config", "show", "--data", path("alice"), "--json"})
                  .json()
                  .at("config")
                  .at("max_peers"),
              20);
}

TEST_F(Program, FolderInUse_IsLeftAloneWithCodeFour) {
    make_validator("alice");
    ASSERT_EQ(make_genesis("g").exit_code, 0);
    const auto lock = host::FileLock::acquire(root_ / "alice");
    ASSERT_TRUE(lock);
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"node", "keys"},
          {"node", "init", "--genesis", path("g")},
          {"wallet", "create", "--no-confirm", "--passphrase-file", path("passphrase")}}) {
        std::vector<std::string> arguments = command;
        arguments.insert(arguments.end(), {"--data", path("alice"), "--json"});
        const Ended ended = run(arguments);
        EXPECT_EQ(ended.exit_code, 4) << command[0] << " " << command[1];
        EXPECT_EQ(ended.error_code(), "locked");
    }
}

TEST_F(Program, BrokenConfig_EveryProblemIsNamedByCheck) {
    ASSERT_TRUE(host::write_file(root_ / "config.json",
                                 base::as_bytes("{\"max_peers\": 0, \"rolle\": 1, \"network\": "
                                                "{\"listen\": \"nowhere\"}, \"stake\": -1}")));
    const Ended ended = run({"config", "check", "--data", root_.string()});
    EXPECT_EQ(ended.exit_code, 1);
    for (const char* part :
         {"field max_peers: 0 is not allowed; allowed: 1 to 100", "field rolle: unknown field",
          "field network.listen: ", "field stake: -1 is not a whole number"}) {
        EXPECT_THAT(ended.output, HasSubstr(part));
    }
    EXPECT_EQ(
        run({"config", "check", "--data", root_.string(), "--json"}).json().at("problems").size(),
        4U);
    EXPECT_EQ(run({"config", "show", "--data", root_.string()}).exit_code, 1);
    EXPECT_THAT(run({"config", "check", "--data", path("none")}).errors,
                HasSubstr("meshchain node init"));
}

TEST_F(Program, ConfigCheck_LooksAtTheFilesThatRadiosName) {
    std::filesystem::create_symlink("/dev/null", root_ / "radio");
    const Json channels = Json::array({{{"name", "v"}, {"psk", "AQ=="}}});
    const Json radios = Json::array(
        {{{"mqtt", {{"user", "me"}, {"password_path", "nowhere"}, {"channels", channels}}}},
         {{"serial", {{"path", "/dev/null"}}}},
         {{"serial", {{"path", path("radio")}}}}});
    ASSERT_TRUE(
        host::write_file(root_ / "config.json", base::as_bytes(Json{{"radios", radios}}.dump())));
    const Ended ended = run({"config", "check", "--data", root_.string()});
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_THAT(ended.output, HasSubstr("config.json, field radios[0].mqtt.password_path: "));
    EXPECT_THAT(ended.output, HasSubstr("config.json, field radios[2]: " + path("radio")));
}

TEST_F(Program, ConfigThatContradictsGenesis_IsNamedByCheck) {
    make_validator("alice");
    ASSERT_EQ(make_genesis("g").exit_code, 0);
    ASSERT_EQ(run({"node", "init", "--data", path("alice"), "--genesis", path("g")}).exit_code, 0);
    ASSERT_TRUE(host::write_file(root_ / "alice" / "config.json",
                                 base::as_bytes("{\"block_time_ms\": 5000}")));
    const Ended ended = run({"config", "check", "--data", path("alice")});
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_THAT(ended.output, HasSubstr("block_time_ms"));
}

TEST_F(Program, ConfigShow_SaysWhereEachValueComesFrom) {
    make_validator("alice");
    ASSERT_EQ(make_genesis("g").exit_code, 0);
    ASSERT_EQ(run({"node", "init", "--data", path("alice"), "--genesis", path("g")}).exit_code, 0);
    ASSERT_TRUE(
        host::write_file(root_ / "alice" / "config.json",
                         base::as_bytes("{\"max_peers\": 7, \"log\": {\"level\": \"debug\"}}")));
    const Json shown = run({"config", "show", "--data", path("alice"), "--json"}).json();
    EXPECT_EQ(shown.at("config").at("max_peers"), 7);
    EXPECT_EQ(shown.at("sources").at("max_peers"), "config.json");
    EXPECT_EQ(shown.at("sources").at("log.level"), "config.json");
    EXPECT_EQ(shown.at("sources").at("log.format"), "default");
    EXPECT_EQ(shown.at("sources").at("network.listen"), "default");

    const Json limits =
        run({"config", "show", "--limits", "--data", path("alice"), "--json"}).json();
    std::uint64_t sum = 0;
    for (const Json& limit : limits.at("limits")) sum += limit.at("bytes_max").get<std::uint64_t>();
    EXPECT_EQ(limits.at("bytes_max"), sum);
    EXPECT_LT(sum, 512U * 1024 * 1024);
}

TEST_F(Program, ConfigShow_CountsTheBoundsOfEachRadio) {
    make_validator("alice");
    ASSERT_EQ(make_genesis("g").exit_code, 0);
    ASSERT_EQ(run({"node", "init", "--data", path("alice"), "--genesis", path("g")}).exit_code, 0);
    // The bound of the radios' tables, and of all.
    const auto bounds = [&](const Json& radios) {
        EXPECT_TRUE(host::write_file(root_ / "alice" / "config.json",
                                     base::as_bytes(Json{{"radios", radios}}.dump())));
        const Json shown =
            run({"config", "show", "--limits", "--data", path("alice"), "--json"}).json();
        std::uint64_t of_radios = 0;
        for (const Json& limit : shown.at("limits")) {
            if (limit.at("module") == "radio")
                of_radios += limit.at("bytes_max").get<std::uint64_t>();
        }
        return std::pair(of_radios, shown.at("bytes_max").get<std::uint64_t>());
    };
    const auto radio = [](const char* host) { return Json{{"tcp", {{"host", host}}}}; };
    const auto none = bounds(Json::array());
    const auto one = bounds(Json::array({radio("a")}));
    const auto two = bounds(Json::array({radio("a"), radio("b")}));
    EXPECT_EQ(none.first, 0U);
    EXPECT_GT(one.first, 32'768U + 16 * 8'192) << "what waits and what arrives in pieces";
    EXPECT_LT(one.first, 2U * 1024 * 1024);
    EXPECT_EQ(two.first, 2 * one.first);
    EXPECT_EQ(two.second - none.second, two.first);
}

TEST_F(Program, Genesis_IsReproducibleAndShowsWhatItSays) {
    make_validator("alice");
    const Ended first = make_genesis("g1");
    ASSERT_EQ(first.exit_code, 0) << first.errors;
    EXPECT_EQ(first.json().at("chain_id"), make_genesis("g2").json().at("chain_id"));
    EXPECT_EQ(content(root_ / "g1"), content(root_ / "g2"));
    EXPECT_NE(make_genesis("g3", "2026-11-21T02:00:01Z").json().at("chain_id"),
              first.json().at("chain_id"));
    EXPECT_EQ(make_genesis("g1").error_code(), "exists");

    const Json shown = run({"genesis", "show", path("g1"), "--json"}).json();
    EXPECT_EQ(shown.at("validators").size(), 1u);
    EXPECT_EQ(shown.at("allocations").at(0).at("amount"), 1000);
    ASSERT_TRUE(host::write_file(root_ / "spec", base::as_bytes(host::to_line(shown))));
    const Ended again = run({"genesis", "create", "--spec", path("spec"), "--out", path("g4")});
    ASSERT_EQ(again.exit_code, 0) << again.errors;
    EXPECT_EQ(content(root_ / "g4"), content(root_ / "g1"));
    EXPECT_THAT(run({"genesis", "show", path("g4")}).output, HasSubstr("Supply     1100"));
    const Ended both = run({"genesis", "create", "--spec", path("spec"), "--stake-min", "5",
                            "--out", path("g5"), "--json"});
    EXPECT_EQ(both.error_code(), "invalid_argument");
    EXPECT_FALSE(std::filesystem::exists(root_ / "g5"));
}

TEST_F(Program, GenesisWithoutStart_IsRefused) {
    const Ended ended = run({"genesis", "create", "--out", path("g")});
    EXPECT_EQ(ended.exit_code, 2);
    EXPECT_THAT(ended.errors, HasSubstr("--start"));
}

TEST_F(Program, GenesisWithRulesOfStakesThatNeverMove_IsRefused) {
    for (const std::string rule : {"--unbond-epochs", "--epoch-rounds"}) {
        const Ended ended = run({"genesis", "create", "--start", "2026-11-21T02:00:00Z", rule, "9",
                                 "--out", path("g"), "--json"});
        EXPECT_EQ(ended.error_code(), "invalid_argument");
        EXPECT_THAT(ended.errors, HasSubstr("--stake-min"));
    }
}

TEST_F(Program, WalletCreate_SealsAndNeverReplaces) {
    const Ended open = run({"wallet", "create", "--no-confirm", "--data", path("w"),
                            "--passphrase-file", "/etc/passwd"});
    EXPECT_EQ(open.exit_code, 1) << "others may read that file";
    const std::vector<std::string> create{"wallet",          "create",  "--no-confirm",
                                          "--data",          path("w"), "--passphrase-file",
                                          passphrase_file(), "--json"};
    const Ended made = run(create);
    ASSERT_EQ(made.exit_code, 0) << made.errors;
    EXPECT_THAT(made.json().at("addresses").at(0).get<std::string>(), StartsWith("mesh1"));
    EXPECT_EQ(run(create).error_code(), "exists");
}

wire::Transaction example_payment(const crypto::SigningKey& sender) {
    wire::Transaction transaction;
    transaction.body.inputs = {{{{crypto::hash({})}, 1}, {1000}}};
    transaction.body.outputs = {{sender.public_key(), {600}}, {sender.public_key(), {399}}};
    transaction.body.fee = {1};
    transaction.body.expiry = {20};
    transaction.signatures = {sender.sign(wire::preimage({}, transaction.body))};
    return transaction;
}

TEST_F(Program, CompactTransfer_DecodesToPreimageAndTxid) {
    const auto sender = crypto::SigningKey::from_seed({std::byte{5}});
    const wire::Transaction payment = example_payment(sender);
    const auto compact = wire::compact({}, payment, {sender.public_key(), {1000}});
    ASSERT_TRUE(compact);
    const std::string hex = base::to_hex(wire::encode(*compact));
    EXPECT_EQ(run({"tx", "decode", hex}).json().at("form"), "compact");

    const std::string coin = crypto::to_hex(crypto::hash({})) + ":1:1000";
    const std::string chain = crypto::to_hex(crypto::Hash{});
    const Ended full = run({"tx", "decode", hex, "--slot", "1000", "--chain", chain, "--input",
                            coin + ":" + wallet::encode_address(sender.public_key())});
    ASSERT_EQ(full.exit_code, 0) << full.errors;
    EXPECT_EQ(full.json().at("signature_valid"), true);
    EXPECT_EQ(full.json().at("expanded").at("preimage"),
              base::to_hex(wire::preimage({}, payment.body)));
    EXPECT_EQ(full.json().at("expanded").at("txid"),
              crypto::to_hex(wire::txid({}, payment.body).hash));

    EXPECT_THAT(
        run({"tx", "decode", hex, "--slot", "1000", "--chain", chain, "--input", coin}).errors,
        HasSubstr("owner"))
        << "the change cannot be known";
    EXPECT_EQ(run({"tx", "decode", hex.substr(2)}).exit_code, 1);
    EXPECT_EQ(run({"tx", "decode", "xyz"}).exit_code, 1);
}

TEST_F(Program, Frame_DecodesAndGarbageIsRefused) {
    wire::FrameHeader header;
    header.type = wire::MessageType::transaction;
    const auto sender = crypto::SigningKey::from_seed({std::byte{5}});
    const base::Buffer payload = wire::encode(example_payment(sender));
    const Ended frame = run({"frame", "decode", base::to_hex(wire::encode_frame(header, payload))});
    EXPECT_EQ(frame.json().at("type"), "TRANSACTION");
    EXPECT_EQ(frame.json().at("payload").at("form"), "long");
    const Ended bare = run({"frame", "decode", "--type", "TRANSACTION", base::to_hex(payload)});
    EXPECT_EQ(bare.json(), frame.json().at("payload"));
    EXPECT_EQ(run({"frame", "decode", "00"}).exit_code, 1);
    EXPECT_EQ(run({"frame", "decode", "--type", "NONE", "00"}).exit_code, 2);
}

TEST_F(Program, RadioPlan_PricesANetworkBeforeAnybodyJoins) {
    EXPECT_THAT(run({"radio", "plan", "--preset", "LongFast"}).errors, HasSubstr("LONG_FAST"));
    EXPECT_THAT(run({"radio", "plan", "--region", "MARS"}).errors, HasSubstr("MARS"));
    EXPECT_EQ(run({"radio", "plan", "--nodes", "3", "--json"}).error_code(), "invalid_argument");
    const auto quick = run({"radio", "plan", "--preset", "SHORT_TURBO", "--json"}).json();
    EXPECT_EQ(quick.at("fits"), true);
    EXPECT_EQ(quick.at("messages").at(0).at("type"), "TRANSACTION");
    EXPECT_EQ(quick.at("messages").at(0).at("packets"), 1);
    EXPECT_EQ(quick.at("budget_s_an_hour"), 36);
    EXPECT_THAT(run({"radio", "plan", "--payments", "2000"}).output, HasSubstr("does not fit"));
}

}  // namespace
}  // namespace meshchain::app
