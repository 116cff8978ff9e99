#pragma once
// A small flash with a log on it. Only test files include it.

#include "kv/test_flash_shape.h"
#include "kv/test_history.h"

namespace meshchain::kv::test_flash {

using test_history::History;
using test_history::State;
using test_history::state_of;

/// How the medium behaves, and whether it is encrypted.
struct Kind {
    bool erase_keeps_content = false;
    bool is_sealed = false;
};
inline std::string name_of(const Kind& kind) {
    return std::string(kind.erase_keeps_content ? "KeepsContent" : "Wipes") +
           (kind.is_sealed ? "Sealed" : "");
}
inline constexpr Kind kinds[] = {{false, false}, {true, false}, {false, true}, {true, true}};

class Bench {
public:
    explicit Bench(const Kind& kind = {})
        : flash(std::make_shared<MemoryFlash>(kind.is_sealed
                                                  ? small_sealed_flash(kind.erase_keeps_content)
                                                  : small_flash(kind.erase_keeps_content))),
          is_sealed_(kind.is_sealed) {
        auto region = open_region();
        const std::uint32_t sector = (*region)->sector_bytes();
        const auto formatted =
            FlashLog::format(**region, (segment_bytes + sector - 1) / sector * sector);
        EXPECT_TRUE(formatted.has_value()) << sentence(formatted.error());
    }

    std::expected<std::unique_ptr<base::Region>, base::Error> open_region() const {
        MESH_TRY(std::unique_ptr<base::Region> region, MemoryRegion::open(flash));
        if (!is_sealed_) return region;
        MESH_TRY(region, seal_region(std::move(region), ++*openings_));
        return region;
    }
    std::expected<std::unique_ptr<FlashLog>, base::Error> open(
        const FlashLogOptions& options = cramped, std::uint64_t quota_bytes = 0) const {
        MESH_TRY(auto region, open_region());
        return FlashLog::open(std::move(region), {.tables = tables, .quota_bytes = quota_bytes},
                              options);
    }

    std::shared_ptr<MemoryFlash> flash;

private:
    bool is_sealed_;
    /// Each opening draws salts of its own.
    std::shared_ptr<std::uint64_t> openings_ = std::make_shared<std::uint64_t>(0);
};

}  // namespace meshchain::kv::test_flash
