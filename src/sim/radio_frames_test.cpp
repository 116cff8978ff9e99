// Messages over simulated radios: whole programs of the radio module on one LoRa medium.

#include "radio/radio_frames.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "sim/radio_door.h"

namespace meshchain::sim {
namespace {

using namespace std::chrono_literals;
using wire::MessageType;

constexpr wire::MessageRule rule_of(MessageType type, std::uint8_t priority,
                                    wire::MessageClass message_class = wire::MessageClass::object) {
    return {type, message_class, 0, 8'192, 60, priority, true};
}
constexpr wire::MessageRule vote_rule = rule_of(MessageType::block_ack, 0);
constexpr wire::MessageRule block_rule = rule_of(MessageType::block, 1);
constexpr wire::MessageRule payment_rule = rule_of(MessageType::transaction, 2);
constexpr wire::MessageRule question_rule =
    rule_of(MessageType::sync_request, 3, wire::MessageClass::control);
constexpr wire::MessageRule sync_rule = rule_of(MessageType::sync_response, 3);
constexpr base::Instant start{1h};

/// Radios and their programs; what is sent is numbered, so that each can tell what it got.
class Air {
public:
    Air(const std::vector<Place>& places, const LoraSetting& setting,
        const std::vector<radio::RadioOptions>& options, std::uint64_t seed = 1)
        : random_(seed), mesh_(setting, places, random_.stream("air")), watch_(budgets(options)) {
        for (std::size_t i = 0; i < places.size(); ++i) {
            doors_.push_back(std::make_unique<RadioDoor>(mesh_, watch_, setting.modulation, i,
                                                         [this] { return now_; }));
            programs_.push_back(std::make_unique<radio::RadioFrames>(
                now_, options[i], *doors_[i], random_.stream(std::to_string(i))));
        }
    }

    /// Returns the message's number; nothing: it was not taken.
    std::optional<std::uint32_t> offer(std::size_t from, const wire::MessageRule& rule,
                                       std::size_t bytes, const wire::Spoken& how,
                                       std::uint8_t hop_limit = 3) {
        base::Buffer payload(bytes);
        for (std::byte& value : payload) value = static_cast<std::byte>(random_.below(256));
        for (std::size_t i = 0; i < 4; ++i) payload[i] = static_cast<std::byte>(sent_ >> 8 * i);
        if (!programs_[from]->send(now_, rule,
                                   {.type = rule.type, .sender = {}, .hop_limit = hop_limit},
                                   payload, how)) {
            return std::nullopt;
        }
        content_[sent_] = std::move(payload);
        sent_at_[sent_] = now_;
        return sent_++;
    }
    std::uint32_t send(std::size_t from, const wire::MessageRule& rule, std::size_t bytes) {
        return offer(from, rule, bytes, {}).value();
    }
    void run_until(base::Instant end) {
        while (true) {
            base::Instant next = mesh_.poll_timeout();
            for (const auto& program : programs_) next = std::min(next, program->poll_timeout());
            if (next > end) break;
            now_ = std::max(now_, next);
            mesh_.handle_timeout(now_);
            while (const auto delivery = mesh_.poll_delivery()) {
                doors_[delivery->to]->arrive(*delivery);
            }
            // Also those whose radio takes packets again.
            for (std::size_t i = 0; i < programs_.size(); ++i) listen(i);
            for (const auto& program : programs_) {
                if (program->poll_timeout() <= now_) program->handle_timeout(now_);
            }
        }
        now_ = end;
        for (const auto& program : programs_) program->check_invariants();
    }
    void run(base::Duration time) { run_until(now_ + time); }

    bool has(std::size_t radio, std::uint32_t message) const {
        return heard_.contains({radio, message});
    }
    /// How many of the others have it.
    std::size_t holders(std::uint32_t message) const {
        std::size_t count = 0;
        for (std::size_t i = 0; i < programs_.size(); ++i) count += has(i, message);
        return count;
    }
    base::Duration delay(std::size_t radio, std::uint32_t message) const {
        return heard_.at({radio, message}) - sent_at_.at(message);
    }
    void expect_budgets_held() const {
        for (std::size_t i = 0; i < doors_.size(); ++i) {
            EXPECT_TRUE(doors_[i]->is_within_budget()) << i;
        }
    }

    /// Radios that passed it on to this one, as its program says.
    std::optional<std::uint8_t> hops(std::size_t radio, std::uint32_t message) const {
        return hops_.at({radio, message});
    }

    base::Instant now() const { return now_; }
    base::Random& random() { return random_; }
    LoraMesh& mesh() { return mesh_; }
    AirtimeWatch& watch() { return watch_; }
    radio::RadioFrames& program(std::size_t radio) { return *programs_[radio]; }

private:
    static std::vector<base::Duration> budgets(const std::vector<radio::RadioOptions>& options) {
        std::vector<base::Duration> most;
        for (const radio::RadioOptions& each : options) {
            most.push_back(base::Duration(1h) / 1000 * each.airtime.share_permille);
        }
        return most;
    }
    void listen(std::size_t radio) {
        while (const auto heard = programs_[radio]->receive(now_)) {
            const base::Bytes payload = heard->frame.payload;
            std::uint32_t number = 0;
            for (std::size_t i = 0; i < 4; ++i) {
                number |= std::to_integer<std::uint32_t>(payload[i]) << 8 * i;
            }
            ASSERT_TRUE(base::equal(payload, content_.at(number)));
            heard_.emplace(std::pair(radio, number), now_);
            hops_.emplace(std::pair(radio, number), heard->hops);
        }
    }

    base::Random random_;
    base::Instant now_ = start;
    LoraMesh mesh_;
    AirtimeWatch watch_;
    std::vector<std::unique_ptr<RadioDoor>> doors_;
    std::vector<std::unique_ptr<radio::RadioFrames>> programs_;
    std::uint32_t sent_ = 0;
    std::map<std::uint32_t, base::Buffer> content_;
    std::map<std::uint32_t, base::Instant> sent_at_;
    std::map<std::pair<std::size_t, std::uint32_t>, base::Instant> heard_;
    std::map<std::pair<std::size_t, std::uint32_t>, std::optional<std::uint8_t>> hops_;
};

std::vector<Place> crowd(std::size_t count, std::int32_t apart) {
    std::vector<Place> places;
    for (std::size_t i = 0; i < count; ++i) {
        const auto n = static_cast<std::int32_t>(i);
        places.push_back({n % 5 * apart, n / 5 * apart});
    }
    return places;
}

std::vector<radio::RadioOptions> same(std::size_t count, const radio::RadioOptions& options = {}) {
    return std::vector<radio::RadioOptions>(count, options);
}

TEST(RadioFrames, OneLongMessage_IsJoinedByAllOverTwoHops) {
    Air air({{0, 0}, {6'000, 0}, {12'000, 0}, {6'000, 500}}, {}, same(4));
    const std::uint32_t message = air.send(0, block_rule, 290);
    air.run(2min);
    EXPECT_EQ(air.holders(message), 3U);
    EXPECT_EQ(air.program(0).stats().sent.at(MessageType::block).packets, 2U);
    EXPECT_EQ(air.program(0).stats().wishes.packets, 0U);
}

TEST(RadioFrames, PiecesThatGetLost_AreWishedForUntilAllHaveThem) {
    Air air(crowd(6, 300), {.loss_permille = 300}, same(6), 2);
    std::vector<std::uint32_t> messages;
    for (int i = 0; i < 3; ++i) {
        messages.push_back(air.send(static_cast<std::size_t>(i), sync_rule, 1'200));
        air.run(10min);
    }
    air.run(1h);
    std::size_t got = 0;
    for (const std::uint32_t message : messages) got += air.holders(message);
    EXPECT_EQ(got, 15U);
    air.expect_budgets_held();
}

TEST(RadioFrames, UrgentMessage_OvertakesWhatWaits) {
    Air air(crowd(2, 300), {}, same(2));
    // More than the bucket holds.
    for (int i = 0; i < 12; ++i) air.send(0, payment_rule, 220);
    air.run(30s);
    EXPECT_TRUE(air.program(0).deferral().has_value());
    const std::uint32_t vote = air.send(0, vote_rule, 150);
    air.run(10s);
    EXPECT_TRUE(air.has(1, vote));
    EXPECT_GT(air.program(0).waiting(), 3U);
    EXPECT_EQ(air.program(0).deferral()->reason, radio::AirtimeBudget::Reason::pace);
    EXPECT_GT(air.program(0).deferral()->until, air.now());
}

TEST(RadioFrames, WhoOnlyListens_NeverSpeaksNotEvenAWish) {
    auto options = same(2);
    options[1].listen_only = true;
    Air air(crowd(2, 300), {.loss_permille = 300}, options);
    EXPECT_FALSE(air.program(1).send(air.now(), vote_rule, {}, base::Buffer(10), {}).has_value());
    for (int i = 0; i < 3; ++i) air.send(0, sync_rule, 900);
    air.run(2h);
    EXPECT_EQ(air.watch().total(1), 0s);
    EXPECT_GT(air.program(1).stats().received, 6U);
}

TEST(RadioFrames, WhatIsKeptOffRadio_DoesNotGoThere) {
    Air air(crowd(2, 300), {}, same(2));
    wire::MessageRule rule = sync_rule;
    rule.on_radio = false;
    const auto sent = air.program(0).send(air.now(), rule, {}, base::Buffer(10), {});
    ASSERT_FALSE(sent.has_value());
    EXPECT_EQ(sent.error().code, base::Errc::unavailable);
}

TEST(RadioFrames, ForeignPackets_AreCountedAndNothingElse) {
    Air air(crowd(2, 300), {}, same(2));
    ASSERT_TRUE(air.mesh().submit(air.now(), 0, base::as_bytes("{\"alarm\":1}")));
    ASSERT_TRUE(air.mesh().submit(air.now(), 0, base::as_bytes("\xf9\x01")));
    air.run(1min);
    const auto& faults = air.program(1).stats().faults;
    EXPECT_EQ(faults[static_cast<std::size_t>(radio::PacketFault::foreign)], 1U);
    EXPECT_EQ(faults[static_cast<std::size_t>(radio::PacketFault::length)], 1U);
    EXPECT_EQ(air.program(1).stats().received, 2U);
}

/// Twenty radios in one hop, of which seven vote in rounds of six minutes; a payment a minute, and
/// a block for every two.
TEST(RadioFrames, VillageForTwoHours_HearsNearlyEverything_WithinEveryBudget) {
    std::vector<radio::RadioOptions> options = same(20);
    for (std::size_t i = 0; i < 7; ++i) options[i].airtime.share_permille = 20;
    Air air(crowd(20, 200), {.loss_permille = 150}, options);
    std::map<MessageType, std::vector<std::uint32_t>> sent;
    for (int minute = 0; minute < 120; ++minute) {
        air.run(base::Duration(1s) * static_cast<int>(air.random().below(20)));
        sent[MessageType::transaction].push_back(
            air.send(7 + air.random().below(13), payment_rule, 110));
        if (minute % 2 == 1) {
            air.run(10s);
            sent[MessageType::block].push_back(air.send(air.random().below(7), block_rule, 218));
        }
        for (std::size_t voter = 0; voter < 7; ++voter) {
            if (minute % 6 != 0) break;
            sent[MessageType::block_ack].push_back(air.send(voter, vote_rule, 150));
        }
        air.run_until(start + (minute + 1) * 1min);
    }
    air.run(5min);
    air.expect_budgets_held();
    for (const auto& [type, messages] : sent) {
        std::size_t held = 0;
        for (const std::uint32_t message : messages) held += air.holders(message);
        const std::size_t all = messages.size() * 19;
        EXPECT_GT(held * 100, all * 97) << wire::name(type) << ": " << held << " of " << all;
        RecordProperty(std::string(wire::name(type)),
                       std::to_string(held) + " of " + std::to_string(all));
    }
    const base::Duration air_used = air.mesh().medium().counts().air;
    RecordProperty("channel_permille", std::to_string(air_used * 1000 / (air.now() - start)));
    EXPECT_LT(air_used * 100 / (air.now() - start), 25);
}

TEST(RadioFrames, FloodFromOtherLinksAtTenTimesTheBudget_LeavesTheNodeItsPart) {
    Air air(crowd(2, 300), {}, same(2));
    std::vector<std::uint32_t> own;
    const base::Duration budget = air.program(0).budget().per_hour();
    const base::Duration each = air.program(0).budget().airtime_of(153);
    const base::Duration pause = base::Duration(1h) / (10 * (budget / each));
    constexpr wire::Spoken bridged{.bridged = true};
    for (const base::Instant end = air.now() + 3h; air.now() < end;) {
        const auto since = air.now() - start;
        if (since / 10min == static_cast<std::int64_t>(own.size())) {
            own.push_back(air.send(0, vote_rule, 150));
        }
        air.offer(0, vote_rule, 150, bridged);
        air.run(pause);
    }
    air.run(10min);
    for (const std::uint32_t vote : own) {
        ASSERT_TRUE(air.has(1, vote)) << vote;
        EXPECT_LT(air.delay(1, vote), 2min) << vote;
    }
    air.expect_budgets_held();
    const base::Duration bridged_for = air.program(0).stats().bridged.airtime;
    EXPECT_LE(bridged_for, 4 * (budget / 2)) << "of any hour no more than half";
    EXPECT_GE(bridged_for, 3 * (budget / 2) * 8 / 10) << "what is left to them they use";
}

TEST(RadioFrames, WhatIsNotToCross_IsRefusedAndCounted_AndOurOwnIsNot) {
    radio::RadioOptions options;
    options.bridge.carries = {true, false, false, false};
    Air air(crowd(2, 300), {}, same(2, options));
    constexpr wire::Spoken bridged{.bridged = true};
    EXPECT_FALSE(air.offer(0, payment_rule, 110, bridged));
    EXPECT_FALSE(air.offer(0, block_rule, 110, bridged));
    const auto vote = air.offer(0, vote_rule, 150, bridged);
    ASSERT_TRUE(vote.has_value());
    const std::uint32_t payment = air.send(0, payment_rule, 110);
    air.run(1min);
    EXPECT_TRUE(air.has(1, *vote));
    EXPECT_TRUE(air.has(1, payment));
    EXPECT_EQ(air.program(0).stats().not_carried, 2U);
    EXPECT_EQ(air.program(0).stats().bridged.packets, 1U);
}

TEST(RadioFrames, BridgedShareUsedUp_HoldsUpNeitherTheNodeNorWhatItIsAboutToSay) {
    Air air(crowd(2, 300), {}, same(2));
    constexpr wire::Spoken bridged{.bridged = true};
    for (int i = 0; i < 40; ++i) air.offer(0, vote_rule, 150, bridged);
    air.run(5min);
    ASSERT_GT(air.program(0).waiting(), 0U);
    ASSERT_TRUE(air.program(0).deferral().has_value());
    EXPECT_EQ(air.program(0).free_at(air.now(), payment_rule, 110), air.now());
    const std::uint32_t payment = air.send(0, payment_rule, 110);
    air.run(10s);
    EXPECT_TRUE(air.has(1, payment));
}

TEST(RadioFrames, RelaysBetween_AreCounted) {
    Air air({{0, 0}, {6'000, 0}, {12'000, 0}}, {}, same(3));
    const std::uint32_t far = air.send(0, vote_rule, 150);
    air.run(1min);
    EXPECT_EQ(air.hops(1, far), 0U);
    EXPECT_EQ(air.hops(2, far), 1U);
    const auto near = air.offer(0, vote_rule, 150, {}, 0);
    ASSERT_TRUE(near.has_value());
    air.run(1min);
    ASSERT_TRUE(air.has(1, *near));
    EXPECT_EQ(air.hops(1, *near), 0U) << "though it had no hop to go";
    EXPECT_FALSE(air.has(2, *near));
}

/// More of it than the bucket holds.
void use_up(Air& air, const wire::MessageRule& rule) {
    for (int i = 0; i < 12; ++i) air.send(0, rule, 220);
    air.run(30s);
    ASSERT_TRUE(air.program(0).deferral().has_value());
}

TEST(RadioFrames, WhatIsSoonOutOfDate_IsDropped_AndAnObjectIsNot) {
    Air air(crowd(2, 300), {}, same(2));
    use_up(air, payment_rule);
    const base::Duration patience = 40 * air.program(0).packet_time();
    const std::uint32_t question = air.send(0, question_rule, 150);
    const std::uint32_t object = air.send(0, sync_rule, 150);
    const auto again = air.offer(0, sync_rule, 140, {.again = true});
    ASSERT_TRUE(again.has_value());
    air.run(patience - 1s);
    const std::size_t waiting = air.program(0).waiting();
    ASSERT_GE(waiting, 3U);
    air.run(2s);
    EXPECT_EQ(air.program(0).waiting(), waiting - 2);
    air.run(2h);
    EXPECT_FALSE(air.has(1, *again)) << "it was said once before";
    EXPECT_FALSE(air.has(1, question)) << "its answer would come too late";
    EXPECT_TRUE(air.has(1, object));
}

TEST(RadioFrames, HurriedQuestion_LeavesBesideBlocks) {
    Air air(crowd(2, 300), {}, same(2));
    use_up(air, payment_rule);
    const std::uint32_t usual = air.send(0, question_rule, 150);
    const auto hurried = air.offer(0, question_rule, 150, {.hurried = true});
    ASSERT_TRUE(hurried.has_value());
    air.run(10s);
    EXPECT_TRUE(air.has(1, *hurried));
    EXPECT_FALSE(air.has(1, usual));
}

// Or whoever asks often enough uses up what is kept for new votes.
TEST(RadioFrames, VoteThatIsRepeatedForWhoAsked_LeavesTheAirThatIsKeptForNewOnes) {
    Air air(crowd(2, 300), {}, same(2));
    use_up(air, block_rule);
    const auto repeated = air.offer(0, vote_rule, 150, {.hurried = true});
    const auto fresh = air.offer(0, vote_rule, 60, {});
    ASSERT_TRUE(repeated.has_value() && fresh.has_value());
    air.run(5s);
    EXPECT_TRUE(air.has(1, *fresh));
    EXPECT_FALSE(air.has(1, *repeated));
}

TEST(RadioFrames, WhoLetsOthersSpeakFirst_BeginsHisTurnLater) {
    Air air(crowd(2, 300), {}, same(2));
    const base::Duration packet = air.program(0).packet_time();
    const auto first = air.offer(0, vote_rule, 150, {.crowd = 4});
    ASSERT_TRUE(first.has_value());
    air.run(10min);
    EXPECT_LE(air.delay(1, *first), 10 * packet);
    const auto last = air.offer(0, vote_rule, 150, {.crowd = 4, .others_first = 3});
    ASSERT_TRUE(last.has_value());
    air.run(10min);
    EXPECT_GE(air.delay(1, *last), 30 * packet);
    EXPECT_LE(air.delay(1, *last), 40 * packet);
    // What nobody else holds is not left to others.
    const auto own = air.offer(0, vote_rule, 150, {.others_first = 3});
    ASSERT_TRUE(own.has_value());
    air.run(10min);
    EXPECT_LE(air.delay(1, *own), 2 * packet);
}

}  // namespace
}  // namespace meshchain::sim
