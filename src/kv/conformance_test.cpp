// Every engine of this floor under the one suite.

#include "kv/conformance_suite.h"
#include "kv/flash_log.h"
#include "kv/memory_region.h"
#include "kv/memory_store.h"

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

class FlashMedium final : public Medium {
public:
    FlashMedium(MemoryFlash::Options flash, FlashLogOptions options)
        : flash_(std::make_shared<MemoryFlash>(flash)), options_(options) {
        auto region = MemoryRegion::open(flash_);
        EXPECT_TRUE(region.has_value());
        const auto formatted = FlashLog::format(**region, 262'144);
        EXPECT_TRUE(formatted.has_value()) << sentence(formatted.error());
    }
    std::expected<std::unique_ptr<Store>, base::Error> open(const StoreOptions& options) override {
        MESH_TRY(auto region, MemoryRegion::open(flash_));
        MESH_TRY(auto store, FlashLog::open(std::move(region), options, options_));
        return std::unique_ptr<Store>(std::move(store));
    }
    void crash(std::unique_ptr<Store> store) override {
        flash_->cut_power_after(0);
        store.reset();
        flash_->power_on(random_);
    }
    void damage_value(Table, base::Bytes, base::Bytes value) override {
        const base::MutableBytes bytes = flash_->bytes();
        auto from = bytes.begin();
        for (;;) {
            from = std::search(from, bytes.end(), value.begin(), value.end());
            if (from == bytes.end()) break;
            *from++ ^= std::byte{4};
        }
    }

private:
    std::shared_ptr<MemoryFlash> flash_;
    FlashLogOptions options_;
    base::Random random_{5};
};

constexpr FlashLogOptions tiny{.memory_entries = 16,
                               .fences = 4,
                               .cached_pages = 1,
                               .cached_places = 0,
                               .buffer_bytes = 1024,
                               .collect_bytes = 1024,
                               .far_bytes = 64};

Engine engine(std::string name, MemoryFlash::Options flash, FlashLogOptions options) {
    return {std::move(name), [=] { return std::make_unique<FlashMedium>(flash, options); }};
}

INSTANTIATE_TEST_SUITE_P(
    FlashLog, StoreConformance,
    testing::Values(engine("FlashLog", {.sectors = 2048}, {}),
                    engine("FlashLogOnAFile",
                           {.sectors = 2048, .program_bytes = 512, .erase_keeps_content = true},
                           FlashLogOptions::server()),
                    engine("FlashLogInLittleMemory", {.sectors = 2048, .program_bytes = 1}, tiny)),
    engine_name);

}  // namespace
}  // namespace meshchain::kv::conformance
