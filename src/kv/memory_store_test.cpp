#include "kv/memory_store.h"

#include <gtest/gtest.h>

namespace meshchain::kv {
namespace {

constexpr Table coins{0};
constexpr TableInfo tables[] = {{coins, "coins"}};

TEST(MemoryStoreDeathTest, UndeclaredTable_IsOurBug) {
    EXPECT_DEATH(
        {
            auto store = make_memory_store(tables);
            (void)store->get(Table{9}, base::as_bytes("key"));
        },
        "check_declared|declared_");
}

TEST(MemoryMedium, UsedBytes_ReturnToZeroWhenAllIsErased) {
    auto medium = std::make_shared<MemoryMedium>();
    auto store = MemoryStore::open(medium, {.tables = tables});
    ASSERT_TRUE(store.has_value());
    Batch batch;
    batch.put(coins, base::as_bytes("key"), base::Buffer(100));
    batch.put(coins, base::as_bytes("key"), base::Buffer(50));
    ASSERT_TRUE((*store)->commit(batch));
    EXPECT_EQ(medium->used_bytes(), 53u);
    batch.clear();
    batch.erase(coins, base::as_bytes("key"));
    ASSERT_TRUE((*store)->commit(batch));
    EXPECT_EQ(medium->used_bytes(), 0u);
}

}  // namespace
}  // namespace meshchain::kv
