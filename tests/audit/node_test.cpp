// Node and configuration, as the audit's author would try them: P5-10, 19, 20, 22, N-16 and N-23.
// docs/audit.md has the findings. Real files, real nodes.

#include <gtest/gtest.h>

#include <filesystem>

#include "host/config_json.h"
#include "host/embedded_node.h"
#include "host/file.h"
#include "host/local_chain.h"
#include "host/sqlite_store.h"
#include "host/temporary_folder.h"
#include "whole_node/world.h"

namespace meshchain::tests::audit {
namespace {

using base::Errc;
using std::chrono::seconds;

void expect_helpful(const base::Error& error) {
    EXPECT_FALSE(error.what.empty());
    EXPECT_FALSE(error.where.empty()) << error.what;
    EXPECT_FALSE(error.advice.empty()) << error.what;
}

TEST(AuditConfig, P5_10_ConfigurationNotValidated_EveryValueOfTheAuditIsRefusedByName) {
    const std::map<std::string, std::string> fields{
        {R"({"role": "emperor"})", "role"},
        {R"({"stake": -5})", "stake"},
        {R"({"block_time_ms": 0})", "block_time_ms"},
        {R"({"max_peers": 0})", "max_peers"},
        {R"({"max_peers": -1})", "max_peers"},
        {R"({"node_name": ""})", "node_name"},
        {R"({"max_block_size": 0})", "max_block_size"},
        {R"({"sync_timeout_ms": 0})", "sync_timeout_ms"},
        {R"({"network": {"heartbeat_interval_ms": 0}})", "network.heartbeat_interval_ms"},
    };
    for (const auto& [text, field] : fields) {
        SCOPED_TRACE(text);
        const auto config = host::parse_config(text, "config.json");
        ASSERT_FALSE(config.has_value()) << "accepted";
        expect_helpful(config.error());
        EXPECT_TRUE(config.error().where.ends_with(field)) << base::sentence(config.error());
    }
    const auto all = host::config_problems(
        R"({"role": "emperor", "stake": -5, "block_time_ms": 0, "max_peers": 0})", "config.json");
    EXPECT_EQ(all.size(), 4U) << "every one at once, not one a start";
}

TEST(AuditConfig, N23_ConfigFallsBackToDefaults_ABrokenFileIsAnErrorAndNeverTheDefaults) {
    const host::TemporaryFolder folder;
    const auto path = folder.path() / "config.json";
    EXPECT_EQ(host::load_config(path).error().code, Errc::not_found);
    node::NodeConfig config;
    config.node_name = "mine";
    config.max_peers = 7;
    ASSERT_TRUE(host::save_config(config, path).has_value());
    const base::Buffer good = host::read_file(path, host::config_bytes_max).value();
    const std::size_t end = std::string(base::as_text(good)).rfind('}');
    for (std::size_t size = 0; size <= end; size += 11) {
        ASSERT_TRUE(host::write_file(path, base::Bytes(good).first(size)).has_value());
        const auto loaded = host::load_config(path);
        ASSERT_FALSE(loaded.has_value()) << "cut off at " << size;
        EXPECT_EQ(loaded.error().code, Errc::malformed);
        expect_helpful(loaded.error());
    }
    ASSERT_TRUE(host::write_file(path, base::as_bytes(R"({"max_peer": 7})")).has_value());
    EXPECT_FALSE(host::load_config(path).has_value()) << "a misspelt field is no default either";
    ASSERT_TRUE(host::write_file(path, good).has_value());
    EXPECT_EQ(host::load_config(path).value(), config);
}

class FailingService final : public wire::Service {
public:
    std::string_view name() const override { return "camera"; }
    std::span<const wire::MessageRule> rules() const override { return {}; }
    std::expected<void, base::Error> start(base::Now) override {
        if (works) return {};
        return base::failure(Errc::io, "no camera", "camera", "plug it in");
    }
    void stop(base::Now) override {}
    wire::Verdict handle(base::Now, const wire::Ingress&, wire::MessageType, base::Bytes) override {
        return wire::Verdict::ignore;
    }
    void handle_timeout(base::Now) override {}
    std::optional<wire::Outgoing> poll_frame(base::Now) override { return std::nullopt; }
    base::Instant poll_timeout(base::Now) const override { return base::never; }

