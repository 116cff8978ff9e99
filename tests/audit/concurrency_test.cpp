// What the audit's author found untested: concurrency (P5-3, P5-23), crashes (P5-24) and edges of
// the medium (P5-25). docs/audit.md has the findings. Real threads, processes and files.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "audit/disk.h"
#include "host/embedded_node.h"
#include "host/local_chain.h"
#include "host/node_store.h"
#include "node/tables.h"

namespace meshchain::tests::audit {
namespace {

using base::Errc;

class AuditConcurrency : public testing::Test {
protected:
    void SetUp() override {
        const auto chain = host::LocalChain::create(root_.path() / "chain", {.nodes = 1});
        ASSERT_TRUE(chain.has_value()) << base::sentence(chain.error());
        identity_ = chain->members[0].identity;
        node_ = *host::EmbeddedNode::open(chain->members[0].folder);
    }
    /// While `work` runs in this thread, `beside` in four others, again and again.
    static void run_beside(const std::function<void()>& work, const std::function<void()>& beside) {
        std::atomic<bool> done = false;
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                do beside();
                while (!done);
            });
        }
        work();
        done = true;
        for (std::thread& thread : threads) thread.join();
    }

    host::TemporaryFolder root_;
    crypto::PublicKey identity_;
    std::unique_ptr<host::EmbeddedNode> node_;
};

TEST_F(AuditConcurrency, P5_3_BlockHeightRace_NoThreadSeesAHeightBeforeItsBlockOrGoingBack) {
    ASSERT_TRUE(node_->start().has_value());
    ASSERT_TRUE(node_->unlock_wallet(host::LocalChain::passphrase).has_value());
    std::atomic<std::uint32_t> highest = 0;
    const auto await_height = [&](std::uint32_t height) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (node_->status()->height.value < height && std::chrono::steady_clock::now() < end) {
        }
        EXPECT_GE(node_->status()->height.value, height);
    };
    run_beside(
        [&] {
            for (std::uint32_t block = 1; block <= 5; ++block) {
                EXPECT_TRUE(node_->pay(identity_, {1}).has_value());
                await_height(block);
            }
        },
        [&] {
            const std::uint32_t before = highest;
            const auto status = node_->status();
            ASSERT_TRUE(status.has_value());
            EXPECT_GE(status->height.value, before) << "the height went back";
            std::uint32_t seen = highest;
            while (seen < status->height.value &&
                   !highest.compare_exchange_weak(seen, status->height.value)) {
            }
            if (status->height.value == 0) return;
            using Block = std::expected<node::BlockView, base::Error>;
            const Block block = node_->call(
                [&](node::Node& node, base::Now) -> Block { return node.block(status->height); });
            ASSERT_TRUE(block.has_value()) << "a height whose block is not there";
            EXPECT_EQ(block->hash, status->tip);
        });
}

