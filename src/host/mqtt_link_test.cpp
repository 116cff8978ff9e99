#include "host/mqtt_link.h"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include "host/monotonic.h"
#include "host/packet_cipher.h"
#include "host/test_broker.h"
#include "host/test_radio_door.h"
#include "radio/radio_frames.h"

namespace meshchain::host {
namespace {

using base::Errc;
using radio::Content;
using radio::NodeNumber;
using Drop = radio::VirtualRadio::Drop;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

base::Buffer key_bytes(int first, std::size_t count = 32) {
    base::Buffer bytes(count);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(first++);
    return bytes;
}

MqttOptions options_for(std::uint16_t port, int who = 1) {
    MqttOptions options;
    options.port = port;
    options.root = "msh/EU_868/test";
    options.radio.channels = {{"village", key_bytes(1, 16)}, {"LongFast", {std::byte{1}}}};
    options.radio.port = radio::Port{300};
    options.radio.public_key = key_bytes(who * 40);
    options.radio.node_info_gap = {};
    options.retry_min = milliseconds(20);
    options.retry_max = milliseconds(200);
    return options;
}

class MqttTest : public RadioDoorTest {
protected:
    std::unique_ptr<MqttLink> open(MqttOptions options) {
        auto link = MqttLink::open(io_, std::move(options), entropy_, base::Random(++opened_));
        EXPECT_TRUE(link.has_value()) << base::sentence(link.error());
        return link ? std::move(*link) : nullptr;
    }
    base::Error refusal(const MqttOptions& options) {
        auto link = MqttLink::open(io_, options, entropy_, base::Random(1));
        EXPECT_FALSE(link.has_value());
        return link ? base::Error{} : link.error();
    }
    /// The same with a client that goes on, too.
    template <class Done>
    bool run_until(Done&& done, TestClient* client = nullptr) {
        return RadioDoorTest::run_until([&] {
            if (client != nullptr) client->turn(0);
            return done();
        });
    }
    /// The next packet for this link.
    std::optional<std::pair<NodeNumber, base::Buffer>> await(MqttLink& link,
                                                             TestClient* client = nullptr) {
        std::optional<std::pair<NodeNumber, base::Buffer>> found;
        run_until(
            [&] {
                if (const auto packet = link.receive()) {
                    found = {packet->from, base::to_buffer(packet->payload)};
                }
                return found.has_value();
            },
            client);
        return found;
    }
    std::string send(MqttLink& link, base::Bytes payload) {
        const auto sent = link.send(monotonic_now(), payload, 3);
        return sent ? "" : base::sentence(sent.error());
    }