    bool works = false;
};

std::ptrdiff_t entries(const char* folder) {
    return std::distance(std::filesystem::directory_iterator(folder),
                         std::filesystem::directory_iterator());
}

TEST(AuditNode, P5_19_PartialStartupNotRolledBack_FailedStartsLeaveNothingOpenAndCanBeRepeated) {
    const host::TemporaryFolder root;
    const auto chain = host::LocalChain::create(root.path() / "chain", {.nodes = 1});
    ASSERT_TRUE(chain.has_value());
    FailingService camera;
    const auto try_start = [&] {
        const auto node =
            host::EmbeddedNode::open(chain->members[0].folder, {.services = {&camera}});
        EXPECT_TRUE(node.has_value()) << base::sentence(node.error());
        return (*node)->start();
    };
    ASSERT_FALSE(try_start().has_value());
    const auto descriptors = entries("/proc/self/fd");
    const auto threads = entries("/proc/self/task");
    for (int i = 0; i < 5; ++i) {
        const auto started = try_start();
        ASSERT_FALSE(started.has_value());
        EXPECT_NE(base::sentence(started.error()).find("no camera"), std::string::npos);
    }
    EXPECT_EQ(entries("/proc/self/fd"), descriptors);
    EXPECT_EQ(entries("/proc/self/task"), threads);
    camera.works = true;
    EXPECT_TRUE(try_start().has_value()) << "nothing was left locked or half made";
}

TEST(AuditNode, P5_20_HealthCheckOnMissingStorage_IsSaidAtTheStartAndNotTakenForANewChain) {
    const host::TemporaryFolder root;
    const auto chain = host::LocalChain::create(root.path() / "chain", {.nodes = 1});
    const auto folder = chain->members[0].folder;
    const auto store = folder / "store.db";
    {
        const auto node = *host::EmbeddedNode::open(folder);
        ASSERT_TRUE(node->start().has_value());
        ASSERT_TRUE(node->stop().has_value());
    }
    ASSERT_TRUE(host::write_file(store, base::as_bytes("this is no database")).has_value());
    const auto corrupt = host::EmbeddedNode::open(folder);
    ASSERT_FALSE(corrupt.has_value());
    EXPECT_EQ(corrupt.error().code, Errc::corrupt);
    expect_helpful(corrupt.error());
    std::filesystem::remove(store);
    const auto missing = host::EmbeddedNode::open(folder);
    ASSERT_FALSE(missing.has_value());
    EXPECT_EQ(missing.error().code, Errc::not_found);
    expect_helpful(missing.error());
}

class AuditHealth : public testing::Test {
protected:
    void start_all() {
        for (std::size_t i = 0; i < world_.size(); ++i) world_.start(i);
        ASSERT_TRUE(world_.run_until([&] { return state(0) == node::PartState::ok; }, seconds(60)));
    }
    node::PartState state(std::size_t index) { return world_[index].health(world_.now()).state; }
    void pay(std::size_t from) {
        const auto paid = world_[from].pay(world_.now(), world_.payee(2), {5}, std::nullopt);
        ASSERT_TRUE(paid.has_value()) << base::sentence(paid.error());
    }

    World world_{{.seed = 16}};
};

TEST_F(AuditHealth, P5_20_HealthCheckOnBrokenStorage_SaysFailedWithAReasonAndNeverHealthy) {
    start_all();
    pay(1);
    world_.disk(0).fail_commit(0, kv::CommitFault::unknown_absent);
    ASSERT_TRUE(world_.run_until([&] { return state(0) == node::PartState::failed; }, seconds(30)));
    for (int i = 0; i < 60; ++i) {
        world_.run_for(seconds(1));
        ASSERT_EQ(state(0), node::PartState::failed) << "healthy on a store that takes nothing";
    }
    const auto health = world_[0].health(world_.now());
    EXPECT_EQ(health.parts.size(), 7U) << "the other parts are still told";
    for (const node::Problem& problem : health.problems()) {
        EXPECT_FALSE(problem.what.empty() || problem.why.empty() || problem.advice.empty());
    }
}

TEST_F(AuditHealth, N16_HealthLatchesUnhealthy_WhatRecoversIsHealthyAgain_EveryTime) {
    start_all();
    for (int round = 0; round < 3; ++round) {
        world_.partition({0});
        ASSERT_TRUE(world_.run_until([&] { return state(0) != node::PartState::ok; }, seconds(90)));
        world_.partition({});
        world_.disk(0).set_full(true);
        pay(1);
        ASSERT_TRUE(
            world_.run_until([&] { return state(0) == node::PartState::failed; }, seconds(60)));
        world_.disk(0).set_full(false);
        ASSERT_TRUE(world_.run_until([&] { return state(0) == node::PartState::ok; }, seconds(400)))
            << node::sentence(world_[0].health(world_.now()).problems().front());
    }
}

TEST(AuditErrors, P5_22_ErrorsNotUserFriendly_EveryOneSaysWhatWhereAndWhatToDo) {
    const host::TemporaryFolder root;
    const auto text = [&](std::string_view content) {
        const auto path = root.path() / "file";
        EXPECT_TRUE(host::write_file(path, base::as_bytes(content)).has_value());
        return path;
    };
    std::vector<base::Error> errors;
    const auto note = [&](const auto& result) {
        ASSERT_FALSE(result.has_value());
        errors.push_back(result.error());
    };
    note(host::load_config(root.path() / "none.json"));
    note(host::load_config(root.path()));
    note(host::load_config(text("{\"role\": \"emperor\"}")));
    note(host::EmbeddedNode::open(root.path() / "nowhere"));
    note(host::EmbeddedNode::open(root.path()));
    note(host::SqliteStore::open(text("no store"), {.tables = chain::chain_tables}));
    note(host::SqliteStore::open(root.path() / "a" / "b", {.tables = chain::chain_tables}));
    World world({.nodes = 1});
    world.start(0);
    note(world[0].pay(world.now(), world.payee(0), {1'000'000'000}, std::nullopt));
    world[0].lock_wallet();
    note(world[0].pay(world.now(), world.payee(0), {1}, std::nullopt));
    for (const base::Error& error : errors) {
        SCOPED_TRACE(base::sentence(error));
        expect_helpful(error);
    }
    EXPECT_NE(base::sentence(errors[2]).find("emperor"), std::string::npos) << "and the value";
}

}  // namespace
}  // namespace meshchain::tests::audit
