// The doctor against nodes whose faults are real: each is made, found by its name with a reason and
// a remedy, and gone from the findings once it is mended.

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <fstream>

#include "base/resource_guard.h"
#include "host/doctor.h"
#include "host/node_keys.h"
#include "host/sqlite_store.h"
#include "host/system_entropy.h"
#include "meshchain/test_running_node.h"
#include "node/tables.h"

namespace meshchain::app {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class Doctor : public RunningNode {
protected:
    fs::path in_folder(const std::string& name) const { return root_ / "alice" / name; }

    /// What the command says is wrong; asserts that it says so in full.
    static std::optional<Json> finding(const Ended& ended, std::string_view id) {
        const Json diagnosis = ended.json();
        for (const Json& finding : diagnosis.at("findings")) {
            for (const char* part : {"what", "why", "advice"}) {
                EXPECT_FALSE(finding.at(part).get<std::string>().empty()) << finding;
            }
            if (finding.at("id") == id) return finding;
        }
        return std::nullopt;
    }
    void expect_finding(std::string_view id, int exit_code) {
        const Ended ended = ask({"doctor"});
        EXPECT_EQ(ended.exit_code, exit_code) << ended.output;
        EXPECT_TRUE(finding(ended, id)) << id << " is not in\n" << ended.output;
    }
    void expect_well() {
        const Ended ended = ask({"doctor"});
        EXPECT_EQ(ended.exit_code, 0) << ended.output;
        EXPECT_EQ(ended.json().at("healthy"), true);
    }
    void stop() {
        EXPECT_EQ(ask({"node", "stop"}).exit_code, 0);
        EXPECT_EQ(node_->wait(20s), 0);
    }
    void write_config(const std::string& text) {
        ASSERT_TRUE(host::write_file(in_folder("config.json"), base::as_bytes(text)));
    }
};

TEST_F(Doctor, SoundNode_IsWellBeforeDuringAndAfterItsRun) {
    expect_well();
    start();
    expect_well();
    EXPECT_TRUE(finding(ask({"doctor"}), "running"));
    EXPECT_EQ(ask({"doctor"}).json().at("running"), true);
    stop();
    expect_well();
    EXPECT_TRUE(finding(ask({"doctor"}), "no_radio"));
    EXPECT_THAT(run({"doctor", "--data", alice()}).output, HasSubstr("Nothing is wrong."));
}

/// On port 1 of loopback nobody listens.
node::RadioConfig radio_without_broker() {
    node::MqttRadio door;
    door.port = 1;
    door.channels = {{"village", base::Buffer(16, std::byte{7})}};
    return {.door = door, .region = {}};
}

TEST_F(Doctor, RadioWithoutItsBroker_IsSaid) {
    configure([](node::NodeConfig& config) { config.radios = {radio_without_broker()}; });
    start();
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!finding(ask({"doctor"}), "radio") && std::chrono::steady_clock::now() < deadline) {
    }
    const Ended found = ask({"doctor"});
    EXPECT_EQ(found.exit_code, 2) << found.output;
    const auto radio = finding(found, "radio");
    ASSERT_TRUE(radio) << found.output;
    EXPECT_THAT(radio->at("what").get<std::string>(), HasSubstr("mqtt 127.0.0.1:1 msh"));
    EXPECT_NE(radio->at("advice"), "");
    EXPECT_FALSE(finding(found, "no_radio"));

    const Json paused = ask({"radio", "pause"}).json();
    EXPECT_EQ(paused.at("radios").at(0).at("paused"), true);
    EXPECT_TRUE(finding(ask({"doctor"}), "radio_paused"));
    EXPECT_EQ(ask({"radio", "resume"}).json().at("radios").at(0).at("paused"), false);
    EXPECT_THAT(run({"radio", "status", "--data", alice()}).output, HasSubstr("of no use: "));
}

