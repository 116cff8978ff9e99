// Every field of row D1 out of its range, and what a configuration may only repeat.

#include "node/config.h"

#include <gtest/gtest.h>

#include <functional>

namespace meshchain::node {
namespace {

using namespace std::chrono_literals;

struct BadValue {
    const char* test_name;
    std::string field;
    std::string value;  ///< as the error must show it
    std::function<void(NodeConfig&)> spoil;
};

class OutOfRange : public testing::TestWithParam<BadValue> {};

TEST_P(OutOfRange, Field_IsRefusedByNameWithValueAndRange) {
    NodeConfig config;
    GetParam().spoil(config);
    const auto result = validate(config);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, base::Errc::invalid_argument);
    EXPECT_EQ(result.error().where, GetParam().field);
    EXPECT_NE(result.error().what.find(GetParam().value), std::string::npos) << result.error().what;
    EXPECT_TRUE(result.error().advice.starts_with("allowed: ")) << result.error().advice;
    EXPECT_EQ(problems(config).size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    EachField, OutOfRange,
    testing::Values(
        BadValue{"NodeNameEmpty", "node_name", "''", [](auto& c) { c.node_name = ""; }},
        BadValue{"NodeNameLong", "node_name", "aaa", [](auto& c) { c.node_name.assign(65, 'a'); }},
        BadValue{"NodeNameControl", "node_name", "this text",
                 [](auto& c) { c.node_name = "a\x1b[2J"; }},
        BadValue{"NodeNameDirection", "node_name", "this text",
                 [](auto& c) {
                     c.node_name =
                         "a\xE2\x80\xAE"
                         "b";
                 }},
        BadValue{"SegmentEmpty", "network.segments", "''",
                 [](auto& c) { c.network.segments = {""}; }},
        BadValue{"SegmentLong", "network.segments", "aaa",
                 [](auto& c) { c.network.segments = {std::string(33, 'a')}; }},
        BadValue{"SegmentTwice", "network.segments", "'kitchen'",
                 [](auto& c) { c.network.segments = {"kitchen", "kitchen"}; }},
        BadValue{"SegmentControl", "network.segments", "this text",
                 [](auto& c) { c.network.segments = {"a\nb"}; }},
        BadValue{"SegmentsMany", "network.segments", "9 names",
                 [](auto& c) {
                     for (char name = 'a'; name < 'j'; ++name) {
                         c.network.segments.push_back(std::string(1, name));
                     }
                 }},
        BadValue{"Role", "role", "7", [](auto& c) { c.role = static_cast<wire::Role>(7); }},
        BadValue{"Stake", "stake", "1099511627776",
                 [](auto& c) { c.stake.units = std::uint64_t{1} << 40; }},
        BadValue{"StoragePathEmpty", "storage_path", "''", [](auto& c) { c.storage_path = ""; }},
        BadValue{"StoreSize", "store.size_mb", "15", [](auto& c) { c.store_size_mb = 15; }},
        BadValue{"StoragePathNul", "storage_path", "this text",
                 [](auto& c) { c.storage_path = std::string("a\0b", 3); }},
        BadValue{"WalletPathEmpty", "wallet_path", "''", [](auto& c) { c.wallet_path = ""; }},
        BadValue{"WalletPathIsStore", "wallet_path", "store.db",
                 [](auto& c) { c.wallet_path = "store.db"; }},
        BadValue{"NoPeers", "max_peers", "0", [](auto& c) { c.max_peers = 0; }},
        BadValue{"ManyPeers", "max_peers", "101", [](auto& c) { c.max_peers = 101; }},
        BadValue{"SmallBlock", "max_block_size", "1023", [](auto& c) { c.max_block_size = 1023; }},
        BadValue{"LargeBlock", "max_block_size", "65537",
                 [](auto& c) { c.max_block_size = 65537; }},
        BadValue{"ShortSlot", "block_time_ms", "199 ms", [](auto& c) { c.block_time = 199ms; }},
        BadValue{"LongSlot", "block_time_ms", "3600001 ms",
                 [](auto& c) { c.block_time = 1h + 1ms; }},
        BadValue{"ShortSync", "sync_timeout_ms", "9999 ms",
                 [](auto& c) { c.sync_timeout = 9999ms; }},
        BadValue{"LongSync", "sync_timeout_ms", "86400001 ms",
                 [](auto& c) { c.sync_timeout = 24h + 1ms; }}),
    [](const auto& bad) { return bad.param.test_name; });

INSTANTIATE_TEST_SUITE_P(
    EachNetworkField, OutOfRange,
    testing::Values(
        BadValue{"ListenOnGroup", "network.listen", "239.1.2.3:9998",
                 [](auto& c) { c.network.listen = ipv4({239, 1, 2, 3}, 9998); }},
        BadValue{"InterfaceIsGroup", "network.interface", "224.0.0.1:0",
                 [](auto& c) { c.network.interface = ipv4({224, 0, 0, 1}, 0); }},
        BadValue{"GroupIsUnicast", "network.multicast_group", "192.0.2.1:9999",
                 [](auto& c) { c.network.multicast_group = ipv4({192, 0, 2, 1}, 9999); }},
        BadValue{"GroupWithoutPort", "network.multicast_group", "239.255.77.67:0",
                 [](auto& c) { c.network.multicast_group.port = 0; }},
        BadValue{"StaticPeerPort", "network.static_peers", "192.0.2.1:0",
                 [](auto& c) { c.network.static_peers = {ipv4({192, 0, 2, 1}, 0)}; }},
        BadValue{"StaticPeerGroup", "network.static_peers", "239.0.0.1:5",
                 [](auto& c) { c.network.static_peers = {ipv4({239, 0, 0, 1}, 5)}; }},
        BadValue{"StaticPeersMany", "network.static_peers", "65 addresses",
                 [](auto& c) { c.network.static_peers.assign(65, ipv4({192, 0, 2, 1}, 5)); }},
        BadValue{"KodikonOnGroup", "kodikon.listen", "239.1.2.3:9999",
                 [](auto& c) { c.kodikon.listen = ipv4({239, 1, 2, 3}, 9999); }},
        BadValue{"KodikonWithoutPort", "kodikon.listen", "0.0.0.0:0",
                 [](auto& c) { c.kodikon.listen.port = 0; }},
        BadValue{"KodikonOnOurPort", "kodikon.listen", "0.0.0.0:9998",
                 [](auto& c) {
                     c.kodikon.enabled = true;
                     c.kodikon.listen.port = 9998;
                 }},
        BadValue{"KodikonInterface", "kodikon.interface", "224.0.0.1:0",
                 [](auto& c) { c.kodikon.interface = ipv4({224, 0, 0, 1}, 0); }},
        BadValue{"KodikonBroadcast", "kodikon.broadcast", "255.255.255.255:0",
                 [](auto& c) { c.kodikon.broadcast.port = 0; }},
        BadValue{"KodikonNoPeers", "kodikon.peers_max", "0",
                 [](auto& c) { c.kodikon.peers_max = 0; }},
        BadValue{"KodikonManyPeers", "kodikon.peers_max", "101",
                 [](auto& c) { c.kodikon.peers_max = 101; }},
        BadValue{"TinyQuota", "store.quota_mb", "3", [](auto& c) { c.store_quota_mb = 3; }},
        BadValue{"KeepNearlyNothing", "store.keep_blocks", "63",
                 [](auto& c) { c.store_keep_blocks = 63; }},
        BadValue{"NoUndo", "store.undo_blocks", "7", [](auto& c) { c.store_undo_blocks = 7; }},
        BadValue{"UndoOverTheTree", "store.undo_blocks", "32769",
                 [](auto& c) { c.store_undo_blocks = 32769; }},
        BadValue{"FastDiscovery", "network.discovery_interval_ms", "99 ms",
                 [](auto& c) { c.network.discovery_interval = 99ms; }},
        BadValue{"SlowDiscovery", "network.discovery_interval_ms", "600001 ms",
                 [](auto& c) { c.network.discovery_interval = 10min + 1ms; }},
        BadValue{"FastHeartbeat", "network.heartbeat_interval_ms", "99 ms",
                 [](auto& c) { c.network.heartbeat_interval = 99ms; }},
        BadValue{"SlowHeartbeat", "network.heartbeat_interval_ms", "600001 ms",
                 [](auto& c) {
                     c.network.heartbeat_interval = 10min + 1ms;
                     c.network.peer_timeout = 1h;
                 }},
        BadValue{"ShortPeerTimeout", "network.peer_timeout_ms", "9999 ms",
                 [](auto& c) { c.network.peer_timeout = 9999ms; }},
        BadValue{"LongPeerTimeout", "network.peer_timeout_ms", "3600001 ms",
                 [](auto& c) { c.network.peer_timeout = 1h + 1ms; }},
        BadValue{"PublicApi", "api.address", "192.0.2.1:80",
                 [](auto& c) { c.api.address = ipv4({192, 0, 2, 1}, 80); }},
        BadValue{"ApiOnEveryCard", "api.address", "0.0.0.0:80",
                 [](auto& c) { c.api.address = ipv4({0, 0, 0, 0}, 80); }},
        BadValue{"UnknownLogModule", "log.modules", "'mehs'",
                 [](auto& c) { c.log.modules["mehs"] = base::LogLevel::debug; }}),
    [](const auto& bad) { return bad.param.test_name; });

/// Another one each time.
NodeConfig& with_radio(NodeConfig& config) {
    MqttRadio door;
    door.root += "/" + std::to_string(config.radios.size());
    door.channels = {{"LongFast", {std::byte{1}}}};
    config.radios.push_back({.door = door, .region = {}});
    return config;
}
MqttRadio& mqtt_of(NodeConfig& config) {
    return std::get<MqttRadio>(with_radio(config).radios.front().door);
}

MirrorConfig& mirror_of(NodeConfig& config) {
    return with_radio(config).radios.front().mirror.emplace(
        MirrorConfig{.channel = "LongFast", .alerts = records::AlertPriority::high});
}

INSTANTIATE_TEST_SUITE_P(
    EachRadioField, OutOfRange,
    testing::Values(
        BadValue{"NothingToReachAnybody", "network.enabled", "nobody reaches",
                 [](auto& c) { c.network.enabled = false; }},
        BadValue{"ManyRadios", "radios", "5 radios",
                 [](auto& c) {
                     while (c.radios.size() < 5) with_radio(c);
                 }},
        BadValue{"Region", "radios[0].region", "'MARS'",
                 [](auto& c) { with_radio(c).radios[0].region = "MARS"; }},
        BadValue{"NoShare", "radios[0].share_permille", "0",
                 [](auto& c) { with_radio(c).radios[0].share_permille = 0; }},
        BadValue{"ShareOfMore", "radios[0].share_permille", "1001",
                 [](auto& c) { with_radio(c).radios[0].share_permille = 1001; }},
        BadValue{"NothingToBridgeWith", "radios[0].bridge.budget_percent", "0",
                 [](auto& c) { with_radio(c).radios[0].bridge.budget_percent = 0; }},
        BadValue{"BridgeOfMore", "radios[0].bridge.budget_percent", "101",
                 [](auto& c) { with_radio(c).radios[0].bridge.budget_percent = 101; }},
        BadValue{"MirrorOfNothing", "radios[0].mirror", "mirror of nothing",
                 [](auto& c) { mirror_of(c).alerts.reset(); }},
        BadValue{"MirrorOnAnotherChannel", "radios[0].mirror.channel", "'village'",
                 [](auto& c) { mirror_of(c).channel = "village"; }},
        BadValue{"MirrorOnNoChannelOfOnesOwn", "radios[0].mirror.channel", "''",
                 [](auto& c) {
                     mirror_of(c).channel = "";
                     c.radios[0].door = TcpRadio{"radio", 4403, ""};
                 }},
        BadValue{"MirrorWithoutAir", "radios[0].mirror.budget_percent", "0",
                 [](auto& c) { mirror_of(c).budget_percent = 0; }},
        BadValue{"MirrorWhereNothingIsSaid", "radios[0].mirror", "only listens",
                 [](auto& c) {
                     mirror_of(c).channel = "LongFast";
                     c.radios[0].listen_only = true;
                 }},
        BadValue{"PortOfOthers", "radios[0].application_port", "257",
                 [](auto& c) { with_radio(c).radios[0].application_port = 257; }},
        BadValue{"PacketTooLong", "radios[0].payload_bytes_max", "232",
                 [](auto& c) { with_radio(c).radios[0].payload_bytes_max = 232; }},
        BadValue{"PacketTooShort", "radios[0].payload_bytes_max", "63",
                 [](auto& c) { with_radio(c).radios[0].payload_bytes_max = 63; }},
        BadValue{"SecondRadio", "radios[1].share_permille", "0",
                 [](auto& c) { with_radio(with_radio(c)).radios[1].share_permille = 0; }},
        BadValue{"BrokerEmpty", "radios[0].mqtt.host", "''", [](auto& c) { mqtt_of(c).host = ""; }},
        BadValue{"BrokerControl", "radios[0].mqtt.host", "this text",
                 [](auto& c) { mqtt_of(c).host = "a\nb"; }},
        BadValue{"NoChannel", "radios[0].mqtt.channels", "0 channels",
                 [](auto& c) { mqtt_of(c).channels.clear(); }},
        BadValue{"NineChannels", "radios[0].mqtt.channels", "9 channels",
                 [](auto& c) { mqtt_of(c).channels.assign(9, {"a", {}}); }},
        BadValue{"ChannelWithoutName", "radios[0].mqtt.channels.name", "''",
                 [](auto& c) { mqtt_of(c).channels[0].name = ""; }},
        BadValue{"ChannelNameLong", "radios[0].mqtt.channels.name", "aaa",
                 [](auto& c) { mqtt_of(c).channels[0].name.assign(12, 'a'); }},
        BadValue{"NoRadioPort", "radios[0].tcp.port", "0",
                 [](auto& c) { with_radio(c).radios[0].door = TcpRadio{"radio", 0, ""}; }},
        BadValue{"NoSerialPath", "radios[0].serial.path", "''",
                 [](auto& c) { with_radio(c).radios[0].door = SerialRadio{"", 115'200, ""}; }},
        BadValue{"Baud", "radios[0].serial.baud", "1000",
                 [](auto& c) { with_radio(c).radios[0].door = SerialRadio{"/dev/x", 1'000, ""}; }}),
    [](const auto& bad) { return bad.param.test_name; });

TEST(NodeConfig, Defaults_AreThoseOfTheFeatureTableAndValid) {
    const NodeConfig config;
    EXPECT_TRUE(validate(config));
    EXPECT_EQ(config.node_name, "MeshChain Node");
    EXPECT_EQ(config.role, wire::Role::relay);
    EXPECT_EQ(config.stake, wire::Amount{});
    EXPECT_EQ(config.max_peers, 20u);
    EXPECT_EQ(config.max_block_size, 4096u);
    EXPECT_EQ(config.block_time, std::nullopt);
    EXPECT_EQ(config.sync_timeout, 300s);
    EXPECT_EQ(base::to_string(config.network.multicast_group), "239.255.77.67:9999");
}

TEST(NodeConfig, EveryProblem_IsReportedAtOnce) {
    NodeConfig config;
    config.max_peers = 0;
    config.sync_timeout = 1s;
    config.api.address = ipv4({10, 0, 0, 1}, 80);
    EXPECT_EQ(problems(config).size(), 3u);
}

TEST(NodeConfig, Ipv6Loopback_MayServeTheApi) {
    NodeConfig config;
    config.api.address = *base::parse_link_address("[::1]:8080");
    EXPECT_TRUE(validate(config));
}

TEST(NodeConfig, AnyAddress_MayServeTheApiWithTls) {
    NodeConfig config;
    config.api = {ipv4({0, 0, 0, 0}, 9443), "api.pem", "api.key"};
    EXPECT_TRUE(validate(config));
    config.api.tls_key.clear();
    EXPECT_EQ(problems(config).size(), 2U) << "the key is missing, and so is TLS";
}

TEST(NodeConfig, NodeId_OfAnotherKeyIsRefused) {
    const crypto::PublicKey identity =
        crypto::SigningKey::from_seed(crypto::SigningKey::Seed{}).public_key();
    NodeConfig config;
    config.node_id = crypto::NodeId{};
    const auto result = check_repeated(config, identity, 1s);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().where, "node_id");
    config.node_id = crypto::node_id(identity);
    EXPECT_TRUE(check_repeated(config, identity, 1s));
}

TEST(NodeConfig, BlockTime_OtherThanGenesisIsRefused) {
    NodeConfig config;
    config.block_time = 10s;
    const auto result = check_repeated(config, {}, 1s);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().where, "block_time_ms");
    EXPECT_NE(result.error().what.find("1000 ms"), std::string::npos);
    EXPECT_TRUE(check_repeated(config, {}, 10s));
    config.block_time.reset();
    EXPECT_TRUE(check_repeated(config, {}, 1s));
}

}  // namespace
}  // namespace meshchain::node
