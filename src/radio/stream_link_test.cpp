#include "radio/stream_link.h"

#include <gmock/gmock.h>

#include <limits>

#include "radio/stream_radio.h"
#include "radio/test_cipher.h"
#include "radio/test_vectors.h"

namespace meshchain::radio {
namespace {

using Drop = StreamLink::Drop;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::rising;
using testing::HasSubstr;

constexpr Port our_port{300};

class StreamLinkTest : public testing::Test {
protected:
    static StreamOptions options(const std::string& channel = "village", bool is_serial = false) {
        return {.channel = channel, .port = our_port, .is_serial = is_serial};
    }
    /// Carries bytes both ways until nobody has any more.
    void talk() {
        for (;;) {
            const base::Buffer asked = link_.poll_bytes();
            radio_.handle_bytes(asked);
            const base::Buffer said = radio_.poll_bytes();
            link_.handle_bytes(now_, said);
            link_.check_invariants();
            if (asked.empty() && said.empty()) return;
        }
    }
    void open() {
        link_.handle_open(now_);
        talk();
    }
    /// Everything that falls due while `time` passes.
    void pass(base::Duration time) {
        const base::Instant end = now_ + time;
        while (link_.poll_timeout() <= end) {
            now_ = std::max(now_, link_.poll_timeout());
            link_.handle_timeout(now_);
            talk();
        }
        now_ = end;
    }
    void reopen() {
        link_.handle_close(now_);
        now_ += seconds(1);
        open();
    }
    std::string fault() const { return link_.fault() ? base::sentence(*link_.fault()) : ""; }
    void hear(const MeshPacket& packet) {
        radio_.say(packet);
        talk();
    }
    Content ours(int first = 1) const { return {.port = our_port, .payload = rising(first, 10)}; }

