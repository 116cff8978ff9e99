// Whose something is (row G2): what stands when earlier owners lie, leave or forget.

#include "records/ownership.h"

#include "records/test_mesh.h"

namespace meshchain::records {
namespace {

using namespace std::chrono_literals;
using test::key_of;
using test::public_key_of;
using test::TestMesh;

OwnershipLink link_of(unsigned from, unsigned to, const OwnershipLink::Id& previous = {},
                      std::uint64_t ms = 1'800'000'000'000, std::string hash = "bag-17") {
    return signed_link(test::chain_id(),
                       {.previous = previous,
                        .to = public_key_of(to),
                        .ms = ms,
                        .hash = std::move(hash),
                        .note = "n"},
                       key_of(from));
}
OwnershipLink::Id id_of(const OwnershipLink& link) { return link_id(test::chain_id(), link); }

/// Publishes somebody's link as a record of `keeper`, genuine or not.
void keep(TestMesh& mesh, unsigned keeper, const OwnershipLink& link,
          std::chrono::seconds lifetime = 1h) {
    ASSERT_TRUE(mesh[keeper].publish(mesh.now(), {.kind = wire::RecordKind::ownership,
                                                  .key = base::to_buffer(id_of(link).bytes),
                                                  .body = encode(link),
                                                  .lifetime = lifetime}));
}
OwnershipHistory history(TestMesh& mesh, unsigned node) { return mesh[node].ownership("bag-17"); }

TEST(OwnershipFormat, Link_HasOneForm) {
    const OwnershipLink link = link_of(1, 2, crypto::hash(test::bytes_of("before")));
    const base::Buffer bytes = encode(link);
    EXPECT_EQ(base::to_hex(base::Bytes(bytes).first(1)), "01");
    EXPECT_EQ(base::to_hex(base::Bytes(bytes).subspan(97, 17)),
              "000001a3185c5000"
              "066261672d3137"
              "016e");
    EXPECT_EQ(bytes.size(), 97U + 17 + 64);
    EXPECT_EQ(parse_ownership_link(bytes).value(), link);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(parse_ownership_link(base::Bytes(bytes).first(size)));
    }
    EXPECT_FALSE(parse_ownership_link(encode(link_of(5, 6)))) << "a claim for another";
    EXPECT_FALSE(parse_ownership_link(encode(link_of(5, 5, id_of(link))))) << "a gift to oneself";
    base::Buffer nameless = encode(link_of(1, 2, {}, 7, "h"));
    nameless[105] = std::byte{0};
    nameless.erase(nameless.begin() + 106);
    EXPECT_EQ(parse_ownership_link(nameless).error().code, base::Errc::malformed);
}

TEST(OwnershipTest, ClaimedAndGivenTwice_IsKnownEverywhereAsOneHistory) {
    TestMesh mesh(3, 1);
    mesh.connect(0, 1);
    mesh.connect(1, 2);
    mesh.run(2s);
    ASSERT_TRUE(mesh[0].claim(mesh.now(), "bag-17", "found at gate 2"));
    mesh.run(1s);
    ASSERT_TRUE(mesh[0].give(mesh.now(), "bag-17", mesh.key(1), "to the desk"));
    mesh.run(1s);
    EXPECT_FALSE(history(mesh, 2).steps[1].accepted());
    ASSERT_TRUE(mesh[1].accept(mesh.now(), "bag-17"));
    ASSERT_TRUE(mesh[1].give(mesh.now(), "bag-17", mesh.key(2), ""));
    mesh.run(1s);
    for (unsigned node = 0; node < 3; ++node) {
        const OwnershipHistory known = history(mesh, node);
        ASSERT_EQ(known.steps.size(), 3U);
        for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(known.steps[i].link.to, mesh.key(i));
        EXPECT_EQ(known.steps[0].link.note, "found at gate 2");
        EXPECT_TRUE(known.steps[1].accepted());
        EXPECT_TRUE(known.steps[2].last && !known.steps[1].last && !known.steps[0].last);
        EXPECT_EQ(known.broken, 0U);
        EXPECT_EQ(known.held_by(mesh.key(2)).size(), 1U);
        EXPECT_TRUE(known.held_by(mesh.key(1)).empty());
    }
}

TEST(OwnershipTest, WhoDoesNotHoldIt_NeitherGivesNorAccepts) {
    TestMesh mesh(2, 2);
    mesh.connect(0, 1);
    mesh.run(2s);
    const auto code = [](const auto& result) {
        EXPECT_FALSE(result.error().advice.empty());
        return result.error().code;
    };
    EXPECT_EQ(code(mesh[0].give(mesh.now(), "bag-17", mesh.key(1), "")), base::Errc::not_found);
    EXPECT_EQ(code(mesh[0].accept(mesh.now(), "bag-17")), base::Errc::not_found);
    EXPECT_EQ(code(mesh[0].withdraw(mesh.now(), "bag-17")), base::Errc::not_found);
    EXPECT_EQ(code(mesh[0].claim(mesh.now(), "", "")), base::Errc::invalid_argument);
    EXPECT_EQ(code(mesh[0].claim(mesh.now(), std::string(65, 'h'), "")),
              base::Errc::invalid_argument);
    EXPECT_EQ(code(mesh[0].claim(mesh.now(), "h", std::string(161, 'n'))),
              base::Errc::invalid_argument);
    ASSERT_TRUE(mesh[0].claim(mesh.now(), "bag-17", ""));
    mesh.run(1s);
    EXPECT_EQ(code(mesh[0].claim(mesh.now(), "bag-17", "")), base::Errc::exists);
    EXPECT_EQ(code(mesh[1].give(mesh.now(), "bag-17", mesh.key(0), "")), base::Errc::not_found);
    EXPECT_EQ(code(mesh[0].give(mesh.now(), "bag-17", mesh.key(0), "")),
              base::Errc::invalid_argument);
    ASSERT_TRUE(mesh[0].give(mesh.now(), "bag-17", mesh.key(1), ""));
    EXPECT_EQ(code(mesh[0].give(mesh.now(), "bag-17", mesh.key(1), "again")),
              base::Errc::not_found);
    EXPECT_EQ(code(mesh[0].withdraw(mesh.now(), "bag-17")), base::Errc::not_found);
}

/// Everything about the thing that a node's own records carry.
void remove_all(TestMesh& mesh, unsigned node) {
    for (const OwnershipStep& step : history(mesh, node).steps) {
        static_cast<void>(
            mesh[node].remove(mesh.now(), wire::RecordKind::ownership, step.id.bytes));
    }
}

TEST(OwnershipTest, EarlierOwnersWhoRemoveTheirRecords_TakeNothingFromWhoAccepted) {
    TestMesh mesh(2, 3);
    mesh.connect(0, 1);
    mesh.run(2s);
    ASSERT_TRUE(mesh[0].claim(mesh.now(), "bag-17", ""));
    ASSERT_TRUE(mesh[0].give(mesh.now(), "bag-17", mesh.key(1), ""));
    mesh.run(1s);
    ASSERT_TRUE(mesh[1].accept(mesh.now(), "bag-17"));
    mesh.run(1s);
    remove_all(mesh, 0);
    mesh.run(1s);
    for (unsigned node = 0; node < 2; ++node) {
        const OwnershipHistory known = history(mesh, node);
        ASSERT_EQ(known.steps.size(), 2U);
        EXPECT_EQ(known.steps[0].keepers, std::vector{mesh.key(1)});
        EXPECT_EQ(known.held_by(mesh.key(1)).size(), 1U);
    }
}

TEST(OwnershipTest, WhoGivesOn_KeepsWhatItWasGivenBy) {
    TestMesh mesh(3, 31);
    mesh.connect_all();
    mesh.run(2s);
    ASSERT_TRUE(mesh[0].claim(mesh.now(), "bag-17", ""));
    ASSERT_TRUE(mesh[0].give(mesh.now(), "bag-17", mesh.key(1), ""));
    mesh.run(1s);
    ASSERT_TRUE(mesh[1].give(mesh.now(), "bag-17", mesh.key(2), "not accepted before"));
    mesh.run(1s);
    remove_all(mesh, 0);
    mesh.run(1s);
    EXPECT_EQ(history(mesh, 2).held_by(mesh.key(2)).size(), 1U);
    ASSERT_TRUE(mesh[2].accept(mesh.now(), "bag-17"));
}

TEST(OwnershipTest, BackdatedGiftOfAnothersMaking_CapturesNothing) {
    TestMesh mesh(3, 32);
    mesh.connect_all();
    mesh.run(2s);
    ASSERT_TRUE(mesh[0].claim(mesh.now(), "bag-17", ""));
    ASSERT_TRUE(mesh[0].give(mesh.now(), "bag-17", mesh.key(1), ""));
    mesh.run(1s);
    // Somebody claims it long before anybody, and gives it to who holds it.
    const OwnershipLink decoy = link_of(9, 9, {}, 0);
    keep(mesh, 2, decoy);
    keep(mesh, 2,
         signed_link(test::chain_id(),
                     {.previous = id_of(decoy), .to = mesh.key(1), .hash = "bag-17"}, key_of(9)));
    mesh.run(1s);
    ASSERT_TRUE(mesh[1].accept(mesh.now(), "bag-17"));
    remove_all(mesh, 0);
    mesh.run(1s);
    ASSERT_TRUE(mesh[1].give(mesh.now(), "bag-17", mesh.key(0), "back again"));
    mesh.run(1s);
    bool is_ours = false;
    const OwnershipHistory known = history(mesh, 2);
    for (const OwnershipStep* step : known.held_by(mesh.key(0))) {
        is_ours |= known.way_to(*step).front()->link.to == mesh.key(0);
    }
    EXPECT_TRUE(is_ours) << "the true history went on, too";
}

TEST(OwnershipTest, ThousandsOfClaimsByOthers_HideNothing) {
    TestMesh mesh(2, 33);
    mesh.connect(0, 1);
    mesh.run(2s);
    for (unsigned i = 0; i < 40; ++i) {
        for (unsigned j = 0; j < 30; ++j)
            keep(mesh, 1, link_of(100 + 30 * i + j, 100 + 30 * i + j));
        mesh.run(60s);
    }
    ASSERT_TRUE(mesh[0].claim(mesh.now(), "bag-17", ""));
    ASSERT_TRUE(mesh[0].give(mesh.now(), "bag-17", mesh.key(1), ""));
    mesh.run(30s);
    EXPECT_EQ(history(mesh, 1).steps.size(), 1'202U);
    ASSERT_TRUE(mesh[1].accept(mesh.now(), "bag-17"));
    EXPECT_TRUE(history(mesh, 1).held_by(mesh.key(1)).front()->accepted());
}

TEST(OwnershipTest, WithdrawnClaim_IsGone) {
    TestMesh mesh(2, 34);
    mesh.connect(0, 1);
    mesh.run(2s);
    ASSERT_TRUE(mesh[0].claim(mesh.now(), "bag-17", "by mistake"));
    mesh.run(1s);
    ASSERT_TRUE(mesh[0].withdraw(mesh.now(), "bag-17"));
    mesh.run(1s);
    EXPECT_TRUE(history(mesh, 1).steps.empty());
}

TEST(OwnershipTest, TwoLinksBehindOne_AreBothDisputed_AndWhatFollowsThem) {
    TestMesh mesh(1, 4);
    const OwnershipLink claim = link_of(1, 1);
    const OwnershipLink to_two = link_of(1, 2, id_of(claim), 1'800'000'000'002);
    const OwnershipLink to_three = link_of(1, 3, id_of(claim), 1'800'000'000'001);
    const OwnershipLink on = link_of(2, 4, id_of(to_two), 1'800'000'000'003);
    for (const OwnershipLink& link : {on, to_two, to_three, claim}) keep(mesh, 0, link);
    const OwnershipHistory known = history(mesh, 0);
    ASSERT_EQ(known.steps.size(), 4U);
    EXPECT_EQ(known.steps[0].id, id_of(claim));
    EXPECT_FALSE(known.steps[0].disputed);
    EXPECT_EQ(known.steps[1].id, id_of(to_three)) << "the earlier first";
    EXPECT_EQ(known.steps[2].id, id_of(to_two));
    EXPECT_EQ(known.steps[3].id, id_of(on));
    for (std::size_t i = 1; i < 4; ++i) EXPECT_TRUE(known.steps[i].disputed);
    EXPECT_TRUE(known.held_by(public_key_of(1)).empty());
    EXPECT_EQ(known.held_by(public_key_of(3)).size(), 1U);
    EXPECT_EQ(known.way_to(known.steps[3]).size(), 3U);
}

TEST(OwnershipTest, ClaimsOfTwo_StandBesideEachOther) {
    TestMesh mesh(2, 5);
    mesh.connect(0, 1);
    mesh.run(2s);
    ASSERT_TRUE(mesh[0].claim(mesh.now(), "bag-17", ""));
    mesh.run(1s);
    ASSERT_TRUE(mesh[1].claim(mesh.now(), "bag-17", ""));
    mesh.run(1s);
    for (unsigned node = 0; node < 2; ++node) {
        const OwnershipHistory known = history(mesh, node);
        ASSERT_EQ(known.steps.size(), 2U);
        EXPECT_EQ(known.steps[0].link.to, mesh.key(0));
        EXPECT_TRUE(known.steps[0].last && known.steps[1].last);
        EXPECT_FALSE(known.steps[0].disputed || known.steps[1].disputed);
    }
}

TEST(OwnershipTest, ForgedAndLooseLinks_AreNoHistory) {
    TestMesh mesh(1, 6);
    const OwnershipLink claim = link_of(1, 1);
    OwnershipLink forged = link_of(1, 2, id_of(claim));
    forged.signature = link_of(3, 2, id_of(claim)).signature;
    keep(mesh, 0, claim);
    keep(mesh, 0, forged);
    keep(mesh, 0, link_of(3, 4, id_of(claim)));                       // it was never theirs
    keep(mesh, 0, link_of(1, 2, crypto::hash(test::bytes_of("?"))));  // behind nothing
    OwnershipLink ahead = link_of(1, 2, id_of(claim), 1'800'000'000'000 + 600'000);
    keep(mesh, 0, ahead);
    const OwnershipHistory known = history(mesh, 0);
    ASSERT_EQ(known.steps.size(), 1U);
    EXPECT_TRUE(known.steps[0].last);
    EXPECT_EQ(known.broken, 2U);
}

TEST(OwnershipTest, RecordUnderAnotherName_IsNotKept) {
    TestMesh mesh(1, 7);
    const OwnershipLink claim = link_of(1, 1);
    const crypto::Hash another = crypto::hash(test::bytes_of("another"));
    ASSERT_TRUE(mesh[0].publish(mesh.now(), {.kind = wire::RecordKind::ownership,
                                             .key = base::to_buffer(another.bytes),
                                             .body = encode(claim),
                                             .lifetime = 1h}));
    EXPECT_TRUE(history(mesh, 0).steps.empty());
}

TEST(OwnershipTest, Restart_KnowsTheHistory_AndWhatEndedIsForgotten) {
    TestMesh mesh(1, 8);
    const OwnershipLink claim = link_of(1, 1);
    keep(mesh, 0, claim);
    keep(mesh, 0, link_of(1, 2, id_of(claim)), 60s);
    mesh.restart(0);
    EXPECT_EQ(history(mesh, 0).steps.size(), 2U);
    mesh.run(61s);
    ASSERT_EQ(history(mesh, 0).steps.size(), 1U);
    EXPECT_TRUE(history(mesh, 0).steps[0].last);
}

}  // namespace
}  // namespace meshchain::records
