#pragma once
// A store with a long chain in it, and whether all that it holds is whole.

#include <gtest/gtest.h>

#include "chain/test_long_chain.h"
#include "chain/test_network.h"

namespace meshchain::chain::test {

/// A store with a long chain in it, all of it FINAL.
struct LongStore {
    explicit LongStore(std::uint32_t blocks) : genesis(ledger::test::genesis_with(3, 8, 100'000)) {
        open();
        const ledger::test::KeyRing keys(3);
        const test::LongChain made(*memory, genesis, [&](const auto& key) { return keys(key); },
                                   {.blocks = blocks, .final_every = 10});
    }
    void open() {
        chain.reset();
        faulty.reset();
        memory.reset();
        memory = *kv::MemoryStore::open(medium, {test::network_tables});
        faulty = std::make_unique<kv::FaultyStore>(*memory);
    }
    ChainStore& open_chain() {
        open();
        chain = *ChainStore::open(*faulty, genesis);
        return *chain;
    }

    ledger::Genesis genesis;
    std::shared_ptr<kv::MemoryMedium> medium = std::make_shared<kv::MemoryMedium>();
    std::unique_ptr<kv::MemoryStore> memory;
    std::unique_ptr<kv::FaultyStore> faulty;
    std::unique_ptr<ChainStore> chain;
};

/// Every block above the base is whole and found by its transactions; nothing is left below it.
inline void expect_sound(const ChainStore& chain, kv::Store& kv) {
    const std::uint32_t base = chain.base().height.value;
    const std::uint32_t held = chain.tip().height.value - base;
    std::uint64_t transactions = 0;
    for (std::uint32_t height = base + 1; height <= chain.tip().height.value; ++height) {
        const auto hash = chain.hash_at({height}).value();
        ASSERT_TRUE(hash.has_value()) << height;
        const auto stored = chain.block(*hash).value();
        ASSERT_TRUE(stored.has_value()) << height;
        const auto expanded = chain.expand(*stored).value();
        for (const wire::Transaction& one : expanded) {
            const auto found = chain.find(wire::txid(chain.chain_id(), one.body)).value();
            ASSERT_TRUE(found.has_value()) << height;
            EXPECT_EQ(found->height.value, height);
            ++transactions;
        }
    }
    EXPECT_EQ(chain.hash_at(chain.base().height).value(), chain.base().hash);
    EXPECT_EQ(kv.count(tables::blocks).value(), held);
    EXPECT_EQ(kv.count(tables::undo).value(), held);
    EXPECT_EQ(kv.count(tables::heights).value(), held + 1);
    EXPECT_EQ(kv.count(tables::transactions).value(), transactions);
    EXPECT_TRUE(chain.damage().empty());
}

}  // namespace meshchain::chain::test
