#include "crypto/set_hash.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"

namespace meshchain::crypto {
namespace {

Hash element(unsigned number) {
    const std::byte byte{static_cast<unsigned char>(number)};
    return hash(base::Bytes(&byte, 1));
}

TEST(SetHash, StateOfAnotherLength_IsMalformed) {
    for (const std::size_t size :
         {std::size_t{0}, SetHash::state_bytes - 1, SetHash::state_bytes + 1}) {
        const auto parsed = SetHash::parse(base::Buffer(size));
        ASSERT_FALSE(parsed);
        EXPECT_EQ(parsed.error().code, base::Errc::malformed);
    }
}

TEST(SetHash, OrderOfAddingAndRemoving_DoesNotMatter) {
    const std::uint64_t seed = 7;
    base::Random random(seed);
    std::vector<unsigned> numbers;
    for (unsigned i = 0; i < 50; ++i) numbers.push_back(i);
    SetHash expected;
    for (const unsigned number : numbers) {
        if (number % 3 == 0) expected.add(element(number));
    }
    for (int round = 0; round < 20; ++round) {
        for (std::size_t i = numbers.size() - 1; i > 0; --i) {
            std::swap(numbers[i], numbers[random.below(i + 1)]);
        }
        SetHash set;
        for (const unsigned number : numbers) set.add(element(number));
        for (const unsigned number : numbers) {
            if (number % 3 != 0) set.remove(element(number));
        }
        ASSERT_EQ(set, expected) << "seed " << seed << " round " << round;
        ASSERT_EQ(set.digest(), expected.digest());
    }
}

TEST(SetHash, Removing_UndoesAddingAlsoBeforeIt) {
    SetHash set;
    set.add(element(1));
    set.remove(element(1));
    EXPECT_EQ(set, SetHash());
    set.remove(element(2));
    EXPECT_NE(set, SetHash());
    set.add(element(2));
    EXPECT_EQ(set, SetHash());
}

TEST(SetHash, Multiplicity_Counts) {
    SetHash once;
    once.add(element(1));
    SetHash twice = once;
    twice.add(element(1));
    EXPECT_NE(once.digest(), twice.digest());
    EXPECT_NE(twice.digest(), SetHash().digest()) << "an XOR would cancel";
}

TEST(SetHash, EncodedState_RoundTrips) {
    SetHash set;
    set.add(element(1));
    const base::Buffer bytes = set.encode();
    EXPECT_EQ(bytes.size(), SetHash::state_bytes);
    EXPECT_EQ(SetHash::parse(bytes), set);
}

// Computed independently: ChaCha20 (RFC 8439, counter 0, nonce 0) and hashlib.blake2b in Python.
TEST(SetHash, GoldenDigests_NeverChange) {
    EXPECT_EQ(to_hex(SetHash().digest()),
              "200823e5158b3774c11b5c61850ada762f8264144a9bebec3ebac5a2adde67b8");
    SetHash set;
    set.add(element(1));
    EXPECT_EQ(base::to_hex(base::Bytes(set.encode()).first(8)), "9169dba02b93095c");
    EXPECT_EQ(to_hex(set.digest()),
              "bab20a6980683b2a8a30c132060a4dca86fd41511139b5b612f4076deaeea341");
    set.add(element(2));
    set.add(element(3));
    set.remove(element(1));
    EXPECT_EQ(to_hex(set.digest()),
              "d04995dc8d6afeb70acb6b9eb65d86a5b439d72bea9cacb14b366e3b80a684c7");
}

}  // namespace
}  // namespace meshchain::crypto