    std::uint64_t opened_ = 0;
};

TEST_F(MqttTest, SettingThatCannotWork_IsNamedWithWhatToDo) {
    const auto broken = [&](auto&& change) {
        MqttOptions options = options_for(1883);
        change(options);
        const base::Error error = refusal(options);
        EXPECT_FALSE(error.advice.empty()) << error.what;
        return base::sentence(error);
    };
    using Options = MqttOptions;
    for (const char* host : {"", "mqtt://broker", "a b", "broker:1883/x", "bro\nker"}) {
        EXPECT_THAT(broken([&](Options& o) { o.host = host; }), HasSubstr("no name or address"));
    }
    EXPECT_THAT(broken([](Options& o) { o.port = 0; }), HasSubstr("port 0"));
    EXPECT_THAT(broken([](Options& o) { o.password = "secret"; }),
                testing::AllOf(HasSubstr("without a user"), testing::Not(HasSubstr("secret"))));
    EXPECT_THAT(broken([](Options& o) { o.user = "\xff\xfe"; }), HasSubstr("cannot carry"));
    for (const char* root : {"msh/+", "#", "msh/#"}) {
        EXPECT_THAT(broken([&](Options& o) { o.root = root; }), HasSubstr("wildcard")) << root;
    }
    for (const char* root : {"/msh", "msh/", "a//b"}) {
        EXPECT_THAT(broken([&](Options& o) { o.root = root; }), HasSubstr("level")) << root;
    }
    EXPECT_THAT(broken([](Options& o) { o.root = "$SYS"; }), HasSubstr("broker's own"));
    EXPECT_THAT(broken([](Options& o) { o.root = ""; }), HasSubstr("root topic"));
    EXPECT_THAT(broken([](Options& o) { o.root = "a\tb"; }), HasSubstr("root topic"));
    EXPECT_THAT(broken([](Options& o) { o.authority = "/ca.pem"; }), HasSubstr("no TLS"));
    EXPECT_THAT(broken([](Options& o) { o.keep_alive = seconds(1); }), HasSubstr("keep-alive"));
    EXPECT_THAT(broken([](Options& o) { o.radio.channels[0].psk.resize(40); }),
                HasSubstr("key of channel \"village\": 40 bytes"));
    EXPECT_THAT(broken([](Options& o) { o.radio.port = radio::Port{1}; }),
                HasSubstr("port number"));
    EXPECT_THAT(broken([](Options& o) { o.unsent_max = 0; }), HasSubstr("may wait"));
    EXPECT_THAT(broken([](Options& o) { o.retry_min = {}; }), HasSubstr("no pause"));
    EXPECT_THAT(broken([](Options& o) { o.retry_max = milliseconds(19); }),
                HasSubstr("shorter than the least"));
    EXPECT_THAT(broken([](Options& o) { o.radio.departures_max = 0; }), HasSubstr("to leave"));
}

TEST_F(MqttTest, AuthorityThatCannotBeUsed_IsNamed) {
    MqttOptions options = options_for(8883);
    options.tls = true;
    options.authority = "/nowhere/ca.pem";
    EXPECT_EQ(refusal(options).code, Errc::not_found);
    EXPECT_THAT(base::sentence(refusal(options)), HasSubstr("/nowhere/ca.pem"));
    const TemporaryFolder folder;
    options.authority = folder.path() / "ca.pem";
    ASSERT_TRUE(write_file(options.authority, base::as_bytes("not a certificate\n")));
    EXPECT_EQ(refusal(options).code, Errc::malformed);
    EXPECT_THAT(base::sentence(refusal(options)), HasSubstr("ca.pem"));
}

TEST_F(MqttTest, TwoNodes_HearEachOther_AndOthersSeeWhatAGatewayWouldPublish) {
    TestBroker broker;
    TestClient witness(broker.port());
    const auto one = open(options_for(broker.port(), 1));
    const auto two = open(options_for(broker.port(), 2));
    ASSERT_TRUE(run_until_up(*one) && run_until_up(*two));
    const base::Buffer payload = key_bytes(7, radio::payload_bytes_max);
    ASSERT_TRUE(one->is_ready());
    ASSERT_EQ(send(*one, payload), "");
    const auto heard = await(*two);
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->first, one->number());
    EXPECT_EQ(heard->second, payload);

