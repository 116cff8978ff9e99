#include "coding/fingerprint_tree.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace meshchain::coding {
namespace {

using Member = FingerprintTree::Member;
using Prefix = FingerprintTree::Prefix;

Member member_of(base::Random& random) {
    Member member;
    for (std::byte& byte : member) byte = static_cast<std::byte>(random.below(256));
    return member;
}

std::vector<Member> members_of(const FingerprintTree& tree, const Prefix& prefix) {
    std::vector<Member> found;
    tree.for_each(prefix, [&](const Member& member) {
        found.push_back(member);
        return true;
    });
    return found;
}

TEST(FingerprintTree, SameMembersInAnyOrder_HaveOneSummaryInEveryRange) {
    base::Random random(11);
    std::vector<Member> members;
    for (int i = 0; i < 1'000; ++i) members.push_back(member_of(random));
    FingerprintTree forwards;
    FingerprintTree backwards;
    for (const Member& member : members) EXPECT_TRUE(forwards.insert(member));
    for (auto next = members.rbegin(); next != members.rend(); ++next) backwards.insert(*next);
    // What came and went leaves nothing behind.
    const Member guest = member_of(random);
    EXPECT_TRUE(backwards.insert(guest));
    EXPECT_NE(forwards.summary({}), backwards.summary({}));
    EXPECT_TRUE(backwards.erase(guest));
    for (unsigned digit = 0; digit < 16; ++digit) {
        const Prefix prefix = Prefix{}.child(digit);
        EXPECT_EQ(forwards.summary(prefix), backwards.summary(prefix));
        EXPECT_EQ(members_of(forwards, prefix).size(), forwards.summary(prefix).count);
        EXPECT_EQ(forwards.summary(prefix.child(3).child(7)),
                  backwards.summary(prefix.child(3).child(7)));
    }
}

TEST(FingerprintTree, AnyHistory_KeepsEverySumRight) {
    constexpr std::uint64_t seed = 5;
    base::Random random(seed);
    FingerprintTree tree;
    std::set<Member> model;
    for (int step = 0; step < 3'000; ++step) {
        if (model.empty() || random.below(5) < 3) {
            const Member member = member_of(random);
            EXPECT_EQ(tree.insert(member), model.insert(member).second);
        } else {
            const auto after = model.lower_bound(member_of(random));
            const Member member = after == model.end() ? *model.begin() : *after;
            EXPECT_TRUE(tree.erase(member));
            EXPECT_FALSE(tree.erase(member));
            model.erase(member);
        }
        if (step % 100 == 0) tree.check_invariants();
    }
    while (!model.empty()) {
        tree.erase(*model.begin());
        model.erase(model.begin());
    }
    tree.check_invariants();
    EXPECT_EQ(tree.summary({}), FingerprintTree::Summary{}) << "seed " << seed;
}

TEST(FingerprintTree, MembersThatBeginAlike_StayInOneLeafAtTheDeepest) {
    FingerprintTree tree;
    Member member{};
    for (unsigned i = 0; i < 200; ++i) {
        member[31] = static_cast<std::byte>(i);
        EXPECT_TRUE(tree.insert(member));
        EXPECT_FALSE(tree.insert(member));
    }
    tree.check_invariants();
    Prefix prefix;
    for (unsigned i = 0; i < FingerprintTree::digits_max; ++i) prefix = prefix.child(0);
    EXPECT_EQ(tree.summary(prefix).count, 200U);
    EXPECT_EQ(tree.summary(Prefix{}.child(1)).count, 0U);
    for (unsigned i = 0; i < 200; ++i) {
        member[31] = static_cast<std::byte>(i);
        EXPECT_TRUE(tree.erase(member));
    }
    tree.check_invariants();
}

TEST(FingerprintTree, Members_AreFoundByTheirFront) {
    FingerprintTree tree;
    Member member{};
    member[7] = std::byte{2};
    member[20] = std::byte{9};
    tree.insert(member);
    EXPECT_EQ(tree.with_front(2), member);
    EXPECT_FALSE(tree.with_front(1));
    EXPECT_FALSE(tree.with_front(3));
}

TEST(FingerprintTree, SumsThatCarry_AreModuloTwoTo256) {
    Member all_ones;
    all_ones.fill(std::byte{0xff});
    Member high{};
    high[24] = std::byte{0x80};
    Member other = high;
    other[0] = std::byte{1};
    FingerprintTree tree;
    for (const Member& member : {all_ones, high, other}) tree.insert(member);
    tree.erase(high);
    tree.erase(all_ones);
    FingerprintTree alone;
    alone.insert(other);
    EXPECT_EQ(tree.summary({}), alone.summary({}));
}

}  // namespace
}  // namespace meshchain::coding
