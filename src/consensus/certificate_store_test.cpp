#include "consensus/certificate_store.h"

#include <gtest/gtest.h>

#include "kv/memory_store.h"

namespace meshchain::consensus {
namespace {

constexpr kv::Table table{3};
constexpr std::array tables{kv::TableInfo{table, "certificates"}};

class CertificateStoreTest : public testing::Test {
protected:
    CertificateStoreTest() {
        auto opened = kv::MemoryStore::open(medium_, {.tables = tables, .quota_bytes = 0});
        store_ = *std::move(opened);
    }
    static wire::Certificate certificate(std::uint32_t height) {
        return {{{height}, {height}, {}}, {}};
    }
    void add(std::uint32_t height) {
        kv::Batch batch;
        certificates().add(batch, {previous_}, {height}, certificate(height));
        ASSERT_TRUE(store_->commit(batch).has_value());
        previous_ = height;
    }
    CertificateStore certificates() { return {*store_, table}; }
    std::uint32_t found(std::uint32_t from, std::uint32_t to) {
        const auto proven = certificates().find({from}, {to});
        EXPECT_TRUE(proven.has_value());
        if (!*proven) return 0;
        EXPECT_EQ((*proven)->certificate, certificate((*proven)->height.value));
        return (*proven)->height.value;
    }

    std::shared_ptr<kv::MemoryMedium> medium_ = std::make_shared<kv::MemoryMedium>();
    std::unique_ptr<kv::MemoryStore> store_;
    std::uint32_t previous_ = 0;
};

TEST_F(CertificateStoreTest, WithoutAny_NothingIsFound) {
    EXPECT_EQ(found(0, UINT32_MAX), 0U);
    EXPECT_EQ(found(1, 100), 0U);
}

TEST_F(CertificateStoreTest, TheNewest_AndTheLastOfEverySpacing_AreKept) {
    for (std::uint32_t height = 1; height <= 1000; height += 3) add(height);
    EXPECT_EQ(store_->count(table).value(), 4U);
    EXPECT_EQ(found(1, 255), 253U);
    EXPECT_EQ(found(1, 4096), 1000U);
    EXPECT_EQ(found(1, 600), 511U);
    EXPECT_EQ(found(1000, UINT32_MAX), 1000U);
    EXPECT_EQ(found(1001, UINT32_MAX), 0U);
}

TEST_F(CertificateStoreTest, WhereNoneIsInTheRange_TheLowestAboveIsGiven) {
    add(5000);
    add(9000);
    EXPECT_EQ(found(1, 4096), 5000U);
    EXPECT_EQ(found(5001, 6000), 9000U);
}

TEST_F(CertificateStoreTest, TheSameHeightInALaterRound_ReplacesIt) {
    add(7);
    add(7);
    EXPECT_EQ(store_->count(table).value(), 1U);
}

TEST_F(CertificateStoreTest, WhatDoesNotParse_IsCorrupt) {
    kv::Batch batch;
    batch.put(table, std::array{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{9}},
              base::as_bytes("no certificate"));
    ASSERT_TRUE(store_->commit(batch).has_value());
    EXPECT_EQ(certificates().find({1}, {20}).error().code, base::Errc::corrupt);
}

}  // namespace
}  // namespace meshchain::consensus
