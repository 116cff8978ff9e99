// Plain texts for people: their form, who of several says them, and how much air they get.

#include "radio/text_mirror.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "radio/radio_frames.h"

namespace meshchain::radio {
namespace {

using namespace std::chrono_literals;

constexpr base::Instant start{1h};

MirrorText alarm(std::string text) {
    return {.before = "ALARM critical: ", .middle = std::move(text), .after = " (from a1b2c3d4)"};
}

TEST(MirrorTextTest, WhatFits_IsSaidWhole) {
    EXPECT_EQ(alarm("Bag left").fitting(231), "ALARM critical: Bag left (from a1b2c3d4)");
}

TEST(MirrorTextTest, WhatDoesNotFit_IsCutBetweenCharacters_AndItsOriginStays) {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "ü€😀";
    for (std::size_t max = TextMirror::bytes_min; max <= 231; ++max) {
        const std::string cut = alarm(text).fitting(max);
        EXPECT_LE(cut.size(), max);
        EXPECT_GT(cut.size() + 4, max);
        EXPECT_TRUE(base::is_displayable(cut)) << cut;
        EXPECT_TRUE(cut.ends_with("… (from a1b2c3d4)")) << cut;
    }
}

TEST(MirrorTextTest, HostileText_StaysOneLineThatShowsAsItIs) {
    EXPECT_EQ(one_line("Fire\nALARM critical: all clear\r\t\x1b[2J"),
              "Fire ALARM critical: all clear   [2J");
    EXPECT_EQ(one_line("left\u202Eright\u2028next\u0085 \u200e"),
              "left right next  " + one_line("\u200e"));
    EXPECT_EQ(one_line("broken \xff\xc3"), "broken ??");
    EXPECT_EQ(one_line(std::string_view("a\0b", 3)), "a b");
    for (int byte = 0; byte < 256; ++byte) {
        EXPECT_TRUE(base::is_displayable(one_line(std::string(1, static_cast<char>(byte)))));
    }
}

TEST(MirrorTextTest, TextOfAnotherGateway_IsKnownWhereverItWasCut) {
    const MirrorText text = alarm(std::string(300, 'x'));
    EXPECT_TRUE(text.is_said_by(text.fitting(231)));
    EXPECT_TRUE(text.is_said_by(text.fitting(165)));
    EXPECT_TRUE(text.is_said_by(text.fitting(64)));
    EXPECT_TRUE(alarm("Bag left").is_said_by(alarm("Bag left").fitting(64)));
    EXPECT_FALSE(text.is_said_by("ALARM critical: … (from a1b2c3d4)")) << "cut to nothing";
    EXPECT_FALSE(text.is_said_by(alarm(std::string(300, 'y')).fitting(231)));
    EXPECT_FALSE(text.is_said_by(""));
    EXPECT_FALSE(text.is_said_by("…"));
    EXPECT_FALSE(alarm("Bag left").is_said_by("ALARM critical: Bag left (from a1b2c3d5)"));
}

class TextMirrorTest : public testing::Test {
protected:
    void say(Priority priority, const std::string& text,
             std::optional<base::Duration> spread = std::nullopt) {
        using Knows = TextMirror::Knows;
        mirror_.say(now_, priority, alarm(text), spread ? Knows::others_too : Knows::nobody_else,
                    spread.value_or(base::Duration{}));
        mirror_.check_invariants();
    }
    /// What leaves until `end`, each text with the seconds it took.
    std::vector<std::pair<std::string, base::Duration>> said_until(base::Instant end) {
        std::vector<std::pair<std::string, base::Duration>> said;
        while (true) {
            while (mirror_.next(now_)) said.emplace_back(mirror_.take(now_, 231), now_ - start);
            const base::Instant next = mirror_.poll_timeout(now_);
            if (next > end) break;
            EXPECT_GT(next, now_);
            now_ = next;
            mirror_.handle_timeout(now_);
        }
        now_ = end;
        return said;
    }

