// Records in a simulated world, and that the checker outside the nodes finds what is planted.

#include <gtest/gtest.h>

#include "base/test_effort.h"
#include "kv/memory_store.h"
#include "records/registry_entry.h"
#include "sim/named_scenarios.h"
#include "sim/play.h"

namespace meshchain::sim {
namespace {

using namespace std::chrono_literals;
using records::RecordStore;

Report play(std::string_view text, std::uint64_t seed = 1) {
    const auto scenario = parse_scenario(text);
    EXPECT_TRUE(scenario.has_value()) << (scenario ? "" : base::sentence(scenario.error()));
    return Play(*scenario, {.seed = seed}).run();
}
Report play_named(std::string_view name, std::uint64_t seed) {
    for (const NamedScenario& named : named_scenarios()) {
        if (named.name == name) return play(named.text, seed);
    }
    ADD_FAILURE() << "no scenario " << name;
    return {};
}

TEST(PlayRecords, HalvesThatHealAgain_HoldTheSame) {
    const Report report = play(
        "validators 4\nhostile 60s\npayments 20s\nrecords 1s\nalerts 5s\nnetwork wifi\n"
        "at 15s partition 0 1 | 2 3\nat 30s crash 1\nat 35s start 1\nat 50s heal\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_GE(report.records, 45U);
    EXPECT_GE(report.alerts, 5U);
    EXPECT_EQ(report.alerts_to_all.size(), report.alerts) << to_text(report);
}

TEST(PlayRecords, ApartCrashedAndWithWrongClocks_LoseNothing) {
    const std::uint64_t seeds = test::effort<std::uint64_t>(1, 50);
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const Report report = play_named("alarm", seed);
        EXPECT_TRUE(report.all_right()) << to_text(report);
        EXPECT_GE(report.records, 50U);
    }
}

TEST(PlayRecords, OneSeed_HasOneStory) {
    const std::string_view text = "validators 4\nhostile 20s\nrecords 1s\nalerts 3s\nnetwork bad\n";
    EXPECT_EQ(play(text, 5).trace, play(text, 5).trace);
}

TEST(PlayRecords, AlertsInARoomOfRadios_ReachEverybody_ThoughPacketsGetLost) {
    for (std::uint64_t seed = 1; seed <= test::effort<std::uint64_t>(1, 20); ++seed) {
        const Report report = play(
            "validators 4\nrelays 2\nmedium SHORT_TURBO\nairtime 40 40\nnetwork poor\n"
            "block-time 10s\nround 3\npayments 2m\nalerts 1m\nat 3m crash 5\nat 5m start 5\n"
            "hostile 8m\nconverge 20m\n",
            seed);
        EXPECT_TRUE(report.all_right()) << to_text(report);
        EXPECT_GE(report.alerts, 4U);
        EXPECT_EQ(report.alerts_to_all.size(), report.alerts) << to_text(report);
    }
}

TEST(PlayRecords, AlertsOfSitesBehindGateways_ReachEverybody) {
    for (std::uint64_t seed = 1; seed <= test::effort<std::uint64_t>(1, 20); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const Report report = play_named("alarm-radio", seed);
        EXPECT_TRUE(report.all_right()) << to_text(report);
        EXPECT_GE(report.alerts, 8U);
        EXPECT_EQ(report.alerts_to_all.size(), report.alerts) << to_text(report);
    }
}

/// A scenario of records over some seeds.
class PlayRecordsNamed : public testing::Test {
protected:
    template <class Check>
    static void play_all(std::string_view name, std::uint64_t nightly, Check check) {
        for (std::uint64_t seed = 1; seed <= test::effort<std::uint64_t>(1, nightly); ++seed) {
            SCOPED_TRACE(std::string(name) + ", seed " + std::to_string(seed));
            const Report report = play_named(name, seed);
            EXPECT_TRUE(report.all_right()) << to_text(report);
            check(report);
        }
    }
};

TEST_F(PlayRecordsNamed, LostReceipts_AreMadeGood_SoThatOriginsKnowWhoHasTheirAlerts) {
    play_all("receipts", 50, [](const Report& report) {
        EXPECT_GE(report.alerts, 25U);
        EXPECT_GE(report.alerts_proven, 8U);
        const auto routed = static_cast<std::size_t>(wire::MessageType::routed);
        EXPECT_GT(report.traffic[routed].datagrams, 1'000U) << "carried to single nodes";
    });
}

TEST(PlayRecords, Storm_ReachesNobodyBeyondTheFirst_AndAlertsComeThrough) {
    const Report report = play(
        "validators 4\nnetwork wifi\npayments 10s\nalerts 3s\nrecords 2s\nattacker echo\n"
        "at 34s expect-alerted 100 4s\nhostile 35s\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
    const auto type = static_cast<std::size_t>(wire::MessageType::record);
    const std::uint64_t attacks = report.of_attackers[type].datagrams;
    EXPECT_GT(attacks, 10'000U);
    EXPECT_LT(report.traffic[type].datagrams - attacks, 500U);
    EXPECT_GE(report.alerts, 6U);
}

TEST_F(PlayRecordsNamed, ClockBeyondGrace_HurtsItsOwnerAlone_UntilItIsRight) {
    play_all("wrong-clock", 50, [](const Report& report) {
        EXPECT_GT(report.records_misdated, 5U);
        EXPECT_GT(report.records, 10 * report.records_misdated / 4);
    });
}

TEST_F(PlayRecordsNamed, StatesAcknowledgementsAndSearches_AreWhatTheBookSays) {
    play_all("watch", 50, [](const Report& report) {
        EXPECT_GE(report.records, 80U);
        EXPECT_GE(report.searches, 6U);
    });
}

constexpr kv::Table table{1};
constexpr kv::TableInfo tables[] = {{table, "records"}};

/// Two stores and a book of what was signed.
class RecordBookTest : public testing::Test {
protected:
    struct Machine {
        explicit Machine(std::uint8_t number) {
            crypto::SigningKey::Seed seed{};
            seed[0] = std::byte{number};
            kv = kv::make_memory_store(tables);
            records = RecordStore::open(*kv, {.table = table, .chain = {}},
                                        crypto::SigningKey::from_seed(seed), now)
                          .value();
        }
        std::unique_ptr<kv::MemoryStore> kv;
        std::unique_ptr<RecordStore> records;
    };
    wire::Record sign_alert(Machine& machine, records::AlertPriority priority) {
        const records::Draft draft{.kind = wire::RecordKind::alert,
                                   .key = base::to_buffer(base::as_bytes("any")),
                                   .body = records::encode(records::Alert{priority, "fire", {}}),
                                   .lifetime = 1h};
        book_.note_draft(machine.records->self(), draft);
        const auto record = machine.records->publish(now, draft).value();
        book_.note(0, record, now.instant, now.wall, now.wall);
        return record;
    }
    wire::Record sign(Machine& machine, bool is_drafted = true) {
        const records::Draft draft{.kind = wire::RecordKind::registry,
                                   .key = base::to_buffer(base::as_bytes("thing")),
                                   .body = records::encode(records::RegistryEntry{}),
                                   .lifetime = 1h};
        if (is_drafted) book_.note_draft(machine.records->self(), draft);
        const auto record = machine.records->publish(now, draft).value();
        if (is_drafted) book_.note(0, record, now.instant, now.wall, now.wall);
        return record;
    }
    std::vector<std::string> rules() {
        Findings findings;
        const auto told_of = [&](const RecordBook::Entry&) { return told_; };
        book_.complain(views(), now.wall, told_of, findings);
        std::vector<std::string> found;
        for (const Finding& finding : findings.kept()) found.push_back(finding.rule);
        EXPECT_EQ(book_.is_settled(views(), now.wall, told_of),
                  found.empty() || found[0] == "record-forged" || found[0] == "record-date");
        return found;
    }
    RecordBook::Views views() { return {{0, one_.records.get()}, {1, two_.records.get()}}; }

    static constexpr base::Now now{World::start, base::wall_from_unix_ms(1'800'000'000'000)};
    RecordBook book_{wire::ChainId{}};
    Machine one_{1};
    Machine two_{2};
    std::optional<RecordBook::Told> told_;
};

using Rules = std::vector<std::string>;

TEST_F(RecordBookTest, RecordThatOneLacks_IsLostUnlessItWasExcused) {
    const auto record = sign(one_);
    EXPECT_EQ(rules(), (Rules{"record-lost", "record-agree"}));
    EXPECT_EQ(two_.records->offer(now, record)->outcome, records::Offer::Outcome::taken);
    EXPECT_EQ(rules(), Rules{});
    sign(one_);
    EXPECT_EQ(rules(), (Rules{"record-lost", "record-agree"}));
    book_.excuse({{1, two_.records.get()}});
    EXPECT_EQ(rules(), Rules{"record-agree"});
}

TEST_F(RecordBookTest, RecordThatNobodySigned_IsForged) {
    const auto record = sign(one_, false);
    ASSERT_TRUE(two_.records->offer(now, record));
    EXPECT_EQ(rules(), (Rules{"record-forged", "record-forged"}));
}

TEST_F(RecordBookTest, AlertsKey_IsItsNodesChoice_AndItsBodyIsNot) {
    const auto record = sign_alert(one_, records::AlertPriority::low);
    ASSERT_TRUE(two_.records->offer(now, record));
    EXPECT_EQ(rules(), Rules{});
    const records::Draft other{
        .kind = wire::RecordKind::alert,
        .key = base::to_buffer(base::as_bytes("other")),
        .body = records::encode(records::Alert{records::AlertPriority::low, "flood", {}}),
        .lifetime = 1h};
    ASSERT_TRUE(two_.records->offer(now, one_.records->publish(now, other).value()));
    EXPECT_EQ(rules(), (Rules{"record-forged", "record-forged"}));
}

TEST_F(RecordBookTest, ReceiptThatNeverCame_IsFoundWhereItsHolderIsInReach) {
    for (const auto& machine : {&one_, &two_}) book_.note_node(machine->records->self());
    const auto record = sign_alert(one_, records::AlertPriority::high);
    ASSERT_TRUE(two_.records->offer(now, record));
    const crypto::PublicKey holder = two_.records->self();
    EXPECT_EQ(book_.with_receipts(now.wall), 1U);
    told_ = {.holders = {holder}, .reachable = {holder}};
    EXPECT_EQ(rules(), Rules{});
    told_ = {.holders = {}, .reachable = {holder}};
    EXPECT_EQ(rules(), Rules{"record-receipts"});
    told_ = {.holders = {}, .reachable = {}};
    EXPECT_EQ(rules(), Rules{}) << "whom it cannot reach it cannot ask";
    told_ = {.holders = {}, .reachable = {holder}};
    book_.forget_receipts(0);
    EXPECT_EQ(rules(), Rules{}) << "its disk is gone";
}

TEST_F(RecordBookTest, ReceiptOfWhoHoldsNothing_IsFound) {
    for (const auto& machine : {&one_, &two_}) book_.note_node(machine->records->self());
    sign_alert(one_, records::AlertPriority::critical);
    const crypto::PublicKey other = two_.records->self();
    told_ = {.holders = {other}, .reachable = {other}};
    EXPECT_EQ(rules(), (Rules{"record-lost", "record-agree", "record-receipts"}));
    const auto stranger = crypto::SigningKey::from_seed({}).public_key();
    told_ = {.holders = {stranger}, .reachable = {}};
    EXPECT_EQ(rules(), (Rules{"record-lost", "record-agree", "record-receipts"}));
}

TEST_F(RecordBookTest, AlertsOfLittleImportance_NeedNoReceipts) {
    const auto record = sign_alert(one_, records::AlertPriority::normal);
    ASSERT_TRUE(two_.records->offer(now, record));
    told_ = {.holders = {}, .reachable = {two_.records->self()}};
    EXPECT_EQ(rules(), Rules{});
}

TEST_F(RecordBookTest, WrongDate_IsExcusedByAWrongClockAlone) {
    const auto record = sign(one_);
    ASSERT_TRUE(two_.records->offer(now, record));
    EXPECT_EQ(rules(), Rules{});
    book_.note(0, record, now.instant, now.wall - 20min, now.wall);
    EXPECT_EQ(rules(), Rules{});
    EXPECT_EQ(book_.misdated(), 1U);
    book_.note(0, record, now.instant, now.wall - 20min, now.wall - 20min);
    EXPECT_EQ(rules(), Rules{"record-date"});
}

}  // namespace
}  // namespace meshchain::sim