    const std::string topic = "msh/EU_868/test/2/e/village/" + to_text(one->number());
    std::vector<Content> said;
    EXPECT_TRUE(run_until(
        [&] {
            said.clear();
            for (const auto& message : witness.messages) {
                if (message.topic != topic) continue;
                const auto envelope = radio::parse_service_envelope(message.payload).value();
                EXPECT_EQ(envelope.channel_id, "village");
                EXPECT_EQ(envelope.gateway_id, to_text(one->number()));
                const auto& sealed = std::get<radio::Ciphertext>(envelope.packet.content).bytes;
                EXPECT_EQ(envelope.packet.hop_start, 3);
                const radio::ChannelKey key{key_bytes(1, 16)};
                said.push_back(radio::parse_content(crypt_for_channel(key, envelope.packet.from,
                                                                      envelope.packet.id, sealed)
                                                        .value())
                                   .value());
            }
            return said.size() == 2;
        },
        &witness));
    ASSERT_EQ(said.size(), 2U);
    EXPECT_EQ(said[0].port, radio::Port::node_info) << "who speaks is said first";
    EXPECT_EQ(said[1], (Content{.port = radio::Port{300}, .payload = payload, .bitfield = 1}));
    // The broker hands us back what we say.
    EXPECT_TRUE(run_until([&] { return one->radio_stats().count(Drop::own) == 2; }));
    EXPECT_FALSE(one->receive());
}

TEST_F(MqttTest, TwoLinksOfOneNode_DoNotEndEachOther) {
    TestBroker broker;
    const auto one = open(options_for(broker.port()));
    const auto two = open(options_for(broker.port()));
    ASSERT_TRUE(run_until_up(*one) && run_until_up(*two));
    const auto until = std::chrono::steady_clock::now() + milliseconds(200);
    while (std::chrono::steady_clock::now() < until) io_.run_one_for(milliseconds(5));
    EXPECT_TRUE(one->is_up() && two->is_up());
    EXPECT_EQ(one->stats().attempts + two->stats().attempts, 2U);
}

TEST_F(MqttTest, GatewayThatAsks_IsToldWhoWeAre) {
    TestBroker broker;
    TestClient gateway(broker.port());
    const auto link = open(options_for(broker.port()));
    ASSERT_TRUE(run_until_up(*link));
    ASSERT_TRUE(run_until([&] { return link->stats().published == 1; }));
    radio::MeshPacket packet{.from = NodeNumber{0x0a0b0c0d}, .to = link->number(), .id = 77};
    const radio::ChannelKey key = radio::channel_key_of(key_bytes(1, 16)).value();
    packet.channel = radio::channel_hash("village", key);
    const auto clear = encode(Content{.port = radio::Port::node_info, .wants_response = true});
    packet.content =
        radio::Ciphertext{crypt_for_channel(key, packet.from, packet.id, *clear).value()};
    gateway.publish("msh/EU_868/test/2/e/village/!0a0b0c0d",
                    encode(radio::ServiceEnvelope{packet, "village", "!0a0b0c0d"}).value());
    EXPECT_TRUE(run_until([&] { return link->stats().published == 2; }, &gateway));
    const auto answer = [&] {
        for (const auto& message : gateway.messages) {
            const auto envelope = radio::parse_service_envelope(message.payload);
            if (envelope && envelope->packet.to == NodeNumber{0x0a0b0c0d}) return true;
        }
        return false;
    };
    EXPECT_TRUE(run_until(answer, &gateway));
}

TEST_F(MqttTest, UserAndPassword_OpenTheBroker_AndWrongOnesAreSaidClearly) {
    TestBroker broker(TestBroker::Kind::password);
    MqttOptions options = options_for(broker.port());
    options.user = TestBroker::user;
    options.password = "wrong";
    const auto wrong = open(options);
    ASSERT_TRUE(run_until([&] { return wrong->fault().has_value(); }));
    EXPECT_EQ(wrong->fault()->code, Errc::unauthorized);
    EXPECT_THAT(wrong->fault()->advice, HasSubstr("user and password"));
    EXPECT_THAT(base::sentence(*wrong->fault()), testing::Not(HasSubstr("wrong")));
    EXPECT_FALSE(wrong->is_ready());
    wrong->close();
    options.password = TestBroker::password;
    const auto right = open(options);
    EXPECT_TRUE(run_until_up(*right));
}

TEST_F(MqttTest, Tls_ConnectsToTheBrokerOfTheAuthority_AndToNoOther) {
    TestBroker broker(TestBroker::Kind::tls);
    MqttOptions options = options_for(broker.port());
    options.tls = true;
    options.authority = broker.authority();
    const auto one = open(options);
    const auto two = [&] {
        MqttOptions other = options_for(broker.port(), 2);
        other.tls = true;
        other.authority = broker.authority();
        return open(other);
    }();
    ASSERT_TRUE(run_until_up(*one) && run_until_up(*two));
    // More than TLS puts into one record, so that some of it waits where no socket shows it.
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(run_until([&] { return one->is_ready(); }));
        ASSERT_EQ(send(*one, key_bytes(i, 200)), "");
        const auto heard = await(*two);
        ASSERT_TRUE(heard) << i;
        EXPECT_EQ(heard->second, key_bytes(i, 200));
    }
    const auto expect_refused = [&](const MqttOptions& wrong) {
        const auto link = open(wrong);
        // At some address: a name may have others, where nobody listens.
        EXPECT_TRUE(run_until([&] {
            return link->fault() && link->fault()->what.find("certificate") != std::string::npos;
        })) << (link->fault() ? base::sentence(*link->fault()) : "no fault");
        EXPECT_EQ(link->stats().connections, 0U);
        EXPECT_EQ(link->fault().value_or(base::Error{}).code, Errc::unauthorized);
    };
    MqttOptions stranger = options;
    stranger.authority = make_certificate(broker.folder(), "other").certificate;
    expect_refused(stranger);
    MqttOptions by_name = options;
    by_name.host = "localhost";  // not in the certificate
    expect_refused(by_name);
}

