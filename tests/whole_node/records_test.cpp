// Whole nodes that share records over the mesh as it is: real sessions, announcements, ways and
// limits, under virtual time (rows G1, G2, G3, G4, G6). What services promise each other without a
// mesh is in src/records/record_service_test.cpp.

#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "base/test_effort.h"
#include "sim/village.h"
#include "wire/frame.h"

namespace meshchain::tests {
namespace {

using namespace std::chrono_literals;
using records::Alert;
using records::AlertPriority;
using wire::MessageType;
using wire::RecordKind;

const Alert fire{AlertPriority::critical, "fire in the hall", {}};

sim::Scenario scenario_of(std::size_t nodes, std::size_t segments = 0) {
    sim::Scenario scenario;
    scenario.stakes.assign(std::min<std::size_t>(nodes, 4), 100);
    scenario.relays = nodes - scenario.stakes.size();
    scenario.disk = sim::DiskKind::memory;
    scenario.records = 1h;  // so that they share records; each test says itself what
    scenario.segments = segments;
    return scenario;
}

class RecordsMesh {
public:
    RecordsMesh(std::size_t nodes, std::uint64_t seed, std::size_t segments = 0)
        : village_(scenario_of(nodes, segments), seed) {
        testing::Test::RecordProperty("seed", static_cast<int>(seed));
        world().on_sent = [this](std::size_t from, base::Bytes datagram) {
            bytes_[from] += datagram.size();
            if (const auto frame = wire::parse_frame(datagram)) ++frames_[frame->header.type];
        };
    }

    /// Each in reach of those nearby on a square, and of one at least.
    void scatter(std::uint64_t seed) {
        base::Random random(seed);
        std::vector<std::pair<std::int64_t, std::int64_t>> places;
        std::set<std::pair<std::size_t, std::size_t>> links;
        // As many neighbours as fifty on a thousand have within 220.
        const auto reach = static_cast<std::int64_t>(50 * 220 * 220 / size());
        for (std::size_t i = 0; i < size(); ++i) {
            places.emplace_back(random.below(1'000), random.below(1'000));
            std::size_t nearest = 0;
            std::int64_t best = std::numeric_limits<std::int64_t>::max();
            for (std::size_t j = 0; j < i; ++j) {
                const std::int64_t dx = places[i].first - places[j].first;
                const std::int64_t dy = places[i].second - places[j].second;
                const std::int64_t apart = dx * dx + dy * dy;
                if (apart < reach) links.emplace(j, i);
                if (apart < best) {
                    best = apart;
                    nearest = j;
                }
            }
            if (i > 0) links.emplace(nearest, i);
        }
        world().network().set_links({links.begin(), links.end()});
    }
    void start_all() {
        for (std::size_t i = 0; i < size(); ++i) start(i);
    }
    void start(std::size_t node) { ASSERT_TRUE(world().switch_on(node)); }
    void run(base::Duration duration) { world().run_until(world().now() + duration); }
    /// Until it came true; for how long that took.
    template <class Predicate>
    std::optional<base::Duration> until(Predicate done, base::Duration limit) {
        const base::Instant start = world().now();
        while (!done()) {
            if (world().now() - start >= limit) return std::nullopt;
            run(10ms);
        }
        return world().now() - start;
    }

    sim::World& world() { return village_.world(); }
    std::size_t size() const { return village_.nodes(); }
    records::RecordService& operator[](std::size_t node) { return village_.node(node).records(); }
    base::Now now(std::size_t node) { return world().time_of(node); }
    sim::Clock& clock(std::size_t node) { return village_.node(node).clock(); }
    std::size_t peers(std::size_t node) {
        return village_.node(node).node().status(now(node)).peers;
    }
    crypto::PublicKey key(std::size_t node) { return (*this)[node].store().self(); }

