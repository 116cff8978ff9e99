// Many nodes that share records: what the original lost, stormed with or let be forged
// (research figures: 379,170 datagrams for one alert among ten).

#include "records/record_service.h"

#include <functional>

#include "records/test_mesh.h"
#include "wire/air_question.h"

namespace meshchain::records {
namespace {

using namespace std::chrono_literals;
using test::TestMesh;
using wire::MessageType;
using wire::RecordKind;

const Alert fire{AlertPriority::critical, "fire in the hall", {}};

wire::RecordId raise(TestMesh& mesh, unsigned node, const Alert& alert = fire) {
    return mesh[node].send_alert(mesh.now_of(node), alert, 1h).value();
}
wire::RecordId put(TestMesh& mesh, unsigned node, std::string_view key, std::string_view body,
                   std::chrono::seconds lifetime = 1h) {
    return mesh[node]
        .publish(mesh.now_of(node), {.kind = RecordKind::registry,
                                     .key = test::bytes_of(key),
                                     .body = test::body_of(RecordKind::registry, body),
                                     .lifetime = lifetime})
        .value();
}

TEST(RecordService, AlertAmongTen_TakesNineDatagramsAndReceiptsOfAll) {
    TestMesh mesh(10, 1);
    mesh.connect_all();
    mesh.run(5s);
    mesh.reset_traffic();
    const auto id = raise(mesh, 0);
    mesh.run(1s);
    EXPECT_TRUE(mesh.have_all(id));
    EXPECT_EQ(mesh.traffic().records, 9U);
    EXPECT_EQ(mesh.traffic().direct, 0U);
    EXPECT_EQ(mesh[0].alert(id).value().holders.size(), 9U);
    EXPECT_EQ(mesh[0].alert(id).value().targets.size(), 9U);
}

/// Fifty nodes thrown onto a square, each in reach of those nearby.
void scatter(TestMesh& mesh, std::uint64_t seed) {
    base::Random random(seed);
    std::vector<std::pair<std::int64_t, std::int64_t>> places;
    for (unsigned i = 0; i < mesh.size(); ++i) {
        places.emplace_back(random.below(1'000), random.below(1'000));
        // Nobody is out of reach of all: the nearest so far is a neighbour.
        unsigned nearest = 0;
        std::int64_t best = std::numeric_limits<std::int64_t>::max();
        for (unsigned j = 0; j < i; ++j) {
            const std::int64_t dx = places[i].first - places[j].first;
            const std::int64_t dy = places[i].second - places[j].second;
            const std::int64_t apart = dx * dx + dy * dy;
            if (apart < 220 * 220) mesh.connect(i, j);
            if (apart < best) {
                best = apart;
                nearest = j;
            }
        }
        if (i > 0) mesh.connect(i, nearest);
    }
}

TEST(RecordService, AlertAmongFiftyScattered_CostsEachAtMostOneAndAHalf) {
    TestMesh mesh(50, 2);
    scatter(mesh, 2);
    mesh.run(5s);
    mesh.reset_traffic();
    const auto id = raise(mesh, 7);
    mesh.run(1s);
    EXPECT_TRUE(mesh.have_all(id));
    mesh.run(4s);
    EXPECT_LE(mesh.traffic().records, 75U);
    EXPECT_EQ(mesh[7].alert(id).value().holders.size(), 49U);
}

TEST(RecordService, AlertAtTwentyPercentLoss_ReachesAllWithinThreeEach) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        TestMesh mesh(50, seed);
        scatter(mesh, seed);
        mesh.run(5s);
        mesh.set_loss_percent(20);
        mesh.reset_traffic();
        const auto id = raise(mesh, 7);
        mesh.run(20s);
        EXPECT_TRUE(mesh.have_all(id)) << "seed " << seed;
        EXPECT_LE(mesh.traffic().records + mesh.traffic().direct, 150U) << "seed " << seed;
        EXPECT_EQ(mesh[7].alert(id).value().holders.size(), 49U) << "seed " << seed;
    }
}