TEST_F(Doctor, FolderThatIsNone_IsNamed) {
    for (const std::string& folder : {path("nowhere"), path("g"), std::string("/dev/null/x")}) {
        const Ended ended = run({"doctor", "--data", folder, "--json"});
        EXPECT_EQ(ended.exit_code, 2);
        EXPECT_TRUE(finding(ended, "no_folder")) << folder;
    }
    fs::create_directory(root_ / "empty");
    EXPECT_TRUE(finding(run({"doctor", "--data", path("empty"), "--json"}), "no_node"));
}

TEST_F(Doctor, OpenPermissions_AreFound) {
    fs::permissions(root_ / "alice", fs::perms(0755));
    expect_finding("folder_permissions", 1);
    fs::permissions(root_ / "alice", fs::perms(0700));
    fs::permissions(in_folder("node.keys"), fs::perms(0644));
    expect_finding("key_permissions", 2);
    fs::permissions(in_folder("node.keys"), fs::perms(0600));
    fs::permissions(in_folder("wallet.key"), fs::perms(0640));
    expect_finding("key_permissions", 2);
}

TEST_F(Doctor, EveryWrongSetting_IsFound) {
    write_config("{\"max_peers\": 0, \"stake\": -1, \"node_id\": \"0000000000000000\"}");
    const Ended ended = ask({"doctor"});
    EXPECT_EQ(ended.exit_code, 2);
    int settings = 0;
    const Json diagnosis = ended.json();
    for (const Json& finding : diagnosis.at("findings")) settings += finding.at("id") == "config";
    EXPECT_EQ(settings, 2) << "what depends on other files is told once the rest is right";
    write_config("{\"node_id\": \"0000000000000000\"}");
    expect_finding("config", 2);
}

TEST_F(Doctor, GenesisThatIsGoneBrokenOrAnother_IsFound) {
    start();
    stop();
    const auto genesis = in_folder("genesis.bin");
    const std::string good = content(genesis);
    fs::remove(genesis);
    expect_finding("genesis", 2);
    ASSERT_TRUE(host::write_file(genesis, base::as_bytes("no genesis")));
    expect_finding("genesis", 2);
    const Ended other =
        run({"genesis", "create", "--start", "2021-01-01T00:00:00Z", "--block-time-ms", "200",
             "--validator", path("alice.json"), "--out", path("other")});
    ASSERT_EQ(other.exit_code, 0);
    fs::copy_file(root_ / "other", genesis, fs::copy_options::overwrite_existing);
    expect_finding("other_genesis", 2);
    ASSERT_TRUE(host::write_file(genesis, base::as_bytes(good)));
    expect_well();
}

TEST_F(Doctor, StoreThatIsGoneEmptiedOrDamaged_IsFound) {
    start();
    stop();
    const auto store = in_folder("store.db");
    const std::string good = content(store);
    fs::remove(store);
    expect_finding("store_missing", 2);
    ASSERT_TRUE(host::write_file(store, {}));
    expect_finding("store_missing", 2);
    std::string bad = good;
    for (std::size_t i = good.size() / 3; i < good.size() / 3 + 4096; ++i) bad[i] ^= 0x55;
    ASSERT_TRUE(host::write_file(store, base::as_bytes(bad)));
    expect_finding("store_damaged", 2);
    ASSERT_TRUE(host::write_file(store, base::as_bytes(std::string(8192, 'x'))));
    expect_finding("store_damaged", 2);
    ASSERT_TRUE(host::write_file(store, base::as_bytes(good)));
    expect_well();
}

TEST_F(Doctor, LostStore_StopsTheNodeUntilItIsAccepted) {
    start();
    stop();
    fs::remove(in_folder("store.db"));
    EXPECT_THAT(start_in_vain().errors, HasSubstr("--accept-empty-store"));
    ASSERT_TRUE(host::write_file(in_folder("store.db"), {}));
    EXPECT_THAT(start_in_vain().errors, HasSubstr("--accept-empty-store"));
    start({"--accept-empty-store"});
    expect_finding("key_waiting", 1);
}

