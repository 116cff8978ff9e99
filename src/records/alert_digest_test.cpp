// Alarms on an air that loses: who lacks one gets it, at little cost, and nobody can make all talk.

#include "records/alert_digest.h"

#include <gtest/gtest.h>

#include "records/test_mesh.h"

namespace meshchain::records {
namespace {

using namespace std::chrono_literals;
using test::TestMesh;
using wire::MessageType;

constexpr base::Instant start{1h};

wire::RecordId id_of(std::uint32_t number) {
    wire::RecordId id;
    for (int i = 0; i < 4; ++i) {
        id.bytes[static_cast<std::size_t>(i)] = static_cast<std::byte>(number >> (24 - 8 * i));
    }
    return id;
}

TEST(DigestMessageTest, Names_HaveOneForm) {
    const std::vector held{id_of(7), id_of(0x01020304), id_of(7)};
    const DigestMessage digest = digest_of(held);
    EXPECT_EQ(base::to_hex(encode(digest)), "010000000701020304");
    EXPECT_EQ(parse_digest(encode(digest)).value(), digest);
    EXPECT_EQ(parse_digest(encode(DigestMessage{})).value(), DigestMessage{});
    for (const char* wrong :
         {"", "02", "0100", "0100000007000000", "010000000700000007", "010000000700000006"}) {
        const auto bytes = base::from_hex(wrong);
        ASSERT_TRUE(bytes);
        EXPECT_FALSE(parse_digest(*bytes)) << wrong;
    }
    std::vector<wire::RecordId> many;
    for (std::uint32_t i = 0; i < 60; ++i) many.push_back(id_of(100 - i));
    const DigestMessage full = digest_of(many);
    EXPECT_TRUE(full.is_full());
    EXPECT_EQ(encode(full).size(), DigestMessage::bytes_max);
    EXPECT_EQ(full.names.front(), 100U - 47) << "the first of those held";
    base::Buffer longer = encode(full);
    base::Writer(longer).u32(1'000);
    EXPECT_FALSE(parse_digest(longer));
}

class AlertDigestTest : public testing::Test {
protected:
    AlertDigestTest() { digest_.begin(now_); }
    /// How often it speaks until `end`.
    std::size_t spoken_until(base::Instant end, bool holds_any) {
        std::size_t spoken = 0;
        while (digest_.poll_timeout() <= end) {
            now_ = digest_.poll_timeout();
            if (digest_.handle_timeout(now_, holds_any)) ++spoken;
        }
        now_ = end;
        return spoken;
    }

    base::Instant now_ = start;
    AlertDigest digest_{base::Random(1)};
};

TEST_F(AlertDigestTest, WhoHoldsNothing_AsksAFewTimes_AndIsSilentThen) {
    EXPECT_EQ(spoken_until(start + 24h, false), AlertDigest::questions_max);
    EXPECT_EQ(digest_.poll_timeout(), base::never);
    digest_.note_change(now_);
    EXPECT_EQ(spoken_until(now_ + 11s, true), 1U);
}

TEST_F(AlertDigestTest, WhileAllSayTheSame_ItIsSaidEverMoreRarely) {
    const std::size_t at_first = spoken_until(start + 10min, true);
    EXPECT_GE(at_first, 4U);
    EXPECT_LE(at_first, 7U);
    EXPECT_LE(spoken_until(start + 70min, true), 7U);
}

TEST_F(AlertDigestTest, WhoHasHeardAsMuch_KeepsSilent) {
    const std::vector held{id_of(1), id_of(2)};
    for (int i = 0; i < 40; ++i) {
        EXPECT_TRUE(digest_.handle(now_, digest_of(held), held).empty());
        EXPECT_EQ(spoken_until(now_ + 5s, true), 0U);
    }
}

TEST_F(AlertDigestTest, WhatOthersLack_IsSaid_AtGrowingIntervals_HoweverOftenTheyAsk) {
    const std::vector held{id_of(1), id_of(2), id_of(3)};
    EXPECT_EQ(digest_.handle(now_, {}, held), (std::vector{id_of(1), id_of(2)}));
    EXPECT_EQ(digest_.handle(now_, {}, held), std::vector{id_of(3)});
    std::size_t said = 0;
    std::size_t own = 0;
    for (int second = 0; second < 3'600; ++second) {
        said += digest_.handle(now_, {}, held).size();
        own += spoken_until(now_ + 1s, true);
    }
    EXPECT_LE(said, 3 * 27U);
    EXPECT_GE(said, 3 * 10U);
    EXPECT_LE(own, 120U);
}

TEST_F(AlertDigestTest, WhatSomebodyElseHasJustSaid_IsNotSaidAgain) {
    const std::vector held{id_of(1)};
    digest_.note_said(now_, id_of(1));
    EXPECT_TRUE(digest_.handle(now_, {}, held).empty());
    EXPECT_EQ(digest_.handle(now_ + 6s, {}, held).size(), 1U);
}

TEST_F(AlertDigestTest, NamesThatNobodyCanGive_AreAskedForAFewTimes) {
    const std::vector held{id_of(1)};
    for (const bool is_fresh : {false, true}) {
        digest_ = AlertDigest(base::Random(1));
        digest_.begin(now_);
        spoken_until(now_ + 2h, true);
        std::size_t own = 0;
        for (std::uint32_t minute = 0; minute < 600; ++minute) {
            digest_.handle(now_, {.names = {1, is_fresh ? 99 + minute : 99}}, held);
            own += spoken_until(now_ + 1min, true);
        }
        // Beside those that it says anyway, once each ten minutes: a silence that ends costs seven.
        EXPECT_LE(own, 60U + 7 * (AlertDigest::wakes_max + 8)) << is_fresh;
    }
}

TEST_F(AlertDigestTest, NameThatWasGivenUp_IsAskedForAgainLater) {
    for (int i = 0; i < 30; ++i) {
        digest_.handle(now_, {.names = {5}}, {});
        spoken_until(now_ + 1min, false);
    }
    spoken_until(now_ + 2h, false);
    ASSERT_EQ(digest_.poll_timeout(), base::never);
    digest_.handle(now_, {.names = {5}}, {});
    EXPECT_EQ(spoken_until(now_ + 11s, false), 1U) << "somebody else may give it now";
}

TEST_F(AlertDigestTest, OfMoreThanADigestNames_TheNewestAreFoundAllTheSame) {
    std::vector<wire::RecordId> held;
    for (std::uint32_t i = 0; i < 60; ++i) held.push_back(id_of(1'000 - i));
    const std::span<const wire::RecordId> all(held);
    EXPECT_EQ(digest_.handle(now_, digest_of(all.subspan(1)), held), std::vector{held[0]});
    std::vector<wire::RecordId> with_gap(held);
    with_gap.erase(with_gap.begin() + 20);
    EXPECT_EQ(digest_.handle(now_, digest_of(with_gap), held), std::vector{held[20]});
    EXPECT_TRUE(digest_.handle(now_, digest_of(all), held).empty()) << "what is not named is older";
}

const Alert fire{AlertPriority::critical, "fire in the hall", {}};

/// Radios alone, begun anew so that they know of their air.
void put_on_air(TestMesh& mesh) {
    for (unsigned i = 0; i < mesh.size(); ++i) mesh.on_air.insert(i);
    for (unsigned i = 0; i < mesh.size(); ++i) mesh.restart(i);
}

TEST(AlertsOnAir, ThatGetLost_AreSaidAgain_UntilAllHaveThem) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        TestMesh mesh(8, seed);
        put_on_air(mesh);
        mesh.set_air_loss_percent(30);
        mesh.run(2min);
        std::vector<wire::RecordId> ids;
        for (unsigned i = 0; i < 8; ++i) {
            ids.push_back(mesh[i].send_alert(mesh.now_of(i), fire, 1h).value());
            mesh.run(10s);
        }
        mesh.run(3min);
        for (const auto& id : ids) EXPECT_TRUE(mesh.have_all(id)) << "seed " << seed;
    }
}

TEST(AlertsOnAir, OneThatNobodyHeard_IsNotLost) {
    TestMesh mesh(4, 1);
    put_on_air(mesh);
    mesh.run(2min);
    mesh.set_air_loss_percent(100);
    const auto id = mesh[0].send_alert(mesh.now(), fire, 1h).value();
    mesh.run(1min);
    EXPECT_EQ(mesh[1].store().index().size(), 0U);
    mesh.set_air_loss_percent(0);
    mesh.run(3min);
    EXPECT_TRUE(mesh.have_all(id));
}

TEST(AlertsOnAir, WhoWasOff_AsksItsNeighbours_AndWhatWasTakenBackStaysSo) {
    TestMesh mesh(4, 1);
    put_on_air(mesh);
    const auto kept = mesh[0].send_alert(mesh.now(), fire, 1h).value();
    const auto gone = mesh[1].send_alert(mesh.now(), fire, 1h).value();
    mesh.run(1s);
    ASSERT_TRUE(mesh.have_all(gone));
    mesh.on_air.erase(3);
    const auto later = mesh[2].send_alert(mesh.now(), fire, 1h).value();
    const wire::Record removed = mesh[1].store().get(gone).value().value();
    ASSERT_TRUE(mesh[1].remove(mesh.now(), removed.kind, removed.key));
    mesh.run(2h - 90min);
    mesh.on_air.insert(3);
    mesh.restart(3);
    mesh.reset_traffic();
    mesh.run(1min);
    EXPECT_TRUE(mesh.have_all(kept));
    EXPECT_TRUE(mesh.have_all(later));
    EXPECT_EQ(mesh[3].alerts(10).value().size(), 2U) << "the third was taken back meanwhile";
    EXPECT_LE(mesh.traffic().on_air, 20U);
}

TEST(AlertsOnAir, WhenAllHaveThem_TheAirIsNearlyStill_AndThenQuite) {
    TestMesh mesh(8, 1);
    put_on_air(mesh);
    mesh.run(5min);
    for (unsigned i = 0; i < 8; ++i) ASSERT_TRUE(mesh[i].send_alert(mesh.now_of(i), fire, 2h));
    mesh.run(15min);
    mesh.reset_traffic();
    mesh.run(1h);
    EXPECT_LE(mesh.traffic().on_air, 30U) << "one digest in the air of eight, each ten minutes";
    mesh.run(1h);
    mesh.reset_traffic();
    mesh.run(5h);
    EXPECT_EQ(mesh.traffic().on_air, 0U);
}

TEST(AlertsOnAir, ThoseOfASegment_AreNamedToNobody) {
    TestMesh mesh(2, 1);
    const wire::SegmentId segment{};
    for (const unsigned node : {0U, 1U}) mesh.join(node, segment);
    put_on_air(mesh);
    mesh.run(5min);
    ASSERT_TRUE(mesh[0].send_alert(mesh.now(), fire, 1h, segment));
    mesh.reset_traffic();
    mesh.run(1h);
    EXPECT_EQ(mesh.traffic().on_air, 1U);
}

}  // namespace
}  // namespace meshchain::records
