// Reading a configuration file: each way it can be broken is refused by name, never repaired.

#include "host/config_json.h"

#include <gtest/gtest.h>

#include "host/file.h"
#include "host/json_document.h"
#include "host/temporary_folder.h"

namespace meshchain::host {
namespace {

using namespace std::chrono_literals;

struct Broken {
    const char* test_name;
    const char* text;
    const char* where;  ///< ends the error's place
    const char* what;   ///< is part of the error's reason
};

class BrokenConfig : public testing::TestWithParam<Broken> {};

TEST_P(BrokenConfig, File_IsRefusedNamingThePlace) {
    const auto config = parse_config(GetParam().text, "config.json");
    ASSERT_FALSE(config);
    EXPECT_TRUE(config.error().where.ends_with(GetParam().where)) << sentence(config.error());
    EXPECT_NE(config.error().what.find(GetParam().what), std::string::npos)
        << sentence(config.error());
    EXPECT_FALSE(config.error().advice.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Hostile, BrokenConfig,
    testing::Values(
        Broken{"Empty", "", "config.json", "no JSON"},
        Broken{"Truncated", "{\"max_peers\": 5", "config.json", "line 1"},
        Broken{"SyntaxOnLineThree", "{\n\n  max_peers: 5}", "config.json", "line 3"},
        Broken{"TwoDocuments", "{} {}", "config.json", "no JSON"},
        Broken{"NoUtf8", "{\"node_name\": \"\xff\"}", "config.json", "no JSON"},
        Broken{"DeepNesting",
               "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
               "config.json", "deeper"},
        Broken{"NoObject", "[1]", "document", "no object"},
        Broken{"UnknownField", "{\"max_peer\": 5}", "field max_peer", "unknown field"},
        Broken{"UnknownInside", "{\"network\": {\"lisen\": \"1.2.3.4:5\"}}", "field network.lisen",
               "unknown field"},
        Broken{"GivenTwice", "{\"max_peers\": 5, \"max_peers\": 6}", "config.json",
               "'max_peers' is given twice"},
        Broken{"GivenTwiceInside", "{\"log\": {\"level\": \"info\", \"level\": \"info\"}}",
               "config.json", "'level' is given twice"},
        Broken{"NumberAsText", "{\"max_peers\": \"5\"}", "field max_peers", "whole number"},
        Broken{"Fraction", "{\"max_peers\": 5.5}", "field max_peers", "whole number"},
        Broken{"Negative", "{\"stake\": -1}", "field stake", "whole number"},
        Broken{"HugeNumber", "{\"stake\": 99999999999999999999999}", "field stake", "whole number"},
        Broken{"TimeOverflow", "{\"sync_timeout_ms\": 18446744073709551615}",
               "field sync_timeout_ms", "whole number"},
        Broken{"TextAsNumber", "{\"node_name\": 5}", "field node_name", "text in quotes"},
        Broken{"BoolAsNumber", "{\"network\": {\"multicast\": 1}}", "field network.multicast",
               "true or false"},
        Broken{"NullField", "{\"node_name\": null}", "field node_name", "text in quotes"},
        Broken{"SectionIsText", "{\"network\": \"none\"}", "field network", "no object"},
        Broken{"Role", "{\"role\": \"king\"}", "field role", "'king'"},
        Broken{"NodeId", "{\"node_id\": \"12\"}", "field node_id", "no node id"},
        Broken{"HostName", "{\"network\": {\"listen\": \"localhost:9998\"}}",
               "field network.listen", "localhost"},
        Broken{"InterfaceWithPort", "{\"network\": {\"interface\": \"127.0.0.1:1\"}}",
               "field network.interface", "127.0.0.1:1"},
        Broken{"PeerIsNumber", "{\"network\": {\"static_peers\": [5]}}",
               "field network.static_peers", "no text"},
        Broken{"PeersAreNoList", "{\"network\": {\"static_peers\": \"1.2.3.4:5\"}}",
               "field network.static_peers", "list"},
        Broken{"LogLevel", "{\"log\": {\"level\": \"loud\"}}", "field log.level", "'loud'"},
        Broken{"LogModule", "{\"log\": {\"modules\": {\"mesh\": 3}}}", "field log.modules.mesh",
               "text in quotes"},
        Broken{"RadiosAreNoList", "{\"radios\": {}}", "field radios", "list"},
        Broken{"RadioIsText", "{\"radios\": [\"mqtt\"]}", "field radios[0]", "no object"},
        Broken{"RadioWithoutDoor", "{\"radios\": [{}]}", "field radios[0]", "nothing says how"},
        Broken{"RadioWithTwoDoors",
               "{\"radios\": [{\"serial\": {\"path\": \"/dev/x\"}, \"tcp\": {\"host\": "
               "\"a\"}}]}",
               "field radios[0]", "more than once"},
        Broken{"RadioUnknownField",
               "{\"radios\": [{\"serial\": {\"path\": \"/dev/x\", \"port\": 1}}]}",
               "field radios[0].serial.port", "unknown field"},
        Broken{"BridgeOfWhat",
               "{\"radios\": [{\"serial\": {\"path\": \"/dev/x\"}, \"bridge\": {\"carry\": "
               "[\"votes\", \"cats\"]}}]}",
               "field radios[0].bridge.carry", "cats"},
        Broken{"RadioPreset",
               "{\"radios\": [{\"serial\": {\"path\": \"/dev/x\"}, \"preset\": \"FAST\"}]}",
               "field radios[0].preset", "no such preset"},
        Broken{"ChannelWithoutKey",
               "{\"radios\": [{\"mqtt\": {\"channels\": [{\"name\": \"LongFast\"}]}}]}",
               "field radios[0].mqtt.channels.psk", "missing"},
        Broken{"ChannelKeyNoBase64",
               "{\"radios\": [{\"mqtt\": {\"channels\": [{\"name\": \"a\", \"psk\": "
               "\"secret!\"}]}}]}",
               "field radios[0].mqtt.channels.psk", "no base64"},
        Broken{"OutOfRange", "{\"max_peers\": 0}", "field max_peers", "0"}),
    [](const auto& broken) { return broken.param.test_name; });

INSTANTIATE_TEST_SUITE_P(
    HostileMirror, BrokenConfig,
    testing::Values(
        Broken{"MirrorPriority",
               "{\"radios\": [{\"serial\": {\"path\": \"/dev/x\"}, \"mirror\": {\"channel\": "
               "\"a\", \"alerts\": \"loud\"}}]}",
               "field radios[0].mirror.alerts", "no such priority"},
        Broken{"MirrorWithoutChannel",
               "{\"radios\": [{\"serial\": {\"path\": \"/dev/x\"}, \"mirror\": {\"payments\": "
               "true}}]}",
               "field radios[0].mirror.channel", "missing"}),
    [](const auto& broken) { return broken.param.test_name; });

INSTANTIATE_TEST_SUITE_P(
    HostileKodikon, BrokenConfig,
    testing::Values(Broken{"UnknownField", "{\"kodikon\": {\"port\": 9999}}", "field kodikon.port",
                           "unknown field"},
                    Broken{"HostName", "{\"kodikon\": {\"listen\": \"localhost:9999\"}}",
                           "field kodikon.listen", "localhost"},
                    Broken{"EnabledIsText", "{\"kodikon\": {\"enabled\": \"yes\"}}",
                           "field kodikon.enabled", "true or false"}),
    [](const auto& broken) { return broken.param.test_name; });

std::vector<node::RadioConfig> unusual_radios() {
    const std::vector<node::RadioChannel> channels{
        {"village", base::Buffer(16, std::byte{0xa5})}, {"LongFast", {std::byte{1}}}, {"open", {}}};
    node::MqttRadio mqtt;
    mqtt.host = "broker.example";
    mqtt.port = 1884;
    mqtt.user = "radio";
    mqtt.password_path = "mqtt.password";
    mqtt.root = "msh/EU_868";
    mqtt.tls = true;
    mqtt.authority_path = "ca.pem";
    mqtt.channels = channels;
    node::MulticastRadio multicast;
    multicast.group = "224.0.0.70";
    multicast.port = 4404;
    multicast.interface = "10.0.0.1";
    multicast.channels = channels;
    return {{.door = mqtt,
             .preset = radio::Preset::short_turbo,
             .region = "EU_868",
             .share_permille = 20,
             .application_port = 300,
             .payload_bytes_max = 165,
             .listen_only = true,
             .bridge = {.carries = {true, false, true, false}, .budget_percent = 20}},
            {.door = multicast,
             .region = {},
             .bridge = {.carries = {}, .budget_percent = 50},
             .mirror = node::MirrorConfig{.channel = "LongFast",
                                          .alerts = records::AlertPriority::critical,
                                          .payments = true,
                                          .budget_percent = 10}},
            {.door = node::TcpRadio{"radio.local", 4405, "village"},
             .region = {},
             .mirror = node::MirrorConfig{.channel = "LongFast", .payments = true}},
            {.door = node::SerialRadio{"/dev/ttyUSB0", 9'600, "village"}, .region = {}}};
}

node::NodeConfig unusual() {
    node::NodeConfig config;
    config.node_name = "Lighthouse \"north\" — 2";
    config.node_id = crypto::NodeId{};
    config.role = wire::Role::validator;
    config.stake = wire::Amount{123'456'789'012};
    config.storage_path = "/var/lib/a b/store.db";
    config.wallet_path = "my wallet";
    config.store_engine = node::StoreEngine::flashlog;
    config.store_size_mb = 16;
    config.store_encryption = node::StoreEncryption::passphrase;
    config.store_passphrase_path = "store.passphrase";
    config.store_quota_mb = 12;
    config.store_keep_blocks = 5000;
    config.store_undo_blocks = 800;
    config.max_peers = 7;
    config.max_block_size = 65536;
    config.block_time = 1s;
    config.sync_timeout = 10s;
    config.network.listen = node::ipv4({10, 0, 0, 1}, 4000);
    config.network.interface = node::ipv4({127, 0, 0, 1}, 0);
    config.network.multicast = false;
    config.network.multicast_group = node::ipv4({224, 1, 2, 3}, 1);
    config.network.static_peers = {node::ipv4({10, 0, 0, 2}, 4000),
                                   *base::parse_link_address("[fe80::1]:4001")};
    config.network.discovery_interval = 100ms;
    config.network.heartbeat_interval = 200ms;
    config.network.peer_timeout = 1s;
    config.network.enabled = false;
    config.radios = unusual_radios();
    config.kodikon.enabled = true;
    config.kodikon.listen = node::ipv4({10, 0, 0, 1}, 9997);
    config.kodikon.interface = node::ipv4({10, 0, 0, 1}, 0);
    config.kodikon.broadcast = node::ipv4({10, 0, 0, 255}, 9996);
    config.kodikon.peers_max = 7;
    config.api.address = node::ipv4({127, 0, 0, 2}, 8080);
    config.api.tls_certificate = "api.pem";
    config.api.tls_key = "/etc/api.key";
    config.log.level = base::LogLevel::error;
    config.log.modules = {{"mesh", base::LogLevel::debug}};
    return config;
}

TEST(ConfigJson, WhatIsWrongWithARadio_IsSaidWithoutItsKeys) {
    const std::string secret = "paWlpaWlpaWlpaWlpaWlpQ";
    const std::string channel = "{\"name\": \"v\", \"psk\": \"" + secret + "==\"}";
    const auto multicast = [](const std::string& channels) {
        return "{\"radios\": [{\"multicast\": {\"channels\": " + channels + "}}]}";
    };
    for (const std::string& text :
         {multicast(channel), multicast("[\"" + secret + "\"]"),
          multicast("[{\"name\": \"v\", \"psk\": [\"" + secret + "\"]}]"),
          multicast("[{\"name\": \"v\", \"psk\": \"" + secret + "!\"}]"),
          multicast("[{\"name\": \"v\", \"psk\": \"" + secret), multicast("[" + channel + channel),
          "{\"radios\": {\"multicast\": {\"channels\": [" + channel + "]}}}",
          "{\"radios\": [{\"mqtt\": [" + channel + "]}]}"}) {
        const auto problems = config_problems(text, "config.json");
        EXPECT_FALSE(problems.empty()) << text;
        for (const base::Error& problem : problems) {
            EXPECT_EQ(sentence(problem).find(secret.substr(0, 8)), std::string::npos)
                << sentence(problem);
        }
    }
}

TEST(ConfigJson, RadioThatCannotBeRead_IsNotJudgedByWhatItLacks) {
    const std::string good = "{\"mqtt\": {\"channels\": [{\"name\": \"v\", \"psk\": \"AQ==\"}]}}";
    for (const std::string& unread : std::vector<std::string>{
             "\"mqtt\"", "{}", "{\"mqtt\": 5}", "{\"mqtt\": {\"channels\": 5}}",
             "{\"mqtt\": {\"channels\": [5]}}", "{\"mqtt\": {\"hots\": \"broker\"}}",
             "{\"mqtt\": {\"channels\": [{\"psk\": \"AQ==\"}]}}", "{\"tcp\": {}}",
             "{\"mqtt\": {\"port\": 65536, \"channels\": []}}", "{\"serial\": {\"path\": 5}}",
             "{\"tcp\": {\"host\": \"a\"}, \"multicast\": {}}"}) {
        const std::string text =
            "{\"radios\": [" + good + ", " + unread + ", " + unread + "], \"max_peers\": 0}";
        const auto problems = config_problems(text, "config.json");
        ASSERT_EQ(problems.size(), 3U) << unread << ": " << sentence(problems.back());
        EXPECT_TRUE(problems[0].where.contains("radios[1]")) << problems[0].where;
        EXPECT_TRUE(problems[1].where.contains("radios[2]")) << problems[1].where;
        EXPECT_TRUE(problems[2].where.contains("max_peers")) << problems[2].where;
    }
    const auto problems =
        config_problems("{\"radios\": [{\"mqtt\": 5, \"share_permille\": 0}]}", "config.json");
    EXPECT_EQ(problems.size(), 2U) << "what was read is judged";
}

TEST(ConfigJson, WhatIsShown_HasNoKeysOfChannels) {
    const node::NodeConfig config = unusual();
    const std::string secret = "paWlpaWlpaWlpaWlpaWlpQ==";
    EXPECT_NE(to_line(to_json(config)).find(secret), std::string::npos);
    const std::string shown = to_line(shown_json(config));
    EXPECT_EQ(shown.find(secret), std::string::npos);
    EXPECT_NE(shown.find("AQ=="), std::string::npos) << "everybody knows that one";
    const auto settings = settings_of(to_line(to_json(config)), "config.json");
    ASSERT_TRUE(settings);
    for (const Setting& setting : *settings) {
        EXPECT_EQ(setting.value.find(secret), std::string::npos) << setting.name;
    }
}

TEST(ConfigJson, SaveAndLoad_KeepEveryField) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "config.json";
    for (const node::NodeConfig& config : {node::NodeConfig{}, unusual()}) {
        ASSERT_TRUE(save_config(config, path));
        const auto loaded = load_config(path);
        ASSERT_TRUE(loaded) << sentence(loaded.error());
        EXPECT_EQ(*loaded, config);
    }
}

TEST(ConfigJson, InvalidConfig_IsNotSaved) {
    const TemporaryFolder folder;
    node::NodeConfig config;
    config.max_peers = 0;
    EXPECT_FALSE(save_config(config, folder.path() / "config.json"));
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "config.json"));
}

TEST(ConfigJson, MissingFile_IsAnErrorAndNotADefault) {
    const auto config = load_config("/nonexistent/config.json");
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code, base::Errc::not_found);
}

TEST(ConfigJson, OversizedFile_IsRefused) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "config.json";
    ASSERT_TRUE(write_file(path, base::as_bytes(std::string(config_bytes_max + 1, ' '))));
    EXPECT_EQ(load_config(path).error().code, base::Errc::too_large);
}

TEST(ConfigJson, Comments_AreAllowed) {
    const auto config = parse_config("// ours\n{ /* few */ \"max_peers\": 5 }", "config.json");
    ASSERT_TRUE(config) << sentence(config.error());
    EXPECT_EQ(config->max_peers, 5u);
}

}  // namespace
}  // namespace meshchain::host
