// What the flash log costs: bytes written for a byte stored, reads for a look-up, memory, wear. All
// counted, nothing timed.

#include "base/cursor.h"
#include "base/test_effort.h"
#include "kv/test_allocations.h"
#include "kv/test_flash.h"

namespace meshchain::kv {
namespace {

using test_flash::blocks;
using test_flash::coins;
using test_memory::allocated;
using test_memory::allocated_peak;

/// A medium that allocates nothing once it is there.
class PlainRegion final : public base::Region {
public:
    PlainRegion(base::Buffer& bytes, std::uint64_t& reads) : bytes_(&bytes), reads_(&reads) {}
    std::uint64_t size_bytes() const override { return bytes_->size(); }
    std::uint32_t sector_bytes() const override { return 4096; }
    std::uint32_t program_bytes() const override { return 16; }
    std::expected<void, base::Error> read(std::uint64_t offset, base::MutableBytes out) override {
        std::copy_n(bytes_->begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
        ++*reads_;
        return {};
    }
    std::expected<void, base::Error> program(std::uint64_t offset, base::Bytes bytes) override {
        std::ranges::copy(bytes, bytes_->begin() + static_cast<std::ptrdiff_t>(offset));
        return {};
    }
    std::expected<void, base::Error> erase(std::uint64_t) override { return {}; }
    std::expected<void, base::Error> sync() override { return {}; }

private:
    base::Buffer* bytes_;
    std::uint64_t* reads_;
};

/// A ledger as a store sees it: each block brings its bytes, eight payments that spend a coin and
/// make one, and a new tip; the oldest block is pruned. Three in four coins are spent young.
class Ledger {
public:
    Ledger(std::size_t coins_kept, std::size_t blocks_kept)
        : coins_kept_(coins_kept), blocks_kept_(blocks_kept) {}

    void append(Batch& batch) {
        batch.clear();
        put(batch, blocks, number(height_), 1024);
        if (height_ >= blocks_kept_) batch.erase(blocks, number(height_ - blocks_kept_));
        ++height_;
        for (int i = 0; i < 8; ++i) {
            if (made_.size() >= coins_kept_) spend(batch);
            made_.push_back(next_);
            put(batch, coins, outpoint(next_++), 37);
        }
        batch.put(coins, base::as_bytes("tip"), outpoint(height_));
    }
    /// Of a coin that is unspent.
    base::Buffer some_coin() { return outpoint(made_[random_.below(made_.size())]); }
    std::size_t coins_held() const { return made_.size(); }

private:
    static base::Buffer number(std::uint64_t value) {
        base::Buffer bytes;
        base::Writer(bytes).u32(static_cast<std::uint32_t>(value));
        return bytes;
    }
    /// 34 bytes that look like a hash.
    static base::Buffer outpoint(std::uint64_t value) {
        base::Random hash(value + 1);
        base::Buffer bytes;
        base::Writer out(bytes);
        for (int i = 0; i < 4; ++i) out.u64(hash.next());
        out.u16(static_cast<std::uint16_t>(value % 2));
        return bytes;
    }
    void put(Batch& batch, Table table, const base::Buffer& key, std::size_t size) {
        value_.assign(size, static_cast<std::byte>(random_.below(256)));
        batch.put(table, key, value_);
    }
    void spend(Batch& batch) {
        const std::size_t young = made_.size() / 8;
        const std::size_t at = random_.chance(3, 4) ? made_.size() - 1 - random_.below(young)
                                                    : random_.below(made_.size());
        batch.erase(coins, outpoint(made_[at]));
        made_.erase(made_.begin() + static_cast<std::ptrdiff_t>(at));
    }