TEST(RecordService, Alert_CrossesFromANetworkOverRadioIntoAnother) {
    TestMesh mesh(5, 15);
    mesh.connect(0, 1);
    mesh.on_air = {1, 2, 3};  // two has nothing else, three leads on
    mesh.connect(3, 4);
    mesh.run(5s);
    mesh.reset_traffic();
    const auto id = raise(mesh, 0);
    put(mesh, 0, "bag", "blue");
    mesh.run(1s);
    EXPECT_TRUE(mesh.have_all(id));
    EXPECT_EQ(mesh.traffic().on_air, 1U) << "once, and no more by who heard it there";
    EXPECT_EQ(mesh[2].store().index().size(), 1U) << "only what is urgent costs air";
    const auto seen = mesh[2].acknowledge(mesh.now(), id, {"Ana", ""});
    ASSERT_TRUE(seen);
    mesh.run(1s);
    EXPECT_TRUE(mesh.have_all(*seen));
    mesh.inject(2, 3, MessageType::alert_on_air, wire::encode(test::signed_record({})));
    mesh.run(1s);
    EXPECT_EQ(mesh[3].store().index().size(), 2U) << "nothing but urgent kinds is heard there";
}

TEST(RecordService, RecordOfASegment_GoesToItsMembersAndToNobodyElse) {
    TestMesh mesh(8, 21);
    mesh.connect_all();
    const wire::SegmentId hall = wire::segment_id(test::chain_id(), "hall");
    for (const unsigned node : {0U, 2U, 5U, 7U}) mesh.join(node, hall);
    mesh.run(5s);
    mesh.reset_traffic();
    const auto id = mesh[2].send_alert(mesh.now(), fire, 1h, hall).value();
    mesh.run(1s);
    EXPECT_EQ(mesh.traffic().records, 3U);
    for (unsigned node = 0; node < 8; ++node) {
        const bool is_member = node == 0 || node == 2 || node == 5 || node == 7;
        EXPECT_EQ(mesh[node].store().index().find(id) != nullptr, is_member) << node;
        EXPECT_EQ(mesh[node].view().store.refused[static_cast<std::size_t>(Refusal::foreign)], 0U);
    }
}

TEST(RecordService, LostReceipts_AreMadeGoodByTheOrigin) {
    TestMesh mesh(6, 3);
    for (unsigned i = 0; i + 1 < 6; ++i) mesh.connect(i, i + 1);
    mesh.run(5s);
    mesh.lose = [](unsigned, unsigned, MessageType type) {
        return type == MessageType::record_receipt;
    };
    const auto id = raise(mesh, 0);
    mesh.run(30s);
    EXPECT_EQ(mesh[0].alert(id).value().holders.size(), 5U);
    EXPECT_GT(mesh.traffic().direct, 0U);
}

TEST(RecordService, ReceiptsThatGetLostOnTheirWay_ComeAllTheSame_AndTheOriginBringsNothingItself) {
    TestMesh mesh(6, 3);
    for (unsigned i = 0; i + 1 < 6; ++i) mesh.connect(i, i + 1);
    mesh.run(5s);
    std::map<unsigned, int> lost;
    mesh.lose = [&](unsigned from, unsigned, MessageType type) {
        return type == MessageType::record_receipt && from > 0 && lost[from]++ < 2;
    };
    const auto id = raise(mesh, 0);
    mesh.run(AlertDelivery::first_wait);
    EXPECT_EQ(mesh[0].alert(id).value().holders.size(), 5U);
    mesh.run(30s);
    EXPECT_EQ(mesh.traffic().direct, 0U);
}

TEST(RecordService, WhatANeighbourLacks_IsSentNoFasterThanTheRate_AndAllOfIt) {
    TestMesh mesh(2, 12);
    mesh.records_rate = {.per_minute = 600, .burst = 20};
    mesh.restart(0);
    for (unsigned i = 0; i < 500; ++i) {
        const std::string key = "entry " + std::to_string(i);
        ASSERT_TRUE(mesh[0].publish(mesh.now(), {.kind = RecordKind::registry,
                                                 .key = test::bytes_of(key),
                                                 .body = test::body_of(RecordKind::registry, key),
                                                 .lifetime = 1h}));
    }
    mesh.run(1s);
    mesh.connect(0, 1);
    mesh.reset_traffic();
    mesh.run(30s);
    EXPECT_LE(mesh.traffic().records, 20U + 300U);
    EXPECT_GE(mesh.traffic().records, 250U);
    mesh.run(1min);
    EXPECT_TRUE(mesh.agree());
}

