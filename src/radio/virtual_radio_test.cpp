#include "radio/virtual_radio.h"

#include <gmock/gmock.h>

#include <set>

#include "radio/test_cipher.h"
#include "radio/test_vectors.h"

namespace meshchain::radio {
namespace {

using Drop = VirtualRadio::Drop;
using test::rising;

constexpr Port our_port{300};
constexpr NodeNumber stranger{0x12345678};

VirtualRadioOptions options_of(int key) {
    return {.channels = {{"village", rising(1, 16)}, {"LongFast", {std::byte{1}}}},
            .port = our_port,
            .public_key = rising(key, 32)};
}

class VirtualRadioTest : public testing::Test {
protected:
    VirtualRadioTest() { radio_.handle_up(now_); }

    static std::string refusal(const VirtualRadioOptions& options) {
        const test::NoiseCipher cipher;
        test::SeededEntropy entropy(1);
        const auto radio = VirtualRadio::create(options, cipher, entropy);
        return radio ? "" : base::sentence(radio.error());
    }
    ChannelKey key_of(std::string_view name) const {
        for (const ChannelSetting& channel : radio_.options().channels) {
            if (channel.name == name) return channel_key_of(channel.psk).value();
        }
        return ChannelKey{rising(0x55, 16)};
    }
    /// What a stranger would say, sealed for one of our channels.
    MeshPacket packet(const Content& content, const std::string& channel = "village") {
        MeshPacket packet{.from = stranger, .id = ++ids_, .hop_limit = 2, .hop_start = 3};
        packet.channel = channel_hash(channel, key_of(channel));
        seal(packet, content, channel);
        return packet;
    }
    void seal(MeshPacket& packet, const Content& content, const std::string& channel) {
        const base::Buffer clear = encode(content).value();
        packet.content =
            Ciphertext{cipher_.crypt(key_of(channel), packet.from, packet.id, clear).value()};
    }
    static base::Buffer envelope(const MeshPacket& packet, const std::string& channel = "village",
                                 const std::string& gateway = "!11111111") {
        return encode(ServiceEnvelope{packet, channel, gateway}).value();
    }
    Content ours(int first = 1) const { return {.port = our_port, .payload = rising(first, 20)}; }
    Content question() const { return {.port = Port::node_info, .wants_response = true}; }

    /// The one thing that happens is that it is dropped, for this reason.
    void expect_dropped(Drop reason, const base::Buffer& bytes) {
        auto before = radio_.stats();
        radio_.handle_envelope(now_, bytes);
        EXPECT_FALSE(radio_.has_received()) << name(reason);
        ++before.dropped[static_cast<std::size_t>(reason)];
        EXPECT_EQ(radio_.stats().dropped, before.dropped) << name(reason);
    }
    /// What leaves now, opened as another node with our keys would.
    struct Left {
        std::string channel;
        MeshPacket packet;
        Content content;
    };
    std::vector<Left> leaving() {
        radio_.handle_timeout(now_);
        std::vector<Left> all;
        while (auto departure = radio_.poll_departure()) {
            const auto& sealed = std::get<Ciphertext>(departure->packet.content).bytes;
            const auto clear = cipher_.crypt(key_of(departure->channel), departure->packet.from,
                                             departure->packet.id, sealed);
            all.push_back({departure->channel, departure->packet,
                           parse_content(clear.value()).value_or(Content{})});
        }
        radio_.check_invariants();
        return all;
    }

    const test::NoiseCipher cipher_;
    test::SeededEntropy entropy_{7};
    VirtualRadio radio_ = VirtualRadio::create(options_of(0x20), cipher_, entropy_).value();
    base::Instant now_{std::chrono::hours(1)};
    std::uint32_t ids_ = 100;
};

TEST_F(VirtualRadioTest, Texts_GoOnTheirOwnChannel_AndThoseOfOthersAreHeardThere) {
    EXPECT_FALSE(radio_.send_text("Hello", 3));
    VirtualRadioOptions options = options_of(0x20);
    options.text_channel = "LongFast";
    radio_ = VirtualRadio::create(options, cipher_, entropy_).value();
    EXPECT_FALSE(radio_.text_fault());
    radio_.handle_up(now_);
    leaving();  // NodeInfo
    ASSERT_TRUE(radio_.send_text("Grüße", 3));
    const auto left = leaving();
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].channel, "LongFast");
    EXPECT_EQ(left[0].packet.to, everybody);
    EXPECT_EQ(left[0].content.port, Port::text);
    EXPECT_EQ(base::as_text(left[0].content.payload), "Grüße");
    EXPECT_EQ(left[0].content.bitfield, 1U);

