#include "chain/final_follower.h"

#include <gtest/gtest.h>

#include "chain/consensus_of.h"
#include "chain/test_peer.h"
#include "ledger/test_payments.h"

namespace meshchain::chain {
namespace {

using std::chrono::seconds;
using test::peer;

class FinalFollowerTest : public testing::Test {
protected:
    const ledger::Genesis genesis_ = ledger::test::genesis_with(4, 1, 100, 4);
    const consensus::ValidatorSet validators_ = validators_of(genesis_);
    FinalFollower follower_{ledger::chain_id(genesis_), validators_, seconds(1), base::Random(3)};
    base::Instant now_{seconds(100)};
};

TEST_F(FinalFollowerTest, AClaimThatWasNeverProven_IsNotBelievedForLong) {
    follower_.handle_peer(now_, peer(1), {4'000'000'000});
    follower_.handle_peer(now_, peer(2), {7});
    EXPECT_EQ(follower_.claimed(), wire::Height{4'000'000'000});
    for (int i = 0; i < 20 && follower_.claimed() > wire::Height{7}; ++i) {
        follower_.poll_request(now_);
        now_ = std::max(now_, follower_.poll_timeout());
    }
    EXPECT_LE(follower_.claimed(), wire::Height{7}) << "it kept silent when it was asked";
}

TEST_F(FinalFollowerTest, AValidator_IsAskedBeforeACrowdOfStrangers) {
    const crypto::PublicKey validator = genesis_.validators.front().identity;
    for (int number = 1; number <= 30; ++number) {
        follower_.handle_peer(now_, peer(number), {1'000});
    }
    follower_.handle_peer(now_, validator, {7});
    const auto query = follower_.poll_request(now_);
    ASSERT_TRUE(query);
    EXPECT_EQ(query->to, validator);
}

}  // namespace
}  // namespace meshchain::chain
