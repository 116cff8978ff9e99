// A real node between hostile peers and hostile clients goes on serving the honest ones, keeps its
// memory, and pays. Without timing: `bench:hostile_latency` has the figures.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "host/embedded_node.h"
#include "hostile/attacks.h"
#include "hostile/victim.h"

namespace meshchain::tests {
namespace {

using namespace std::chrono_literals;

constexpr int requests_under_attack = 5;

/// What a chain with other validators says while it pays.
std::vector<Recorded> record_another_chain(const std::filesystem::path& folder,
                                           wire::ChainId& chain_id) {
    std::vector<Recorded> heard;
    const auto chain = host::LocalChain::create(folder, {.nodes = 1});
    EXPECT_TRUE(chain);
    const auto node = *host::EmbeddedNode::open(chain->members[0].folder);
    EXPECT_TRUE(node->start());
    chain_id = node->status()->chain;
    Peer listener(chain_id, node->link_address());
    listener.on_frame = [&](wire::MessageType type, base::Bytes payload) {
        heard.push_back({type, base::to_buffer(payload)});
        return wire::Verdict::keep;
    };
    EXPECT_TRUE(listener.connect(15s));
    EXPECT_TRUE(node->unlock_wallet(host::LocalChain::passphrase));
    EXPECT_TRUE(node->pay(chain->members[0].identity, {10}));
    const auto has = [&](wire::MessageType type) {
        return std::ranges::any_of(heard, [&](const Recorded& said) { return said.type == type; });
    };
    EXPECT_TRUE(listener.pump(20s, [&] {
        return has(wire::MessageType::transaction) && has(wire::MessageType::block) &&
               has(wire::MessageType::block_ack);
    })) << "the other chain said nothing";
    return heard;
}

/// What the sanitizer of such a build keeps of what was freed, and about what is not.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t sanitizer_bytes = 1024ULL * 1024 * 1024;
#else
constexpr std::uint64_t sanitizer_bytes = 0;
#endif

class HostileTest : public testing::Test {
protected:
    void SetUp() override {
        auto started = Victim::start(MESHCHAIN_PROGRAM);
        ASSERT_TRUE(started) << base::sentence(started.error());
        victim = *std::move(started);
        target.chain = victim->chain_id();
        target.link = victim->link();
        target.api = victim->api();
        target.identity = victim->identity();
        target.let_in = &let_in;
        resident_at_first = victim->resident_bytes();
        const auto limits = victim->limits_bytes(MESHCHAIN_PROGRAM);
        ASSERT_TRUE(limits) << base::sentence(limits.error());
        growth_bytes_max = *limits + sanitizer_bytes;
    }

    std::uint64_t frames_received() const {
        const auto status = victim->client().get("/v1/status");
        EXPECT_TRUE(status) << base::sentence(status.error());
        return status ? status->at("frames_received").get<std::uint64_t>() : 0;
    }

    void expect_served_under(std::span<const Attack> attacks) {
        HonestPeer honest(*victim);
        ASSERT_TRUE(honest.connect());
        for (const Attack& attack : attacks) {
            SCOPED_TRACE(std::string(attack.name));
            const std::uint64_t before = frames_received();
            std::jthread attacker(
                [&](std::stop_token stop) { attack.run(target, std::move(stop)); });
            EXPECT_TRUE(honest.meanwhile([&] { return frames_received() > before + 20; }, 10s))
                << "the attack reached nobody";
            for (int i = 0; i < requests_under_attack; ++i) {
                EXPECT_TRUE(honest.ask()) << "request " << i;
            }
        }
    }

    void expect_healthy() const {
        EXPECT_TRUE(victim->is_running());
        const auto paid = victim->pay();
        EXPECT_TRUE(paid) << base::sentence(paid.error());
        EXPECT_LE(victim->resident_bytes(), resident_at_first + growth_bytes_max)
            << "more than `config show --limits` promises beside the program itself";
        EXPECT_EQ(let_in, 0);
    }

    std::unique_ptr<Victim> victim;
    Target target;
    std::atomic<int> let_in = 0;
    std::uint64_t resident_at_first = 0;
    std::uint64_t growth_bytes_max = 0;
};

TEST_F(HostileTest, HostilePeers_LeaveEveryRequestOfAnHonestOneAnswered) {
    const host::TemporaryFolder other;
    target.of_other_chain = record_another_chain(other.path(), target.other_chain);
    expect_served_under(link_attacks);
    expect_healthy();
}

TEST_F(HostileTest, PeersThatSayWhatAnyPeerMay_LeaveEveryRequestOfAnHonestOneAnswered) {
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(victim->pay()) << "a chain to ask for";
    expect_served_under(request_attacks);
    expect_healthy();
}

TEST_F(HostileTest, AllHostilePeersAtOnce_DoNotKeepAPaymentFromBeingFinal) {
    const host::TemporaryFolder other;
    target.of_other_chain = record_another_chain(other.path(), target.other_chain);
    HonestPeer honest(*victim);
    ASSERT_TRUE(honest.connect());
    std::vector<std::jthread> attackers;
    for (const std::span<const Attack> attacks :
         {std::span<const Attack>(link_attacks), std::span<const Attack>(request_attacks)}) {
        for (const Attack& attack : attacks) {
            attackers.emplace_back(
                [&](std::stop_token stop) { attack.run(target, std::move(stop)); });
        }
    }
    for (int i = 0; i < requests_under_attack; ++i) {
        EXPECT_TRUE(honest.ask()) << "request " << i;
    }
    const auto paid = victim->pay();
    EXPECT_TRUE(paid) << base::sentence(paid.error());
    attackers.clear();
    expect_healthy();
}

TEST_F(HostileTest, HostileClients_LeaveEveryRequestOfTheOwnerAnsweredAndGuessNothing) {
    for (const Attack& attack : api_attacks) {
        SCOPED_TRACE(std::string(attack.name));
        std::jthread attacker([&](std::stop_token stop) { attack.run(target, std::move(stop)); });
        for (int i = 0; i < requests_under_attack; ++i) {
            const auto status = victim->ask_status();
            EXPECT_TRUE(status) << base::sentence(status.error());
        }
    }
    expect_healthy();
}

}  // namespace
}  // namespace meshchain::tests