TEST_F(AuditConcurrency, P5_23_ConcurrentEventsAndCalls_NoneIsLostReorderedOrHangs) {
    constexpr std::uint64_t posts_each = 500;
    std::map<std::uint64_t, std::uint64_t> next;  // on the node's thread alone
    std::atomic<std::uint64_t> heard = 0;
    std::atomic<std::uint64_t> within = 0;
    ASSERT_TRUE(node_->subscribe(runtime::custom_event(1), [&](const runtime::Event& event) {
        const std::uint64_t number = *event.data.number();
        EXPECT_EQ(next[number / posts_each]++, number % posts_each) << "overtaken";
        if (node_->status().has_value()) ++within;  // from within a handler, too (N-11)
        ++heard;
    }));
    ASSERT_TRUE(node_->start().has_value());
    std::atomic<std::uint64_t> producer = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            const std::uint64_t own = producer++;
            for (std::uint64_t n = 0; n < posts_each; ++n) {
                while (!node_->post(
                    {.type = runtime::custom_event(1), .data = own * posts_each + n})) {
                    std::this_thread::yield();  // refused for want of room, and told so
                }
                if (n % 50 != 0) continue;
                EXPECT_TRUE(node_->status().has_value());
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (heard < 4 * posts_each && std::chrono::steady_clock::now() < end) {
        std::this_thread::yield();
    }
    EXPECT_EQ(heard, 4 * posts_each);
    EXPECT_EQ(within, heard);
    EXPECT_TRUE(node_->stop().has_value());
}

class AuditMedium : public testing::TestWithParam<Engine> {
protected:
    node::NodeConfig config() const {
        node::NodeConfig config;
        if (GetParam() == Engine::flash_log) config.store_engine = node::StoreEngine::flashlog;
        config.store_size_mb = 16;
        return config;
    }
    auto open(host::StoreMode mode = host::StoreMode::create_if_absent) const {
        return host::open_node_store(host::DataFolder(root_.path()), config(), mode);
    }
    std::filesystem::path path() const { return root_.path() / config().storage_path; }

    host::TemporaryFolder root_;
    const Story story_{5};
};

INSTANTIATE_TEST_SUITE_P(Engines, AuditMedium, testing::Values(Engine::sqlite, Engine::flash_log),
                         name_of);

TEST_P(AuditMedium, P5_24_NoCrashRecoveryTests_AProcessKilledInItsWork_LosesNothingAcknowledged) {
    std::size_t applied = 0;
    ASSERT_TRUE(open().has_value());
    for (int life = 0; life < 6; ++life) {
        std::array<int, 2> pipe{};
        ASSERT_EQ(::pipe(pipe.data()), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            const auto store = open();
            const auto chain = ChainStore::open(**store, story_.genesis());
            for (std::size_t i = applied + 1; i < story_.steps().size(); ++i) {
                if (!Story::perform(**chain, story_.steps()[i])) ::_exit(1);
                const char acknowledged = 1;
                if (::write(pipe[1], &acknowledged, 1) != 1) ::_exit(1);
            }
            ::pause();
        }
        char acknowledged = 0;
        std::size_t count = 0;
        const std::size_t left = story_.steps().size() - 1 - applied;
        while (count < std::min<std::size_t>(left, 2) && ::read(pipe[0], &acknowledged, 1) == 1) {
            ++count;
        }
        ::kill(child, SIGKILL);  // while it writes the next one
        ::waitpid(child, nullptr, 0);
        ::close(pipe[1]);
        while (::read(pipe[0], &acknowledged, 1) == 1) ++count;
        ::close(pipe[0]);
        applied += count;

        const auto store = open();
        ASSERT_TRUE(store.has_value()) << base::sentence(store.error());
        const Dump rows = chain::test::dump(**store);
        if (rows != story_.steps()[applied].rows) ++applied;
        ASSERT_LT(applied, story_.steps().size());
        EXPECT_TRUE(chain::test::same_rows(rows, story_.steps()[applied].rows));
    }
    EXPECT_GT(applied, 6U);
}

TEST_P(AuditMedium, P5_24_NoCrashRecoveryTests_CutOffAndOverwrittenFiles_AreAnErrorOrTheTruth) {
    {
        const auto store = open();
        const auto chain = ChainStore::open(**store, story_.genesis());
        for (std::size_t i = 1; i < story_.steps().size(); ++i) {
            ASSERT_TRUE(Story::perform(**chain, story_.steps()[i]).has_value());
        }
        ASSERT_TRUE((*store)->close().has_value());
    }
    const Dump& truth = story_.steps().back().rows;
    const auto whole = std::filesystem::file_size(path());
    for (const auto size : {whole / 2, whole / 10, std::uintmax_t{5000}, std::uintmax_t{100}}) {
        std::filesystem::resize_file(path(), size);
        const auto store = open(host::StoreMode::must_exist);
        if (!store) {
            EXPECT_EQ(store.error().code, Errc::corrupt) << base::sentence(store.error());
        } else if ((*store)->verify()) {
            EXPECT_TRUE(chain::test::same_rows(chain::test::dump(**store), truth))
                << size << " bytes of " << whole;
        }
    }
    std::ofstream(path(), std::ios::binary) << std::string(10'000, 'x');
    const auto store = open(host::StoreMode::must_exist);
    ASSERT_FALSE(store.has_value());
    EXPECT_EQ(store.error().code, Errc::corrupt) << base::sentence(store.error());
}

TEST_P(AuditMedium, P5_25_NoEdgeCaseTests_EveryFailureOfTheMedium_IsAnErrorAndAnIntactStore) {
    using Fault = Disk::Fault;
    for (const Fault fault : {Fault::full, Fault::write_fails, Fault::sync_fails}) {
        const auto disk = Disk::make(GetParam());
        for (std::size_t i = 1; i < story_.steps().size(); ++i) {
            SCOPED_TRACE("step " + std::to_string(i));
            bool is_done = false;
            {
                auto opened = open_chain(*disk, story_.genesis());
                ASSERT_TRUE(opened.has_value()) << base::sentence(opened.error());
                disk->fail(fault);
                const auto performed = Story::perform(*opened->chain, story_.steps()[i]);
                is_done = performed.has_value();
                if (!performed) {
                    EXPECT_TRUE(performed.error().code == Errc::full ||
                                performed.error().code == Errc::io)
                        << base::sentence(performed.error());
                    EXPECT_EQ(opened->chain->tip(), story_.steps()[i - 1].tip);
                }
                disk->mend();
            }
            auto opened = open_chain(*disk, story_.genesis());
            ASSERT_TRUE(opened.has_value()) << base::sentence(opened.error());
            const Dump rows = chain::test::dump(*opened->store);
            if (rows == story_.steps()[i - 1].rows) {
                ASSERT_FALSE(is_done) << "acknowledged, and lost";
                ASSERT_TRUE(Story::perform(*opened->chain, story_.steps()[i]).has_value());
            } else {
                EXPECT_TRUE(chain::test::same_rows(rows, story_.steps()[i].rows));
            }
        }
    }
}

TEST_P(AuditMedium, P5_25_NoEdgeCaseTests_TheLargestBlock_IsStoredAndReadBack) {
    const auto genesis = ledger::test::genesis_with(1, 400, 1000);
    const ledger::CoinSet coins(genesis);
    const ledger::NothingVerified none;
    const auto disk = Disk::make(GetParam());
    wire::Hash hash;
    wire::Block block;
    {
        const auto opened = *open_chain(*disk, genesis);
        const wire::ChainId& chain_id = opened.chain->chain_id();
        ledger::BlockBuilder builder(opened.chain->context(), {1}, coins, none);
        std::vector<wire::WireTransaction> taken;
        for (const ledger::Coin& coin : ledger::test::coins_of(coins, 0)) {
            const auto payment = ledger::test::pay(chain_id, coin, {0, 0, 500, 1});
            if (!builder.add(payment)) break;
            taken.emplace_back(payment);
        }
        ASSERT_LT(taken.size(), 400U) << "the limit was not reached";
        block = ledger::test::block_of(opened.chain->context(), coins, {1}, taken);
        hash = wire::block_hash(chain_id, block.header, genesis.validators[0].key);
        const auto effects = ledger::execute(opened.chain->context(), block, *opened.chain, none);
        ASSERT_TRUE(effects.has_value()) << base::sentence(effects.error());
        const auto applied = opened.chain->apply(hash, block, *effects);
        ASSERT_TRUE(applied.has_value()) << base::sentence(applied.error());
    }
    const auto opened = *open_chain(*disk, genesis);
    EXPECT_EQ(opened.chain->block(hash).value()->block, block);
}

}  // namespace
}  // namespace meshchain::tests::audit