TEST(RecordService, AlarmOf94Bytes_IsOnePacketOnTheAir_AndOfMoreTwo) {
    TestMesh mesh(2, 13);
    mesh.on_air = {0, 1};
    const auto size_of = [&](std::size_t text) {
        const Alert alert{AlertPriority::critical, std::string(text, 'x'), {}};
        const auto id = mesh[0].send_alert(mesh.now(), alert, 1h);
        return wire::encode(*mesh[0].store().get(id.value()).value()).size();
    };
    EXPECT_LE(size_of(94), wire::air_payload_bytes_max);
    EXPECT_GT(size_of(95), wire::air_payload_bytes_max) << "then in pieces";
}

TEST(RecordService, ForgedReceipt_CountsForNobody) {
    TestMesh mesh(3, 4);
    mesh.connect(0, 1);
    mesh.connect(1, 2);
    mesh.run(5s);
    mesh.disconnect(1, 2);
    const auto id = raise(mesh, 0);
    mesh.run(1s);
    Receipt forged = sign_receipt(test::chain_id(), id, test::key_of(1));
    forged.holder = mesh.key(2);
    mesh.inject(1, 0, MessageType::record_receipt, encode(std::vector{forged}));
    mesh.run(1s);
    EXPECT_EQ(mesh[0].alert(id).value().holders, std::vector{mesh.key(1)});
}

TEST(RecordService, ReceiptsOfMadeUpKeys_CountForNobodyAndShutNobodyOut) {
    TestMesh mesh(3, 16);
    mesh.connect(0, 1);
    mesh.connect(1, 2);
    mesh.run(5s);
    mesh.lose = [](unsigned, unsigned to, MessageType type) {
        return to == 0 && type == MessageType::record_receipt;
    };
    const auto id = raise(mesh, 0);
    for (unsigned i = 0; i < 1'100; ++i) {
        mesh.inject(1, 0, MessageType::record_receipt,
                    encode(std::vector{sign_receipt(test::chain_id(), id, test::key_of(100 + i))}));
    }
    mesh.run(1s);
    EXPECT_TRUE(mesh[0].alert(id).value().holders.empty());
    mesh.lose = nullptr;
    mesh.run(20s);
    EXPECT_EQ(mesh[0].alert(id).value().holders.size(), 2U);
}

TEST(RecordService, Acknowledgement_IsSeenByAllAndNamesWho) {
    TestMesh mesh(5, 5);
    for (unsigned i = 0; i + 1 < 5; ++i) mesh.connect(i, i + 1);
    mesh.run(5s);
    const auto id = raise(mesh, 0);
    mesh.run(2s);
    ASSERT_TRUE(mesh[4].acknowledge(mesh.now(), id, {"Ana", "on my way"}));
    mesh.run(2s);
    for (unsigned i = 0; i < 5; ++i) {
        const AlertView view = mesh[i].alert(id).value();
        ASSERT_EQ(view.seen.size(), 1U);
        EXPECT_EQ(view.seen[0].acknowledgement.by, "Ana");
        EXPECT_EQ(view.seen[0].node, mesh.key(4));
    }
    EXPECT_EQ(mesh[1].acknowledge(mesh.now(), {}, {"Ana", ""}).error().code, base::Errc::not_found);
}

TEST(RecordService, PartitionWithEditsOnBothSides_HealsToTheNewestOfEach) {
    TestMesh mesh(6, 6);
    mesh.connect_all();
    mesh.run(5s);
    for (unsigned a = 0; a < 3; ++a) {
        for (unsigned b = 3; b < 6; ++b) mesh.disconnect(a, b);
    }
    for (int i = 0; i < 20; ++i) {
        for (unsigned node = 0; node < 6; ++node) {
            put(mesh, node, "key " + std::to_string(i % 5), std::to_string(i));
        }
        mesh.run(1s);
    }
    ASSERT_TRUE(mesh[2].remove(mesh.now(), RecordKind::registry, test::bytes_of("key 1")));
    mesh.run(3min);
    EXPECT_FALSE(mesh.agree());
    for (unsigned a = 0; a < 3; ++a) {
        for (unsigned b = 3; b < 6; ++b) mesh.connect(a, b);
    }
    mesh.run(30s);
    EXPECT_TRUE(mesh.agree());
    for (unsigned node = 0; node < 6; ++node) {
        EXPECT_EQ(mesh[node].store().index().size(), 30U);
        const auto record = mesh[5].store().get(
            Address{RecordKind::registry, mesh.key(node), test::bytes_of("key 4")});
        EXPECT_EQ(test::text_of(**record), "19");
    }
    EXPECT_TRUE(mesh[5]
                    .store()
                    .index()
                    .find(Address{RecordKind::registry, mesh.key(2), test::bytes_of("key 1")})
                    ->tombstone);
}

