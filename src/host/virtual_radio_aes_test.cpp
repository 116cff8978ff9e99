// Virtual radios with the real cipher, against whole envelopes that the official package made:
// tests/vectors/meshtastic_mqtt.txt.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "host/packet_cipher.h"
#include "radio/virtual_radio.h"

namespace meshchain::host {
namespace {

using radio::VirtualRadio;

base::Buffer official(const std::string& wanted) {
    std::ifstream file(MESHCHAIN_VECTORS "/meshtastic_mqtt.txt");
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string name;
        std::string hex;
        words >> name >> hex;
        if (name == wanted) return base::from_hex(hex).value();
    }
    ADD_FAILURE() << "no vector " << wanted;
    return {};
}

base::Buffer rising(int first, std::size_t count) {
    base::Buffer bytes(count);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(first++);
    return bytes;
}

/// Every packet gets the id of the vectors, so at most one is sent by a radio.
class FixedEntropy final : public base::Entropy {
public:
    void fill(base::MutableBytes out) override { std::ranges::fill(out, std::byte{1}); }
};

class VirtualRadioAes : public testing::Test {
protected:
    std::string published() {
        const auto departure = radio_.poll_departure();
        if (!departure) return "nothing";
        return base::to_hex(encode(radio::ServiceEnvelope{departure->packet, departure->channel,
                                                          to_text(radio_.number())})
                                .value());
    }

    const PacketCipher cipher_;
    FixedEntropy entropy_;
    VirtualRadio radio_ = VirtualRadio::create({.channels = {{"village", rising(1, 16)}},
                                                .port = radio::Port{300},
                                                .public_key = rising(0x20, 32)},
                                               cipher_, entropy_)
                              .value();
    base::Instant now_{};
};

TEST_F(VirtualRadioAes, WhatWeSend_IsByteForByteWhatTheOfficialSoftwareWrites) {
    radio_.handle_up(now_);
    ASSERT_TRUE(radio_.send(rising(1, 20), 3));
    EXPECT_EQ(published(), base::to_hex(official("ours")));
}

TEST_F(VirtualRadioAes, NodeInfo_IsByteForByteWhatTheOfficialSoftwareWrites) {
    radio_.handle_up(now_);
    radio_.handle_timeout(now_);
    EXPECT_EQ(published(), base::to_hex(official("node_info")));
}

TEST_F(VirtualRadioAes, WhatTheOfficialSoftwareWrites_IsReceivedAndAnswered) {
    radio_.handle_envelope(now_, official("theirs"));
    const auto received = radio_.receive();
    ASSERT_TRUE(received);
    EXPECT_EQ(received->from, radio::NodeNumber{0x0a0b0c0d});
    EXPECT_EQ(received->hop_limit, 3);
    EXPECT_EQ(base::to_buffer(received->payload), rising(0x61, 10));

    radio_.handle_up(now_);
    radio_.handle_envelope(now_, official("question"));
    radio_.handle_timeout(now_);
    EXPECT_EQ(radio_.stats().node_infos, 1U);
}

}  // namespace
}  // namespace meshchain::host
