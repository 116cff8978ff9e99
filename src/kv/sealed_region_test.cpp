// What encryption promises: nothing to be read, nothing altered or moved unnoticed, and no nonce
// twice. That a store on it survives what it survives in clear is shown by the tests of the log.

#include "kv/sealed_region.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "kv/test_flash_shape.h"

namespace meshchain::kv {
namespace {

using test_flash::small_frames;

constexpr std::uint32_t unit = small_frames.unit_bytes;
constexpr std::size_t salt = crypto::piece_salt_bytes;
constexpr std::size_t cell = unit + crypto::piece_tag_bytes;

class SealedRegionTest : public testing::Test {
protected:
    std::unique_ptr<SealedRegion> open(std::byte key = std::byte{1}) {
        auto beneath = MemoryRegion::open(flash_);
        EXPECT_TRUE(beneath.has_value());
        auto region = test_flash::seal_region(*std::move(beneath), ++openings_, key);
        EXPECT_TRUE(region.has_value()) << sentence(region.error());
        return *std::move(region);
    }
    static base::Buffer text(std::size_t units) {
        base::Buffer bytes(units * unit);
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i / 7);
        return bytes;
    }
    static base::Buffer read(base::Region& region, std::uint64_t offset, std::size_t size) {
        base::Buffer bytes(size);
        EXPECT_TRUE(region.read(offset, bytes).has_value());
        return bytes;
    }
    /// Of the first frame, in front of its cells and behind them.
    base::MutableBytes first_salt() { return flash_->bytes().first(salt); }
    base::MutableBytes second_salt() {
        return flash_->bytes().subspan(small_frames.frame_bytes - salt, salt);
    }
    /// Where the cells of the first frame lie.
    base::MutableBytes cell_at(std::size_t number) {
        return flash_->bytes().subspan(salt + number * cell, cell);
    }

