// A bridge among Kodikon nodes. First what did harm to the original (research 1.5 and 4): storms,
// forged names and versions, garbage, tables that strangers fill. Then that it carries.

#include "host/kodikon_bridge.h"

#include <set>

#include "host/test_kodikon.h"

namespace meshchain::host {
namespace {

using namespace test;
using testing::AllOf;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

records::RegistryEntry of_ada() {
    records::RegistryEntry entry;
    entry.type = "face";
    entry.owner = "Ada";
    return entry;
}

class KodikonHostile : public BridgeTest {};

TEST_F(KodikonHostile, Storm_OfOneAlert_BecomesOneRecord) {
    hear(heartbeat("cam-1"));
    for (unsigned i = 0; i < 10'000; ++i) {
        Said copy;
        copy.seq = i;
        copy.path = {"cam-" + std::to_string(i % 7), "cam-2"};
        hear(copy, host(1 + i % 5));
        if (i % 100 == 0) run(50ms);
    }
    run(1s);
    EXPECT_THAT(alerts(), SizeIs(1));
    EXPECT_THAT(sent_of(KodikonType::alert), IsEmpty()) << "nothing of theirs is sent to them";
    EXPECT_GE(dropped(Drop::duplicate), 1'000U);
}

TEST_F(KodikonHostile, UnpacedBurst_IsLimitedAndTheNextAlertGetsThrough) {
    hear(heartbeat("cam-1"), host(1));
    hear(heartbeat("cam-2"), host(2));
    for (unsigned i = 0; i < 20'000; ++i) {
        hear(alert("zone activity " + std::to_string(i), i, "normal"), host(1));
    }
    EXPECT_THAT(alerts(), SizeIs(AllOf(Ge(1U), Le(8U))));
    hear(alert("bag gone", 7.5, "critical"), host(2));
    EXPECT_EQ(alerts().front().alert.text, "bag gone");
    EXPECT_GE(dropped(Drop::too_often), 18'000U) << "most of it is not even read";
}

TEST_F(KodikonHostile, HostThatRaisesAllItMay_LeavesUrgentOnesOfItsOwnAndOfOthers) {
    for (unsigned i = 1; i <= 20; ++i) hear(heartbeat("cam-" + std::to_string(i)), host(i));
    for (unsigned i = 0; i < 600; ++i) {
        hear(alert("ordinary", i, "normal"), host(1 + i % 20));
    }
    const std::size_t before = alerts().size();
    EXPECT_LE(before, 21U);
    hear(alert("own urgent", 1, "critical"), host(1));
    hear(alert("another's urgent", 2, "critical"), host(20));
    EXPECT_EQ(alerts().size(), before + 2);
    // However long: it never takes more than half of what this node may have.
    for (unsigned i = 0; i < 300; ++i) {
        hear(alert("urgent", 1'000 + i, "critical"), host(1 + i % 20));
        run(5s);
        ASSERT_LE(alerts().size(), 160U);
    }
    EXPECT_TRUE(records().send_alert(mesh.now(), {records::AlertPriority::low, "our own", {}}, 1h));
}

TEST_F(KodikonHostile, SpoofedNodes_NeverFillTheTableAgainstAnHonestOne) {
    for (unsigned i = 0; i < 10'000; ++i) hear(heartbeat("fake-" + std::to_string(i)), host(66));
    EXPECT_EQ(peers(), KodikonPeers::ids_per_host_max);
    EXPECT_GE(dropped(Drop::many_of_a_host), 900U);
    for (unsigned i = 0; i < 400; ++i) {
        hear(heartbeat("more-" + std::to_string(i)), host(100 + i / 4));
        run(50ms);
        if (i >= 40) hear(heartbeat("late"), host(2));
    }
    EXPECT_EQ(peers(), 20U);
    EXPECT_THAT(bridge().view().peers, testing::Contains(testing::Field(&KodikonPeer::id, "late")));
    EXPECT_GE(dropped(Drop::peers_full), 100U);
}

TEST_F(KodikonHostile, PresentNode_IsNotPushedOutAndNotMovedByItsName) {
    hear(heartbeat("honest"), host(1));
    for (unsigned second = 0; second < 60; ++second) {
        hear(heartbeat("honest"), host(66));
        for (unsigned i = 0; i < 40; ++i) {
            hear(heartbeat("fake-" + std::to_string(i)), host(100 + i));
        }
        hear(heartbeat("honest"), host(1));
        run(1s);
    }
    const auto found = bridge().view().peers;
    const auto honest = std::ranges::find(found, "honest", &KodikonPeer::id);
    ASSERT_NE(honest, found.end());
    EXPECT_EQ(honest->address, host(1));
    EXPECT_GE(dropped(Drop::name_taken), 50U);
}

TEST_F(KodikonHostile, FloodOfAStranger_KeepsNobodyElseOut) {
    for (unsigned i = 0; i < 100; ++i) {
        for (unsigned k = 0; k < 100; ++k) hear_text("flood", host(66));
        run(50ms);
    }
    hear(heartbeat("cam-1"), host(1));
    EXPECT_EQ(peers(), 1U);
}

TEST_F(KodikonHostile, ForwardedHeartbeat_DoesNotMoveItsNodeToTheForwarder) {
    Said forwarded = heartbeat("cam-1");
    forwarded.path = {"cam-1", "cam-2"};
    hear(forwarded, host(2));
    EXPECT_EQ(peers(), 0U);
    hear(heartbeat("cam-1"), host(1));
    ASSERT_EQ(peers(), 1U);
    EXPECT_EQ(bridge().view().peers[0].address, host(1));
}

TEST_F(KodikonHostile, PayloadsAddress_IsNotBelieved) {
    hear({.type = KodikonType::peer_discovery,
          .payload = R"({"node_id":"cam-1","port":1,"ip_address":"255.255.255.255"})"},
         host(3));
    ASSERT_EQ(peers(), 1U);
    EXPECT_EQ(bridge().view().peers[0].address, host(3));
}

TEST_F(KodikonHostile, InfinityAsVersion_ChangesNothingAndTheNextStateIsTaken) {
    hear(heartbeat("cam-1"));
    const auto state = [](const std::string& version, int battery) {
        return R"({"type":3,"source":"cam-1","timestamp":1.5,"seq":1,"payload":{"node_id":"cam-1",)"
               R"("state":{"battery":)" +
               std::to_string(battery) + R"(},"version":)" + version + R"(},"path":[]})";
    };
    hear_text(state("Infinity", 1));
    hear_text(state("NaN", 2));
    hear_text(state("1e999", 3));
    EXPECT_EQ(dropped(Drop::malformed), 3U);
    hear_text(state("1.7e308", 4));
    run(30s);
    hear(heartbeat("cam-1"));
    hear_text(state("2", 50));
    const auto states = records().states().value();
    ASSERT_THAT(states, SizeIs(1));
    EXPECT_THAT(states[0].text, HasSubstr("\"battery\":50"));
}

TEST_F(KodikonHostile, Garbage_IsNeverASignOfLife) {
    for (const char* garbage :
         {"", "hello", "{}", "[]", "null", R"({"type":1})", R"({"type":"WHO","source":"a"})",
          R"({"type":99,"source":"a","timestamp":1,"payload":{}})",
          R"({"type":1,"source":"a\u001b[2J","timestamp":1,"payload":{}})"}) {
        hear_text(garbage);
    }
    hear_text(std::string(60'000, '['));
    hear_text(std::string(60'000, '\xff'));
    hear(heartbeat(std::string(kodikon_id_bytes_max + 1, 'a')));
    EXPECT_EQ(peers(), 0U);
    EXPECT_EQ(dropped(Drop::malformed), 9U);
    EXPECT_EQ(dropped(Drop::unknown_type), 1U);
    EXPECT_EQ(dropped(Drop::bad_source), 2U);
}

TEST_F(KodikonHostile, ForgedSourceOfOurs_IsNotOursAndSilencesNobody) {
    Said forged = alert("from the bridge itself?");
    forged.source = kodikon_bridge_id(mesh.key(0));
    hear(forged);
    EXPECT_THAT(alerts(), IsEmpty());
    EXPECT_EQ(dropped(Drop::own), 1U);
    // Bridges that do not exist hold an alert up, for three seconds at most.
    for (unsigned i = 0; i < 100; ++i) hear(heartbeat("meshchain-0" + std::to_string(i)));
    hear(alert("fire"));
    run(3s + 100ms);
    EXPECT_THAT(alerts(), SizeIs(1));
}

TEST_F(KodikonHostile, MetadataOf64Kilobytes_IsLeftOutAndSaid) {
    Json big = entry();
    big["metadata"] = {{"note", std::string(64'000, 'x')}};
    hear(entries({{"h", big}}));
    const auto hit = find("h");
    ASSERT_TRUE(hit);
    EXPECT_THAT(hit->entry.metadata, HasSubstr("\"left_out_bytes\":64"));
    EXPECT_EQ(dropped(Drop::metadata), 1U);
}

TEST_F(KodikonHostile, EmbeddingThatIsNone_IsLeftOutAndCounted) {
    const auto with = [](const Json& embedding) {
        Json one = entry();
        one["embedding"] = embedding;
        return one;
    };
    Json huge = std::vector<double>(512, 1e300);
    Json text = std::vector<double>(512, 0.5);
    text[7] = "NaN";
    hear(entries({{"short", with(std::vector<double>(511, 0.5))},
                  {"long", with(std::vector<double>(513, 0.5))},
                  {"zeros", with(std::vector<double>(512, 0.0))},
                  {"huge", with(huge)},
                  {"text", with(text)},
                  {"object", with({{"a", 1}})}}));
    for (const char* hash : {"short", "long", "zeros", "huge", "text", "object"}) {
        const auto hit = find(hash);
        ASSERT_TRUE(hit) << hash;
        EXPECT_FALSE(hit->entry.embedding) << hash;
    }
    EXPECT_EQ(dropped(Drop::embedding), 6U);
}

TEST_F(KodikonHostile, UnreadableEntries_AreCountedAndTheOthersTaken) {
    hear(entries({{"", entry()},
                  {std::string(65, 'a'), entry()},
                  {"b\x1b[2J", entry()},
                  {"c", 5},
                  {"d", Json::array()},
                  {"good", entry()}}));
    hear({.type = KodikonType::hash_registry, .payload = R"({"entries":[1,2]})"});
    hear({.type = KodikonType::hash_registry, .payload = R"({"record":7})"});
    hear({.type = KodikonType::hash_registry, .payload = R"({})"});
    EXPECT_EQ(dropped(Drop::entry_unreadable), 8U);
    EXPECT_TRUE(find("good"));
    EXPECT_EQ(records().view().registry_entries, 1U);
}

TEST_F(KodikonHostile, SnapshotsThatOnlyStampAnew_CostNothing) {
    hear(heartbeat("cam-1"));
    Json one = entry();
    for (unsigned i = 0; i < 50; ++i) {
        one["timestamp"] = one["last_update"] = 1.5 + i;
        // As the original wraps it at every hop.
        one["metadata"] = {{"metadata", one["metadata"]}, {"last_update", i}, {"version", i}};
        hear(entries({{"h", one}}));
        run(10s);
    }
    EXPECT_EQ(bridge().view().stats.entries_in, 1U);
    EXPECT_EQ(bridge().view().stats.entries_unchanged, 49U);
    EXPECT_THAT(find("h")->entry.metadata, HasSubstr(R"("metadata":{"color":"red"})"));
}

TEST_F(KodikonHostile, EntryThatTwoOverwriteForEver_StaysAsItsBringerSays) {
    hear(heartbeat("cam-1"), host(1));
    hear(heartbeat("cam-2"), host(2));
    hear(entries({{"h", entry(0.5)}}), host(1));
    for (unsigned i = 0; i < 100; ++i) hear(entries({{"h", entry(0.9)}}, "cam-2"), host(2));
    EXPECT_EQ(find("h")->entry.confidence, 5'000U);
    EXPECT_EQ(dropped(Drop::entry_of_another), 100U);
    run(61s);  // both are gone
    hear(entries({{"h", entry(0.9)}}, "cam-2"), host(2));
    EXPECT_EQ(find("h")->entry.confidence, 9'000U);
}

TEST_F(KodikonHostile, EntryOfOurs_IsNeverReplaced) {
    ASSERT_TRUE(records().register_entry(mesh.now(), "h", of_ada(), 1h));
    hear(entries({{"h", entry()}}));
    EXPECT_EQ(find("h")->entry.owner, "Ada");
    EXPECT_EQ(dropped(Drop::entry_of_ours), 1U);
    // And the other way round: once registered by hand, it is ours.
    hear(entries({{"g", entry()}}));
    ASSERT_TRUE(records().register_entry(mesh.now(), "g", of_ada(), 1h));
    run(2min);
    hear(entries({{"g", entry(0.9)}}));
    EXPECT_EQ(find("g")->entry.owner, "Ada");
}

TEST_F(KodikonHostile, HostThatRegistersWithoutEnd_LeavesRoomForOthers) {
    hear(heartbeat("cam-1"), host(1));
    hear(heartbeat("cam-2"), host(2));
    for (unsigned minute = 0; minute < 8; ++minute) {
        for (unsigned i = 0; i < 40; ++i) {
            Json many = Json::object();
            for (unsigned k = 0; k < 100; ++k) {
                many[std::to_string((minute * 40 + i) * 100 + k)] = entry();
            }
            hear(entries(many), host(1));
        }
        hear(heartbeat("cam-1"), host(1));
        run(20s, 5s);
        hear(heartbeat("cam-1"), host(1));
        hear(heartbeat("cam-2"), host(2));
        run(20s, 5s);
        hear(heartbeat("cam-1"), host(1));
        run(20s, 5s);
    }
    EXPECT_EQ(records().view().registry_entries, KodikonBridge::Limits::entries_of_host_max);
    EXPECT_GE(dropped(Drop::entry_limit), 1'000U);
    EXPECT_GE(dropped(Drop::entries_full), 1'000U);
    hear(heartbeat("cam-2"), host(2));
    hear(entries({{"late", entry()}}, "cam-2"), host(2));
    EXPECT_TRUE(find("late"));
}

TEST_F(KodikonHostile, StatesOfMany_LeaveRoomForOurs) {
    ASSERT_TRUE(records().publish_state(mesh.now(), "", R"({"battery":80})", 1h));
    for (unsigned i = 0; i < 20; ++i) {
        Said state = heartbeat("cam-" + std::to_string(i));
        state.type = KodikonType::node_state_sync;
        hear(state, host(1 + i));
        hear(state, host(1 + i));
    }
    EXPECT_THAT(records().states().value(), SizeIs(KodikonBridge::Limits::states_max + 1));
    EXPECT_EQ(dropped(Drop::states_full), 2 * (20 - KodikonBridge::Limits::states_max));
    Said stranger = heartbeat("cam-1");
    stranger.type = KodikonType::node_state_sync;
    hear(stranger, host(77));
    EXPECT_EQ(dropped(Drop::not_a_peer), 1U);
}

class KodikonBridgeTest : public BridgeTest {};

TEST_F(KodikonBridgeTest, Nodes_AppearAsPeersAndAreForgottenAfterThirtySeconds) {
    hear(heartbeat("cam-1"), host(1));
    run(20s);
    hear({.type = KodikonType::peer_discovery, .source = "cam-2", .payload = "{}"}, host(2));
    EXPECT_EQ(peers(), 2U);
    run(10s + 100ms);
    const KodikonView view = bridge().view();
    ASSERT_THAT(view.peers, SizeIs(1));
    EXPECT_EQ(view.peers[0].id, "cam-2");
    EXPECT_THAT(
        to_line(to_json(view)),
        HasSubstr(R"("peers":[{"id":"cam-2","address":"10.0.0.2:9999","state":"ACTIVE"}])"));
}

TEST_F(KodikonBridgeTest, Alert_KeepsItsWordsPriorityAndJson) {
    hear(Said{.payload = R"({"alert":{"event_type":"mismatch_alert","bag":"b-7"},)"
                         R"("priority":"critical","timestamp":1.5})"});
    const auto found = alerts();
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].alert.priority, records::AlertPriority::critical);
    EXPECT_EQ(found[0].alert.text, "mismatch_alert");
    const auto payload = parse_json(found[0].alert.payload, "payload").value();
    EXPECT_EQ(payload["kodikon"]["source"], "cam-1");
    EXPECT_EQ(payload["payload"]["alert"]["bag"], "b-7");
}

TEST_F(KodikonBridgeTest, AlertLongerThanARecord_KeepsItsWordsAndSaysWhatIsMissing) {
    hear(alert(std::string(3'000, 'w') + "\x1b[2J"));
    hear(Said{.payload =
                  Json{{"alert", {{"text", "fire"}, {"log", std::string(40'000, 'x')}}}}.dump()});
    const auto found = alerts();
    ASSERT_THAT(found, SizeIs(2));
    for (const auto& view : found) {
        EXPECT_THAT(view.alert.payload, HasSubstr("left_out_bytes"));
        EXPECT_EQ(view.alert.priority == records::AlertPriority::normal, view.alert.text == "fire");
    }
    EXPECT_EQ(dropped(Drop::alert_payload), 2U);
    hear(Said{.payload = R"({"alert":{},"priority":"high"})"});
    EXPECT_EQ(dropped(Drop::empty_alert), 1U);
}

TEST_F(KodikonBridgeTest, SameAlertSaidAgainLater_IsANewOne) {
    hear(alert("bag left", 1));
    hear(alert("bag left", 1));
    hear(alert("bag left", 2));
    EXPECT_THAT(alerts(), SizeIs(2));
    run(KodikonBridge::Limits::duplicate_window + 1s);
    hear(alert("bag left", 1));
    EXPECT_THAT(alerts(), SizeIs(3));
}

TEST_F(KodikonBridgeTest, Entry_IsFoundByWhatItLooksLike) {
    Json one = entry(0.75);
    std::vector<float> numbers(512);
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = 0.01F * static_cast<float>(i);
    one["embedding"] = numbers;
    one["ownership_history"] = {{{"person", "p-1"}}};
    hear(entries({{"h", one}}));
    hear({.type = KodikonType::hash_registry,
          .payload = R"({"action":"hash_registration","record":{"hash_value":"r"}})"});
    const auto hits =
        records().search({.like = records::quantise(numbers).value(), .count = 1}).value();
    ASSERT_THAT(hits, SizeIs(1));
    EXPECT_EQ(hits[0].hash, "h");
    EXPECT_EQ(hits[0].entry.type, "bag");
    EXPECT_EQ(hits[0].entry.confidence, 7'500U);
    EXPECT_EQ(hits[0].entry.metadata, R"({"kodikon":{"node":"cam-1"},"metadata":{"color":"red"},)"
                                      R"("ownership_history":[{"person":"p-1"}]})");
    EXPECT_EQ(find("r")->entry.type, "unknown");
}

TEST_F(KodikonBridgeTest, EntryWithoutRoomForARefinement_KeepsItsMetadata) {
    Json one = entry();
    std::vector<float> numbers(512);
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = 0.01F * static_cast<float>(i);
    one["embedding"] = numbers;
    one["metadata"] = {{"color", "red"}};
    hear(entries({{"short", one}}));
    EXPECT_TRUE(find("short")->entry.embedding->fifths);
    one["metadata"] = {{"note", std::string(400, 'x')}};
    hear(entries({{"h", one}}));
    EXPECT_FALSE(find("h")->entry.embedding->fifths);
    EXPECT_THAT(find("h")->entry.metadata, HasSubstr(std::string(400, 'x')));
    EXPECT_EQ(dropped(Drop::metadata), 0U);
    KodikonBridge again(mesh.now(), {.node_id = "meshchain-again"}, records());
    again.handle_datagram(mesh.now(), host(1), bytes_of(entries({{"h", one}})));
    EXPECT_EQ(again.view().stats.entries_unchanged, 1U) << "as it is held";
    // Metadata without room for itself leaves room for the refinement.
    one["metadata"] = {{"note", std::string(800, 'x')}};
    hear(entries({{"long", one}}));
    EXPECT_TRUE(find("long")->entry.embedding->fifths);
    EXPECT_EQ(dropped(Drop::metadata), 1U);
}

TEST_F(KodikonBridgeTest, AfterARestart_WhatWasRegisteredIsNotRegisteredAgain) {
    hear(entries({{"h", entry()}}));
    KodikonBridge again(mesh.now(), {.node_id = "meshchain-again"}, records());
    again.handle_datagram(mesh.now(), host(1), bytes_of(entries({{"h", entry()}})));
    EXPECT_EQ(again.view().stats.entries_in, 0U);
    EXPECT_EQ(again.view().stats.entries_unchanged, 1U);
}

TEST_F(KodikonBridgeTest, OurAlert_ReachesEachPresentNodeOnceAndIsNotForwarded) {
    hear(heartbeat("cam-1"), host(1));
    hear(heartbeat("cam-2"), host(2));
    ASSERT_TRUE(records().send_alert(
        mesh.now(), {records::AlertPriority::critical, "fire", R"({"floor":2})"}, 1h));
    run(10s);
    const auto told = sent_of(KodikonType::alert);
    ASSERT_THAT(told, SizeIs(2));
    EXPECT_EQ(told[0].to, host(1));
    EXPECT_EQ(told[1].to, host(2));
    const auto payload = parse_json(told[0].message.payload, "payload").value();
    EXPECT_EQ(payload["priority"], "critical");
    EXPECT_EQ(payload["alert"]["message"], "fire");
    EXPECT_EQ(payload["alert"]["details"]["floor"], 2);
    EXPECT_THAT(told[0].message.path, SizeIs(KodikonOutbox::hops_max));
    // What they repeat of it is nothing new.
    Said back{.payload = told[0].message.payload};
    back.source = told[0].message.source;
    hear(back);
    back.source = "cam-1";
    hear(back);
    EXPECT_THAT(alerts(), SizeIs(1));
}

TEST_F(KodikonBridgeTest, OurEntries_LeaveInBatchesAndDoNotComeBack) {
    hear(heartbeat("cam-1"), host(1));
    run(2s);
    for (unsigned i = 0; i < 40; ++i) {
        records::RegistryEntry one;
        one.type = "bag";
        one.metadata = R"({"shelf":4})";
        one.embedding = records::quantise(std::vector<float>(512, 0.5F)).value();
        ASSERT_TRUE(records().register_entry(mesh.now(), "h" + std::to_string(i), one, 1h));
    }
    run(2s);
    const auto told = sent_of(KodikonType::hash_registry);
    EXPECT_THAT(told, SizeIs(AllOf(Ge(2U), Le(25U))));
    std::size_t count = 0;
    for (const Sent& one : told) {
        EXPECT_LE(one.bytes, kodikon_datagram_bytes_aim);
        const auto payload = parse_json(one.message.payload, "payload").value();
        count += payload["entries"].size();
        for (const auto& [hash, said] : payload["entries"].items()) {
            EXPECT_EQ(said["hash_value"], hash);
            EXPECT_TRUE(said["embedding"].is_null());
            EXPECT_EQ(said["metadata"]["details"]["shelf"], 4);
        }
        Said back{.type = KodikonType::hash_registry, .payload = one.message.payload};
        hear(back);
    }
    EXPECT_EQ(count, 40U);
    EXPECT_EQ(dropped(Drop::own), 40U);
    EXPECT_EQ(records().view().registry_entries, 40U);
}

TEST_F(KodikonBridgeTest, NodeThatComesLater_IsToldOurNewestEntries) {
    for (unsigned i = 0; i < 300; ++i) {
        ASSERT_TRUE(records().register_entry(mesh.now(), "h" + std::to_string(i), of_ada(), 1h));
    }
    hear(entries({{"theirs", entry()}}));
    hear(heartbeat("cam-1"), host(1));
    hear(heartbeat("cam-2"), host(2));
    run(5s);
    std::set<std::string> told;
    for (const Sent& one : sent_of(KodikonType::hash_registry)) {
        const auto payload = parse_json(one.message.payload, "payload").value();
        for (const auto& [hash, said] : payload["entries"].items()) told.insert(hash);
    }
    EXPECT_THAT(told, SizeIs(AllOf(Ge(KodikonBridge::Limits::retold_max - 1),
                                   Le(KodikonBridge::Limits::retold_max))));
    EXPECT_FALSE(told.contains("theirs"));
    const std::size_t before = sent_of(KodikonType::hash_registry).size();
    for (unsigned i = 3; i < 20; ++i) hear(heartbeat("cam-" + std::to_string(i)), host(i));
    run(20s);
    EXPECT_EQ(sent_of(KodikonType::hash_registry).size(), before) << "once a minute";
}

TEST_F(KodikonBridgeTest, SignsOfLife_AreBroadcastEveryFiveSecondsWithOurAddress) {
    run(20s);
    EXPECT_THAT(sent_of(KodikonType::heartbeat), SizeIs(5));
    const auto said = sent_of(KodikonType::peer_discovery);
    ASSERT_THAT(said, SizeIs(5));
    EXPECT_FALSE(said[0].to);
    const auto payload = parse_json(said[0].message.payload, "payload").value();
    EXPECT_EQ(payload["ip_address"], "10.9.0.1");
    EXPECT_EQ(payload["port"], 9999);
    EXPECT_EQ(sent.size(), 10U) << "nothing else leaves an idle bridge";
    for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_EQ(sent[i].message.seq, i + 1);
}

TEST_F(KodikonBridgeTest, WhatIsSaidToASegment_StaysInIt) {
    hear(heartbeat("cam-1"));
    const auto tell = [&](const records::Segment& segment) {
        const wire::Record record =
            records::test::signed_record({.kind = wire::RecordKind::alert,
                                          .body = "secret",
                                          .segment = segment,
                                          .priority = records::AlertPriority::high});
        bridge().handle_record(mesh.now(), record_id(records::test::chain_id(), record), record);
        run(1s);
    };
    tell(wire::SegmentId{});
    EXPECT_THAT(sent_of(KodikonType::alert), IsEmpty());
    EXPECT_EQ(dropped(Drop::segment), 1U);
    tell({});
    EXPECT_THAT(sent_of(KodikonType::alert), SizeIs(1));
}

TEST_F(KodikonBridgeTest, ManyAlertsOfOurs_LeaveAtAPaceThatTheyCanTake) {
    for (unsigned i = 1; i <= 20; ++i) hear(heartbeat("cam-" + std::to_string(i)), host(i));
    for (unsigned i = 0; i < 20; ++i) {
        ASSERT_TRUE(records().send_alert(
            mesh.now(), {records::AlertPriority::high, "alert " + std::to_string(i), {}}, 1h));
    }
    step();
    EXPECT_LE(sent.size(), 32U);
    run(1s);
    EXPECT_LE(sent.size(), 260U);
    run(2s);
    EXPECT_THAT(sent_of(KodikonType::alert), SizeIs(400));
}

TEST_F(KodikonBridgeTest, TypesWithoutARecord_AreCounted) {
    for (const KodikonType type :
         {KodikonType::search_query, KodikonType::route_broadcast, KodikonType::ack,
          KodikonType::transfer_event, KodikonType::ownership_vote, KodikonType::location_signature,
          KodikonType::face_search_request, KodikonType::face_search_result}) {
        hear({.type = type, .payload = "{}"});
    }
    EXPECT_EQ(dropped(Drop::not_carried), 8U);
    EXPECT_EQ(records().view().records, 0U);
}

}  // namespace
}  // namespace meshchain::host
