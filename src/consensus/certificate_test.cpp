#include "consensus/certificate.h"

#include <gtest/gtest.h>

#include <vector>

namespace meshchain::consensus {
namespace {

using base::Errc;

/// Votes of four equal validators, of whom three are a quorum.
class AggregatedCertificateTest : public testing::Test {
protected:
    AggregatedCertificateTest() {
        std::vector<Validator> members;
        for (int i = 0; i < 4; ++i) {
            crypto::SigningKey::Seed seed{};
            seed[0] = static_cast<std::byte>(i + 1);
            keys_.push_back(crypto::SigningKey::from_seed(seed));
            members.push_back({.identity = keys_.back().public_key(),
                               .key = keys_.back().public_key(),
                               .stake = {100}});
        }
        validators_.emplace(std::move(members));
        final_.block.bytes[3] = std::byte{9};
    }

    wire::Certificate certificate(std::initializer_list<std::uint16_t> voters) const {
        wire::Certificate result{final_, {}};
        for (const std::uint16_t voter : voters) {
            wire::Vote vote{.validator = {voter},
                            .round = {8},
                            .source = final_,
                            .target = final_.block,
                            .heard = voter,
                            .signature = {}};
            const crypto::SigningKey& key = keys_[voter];
            vote.signature = key.sign(preimage(chain_, vote, key.public_key()));
            result.votes.push_back(vote);
        }
        return result;
    }
    Errc error_of(const wire::AggregatedCertificate& of) const {
        const auto result = verify_certificate(chain_, *validators_, of);
        return result ? Errc{} : result.error().code;
    }

    wire::ChainId chain_{{std::byte{7}}};
    std::vector<crypto::SigningKey> keys_;
    std::optional<ValidatorSet> validators_;
    wire::Checkpoint final_{{7}, {6}, {}};
};

TEST_F(AggregatedCertificateTest, OfAQuorum_ProvesWhatItsVotesProve_InLessThanTwoThirdsOfTheBytes) {
    const wire::Certificate whole = certificate({0, 1, 3});
    ASSERT_TRUE(verify_certificate(chain_, *validators_, whole).has_value());
    const auto less = aggregate(chain_, *validators_, whole);
    ASSERT_TRUE(less.has_value());
    EXPECT_TRUE(verify_certificate(chain_, *validators_, *less).has_value());
    EXPECT_LT(3 * encode(*less).size(), 2 * encode(whole).size());
}

TEST_F(AggregatedCertificateTest, OfTooFew_ProvesNothingThoughEverySignatureHolds) {
    const auto two = aggregate(chain_, *validators_, certificate({0, 1}));
    ASSERT_TRUE(two.has_value());
    EXPECT_EQ(error_of(*two), Errc::malformed);
}

TEST_F(AggregatedCertificateTest, AVoterPutInOrTakenForAnother_IsRefused) {
    auto less = *aggregate(chain_, *validators_, certificate({0, 1, 2}));
    wire::AggregatedCertificate other = less;
    other.voters[2].validator.value = 3;
    EXPECT_EQ(error_of(other), Errc::bad_signature);
    other = less;
    other.voters.push_back(less.voters[2]);
    other.voters[3].validator.value = 3;
    EXPECT_EQ(error_of(other), Errc::bad_signature);
    other = less;
    other.voters[2].validator.value = 4;
    EXPECT_EQ(error_of(other), Errc::malformed) << "no validator sits there";
    other = *aggregate(chain_, *validators_, certificate({0, 1}));
    other.voters.push_back(other.voters[1]);
    EXPECT_EQ(error_of(other), Errc::malformed) << "one voter twice is no quorum";
}

TEST_F(AggregatedCertificateTest, WhatWasVotedChanged_IsRefused) {
    const auto less = *aggregate(chain_, *validators_, certificate({0, 1, 2}));
    wire::AggregatedCertificate other = less;
    other.voters[1].heard ^= 1;
    EXPECT_EQ(error_of(other), Errc::bad_signature);
    other = less;
    other.voters[1].target.bytes[0] ^= std::byte{1};
    EXPECT_EQ(error_of(other), Errc::bad_signature);
    other = less;
    other.final.block.bytes[0] ^= std::byte{1};
    EXPECT_EQ(error_of(other), Errc::bad_signature);
    other = less;
    other.final.round.value += 1;
    EXPECT_EQ(error_of(other), Errc::bad_signature);
}

TEST_F(AggregatedCertificateTest, OfAForgedVoteOrNone_IsNotMade) {
    wire::Certificate forged = certificate({0, 1, 2});
    forged.votes[1].signature.bytes[40] ^= std::byte{1};
    EXPECT_FALSE(aggregate(chain_, *validators_, forged).has_value());
    EXPECT_FALSE(aggregate(chain_, *validators_, certificate({})).has_value());
    wire::Certificate stranger = certificate({0, 1, 2});
    stranger.votes[2].validator.value = 40;
    EXPECT_FALSE(aggregate(chain_, *validators_, stranger).has_value());
}

}  // namespace
}  // namespace meshchain::consensus
