// A storm of records from a peer with a session, over a real socket, at a real node: alarms come in
// and go out meanwhile.

#include <gtest/gtest.h>

#include "hostile/victim.h"
#include "records/alert.h"

namespace meshchain::tests {
namespace {

using namespace std::chrono_literals;
using wire::MessageType;

constexpr int rounds = 50;
constexpr int records_a_round = 100;

/// As a node signs it.
wire::Record alert_of(const Peer& peer, const wire::ChainId& chain, std::string text) {
    wire::Record record;
    record.kind = wire::RecordKind::alert;
    record.origin = peer.key().public_key();
    record.sequence = 1;
    record.stamp.ms = static_cast<std::uint64_t>(base::unix_ms(real_now().wall));
    record.expires = static_cast<std::uint32_t>(record.stamp.ms / 1'000) + 3'600;
    record.key = base::to_buffer(base::as_bytes("1"));
    record.body =
        records::encode(records::Alert{records::AlertPriority::critical, std::move(text), {}});
    record.signature = peer.key().sign(wire::record_preimage(chain, record));
    return record;
}

class RecordStormTest : public testing::Test {
protected:
    struct Listener {
        explicit Listener(const Victim& victim) : peer(victim.chain_id(), victim.link()) {
            peer.on_frame = [this](MessageType type, base::Bytes payload) {
                if (type == MessageType::record) heard.push_back(base::to_buffer(payload));
                return wire::Verdict::keep;
            };
        }
        Peer peer;
        std::vector<base::Buffer> heard;
    };

    void SetUp() override {
        auto started = Victim::start(MESHCHAIN_PROGRAM);
        ASSERT_TRUE(started) << base::sentence(started.error());
        victim_ = *std::move(started);
    }
    host::Json get(const std::string& target) {
        auto answer = victim_->client().get(target);
        EXPECT_TRUE(answer) << base::sentence(answer.error());
        return answer ? *answer : host::Json();
    }
    template <class Condition>
    static bool await(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (std::chrono::steady_clock::now() < deadline) {
            if (condition()) return true;
        }
        return false;
    }
    void raise(const std::string& text) {
        const auto raised =
            victim_->client().post("/v1/alerts", {{"text", text}, {"priority", "critical"}});
        EXPECT_TRUE(raised) << base::sentence(raised.error());
    }
    /// What it heard: as it came, with a byte changed, and behind the header of a stranger.
    static void storm(Peer& attacker, const base::Buffer& heard, std::uint32_t& sequence) {
        for (int i = 0; i < records_a_round; ++i) {
            base::Buffer changed = heard;
            changed[attacker.random().below(changed.size())] ^= std::byte{1};
            attacker.send(MessageType::record, i % 2 == 0 ? heard : std::move(changed));
            wire::FrameHeader header;
            header.type = MessageType::record;
            header.sender = crypto::node_id(attacker.key().public_key());
            header.timestamp = static_cast<std::uint32_t>(base::unix_ms(real_now().wall) / 1'000);
            header.sequence = ++sequence;
            attacker.send_raw(header, attacker.random_bytes(300));
        }
    }

    std::unique_ptr<Victim> victim_;
};

TEST_F(RecordStormTest, AlertsComeInAndGoOut_AndNobodyIsFlooded) {
    Listener honest(*victim_);
    Listener attacker(*victim_);
    ASSERT_TRUE(honest.peer.connect(15s));
    ASSERT_TRUE(attacker.peer.connect(15s));
    const auto both_are_met = [&] {
        honest.peer.pump(10ms);
        attacker.peer.pump(10ms);
        return get("/v1/topology").at("edges").size() == 2;
    };
    ASSERT_TRUE(await(both_are_met));
    // What is said in the first moments of a session waits until neighbours compare.
    for (int i = 0; i < 50; ++i) both_are_met();
    raise("fire");
    ASSERT_TRUE(await([&] {
        honest.peer.pump(10ms);
        return attacker.peer.pump(10ms, [&] { return !attacker.heard.empty(); });
    }));

    const base::Buffer known = attacker.heard.front();
    const wire::Record own = alert_of(honest.peer, victim_->chain_id(), "flood");
    std::uint32_t sequence = 1'000'000;
    for (int round = 0; round < rounds; ++round) {
        storm(attacker.peer, known, sequence);
        attacker.peer.pump(10ms);
        honest.peer.pump(10ms);
        if (round == rounds / 2) raise("smoke");
        if (round >= rounds / 2) honest.peer.send(MessageType::record, wire::encode(own));
    }
    const auto all_are_known = [&] { return get("/v1/alerts").at("alerts").size() == 3; };
    for (int i = 0; i < 100 && !all_are_known(); ++i) {
        honest.peer.send(MessageType::record, wire::encode(own));
        honest.peer.pump(50ms);
    }
    EXPECT_TRUE(victim_->is_running());
    EXPECT_EQ(get("/v1/alerts").at("alerts").size(), 3U) << "its own two, and the other's";
    const auto has_smoke = [&] {
        return std::ranges::any_of(honest.heard, [](const base::Buffer& bytes) {
            return base::as_text(bytes).find("smoke") != std::string_view::npos;
        });
    };
    EXPECT_TRUE(honest.peer.pump(15s, has_smoke));
    const host::Json records = get("/v1/records");
    EXPECT_GT(records.at("refused").at("bad_signature").get<int>(), 10) << host::to_line(records);
    // Peers of tests confirm nothing, so each alert is said seven times to each of the two.
    EXPECT_LE(records.at("sent").get<int>(), 2 * 3 * 7 + 10) << host::to_line(records);
    EXPECT_LE(honest.heard.size(), 30U);
}

}  // namespace
}  // namespace meshchain::tests
