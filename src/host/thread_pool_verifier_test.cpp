#include "host/thread_pool_verifier.h"

#include <gtest/gtest.h>

#include "base/cursor.h"
#include "base/random.h"

namespace meshchain::host {
namespace {

/// Signatures by a few keys over messages that outlive the checks.
struct Signed {
    explicit Signed(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            crypto::SigningKey::Seed seed{};
            seed[0] = static_cast<std::byte>(i % 3);
            const auto key = crypto::SigningKey::from_seed(seed);
            base::Buffer& message = messages.emplace_back(40, static_cast<std::byte>(i));
            signatures.push_back({key.public_key(), {}, key.sign(message)});
        }
        for (std::size_t i = 0; i < count; ++i) signatures[i].message = messages[i];
    }
    void spoil(std::size_t i) { signatures[i].signature.bytes[0] ^= std::byte{1}; }

    std::vector<base::Buffer> messages;
    std::vector<crypto::SignatureCheck> signatures;
};

TEST(ThreadPoolVerifierTest, WhereverOneIsWrong_ItIsFound) {
    ThreadPoolVerifier verifier(3);
    const Signed sound(100);
    EXPECT_EQ(verifier.first_wrong(sound.signatures), std::nullopt);
    for (const std::size_t wrong : {0U, 15U, 16U, 57U, 99U}) {
        Signed spoiled = sound;
        for (std::size_t i = 0; i < 100; ++i) spoiled.signatures[i].message = spoiled.messages[i];
        spoiled.spoil(wrong);
        EXPECT_EQ(verifier.first_wrong(spoiled.signatures), wrong);
    }
}

TEST(ThreadPoolVerifierTest, OfSeveralWrongOnes_TheLowestIsNamed_WhateverTheThreadsDo) {
    base::Random random(7);
    ThreadPoolVerifier verifier(3);
    crypto::InlineVerifier alone;
    for (int round = 0; round < 20; ++round) {
        Signed some(64 + random.below(64));
        for (int i = 0; i < 3; ++i) some.spoil(random.below(some.signatures.size()));
        EXPECT_EQ(verifier.first_wrong(some.signatures), alone.first_wrong(some.signatures));
    }
}

TEST(ThreadPoolVerifierTest, NothingAndLittle_NeedNoThreads) {
    ThreadPoolVerifier verifier(2);
    EXPECT_EQ(verifier.first_wrong({}), std::nullopt);
    Signed one(1);
    one.spoil(0);
    EXPECT_EQ(verifier.first_wrong(one.signatures), 0U);
    ThreadPoolVerifier nobody(0);
    EXPECT_EQ(nobody.first_wrong(Signed(40).signatures), std::nullopt);
}

}  // namespace
}  // namespace meshchain::host