TEST_F(MqttTest, TlsWhereNoneIs_AndNoneWhereTlsIs_AreSaidClearly) {
    TestBroker broker;
    TestBroker sealed(TestBroker::Kind::tls);
    MqttOptions options = options_for(broker.port());
    options.tls = true;
    const auto one = open(options);
    const auto two = open(options_for(sealed.port(), 2));
    ASSERT_TRUE(run_until([&] { return one->fault() && two->fault(); }));
    EXPECT_THAT(base::sentence(*one->fault()), HasSubstr("speaks TLS"));
    EXPECT_THAT(base::sentence(*two->fault()), HasSubstr("speaks TLS"));
}

TEST_F(MqttTest, BrokerThatDiesAndComesBack_IsFoundAgain) {
    for (const auto kind : {TestBroker::Kind::open, TestBroker::Kind::tls}) {
        TestBroker broker(kind);
        const auto secured = [&](MqttOptions options) {
            options.tls = kind == TestBroker::Kind::tls;
            options.authority = broker.authority();
            return options;
        };
        const auto one = open(secured(options_for(broker.port(), 1)));
        const auto two = open(secured(options_for(broker.port(), 2)));
        ASSERT_TRUE(run_until_up(*one) && run_until_up(*two));
        for (int round = 0; round < 3; ++round) {
            broker.kill();
            (void)send(*one, key_bytes(1, 9));  // into what is no connection any more
            ASSERT_TRUE(run_until([&] { return one->fault() && two->fault(); }));
            EXPECT_FALSE(one->is_ready());
            EXPECT_EQ(one->send(monotonic_now(), key_bytes(1, 9), 3).error().code,
                      Errc::unavailable);
            broker.start();
            ASSERT_TRUE(run_until_up(*one) && run_until_up(*two));
            EXPECT_FALSE(one->fault());
            ASSERT_EQ(send(*one, key_bytes(round, 9)), "");
            const auto heard = await(*two);
            ASSERT_TRUE(heard);
            EXPECT_EQ(heard->second, key_bytes(round, 9));
        }
        EXPECT_EQ(one->stats().connections, 4U);
        EXPECT_EQ(one->radio_stats().node_infos, 1U) << "not told anew for each connection";
    }
}

/// As when a cable is pulled: nothing is closed, nothing comes. The one test that takes its time,
/// because MQTT's keep-alive has five seconds at least.
TEST_F(MqttTest, BrokerThatFallsSilent_IsNoticedByTheKeepAlive) {
    TestBroker broker;
    MqttOptions options = options_for(broker.port());
    options.keep_alive = seconds(5);
    const auto link = open(options);
    ASSERT_TRUE(run_until_up(*link));
    broker.freeze();
    const auto deadline = std::chrono::steady_clock::now() + seconds(20);
    while (link->is_up() && std::chrono::steady_clock::now() < deadline) {
        io_.run_one_for(milliseconds(50));
    }
    ASSERT_TRUE(link->fault());
    EXPECT_EQ(link->fault()->code, Errc::timeout) << base::sentence(*link->fault());
}

TEST_F(MqttTest, BrokerThatIsNotThere_IsTriedLessAndLessOften) {
    MqttOptions options = options_for(TestBroker::free_port());
    options.retry_max = seconds(60);
    const auto link = open(options);
    ASSERT_TRUE(run_until([&] { return link->fault().has_value(); }));
    EXPECT_EQ(link->fault()->code, Errc::unavailable);
    EXPECT_THAT(link->fault()->what, HasSubstr("Connection refused"));
    const auto until = std::chrono::steady_clock::now() + milliseconds(600);
    while (std::chrono::steady_clock::now() < until) io_.run_one_for(milliseconds(10));
    EXPECT_GE(link->stats().attempts, 3U);
    EXPECT_LE(link->stats().attempts, 7U);
}

