// A whole node that is thousands of blocks behind, and peers of which one lies and one stalls.

#include <gtest/gtest.h>

#include "whole_node/world.h"

namespace meshchain::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class WholeCatchUpTest : public testing::Test {
protected:
    explicit WholeCatchUpTest(std::uint32_t blocks = 1000) : past(blocks) {}
    const std::uint32_t past;
    static constexpr std::size_t liar = 1;
    static constexpr std::size_t staller = 2;
    static constexpr std::size_t behind = 3;

    void SetUp() override {
        for (std::size_t i = 0; i < behind; ++i) world_.preload(i);
    }
    /// From then on its disk has a wrong signature in each of these blocks.
    void make_liar(std::uint32_t first, std::uint32_t last) {
        const auto disk = world_.open_disk(liar);
        for (std::uint32_t height = first; height <= last; ++height) {
            base::Buffer key;
            base::Writer(key).u32(height);
            const auto hash = disk->get(chain::tables::heights, key).value().value();
            base::Buffer block = disk->get(chain::tables::blocks, hash).value().value();
            block.back() ^= std::byte{1};
            kv::Batch batch;
            batch.put(chain::tables::blocks, hash, block);
            ASSERT_TRUE(disk->commit(batch).has_value());
        }
    }
    /// It promises everything and delivers `chunks` pieces.
    void make_staller(std::size_t chunks) {
        world_.set_filter([this, chunks](std::size_t from, std::size_t, base::Bytes datagram) {
            const auto frame = wire::parse_frame(datagram);
            if (from != staller || !frame || frame->header.type != wire::MessageType::sync_data) {
                return true;
            }
            return ++stalled_ <= chunks;
        });
    }
    std::uint32_t height(std::size_t index) {
        return world_[index].status(world_.now()).height.value;
    }
    std::uint32_t final_height(std::size_t index) {
        return world_[index].status(world_.now()).final_height.value;
    }
    std::uint32_t score_of(std::size_t peer) {
        const auto identity = world_[peer].status(world_.now()).identity;
        for (const node::PeerView& view : world_[behind].peers(world_.now())) {
            if (view.identity == identity) return view.score;
        }
        return 0;
    }
    void start_all() {
        for (std::size_t i = 0; i < world_.size(); ++i) world_.start(i);
    }

    World world_{{.seed = 5, .nodes = 4, .delay_max = milliseconds(60), .past_blocks = past}};
    std::size_t stalled_ = 0;
};

class LongCatchUpTest : public WholeCatchUpTest {
protected:
    LongCatchUpTest() : WholeCatchUpTest(3000) {}
};

TEST_F(LongCatchUpTest, ThreeThousandBlocksBehind_FromALiarAStallerAndAnHonestPeer) {
    make_liar(700, 2900);
    make_staller(40);
    start_all();
    ASSERT_TRUE(world_.run_until([&] { return final_height(behind) >= past; }, seconds(120)));
    EXPECT_EQ(world_[behind].status(world_.now()).final_block,
              world_[0].status(world_.now()).final_block);
    EXPECT_LT(score_of(liar), score_of(0));
    const auto view = world_[behind].status(world_.now());
    EXPECT_EQ(view.sync.percent, 100U);
    EXPECT_EQ(view.height.value, past);
}

TEST_F(WholeCatchUpTest, ProgressAndTarget_AreShownOnTheWay) {
    start_all();
    ASSERT_TRUE(
        world_.run_until([&] { return height(behind) > 0 && height(behind) < past; }, seconds(60)));
    const auto view = world_[behind].status(world_.now());
    EXPECT_EQ(view.sync.state, "SYNCING");
    EXPECT_EQ(view.sync.target.value, past);
    EXPECT_EQ(view.sync.percent, view.height.value * 100 / past);
}

TEST_F(WholeCatchUpTest, KilledInTheMiddle_ItGoesOnWhereItWas) {
    start_all();
    ASSERT_TRUE(world_.run_until([&] { return height(behind) > 300; }, seconds(60)));
    const std::uint32_t reached = height(behind);
    ASSERT_LT(reached, past);
    world_.kill(behind);
    world_.run_for(seconds(2));
    world_.start(behind);
    EXPECT_GE(height(behind), reached);
    EXPECT_LE(final_height(behind), height(behind));
    ASSERT_TRUE(world_.run_until([&] { return final_height(behind) >= past; }, seconds(60)));
}

class LossyCatchUpTest : public WholeCatchUpTest {
protected:
    LossyCatchUpTest() : WholeCatchUpTest(200) {}
};

TEST_F(LossyCatchUpTest, OnALossyNetwork_ItCatchesUpAllTheSame) {
    base::Random random(3);
    world_.set_filter(
        [&](std::size_t, std::size_t, base::Bytes) { return !random.chance(10, 100); });
    start_all();
    EXPECT_TRUE(world_.run_until([&] { return final_height(behind) >= past; }, seconds(300)));
}

}  // namespace
}  // namespace meshchain::tests
