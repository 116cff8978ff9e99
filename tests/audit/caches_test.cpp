// Caches, as the audit's author would try them: P5-2 and P5-14; and P5-21, one interface for all
// engines. docs/audit.md has the findings.

#include <gtest/gtest.h>

#include "audit/disk.h"
#include "kv/memory_cache.h"
#include "kv/test_flash_shape.h"

namespace meshchain::tests::audit {
namespace {

class AuditCoins : public testing::TestWithParam<Engine> {
protected:
    std::unique_ptr<Disk> disk_ = Disk::make(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Engines, AuditCoins, testing::Values(Engine::sqlite, Engine::flash_log),
                         name_of);

TEST_P(AuditCoins, P5_2_UtxoEvictionNonDeterministic_NoStoredCoinEverLooksAbsent) {
    const auto genesis = ledger::test::genesis_with(1, 3 * ChainStore::coins_cached, 1000);
    const ledger::CoinSet coins(genesis);
    const auto all = ledger::test::coins_of(coins, 0);
    Opened one = *open_chain(*disk_, genesis);
    chain::test::Disk memory(genesis);
    const auto look_up = [&](const ChainStore& chain, const ledger::Coin& coin) {
        const auto found = chain.coin(coin.outpoint);
        ASSERT_TRUE(found.has_value() && found->has_value()) << "a stored coin looks absent";
        ASSERT_EQ(**found, coin.output);
    };
    // Two nodes whose caches saw different things in a different order …
    for (const ledger::Coin& coin : all) look_up(*one.chain, coin);
    for (std::size_t i = 0; i < all.size(); i += 7)
        look_up(memory.chain(), all[all.size() - 1 - i]);
    // … come to one judgement of a block that spends from everywhere.
    std::vector<wire::WireTransaction> payments;
    for (std::size_t i = 0; i < 20; ++i) {
        payments.emplace_back(
            ledger::test::pay(one.chain->chain_id(), all[i * 149], {0, 0, 500, 1}));
    }
    const auto block = ledger::test::block_of(one.chain->context(), coins, {1}, payments);
    const wire::Hash hash =
        wire::block_hash(one.chain->chain_id(), block.header, genesis.validators[0].key);
    const ledger::NothingVerified none;
    for (ChainStore* chain : {one.chain.get(), &memory.chain()}) {
        const auto effects = ledger::execute(chain->context(), block, *chain, none);
        ASSERT_TRUE(effects.has_value()) << base::sentence(effects.error());
        ASSERT_TRUE(chain->apply(hash, block, *effects).has_value());
        EXPECT_EQ(chain->coin(all[0].outpoint).value(), std::nullopt) << "spent is spent";
    }
    EXPECT_EQ(one.chain->state().digest(), memory.chain().state().digest());
}

/// What is used stays, whatever else comes by: the audit's cache threw out whatever was first.
TEST(AuditCaches, P5_2_UtxoEvictionNonDeterministic_TheLeastRecentlyUsedLeaves) {
    using Outpoint = std::array<std::byte, 8>;
    kv::CoinCache<Outpoint, int> cache(4);
    std::size_t loads = 0;
    const auto read = [&](std::uint8_t name) {
        return cache.get(Outpoint{std::byte{name}},
                         [&](const Outpoint&) -> std::expected<std::optional<int>, base::Error> {
                             ++loads;
                             return name;
                         });
    };
    for (std::uint8_t passing = 1; passing <= 100; ++passing) {
        EXPECT_EQ(read(0)->value(), 0);
        EXPECT_EQ(read(passing)->value(), passing);
    }
    EXPECT_EQ(loads, 101U) << "the busy coin was evicted";
    EXPECT_EQ(cache.size(), 4U);
}

TEST(AuditCaches, P5_14_CacheTtlNotRespected_ExpiredEntriesLeaveOnEveryOperation) {
    using std::chrono::seconds;
    const auto key = [](int i) { return base::to_buffer(base::as_bytes("k" + std::to_string(i))); };
    const auto value = base::to_buffer(base::as_bytes(std::string(98, 'v')));
    const std::vector<std::function<void(kv::MemoryCache&, base::Instant)>> operations{
        [&](auto& cache, auto now) { EXPECT_TRUE(cache.put(now, key(100), value)); },
        [&](auto& cache, auto now) { EXPECT_FALSE(cache.get(now, key(0)).has_value()); },
        [&](auto& cache, auto now) { EXPECT_FALSE(cache.contains(now, key(0))); },
        [&](auto& cache, auto now) { EXPECT_FALSE(cache.erase(now, key(0))); },
        [&](auto& cache, auto now) { EXPECT_EQ(cache.bytes(now), 0U); },
    };
    for (const auto& operation : operations) {
        const std::size_t nine = 9 * (kv::MemoryCache().entry_bytes() + 100);
        kv::MemoryCache cache({.capacity_bytes = nine, .time_to_live = seconds(10)});
        const base::Instant start{seconds(1)};
        for (int i = 0; i < 9; ++i) ASSERT_TRUE(cache.put(start, key(i), value));
        const base::Instant later = start + seconds(10);
        operation(cache, later);
        EXPECT_LE(cache.size(later), 1U);
        EXPECT_EQ(cache.stats(later).expirations, 9U);
        EXPECT_EQ(cache.stats(later).evictions, 0U) << "nothing sound gave way to what is stale";
        cache.check_invariants();
    }
}

/// The same code, the same answers, to the last byte of the tables, whatever it stands on.
TEST(AuditEngines, P5_21_StorageApiMismatch_TheChainIsTheSameOnEveryEngine) {
    const Story story(11);
    std::vector<std::function<std::expected<std::unique_ptr<kv::Store>, base::Error>()>> engines;
    const auto sqlite = Disk::make(Engine::sqlite);
    const auto flash_log = Disk::make(Engine::flash_log);
    const auto memory = std::make_shared<kv::MemoryMedium>();
    const auto flash = std::make_shared<kv::MemoryFlash>(kv::MemoryFlash::Options{.sectors = 512});
    const auto sealed = [&] {
        return kv::test_flash::seal_region(*kv::MemoryRegion::open(flash), 1, std::byte{1}, {});
    };
    ASSERT_TRUE(kv::FlashLog::format(**sealed()).has_value());
    engines.emplace_back([&] { return sqlite->open(); });
    engines.emplace_back([&] { return flash_log->open(); });
    engines.emplace_back([&] { return kv::MemoryStore::open(memory, {chain::chain_tables}); });
    engines.emplace_back([&]() -> std::expected<std::unique_ptr<kv::Store>, base::Error> {
        MESH_TRY(auto region, sealed());
        return kv::FlashLog::open(std::move(region), {.tables = chain::chain_tables},
                                  kv::FlashLogOptions::device());
    });
    for (std::size_t i = 1; i < story.steps().size(); ++i) {
        for (std::size_t engine = 0; engine < engines.size(); ++engine) {
            SCOPED_TRACE("engine " + std::to_string(engine) + ", step " + std::to_string(i));
            const auto store = engines[engine]();
            ASSERT_TRUE(store.has_value()) << base::sentence(store.error());
            const auto chain = ChainStore::open(**store, story.genesis());
            ASSERT_TRUE(chain.has_value()) << base::sentence(chain.error());
            ASSERT_TRUE(Story::perform(**chain, story.steps()[i]).has_value());
            EXPECT_TRUE(chain::test::same_rows(chain::test::dump(**store), story.steps()[i].rows));
        }
    }
}

}  // namespace
}  // namespace meshchain::tests::audit
