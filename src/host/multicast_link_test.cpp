#include "host/multicast_link.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <fstream>
#include <sstream>

#include "host/monotonic.h"
#include "host/packet_cipher.h"
#include "host/test_radio_door.h"
#include "host/udp_link.h"
#include "radio/radio_frames.h"

namespace meshchain::host {
namespace {

using base::Errc;
using Drop = radio::VirtualRadio::Drop;
using radio::Content;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

/// Of this process's own, so that neither radios nor tests beside this one are heard or disturbed.
const auto group_port = static_cast<std::uint16_t>(20'000 + ::getpid() % 12'000);
constexpr const char* group = "224.0.0.69";

base::Buffer rising(int first, std::size_t count) {
    base::Buffer bytes(count);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(first++);
    return bytes;
}

MulticastOptions options_of(int who) {
    MulticastOptions options;
    options.port = group_port;
    options.interface = "127.0.0.1";
    options.radio.channels = {{"village", rising(1, 16)}};
    options.radio.port = radio::Port{300};
    options.radio.public_key = rising(who * 40, 32);
    return options;
}

class MulticastTest : public RadioDoorTest {
protected:
    std::unique_ptr<MulticastLink> open(int who) {
        auto link = MulticastLink::open(io_, options_of(who), entropy_);
        EXPECT_TRUE(link.has_value()) << base::sentence(link.error());
        return link ? std::move(*link) : nullptr;
    }
    /// Somebody else in the group.
    std::unique_ptr<UdpLink> open_stranger() {
        auto link = UdpLink::open(io_, {.address = "127.0.0.1",
                                        .port = 0,
                                        .multicast = true,
                                        .group = group,
                                        .group_port = group_port,
                                        .interface = "127.0.0.1"});
        EXPECT_TRUE(link.has_value());
        if (link) (*link)->on_readable([] {});
        return link ? std::move(*link) : nullptr;
    }
    std::optional<base::Buffer> await(MulticastLink& link) {
        std::optional<base::Buffer> found;
        run_until([&] {
            if (const auto packet = link.receive()) found = base::to_buffer(packet->payload);
            return found.has_value();
        });
        return found;
    }
};

TEST_F(MulticastTest, SettingThatCannotWork_IsNamedWithWhatToDo) {
    const auto refusal = [&](auto&& change) {
        MulticastOptions options = options_of(1);
        change(options);
        const auto link = MulticastLink::open(io_, options, entropy_);
        EXPECT_FALSE(link.has_value());
        if (link) return std::string();
        EXPECT_FALSE(link.error().advice.empty());
        return base::sentence(link.error());
    };
    using Options = MulticastOptions;
    EXPECT_THAT(refusal([](Options& o) { o.port = 0; }), HasSubstr("port 0"));
    EXPECT_THAT(refusal([](Options& o) { o.group = "10.0.0.1"; }), HasSubstr("IPv4 group"));
    EXPECT_THAT(refusal([](Options& o) { o.interface = "eth0"; }), HasSubstr("no IP address"));
    EXPECT_THAT(refusal([](Options& o) { o.interface = "192.0.2.77"; }), HasSubstr("192.0.2.77"));
    EXPECT_THAT(refusal([](Options& o) { o.radio.channels.clear(); }), HasSubstr("0 channels"));
    EXPECT_THAT(refusal([](Options& o) { o.radio.port = radio::Port{1}; }),
                HasSubstr("port number 1"));
}

TEST_F(MulticastTest, TwoNodes_HearEachOther_AndOthersSeeWhatARadioWouldSend) {
    const auto witness = open_stranger();
    const auto one = open(1);
    const auto two = open(2);
    const base::Buffer payload = rising(5, radio::payload_bytes_max);
    ASSERT_TRUE(one->is_ready());
    ASSERT_TRUE(one->send(monotonic_now(), payload, 3));
    EXPECT_EQ(await(*two), payload);
    std::vector<Content> said;
    base::Buffer buffer(2'048);
    EXPECT_TRUE(run_until([&] {
        while (const auto datagram = witness->receive(buffer)) {
            const auto packet =
                radio::parse_mesh_packet(base::Bytes(buffer).first(datagram->bytes)).value();
            if (packet.from != one->number()) continue;
            EXPECT_EQ(packet.hop_start, 3);
            const auto clear = crypt_for_channel({rising(1, 16)}, packet.from, packet.id,
                                                 std::get<radio::Ciphertext>(packet.content).bytes);
            said.push_back(radio::parse_content(*clear).value());
        }
        return said.size() >= 2;
    }));
    ASSERT_EQ(said.size(), 2U);
    EXPECT_EQ(said[0].port, radio::Port::node_info);
    EXPECT_EQ(said[1], (Content{.port = radio::Port{300}, .payload = payload, .bitfield = 1}));
    EXPECT_TRUE(run_until([&] { return one->radio_stats().count(Drop::own) == 2; }));
    EXPECT_FALSE(one->receive());
}

/// The packets of tests/vectors/meshtastic_mqtt.txt, without the envelope that MQTT has.
TEST_F(MulticastTest, WhatTheOfficialSoftwareWrites_IsReceivedAndAnswered) {
    std::ifstream file(MESHCHAIN_VECTORS "/meshtastic_mqtt.txt");
    std::map<std::string, base::Buffer> packets;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string name;
        std::string hex;
        words >> name >> hex;
        const auto bytes = base::from_hex(hex);
        if (!bytes || bytes->empty()) continue;
        // The first field of an envelope is its packet: tag, length, packet.
        const auto size = std::to_integer<std::size_t>((*bytes)[1]);
        packets[name] = base::to_buffer(base::Bytes(*bytes).subspan(2, size));
    }
    const auto radio = open_stranger();
    auto options = options_of(1);
    options.radio.public_key = rising(0x20, 32);
    options.radio.node_info_gap = {};
    const auto link = *MulticastLink::open(io_, options, entropy_);
    ASSERT_TRUE(radio->send(std::nullopt, packets.at("theirs")));
    EXPECT_EQ(await(*link), rising(0x61, 10));
    ASSERT_EQ(link->radio_stats().node_infos, 1U);
    ASSERT_TRUE(radio->send(std::nullopt, packets.at("question")));
    EXPECT_TRUE(run_until([&] { return link->stats().sent == 2; }));
    EXPECT_EQ(link->radio_stats().node_infos, 2U);
}

TEST_F(MulticastTest, WhateverAStrangerSends_IsCountedAndDoesNoHarm) {
    const auto stranger = open_stranger();
    const auto link = open(1);
    const auto other = open(2);
    base::Random random(1);
    constexpr std::uint64_t garbage = 400;
    for (std::uint64_t i = 0; i < garbage; ++i) {
        base::Buffer bytes(random.below(300));
        for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.below(256));
        ASSERT_TRUE(stranger->send(std::nullopt, bytes));
        // A socket holds so many; what it loses is no part of this test.
        const std::uint64_t others = 2;
        ASSERT_TRUE(run_until([&] { return link->stats().received >= i + others; }));
    }
    radio::MeshPacket packet{.from = radio::NodeNumber{0x12345678}, .id = 5};
    packet.content = Content{.port = radio::Port{300}};
    ASSERT_TRUE(stranger->send(std::nullopt, encode(packet).value()));
    EXPECT_TRUE(run_until([&] { return link->radio_stats().count(Drop::in_clear) == 1; }));
    EXPECT_GT(link->radio_stats().count(Drop::malformed), 100U);
    EXPECT_FALSE(link->receive());
    ASSERT_TRUE(other->send(monotonic_now(), rising(1, 9), 3));
    EXPECT_EQ(await(*link), rising(1, 9));
}

TEST_F(MulticastTest, FloodThatNobodyFetches_TakesBoundedMemory) {
    const auto one = open(1);
    const auto two = open(2);
    for (std::uint64_t i = 1; i <= 200; ++i) {
        ASSERT_TRUE(one->send(monotonic_now(), rising(1, 20), 3));
        ASSERT_TRUE(run_until([&] { return two->stats().received > i; }));
    }
    EXPECT_EQ(two->radio_stats().received, 64U);
    EXPECT_EQ(two->radio_stats().count(Drop::full), 136U);
}

TEST_F(MulticastTest, ActivityIsReported_UntilEverythingIsFetched_AndNotAfterClosing) {
    const auto one = open(1);
    const auto two = open(2);
    std::size_t calls = 0;
    std::size_t fetched = 0;
    two->on_activity([&] {
        ++calls;
        if (two->receive()) ++fetched;  // one a call
    });
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(one->send(monotonic_now(), rising(i, 5), 3));
    EXPECT_TRUE(run_until([&] { return fetched == 5; }));
    two->close();
    const std::size_t before = calls;
    ASSERT_TRUE(one->send(monotonic_now(), rising(9, 5), 3));
    EXPECT_TRUE(run_until([&] { return one->radio_stats().count(Drop::own) >= 7; }));
    EXPECT_EQ(calls, before);
    EXPECT_FALSE(two->is_ready());
    EXPECT_EQ(two->send(monotonic_now(), rising(1, 1), 3).error().code, Errc::unavailable);
}

TEST_F(MulticastTest, MessagesOfRadioFrames_CrossInPieces) {
    const auto one = open(1);
    const auto two = open(2);
    radio::RadioOptions options;
    options.airtime.modulation = radio::modulation_of(radio::Preset::short_turbo);
    options.airtime.share_permille = 1'000;
    base::Instant now = monotonic_now();
    radio::RadioFrames sender(now, options, *one, base::Random(1));
    radio::RadioFrames receiver(now, options, *two, base::Random(2));
    const wire::MessageRule rule{
        wire::MessageType::block, wire::MessageClass::object, 0, 8'000, 60, 1, true};
    const base::Buffer payload = rising(3, 2'000);
    ASSERT_TRUE(
        sender.send(now, rule, {.type = rule.type, .sender = {}, .hop_limit = 3}, payload, {}));
    base::Buffer arrived;
    EXPECT_TRUE(run_until([&] {
        now = monotonic_now();
        sender.handle_timeout(now);
        if (const auto frame = receiver.receive(now)) {
            arrived = base::to_buffer(frame->frame.payload);
        }
        receiver.handle_timeout(now);
        return !arrived.empty();
    }));
    EXPECT_EQ(arrived, payload);
}

}  // namespace
}  // namespace meshchain::host