    test::SeededEntropy entropy_{3};
    StreamRadio radio_;
    std::optional<StreamLink> holder_;
    StreamLink& link_ = holder_.emplace(options(), entropy_);
    base::Instant now_{std::chrono::hours(5)};
};

TEST_F(StreamLinkTest, Setting_IsWhatTheRadioSaysOfItself) {
    EXPECT_FALSE(link_.setting());
    open();
    EXPECT_EQ(link_.setting(),
              (RadioSetting{.modulation = modulation_of(Preset::long_fast), .duty_permille = 100}));
    radio_.lora = {.bandwidth = 62,
                   .spreading_factor = 9,
                   .coding_rate = 6,
                   .region = 1,
                   .may_transmit = true};
    reopen();
    EXPECT_EQ(link_.setting(), (RadioSetting{.modulation = {9, 62'500, 6}}));
    radio_.lora.spreading_factor = 40;
    reopen();
    EXPECT_FALSE(link_.setting());
    radio_.lora = {.uses_preset = true, .preset = 2, .region = 15, .may_transmit = true};
    reopen();
    EXPECT_EQ(link_.setting(), (RadioSetting{.modulation = {12, 62'500, 8}, .duty_permille = 10}));
    EXPECT_TRUE(link_.is_up());
    // What it costs nobody can say.
    radio_.lora.preset = 77;
    reopen();
    EXPECT_FALSE(link_.setting());
    EXPECT_FALSE(link_.is_up());
    EXPECT_THAT(fault(), HasSubstr("not known here"));
}

TEST_F(StreamLinkTest, SettingThatCannotWork_IsNamed) {
    const auto refusal = [](const StreamOptions& options) {
        const auto checked = check_stream(options);
        return checked ? "" : base::sentence(checked.error());
    };
    EXPECT_EQ(refusal({}), "");
    EXPECT_THAT(refusal({.port = Port{1}}), HasSubstr("port number 1"));
    EXPECT_THAT(refusal({.payload_bytes_max = 232}), HasSubstr("232 bytes"));
    EXPECT_THAT(refusal({.channel = "thirteen bytes"}), HasSubstr("channel"));
    EXPECT_THAT(refusal({.channel = "a\n"}), HasSubstr("channel"));
    EXPECT_THAT(refusal({.received_max = 0}), HasSubstr("no room for received packets"));
}

TEST_F(StreamLinkTest, Handshake_LearnsWhoTheRadioIs_AndFindsTheChannelByName) {
    EXPECT_FALSE(link_.is_ready());
    EXPECT_EQ(link_.number(), NodeNumber{});
    open();
    EXPECT_TRUE(link_.is_up() && link_.is_ready()) << fault();
    EXPECT_EQ(link_.number(), radio_.number);
    EXPECT_EQ(link_.channel_index(), 1U);
    EXPECT_EQ(link_.take_channel_use_percent(now_), 8U);
    EXPECT_EQ(link_.take_channel_use_percent(now_), std::nullopt);
    EXPECT_EQ(radio_.asked, 1U);
}

TEST_F(StreamLinkTest, Texts_GoOnTheirOwnChannel_AndThoseOfOthersAreHeardThere) {
    StreamOptions with_texts = options();
    with_texts.text_channel = "LongFast";
    holder_.emplace(with_texts, entropy_);
    EXPECT_TRUE(link_.text_fault());
    open();
    ASSERT_FALSE(link_.text_fault()) << base::sentence(*link_.text_fault());
    ASSERT_TRUE(link_.send_text(now_, "Grüße", 3));
    talk();
    ASSERT_EQ(radio_.queue.size(), 1U);
    EXPECT_EQ(radio_.queue[0].channel, 0U);
    EXPECT_EQ(radio_.queue[0].to, everybody);
    const auto& content = std::get<Content>(radio_.queue[0].content);
    EXPECT_EQ(content.port, Port::text);
    EXPECT_EQ(base::as_text(content.payload), "Grüße");

    const Content text{.port = Port::text, .payload = base::to_buffer(base::as_bytes("Hello"))};
    hear(radio_.heard(text, 0));
    hear(radio_.heard(text, 1));
    MeshPacket direct = radio_.heard(text, 0);
    direct.to = radio_.number;
    hear(direct);
    EXPECT_TRUE(link_.has_received());
    EXPECT_EQ(link_.receive_text(), "Hello");
    EXPECT_EQ(link_.receive_text(), std::nullopt);
    EXPECT_FALSE(link_.receive());
    EXPECT_EQ(link_.stats().count(Drop::port), 2U);
    for (int i = 0; i < 20; ++i) hear(radio_.heard(text, 0));
    EXPECT_EQ(link_.stats().count(Drop::full), 4U);
    EXPECT_THAT(base::sentence(check_stream({.text_channel = "a\n"}).error()),
                HasSubstr("channel for texts"));
}

TEST_F(StreamLinkTest, RadioWithoutTheChannelForTexts_SaysSo_AndSendsTheRest) {
    StreamOptions with_texts = options();
    with_texts.text_channel = "people";
    holder_.emplace(with_texts, entropy_);
    open();
    EXPECT_TRUE(link_.is_ready());
    ASSERT_TRUE(link_.text_fault());
    EXPECT_THAT(base::sentence(*link_.text_fault()),
                testing::AllOf(HasSubstr("\"people\""), HasSubstr("LongFast, village")));
    EXPECT_FALSE(link_.send_text(now_, "Hello", 3));
    EXPECT_TRUE(link_.send(now_, rising(1, 10), 3));
    hear(radio_.heard({.port = Port::text, .payload = rising(65, 4)}));
    EXPECT_EQ(link_.receive_text(), std::nullopt);
    EXPECT_EQ(link_.stats().count(Drop::port), 1U);
}

TEST_F(StreamLinkTest, ChannelWithoutName_IsCalledAsItsPreset_AndNoneNamedIsThePrimaryOne) {
    holder_.emplace(options("LongFast"), entropy_);
    open();
    EXPECT_TRUE(link_.is_up()) << fault();
    EXPECT_EQ(link_.channel_index(), 0U);
    radio_.lora.preset = 7;
    radio_.reboot();
    talk();
    EXPECT_THAT(fault(), HasSubstr("no channel \"LongFast\" but LongMod, village"));
    holder_.emplace(options(""), entropy_);
    open();
    EXPECT_TRUE(link_.is_up()) << fault();
    EXPECT_EQ(link_.channel_index(), 0U);
}

TEST_F(StreamLinkTest, RadioThatIsNotSetUp_IsSaidClearly_AndBelievedWhenItIs) {
    radio_.lora.region = 0;
    open();
    EXPECT_THAT(fault(), HasSubstr("no region"));
    EXPECT_FALSE(link_.is_ready());
    EXPECT_EQ(link_.send(now_, rising(1, 1), 3).error().code, base::Errc::unavailable);
    hear(radio_.heard(ours()));
    EXPECT_TRUE(link_.receive()) << "others are heard all the same";
    radio_.lora.region = 3;
    radio_.lora.may_transmit = false;
    radio_.reboot();
    talk();
    EXPECT_THAT(fault(), HasSubstr("switched off"));
    radio_.lora.may_transmit = true;
    radio_.reboot();
    talk();
    EXPECT_TRUE(link_.is_ready()) << fault();
    EXPECT_EQ(fault(), "");
}

TEST_F(StreamLinkTest, WhatIsHandedOver_IsByteForByteWhatARealRadioTook) {
    class FixedEntropy final : public base::Entropy {
        void fill(base::MutableBytes out) override {
            std::ranges::copy(base::from_hex("11223344").value(), out.begin());
        }
    };
    FixedEntropy entropy;
    StreamLink link({.channel = "village", .port = our_port}, entropy);
    link.handle_open(now_);
    radio_.handle_bytes(link.poll_bytes());
    link.handle_bytes(now_, radio_.poll_bytes());
    ASSERT_TRUE(link.send(now_, base::as_bytes("qqqq"), 3));
    EXPECT_EQ(base::to_hex(link.poll_bytes()),
              "94c3001b0a1915ffffffff1801220908ac0212047171717135443322114803");
}

TEST_F(StreamLinkTest, OnePacketIsOnItsWay_AndTheNextFollowsWhenThereIsRoom) {
    open();
    unsigned sent = 0;
    for (; link_.is_ready(); ++sent) {
        ASSERT_TRUE(link_.send(now_, rising(1, 20), 3));
        EXPECT_FALSE(link_.is_ready()) << "until the radio has taken it";
        talk();
    }
    EXPECT_EQ(sent, 5U) << "eleven of sixteen places are free then";
    EXPECT_EQ(link_.stats().sent, 5U);
    radio_.transmit();
    talk();
    EXPECT_TRUE(link_.is_ready());
}

TEST_F(StreamLinkTest, ReportOfRoomThatIsLost_StopsNothingForEver) {
    open();
    while (link_.is_ready()) {
        ASSERT_TRUE(link_.send(now_, rising(1, 20), 3));
        talk();
    }
    radio_.mute_statuses = 100;
    radio_.transmit();
    pass(seconds(59));
    EXPECT_FALSE(link_.is_ready());
    pass(seconds(2));
    EXPECT_TRUE(link_.is_ready());
}

TEST_F(StreamLinkTest, RoomThatWhatItRelaysLeaves_IsAskedFor) {
    open();
    while (link_.is_ready()) {
        ASSERT_TRUE(link_.send(now_, rising(1, 20), 3));
        talk();
    }
    radio_.mute_statuses = 1;
    radio_.transmit();
    pass(seconds(9));
    EXPECT_FALSE(link_.is_ready());
    pass(seconds(2));
    EXPECT_TRUE(link_.is_ready());
    EXPECT_EQ(link_.stats().sent, 5U);
}

TEST_F(StreamLinkTest, SubmissionThatGetsLost_IsHandedOverAgainUnderItsId) {
    open();
    radio_.is_deaf = true;
    ASSERT_TRUE(link_.send(now_, rising(1, 20), 3));
    talk();
    radio_.is_deaf = false;
    EXPECT_EQ(radio_.handed, 0U);
    pass(seconds(11));
    EXPECT_EQ(radio_.handed, 1U);
    EXPECT_EQ(radio_.queue.size(), 1U);
    EXPECT_EQ(link_.stats().resent, 1U);
    EXPECT_EQ(link_.stats().sent, 1U);
    EXPECT_TRUE(link_.is_ready());
}

TEST_F(StreamLinkTest, StatusThatGetsLost_CostsTheConfirmation_ButNeitherACopyNorTheConnection) {
    open();
    radio_.mute_statuses = 1;
    ASSERT_TRUE(link_.send(now_, rising(1, 20), 3));
    talk();
    pass(minutes(2));
    EXPECT_EQ(radio_.queue.size(), 1U);
    EXPECT_EQ(radio_.handed, 3U);
    EXPECT_EQ(link_.stats().given_up, 1U);
    EXPECT_TRUE(link_.is_ready());
    EXPECT_EQ(radio_.asked, 1U);
}

TEST_F(StreamLinkTest, StatusOfAnotherPacket_ConfirmsNothing) {
    open();
    radio_.is_deaf = true;
    ASSERT_TRUE(link_.send(now_, rising(1, 20), 3));
    talk();
    radio_.say_status(0, 0);
    radio_.say_status(0, 4'711);
    talk();
    EXPECT_EQ(link_.stats().sent, 0U);
    EXPECT_FALSE(link_.is_ready());
    radio_.is_deaf = false;
    pass(seconds(11));
    EXPECT_EQ(link_.stats().sent, 1U);
}

TEST_F(StreamLinkTest, FullQueue_IsWaitedFor_AndARefusedPacketComesUnderAnotherId) {
    open();
    while (radio_.queue.size() < StreamRadio::queue_size) {
        radio_.queue.push_back(radio_.heard(ours()));  // another's: by Bluetooth, say
    }
    ASSERT_TRUE(link_.send(now_, rising(1, 20), 3));
    talk();
    EXPECT_EQ(link_.stats().refused, 1U);
    EXPECT_FALSE(link_.is_ready());
    radio_.queue.clear();
    pass(seconds(11));
    EXPECT_EQ(radio_.queue.size(), 1U) << "it remembers the ids that it refused";
    EXPECT_EQ(link_.stats().sent, 1U);
}

TEST_F(StreamLinkTest, RadioThatNeverTakesAPacket_LosesIt_AndBlocksNothingForEver) {
    open();
    while (radio_.queue.size() < StreamRadio::queue_size) {
        radio_.queue.push_back(radio_.heard(ours()));
    }
    ASSERT_TRUE(link_.send(now_, rising(1, 20), 3));
    talk();
    pass(minutes(1));
    EXPECT_EQ(radio_.handed, 3U);
    EXPECT_EQ(link_.stats().given_up, 1U);
    pass(minutes(2));
    EXPECT_TRUE(link_.is_ready());
}

TEST_F(StreamLinkTest, AfterAReboot_ItShakesHandsAgain_AndHandsOverWhatWasUnderWay) {
    open();
    radio_.mute_statuses = 1;
    ASSERT_TRUE(link_.send(now_, rising(1, 20), 3));
    talk();
    radio_.channels[1].index = 3;
    now_ += seconds(1);
    radio_.reboot();
    talk();
    EXPECT_EQ(radio_.asked, 2U);
    EXPECT_EQ(link_.channel_index(), 3U);
    ASSERT_EQ(radio_.queue.size(), 1U);
    EXPECT_EQ(radio_.queue.front().channel, 3U) << "where our channel is now";
    EXPECT_EQ(link_.stats().sent, 1U);
    EXPECT_TRUE(link_.is_ready());
}

TEST_F(StreamLinkTest, RadioThatStartsAnewForEver_AndReadsNothing_TakesBoundedMemory) {
    link_.handle_open(now_);
    const std::size_t asked = link_.poll_bytes().size();
    for (int i = 0; i < 1'000; ++i) {
        radio_.reboot();
        link_.handle_bytes(now_, radio_.poll_bytes());
    }
    EXPECT_EQ(link_.poll_bytes().size(), asked) << "the question is asked once";
}

TEST_F(StreamLinkTest, RadioThatTalks_AndReadsNothing_IsGivenUp) {
    open();
    for (int i = 0; i < 1'000 && !link_.is_lost(); ++i) {
        if (link_.is_ready()) (void)link_.send(now_, rising(1, 200), 3);
        now_ += seconds(11);
        radio_.say_status(0, 0);
        link_.handle_bytes(now_, radio_.poll_bytes());
        link_.handle_timeout(now_);
    }
    EXPECT_TRUE(link_.is_lost());
    EXPECT_THAT(fault(), HasSubstr("reads nothing"));
}

TEST_F(StreamLinkTest, RadioThatFallsSilent_IsGivenUp_AndFoundAgain) {
    open();
    radio_.is_deaf = true;
    ASSERT_TRUE(link_.send(now_, rising(1, 20), 3));
    pass(seconds(29));
    EXPECT_FALSE(link_.is_lost());
    pass(seconds(2));
    EXPECT_TRUE(link_.is_lost());
    EXPECT_THAT(fault(), HasSubstr("whether it takes packets"));
    EXPECT_TRUE(link_.poll_bytes().empty());
    radio_.is_deaf = false;
    reopen();
    EXPECT_EQ(radio_.queue.size(), 1U) << "what was under way is handed over";
    EXPECT_TRUE(link_.is_ready());
    EXPECT_EQ(fault(), "");
}

TEST_F(StreamLinkTest, PacketThatWaitedTooLong_IsNotHandedOverAfterAll) {
    open();
    radio_.is_deaf = true;
    ASSERT_TRUE(link_.send(now_, rising(1, 20), 3));
    pass(minutes(6));
    radio_.is_deaf = false;
    reopen();
    EXPECT_TRUE(radio_.queue.empty());
    EXPECT_EQ(link_.stats().given_up, 1U);
    pass(minutes(2));
    EXPECT_TRUE(link_.is_ready());
}

TEST_F(StreamLinkTest, PortWithoutARadio_IsAskedThreeTimes_AndSaid) {
    radio_.is_deaf = true;
    open();
    radio_.say_text("GPS $GPGGA,123519,4807.038,N\r\n");
    pass(seconds(29));
    EXPECT_FALSE(link_.is_lost());
    pass(seconds(2));
    EXPECT_TRUE(link_.is_lost());
    EXPECT_THAT(fault(), HasSubstr("does not say who it is"));
    EXPECT_GT(link_.skipped_bytes(), 20U);
}

TEST_F(StreamLinkTest, PartOfTheHandshakeThatIsLost_IsAskedForAgain) {
    radio_.loses_my_info = true;
    open();
    EXPECT_FALSE(link_.is_up());
    pass(seconds(11));
    EXPECT_TRUE(link_.is_up());
    EXPECT_EQ(radio_.asked, 2U);
}

TEST_F(StreamLinkTest, SerialRadio_IsWokenFirst) {
    holder_.emplace(options("village", true), entropy_);
    link_.handle_open(now_);
    const base::Buffer woken = link_.poll_bytes();
    EXPECT_EQ(woken, base::Buffer(32, std::byte{0xc3}));
    radio_.handle_bytes(woken);
    pass(milliseconds(99));
    EXPECT_EQ(radio_.asked, 0U);
    pass(milliseconds(2));
    EXPECT_EQ(radio_.asked, 1U);
    EXPECT_TRUE(link_.is_up());
}

TEST_F(StreamLinkTest, QuietLink_IsKeptByHeartbeats_AndGivenUpWithoutAnAnswer) {
    open();
    pass(std::chrono::hours(1));
    EXPECT_EQ(radio_.heartbeats, 12U);
    EXPECT_TRUE(link_.is_up());
    radio_.is_deaf = true;
    pass(minutes(13));
    EXPECT_TRUE(link_.is_lost());
    EXPECT_THAT(fault(), HasSubstr("silent"));
}

TEST_F(StreamLinkTest, AnotherClientOfTheRadio_IsNoticed) {
    open();
    pass(minutes(1));
    link_.handle_close(now_);
    EXPECT_EQ(link_.fault()->code, base::Errc::closed);
    for (int i = 0; i < 2; ++i) {
        now_ += seconds(1);
        open();
        pass(seconds(3));
        link_.handle_close(now_);
    }
    EXPECT_EQ(link_.fault()->code, base::Errc::locked);
    EXPECT_THAT(fault(), HasSubstr("one client only"));
    EXPECT_THAT(link_.fault()->advice, HasSubstr("other program"));
    now_ += seconds(1);
    open();
    EXPECT_EQ(fault(), "");
    pass(minutes(1));
    link_.handle_close(now_);
    EXPECT_EQ(link_.fault()->code, base::Errc::closed) << "a long connection is forgiven";
}

TEST_F(StreamLinkTest, WhatOthersSend_ArrivesBetweenLogLines_AndTheRestIsCounted) {
    open();
    radio_.say_text("\x1b[32mINFO  | 12:00 [Router] Received\r\n");
    hear(radio_.heard(ours(9)));
    const auto received = link_.receive();
    ASSERT_TRUE(received);
    EXPECT_EQ(received->from, NodeNumber{0x12345678});
    EXPECT_EQ(received->hop_limit, 2);
    EXPECT_EQ(base::to_buffer(received->payload), rising(9, 10));

    const auto expect_dropped = [&](Drop reason, const MeshPacket& packet) {
        const std::uint64_t before = link_.stats().count(reason);
        hear(packet);
        EXPECT_EQ(link_.stats().count(reason), before + 1) << name(reason);
        EXPECT_FALSE(link_.receive()) << name(reason);
    };
    MeshPacket packet = radio_.heard(ours());
    packet.content = Ciphertext{rising(1, 9)};
    expect_dropped(Drop::sealed, packet);
    expect_dropped(Drop::channel, radio_.heard(ours(), 0));
    expect_dropped(Drop::port, radio_.heard({.port = Port::text, .payload = rising(65, 4)}));
    packet = radio_.heard(ours());
    packet.to = NodeNumber{99};
    expect_dropped(Drop::elsewhere, packet);
    packet = radio_.heard(ours());
    packet.from = radio_.number;
    expect_dropped(Drop::own, packet);
    packet = radio_.heard(ours());
    packet.id = 0;
    expect_dropped(Drop::id, packet);
    packet = radio_.heard(ours());
    packet.hop_limit = 9;
    expect_dropped(Drop::hops, packet);
    radio_.lora.region = 0;
    radio_.channels.pop_back();
    for (int i = 0; i < 100; ++i) hear(radio_.heard(ours()));
    EXPECT_EQ(link_.stats().count(Drop::full), 36U);
}

TEST_F(StreamLinkTest, Hops_AreWhatThePacketHasUsedUp_UnknownWhereAGatewayIsBetween) {
    open();
    const auto hops = [&](std::uint8_t start, std::uint8_t left, bool came_by_mqtt) {
        MeshPacket packet = radio_.heard(ours());
        packet.hop_start = start;
        packet.hop_limit = left;
        packet.came_by_mqtt = came_by_mqtt;
        hear(packet);
        const auto received = link_.receive();
        EXPECT_TRUE(received.has_value());
        return received ? received->hops : std::optional<std::uint8_t>(99);
    };
    EXPECT_EQ(hops(3, 3, false), 0U);
    EXPECT_EQ(hops(3, 1, false), 2U);
    EXPECT_EQ(hops(7, 0, false), 7U);
    EXPECT_EQ(hops(0, 0, false), 0U) << "nobody was to pass it on";
    EXPECT_EQ(hops(3, 3, true), std::nullopt);
    EXPECT_EQ(hops(0, 2, false), std::nullopt) << "old firmware does not say where it began";
}

TEST_F(StreamLinkTest, PacketsBeforeTheHandshake_AreNotTakenForOurs) {
    link_.handle_open(now_);
    radio_.say(radio_.heard(ours()));
    link_.handle_bytes(now_, radio_.poll_bytes());
    EXPECT_EQ(link_.stats().count(Drop::early), 1U);
    EXPECT_FALSE(link_.receive());
}

TEST_F(StreamLinkTest, RadiosOwnTelemetry_SaysHowBusyTheChannelIs_AndNobodyElses) {
    open();
    (void)link_.take_channel_use_percent(now_);
    const auto telemetry = [](float percent) {
        return Content{
            .port = Port::telemetry,
            .payload = encode_telemetry({.channel_utilization = percent, .air_util_tx = {}})};
    };
    hear(radio_.heard(telemetry(90)));
    EXPECT_EQ(link_.take_channel_use_percent(now_), std::nullopt);
    MeshPacket own = radio_.heard(telemetry(31.4F), 0);
    own.from = radio_.number;
    hear(own);
    EXPECT_EQ(link_.take_channel_use_percent(now_), 31U);
    for (const float nonsense : {-1.0F, 101.0F, std::numeric_limits<float>::quiet_NaN()}) {
        own.content = telemetry(nonsense);
        hear(own);
        EXPECT_EQ(link_.take_channel_use_percent(now_), std::nullopt);
    }
}

TEST_F(StreamLinkTest, PacketThatTheRadioMayNotSend_IsCounted_AndItIsSparedForAWhile) {
    open();
    ASSERT_TRUE(link_.send(now_, rising(1, 20), 3));
    talk();
    MeshPacket refusal = radio_.heard({.port = Port::routing,
                                       .payload = encode_routing(9),
                                       .request_id = radio_.queue.front().id});
    refusal.from = radio_.number;
    refusal.to = refusal.from;
    hear(refusal);
    EXPECT_EQ(link_.stats().failed, 1U);
    EXPECT_FALSE(link_.is_ready());
    radio_.say_status(0, 0);
    talk();
    EXPECT_FALSE(link_.is_ready()) << "room in its queue is no leave to send";
    pass(seconds(59));
    EXPECT_FALSE(link_.is_ready());
    pass(seconds(2));
    EXPECT_TRUE(link_.is_ready());
    hear(refusal);
    EXPECT_EQ(link_.stats().failed, 1U) << "each packet fails once";
}

TEST_F(StreamLinkTest, PayloadThatNoPacketHolds_IsRefused) {
    open();
    EXPECT_EQ(link_.send(now_, base::Buffer(232), 3).error().code, base::Errc::too_large);
    EXPECT_TRUE(link_.send(now_, base::Buffer(231), 3));
    EXPECT_EQ(link_.send(now_, rising(1, 1), 3).error().code, base::Errc::unavailable);
}

}  // namespace
}  // namespace meshchain::radio