TEST_F(Doctor, OlderStore_StopsTheNodeUntilItIsAccepted) {
    start();
    stop();
    const std::string old = content(in_folder("store.db"));
    start();
    stop();
    expect_well();
    fs::remove(in_folder("store.db-wal"));
    ASSERT_TRUE(host::write_file(in_folder("store.db"), base::as_bytes(old)));
    expect_finding("store_older", 2);
    EXPECT_THAT(start_in_vain().errors, HasSubstr("--accept-older-store"));
    start({"--accept-older-store"});
    expect_finding("key_waiting", 1);
}

TEST_F(Doctor, RestoredValidatingKey_IsSaidToWait) {
    fs::remove(in_folder("store.db"));
    fs::remove(in_folder("store.marker"));
    start();
    expect_finding("key_waiting", 1);
    stop();
    expect_finding("key_waiting", 1);
}

TEST_F(Doctor, TakenPorts_AreFound) {
    boost::asio::io_context io;
    const auto loopback = boost::asio::ip::address_v4::loopback();
    const boost::asio::ip::udp::socket udp(io, {loopback, 0});
    const boost::asio::ip::tcp::acceptor tcp(io, {loopback, 0});
    configure([&](node::NodeConfig& c) {
        c.network.listen = node::ipv4({127, 0, 0, 1}, udp.local_endpoint().port());
        c.api.address = node::ipv4({127, 0, 0, 1}, tcp.local_endpoint().port());
    });
    expect_finding("port_taken", 2);
    expect_finding("api_port_taken", 2);
}

TEST_F(Doctor, AddressOfNoCard_IsFound) {
    configure([](node::NodeConfig& c) { c.network.listen = node::ipv4({192, 0, 2, 1}, 0); });
    expect_finding("link", 2);
}

TEST_F(Doctor, NoWayToPeers_IsFound) {
    write_config(
        "{\"role\": \"relay\", \"network\": {\"multicast\": false, \"listen\": "
        "\"127.0.0.1:0\"}}");
    expect_finding("no_way_to_peers", 1);
}

TEST_F(Doctor, NoPeers_AreSaidByTheRunningNode) {
    write_config(
        "{\"role\": \"relay\", \"network\": {\"multicast\": false, \"listen\": "
        "\"127.0.0.1:0\", \"static_peers\": [\"127.0.0.1:9\"]}}");
    start();
    expect_finding("no_peers", 2);
}

TEST_F(Doctor, MachineWithoutMulticast_IsFound) {
    configure([](node::NodeConfig& c) { c.network.multicast = true; });
    const auto out = root_ / "alone.json";
    auto child = host::ChildProcess::start(
        {.program = "/usr/bin/unshare",
         .arguments = {"--net", MESHCHAIN_PROGRAM, "doctor", "--json", "--data", alice()},
         .output = out});
    ASSERT_TRUE(child);
    const auto code = child->wait(30s);
    if (content(out).empty()) GTEST_SKIP() << "network namespaces are not permitted here";
    EXPECT_THAT(content(out), HasSubstr("\"no_multicast\""));
    EXPECT_NE(code, 0);
}

TEST_F(Doctor, ApiWithAnotherToken_IsFound) {
    start();
    const std::string token = content(in_folder("api.token"));
    ASSERT_TRUE(host::write_file(in_folder("api.token"), base::as_bytes(std::string(64, '0'))));
    expect_finding("api_token", 2);
    fs::remove(in_folder("api.token"));
    expect_finding("api_unreachable", 2);
    ASSERT_TRUE(host::write_file(in_folder("api.token"), base::as_bytes(token)));
    expect_well();
}

TEST_F(Doctor, NodeThatHangs_IsFound) {
    start();
    node_->send_signal(SIGSTOP);
    expect_finding("api_unreachable", 2);
    node_->send_signal(SIGCONT);
    expect_well();
}

TEST_F(Doctor, KilledNode_IsSaid) {
    start();
    node_->send_signal(SIGKILL);
    node_->wait(20s);
    EXPECT_TRUE(finding(ask({"doctor"}), "killed"));
}

