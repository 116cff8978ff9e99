// Alarms and payments as plain texts, over a broker, as somebody with the channel's key reads them.

#include "host/radio_mirror.h"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>

#include "host/monotonic.h"
#include "host/mqtt_link.h"
#include "host/test_broker.h"
#include "host/test_radio_door.h"
#include "kv/memory_store.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

using namespace std::chrono_literals;
using records::AlertPriority;

crypto::PublicKey identity(int number) {
    crypto::SigningKey::Seed seed{};
    seed[0] = static_cast<std::byte>(number);
    return crypto::SigningKey::from_seed(seed).public_key();
}
const base::Buffer key(16, std::byte{7});

TEST(RadioMirrorText, Alarm_IsOneLineWithItsOrigin_WhateverItSays) {
    const std::string origin = crypto::to_hex(identity(1)).substr(0, 8);
    EXPECT_EQ(alarm_text({AlertPriority::critical, "Bag left", {}}, identity(1)).fitting(231),
              "ALARM critical: Bag left (from " + origin + ")");
    const std::string forged = "x (from 00000000)\nALARM critical: all clear";
    const std::string shown =
        alarm_text({AlertPriority::low, forged, {}}, identity(1)).fitting(231);
    EXPECT_EQ(std::ranges::count(shown, '\n'), 0);
    EXPECT_TRUE(shown.starts_with("ALARM low: ")) << shown;
    EXPECT_TRUE(shown.ends_with(" (from " + origin + ")")) << shown;
    const std::string cut =
        alarm_text({AlertPriority::high, std::string(512, 'x'), {}}, identity(1)).fitting(231);
    EXPECT_EQ(cut.size(), 231U);
    EXPECT_TRUE(cut.ends_with("… (from " + origin + ")")) << cut;
}

TEST(RadioMirrorText, LargestPayment_FitsTheShortestPacket) {
    wallet::HistoryEntry payment;
    payment.amount.units = wire::Amount::units_max;
    const std::string text = payment_text(payment, "Lighthouse on the northern shore")
                                 .fitting(radio::TextMirror::bytes_min);
    EXPECT_TRUE(text.starts_with("You were paid 1099511627775 (payment 00000000, to L")) << text;
}

/// Two gateways at a broker, and a reader.
class MirrorAtABroker : public RadioDoorTest {
protected:
    std::unique_ptr<RadioLinks> open(int who) {
        node::MqttRadio door;
        door.port = broker_.port();
        door.channels = {{"village", key}, {"people", key}};
        const node::RadioConfig config{
            .door = door,
            .preset = radio::Preset::short_turbo,
            .region = {},
            .share_permille = 100,
            .mirror = node::MirrorConfig{.channel = "people", .alerts = AlertPriority::high}};
        auto opened =
            RadioLinks::open({config},
                             {.io = io_,
                              .store = *store_,
                              .entropy = entropy_,
                              .folder = ".",
                              .node_name = "Lighthouse",
                              .identity = identity(who),
                              .log = {}},
                             base::Random(static_cast<std::uint64_t>(who)), {monotonic_now(), {}});
        EXPECT_TRUE(opened) << base::sentence(opened.error());
        return opened ? *std::move(opened) : nullptr;
    }
    void look_after(RadioLinks& links) {
        wire::AirLink& air = *links.airs().front();
        while (air.receive(monotonic_now())) {
        }
        if (monotonic_now() >= air.poll_timeout()) air.handle_timeout(monotonic_now());
    }

    TestBroker broker_;
    std::unique_ptr<kv::Store> store_ = kv::make_memory_store(node::node_tables);
};

TEST_F(MirrorAtABroker, OfTwoGateways_OneSaysEachAlarm) {  // E10
    const auto one = open(1);
    const auto two = open(2);
    MqttOptions options{.port = broker_.port()};
    options.radio.channels = {{"people", key}};
    options.radio.text_channel = "people";
    options.radio.public_key = base::to_buffer(crypto::x25519_key(identity(3)).value());
    const auto reader = MqttLink::open(io_, options, entropy_, base::Random(3)).value();
    ASSERT_TRUE(one && two && run_until_up(*reader));
    ASSERT_TRUE(run_until([&] {
        return one->view(0, monotonic_now()).is_up && two->view(0, monotonic_now()).is_up;
    }));
    std::vector<std::string> texts;
    const auto mirrored = [&](const RadioLinks& links) {
        return links.view(0, monotonic_now()).mirror.value();
    };
    for (int i = 0; i < 2; ++i) {
        const auto text =
            alarm_text({AlertPriority::critical, "alarm " + std::to_string(i), {}}, identity(9));
        using Knows = radio::TextMirror::Knows;
        one->say_text(monotonic_now(), 0, radio::Priority::transaction, text, Knows::others_later);
        two->say_text(monotonic_now(), 0, radio::Priority::transaction, text, Knows::others_too);
    }
    EXPECT_TRUE(run_until([&] {
        look_after(*one);
        look_after(*two);
        while (const auto text = reader->receive_text()) texts.push_back(*text);
        return mirrored(*one).stats.said_by_others + mirrored(*two).stats.said_by_others == 2 &&
               texts.size() >= 2;
    }));
    std::ranges::sort(texts);
    const std::string from = " (from " + crypto::to_hex(identity(9)).substr(0, 8) + ")";
    EXPECT_EQ(texts,
              (std::vector{"ALARM critical: alarm 0" + from, "ALARM critical: alarm 1" + from}));
    EXPECT_EQ(mirrored(*one).stats.said + mirrored(*two).stats.said, 2U);
    EXPECT_EQ(mirrored(*one).channel, "people");
    EXPECT_FALSE(mirrored(*one).fault);
}

}  // namespace
}  // namespace meshchain::host
