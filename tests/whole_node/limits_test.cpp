// The memory bound that `config show --limits` prints, against nodes that work.

#include <gtest/gtest.h>

#include "ledger/transaction_rules.h"
#include "whole_node/world.h"

namespace meshchain::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void expect_within_limits(const node::Node& node) {
    std::size_t known = 0;
    for (const node::MemoryLimit& limit : node.memory()) {
        EXPECT_GT(limit.bytes_max(), 0U) << limit.module << " " << limit.what;
        if (!limit.count) continue;
        ++known;
        EXPECT_LE(*limit.count, limit.count_max) << limit.module << " " << limit.what;
    }
    EXPECT_GE(known, 5U);
}

TEST(MemoryLimits, HoldWhileNodesPayAndWhileOneCatchesUp) {
    World world({.seed = 21, .loss_percent = 5});
    for (std::size_t i = 0; i < world.size(); ++i) world.start(i);
    world.run_for(seconds(10));
    world.kill(4);
    for (std::size_t round = 0; round < 30; ++round) {
        static_cast<void>(world[round % 4].pay(world.now(), world.payee(4), {1}, std::nullopt));
        world.run_for(milliseconds(500));
        for (std::size_t i = 0; i < 4; ++i) expect_within_limits(world[i]);
    }
    world.start(4);
    for (int i = 0; i < 20; ++i) {
        world.run_for(seconds(1));
        expect_within_limits(world[4]);
    }
}

/// What a transaction really takes on the heap is less than the figure that is printed for it.
TEST(MemoryLimits, FiguresOfTheMempool_CoverWhatItHolds) {
    World world({.seed = 22, .nodes = 1});
    world.start(0);
    world.run_for(seconds(5));
    std::size_t sent = 0;
    while (sent < 10 && world[0].pay(world.now(), world.payee(0), {1}, std::nullopt)) ++sent;
    ASSERT_GT(sent, 0U);
    const auto limits = world[0].memory();
    const auto bytes_each = [&](std::string_view what) {
        for (const auto& limit : limits) {
            if (limit.what == what) return limit.bytes_each;
        }
        return std::size_t{0};
    };
    const node::MempoolView mempool = world[0].mempool();
    for (const node::TransactionView& entry : mempool.entries) {
        const auto& body = entry.transaction->body;
        const std::size_t held = sizeof(ledger::CheckedTransaction) +
                                 2 * body.inputs.size() * sizeof(wire::Input) +
                                 2 * body.outputs.size() * sizeof(wire::Output) +
                                 entry.transaction->signatures.size() * sizeof(crypto::Signature);
        EXPECT_LE(held, bytes_each("mempool transactions"));
    }
    EXPECT_EQ(mempool.entries.size(), mempool.transactions);
}

}  // namespace
}  // namespace meshchain::tests
