// Alarms among many nodes: which leave first, what a restart of their origin leaves of proof and
// delivery, and who has seen them.

#include <gmock/gmock.h>

#include "records/record_service.h"
#include "records/test_mesh.h"

namespace meshchain::records {
namespace {

using namespace std::chrono_literals;
using test::TestMesh;
using testing::UnorderedElementsAre;
using wire::MessageType;
using wire::RecordKind;

wire::RecordId raise(TestMesh& mesh, unsigned node,
                     AlertPriority priority = AlertPriority::critical,
                     std::chrono::seconds lifetime = 1h) {
    return mesh[node].send_alert(mesh.now_of(node), {priority, "fire", {}}, lifetime).value();
}
bool holds(TestMesh& mesh, unsigned node, const wire::RecordId& id) {
    return mesh[node].store().index().find(id) != nullptr;
}

/// An alarm of an origin that is no node of the mesh, or what somebody there says of one.
struct Foreign {
    unsigned origin;
    AlertPriority priority = AlertPriority::low;
    std::uint64_t sequence = 1;
};
wire::Record alarm_of(const TestMesh& mesh, const Foreign& of) {
    return test::signed_record({.origin = of.origin,
                                .kind = RecordKind::alert,
                                .key = std::to_string(of.sequence),
                                .body = "x",
                                .sequence = of.sequence,
                                .at = mesh.now().instant - test::at({}).instant,
                                .priority = of.priority});
}
wire::RecordId name_of(const wire::Record& record) {
    return wire::record_id(test::chain_id(), record);
}
wire::RecordId hand(TestMesh& mesh, unsigned from, unsigned to, const wire::Record& record) {
    mesh.inject(from, to, MessageType::record, wire::encode(record));
    return name_of(record);
}

/// Zero and one are quick; from one to two there is a slow link.
class SlowLink : public testing::Test {
protected:
    SlowLink() {
        mesh.connect(0, 1);
        mesh.connect(1, 2);
        mesh.run(5s);
        mesh.pace[1] = 50ms;
    }
    TestMesh mesh{3, 31};
};

TEST_F(SlowLink, CriticalAlarm_OvertakesWhatWaits_AndSoDoesWhatIsSaidOfIt) {
    for (unsigned i = 0; i < 200; ++i) hand(mesh, 0, 1, alarm_of(mesh, {.origin = 100 + i}));
    mesh.run(1s);
    const auto last = raise(mesh, 0, AlertPriority::low);
    const auto critical = raise(mesh, 0);
    mesh.run(500ms);
    EXPECT_TRUE(holds(mesh, 2, critical));
    const auto seen = mesh[0].acknowledge(mesh.now(), critical, {"Ana", ""}).value();
    const auto seen_low = mesh[0].acknowledge(mesh.now(), last, {"Ana", ""}).value();
    mesh.run(500ms);
    EXPECT_TRUE(holds(mesh, 2, seen));
    EXPECT_FALSE(holds(mesh, 2, seen_low)) << "it is worth no more than its alarm";
    EXPECT_FALSE(holds(mesh, 2, last)) << "the link is still busy";
    mesh.run(1min);
    EXPECT_TRUE(mesh.agree()) << "nothing was lost for it";
}

TEST_F(SlowLink, LowAlarms_GetThroughWhileCriticalOnesComeWithoutEnd) {
    // 25 a second, each origin at its rate, where the link takes 20.
    std::vector<wire::RecordId> low;
    std::vector<wire::RecordId> critical;
    for (unsigned second = 0; second < 20; ++second) {
        for (unsigned i = 0; i < 25; ++i) {
            critical.push_back(
                hand(mesh, 0, 1, alarm_of(mesh, {100 + i, AlertPriority::critical, second + 1})));
        }
        if (second == 2) {
            for (unsigned i = 0; i < 10; ++i) {
                low.push_back(hand(mesh, 0, 1, alarm_of(mesh, {.origin = 200 + i})));
            }
        }
        mesh.run(1s);
    }
    for (const auto& id : low) EXPECT_TRUE(holds(mesh, 2, id));
    EXPECT_FALSE(holds(mesh, 2, critical.back())) << "the link was never free";
}

TEST(AlarmPush, WhereTooManyWait_TheLowestGivesWay_AndReconciliationBringsIt) {
    TestMesh mesh(3, 32);
    mesh.connect(0, 1);
    mesh.connect(1, 2);
    mesh.run(5s);
    bool is_cut = true;
    mesh.lose = [&](unsigned from, unsigned to, MessageType type) {
        const bool is_between = from + to == 3;
        return is_between && (is_cut || type == MessageType::reconcile);
    };
    const auto fill = [&](unsigned origin, AlertPriority priority) {
        std::vector<wire::RecordId> ids;
        for (unsigned i = 0; i < Replicator::unconfirmed_max; ++i) {
            ids.push_back(hand(mesh, 0, 1, alarm_of(mesh, {origin + i, priority})));
        }
        mesh.run(20ms);
        return ids;
    };
    const auto low = fill(100, AlertPriority::low);
    const auto critical = fill(400, AlertPriority::critical);
    const auto high = fill(700, AlertPriority::high);
    is_cut = false;
    mesh.run(2s);
    for (const auto& id : critical) EXPECT_TRUE(holds(mesh, 2, id));
    for (const auto& id : low) EXPECT_FALSE(holds(mesh, 2, id));
    for (const auto& id : high) EXPECT_FALSE(holds(mesh, 2, id));
    mesh.lose = nullptr;
    mesh.run(1min);
    EXPECT_TRUE(mesh.agree());
}

/// Five in a line, of which zero raises the alarm.
class AlarmOfTheRestarted : public testing::Test {
protected:
    AlarmOfTheRestarted() {
        for (unsigned i = 0; i + 1 < mesh.size(); ++i) mesh.connect(i, i + 1);
        mesh.run(5s);
    }
    AlertView view(const wire::RecordId& id) { return mesh[0].alert(id).value(); }
    std::uint64_t rows() { return mesh.kv(0).count(test::receipts_table).value(); }
    TestMesh mesh{5, 33};
};

TEST_F(AlarmOfTheRestarted, ItsReceipts_AreThereAgain_AndStayAsLongAsTheAlarm) {
    const auto id = raise(mesh, 0);
    mesh.run(2s);
    EXPECT_EQ(view(id).holders.size(), 4U);
    mesh.restart(0);
    EXPECT_EQ(view(id).holders.size(), 4U) << "without asking anybody again";
    EXPECT_EQ(view(id).targets.size(), 4U);
    for (int i = 0; i < 100; ++i) {
        raise(mesh, 0, i % 2 == 0 ? AlertPriority::critical : AlertPriority::low);
        mesh.run(1s);
    }
    EXPECT_EQ(view(id).holders.size(), 4U) << "after a hundred more";
    mesh.restart(0);
    EXPECT_EQ(view(id).holders.size(), 4U);
    mesh.run(16min);
    EXPECT_EQ(view(id).targets.size(), 4U) << "and after the last attempt";
}

TEST_F(AlarmOfTheRestarted, TargetThatWasOff_CountsOnceItComes) {
    mesh.lose = [](unsigned, unsigned to, MessageType) { return to == 4; };
    const auto id = raise(mesh, 0);
    mesh.run(500ms);
    mesh.disconnect(3, 4);
    mesh.restart(0);
    mesh.run(1min);
    EXPECT_EQ(view(id).holders.size(), 3U);
    EXPECT_EQ(view(id).targets.size(), 4U) << "who was in reach is not forgotten";
    // Nobody in between remembers to whom receipts go.
    for (const unsigned node : {1U, 2U, 3U}) mesh.restart(node);
    mesh.restart(0);
    mesh.lose = nullptr;
    mesh.connect(3, 4);
    mesh.run(30s);
    EXPECT_EQ(view(id).holders.size(), 4U);
    EXPECT_GT(mesh.traffic().direct, 0U);
}

TEST_F(AlarmOfTheRestarted, NodeThatCameLater_IsReachedByTheNextLife) {
    mesh.disconnect(3, 4);
    const auto id = raise(mesh, 0, AlertPriority::high);
    mesh.run(2s);
    mesh.restart(0);
    for (const unsigned node : {1U, 2U, 3U}) mesh.restart(node);
    mesh.run(2min);
    EXPECT_EQ(view(id).targets.size(), 3U);
    mesh.connect(3, 4);
    mesh.run(30s);
    EXPECT_EQ(view(id).targets.size(), 4U);
    EXPECT_EQ(view(id).holders.size(), 4U);
}

TEST_F(AlarmOfTheRestarted, AfterItsDeadline_NothingIsSentAnyMore) {
    mesh.lose = [](unsigned, unsigned to, MessageType) { return to == 4; };
    const auto id = raise(mesh, 0);
    mesh.run(10min);
    mesh.restart(0);
    mesh.run(5min);
    mesh.reset_traffic();
    mesh.run(10min);
    EXPECT_EQ(mesh.traffic().direct, 0U);
    mesh.restart(0);
    mesh.run(10min);
    EXPECT_EQ(mesh.traffic().direct, 0U);
    EXPECT_EQ(view(id).targets.size(), 4U);
}

TEST_F(AlarmOfTheRestarted, WhatEndsOrIsTakenBack_LeavesNothingInTheStore) {
    raise(mesh, 0, AlertPriority::critical, 60s);
    const auto id = raise(mesh, 0);
    mesh.run(2s);
    EXPECT_EQ(rows(), 8U);
    mesh.run(2min);
    EXPECT_EQ(rows(), 4U);
    const base::Buffer key = mesh[0].store().index().find(id)->first.key;
    ASSERT_TRUE(mesh[0].remove(mesh.now(), RecordKind::alert, key));
    mesh.run(2s);
    EXPECT_EQ(rows(), 0U);
    mesh.reset_traffic();
    mesh.run(5min);
    EXPECT_EQ(mesh.traffic().direct, 0U);
}

TEST_F(AlarmOfTheRestarted, DamagedReceipt_KeepsTheNodeFromNothing_AndIsAskedForAgain) {
    const auto id = raise(mesh, 0);
    mesh.run(2s);
    base::Buffer row = base::to_buffer(id.bytes);
    base::Writer(row).bytes(mesh.key(2).bytes);
    mesh.medium(0).flip_bit(test::receipts_table, row, 3);
    mesh.restart(0);
    EXPECT_EQ(view(id).holders.size(), 3U);
    EXPECT_EQ(mesh[0].view().receipts.unsound, 1U);
    mesh.run(30s);
    EXPECT_EQ(view(id).holders.size(), 4U);
    mesh.restart(0);
    EXPECT_EQ(mesh[0].view().receipts.unsound, 0U);
}

TEST(AlarmObserver, IsToldOnce_ThoughItsNodeStartsAgainAndHearsItFromAll) {
    TestMesh mesh(5, 34);
    mesh.connect_all();
    mesh.run(5s);
    const auto id = raise(mesh, 0);
    mesh.run(1s);
    const base::Buffer bytes = wire::encode(*mesh[1].store().get(id).value());
    const auto tell_again = [&] {
        for (const unsigned neighbour : {0U, 1U, 2U, 4U}) {
            mesh.inject(neighbour, 3, MessageType::record, bytes);
        }
    };
    tell_again();
    mesh.run(1s);
    for (int life = 0; life < 3; ++life) {
        mesh.restart(3);
        tell_again();
        mesh.run(30s);
    }
    mesh.restart(0);  // whose alarm it is
    mesh.run(1min);
    for (unsigned node = 0; node < mesh.size(); ++node) EXPECT_EQ(mesh.told(node, id), 1U) << node;
}

std::vector<std::string> people(const AlertView& view) {
    std::vector<std::string> names;
    for (const AlertView::Seen& seen : view.seen) names.push_back(seen.acknowledgement.by);
    return names;
}

class AlarmSeen : public testing::Test {
protected:
    AlarmSeen() {
        mesh.connect_all();
        mesh.run(5s);
        id = raise(mesh, 0);
        mesh.run(1s);
    }
    auto see(unsigned node, const std::string& by, const std::string& note = "") {
        return mesh[node].acknowledge(mesh.now(), id, {by, note});
    }
    TestMesh mesh{3, 35};
    wire::RecordId id;
};

TEST_F(AlarmSeen, ByTwoPeopleAtOneNode_IsKeptOfBoth_AndOfEachWhatWasSaidLast) {
    ASSERT_TRUE(see(1, "Ana", "on my way"));
    ASSERT_TRUE(see(1, "Ben"));
    ASSERT_TRUE(see(2, "Ana"));
    mesh.run(1s);
    ASSERT_TRUE(see(1, "Ana", "it is out"));
    ASSERT_TRUE(see(1, "Ben", "called"));
    mesh.run(1s);
    mesh.restart(1);
    for (unsigned node = 0; node < mesh.size(); ++node) {
        const AlertView view = mesh[node].alert(id).value();
        EXPECT_THAT(people(view), UnorderedElementsAre("Ana", "Ben", "Ana"));
        for (const AlertView::Seen& seen : view.seen) {
            if (seen.node == mesh.key(2)) continue;
            EXPECT_EQ(seen.acknowledgement.note,
                      seen.acknowledgement.by == "Ana" ? "it is out" : "called");
        }
    }
}

TEST_F(AlarmSeen, ByNobody_IsRefused_AndSaysWhatToDo) {
    ASSERT_TRUE(see(1, "Ana"));
    for (const char* by : {"", "  "}) {
        const auto refused = see(1, by);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, base::Errc::invalid_argument);
        EXPECT_EQ(refused.error().where, "by");
        EXPECT_FALSE(refused.error().advice.empty());
    }
    EXPECT_THAT(people(mesh[1].alert(id).value()), UnorderedElementsAre("Ana"));
}

TEST_F(AlarmSeen, ByMoreThanEightAtOneNode_IsRefusedThere_AndNotShownOfOthers) {
    for (std::size_t i = 0; i < Acknowledgement::people_max; ++i) {
        ASSERT_TRUE(see(1, "person " + std::to_string(i)));
    }
    EXPECT_EQ(see(1, "one more").error().code, base::Errc::full);
    EXPECT_TRUE(see(1, "person 7", "still here"));
    // Who has another program has no such limit; others have.
    for (unsigned i = 0; i < 20; ++i) {
        const std::string by = "crowd " + std::to_string(i);
        hand(mesh, 0, 2,
             test::signed_record(
                 {.origin = 77,
                  .kind = RecordKind::acknowledgement,
                  .key = std::string(base::as_text(acknowledgement_key(id, by))),
                  .body = std::string(base::as_text(encode(Acknowledgement{by, ""}))),
                  .sequence = i + 1}));
    }
    mesh.run(1s);
    EXPECT_EQ(mesh[2].alert(id).value().seen.size(), 2 * Acknowledgement::people_max);
}

TEST_F(AlarmSeen, InTheFormOfEarlierVersions_IsReadAndWritten) {
    hand(mesh, 0, 2,
         test::signed_record(
             {.origin = 77,
              .kind = RecordKind::acknowledgement,
              .key = std::string(base::as_text(id.bytes)),
              .body = std::string(base::as_text(encode(Acknowledgement{"Eva", ""})))}));
    ASSERT_TRUE(see(1, "Ana"));
    ASSERT_TRUE(see(1, "Ben"));
    mesh.run(1s);
    EXPECT_THAT(people(mesh[2].alert(id).value()), UnorderedElementsAre("Eva", "Ana", "Ben"));
    const Address earlier{RecordKind::acknowledgement, mesh.key(1), base::to_buffer(id.bytes)};
    EXPECT_NE(mesh[2].store().index().find(earlier), nullptr)
        << "nodes of earlier versions see the first of a node";
}

}  // namespace
}  // namespace meshchain::records
