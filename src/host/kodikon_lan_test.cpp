// Several bridges and nodes that behave as the original does, on one LAN: nothing goes round.

#include <set>

#include "host/test_kodikon.h"

namespace meshchain::host {
namespace {

using namespace test;
using testing::SizeIs;

/// Handles everything, and passes it on to all it knows with a number of its own (research 1.3).
struct Original {
    std::string id;
    base::LinkAddress address;
    std::uint64_t seq = 0;
    std::set<std::pair<std::string, std::uint64_t>> seen = {};
    std::size_t handled_alerts = 0;
};

class KodikonLanTest : public BridgeTest {
protected:
    static constexpr std::size_t datagrams_max = 400'000;

    explicit KodikonLanTest(unsigned bridges = 1) : BridgeTest(bridges) {}

    static base::LinkAddress address_of_bridge(unsigned bridge) { return host(200 + bridge); }

    void send(const base::LinkAddress& from, const std::optional<base::LinkAddress>& to,
              const KodikonMessage& message) {
        ASSERT_LE(++carried, datagrams_max) << "a storm without end";
        under_way.push_back({from, to, message});
    }
    /// Everybody whom the original would know, bridges included.
    void send_to_all(Original& from, const KodikonMessage& message) {
        for (const Original& other : originals) {
            if (other.id != from.id) send(from.address, other.address, message);
        }
        for (unsigned i = 0; i < all.size(); ++i) {
            send(from.address, address_of_bridge(i), message);
        }
    }
    void handle(Original& at, KodikonMessage message) {
        if (message.type == KodikonType::alert) ++at.handled_alerts;
        if (!at.seen.emplace(message.source, message.seq).second || message.path.size() >= 5)
            return;
        message.seq = ++at.seq;
        message.path.push_back(at.id);
        send_to_all(at, message);
    }
    void deliver() {
        while (!under_way.empty()) {
            const Frame frame = std::move(under_way.front());
            under_way.pop_front();
            const base::Buffer bytes = encode(frame.message).value();
            for (unsigned i = 0; i < all.size(); ++i) {
                if (frame.to && *frame.to != address_of_bridge(i)) continue;
                all[i]->handle_datagram(mesh.now(), frame.from, bytes);
            }
            for (Original& original : originals) {
                if (frame.to && *frame.to != original.address) continue;
                if (frame.from != original.address) handle(original, frame.message);
            }
        }
    }
    void live(base::Duration duration) {
        for (base::Duration passed{}; passed < duration; passed += 100ms) {
            run(100ms);
            for (const Sent& one : std::exchange(sent, {})) {
                send(address_of_bridge(one.bridge), one.to, one.message);
                told_by_bridges += one.message.type == KodikonType::alert;
            }
            deliver();
        }
    }
    void say(Original& from, const Said& said) {
        KodikonMessage message = parse_kodikon(bytes_of(said)).value();
        message.source = from.id;
        message.seq = ++from.seq;
        send_to_all(from, message);
        deliver();
    }
    std::size_t alerts_at(unsigned node) { return mesh[node].alerts(1'000).value().size(); }

    struct Frame {
        base::LinkAddress from;
        std::optional<base::LinkAddress> to;
        KodikonMessage message;
    };
    std::vector<Original> originals;
    std::deque<Frame> under_way;
    std::size_t carried = 0;
    std::size_t told_by_bridges = 0;
};

class OneBridge : public KodikonLanTest {
protected:
    OneBridge() {
        originals = {{"a", host(1), 1'000},
                     {"b", host(2), 2'000},
                     {"c", host(3), 3'000},
                     {"d", host(4), 4'000}};
        for (Original& one : originals) say(one, heartbeat(one.id));
    }
};
class TwoBridges : public KodikonLanTest {
protected:
    TwoBridges() : KodikonLanTest(2) {
        originals = {{"a", host(1), 1'000}};
        say(originals[0], heartbeat("a"));
        live(6s);
    }
};

TEST_F(OneBridge, StormOfOriginals_IsOneRecordAndTheBridgeAddsNothingToIt) {
    EXPECT_EQ(peers(), 4U);
    say(originals[0], alert("bag left"));
    live(5s);
    EXPECT_EQ(alerts_at(0), 1U);
    EXPECT_EQ(told_by_bridges, 0U);
    EXPECT_GE(carried, 200U) << "they did storm";
}

TEST_F(OneBridge, OurAlertAndSignsOfLife_AreHandledOnceAndStartNoStorm) {
    live(1s);
    carried = 0;
    ASSERT_TRUE(records().send_alert(mesh.now(), {records::AlertPriority::high, "fire", {}}, 1h));
    live(4s);
    for (const Original& one : originals) EXPECT_EQ(one.handled_alerts, 1U) << one.id;
    EXPECT_LE(carried, 4U + 4U) << "one each, and signs of life";
}

TEST_F(TwoBridges, AlertOfTheirs_IsOneRecordAndDoesNotPingPong) {
    say(originals[0], alert("bag left"));
    live(30s);
    EXPECT_EQ(alerts_at(0), 1U);
    EXPECT_EQ(alerts_at(1), 1U);
    EXPECT_EQ(told_by_bridges, 0U);
    EXPECT_EQ(originals[0].handled_alerts, 0U);
}

TEST_F(TwoBridges, AlertOfTheirs_IsCarriedWhenTheFirstBridgeDoesNot) {
    // What was heard as a bridge with the lowest name may be somebody who only says so.
    const unsigned second = all[0]->view().node_id < all[1]->view().node_id ? 1 : 0;
    mesh.disconnect(0, 1);
    say(originals[0], alert("bag left"));
    live(2s);
    EXPECT_EQ(alerts_at(second), 1U);
}

TEST_F(TwoBridges, AlertOfTheMesh_IsToldByEachBridgeOnceAndTakenByNone) {
    ASSERT_TRUE(mesh[0].send_alert(mesh.now(), {records::AlertPriority::high, "fire", {}}, 1h));
    live(30s);
    EXPECT_EQ(alerts_at(0), 1U);
    EXPECT_EQ(alerts_at(1), 1U);
    EXPECT_EQ(originals[0].handled_alerts, 2U);
    EXPECT_EQ(told_by_bridges, 2U);
}

TEST_F(TwoBridges, EntriesOfTheirs_AreNotToldBackByTheOtherBridge) {
    say(originals[0], entries({{"h", entry()}}, "a"));
    live(5s);
    EXPECT_EQ(all[0]->view().stats.entries_out + all[1]->view().stats.entries_out, 0U);
}

}  // namespace
}  // namespace meshchain::host