    std::shared_ptr<MemoryFlash> flash_ = std::make_shared<MemoryFlash>(
        MemoryFlash::Options{.sectors = 8, .sector_bytes = 1024, .erase_keeps_content = true});
    std::uint64_t openings_ = 0;
};

TEST_F(SealedRegionTest, AnyBitFlipped_ChangesItsUnitBeyondChoiceAndNoOther) {  // B14
    const base::Buffer content = text(3);
    auto region = open();
    ASSERT_TRUE(region->erase(0) && region->program(0, content));
    std::set<base::Buffer> seen;
    for (std::size_t bit = 0; bit < cell * 8; ++bit) {
        cell_at(1)[bit / 8] ^= std::byte{1} << (bit % 8);
        const base::Buffer found = read(*region, 0, content.size());
        cell_at(1)[bit / 8] ^= std::byte{1} << (bit % 8);
        EXPECT_TRUE(std::equal(found.begin(), found.begin() + unit, content.begin()));
        EXPECT_TRUE(std::equal(found.end() - unit, found.end(), content.end() - unit));
        const base::Buffer second(found.begin() + unit, found.end() - unit);
        ASSERT_FALSE(std::equal(second.begin(), second.end(), content.begin() + unit));
        seen.insert(second);
    }
    EXPECT_EQ(seen.size(), 1u) << "what is altered shows in what is read";
    EXPECT_EQ(read(*region, 0, content.size()), content);
}

TEST_F(SealedRegionTest, OneSaltDamaged_CostsNothing) {  // B9, B14
    const base::Buffer content = text(3);
    {
        auto region = open();
        ASSERT_TRUE(region->erase(0) && region->program(0, content));
    }
    const auto expect_readable = [&] {
        EXPECT_EQ(read(*open(), 0, content.size()), content);
        // Without a readable first cell as well.
        cell_at(0)[5] ^= std::byte{1};
        EXPECT_EQ(read(*open(), unit, unit),
                  base::Buffer(content.begin() + unit, content.begin() + 2 * unit));
        cell_at(0)[5] ^= std::byte{1};
    };
    for (const base::MutableBytes copy : {first_salt(), second_salt()}) {
        for (std::size_t bit = 0; bit < salt * 8; ++bit) {
            copy[bit / 8] ^= std::byte{1} << (bit % 8);
            expect_readable();
            copy[bit / 8] ^= std::byte{1} << (bit % 8);
        }
        const base::Buffer before = base::to_buffer(copy);
        for (const std::byte blank : {std::byte{0}, std::byte{0xff}}) {
            std::ranges::fill(copy, blank);
            expect_readable();
        }
        std::ranges::copy(before, copy.begin());
    }
}

TEST_F(SealedRegionTest, SaltOfAnEarlierLifeBesideThisOne_OpensNoCellOfThatLife) {  // B14
    const base::Buffer content = text(2);
    base::Buffer old_salt;
    base::Buffer old_cell;
    {
        auto region = open();
        ASSERT_TRUE(region->erase(0) && region->program(0, content));
        old_salt = base::to_buffer(second_salt());
        old_cell = base::to_buffer(cell_at(1));
        ASSERT_TRUE(region->erase(0) && region->program(0, text(1)));
        ASSERT_TRUE(region->program(unit, content));
    }
    std::ranges::copy(old_salt, second_salt().begin());
    std::ranges::copy(old_cell, cell_at(1).begin());
    auto region = open();
    EXPECT_EQ(read(*region, 0, unit), text(1));
    EXPECT_NE(read(*region, unit, unit), base::Buffer(content.begin() + unit, content.end()));
}

TEST_F(SealedRegionTest, CellOfAnotherPlaceOrLife_DoesNotOpen) {  // B14
    const base::Buffer content = text(2);
    auto region = open();
    ASSERT_TRUE(region->erase(0) && region->program(0, content));
    const base::Buffer first = base::to_buffer(cell_at(0));
    const base::Buffer second = base::to_buffer(cell_at(1));
    std::ranges::copy(second, cell_at(0).begin());
    EXPECT_NE(read(*region, 0, unit), base::to_buffer(base::Bytes(content).first(unit)));
    EXPECT_NE(read(*region, 0, unit), base::to_buffer(base::Bytes(content).subspan(unit)));
    const base::Buffer other(unit, std::byte{9});
    ASSERT_TRUE(region->erase(0) && region->program(0, other));
    EXPECT_EQ(read(*region, 0, unit), other);
    std::ranges::copy(first, cell_at(0).begin());
    EXPECT_NE(read(*region, 0, unit), base::to_buffer(base::Bytes(content).first(unit)));
}

TEST_F(SealedRegionTest, SameContent_NeverLooksTheSameAgain) {  // B14
    const base::Buffer content(2 * unit);
    std::set<base::Buffer> seen;
    for (int life = 0; life < 20; ++life) {
        auto region = open();
        ASSERT_TRUE(region->erase(0) && region->program(0, content));
        seen.insert(base::to_buffer(cell_at(0)));
        seen.insert(base::to_buffer(cell_at(1)));
    }
    EXPECT_EQ(seen.size(), 40u);
}

TEST_F(SealedRegionTest, Content_IsReadInAnyPiecesAfterReopeningWithItsKeyAlone) {  // B14
    base::Buffer content;
    {
        auto region = open();
        content = text(3 * region->sector_bytes() / unit);
        for (std::uint64_t at = 0; at < content.size(); at += region->sector_bytes()) {
            ASSERT_TRUE(region->erase(at));
        }
        ASSERT_TRUE(region->program(0, content) && region->sync());
    }
    auto region = open();
    base::Random random(3);
    for (int i = 0; i < 300; ++i) {
        const std::size_t from = random.below(content.size());
        const std::size_t size = random.below(content.size() - from + 1);
        ASSERT_EQ(read(*region, from, size),
                  base::to_buffer(base::Bytes(content).subspan(from, size)));
    }
    region.reset();
    EXPECT_NE(read(*open(std::byte{2}), 0, unit),
              base::to_buffer(base::Bytes(content).first(unit)));
    const base::Bytes medium = flash_->bytes();
    EXPECT_TRUE(std::ranges::search(medium, base::Bytes(content).first(16)).empty());
}

TEST_F(SealedRegionTest, MediumThatRefuses_IsReportedAndWhatWasProgrammedStays) {
    auto region = open();
    const base::Buffer content = text(2);
    ASSERT_TRUE(region->erase(0) && region->program(0, content));
    flash_->set_full(true);
    EXPECT_EQ(region->erase(region->sector_bytes()).error().code, base::Errc::full);
    EXPECT_EQ(region->program(content.size(), content).error().code, base::Errc::full);
    flash_->set_full(false);
    flash_->fail(MemoryFlash::Step::program, 1, base::Errc::full);
    EXPECT_EQ(region->program(content.size(), text(8)).error().code, base::Errc::io)
        << "a part was programmed";
    EXPECT_EQ(read(*region, 0, content.size()), content);
}

TEST_F(SealedRegionTest, SizesThatDoNotFit_AreRefused) {
    for (const SealedRegion::Shape& shape :
         {SealedRegion::Shape{.frame_bytes = 1500}, SealedRegion::Shape{.unit_bytes = 100},
          SealedRegion::Shape{.unit_bytes = 2048, .frame_bytes = 1024},
          SealedRegion::Shape{.frame_bytes = 1 << 20}}) {
        const auto opened = test_flash::seal_region(*MemoryRegion::open(flash_), 1, {}, shape);
        ASSERT_FALSE(opened.has_value());
        EXPECT_EQ(opened.error().code, base::Errc::invalid_argument);
    }
}

}  // namespace
}  // namespace meshchain::kv