    wire::RecordId raise(std::size_t node) {
        const auto id = (*this)[node].send_alert(now(node), fire, 1h);
        world().wake(node);
        return id.value();
    }
    void put(std::size_t node, const std::string& hash, const records::RegistryEntry& entry = {},
             const records::Segment& segment = {}) {
        const auto put = (*this)[node].register_entry(now(node), hash, entry, 24h, segment);
        ASSERT_TRUE(put) << base::sentence(put.error());
        world().wake(node);
    }
    void put_text(std::size_t node, const std::string& hash, const std::string& text) {
        records::RegistryEntry entry;
        entry.type = "bag";
        entry.metadata = text;
        put(node, hash, entry);
    }
    bool have(const wire::RecordId& id) {
        for (std::size_t i = 0; i < size(); ++i) {
            if ((*this)[i].store().index().find(id) == nullptr) return false;
        }
        return true;
    }
    /// All of them, or those from one to before another, hold the same.
    bool agree(std::size_t first = 0, std::size_t end = ~std::size_t{0}) {
        std::set<std::vector<wire::RecordId>> held;
        for (std::size_t i = first; i < std::min(end, size()); ++i) {
            std::vector<wire::RecordId> ids;
            for (const auto& [address, one] : (*this)[i].store().index().all()) {
                ids.push_back(one.id);
            }
            held.insert(ids);
        }
        return held.size() == 1;
    }
    std::size_t records(std::size_t node) { return (*this)[node].store().index().size(); }