    const Content text{.port = Port::text, .payload = base::to_buffer(base::as_bytes("Hello"))};
    const MeshPacket heard = packet(text, "LongFast");
    radio_.handle_envelope(now_, envelope(heard, "LongFast"));
    radio_.handle_envelope(now_, envelope(heard, "LongFast"));
    EXPECT_TRUE(radio_.has_received());
    EXPECT_EQ(radio_.receive_text(), "Hello");
    EXPECT_EQ(radio_.receive_text(), std::nullopt);
    expect_dropped(Drop::port, envelope(packet(text)));
    MeshPacket direct = packet(text, "LongFast");
    direct.to = radio_.number();
    expect_dropped(Drop::port, envelope(direct, "LongFast"));
    for (int i = 0; i < 20; ++i) {
        radio_.handle_envelope(now_, envelope(packet(text, "LongFast"), "LongFast"));
    }
    EXPECT_EQ(radio_.stats().count(Drop::full), 4U);
    EXPECT_FALSE(radio_.receive());
    options.text_channel = "people";
    EXPECT_THAT(refusal(options), testing::HasSubstr("channel that is not listed"));
}

TEST_F(VirtualRadioTest, SettingThatCannotWork_IsNamed) {
    const auto broken = [](auto&& change) {
        VirtualRadioOptions options = options_of(0x20);
        change(options);
        return refusal(options);
    };
    EXPECT_EQ(refusal(options_of(0x20)), "");
    using Options = VirtualRadioOptions;
    EXPECT_THAT(broken([](Options& o) { o.channels.clear(); }), testing::HasSubstr("0 channels"));
    EXPECT_THAT(broken([](Options& o) { o.channels.resize(9, {"a", {}}); }),
                testing::HasSubstr("9 channels"));
    EXPECT_THAT(broken([](Options& o) { o.channels[1].name = "village"; }),
                testing::HasSubstr("twice"));
    for (const char* name : {"", "a/b", "a+", "#", "twelve bytes", "PKI", "a\n", "\xff"}) {
        EXPECT_THAT(broken([&](Options& o) { o.channels[0].name = name; }),
                    testing::HasSubstr("channel 0"))
            << name;
    }
    EXPECT_THAT(broken([](Options& o) { o.channels[1].psk.resize(33); }),
                testing::HasSubstr("key of channel \"LongFast\": 33 bytes"));
    for (const std::uint32_t port : {257U, 512U}) {
        EXPECT_THAT(broken([&](Options& o) { o.port = Port{port}; }),
                    testing::HasSubstr("port number " + std::to_string(port)));
    }
    EXPECT_EQ(broken([](Options& o) { o.port = Port{511}; }), "");
    EXPECT_THAT(broken([](Options& o) { o.short_name = "LONGER"; }), testing::HasSubstr("name"));
    EXPECT_THAT(broken([](Options& o) { o.long_name = ""; }), testing::HasSubstr("name"));
    EXPECT_THAT(broken([](Options& o) { o.public_key.pop_back(); }), testing::HasSubstr("key"));
    EXPECT_THAT(broken([](Options& o) { o.hop_limit = 8; }), testing::HasSubstr("hop limit 8"));
    EXPECT_THAT(broken([](Options& o) { o.received_max = 0; }), testing::HasSubstr("received"));
    EXPECT_THAT(broken([](Options& o) { o.departures_max = 0; }), testing::HasSubstr("to leave"));
    EXPECT_THAT(broken([](Options& o) { o.remembered_max = 0; }), testing::HasSubstr("seen"));
    EXPECT_THAT(broken([](Options& o) { o.node_info_every = o.node_info_gap = {}; }),
                testing::HasSubstr("no pause between two NodeInfos"));
    EXPECT_EQ(broken([](Options& o) { o.node_info_gap = {}; }), "");
    EXPECT_EQ(broken([](Options& o) { o.node_info_every = {}; }), "");
}

