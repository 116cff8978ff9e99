#include "mesh/cookie_jar.h"

#include <gtest/gtest.h>

#include "mesh/test_network.h"

namespace meshchain::mesh::test {
namespace {

using base::Instant;

class Cookies : public testing::Test {
protected:
    SeededEntropy entropy_{base::Random(6)};
    Instant now_{1h};
    CookieJar jar_{entropy_, now_};
    const Endpoint here_{.link = 0, .address = address_of(5)};
};

TEST_F(Cookies, ForAnAddress_HoldsThereAndNowhereElse) {
    const wire::Cookie cookie = jar_.make(now_, here_);
    EXPECT_TRUE(jar_.verify(now_, here_, cookie));
    EXPECT_FALSE(jar_.verify(now_, {.link = 1, .address = address_of(5)}, cookie));
    EXPECT_FALSE(jar_.verify(now_, {.link = 0, .address = address_of(6)}, cookie));
}

TEST_F(Cookies, WithAnyBitChanged_AreRefused) {
    const wire::Cookie cookie = jar_.make(now_, here_);
    for (std::size_t bit = 0; bit < cookie.size() * 8; ++bit) {
        wire::Cookie forged = cookie;
        forged[bit / 8] ^= std::byte{1} << (bit % 8);
        EXPECT_FALSE(jar_.verify(now_ + 1s, here_, forged)) << "bit " << bit;
    }
    EXPECT_FALSE(jar_.verify(now_, here_, wire::Cookie{}));
}

TEST_F(Cookies, LiveThroughAKeyChangeAndDieAfterTheirLifetime) {
    now_ += CookieJar::lifetime - 1s;
    const wire::Cookie cookie = jar_.make(now_, here_);
    EXPECT_TRUE(jar_.verify(now_ + 10s, here_, cookie));
    EXPECT_TRUE(jar_.verify(now_ + CookieJar::lifetime, here_, cookie));
    EXPECT_FALSE(jar_.verify(now_ + CookieJar::lifetime + 1ms, here_, cookie));
}

TEST_F(Cookies, OfAnotherRun_AreRefused) {
    CookieJar restarted(entropy_, now_);
    EXPECT_FALSE(restarted.verify(now_, here_, jar_.make(now_, here_)));
}

}  // namespace
}  // namespace meshchain::mesh::test