TEST_F(MqttTest, ServerThatNeverAnswers_IsGivenUp) {
    using boost::asio::ip::tcp;
    const tcp::acceptor silent(io_, {boost::asio::ip::address_v4::loopback(), 0});
    for (const bool tls : {false, true}) {
        MqttOptions options = options_for(silent.local_endpoint().port());
        options.connect_timeout = milliseconds(60);
        options.tls = tls;
        const auto link = open(options);
        ASSERT_TRUE(run_until([&] { return link->stats().attempts == 2; }));
        ASSERT_TRUE(link->fault());
        EXPECT_EQ(link->fault()->code, Errc::timeout);
    }
}

TEST_F(MqttTest, LinkClosedWhenItsTimerHasFired_StaysClosed) {
    using boost::asio::ip::tcp;
    const tcp::acceptor silent(io_, {boost::asio::ip::address_v4::loopback(), 0});
    MqttOptions options = options_for(silent.local_endpoint().port());
    options.connect_timeout = {};
    const auto link = open(options);
    ASSERT_TRUE(run_until([&] { return link->stats().attempts == 1; }));
    // By its turn the timer's handler waits for its own.
    boost::asio::post(io_, [&] { link->close(); });
    io_.run_for(milliseconds(150));
    EXPECT_EQ(link->stats().attempts, 1U);
    EXPECT_FALSE(link->fault());
}

TEST_F(MqttTest, HostThatNobodyKnows_IsSaidClearly) {
    MqttOptions options = options_for(1883);
    options.host = "no-such-host.invalid";
    options.connect_timeout = seconds(5);
    const auto link = open(options);
    ASSERT_TRUE(run_until([&] { return link->fault().has_value(); }));
    EXPECT_THAT(link->fault()->code, testing::AnyOf(Errc::unavailable, Errc::timeout));
    EXPECT_THAT(link->fault()->what, HasSubstr("no-such-host.invalid"));
}

/// It may have two addresses, of which the broker listens at one.
TEST_F(MqttTest, BrokerByItsName_IsFoundAtWhicheverAddress) {
    TestBroker broker;
    MqttOptions options = options_for(broker.port());
    options.host = "localhost";
    const auto link = open(options);
    EXPECT_TRUE(run_until_up(*link));
}

TEST_F(MqttTest, BrokerThatSendsWhatNobodyAskedFor_IsLeft) {
    const std::string greeting = "20020000900400010000";  // CONNACK, SUBACK
    const std::string publish = "0b0001610001";           // topic "a", packet 1, six bytes
    FakeBroker sound(io_, greeting + "300600016178797a");
    const auto link = open(options_for(sound.port()));
    ASSERT_TRUE(run_until([&] { return link->stats().messages == 1; }));
    EXPECT_TRUE(link->is_up());
    for (const auto& [said, what] : {std::pair{"20020000" + std::string(), "a second CONNACK"},
                                     std::pair{"32" + publish + "313233343536", "QoS"},
                                     std::pair{"34" + publish + "313233343536", "QoS"}}) {
        FakeBroker broker(io_, greeting + said);
        const auto one = open(options_for(broker.port()));
        ASSERT_TRUE(run_until([&] { return one->fault().has_value(); })) << said;
        EXPECT_EQ(one->fault()->code, Errc::malformed);
        EXPECT_THAT(one->fault()->what, HasSubstr(what));
    }
}