TEST_F(VirtualRadioTest, WhatWeSend_IsWhatEveryFirmwareTakes) {
    (void)leaving();
    std::set<std::uint32_t> ids;
    for (int i = 0; i < 50; ++i) {
        const auto hops = static_cast<std::uint8_t>(i % 10);
        ASSERT_TRUE(radio_.send(rising(i, 30), hops));
        const auto left = leaving();
        ASSERT_EQ(left.size(), 1U);
        const MeshPacket& packet = left[0].packet;
        EXPECT_EQ(left[0].channel, "village");
        EXPECT_EQ(packet.from, node_number_of(rising(0x20, 32)));
        EXPECT_EQ(packet.to, everybody);
        EXPECT_EQ(packet.channel, channel_hash("village", key_of("village")));
        EXPECT_EQ(packet.hop_limit, std::min<std::uint8_t>(hops, hops_max));
        EXPECT_GE(packet.hop_start, packet.hop_limit);
        EXPECT_NE(packet.id, 0U);
        EXPECT_TRUE(ids.insert(packet.id).second);
        EXPECT_EQ(left[0].content,
                  (Content{.port = our_port, .payload = rising(i, 30), .bitfield = 1}));
    }
}

TEST_F(VirtualRadioTest, PayloadThatNoPacketHolds_IsRefused_AndAFullQueueSaysSo) {
    EXPECT_TRUE(radio_.send(base::Buffer(payload_bytes_max), 3));
    EXPECT_EQ(radio_.send(base::Buffer(payload_bytes_max + 2), 3).error().code,
              base::Errc::too_large);
    while (!radio_.is_full()) ASSERT_TRUE(radio_.send(rising(1, 1), 3));
    EXPECT_EQ(radio_.send(rising(1, 1), 3).error().code, base::Errc::full);
    EXPECT_EQ(radio_.stats().sent, radio_.options().departures_max);
    radio_.handle_down();
    EXPECT_FALSE(radio_.poll_departure());
    EXPECT_EQ(radio_.send(rising(1, 1), 3).error().code, base::Errc::unavailable);
}

TEST_F(VirtualRadioTest, WhatOthersSend_ArrivesOnEveryChannel_Once) {
    for (const std::string channel : {"village", "LongFast"}) {
        const MeshPacket sent = packet(ours(9), channel);
        radio_.handle_envelope(now_, envelope(sent, channel));
        const auto received = radio_.receive();
        ASSERT_TRUE(received) << channel;
        EXPECT_EQ(received->from, stranger);
        EXPECT_EQ(received->hop_limit, 2);
        EXPECT_EQ(base::to_buffer(received->payload), rising(9, 20));
        expect_dropped(Drop::repeated, envelope(sent, channel, "!22222222"));
    }
    EXPECT_EQ(radio_.stats().received, 2U);
}

TEST_F(VirtualRadioTest, WithoutTheNameOfAChannel_TheKeyThatFitsIsFound) {
    VirtualRadioOptions options = options_of(0x20);
    // Two names of one hash under one key, and then two keys.
    options.channels = {{"ab", rising(1, 16)}, {"ba", rising(1, 32)}, {"c", {}}};
    options.channels[1].psk = rising(1, 16);
    std::swap(options.channels[1].psk[0], options.channels[1].psk[1]);
    radio_ = VirtualRadio::create(options, cipher_, entropy_).value();
    for (const std::string channel : {"ab", "ba", "c"}) {
        radio_.handle_packet(now_, encode(packet(ours(9), channel)).value());
        EXPECT_TRUE(radio_.receive()) << channel;
    }
    radio_.handle_packet(now_, encode(packet(ours(), "foreign")).value());
    EXPECT_EQ(radio_.stats().count(Drop::channel), 1U);
    MeshPacket clear = packet(ours());
    clear.content = ours();
    radio_.handle_packet(now_, encode(clear).value());
    EXPECT_EQ(radio_.stats().count(Drop::in_clear), 1U);
}

