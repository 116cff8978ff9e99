#include "host/radio_links.h"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>

#include "host/file.h"
#include "host/monotonic.h"
#include "host/test_broker.h"
#include "host/test_radio_door.h"
#include "kv/memory_store.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr base::WallTime wall = base::wall_from_unix_ms(1'700'000'000'000);

crypto::PublicKey identity(int number) {
    crypto::SigningKey::Seed seed{};
    seed[0] = static_cast<std::byte>(number);
    return crypto::SigningKey::from_seed(seed).public_key();
}

node::RadioConfig by_mqtt(std::uint16_t port) {
    node::MqttRadio door;
    door.port = port;
    door.channels = {{"village", base::Buffer(16, std::byte{7})}};
    return {
        .door = door, .preset = radio::Preset::short_turbo, .region = {}, .share_permille = 100};
}

class RadioLinksTest : public RadioDoorTest {
protected:
    using Opened = std::expected<std::unique_ptr<RadioLinks>, base::Error>;

    static base::Now now() { return {monotonic_now(), wall}; }
    Opened try_open(const std::vector<node::RadioConfig>& configs, int who = 1) {
        return RadioLinks::open(configs,
                                {.io = io_,
                                 .store = *store_,
                                 .entropy = entropy_,
                                 .folder = folder_.path(),
                                 .node_name = "Lighthouse on the northern shore",
                                 .identity = identity(who),
                                 .log = {}},
                                base::Random(static_cast<std::uint64_t>(who)), now());
    }
    std::unique_ptr<RadioLinks> open(const std::vector<node::RadioConfig>& configs, int who = 1) {
        auto opened = try_open(configs, who);
        EXPECT_TRUE(opened) << base::sentence(opened.error());
        return opened ? *std::move(opened) : nullptr;
    }
    std::string refusal(const std::vector<node::RadioConfig>& configs) {
        const auto opened = try_open(configs);
        if (opened) return "";
        EXPECT_FALSE(opened.error().advice.empty());
        return base::sentence(opened.error());
    }
    static bool say(RadioLinks& links, std::string_view text) {
        wire::FrameHeader header;
        header.type = rule_.type;
        header.hop_limit = 3;
        wire::AirLink& air = *links.airs().front();
        return air.send(monotonic_now(), rule_, header, base::as_bytes(text), {}).has_value();
    }
    static std::optional<std::string> hear(RadioLinks& links) {
        const auto heard = links.airs().front()->receive(monotonic_now());
        if (!heard) return std::nullopt;
        return std::string(base::as_text(heard->frame.payload));
    }

    static constexpr wire::MessageRule rule_{
        wire::MessageType::transaction, wire::MessageClass::object, 1, 500, 600, 2, true};
    TemporaryFolder folder_;
    std::unique_ptr<kv::Store> store_ = kv::make_memory_store(node::node_tables);
};

TEST_F(RadioLinksTest, TwoNodesAtABroker_HearEachOther_AndSayWhatItCost) {  // E3, E9
    const TestBroker broker;
    const auto one = open({by_mqtt(broker.port())}, 1);
    const auto two = open({by_mqtt(broker.port())}, 2);
    ASSERT_TRUE(one && two);
    int told = 0;
    one->on_activity([&] { ++told; });
    two->on_activity([&] { ++told; });
    ASSERT_TRUE(run_until([&] {
        return one->view(0, monotonic_now()).is_up && two->view(0, monotonic_now()).is_up;
    }));
    ASSERT_TRUE(say(*one, "a payment"));
    std::optional<std::string> heard;
    EXPECT_TRUE(run_until([&] { return (heard = hear(*two)).has_value(); }));
    EXPECT_EQ(heard, "a payment");
    EXPECT_GT(told, 0);

    const RadioView view = one->view(0, monotonic_now());
    EXPECT_EQ(view.place, "mqtt 127.0.0.1:" + std::to_string(broker.port()) + " msh");
    EXPECT_EQ(view.modulation, "SHORT_TURBO");
    EXPECT_FALSE(view.is_modulation_its_own);
    EXPECT_EQ(view.budget, seconds(360));
    EXPECT_GT(view.spent, milliseconds(10));
    EXPECT_EQ(view.spent + view.left, view.budget);
    EXPECT_NE(view.number, two->view(0, monotonic_now()).number);
    EXPECT_EQ(view.number, radio::node_number_of(crypto::x25519_key(identity(1)).value()));
}

TEST_F(RadioLinksTest, WhatWasSpent_IsKnownAfterARestart) {  // E9
    const TestBroker broker;
    base::Duration spent{};
    {
        const auto links = open({by_mqtt(broker.port())});
        ASSERT_TRUE(links);
        ASSERT_TRUE(run_until([&] { return links->view(0, monotonic_now()).is_up; }));
        ASSERT_TRUE(say(*links, "a payment"));
        links->note_step(now());
        spent = links->view(0, monotonic_now()).spent;
        links->close(now());
    }
    const auto again = open({by_mqtt(broker.port())});
    ASSERT_TRUE(again);
    EXPECT_GE(again->view(0, monotonic_now()).spent, spent);
    EXPECT_LT(again->view(0, monotonic_now()).spent, spent + milliseconds(2));
}

