#include "wire/roster.h"

#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

using test::filled;

Roster a_roster() {
    Roster roster{7, {0x0102}, filled<Hash>(0x5e), {}};
    roster.members.push_back({{0},
                              filled<crypto::PublicKey>(1),
                              filled<crypto::PublicKey>(2),
                              {100},
                              255,
                              Roster::Standing::revealed});
    roster.members.push_back(
        {{5}, filled<crypto::PublicKey>(3), filled<crypto::PublicKey>(4), {200}});
    return roster;
}

TEST(RosterTest, ItsBytes_AreThoseOfTheFormat_AndComeBack) {
    const std::string hex =
        "00000007"
        "00000102" +
        test::times("5e", 32) +
        "02"
        "0000" +
        test::times("01", 32) + test::times("02", 32) +
        "0000000064"
        "ff01"
        "0005" +
        test::times("03", 32) + test::times("04", 32) + "00000000c8" + "0000";
    EXPECT_EQ(base::to_hex(encode(a_roster())), hex);
    const auto parsed = parse_roster(test::bytes_of(hex));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(*parsed, a_roster());
}

TEST(RosterTest, NobodySeatsOutOfOrderZeroStakesAndCutBytes_AreRefused) {
    const base::Buffer bytes = encode(a_roster());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        EXPECT_FALSE(parse_roster(base::Bytes(bytes).first(length)).has_value()) << length;
    }
    const auto changed = [&](std::size_t at, int byte) {
        base::Buffer copy = bytes;
        copy[at] = static_cast<std::byte>(byte);
        return parse_roster(copy).has_value();
    };
    constexpr std::size_t members = 4 + 4 + 32;
    constexpr std::size_t member = 2 + 32 + 32 + 5 + 2;
    EXPECT_FALSE(changed(members, 0)) << "nobody";
    EXPECT_FALSE(changed(members + 1 + member + 1, 0)) << "one seat twice";
    EXPECT_FALSE(changed(members + 1 + member + 1, 64)) << "no such seat";
    EXPECT_FALSE(changed(members + 1 + member - 3, 0)) << "no stake";
    EXPECT_FALSE(changed(members + member, 3)) << "no such standing";
    base::Buffer rich = bytes;
    for (const std::size_t at : {members + 1 + member - 7, members + 1 + 2 * member - 7}) {
        rich[at] = std::byte{0xff};
    }
    EXPECT_FALSE(parse_roster(rich).has_value()) << "more than there can be";
}

TEST(RosterTest, ItsHash_NamesChainEpochSeedAndSet) {
    const Hash hash = roster_hash(test::chain, a_roster());
    EXPECT_NE(roster_hash(filled<Hash>(1), a_roster()), hash);
    Roster other = a_roster();
    other.members[1].stake.units = 201;
    EXPECT_NE(roster_hash(test::chain, other), hash);
    EXPECT_FALSE(is_same_set(other, a_roster()));
    other = a_roster();
    ++other.epoch;
    EXPECT_NE(roster_hash(test::chain, other), hash);
    EXPECT_TRUE(is_same_set(other, a_roster()));
}

}  // namespace
}  // namespace meshchain::wire