TEST_F(VirtualRadioTest, WhatIsOfNoUse_IsCountedByItsReason_AndNothingElseHappens) {
    (void)leaving();
    const auto changed = [&](auto&& change) {
        MeshPacket sent = packet(ours());
        change(sent);
        return envelope(sent);
    };
    expect_dropped(Drop::malformed, base::to_buffer(base::as_bytes("hello there")));
    base::Buffer cut = envelope(packet(ours()));
    cut.resize(cut.size() / 2);
    expect_dropped(Drop::malformed, cut);
    expect_dropped(Drop::empty, {});
    expect_dropped(Drop::empty, envelope(packet(ours()), ""));
    expect_dropped(Drop::empty, envelope(packet(ours()), "village", ""));
    expect_dropped(Drop::id, changed([](MeshPacket& p) { p.id = 0; }));
    expect_dropped(Drop::hops, changed([](MeshPacket& p) { p.hop_limit = 8; }));
    expect_dropped(Drop::hops, changed([](MeshPacket& p) { p.hop_start = 200; }));
    expect_dropped(Drop::own, changed([&](MeshPacket& p) { p.from = radio_.number(); }));
    expect_dropped(Drop::own, envelope(packet(ours()), "village", to_text(radio_.number())));
    expect_dropped(Drop::sender, changed([](MeshPacket& p) { p.from = NodeNumber{0}; }));
    expect_dropped(Drop::sender, changed([](MeshPacket& p) { p.from = everybody; }));
    expect_dropped(Drop::channel, envelope(packet(ours()), "town"));
    expect_dropped(Drop::direct, envelope(packet(ours()), "PKI"));
    expect_dropped(Drop::direct, changed([](MeshPacket& p) { p.is_pki = true; }));
    expect_dropped(Drop::in_clear, changed([&](MeshPacket& p) { p.content = ours(); }));
    expect_dropped(Drop::key, changed([](MeshPacket& p) { ++p.channel; }));
    expect_dropped(Drop::key, changed([&](MeshPacket& p) { seal(p, ours(), "other"); }));
    expect_dropped(Drop::key, changed([&](MeshPacket& p) { p.content = Ciphertext{}; }));
    expect_dropped(Drop::elsewhere, changed([](MeshPacket& p) { p.to = NodeNumber{77}; }));
    expect_dropped(Drop::port, envelope(packet({.port = Port::text, .payload = rising(65, 5)})));
    expect_dropped(Drop::port, envelope(packet({.port = Port{301}, .payload = rising(1, 5)})));
    expect_dropped(Drop::port, envelope(packet({.port = Port::node_info})));
    EXPECT_TRUE(leaving().empty());
}

TEST_F(VirtualRadioTest, FloodThatNobodyFetches_TakesBoundedMemory_AndIsCounted) {
    for (std::size_t i = 0; i < 5'000; ++i) radio_.handle_envelope(now_, envelope(packet(ours())));
    const std::size_t kept = radio_.options().received_max;
    EXPECT_EQ(radio_.stats().received, kept);
    EXPECT_EQ(radio_.stats().count(Drop::full), 5'000 - kept);
    radio_.check_invariants();
    for (std::size_t i = 0; i < kept; ++i) EXPECT_TRUE(radio_.receive());
    EXPECT_FALSE(radio_.receive());
}

TEST_F(VirtualRadioTest, OthersLearnWhoWeAre_AtTheStartAndAtTheInterval) {
    const auto left = leaving();
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].packet.to, everybody);
    EXPECT_EQ(left[0].content.port, Port::node_info);
    const User user = parse_user(left[0].content.payload).value();
    EXPECT_EQ(user.id, to_text(radio_.number()));
    EXPECT_EQ(user.public_key, rising(0x20, 32));
    EXPECT_TRUE(user.is_unmessagable);
    // Not again because a connection was lost for a while.
    radio_.handle_down();
    EXPECT_EQ(radio_.poll_timeout(), base::never);
    now_ += std::chrono::minutes(30);
    radio_.handle_up(now_);
    EXPECT_TRUE(leaving().empty());
    now_ = radio_.poll_timeout();
    EXPECT_EQ(now_, base::Instant(std::chrono::hours(4)));
    EXPECT_EQ(leaving().size(), 1U);
    EXPECT_EQ(radio_.stats().node_infos, 2U);
}

TEST_F(VirtualRadioTest, WhoAsks_IsAnswered_OnTheChannelOfTheQuestion) {
    (void)leaving();
    now_ += std::chrono::minutes(6);
    const MeshPacket asked = packet(question(), "LongFast");
    radio_.handle_envelope(now_, envelope(asked, "LongFast"));
    const auto left = leaving();
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].channel, "LongFast");
    EXPECT_EQ(left[0].packet.to, stranger);
    EXPECT_EQ(left[0].content.request_id, asked.id);
    EXPECT_TRUE(parse_user(left[0].content.payload).has_value());
    expect_dropped(Drop::repeated, envelope(asked, "LongFast"));
}

TEST_F(VirtualRadioTest, HoweverManyAsk_NoMoreThanOneAnswerLeavesInEachGap) {
    std::size_t answers = leaving().size();
    const base::Instant end = now_ + std::chrono::hours(1);
    for (; now_ < end; now_ += std::chrono::seconds(1)) {
        Content asks{.port = Port::node_info, .bitfield = 2};
        radio_.handle_envelope(now_, envelope(packet(asks)));
        answers += leaving().size();
    }
    EXPECT_EQ(answers, 12U);
    EXPECT_EQ(radio_.stats().node_infos, answers);
}

}  // namespace
}  // namespace meshchain::radio
