#pragma once
// A small flash with a log on it. Only test files include it.

#include "kv/test_flash_shape.h"
#include "kv/test_history.h"

namespace meshchain::kv::test_flash {

using test_history::History;
using test_history::State;
using test_history::state_of;

class Bench {
public:
    explicit Bench(MemoryFlash::Options options = small_flash())
        : flash(std::make_shared<MemoryFlash>(options)) {
        auto region = MemoryRegion::open(flash);
        const auto formatted = FlashLog::format(**region, segment_bytes);
        EXPECT_TRUE(formatted.has_value()) << sentence(formatted.error());
    }

    std::expected<std::unique_ptr<FlashLog>, base::Error> open(
        const FlashLogOptions& options = cramped, std::uint64_t quota_bytes = 0) const {
        MESH_TRY(auto region, MemoryRegion::open(flash));
        return FlashLog::open(std::move(region), {.tables = tables, .quota_bytes = quota_bytes},
                              options);
    }

    std::shared_ptr<MemoryFlash> flash;
};

}  // namespace meshchain::kv::test_flash
