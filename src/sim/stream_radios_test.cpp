// Several radios and their clients on one air, in virtual time.

#include "sim/stream_radios.h"

#include <gmock/gmock.h>

#include "radio/stream_link.h"
#include "radio/test_cipher.h"
#include "radio/test_radio_client.h"

namespace meshchain::sim {
namespace {

using namespace radio;
using namespace radio::test;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

class StreamRadiosTest : public testing::Test {
protected:
    void open(const StreamRadios::Options& options = {}) {
        radios_.emplace(options);
        news_ = std::vector<News>(options.radios);
        for (std::size_t i = 0; i < options.radios; ++i) say(i, framed(WantConfig{1}));
    }
    void say(std::size_t index, base::Bytes bytes) {
        radios_->handle_bytes(now_, index, bytes);
        news_[index].add(radios_->poll_bytes(index));
    }
    void pass(base::Duration time) {
        const base::Instant end = now_ + time;
        while (radios_->poll_timeout() <= end) {
            now_ = radios_->poll_timeout();
            radios_->handle_timeout(now_);
            for (std::size_t i = 0; i < news_.size(); ++i) {
                const base::Buffer bytes = radios_->poll_bytes(i);
                if (!bytes.empty()) heard_at_ = now_;
                news_[i].add(bytes);
            }
        }
        now_ = end;
    }
    std::size_t heard(std::size_t index) const { return news_[index].on(private_port).size(); }

