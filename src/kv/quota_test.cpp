#include "kv/quota.h"

#include <gtest/gtest.h>

#include "kv/range.h"

namespace meshchain::kv {
namespace {

constexpr Table coins{0};

QuotaLevel level(std::uint64_t limit, std::uint64_t used) {
    return Quota{.limit_bytes = limit, .used_bytes = used}.level();
}

TEST(Quota, Levels_ChangeAt80And95AndAtTheLimit) {  // B12
    EXPECT_EQ(level(1000, 799), QuotaLevel::ok);
    EXPECT_EQ(level(1000, 800), QuotaLevel::warning_80);
    EXPECT_EQ(level(1000, 949), QuotaLevel::warning_80);
    EXPECT_EQ(level(1000, 950), QuotaLevel::warning_95);
    EXPECT_EQ(level(1000, 999), QuotaLevel::warning_95);
    EXPECT_EQ(level(1000, 1000), QuotaLevel::full);
    EXPECT_EQ(level(1000, 5000), QuotaLevel::full);
    EXPECT_EQ(level(UINT64_MAX, UINT64_MAX - 1), QuotaLevel::warning_95);
    EXPECT_EQ(level(0, UINT64_MAX), QuotaLevel::ok);
    EXPECT_EQ(name(QuotaLevel::warning_80), "warning_80");
}

TEST(Quota, OverfullStore_StillTakesErases) {
    const Quota overfull{.limit_bytes = 1000, .used_bytes = 9000};
    Batch batch;
    batch.erase(coins, base::as_bytes("key"));
    EXPECT_TRUE(overfull.check(batch).has_value());
    batch.put(coins, base::as_bytes("key"), {});
    const auto refused = overfull.check(batch);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, base::Errc::full);
    EXPECT_NE(refused.error().what.find("9000"), std::string::npos);
}

TEST(Quota, Reserve_IsForThoseWhoDeclareIt) {
    const Quota full{.limit_bytes = 1600, .used_bytes = 1600};
    Batch batch;
    batch.put(coins, base::as_bytes("key"), base::Buffer(97));
    EXPECT_FALSE(full.check(batch).has_value());
    batch.allow_reserve();
    EXPECT_TRUE(full.check(batch).has_value());
    batch.put(coins, base::as_bytes("k"), {});
    EXPECT_FALSE(full.check(batch).has_value());
}

TEST(Batch, Clear_ForgetsOperationsErrorsAndTheReserve) {
    Batch batch;
    batch.put(coins, {}, {});
    batch.allow_reserve();
    EXPECT_FALSE(batch.check().has_value());
    batch.clear();
    EXPECT_TRUE(batch.check().has_value());
    EXPECT_TRUE(batch.empty());
    EXPECT_FALSE(batch.may_use_reserve());
    EXPECT_EQ(batch.put_bytes(), 0u);
}

TEST(Batch, PutBytes_LeaveErasesOut) {
    Batch batch;
    batch.put(coins, base::as_bytes("ab"), base::as_bytes("cde"));
    batch.erase(coins, base::as_bytes("fgh"));
    EXPECT_EQ(batch.put_bytes(), 5u);
    EXPECT_EQ(batch.bytes(), 8u);
    EXPECT_EQ(batch.size(), 2u);
    EXPECT_FALSE(batch.operation(1).is_put);
    EXPECT_EQ(base::as_text(batch.operation(1).key), "fgh");
}

TEST(EndOfPrefix, IsTheNextKeyThatDoesNotStartWithIt) {
    EXPECT_EQ(base::to_hex(end_of_prefix(*base::from_hex("61"))), "62");
    EXPECT_EQ(base::to_hex(end_of_prefix(*base::from_hex("61ff"))), "62");
    EXPECT_EQ(base::to_hex(end_of_prefix(*base::from_hex("ffff"))), "");
    EXPECT_EQ(base::to_hex(end_of_prefix({})), "");
}

}  // namespace
}  // namespace meshchain::kv
