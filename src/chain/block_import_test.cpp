// Importing proven blocks slice by slice: what is stored is what was valid, in one batch.

#include "chain/block_import.h"

#include <gtest/gtest.h>

#include "chain/test_long_chain.h"
#include "chain/test_network.h"

namespace meshchain::chain {
namespace {

constexpr std::uint32_t people = 4;
constexpr std::size_t slice = 64;

std::unique_ptr<kv::MemoryStore> empty_store() {
    return *kv::MemoryStore::open(std::make_shared<kv::MemoryMedium>(), {test::network_tables});
}

/// Says of one check what it is told to, and the truth of all others.
class Doubter final : public crypto::Verifier {
public:
    std::optional<std::size_t> first_wrong(
        std::span<const crypto::SignatureCheck> checks) override {
        if (wrong) return std::exchange(wrong, std::nullopt);
        return honest_.first_wrong(checks);
    }
    std::optional<std::size_t> wrong;

private:
    crypto::InlineVerifier honest_;
};

class BlockImportTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        giver_ = empty_store().release();
        const ledger::test::KeyRing keys(people, 4);
        const test::LongChain made(*giver_, genesis(), [&](const auto& key) { return keys(key); },
                                   {.blocks = 560});
        const auto chain = ChainStore::open(*giver_, genesis()).value();
        for (std::uint32_t height = 1; height <= 560; ++height) {
            const wire::Hash hash = chain->hash_at({height}).value().value();
            StoredBlock stored = chain->block(hash).value().value();
            blocks_.push_back({hash, stored.block.header, std::move(stored.block.transactions)});
        }
        state_ = chain->state().digest();
    }
    static void TearDownTestSuite() {
        blocks_.clear();
        delete std::exchange(giver_, nullptr);
    }

    static const ledger::Genesis& genesis() {
        static const ledger::Genesis made = ledger::test::genesis_with(people, 2, 1'000'000, 4);
        return made;
    }

    BlockImport begin() { return {*chain_, nothing_verified_, verifier_}; }
    static std::span<const ImportBlock> blocks(std::size_t from, std::size_t count) {
        const std::span all(blocks_);
        return all.subspan(std::min(from, all.size())).first(std::min(count, all.size() - from));
    }

    static kv::MemoryStore* giver_;
    static std::vector<ImportBlock> blocks_;
    static wire::Hash state_;

    std::unique_ptr<kv::MemoryStore> store_ = empty_store();
    std::unique_ptr<ChainStore> chain_ = ChainStore::open(*store_, genesis()).value();
    ledger::NothingVerified nothing_verified_;
    Doubter verifier_;
};

kv::MemoryStore* BlockImportTest::giver_ = nullptr;
std::vector<ImportBlock> BlockImportTest::blocks_;
wire::Hash BlockImportTest::state_;

TEST_F(BlockImportTest, Slices_BecomeOneCommit_AndTheRestAnother) {
    const auto commits = store_->stats().commits;
    BlockImport first = begin();
    while (!first.is_full()) {
        ASSERT_TRUE(first.add(blocks(first.size(), slice)));
        ASSERT_EQ(first.violation(), std::nullopt);
    }
    EXPECT_EQ(first.size(), BlockImport::blocks_max);
    EXPECT_EQ(chain_->tip().height.value, 0U) << "nothing is stored before the commit";
    ASSERT_TRUE(std::move(first).commit());
    EXPECT_EQ(chain_->tip().hash, blocks_[BlockImport::blocks_max - 1].hash);

    BlockImport rest = begin();
    ASSERT_TRUE(rest.add(blocks(BlockImport::blocks_max, slice)));
    ASSERT_TRUE(std::move(rest).commit());
    EXPECT_EQ(chain_->tip().hash, blocks_.back().hash);
    EXPECT_EQ(chain_->state().digest(), state_);
    EXPECT_EQ(store_->stats().commits, commits + 2);
}

TEST_F(BlockImportTest, AWrongSignatureInALaterSlice_KeepsExactlyWhatIsBeforeIt) {
    BlockImport import = begin();
    ASSERT_TRUE(import.add(blocks(0, slice)));
    verifier_.wrong = 10;
    ASSERT_TRUE(import.add(blocks(slice, slice)));
    ASSERT_TRUE(import.violation());
    EXPECT_EQ(import.violation()->code, base::Errc::bad_signature);
    EXPECT_EQ(import.size(), slice + 10);
    EXPECT_EQ(import.tip(), blocks_[slice + 9].hash);
    ASSERT_TRUE(import.add(blocks(slice + 10, slice)));
    EXPECT_EQ(import.size(), slice + 10) << "nothing more is taken after a lie";
    ASSERT_TRUE(std::move(import).commit());

    BlockImport again = begin();
    for (std::size_t at = slice + 10; at < 512; at += slice) {
        ASSERT_TRUE(again.add(blocks(at, std::min(slice, 512 - at))));
    }
    ASSERT_TRUE(std::move(again).commit());
    EXPECT_EQ(chain_->tip().hash, blocks_[511].hash);
}

TEST_F(BlockImportTest, AfterTheTipMoved_ItIsNotCurrentAnyMore) {
    BlockImport import = begin();
    ASSERT_TRUE(import.add(blocks(0, 2)));
    BlockImport other = begin();
    ASSERT_TRUE(other.add(blocks(0, 1)));
    ASSERT_TRUE(std::move(other).commit());
    EXPECT_FALSE(import.is_current());
}

}  // namespace
}  // namespace meshchain::chain
