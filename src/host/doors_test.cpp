// The doors host opens to the operating system: key derivation, entropy, the civil clock.

#include <gtest/gtest.h>

#include <array>
#include <chrono>

#include "host/argon2_kdf.h"
#include "host/system_entropy.h"
#include "host/system_wall_clock.h"

namespace meshchain::host {
namespace {

using base::as_bytes;
using Key = std::array<std::byte, 32>;

constexpr base::KdfCost cheap{1, 64};

Key derive(std::string_view passphrase, std::string_view salt, base::KdfCost cost = cheap) {
    Key key;
    EXPECT_TRUE(Argon2Kdf().derive(key, as_bytes(passphrase), as_bytes(salt), cost));
    return key;
}

TEST(Argon2Kdf, CostOutOfRange_IsRefusedBeforeAnyMemoryIsTaken) {
    for (const base::KdfCost cost : {base::KdfCost{0, 64}, base::KdfCost{65, 64},
                                     base::KdfCost{1, 7}, base::KdfCost{1, 0xffff'ffff}}) {
        Key key;
        key.fill(std::byte{0x55});
        const auto result =
            Argon2Kdf().derive(key, as_bytes("pass"), as_bytes("0123456789abcdef"), cost);
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, base::Errc::invalid_argument);
        EXPECT_EQ(key, Key{}) << "no stale bytes to seal under by mistake";
    }
}

// Computed by argon2id_hash_raw of the reference library (libargon2 20171227), one lane.
TEST(Argon2Kdf, Derivation_AgreesWithTheReferenceImplementation) {
    EXPECT_EQ(base::to_hex(derive("password", "somesalt01234567", {2, 65536})),
              "250b3145bff599b3b03a58e8c212537dcfc66e29184bbb7ff0abbc0f55a5b92f");
    EXPECT_EQ(base::to_hex(derive("", "somesalt01234567", {1, 8})),
              "829e690fae515d767dd3dad50b6a8c0eecd5fc6a1bb6f472140f82952b48d053");
}

TEST(Argon2Kdf, EachInput_ChangesTheKey) {
    const Key key = derive("password", "somesalt01234567");
    EXPECT_NE(derive("Password", "somesalt01234567"), key);
    EXPECT_NE(derive("password", "somesalt01234568"), key);
    EXPECT_NE(derive("password", "somesalt01234567", {2, 64}), key);
    EXPECT_NE(derive("password", "somesalt01234567", {1, 128}), key);
    EXPECT_EQ(derive("password", "somesalt01234567"), key);
}

TEST(SystemEntropy, TwoFills_NeverRepeat) {
    SystemEntropy entropy;
    Key first{}, second{};
    entropy.fill(first);
    entropy.fill(second);
    EXPECT_NE(first, Key{});
    EXPECT_NE(first, second);
    entropy.fill({});
}

TEST(SystemWallClock, Read_IsTheSystemsCivilTime) {
    using namespace std::chrono;
    const auto unix_now = [] {
        return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    };
    const auto before = unix_now();
    const auto read = base::unix_ms(SystemWallClock().read());
    EXPECT_LE(before, read);
    EXPECT_LE(read, unix_now());
}

}  // namespace
}  // namespace meshchain::host
