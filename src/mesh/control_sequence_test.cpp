#include "mesh/control_sequence.h"

#include <gtest/gtest.h>

#include <array>

#include "kv/memory_store.h"

namespace meshchain::mesh {
namespace {

using base::Errc;

constexpr kv::Table mesh_table{3};

class Epochs : public testing::Test {
protected:
    std::uint32_t open(std::int64_t seconds) {
        const auto sequence =
            ControlSequence::open(*store_, mesh_table, base::wall_from_unix_ms(seconds * 1'000));
        EXPECT_TRUE(sequence.has_value());
        return sequence ? sequence->epoch() : 0;
    }
    static constexpr std::array tables_{kv::TableInfo{mesh_table, "mesh"}};
    std::unique_ptr<kv::MemoryStore> store_ = kv::make_memory_store(tables_);
};

TEST_F(Epochs, FollowTheClockAndNeverGoBack) {
    EXPECT_EQ(open(1'000), 1'000U);
    EXPECT_EQ(open(2'000), 2'000U);
    EXPECT_EQ(open(2'000), 2'001U);
    EXPECT_EQ(open(500), 2'002U);
    EXPECT_EQ(open(-5), 2'003U);
}

TEST_F(Epochs, DamagedValue_IsAnErrorAndNotANewBeginning) {
    kv::Batch batch;
    batch.put(mesh_table, base::as_bytes("control_epoch"), base::as_bytes("abc"));
    ASSERT_TRUE(store_->commit(batch));
    const auto sequence = ControlSequence::open(*store_, mesh_table, base::WallTime{});
    ASSERT_FALSE(sequence.has_value());
    EXPECT_EQ(sequence.error().code, Errc::corrupt);
}

TEST_F(Epochs, LastEpoch_IsNotFollowedByZero) {
    EXPECT_EQ(open(std::int64_t{1} << 40), 0xFFFF'FFFFU);
    const auto sequence = ControlSequence::open(*store_, mesh_table, base::WallTime{});
    ASSERT_FALSE(sequence.has_value());
    EXPECT_EQ(sequence.error().code, Errc::full);
}

TEST_F(Epochs, StoreThatTakesNothing_GivesNoNumbers) {
    ASSERT_TRUE(store_->close());
    EXPECT_FALSE(ControlSequence::open(*store_, mesh_table, base::WallTime{}).has_value());
}

}  // namespace
}  // namespace meshchain::mesh
