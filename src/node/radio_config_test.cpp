// What is wrong with the radios of a configuration is found before any door is opened, and by name.

#include "node/radio_config.h"

#include <gtest/gtest.h>

#include <functional>

#include "node/config.h"

namespace meshchain::node {
namespace {

const std::vector<RadioChannel> channels{{"village", base::Buffer(16, std::byte{7})}};

RadioConfig radio_with(auto door) {
    if constexpr (requires { door.channels; }) door.channels = channels;
    return {.door = std::move(door), .region = {}};
}
RadioConfig by_mqtt(std::string host, std::string root = "msh", std::uint16_t port = 0) {
    MqttRadio door;
    door.host = std::move(host);
    door.root = std::move(root);
    door.port = port;
    return radio_with(door);
}
RadioConfig by_multicast(std::string group, std::string interface, std::uint16_t port = 4403) {
    return radio_with(MulticastRadio{std::move(group), port, std::move(interface), {}});
}
RadioConfig by_tcp(std::string host, std::uint16_t port = 4403) {
    return radio_with(TcpRadio{std::move(host), port, ""});
}
RadioConfig by_serial(std::string path) {
    return radio_with(SerialRadio{std::move(path), 115'200, ""});
}

std::vector<base::Error> problems_of(std::vector<RadioConfig> radios) {
    NodeConfig config;
    config.radios = std::move(radios);
    return problems(config);
}

/// The only problem's field, and what it says; the test's if there is not exactly one.
std::string field_of_problem(const RadioConfig& radio, std::string* sentence = nullptr) {
    const auto found = problems_of({radio});
    if (found.size() != 1) return std::to_string(found.size()) + " problems";
    if (sentence != nullptr) *sentence = base::sentence(found.front());
    EXPECT_TRUE(found.front().advice.starts_with("allowed: "));
    return found.front().where;
}

template <class Door>
std::string field_when(const std::function<void(Door&)>& spoil, std::string* sentence = nullptr) {
    Door door;
    if constexpr (requires { door.channels; }) door.channels = channels;
    spoil(door);
    return field_of_problem({.door = door, .region = {}}, sentence);
}

TEST(RadioConfigTest, GroupThatIsNoMulticastAddress_IsNamed) {
    for (const char* group :
         {"", "192.0.2.1", "223.255.255.255", "240.0.0.0", "ff02::1", "[::ffff:224.0.0.69]",
          "224.0.0", "224.0.0.69:4403", "224.0.0.069", "224.0.0.69 ", "radios.local", "a\nb"}) {
        EXPECT_EQ(field_of_problem(by_multicast(group, "")), "radios[0].multicast.group") << group;
    }
    for (const char* group : {"224.0.0.69", "224.0.0.0", "239.255.255.255"}) {
        EXPECT_TRUE(problems_of({by_multicast(group, "")}).empty()) << group;
    }
}

TEST(RadioConfigTest, InterfaceThatIsNoAddressOfACard_IsNamed) {
    for (const char* interface : {"eth0", "fe80::1", "[::1]", "224.0.0.1", "192.0.2.1/24",
                                  "192.0.2.1:0", "255.255.255.255.", "a\nb"}) {
        EXPECT_EQ(field_of_problem(by_multicast("224.0.0.69", interface)),
                  "radios[0].multicast.interface")
            << interface;
    }
    for (const char* interface : {"", "0.0.0.0", "192.0.2.1"}) {
        EXPECT_TRUE(problems_of({by_multicast("224.0.0.69", interface)}).empty()) << interface;
    }
}

TEST(RadioConfigTest, RootThatNoTopicCanHave_IsNamed) {
    for (const std::string& root : std::vector<std::string>{
             "", std::string(129, 'a'), "msh/+", "#", "/msh", "msh/", "a//b", "$SYS", "a\tb"}) {
        EXPECT_EQ(field_of_problem(by_mqtt("broker", root)), "radios[0].mqtt.root") << root;
    }
    EXPECT_TRUE(problems_of({by_mqtt("broker", "msh/EU_868")}).empty());
}

TEST(RadioConfigTest, HostThatIsNone_IsNamed_WithoutThePasswordThatMayBeInIt) {
    std::string sentence;
    for (const char* host : {"", "a b", "mqtt://broker", "broker/x", "br\nker"}) {
        EXPECT_EQ(field_of_problem(by_mqtt(host)), "radios[0].mqtt.host") << host;
        EXPECT_EQ(field_of_problem(by_tcp(host)), "radios[0].tcp.host") << host;
    }
    for (const RadioConfig& radio :
         {by_mqtt("mqtt://me:secret@broker"), by_tcp("tcp://me:secret@radio")}) {
        field_of_problem(radio, &sentence);
        EXPECT_EQ(sentence.find("secret"), std::string::npos) << sentence;
    }
}

TEST(RadioConfigTest, WhatOnlyMakesSenseTogether_IsNotTakenAlone) {
    EXPECT_EQ(field_when<MqttRadio>([](auto& door) { door.password_path = "password"; }),
              "radios[0].mqtt.password_path");
    EXPECT_EQ(field_when<MqttRadio>([](auto& door) { door.authority_path = "ca.pem"; }),
              "radios[0].mqtt.authority_path");
    std::string sentence;
    EXPECT_EQ(field_when<MqttRadio>([](auto& door) { door.user = std::string("secret\0", 7); },
                                    &sentence),
              "radios[0].mqtt.user");
    EXPECT_EQ(sentence.find("secret"), std::string::npos);
    EXPECT_EQ(field_when<MqttRadio>([](auto& door) { door.user.assign(1'025, 'a'); }),
              "radios[0].mqtt.user");
}

TEST(RadioConfigTest, SerialPortThatIsNoFullPath_IsNamed) {
    for (const char* path : {"", "ttyUSB0", "COM3", "/dev/tty\n"}) {
        EXPECT_EQ(field_of_problem(by_serial(path)), "radios[0].serial.path") << path;
    }
}

TEST(RadioConfigTest, ChannelNameThatNoTopicCanHave_IsNamed_AndEachNameIsThereOnce) {
    for (const char* name : {"a/b", "+", "#", "PKI"}) {
        EXPECT_EQ(field_when<MqttRadio>([&](auto& door) { door.channels[0].name = name; }),
                  "radios[0].mqtt.channels.name")
            << name;
    }
    EXPECT_EQ(
        field_when<MulticastRadio>([](auto& door) { door.channels.push_back(door.channels[0]); }),
        "radios[0].multicast.channels.name");
    EXPECT_EQ(field_when<TcpRadio>([](auto& door) {
                  door.host = "radio";
                  door.channel = "of more than eleven bytes";
              }),
              "radios[0].tcp.channel");
}

TEST(RadioConfigTest, RadioThatIsNamedTwice_HasOneBudget_HoweverItIsSpelled) {  // E9
    const std::pair<RadioConfig, RadioConfig> same[] = {
        {by_mqtt("localhost"), by_mqtt("127.0.0.1")},
        {by_mqtt("localhost"), by_mqtt("::1", "msh", 1883)},
        {by_mqtt("Broker.Example"), by_mqtt("broker.example.")},
        {by_mqtt("2001:db8::1"), by_mqtt("2001:0DB8:0::0001")},
        {by_tcp("radio.local"), by_tcp("RADIO.LOCAL")},
        {by_tcp("::ffff:192.0.2.40"), by_tcp("192.0.2.40")},
        {by_multicast("224.0.0.69", ""), by_multicast("224.0.0.69", "0.0.0.0")},
        {by_multicast("224.0.0.69", ""), by_multicast("224.0.0.69", "192.0.2.1")},
        {by_serial("/dev/ttyUSB0"), by_serial("/dev/./ttyUSB0")},
        {by_serial("/dev/ttyUSB0"), by_serial("//dev//ttyUSB0")},
    };
    for (const auto& [first, second] : same) {
        EXPECT_TRUE(is_same_radio(first, second) && is_same_radio(second, first));
        const auto found = problems_of({first, second});
        ASSERT_EQ(found.size(), 1U);
        EXPECT_EQ(found.front().where, "radios[1]");
        EXPECT_NE(found.front().what.find("radios[0]"), std::string::npos) << found.front().what;
    }
    EXPECT_EQ(problems_of({by_tcp("a"), by_tcp("b"), by_tcp("a"), by_tcp("a")}).size(), 2U);
}

TEST(RadioConfigTest, RadiosThatAreTwo_AreBothTaken) {
    const std::pair<RadioConfig, RadioConfig> different[] = {
        {by_mqtt("broker", "msh/EU_868"), by_mqtt("broker", "msh/US")},
        {by_mqtt("broker", "msh", 1883), by_mqtt("broker", "msh", 1884)},
        {by_mqtt("broker"), by_mqtt("broker2")},
        {by_multicast("224.0.0.69", ""), by_multicast("224.0.0.70", "")},
        {by_multicast("224.0.0.69", "192.0.2.1"), by_multicast("224.0.0.69", "198.51.100.1")},
        {by_tcp("radio"), by_tcp("radio", 4404)},
        {by_serial("/dev/ttyUSB0"), by_serial("/dev/ttyUSB1")},
        {by_tcp("localhost", 1883), by_mqtt("localhost")},
    };
    for (const auto& [first, second] : different) {
        EXPECT_FALSE(is_same_radio(first, second));
        EXPECT_TRUE(problems_of({first, second}).empty());
    }
}

}  // namespace
}  // namespace meshchain::node