TEST_F(RadioLinksTest, WhileItIsPaused_NothingLeaves_AndThenWhatWaited) {  // E9
    const TestBroker broker;
    const auto one = open({by_mqtt(broker.port())}, 1);
    const auto two = open({by_mqtt(broker.port())}, 2);
    ASSERT_TRUE(one && two);
    ASSERT_TRUE(run_until([&] {
        return one->view(0, monotonic_now()).is_up && two->view(0, monotonic_now()).is_up;
    }));
    const auto wait = [&] {
        return air_wait(one->ways_out(monotonic_now()), monotonic_now(), rule_, 110);
    };
    EXPECT_FALSE(wait());
    one->set_paused(monotonic_now(), 0, true);
    ASSERT_TRUE(wait());
    EXPECT_EQ(wait()->reason, "paused");
    EXPECT_TRUE(say(*one, "a payment"));
    const RadioView view = one->view(0, monotonic_now());
    EXPECT_TRUE(view.is_paused);
    EXPECT_EQ(view.waiting, 1U);
    EXPECT_EQ(view.deferred_by, radio::AirtimeBudget::Reason::paused);
    EXPECT_EQ(view.deferred_for, std::nullopt);
    EXPECT_EQ(view.spent, base::Duration{});
    one->set_paused(monotonic_now(), 0, false);
    EXPECT_EQ(one->view(0, monotonic_now()).waiting, 0U);
    std::optional<std::string> heard;
    EXPECT_TRUE(run_until([&] { return (heard = hear(*two)).has_value(); }));
    EXPECT_EQ(heard, "a payment");
}

TEST_F(RadioLinksTest, PauseOfOneRadio_LeavesTheOthersAlone_AndThoseThatOnlyListen) {
    node::RadioConfig deaf = by_mqtt(3);
    deaf.listen_only = true;
    const auto links = open({by_mqtt(1), by_mqtt(2), deaf});
    ASSERT_TRUE(links);
    const auto paused = [&] {
        std::vector<bool> states;
        for (std::size_t i = 0; i < links->size(); ++i) {
            states.push_back(links->view(i, monotonic_now()).is_paused);
        }
        return states;
    };
    links->set_paused(monotonic_now(), 1, true);
    links->set_paused(monotonic_now(), 2, true);
    EXPECT_EQ(paused(), (std::vector<bool>{false, true, false}));
    links->set_paused(monotonic_now(), 0, false);
    EXPECT_EQ(paused(), (std::vector<bool>{false, true, false}));
    links->set_paused(monotonic_now(), 1, false);
    links->set_paused(monotonic_now(), 2, false);
    EXPECT_EQ(paused(), (std::vector<bool>{false, false, false}));
    EXPECT_EQ(links->airs().size(), 3U);
}

TEST_F(RadioLinksTest, ABrokerThatIsNotThere_IsSaidAndNoErrorOfTheStart) {
    const auto links = open({by_mqtt(1)});
    ASSERT_TRUE(links);
    ASSERT_TRUE(run_until([&] { return links->view(0, monotonic_now()).fault.has_value(); }));
    const RadioView view = links->view(0, monotonic_now());
    EXPECT_FALSE(view.is_up);
    EXPECT_FALSE(view.fault->advice.empty());
}

TEST_F(RadioLinksTest, SettingThatCannotWork_IsNamedWithItsRadio) {
    node::RadioConfig config = by_mqtt(1883);
    auto& door = std::get<node::MqttRadio>(config.door);
    door.user = "radio";
    door.password_path = "mqtt.password";
    EXPECT_THAT(refusal({config}), HasSubstr("mqtt.password"));
    ASSERT_TRUE(write_file(folder_.path() / "mqtt.password", base::as_bytes("secret\n")));
    std::filesystem::permissions(
        folder_.path() / "mqtt.password",
        std::filesystem::perms::owner_read | std::filesystem::perms::others_read);
    EXPECT_THAT(refusal({config}),
                testing::AllOf(HasSubstr("mqtt.password"), testing::Not(HasSubstr("secret"))));
    std::filesystem::permissions(folder_.path() / "mqtt.password",
                                 std::filesystem::perms::owner_read);
    EXPECT_EQ(refusal({config}), "");
    door.root = "msh/#";
    EXPECT_THAT(refusal({config}),
                testing::AllOf(HasSubstr("mqtt 127.0.0.1:1883"), HasSubstr("wildcard")));
    EXPECT_THAT(refusal({by_mqtt(1), by_mqtt(1)}), HasSubstr("listed twice"));
    std::filesystem::create_symlink("/dev/null", folder_.path() / "radio");
    const auto by_serial = [](const std::string& path) {
        return node::RadioConfig{.door = node::SerialRadio{path, 115'200, ""}, .region = {}};
    };
    EXPECT_THAT(refusal({by_serial("/dev/null"), by_serial(folder_.path() / "radio")}),
                HasSubstr("radios[1]"));
    EXPECT_THAT(refusal({{.door = node::SerialRadio{"ttyUSB0", 115'200, ""}, .region = {}}}),
                HasSubstr("serial ttyUSB0"));
}

}  // namespace
}  // namespace meshchain::host