TEST(RecordService, NewcomerAfterAThousandRecords_LearnsThemAllOnce) {
    TestMesh mesh(3, 7);
    mesh.connect(0, 1);
    mesh.run(2s);
    for (int i = 0; i < 1'000; ++i) put(mesh, 0, "key " + std::to_string(i), "seen");
    mesh.run(3min);
    mesh.reset_traffic();
    mesh.connect(1, 2);
    mesh.run(30s);
    EXPECT_TRUE(mesh.agree());
    EXPECT_LT(mesh.traffic().records, 1'100U);
}

TEST(RecordService, WhoHasNothingAtAll_LearnsEverything_WhoeverOfTheTwoBegins) {
    for (const unsigned first : {0U, 1U}) {
        TestMesh mesh(2, 15 + first);
        put(mesh, first, "bag", "blue");
        mesh.run(3min);
        mesh.connect(0, 1);
        mesh.run(5s);
        EXPECT_TRUE(mesh.agree()) << first;
    }
}

TEST(RecordService, IdleNeighbours_SpendNextToNothing) {
    TestMesh mesh(11, 8);
    mesh.connect_all();
    for (int i = 0; i < 50; ++i) put(mesh, 0, "key " + std::to_string(i), "seen");
    mesh.run(1min);
    mesh.reset_traffic();
    mesh.run(10min);
    // Of eleven nodes with ten peers each, a node and minute.
    EXPECT_LT(mesh.traffic().bytes / 11 / 10, 3'000U);
}

TEST(RecordService, ClockTenYearsAhead_ShutsOutItsNodeAndNobodyElse) {
    TestMesh mesh(4, 9);
    mesh.connect_all();
    mesh.set_clock(3, 24h * 3'650);
    mesh.run(5s);
    put(mesh, 0, "one", "seen");
    put(mesh, 3, "ahead", "seen");
    mesh.run(1min);
    const auto id = raise(mesh, 1);
    mesh.run(5s);
    for (unsigned i = 0; i < 3; ++i) {
        EXPECT_EQ(mesh[i].store().index().size(), 2U);
        EXPECT_NE(mesh[i].store().index().find(id), nullptr);
        EXPECT_GT(mesh[i].view().store.refused[static_cast<std::size_t>(Refusal::future)], 0U);
    }
    // Both sides remember what they refuse, so that it is not offered for ever.
    mesh.reset_traffic();
    mesh.run(5min);
    EXPECT_LT(mesh.traffic().records, 60U);
}

TEST(RecordService, AlertsWithoutEnd_AreStoppedAtTheirOriginAndElsewhere) {
    TestMesh mesh(3, 10);
    mesh.connect_all();
    mesh.run(5s);
    int sent = 0;
    for (int i = 0; i < 200; ++i) {
        if (mesh[0].send_alert(mesh.now(), fire, 1h)) ++sent;
    }
    EXPECT_EQ(sent, 30);
    // Who has another program has no such limit; others have.
    for (unsigned i = 1; i <= 200; ++i) {
        mesh.inject(0, 1, MessageType::record,
                    wire::encode(test::signed_record({.origin = 77,
                                                      .kind = RecordKind::alert,
                                                      .key = std::to_string(i),
                                                      .body = "made up",
                                                      .sequence = i})));
    }
    mesh.run(1s);
    EXPECT_LE(mesh[1].store().index().count_of(
                  {RecordKind::alert, test::public_key_of(77), Share::normal}),
              32U);
    EXPECT_GE(mesh[1].store().index().size(), 60U);
}

TEST(RecordService, CriticalAlert_IsTakenRightAfterAsManyLowOnesAsThereMayBe_AndStays) {
    TestMesh mesh(3, 17);
    mesh.connect_all();
    mesh.run(5s);
    const Alert low{AlertPriority::low, "door open", {}};
    while (mesh[0].send_alert(mesh.now(), low, 24h)) continue;
    const auto id = mesh[0].send_alert(mesh.now(), fire, 24h).value();
    mesh.run(1s);
    EXPECT_TRUE(mesh.have_all(id));
    for (int i = 0; i < 600; ++i) {
        ASSERT_TRUE(mesh[0].send_alert(mesh.now(), low, 24h));
        mesh.run(1s);
    }
    mesh.run(10s);
    EXPECT_TRUE(mesh.have_all(id));
    for (unsigned node = 0; node < 3; ++node) {
        EXPECT_EQ(mesh[node].store().index().size(), 257U) << node;
    }
    mesh.restart(1);
    mesh.run(1s);
    EXPECT_EQ(mesh[1].alert(id)->alert, fire);
}

TEST(RecordService, NodeThatWasCutOff_TakesUpWhereItsDiskWas) {
    TestMesh mesh(3, 11);
    mesh.connect_all();
    mesh.run(5s);
    const auto id = raise(mesh, 0);
    put(mesh, 1, "bag", "blue");
    mesh.run(2s);
    mesh.restart(2);
    EXPECT_NE(mesh[2].store().index().find(id), nullptr) << "what was confirmed is on disk";
    mesh.reset_traffic();
    mesh.run(1min);
    EXPECT_TRUE(mesh.agree());
    EXPECT_LE(mesh.traffic().records, 2U);
}

TEST(RecordService, States_AreOfTheirNodesAndNeverMerged) {
    TestMesh mesh(2, 12);
    mesh.connect(0, 1);
    mesh.run(5s);
    ASSERT_TRUE(mesh[0].publish_state(mesh.now(), "", R"({"battery":90,"place":"gate_a"})", 1h));
    ASSERT_TRUE(mesh[1].publish_state(mesh.now(), "", R"({"battery":20,"place":"exit"})", 1h));
    mesh.run(1s);
    for (unsigned node = 0; node < 2; ++node) {
        const auto states = mesh[node].states().value();
        ASSERT_EQ(states.size(), 2U);
        for (const StateView& state : states) {
            EXPECT_EQ(state.text.find("90") != std::string::npos, state.origin == mesh.key(0));
        }
    }
    EXPECT_EQ(mesh[0].publish_state(mesh.now(), "a\nb", "{}", 1h).error().code,
              base::Errc::invalid_argument);
}

TEST(RecordService, GarbageAndForgeries_ChangeNothing) {
    TestMesh mesh(3, 13);
    mesh.connect_all();
    mesh.run(5s);
    base::Random random(13);
    for (int i = 0; i < 300; ++i) {
        base::Buffer garbage(random.below(400));
        for (std::byte& byte : garbage) byte = static_cast<std::byte>(random.below(256));
        const MessageType types[] = {MessageType::record, MessageType::reconcile,
                                     MessageType::record_receipt, MessageType::alert_direct,
                                     MessageType::alert_receipt};
        mesh.inject(0, 1, types[random.below(5)], garbage);
        wire::Record forged = test::signed_record({.origin = 5, .sequence = 1 + random.below(50)});
        forged.body = test::bytes_of("forged");
        mesh.inject(0, 1, MessageType::record, wire::encode(forged));
    }
    mesh.run(10s);
    EXPECT_EQ(mesh[1].store().index().size(), 0U);
    const auto id = raise(mesh, 0);
    mesh.run(1s);
    EXPECT_TRUE(mesh.have_all(id));
}

TEST(RecordService, WrongAlerts_SayWhatToDo) {
    TestMesh mesh(1, 14);
    const auto code = [&](const Alert& alert) {
        const auto result = mesh[0].send_alert(mesh.now(), alert, 1h);
        EXPECT_FALSE(result.error().advice.empty());
        return result.error().code;
    };
    EXPECT_EQ(code({AlertPriority::low, "", {}}), base::Errc::invalid_argument);
    EXPECT_EQ(code({AlertPriority::low, "a\x1b[2J", {}}), base::Errc::invalid_argument);
    EXPECT_EQ(code({AlertPriority::low, std::string(513, 'a'), {}}), base::Errc::too_large);
    EXPECT_EQ(code({AlertPriority::low, "x", std::string(1'100, 'a')}), base::Errc::too_large);
    EXPECT_EQ(code({AlertPriority::low, "x", "\xff"}), base::Errc::invalid_argument);
}

}  // namespace
}  // namespace meshchain::records