    std::optional<StreamRadios> radios_;
    std::vector<News> news_;
    base::Instant now_{};
    base::Instant heard_at_{};
};

TEST_F(StreamRadiosTest, OptionThatCannotWork_IsNamedWithWhatToDo) {
    const auto refusal = [](const StreamRadios::Options& options) {
        const auto checked = StreamRadios::check(options);
        return checked ? "" : base::sentence(checked.error());
    };
    EXPECT_EQ(refusal({}), "");
    EXPECT_THAT(refusal({.radios = 0}), HasSubstr("--radios: 0 radios; choose 1 to 64"));
    EXPECT_THAT(refusal({.radios = 65}), HasSubstr("65 radios"));
    EXPECT_THAT(refusal({.loss_permille = 1'001}), HasSubstr("--loss"));
    EXPECT_THAT(refusal({.channel = "twelve bytes"}), HasSubstr("--channel"));
}

TEST_F(StreamRadiosTest, WhatOneClientSends_IsHeardByTheOther_AfterItsTimeOnTheAir) {
    open();
    MeshPacket packet = packet_of(9, 231);
    packet.hop_limit = 0;
    say(0, framed(packet));
    const base::Duration takes = time_on_air(modulation_of(Preset::long_fast), packet_bytes_max);
    pass(takes - milliseconds(1));
    EXPECT_EQ(heard(1), 0U);
    pass(seconds(5));
    ASSERT_EQ(heard(1), 1U);
    EXPECT_EQ(radios_->airtime(0), takes);
    const MeshPacket got = news_[1].on(private_port)[0];
    EXPECT_EQ(got.from, StreamRadios::number_of(0));
    EXPECT_EQ(got.id, 9U);
    EXPECT_GT(got.rx_snr, 0);
    EXPECT_LT(got.rx_rssi, 0);
    EXPECT_EQ(std::get<Content>(got.content).payload, std::get<Content>(packet.content).payload);
    EXPECT_EQ(heard(0), 0U);
    EXPECT_EQ(news_[0].of<QueueStatus>().back().free, 16U) << "it has left";
}

TEST_F(StreamRadiosTest, ShortPacketOfALowPort_TakesTheAirOfItsOwnBytes) {
    open();
    MeshPacket packet = packet_of(9, 5, Port::text);
    packet.hop_limit = 0;
    say(0, framed(packet));
    pass(seconds(5));
    // Port, payload and bit field, with a byte or two before each.
    EXPECT_EQ(radios_->airtime(0),
              time_on_air(modulation_of(Preset::long_fast), packet_header_bytes + 2 + 7 + 2));
    EXPECT_EQ(news_[1].on(Port::text).size(), 1U);
}

TEST_F(StreamRadiosTest, InALine_PacketsGoAsFarAsTheirHops) {
    open({.radios = 5, .is_line = true});
    MeshPacket packet = packet_of(1, 20);
    packet.hop_limit = 2;
    say(0, framed(packet));
    pass(minutes(1));
    for (const std::size_t i : {1U, 2U, 3U}) {
        ASSERT_EQ(heard(i), 1U) << i;
        const MeshPacket got = news_[i].on(private_port)[0];
        EXPECT_EQ(got.hop_start, 2);
        EXPECT_EQ(got.hop_start - got.hop_limit, i - 1);
        EXPECT_EQ(news_[i].of<NodeInfo>().back().hops_away, i - 1);
    }
    EXPECT_EQ(heard(4), 0U);
}

TEST_F(StreamRadiosTest, OfFortyPacketsAtOnce_SixteenArrive_InTheirOrder) {
    open({.preset = Preset::short_turbo});
    say(0, packets_at_once(40));
    pass(minutes(1));
    ASSERT_EQ(heard(1), 16U);
    for (std::uint32_t i = 0; i < 16; ++i) {
        EXPECT_EQ(news_[1].on(private_port)[i].id, i + 1);
    }
}

TEST_F(StreamRadiosTest, RadioThatStartsAnew_LosesWhatItHadToSend) {
    open();
    say(0, packets_at_once(16));
    pass(milliseconds(1));
    say(0, reboot_request(StreamRadios::number_of(0)));
    EXPECT_EQ(news_[0].of<Rebooted>().size(), 1U);
    pass(minutes(2));
    EXPECT_LE(heard(1), 1U) << "one may have been on the air";
    say(0, framed(packet_of(50, 20)));
    pass(minutes(1));
    EXPECT_EQ(news_[1].on(private_port).back().id, 50U);
}

TEST_F(StreamRadiosTest, AcknowledgementsComeFromWhoPassesItOn_OrFromItsReceiver) {
    open({.radios = 3, .is_line = true});
    MeshPacket packet = packet_of(1, 20);
    packet.wants_ack = true;
    packet.to = StreamRadios::number_of(2);
    say(0, framed(packet));
    pass(minutes(1));
    EXPECT_EQ(heard(1), 0U) << "it only passes it on";
    ASSERT_EQ(heard(2), 1U);
    const auto answers = news_[0].on(Port::routing);
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].from, StreamRadios::number_of(0));
    EXPECT_EQ(answers[1].from, StreamRadios::number_of(2));
    for (const MeshPacket& answer : answers) EXPECT_EQ(request_in(answer), 1U);
}

TEST_F(StreamRadiosTest, WhereNobodyPassesItOn_NothingIsAcknowledged) {
    open({.loss_permille = 1'000});
    MeshPacket packet = packet_of(1, 20);
    packet.wants_ack = true;
    say(0, framed(packet));
    pass(minutes(1));
    EXPECT_EQ(heard(1), 0U);
    EXPECT_TRUE(news_[0].on(Port::routing).empty());
}

TEST_F(StreamRadiosTest, EveryMinute_ARadioSaysHowBusyTheChannelIs) {
    open();
    say(0, packets_at_once(16));
    pass(minutes(1));
    const auto packets = news_[1].on(Port::telemetry);
    ASSERT_EQ(packets.size(), 1U);
    EXPECT_EQ(packets[0].from, StreamRadios::number_of(1));
    const auto metrics =
        parse_telemetry(std::get<Content>(packets[0].content).payload).value().value();
    EXPECT_GT(metrics.channel_utilization.value(), 5);
    pass(minutes(10));
    EXPECT_EQ(news_[1].on(Port::telemetry).size(), 11U);
}

TEST_F(StreamRadiosTest, WithAnyPreset_OurLinkFindsTheirChannels) {
    for (std::size_t preset = 0; preset < presets; ++preset) {
        for (const std::string name : {"", "village"}) {
            open({.preset = static_cast<Preset>(preset), .channel = "village"});
            SeededEntropy entropy(1);
            StreamLink link({.channel = name}, entropy);
            link.handle_open(now_);
            radios_->handle_bytes(now_, 0, link.poll_bytes());
            link.handle_bytes(now_, radios_->poll_bytes(0));
            EXPECT_TRUE(link.is_up()) << radio::name(static_cast<Preset>(preset)) << name;
            EXPECT_EQ(link.number(), StreamRadios::number_of(0));
        }
    }
}

TEST_F(StreamRadiosTest, OneSeed_HasOneStory) {
    const auto story = [&] {
        now_ = {};
        open({.radios = 4, .preset = Preset::short_fast, .loss_permille = 200, .seed = 5});
        for (std::size_t i = 0; i < 4; ++i) say(i, packets_at_once(4));
        pass(minutes(1));
        return std::pair(heard_at_, radios_->counts().relayed);
    };
    const auto first = story();
    EXPECT_EQ(first, story());
    EXPECT_GT(first.second, 0U);
}

}  // namespace
}  // namespace meshchain::sim