    base::Instant now_ = start;
    TextMirror mirror_{start, {}, base::Random(1)};
};

TEST_F(TextMirrorTest, MoreUrgentOne_GoesFirst_AndNoTwoFollowAtOnce) {
    say(Priority::record, "later");
    say(Priority::transaction, "sooner");
    const auto said = said_until(start + 1min);
    ASSERT_EQ(said.size(), 2U);
    EXPECT_NE(said[0].first.find("sooner"), std::string::npos);
    EXPECT_GE(said[1].second - said[0].second, 3s);
}

TEST_F(TextMirrorTest, WhatAnotherSaidDuringTheWait_IsNotSaidAgain) {
    say(Priority::transaction, "Bag left", 20s);
    mirror_.handle_heard(now_, alarm("Bag left").fitting(100));
    EXPECT_EQ(said_until(start + 5min).size(), 0U);
    EXPECT_EQ(mirror_.stats().said_by_others, 1U);
    EXPECT_EQ(mirror_.stats().foreign, 0U);
}

TEST_F(TextMirrorTest, WhatAnotherSaidBeforeWeKnew_IsNotSaidAgain_ForTenMinutes) {
    mirror_.handle_heard(now_, alarm("Bag left").fitting(231));
    say(Priority::transaction, "Bag left", 20s);
    EXPECT_EQ(said_until(start + 11min).size(), 0U);
    say(Priority::transaction, "Bag left", 20s);
    EXPECT_EQ(said_until(start + 12min).size(), 1U);
}

TEST_F(TextMirrorTest, WhatIsOursAlone_NobodyElseCanSilence) {
    mirror_.handle_heard(now_, alarm("mine").fitting(231));
    say(Priority::record, "mine");
    mirror_.handle_heard(now_, alarm("mine").fitting(231));
    EXPECT_EQ(said_until(start + 1min).size(), 1U);
}

TEST_F(TextMirrorTest, OfManyGateways_OneSpeaksFirst_AndTheUrgentSooner) {
    base::Duration urgent{};
    base::Duration other{};
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        for (const Priority priority : {Priority::transaction, Priority::record}) {
            TextMirror one(start, {}, base::Random(seed));
            one.say(start, priority, alarm("Bag left"), TextMirror::Knows::others_too, 20s);
            const base::Instant at = one.next(start) ? start : one.poll_timeout(start);
            (priority == Priority::transaction ? urgent : other) += at - start;
            EXPECT_LE(at - start, priority == Priority::transaction ? 20s : 120s);
        }
    }
    EXPECT_GT(urgent, 40 * 5s);
    EXPECT_GT(other, 3 * urgent);
}

TEST_F(TextMirrorTest, WhereItBegan_ItIsSaidBeforeOthersTurn) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        TextMirror own(start, {}, base::Random(seed));
        TextMirror other(start, {}, base::Random(1'000 + seed));
        own.say(start, Priority::transaction, alarm("Fire"), TextMirror::Knows::others_later, 20s);
        other.say(start, Priority::transaction, alarm("Fire"), TextMirror::Knows::others_too, 20s);
        EXPECT_LE(own.poll_timeout(start), start + 2500ms);
        EXPECT_GE(other.poll_timeout(start), start + 5s);
    }
}

TEST_F(TextMirrorTest, FloodOfWhatIsNotUrgent_KeepsNothingUrgentBack) {
    for (int i = 0; i < 60; ++i) say(Priority::record, std::to_string(i));
    said_until(now_ + 1min);
    say(Priority::transaction, "Fire");
    const auto said = said_until(now_ + 30s);
    ASSERT_FALSE(said.empty());
    EXPECT_NE(said.front().first.find("Fire"), std::string::npos);
}

TEST_F(TextMirrorTest, FloodOfAlarms_IsCutToItsRate_AndCounted) {
    std::size_t said = 0;
    for (int second = 0; second < 600; ++second) {
        for (int i = 0; i < 10; ++i) say(Priority::transaction, std::to_string(10 * second + i));
        said += said_until(now_ + 1s).size();
    }
    EXPECT_LE(said, 8U + 4 * 10);
    EXPECT_GE(said, 40U);
    EXPECT_EQ(mirror_.stats().over_rate + said + mirror_.waiting(), 6'000U);
}

TEST_F(TextMirrorTest, WhatFoundNoAir_IsNewsNoMore_AndCounted) {
    say(Priority::transaction, "Bag left");
    now_ = start + 10min;
    mirror_.handle_timeout(now_);
    EXPECT_EQ(mirror_.next(now_), std::nullopt);
    EXPECT_EQ(mirror_.poll_timeout(now_), base::never);
    EXPECT_EQ(mirror_.stats().stale, 1U);
}

/// Takes everything at once; tells what it was.
class FakeLink final : public PacketLink {
public:
    NodeNumber number() const override { return NodeNumber{7}; }
    std::size_t payload_bytes_max() const override { return 231; }
    bool is_ready() const override { return ready; }
    std::expected<void, base::Error> send(base::Instant, base::Bytes payload,
                                          std::uint8_t) override {
        sent.push_back("packet of " + std::to_string(payload.size()));
        return {};
    }
    std::optional<ReceivedPacket> receive() override { return std::nullopt; }
    std::optional<unsigned> take_channel_use_percent(base::Instant) override {
        return std::exchange(use_percent, std::nullopt);
    }
    std::optional<base::Error> text_fault() const override {
        return has_channel ? std::nullopt : PacketLink::text_fault();
    }
    std::expected<void, base::Error> send_text(base::Instant, std::string_view text,
                                               std::uint8_t) override {
        sent.emplace_back(text);
        return {};
    }
    std::optional<std::string> receive_text() override { return std::exchange(heard, {}); }

    std::vector<std::string> sent;
    std::optional<std::string> heard;
    std::optional<unsigned> use_percent;
    bool ready = true;
    bool has_channel = true;
};

class TextsOnTheAir : public testing::Test {
protected:
    explicit TextsOnTheAir(unsigned share_permille = 10)
        : frames_(start,
                  {.airtime = {.share_permille = share_permille},
                   .outbox = {},
                   .reassembly = {},
                   .mirror = MirrorOptions{}},
                  link_, base::Random(3)) {}

    void run_until(base::Instant end) {
        while (frames_.poll_timeout() <= end) {
            ASSERT_GT(frames_.poll_timeout() + 1s, now_);
            now_ = std::max(now_, frames_.poll_timeout());
            frames_.handle_timeout(now_);
            static_cast<void>(frames_.receive(now_));
            ASSERT_LT(++rounds_, 100'000);
        }
        now_ = end;
    }
    void say_packet(wire::MessageType type, std::uint8_t priority, std::size_t bytes) {
        const wire::MessageRule rule{type, wire::MessageClass::object, 0, 8'192, 60, priority,
                                     true};
        const base::Buffer payload(bytes, std::byte{1});
        ASSERT_TRUE(
            frames_.send(now_, rule, {.type = type, .sender = {}, .hop_limit = 3}, payload, {}));
    }

    base::Instant now_ = start;
    int rounds_ = 0;
    FakeLink link_;
    RadioFrames frames_;
};

TEST_F(TextsOnTheAir, AnAlarm_GoesAfterAVote_AndBeforeWhatSynchronises) {
    link_.ready = false;
    say_packet(wire::MessageType::sync_response, 3, 100);
    say_packet(wire::MessageType::block_ack, 0, 50);
    frames_.mirror(now_, Priority::transaction, alarm("Bag left"), TextMirror::Knows::nobody_else);
    link_.ready = true;
    run_until(start + 1min);
    EXPECT_EQ(link_.sent,
              (std::vector<std::string>{"packet of 53", "ALARM critical: Bag left (from a1b2c3d4)",
                                        "packet of 103"}));
    EXPECT_EQ(frames_.stats().texts.packets, 1U);
    EXPECT_EQ(frames_.budget().total(), frames_.budget().airtime_of(53) +
                                            frames_.budget().airtime_of(40) +
                                            frames_.budget().airtime_of(103));
}

TEST_F(TextsOnTheAir, FloodForHours_SpendsNoMoreThanItsShareOfAnyHour_AndVotesStillLeave) {
    for (int minute = 0; minute < 180; ++minute) {
        for (int i = 0; i < 5; ++i) {
            frames_.mirror(now_, Priority::transaction,
                           alarm(std::to_string(minute) + std::string(300, 'x')),
                           TextMirror::Knows::nobody_else);
        }
        run_until(now_ + 1min);
    }
    EXPECT_LE(frames_.stats().texts.airtime, 4 * frames_.budget().per_hour() / 4);
    EXPECT_GE(frames_.stats().texts.packets, 6U);
    EXPECT_GT(frames_.texts()->stats().over_rate, 100U);
    EXPECT_GE(frames_.budget().left(now_), frames_.budget().per_hour() / 2);
    const std::size_t before = link_.sent.size();
    say_packet(wire::MessageType::block_ack, 0, 50);
    ASSERT_EQ(link_.sent.size(), before + 1);
    EXPECT_EQ(link_.sent.back(), "packet of 53");
}

TEST_F(TextsOnTheAir, WhatIsHeardOnTheChannel_SilencesUs) {
    frames_.mirror(now_, Priority::record, alarm("Bag left"), TextMirror::Knows::others_too);
    link_.heard = alarm("Bag left").fitting(231);
    static_cast<void>(frames_.receive(now_));
    run_until(start + 20min);
    EXPECT_TRUE(link_.sent.empty());
    EXPECT_EQ(frames_.texts()->stats().said_by_others, 1U);
}

TEST_F(TextsOnTheAir, OnABusyChannel_WhatCanWaitWaits_AndCriticalAlarmsLeave) {
    link_.use_percent = 30;
    frames_.mirror(now_, Priority::record, alarm("paid"), TextMirror::Knows::nobody_else);
    frames_.mirror(now_, Priority::transaction, alarm("Fire"), TextMirror::Knows::nobody_else);
    run_until(start + 5min);
    EXPECT_EQ(link_.sent, std::vector<std::string>{alarm("Fire").fitting(231)});
}

TEST_F(TextsOnTheAir, RadioWithoutTheChannel_IsWaitedFor) {
    link_.has_channel = false;
    frames_.mirror(now_, Priority::transaction, alarm("Fire"), TextMirror::Knows::nobody_else);
    run_until(start + 1min);
    EXPECT_TRUE(link_.sent.empty());
    link_.has_channel = true;
    run_until(start + 2min);
    EXPECT_EQ(link_.sent.size(), 1U);
}

}  // namespace
}  // namespace meshchain::radio