TEST_F(MqttTest, WhateverAStrangerPublishes_IsCountedAndDoesNoHarm) {
    TestBroker broker;
    TestClient stranger(broker.port());
    const auto link = open(options_for(broker.port()));
    ASSERT_TRUE(run_until_up(*link));
    const std::string topic = "msh/EU_868/test/2/e/village/!0a0b0c0d";
    const radio::ChannelKey key{key_bytes(1, 16)};
    const auto envelope = [&](std::uint32_t id, const radio::ChannelKey& used) {
        radio::MeshPacket packet{.from = NodeNumber{0x0a0b0c0d}, .id = id, .hop_limit = 3};
        packet.channel = radio::channel_hash("village", key);
        const auto clear = encode(Content{.port = radio::Port{300}, .payload = key_bytes(5, 10)});
        packet.content =
            radio::Ciphertext{crypt_for_channel(used, packet.from, id, *clear).value()};
        return radio::ServiceEnvelope{packet, "village", "!0a0b0c0d"};
    };
    stranger.publish(topic, base::as_bytes("hello"));
    stranger.publish(topic, {});
    stranger.publish(topic, encode(envelope(1, radio::ChannelKey{key_bytes(9, 16)})).value());
    radio::ServiceEnvelope plain = envelope(2, key);
    plain.packet.content = Content{.port = radio::Port{300}, .payload = key_bytes(5, 10)};
    stranger.publish(topic, encode(plain).value());
    stranger.publish(topic, encode(envelope(3, key)).value(), true);  // live now, kept for others
    base::Random random(1);
    for (int i = 0; i < 500; ++i) {
        base::Buffer bytes = encode(envelope(4 + static_cast<std::uint32_t>(i), key)).value();
        bytes[random.below(bytes.size())] ^= static_cast<std::byte>(1 + random.below(255));
        bytes.resize(random.below(bytes.size()));
        stranger.publish(topic, bytes);
    }
    stranger.publish(topic, encode(envelope(9'999, key)).value());
    ASSERT_TRUE(run_until([&] { return link->stats().messages == 507; }, &stranger));
    const auto& stats = link->radio_stats();
    EXPECT_GT(stats.count(Drop::malformed), 0U);
    EXPECT_EQ(stats.count(Drop::in_clear), 1U);
    EXPECT_GE(stats.count(Drop::key), 1U);
    std::uint64_t all = stats.received;
    for (const std::uint64_t count : stats.dropped) all += count;
    EXPECT_EQ(all, 507U) << "each is counted once, and our NodeInfo that came back";
    EXPECT_TRUE(link->is_up());
    EXPECT_EQ(link->stats().connections, 1U);
    base::Buffer last;
    while (const auto packet = link->receive()) last = base::to_buffer(packet->payload);
    EXPECT_EQ(last, key_bytes(5, 10));

    const auto late = open(options_for(broker.port(), 2));
    ASSERT_TRUE(run_until([&] { return late->stats().retained == 1; }));
    EXPECT_FALSE(late->receive()) << "what the broker kept is from who knows when";
}

TEST_F(MqttTest, FloodThatNobodyFetches_TakesBoundedMemory) {
    TestBroker broker;
    const auto one = open(options_for(broker.port(), 1));
    const auto two = open(options_for(broker.port(), 2));
    ASSERT_TRUE(run_until_up(*one) && run_until_up(*two));
    for (int i = 0; i < 300; ++i) {
        ASSERT_TRUE(run_until([&] { return one->is_ready(); }));
        ASSERT_EQ(send(*one, key_bytes(i, 50)), "");
    }
    ASSERT_TRUE(run_until([&] { return two->stats().messages >= 300; }));
    EXPECT_EQ(two->radio_stats().received, 64U);
    EXPECT_GT(two->radio_stats().count(Drop::full), 200U);
    std::size_t left = 0;
    while (two->receive()) ++left;
    EXPECT_EQ(left, 64U);
}

TEST_F(MqttTest, BurstOfMoreThanALinkHolds_IsFetchedBetweenItsTurns) {
    constexpr std::size_t burst = 200;
    TestBroker broker;
    boost::asio::io_context busy;  // with something else, until the whole burst is there
    const auto one = open(options_for(broker.port(), 1));
    auto opened = MqttLink::open(busy, options_for(broker.port(), 2), entropy_, base::Random(2));
    ASSERT_TRUE(opened);
    MqttLink& two = **opened;
    std::size_t fetched = 0;
    two.on_activity([&] {
        while (two.receive()) ++fetched;
    });
    ASSERT_TRUE(run_until_up(*one) && run_until([&] { return busy.poll(), two.is_up(); }));
    for (std::size_t i = 0; i < burst; ++i) {
        ASSERT_TRUE(run_until([&] { return one->is_ready(); }));
        ASSERT_EQ(send(*one, key_bytes(static_cast<int>(i), 50)), "");
    }
    ASSERT_TRUE(run_until([&] { return one->stats().messages >= burst; }));
    EXPECT_TRUE(run_until([&] { return busy.poll(), fetched >= burst; })) << fetched;
    EXPECT_EQ(two.radio_stats().count(Drop::full), 0U);
}

TEST_F(MqttTest, MessageBeyondAllMeasure_EndsTheConnection_WhichComesBack) {
    TestBroker broker;
    TestClient stranger(broker.port());
    const auto one = open(options_for(broker.port(), 1));
    ASSERT_TRUE(run_until_up(*one));
    stranger.publish("msh/EU_868/test/2/e/village/!0a0b0c0d",
                     base::Buffer(MqttLink::message_bytes_max * 8));
    ASSERT_TRUE(run_until([&] { return one->stats().oversized == 1; }, &stranger));
    ASSERT_TRUE(one->fault());
    EXPECT_EQ(one->fault()->code, Errc::too_large);
    const auto two = open(options_for(broker.port(), 2));
    ASSERT_TRUE(run_until_up(*one) && run_until_up(*two));
    ASSERT_EQ(send(*two, key_bytes(1, 9)), "");
    EXPECT_TRUE(await(*one));
}

TEST_F(MqttTest, ActivityIsReported_UntilEverythingIsFetched_AndNotAfterClosing) {
    TestBroker broker;
    const auto one = open(options_for(broker.port(), 1));
    const auto two = open(options_for(broker.port(), 2));
    std::size_t calls = 0;
    std::size_t fetched = 0;
    bool has_been_ready = false;
    two->on_activity([&] {
        ++calls;
        has_been_ready = has_been_ready || two->is_ready();
        if (two->receive()) ++fetched;  // one a call
    });
    ASSERT_TRUE(run_until_up(*one) && run_until_up(*two));
    EXPECT_TRUE(run_until([&] { return has_been_ready; }));
    for (int i = 0; i < 5; ++i) ASSERT_EQ(send(*one, key_bytes(i, 5)), "");
    EXPECT_TRUE(run_until([&] { return fetched == 5; }));
    two->close();
    const std::size_t before = calls;
    ASSERT_EQ(send(*one, key_bytes(9, 5)), "");
    EXPECT_TRUE(run_until([&] { return one->radio_stats().count(Drop::own) == 7; }));
    EXPECT_EQ(calls, before);
    EXPECT_FALSE(two->is_up());
    EXPECT_EQ(two->send(monotonic_now(), key_bytes(1, 1), 3).error().code, Errc::unavailable);
}

TEST_F(MqttTest, ReadinessThatComesBack_IsReported) {
    TestBroker broker;
    TestClient witness(broker.port());
    const auto link = open(options_for(broker.port()));
    bool is_told = false;
    link->on_activity([&] { is_told = is_told || link->is_ready(); });
    ASSERT_TRUE(run_until_up(*link));
    ASSERT_TRUE(run_until([&] { return link->radio_stats().count(Drop::own) == 1; }));
    broker.freeze();
    // Until the sockets' buffers hold no more.
    for (int i = 0; i < 200'000 && link->is_ready(); ++i) {
        ASSERT_EQ(send(*link, key_bytes(i, radio::payload_bytes_max)), "");
    }
    ASSERT_FALSE(link->is_ready());
    is_told = false;
    broker.thaw();
    // It reads first, so that all that waits leaves at once.
    const auto deadline = std::chrono::steady_clock::now() + seconds(5);
    while (witness.messages.size() < 1'000 && std::chrono::steady_clock::now() < deadline) {
        witness.turn();
    }
    EXPECT_TRUE(run_until([&] { return is_told; }));
}

TEST_F(MqttTest, MessagesOfRadioFrames_CrossInPieces) {
    TestBroker broker;
    const auto one = open(options_for(broker.port(), 1));
    const auto two = open(options_for(broker.port(), 2));
    ASSERT_TRUE(run_until_up(*one) && run_until_up(*two));
    radio::RadioOptions options;
    options.airtime.modulation = radio::modulation_of(radio::Preset::short_turbo);
    options.airtime.share_permille = 1'000;
    base::Instant now = monotonic_now();
    radio::RadioFrames sender(now, options, *one, base::Random(1));
    radio::RadioFrames receiver(now, options, *two, base::Random(2));
    const wire::MessageRule rule{
        wire::MessageType::block, wire::MessageClass::object, 0, 8'000, 60, 1, true};
    const base::Buffer payload = key_bytes(3, 2'000);
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