    base::Random random_{99};
    std::size_t coins_kept_;
    std::size_t blocks_kept_;
    std::uint64_t height_ = 0;
    std::uint64_t next_ = 0;
    std::vector<std::uint64_t> made_;
    base::Buffer value_;
};

std::unique_ptr<FlashLog> open_plain(base::Buffer& bytes, std::uint64_t& reads,
                                     std::uint32_t segment_bytes, const FlashLogOptions& options) {
    auto region = std::make_unique<PlainRegion>(bytes, reads);
    const auto formatted = FlashLog::format(*region, segment_bytes);
    EXPECT_TRUE(formatted.has_value()) << sentence(formatted.error());
    auto store = FlashLog::open(std::move(region), {.tables = test_flash::tables}, options);
    EXPECT_TRUE(store.has_value()) << sentence(store.error());
    return *std::move(store);
}

double ratio(std::uint64_t a, std::uint64_t b) {
    return static_cast<double>(a) / static_cast<double>(b);
}

/// A device with 16 MB of flash: filled to four fifths, then as much again goes through it.
class FlashLogDeviceTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        base::Buffer bytes(std::size_t{16} << 20);
        std::uint64_t reads = 0;
        Ledger ledger(10'000, 11'900);
        Batch batch;
        Ledger other(10, 10);
        for (int i = 0; i < 30; ++i) other.append(batch);  // The batch has its full size.
        const std::size_t before = allocated;
        auto store = open_plain(bytes, reads, 65'536, FlashLogOptions::device());
        std::size_t held = allocated - before;
        const auto append = [&](int count) {
            for (int i = 0; i < count; ++i) {
                ledger.append(batch);
                const std::size_t now = allocated_peak = allocated;
                const auto committed = store->commit(batch);
                ASSERT_TRUE(committed.has_value()) << i << " " << sentence(committed.error());
                peak = std::max(peak, held + allocated_peak - now);
                held += allocated - now;
            }
        };
        append(12'000);
        filled = store->figures();
        append(test::effort(3000, 40'000));  // Blocks live for 11,900 commits.
        worked = store->figures();
        coins_counted = store->count(coins).value() - 1;  // One is the tip.
        coins_held = ledger.coins_held();
        base::Buffer value(64);
        for (int i = 0; i < 500; ++i) {
            const base::Buffer coin = ledger.some_coin();
            const std::uint64_t reads_before = reads;
            ASSERT_EQ(store->get_into(coins, coin, value).value(), true);
            most_reads = std::max(most_reads, reads - reads_before);
        }
    }

    static inline std::size_t peak = 0;
    static inline std::uint64_t most_reads = 0;
    static inline std::uint64_t coins_counted = 0;
    static inline std::uint64_t coins_held = 0;
    static inline FlashLogFigures filled;
    static inline FlashLogFigures worked;
};

TEST_F(FlashLogDeviceTest, EngineWithTenThousandCoinsAndBlocks_FitsIn64KB) {  // B4
    EXPECT_EQ(coins_counted, coins_held);
    EXPECT_GE(coins_held, 10'000u);
    EXPECT_LT(peak, 65'536u);
    RecordProperty("peak_bytes", static_cast<int>(peak));
}

TEST_F(FlashLogDeviceTest, LookUpOfACoin_CostsThreeReadsAtMost) { EXPECT_LE(most_reads, 3u); }

TEST_F(FlashLogDeviceTest, FourFifthsFull_WritesLessThanTwoAndAHalfTimesWhatItStores) {
    EXPECT_GE(ratio(filled.live_bytes, filled.region_bytes), 0.795);
    const double amplification = ratio(worked.programmed_bytes - filled.programmed_bytes,
                                       worked.user_bytes - filled.user_bytes);
    EXPECT_LT(amplification, 2.5);
    RecordProperty("percent", static_cast<int>(amplification * 100));
}

/// What one commit of a few coins makes the log write at most, once 3,000 are there.
std::uint64_t longest_commit_bytes(std::uint32_t merged_at_once) {
    base::Buffer bytes(std::size_t{8} << 20);
    std::uint64_t reads = 0;
    auto store =
        open_plain(bytes, reads, 65'536,
                   {.memory_entries = 64, .buffer_bytes = 4096, .merged_at_once = merged_at_once});
    Ledger ledger(3000, 10);
    Batch batch;
    std::uint64_t most = 0;
    for (int block = 0; block < 900; ++block) {
        ledger.append(batch);
        const std::uint64_t before = store->figures().programmed_bytes;
        const auto committed = store->commit(batch);
        EXPECT_TRUE(committed.has_value()) << sentence(committed.error());
        if (block > 400) most = std::max(most, store->figures().programmed_bytes - before);
    }
    EXPECT_EQ(store->figures().slow_merges > 0, merged_at_once == 0);
    EXPECT_TRUE(store->verify().has_value());
    return most;
}

TEST(FlashLogCost, BaseOfTheIndex_IsMergedALittleWithEachCommit) {
    EXPECT_LT(2 * longest_commit_bytes(0), longest_commit_bytes(1'000'000));
}

TEST(FlashLogCost, Wear_IsSpreadOverSegmentsThatNeverChangeToo) {
    base::Buffer bytes(std::size_t{256} << 10);
    std::uint64_t reads = 0;
    auto store = open_plain(bytes, reads, 8192,
                            {.memory_entries = 200,
                             .fences = 16,
                             .cached_pages = 4,
                             .cached_places = 0,
                             .buffer_bytes = 4096,
                             .collect_bytes = 4096,
                             .far_bytes = 512});
    const base::Buffer value(1000);
    const auto put = [&](const std::string& key) {
        Batch batch;
        batch.put(coins, base::as_bytes(key), value);
        const auto committed = store->commit(batch);
        ASSERT_TRUE(committed.has_value()) << sentence(committed.error());
    };
    for (int i = 0; i < 60; ++i) put("never changes " + std::to_string(i));
    for (int i = 0; i < 34'000; ++i) put("hot " + std::to_string(i % 40));
    const FlashLogFigures figures = store->figures();
    EXPECT_GT(figures.erases / figures.segments, 150u);
    EXPECT_LE(ratio(figures.erases_most - figures.erases_least, figures.erases_most), 0.1)
        << figures.erases_least << " to " << figures.erases_most;
}

}  // namespace
}  // namespace meshchain::kv
