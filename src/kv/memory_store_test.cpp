#include "kv/memory_store.h"

#include "kv/conformance_suite.h"

namespace meshchain::kv::conformance {
namespace {

class MemoryTestMedium final : public Medium {
public:
    std::expected<std::unique_ptr<Store>, base::Error> open(const StoreOptions& options) override {
        MESH_TRY(auto store, MemoryStore::open(medium_, options));
        return std::unique_ptr<Store>(std::move(store));
    }
    void damage_value(Table table, base::Bytes key, base::Bytes) override {
        medium_->flip_bit(table, key, 13);
    }

private:
    std::shared_ptr<MemoryMedium> medium_ = std::make_shared<MemoryMedium>();
};

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance,
                         testing::Values(Engine{
                             "Memory", [] { return std::make_unique<MemoryTestMedium>(); }}),
                         engine_name);

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
    batch.put(coins, bytes("key"), filled(100, 1));
    batch.put(coins, bytes("key"), filled(50, 1));
    ASSERT_TRUE((*store)->commit(batch));
    EXPECT_EQ(medium->used_bytes(), 53u);
    batch.clear();
    batch.erase(coins, bytes("key"));
    ASSERT_TRUE((*store)->commit(batch));
    EXPECT_EQ(medium->used_bytes(), 0u);
}

}  // namespace
}  // namespace meshchain::kv::conformance
