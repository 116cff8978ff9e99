#include "wallet/try_limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace meshchain::wallet {
namespace {

using namespace std::chrono_literals;
using base::Errc;
using testing::HasSubstr;

constexpr base::Instant start{1h};

void expect_error(const auto& result, Errc code) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code);
    EXPECT_FALSE(result.error().advice.empty());
}

/// What is on the disk when the power goes between counting and trying, or later.
TryLimiter restarted(const TryRecord& record, base::Instant now) {
    return {parse_try_record(encode(record)).value(), now};
}

TEST(TryLimiter, AThousandPinTries_AreEightThatCount) {
    TryLimiter limiter({}, start);
    base::Instant now = start;
    unsigned tried = 0;
    for (int i = 0; i < 1000; ++i) {
        now += TryLimiter::delay_max;
        if (limiter.begin(TryKind::pin, now)) ++tried;
    }
    EXPECT_EQ(tried, TryLimiter::pin_tries_max);
    const auto refused = limiter.begin(TryKind::pin, now);
    expect_error(refused, Errc::unauthorized);
    EXPECT_THAT(refused.error().advice, HasSubstr("passphrase"));
}

TEST(TryLimiter, CrashBetweenCountingAndTrying_GivesNoTryForNothing) {
    TryRecord disk;
    base::Instant now = start;
    unsigned tried = 0;
    for (int i = 0; i < 1000; ++i) {
        TryLimiter limiter = restarted(disk, now);
        now += TryLimiter::delay_max;
        const auto counted = limiter.begin(TryKind::pin, now);
        if (!counted) continue;
        disk = *counted;  // and here the power goes
        ++tried;
    }
    EXPECT_EQ(tried, TryLimiter::pin_tries_max);
}

TEST(TryLimiter, Restart_DoesNotShortenTheDelay) {
    const TryRecord record{.passphrase = 6, .pin = 0};
    TryLimiter limiter = restarted(record, start);
    EXPECT_EQ(limiter.delay(TryKind::passphrase, start), 16s);
    expect_error(limiter.begin(TryKind::passphrase, start + 15s), Errc::unavailable);
    EXPECT_EQ(limiter.record(), record) << "who comes too soon makes it no longer";
    EXPECT_TRUE(limiter.begin(TryKind::passphrase, start + 16s));
}

TEST(TryLimiter, Delay_DoublesUpToItsLimitAndNeverEnds) {
    TryLimiter limiter({}, start);
    base::Instant now = start;
    std::vector<base::Duration> delays;
    for (int i = 0; i < 14; ++i) {
        delays.push_back(limiter.delay(TryKind::passphrase, now));
        now += delays.back();
        ASSERT_TRUE(limiter.begin(TryKind::passphrase, now));
    }
    EXPECT_THAT(delays, testing::ElementsAre(0s, 0s, 0s, 2s, 4s, 8s, 16s, 32s, 64s, 128s, 256s,
                                             5min, 5min, 5min));
    const TryLimiter worst({~0U, ~0U}, start);
    EXPECT_EQ(worst.delay(TryKind::passphrase, start), TryLimiter::delay_max);
    const auto soon = limiter.begin(TryKind::passphrase, now);
    expect_error(soon, Errc::unavailable);
    EXPECT_THAT(soon.error().advice, HasSubstr("300 s"));
}

TEST(TryLimiter, Success_ForgivesWhatItProves) {
    TryLimiter limiter({.passphrase = 2, .pin = 2}, start);
    ASSERT_TRUE(limiter.begin(TryKind::pin, start));
    EXPECT_EQ(limiter.succeed(TryKind::pin), (TryRecord{.passphrase = 2, .pin = 0}));
    ASSERT_TRUE(limiter.begin(TryKind::passphrase, start));
    EXPECT_EQ(limiter.succeed(TryKind::passphrase), TryRecord{});
    TryLimiter disabled({.passphrase = 0, .pin = TryLimiter::pin_tries_max}, start);
    EXPECT_TRUE(disabled.is_pin_disabled());
    ASSERT_TRUE(disabled.begin(TryKind::passphrase, start));
    disabled.succeed(TryKind::passphrase);
    EXPECT_TRUE(disabled.begin(TryKind::pin, start));
}

TEST(TryRecord, OneFormAndAnyBitChanged_IsRefused) {
    const TryRecord record{.passphrase = 3, .pin = 7};
    const base::Buffer bytes = encode(record);
    EXPECT_EQ(base::to_hex(base::Bytes(bytes).first(13)),
              "4d43575401"
              "00000003"
              "00000007");
    EXPECT_EQ(parse_try_record(bytes).value(), record);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        base::Buffer damaged = bytes;
        damaged[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        EXPECT_FALSE(parse_try_record(damaged)) << bit;
    }
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(parse_try_record(base::Bytes(bytes).first(size))) << size;
    }
}

}  // namespace
}  // namespace meshchain::wallet