TEST_F(Doctor, DatagramsThatTheKernelDropped_AreCounted) {
    start();
    const std::string listen = host::ApiClient::of_folder(alice())->get("/v1/status") ? "" : "?";
    ASSERT_EQ(listen, "");
    // The port from the log: "listens on 127.0.0.1:PORT, API".
    const std::string log = content(root_ / "node.log");
    const std::size_t at = log.find("listens on 127.0.0.1:");
    ASSERT_NE(at, std::string::npos) << log;
    const auto port = static_cast<std::uint16_t>(std::stoi(log.substr(at + 21)));
    node_->send_signal(SIGSTOP);
    boost::asio::io_context io;
    boost::asio::ip::udp::socket socket(io, {boost::asio::ip::address_v4::loopback(), 0});
    const std::vector<char> datagram(1400, 'x');
    for (int i = 0; i < 4000; ++i) {
        boost::system::error_code ignored;
        socket.send_to(boost::asio::buffer(datagram),
                       {boost::asio::ip::address_v4::loopback(), port}, 0, ignored);
    }
    node_->send_signal(SIGCONT);
    expect_finding("lost_messages", 1);
}

TEST_F(Doctor, ClockThatIsWrong_IsFound) {
    const auto store = in_folder("store.db");
    const auto before = fs::last_write_time(store);
    fs::last_write_time(store, before + std::chrono::hours(48));
    expect_finding("clock_behind", 2);
    fs::last_write_time(store, before);

    const Ended later =
        run({"genesis", "create", "--start", "2100-01-01T00:00:00Z", "--block-time-ms", "200",
             "--validator", path("alice.json"), "--out", path("later")});
    ASSERT_EQ(later.exit_code, 0);
    fs::copy_file(root_ / "later", in_folder("genesis.bin"), fs::copy_options::overwrite_existing);
    expect_finding("before_genesis", 1);
    start();
    expect_finding("before_genesis", 1);
}

TEST_F(Doctor, FullAndReadOnlyDisks_AreFound) {
    const auto mount_point = root_ / "disk";
    fs::create_directory(mount_point);
    if (::mount("tmpfs", mount_point.c_str(), "tmpfs", 0, "size=4m,mode=700") != 0) {
        GTEST_SKIP() << "mounting is not permitted here";
    }
    const base::ResourceGuard unmount([&] { ::umount2(mount_point.c_str(), MNT_DETACH); });
    fs::copy(root_ / "alice", mount_point / "alice", fs::copy_options::recursive);
    fs::permissions(mount_point / "alice", fs::perms(0700));
    const auto examine = [&] {
        return run({"doctor", "--json", "--data", (mount_point / "alice").string()});
    };
    EXPECT_TRUE(finding(examine(), "disk_full"));
    ASSERT_EQ(::mount("tmpfs", mount_point.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr), 0);
    const Ended ended = examine();
    EXPECT_EQ(ended.exit_code, 2);
    EXPECT_TRUE(finding(ended, "disk_read_only")) << ended.output;
}

TEST_F(Doctor, MemoryOverTheLimit_IsFound) {
    start();
    const auto diagnosis = host::diagnose(alice(), {.memory_bytes_max = 1024 * 1024});
    EXPECT_TRUE(std::ranges::any_of(diagnosis.findings,
                                    [](const host::Finding& f) { return f.id == "memory"; }));
    EXPECT_EQ(diagnosis.worst(), host::Severity::warning);
}

TEST_F(Doctor, ProgramReplacedUnderARunningNode_IsFound) {
    const auto copy = root_ / "program";
    fs::copy_file(MESHCHAIN_PROGRAM, copy);
    auto child = host::ChildProcess::start({.program = copy,
                                            .arguments = {"node", "run", "--data", alice()},
                                            .errors = root_ / "node.log"});
    ASSERT_TRUE(child);
    node_.emplace(*std::move(child));
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (std::chrono::steady_clock::now() < deadline) {
        const auto client = host::ApiClient::of_folder(alice());
        if (client && client->get("/v1/status")) break;
    }
    expect_well();
    fs::remove(copy);
    expect_finding("version", 1);
}

}  // namespace
}  // namespace meshchain::app