    std::uint64_t frames(MessageType type) { return frames_[type]; }
    std::uint64_t bytes_of(std::size_t node) { return bytes_[node]; }
    void reset_traffic() {
        frames_.clear();
        bytes_.clear();
    }

private:
    sim::Village village_;
    std::map<MessageType, std::uint64_t> frames_;
    std::map<std::size_t, std::uint64_t> bytes_;
};

TEST(WholeNodeRecords, AlertAmongTen_TakesAtMostEighteenDatagrams_AndReceiptsOfAllComeBack) {
    RecordsMesh mesh(10, 1);
    mesh.start_all();
    mesh.run(30s);
    mesh.reset_traffic();
    const auto id = mesh.raise(3);
    const auto taken = mesh.until([&] { return mesh.have(id); }, 1s);
    ASSERT_TRUE(taken);
    testing::Test::RecordProperty("reached_ms", static_cast<int>(*taken / 1ms));
    mesh.run(1s - *taken);
    EXPECT_EQ(mesh[3].alert(id).value().holders.size(), 9U);
    EXPECT_EQ(mesh[3].alert(id).value().targets.size(), 9U);
    mesh.run(1min);
    EXPECT_LE(mesh.frames(MessageType::record), 18U);
    testing::Test::RecordProperty("datagrams", static_cast<int>(mesh.frames(MessageType::record)));
}

/// Fifty take five seconds, most of them for their handshakes.
std::size_t scattered() { return test::effort<std::size_t>(30, 50); }

TEST(WholeNodeRecords, AlertAmongScattered_CostsEachAtMostOneAndAHalf) {
    RecordsMesh mesh(scattered(), 2);
    mesh.scatter(2);
    mesh.start_all();
    mesh.run(40s);
    mesh.reset_traffic();
    const auto id = mesh.raise(7);
    mesh.run(1s);
    EXPECT_TRUE(mesh.have(id));
    mesh.run(30s);
    EXPECT_LE(mesh.frames(MessageType::record), mesh.size() * 3 / 2);
    EXPECT_EQ(mesh[7].alert(id).value().holders.size(), mesh.size() - 1);
    testing::Test::RecordProperty("datagrams", static_cast<int>(mesh.frames(MessageType::record)));
}

TEST(WholeNodeRecords, AlertAtTwentyPercentLoss_ReachesAllWithinThreeEach) {
    const std::uint64_t seeds = test::effort<std::uint64_t>(1, 5);
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        RecordsMesh mesh(scattered(), seed);
        mesh.scatter(seed);
        mesh.start_all();
        mesh.run(40s);
        sim::LinkQuality quality;
        quality.loss_permille = 200;
        mesh.world().set_quality(quality);
        mesh.reset_traffic();
        const auto id = mesh.raise(7);
        const auto taken = mesh.until([&] { return mesh.have(id); }, 20s);
        EXPECT_TRUE(taken);
        mesh.run(20s);
        EXPECT_LE(mesh.frames(MessageType::record), 3 * mesh.size());
        EXPECT_EQ(mesh[7].alert(id).value().holders.size(), mesh.size() - 1);
        testing::Test::RecordProperty("reached_ms", static_cast<int>(taken.value_or(0s) / 1ms));
        testing::Test::RecordProperty("datagrams",
                                      static_cast<int>(mesh.frames(MessageType::record)));
    }
}

TEST(WholeNodeRecords, PartitionWithEditsOnBothSides_HealsToTheNewestOfEach) {
    RecordsMesh mesh(6, 3);
    mesh.start_all();
    mesh.run(20s);
    mesh.world().network().partition({{0, 1, 2}, {3, 4, 5}});
    for (int i = 0; i < 20; ++i) {
        for (std::size_t node = 0; node < 6; ++node) {
            mesh.put_text(node, "key " + std::to_string(i % 5), std::to_string(i));
        }
        mesh.run(3s);
    }
    EXPECT_TRUE(mesh.agree(0, 3));
    EXPECT_FALSE(mesh.agree());
    ASSERT_TRUE(mesh[2].remove(mesh.now(2), RecordKind::registry,
                               base::to_buffer(base::as_bytes("key 1"))));
    mesh.world().network().heal();
    EXPECT_TRUE(mesh.until([&] { return mesh.agree(); }, 40s));
    for (std::size_t node = 0; node < 6; ++node) EXPECT_EQ(mesh.records(node), 30U);
    const auto hits = mesh[5].search({.hash = "key 4", .node = mesh.key(0)}).value();
    ASSERT_EQ(hits.size(), 1U);
    EXPECT_EQ(hits[0].entry.metadata, "19");
    EXPECT_TRUE(mesh[5].search({.hash = "key 1", .node = mesh.key(2)}).value().empty());
}

TEST(WholeNodeRecords, NodeThatWasOff_LearnsWhatItMissed_AndNothingTwice) {
    RecordsMesh mesh(5, 4);
    mesh.start_all();
    mesh.run(20s);
    mesh.put_text(4, "own", "before");
    mesh.run(2s);
    mesh.world().crash(4);
    for (int i = 0; i < 300; ++i) mesh.put_text(0, "key " + std::to_string(i), "seen");
    const auto id = mesh.raise(1);
    mesh.run(3min);
    mesh.reset_traffic();
    mesh.start(4);
    EXPECT_TRUE(mesh.until([&] { return mesh.agree(); }, 30s));
    EXPECT_NE(mesh[4].store().index().find(id), nullptr);
    mesh.run(30s);
    // Four neighbours each find it out; what one is sending the others may send as well.
    EXPECT_LT(mesh.frames(MessageType::record), 4U * 302);
    testing::Test::RecordProperty("datagrams", static_cast<int>(mesh.frames(MessageType::record)));
}

TEST(WholeNodeRecords, IdleNodeWithTenPeers_StaysWithinItsBudget) {
    RecordsMesh mesh(11, 5);
    mesh.start_all();
    mesh.run(20s);
    for (int i = 0; i < 50; ++i) mesh.put_text(0, "key " + std::to_string(i), "seen");
    mesh.run(2min);
    ASSERT_EQ(mesh.peers(1), 10U);
    ASSERT_TRUE(mesh.agree());
    mesh.reset_traffic();
    mesh.run(5min);
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < mesh.size(); ++i) most = std::max(most, mesh.bytes_of(i));
    EXPECT_LT(most / 5, 10'000U);
    testing::Test::RecordProperty("bytes_a_minute", static_cast<int>(most / 5));
}

TEST(WholeNodeRecords, ClocksMinutesApart_AgreeAllTheSame) {
    RecordsMesh mesh(4, 6);
    mesh.clock(1).set_forward(2min);
    mesh.clock(2).set_forward(-90s);
    mesh.start_all();
    mesh.run(20s);
    for (int i = 0; i < 5; ++i) {
        for (std::size_t node = 0; node < 4; ++node) {
            mesh.put_text(node, "key " + std::to_string(i), std::to_string(i));
        }
        mesh.run(1s);
    }
    const auto id = mesh.raise(1);
    EXPECT_TRUE(mesh.until([&] { return mesh.have(id); }, 2s));
    EXPECT_TRUE(mesh.until([&] { return mesh.agree(); }, 30s));
    EXPECT_EQ(mesh.records(0), 21U);
}

TEST(WholeNodeRecords, ClockAYearAhead_ShutsItsNodeOutUntilItIsMended_AndNobodyElse) {
    RecordsMesh mesh(4, 7);
    mesh.start_all();
    mesh.run(20s);
    mesh.put_text(0, "here", "before");
    mesh.run(2s);
    mesh.clock(3).set_forward(24h * 365);
    mesh.put_text(3, "ahead", "of its time");
    mesh.put_text(1, "one", "seen");
    const auto id = mesh.raise(1);
    mesh.run(30s);
    EXPECT_TRUE(mesh.agree(0, 3));
    EXPECT_EQ(mesh.records(0), 3U);
    mesh.clock(3).set_forward(-24h * 365);
    mesh.put_text(3, "ahead", "in time again");
    mesh.put_text(3, "new", "in time again");
    EXPECT_TRUE(mesh.until([&] { return mesh.agree(); }, 2min));
    EXPECT_EQ(mesh.records(0), 5U);
    EXPECT_NE(mesh[3].store().index().find(id), nullptr);
}

records::Embedding towards(unsigned axis, float aside) {
    std::array<float, records::Embedding::dimensions> numbers{};
    numbers[axis] = 1;
    numbers[axis + 1] = aside;
    return records::quantise(numbers).value();
}

TEST(WholeNodeRecords, SearchBySimilarity_MergesWhatTenNodesHaveEachForItself) {
    // In a segment of its own nobody else keeps what a node has.
    RecordsMesh mesh(10, 8, 10);
    mesh.start_all();
    mesh.run(30s);
    for (std::size_t node = 0; node < 10; ++node) {
        const records::Segment own = mesh[node].store().segments()[0];
        for (unsigned i = 0; i < 5; ++i) {
            // The most similar of all is the first of node 9, then the first of node 8.
            const float aside = static_cast<float>(i) + static_cast<float>(10 - node) * 0.05F;
            const std::string hash = std::to_string(node) + "/" + std::to_string(i);
            records::RegistryEntry entry;
            entry.type = "face";
            entry.embedding = towards(7, aside);
            mesh.put(node, hash, entry, own);
        }
    }
    mesh.run(30s);
    EXPECT_EQ(mesh.records(0), 5U);
    const auto number =
        mesh[2].search_mesh(mesh.now(2), {.like = towards(7, 0), .count = 12}, 2s).value();
    mesh.world().wake(2);
    const auto view = [&] { return mesh[2].search_view(mesh.now(2), number).value(); };
    EXPECT_TRUE(mesh.until([&] { return view().done; }, 1s));
    EXPECT_EQ(view().asked, 9U);
    EXPECT_EQ(view().answered, 9U);
    EXPECT_EQ(view().searched, 50U);
    std::vector<std::string> found;
    for (const records::SearchHit& hit : view().hits) found.push_back(hit.hash);
    EXPECT_EQ(found, (std::vector<std::string>{"9/0", "8/0", "7/0", "6/0", "5/0", "4/0", "3/0",
                                               "2/0", "1/0", "0/0", "9/1", "8/1"}));
}

TEST(WholeNodeRecords, SessionLostWhileReconciling_GoesOnWhereItWas) {
    constexpr std::size_t count = 2'000;
    RecordsMesh mesh(2, 9);
    mesh.start(0);
    mesh.run(2s);
    for (std::size_t i = 0; i < count; ++i) mesh.put_text(0, "key " + std::to_string(i), "seen");
    mesh.run(3min);
    mesh.start(1);
    ASSERT_TRUE(mesh.until([&] { return mesh.records(1) > count / 4; }, 30s));
    ASSERT_LT(mesh.records(1), count * 3 / 4);
    mesh.world().network().partition({{0}, {1}});
    mesh.run(1min);
    ASSERT_EQ(mesh.peers(1), 0U) << "the session is lost";
    mesh.world().network().heal();
    EXPECT_TRUE(mesh.until([&] { return mesh.agree(); }, 1min));
    EXPECT_EQ(mesh.records(1), count);
    // What was under way when it broke is sent once more.
    EXPECT_LT(mesh.frames(MessageType::record), count + count / 4);
    testing::Test::RecordProperty("datagrams", static_cast<int>(mesh.frames(MessageType::record)));
}

}  // namespace
}  // namespace meshchain::tests
