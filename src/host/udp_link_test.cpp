#include "host/udp_link.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <chrono>
#include <vector>

namespace meshchain::host {
namespace {

using base::Errc;

/// Of this process, so that neither nodes on the machine nor tests beside this one are heard.
const auto group_port = static_cast<std::uint16_t>(20'000 + getpid() % 10'000);

UdpOptions loopback() { return {.address = "127.0.0.1", .port = 0, .group_port = group_port}; }

struct Received {
    base::Buffer bytes;
    base::LinkAddress from;
    bool multicast;
};

class UdpLinkTest : public testing::Test {
protected:
    std::unique_ptr<UdpLink> open(const UdpOptions& options) {
        auto link = UdpLink::open(context_, options);
        EXPECT_TRUE(link.has_value()) << base::sentence(link.error());
        return link ? std::move(*link) : nullptr;
    }
    Errc refusal(const UdpOptions& options) {
        auto link = UdpLink::open(context_, options);
        EXPECT_FALSE(link.has_value());
        if (link) return Errc::io;
        EXPECT_FALSE(link.error().what.empty());
        return link.error().code;
    }
    /// Runs the context until `link` has called back and yielded a datagram, at most 2 s.
    std::optional<Received> await(UdpLink& link, std::size_t buffer_bytes = 2'000) {
        base::Buffer buffer(buffer_bytes);
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
        while (std::chrono::steady_clock::now() < deadline) {
            if (const auto datagram = link.receive(buffer)) {
                buffer.resize(datagram->bytes);
                return Received{buffer, datagram->from, datagram->multicast};
            }
            context_.run_one_for(std::chrono::milliseconds(50));
        }
        return std::nullopt;
    }

    boost::asio::io_context context_;
};

TEST_F(UdpLinkTest, TakenPort_IsNamedAndExplained) {
    const auto first = open(loopback());
    UdpOptions same = loopback();
    same.port = first->local_address().port;
    const auto second = UdpLink::open(context_, same);
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, Errc::exists);
    EXPECT_NE(second.error().what.find(std::to_string(same.port)), std::string::npos);
    EXPECT_NE(second.error().advice.find("another port"), std::string::npos);
}

TEST_F(UdpLinkTest, AddressOfNoInterface_IsRefused) {
    UdpOptions options = loopback();
    options.address = "192.0.2.77";
    EXPECT_EQ(refusal(options), Errc::invalid_argument);
}

TEST_F(UdpLinkTest, UnknownMulticastInterface_IsRefused) {
    UdpOptions options = loopback();
    options.interface = "192.0.2.77";
    EXPECT_EQ(refusal(options), Errc::unavailable);
}

TEST_F(UdpLinkTest, NamesInsteadOfAddresses_AreRefused) {
    UdpOptions options = loopback();
    options.address = "localhost";
    EXPECT_EQ(refusal(options), Errc::invalid_argument);
    options = loopback();
    options.interface = "eth0";
    EXPECT_EQ(refusal(options), Errc::invalid_argument);
}

TEST_F(UdpLinkTest, UnicastAddressAsGroup_IsRefused) {
    UdpOptions options = loopback();
    options.group = "10.0.0.1";
    EXPECT_EQ(refusal(options), Errc::invalid_argument);
}

TEST_F(UdpLinkTest, Unicast_ArrivesWithTheSendersOwnPort) {
    const auto alice = open(loopback());
    const auto bob = open(loopback());
    ASSERT_TRUE(alice->send(bob->local_address(), base::as_bytes("hello")));
    const auto received = await(*bob);
    ASSERT_TRUE(received.has_value());
    EXPECT_EQ(base::as_text(received->bytes), "hello");
    EXPECT_EQ(received->from, alice->local_address());
    EXPECT_FALSE(received->multicast);
}

TEST_F(UdpLinkTest, Multicast_ReachesEveryNodeOfTheMachineAndNamesTheUnicastPort) {
    const auto alice = open(loopback());
    const auto bob = open(loopback());
    const auto carol = open(loopback());
    ASSERT_TRUE(alice->send(std::nullopt, base::as_bytes("to all")));
    for (UdpLink* link : {bob.get(), carol.get(), alice.get()}) {
        const auto received = await(*link);
        ASSERT_TRUE(received.has_value());
        EXPECT_EQ(base::as_text(received->bytes), "to all");
        EXPECT_EQ(received->from, alice->local_address());
        EXPECT_TRUE(received->multicast);
    }
}

TEST_F(UdpLinkTest, UnicastToTheGroupsPort_IsNotTakenForMulticast) {
    const auto alice = open(loopback());
    const auto bob = open(loopback());
    base::LinkAddress group_port_of_host = bob->local_address();
    group_port_of_host.port = group_port;
    ASSERT_TRUE(alice->send(group_port_of_host, base::as_bytes("hidden")));
    ASSERT_TRUE(alice->send(bob->local_address(), base::as_bytes("open")));
    const auto received = await(*bob);
    ASSERT_TRUE(received.has_value());
    EXPECT_EQ(base::as_text(received->bytes), "open");
}

TEST_F(UdpLinkTest, DatagramLongerThanTheBuffer_IsDroppedAndCounted) {
    const auto alice = open(loopback());
    const auto bob = open(loopback());
    ASSERT_TRUE(alice->send(bob->local_address(), base::Buffer(101)));
    ASSERT_TRUE(alice->send(bob->local_address(), base::Buffer(100)));
    const auto received = await(*bob, 100);
    ASSERT_TRUE(received.has_value());
    EXPECT_EQ(received->bytes.size(), 100U);
    EXPECT_EQ(bob->truncated_count(), 1U);
}

TEST_F(UdpLinkTest, BurstOfManyBatches_ArrivesWholeAndInOrder) {
    const auto alice = open(loopback());
    const auto bob = open(loopback());
    constexpr std::uint8_t count = 200;
    for (std::uint8_t i = 0; i < count; ++i) {
        ASSERT_TRUE(alice->send(bob->local_address(), base::Buffer(1U + i, std::byte{i})));
    }
    for (std::uint8_t i = 0; i < count; ++i) {
        const auto received = await(*bob);
        ASSERT_TRUE(received.has_value());
        EXPECT_EQ(received->bytes, base::Buffer(1U + i, std::byte{i}));
    }
}

TEST_F(UdpLinkTest, LongestDatagram_ArrivesAndALongerOneIsDroppedByTheReceiverToo) {
    const auto alice = open(loopback());
    const auto bob = open(loopback());
    const std::size_t longest = bob->datagram_bytes_max();
    boost::asio::ip::udp::socket stranger(context_, boost::asio::ip::udp::v4());
    const base::Buffer longer(longest + 1);
    stranger.send_to(boost::asio::buffer(longer.data(), longer.size()),
                     {boost::asio::ip::address_v4::loopback(), bob->local_address().port});
    ASSERT_TRUE(alice->send(bob->local_address(), base::Buffer(longest)));
    const auto received = await(*bob, 2 * longest);
    ASSERT_TRUE(received.has_value());
    EXPECT_EQ(received->bytes.size(), longest);
    EXPECT_EQ(bob->truncated_count(), 1U);
}

TEST_F(UdpLinkTest, DatagramOverTheLimit_IsTooLarge) {
    const auto alice = open(loopback());
    const auto sent = alice->send(alice->local_address(), base::Buffer(2'049));
    ASSERT_FALSE(sent.has_value());
    EXPECT_EQ(sent.error().code, Errc::too_large);
}

TEST_F(UdpLinkTest, CallbackThatLeavesDatagrams_IsCalledAgain) {
    const auto alice = open(loopback());
    const auto bob = open(loopback());
    constexpr int count = 5;
    for (int i = 0; i < count; ++i) {
        ASSERT_TRUE(alice->send(bob->local_address(), base::as_bytes("x")));
    }
    int taken = 0;
    bob->on_readable([&] {
        std::array<std::byte, 16> buffer;
        if (bob->receive(buffer)) ++taken;
    });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (taken < count && std::chrono::steady_clock::now() < deadline) {
        context_.run_one_for(std::chrono::milliseconds(50));
    }
    EXPECT_EQ(taken, count);
}

TEST_F(UdpLinkTest, CallbackThatLeavesDatagramsOfBothSockets_IsCalledUntilNoneIsLeft) {
    const auto alice = open(loopback());
    const auto bob = open(loopback());
    constexpr int count = 5;
    for (int i = 0; i < count; ++i) {
        ASSERT_TRUE(alice->send(bob->local_address(), base::as_bytes("x")));
        ASSERT_TRUE(alice->send(std::nullopt, base::as_bytes("y")));
    }
    int taken = 0;
    bob->on_readable([&] {
        std::array<std::byte, 16> buffer;
        if (bob->receive(buffer)) ++taken;
    });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (taken < 2 * count && std::chrono::steady_clock::now() < deadline) {
        context_.run_one_for(std::chrono::milliseconds(50));
    }
    EXPECT_EQ(taken, 2 * count);
}

TEST_F(UdpLinkTest, MulticastOff_SendsNoneAndHearsNone) {
    UdpOptions options = loopback();
    options.multicast = false;
    const auto quiet = open(options);
    const auto alice = open(loopback());
    EXPECT_FALSE(quiet->send(std::nullopt, base::as_bytes("x")).has_value());
    ASSERT_TRUE(alice->send(std::nullopt, base::as_bytes("to all")));
    ASSERT_TRUE(alice->send(quiet->local_address(), base::as_bytes("to you")));
    const auto received = await(*quiet);
    ASSERT_TRUE(received.has_value());
    EXPECT_EQ(base::as_text(received->bytes), "to you");
}

TEST_F(UdpLinkTest, IPv6Loopback_CarriesUnicast) {
    UdpOptions options;
    options.address = "::1";
    options.multicast = false;
    const auto alice = UdpLink::open(context_, options);
    if (!alice) GTEST_SKIP() << "this machine has no IPv6: " << base::sentence(alice.error());
    const auto bob = open(options);
    ASSERT_TRUE((*alice)->send(bob->local_address(), base::as_bytes("six")));
    const auto received = await(*bob);
    ASSERT_TRUE(received.has_value());
    EXPECT_EQ(received->from, (*alice)->local_address());
}

TEST_F(UdpLinkTest, ClosedLink_FailsToSendAndCallsBackNoMore) {
    const auto alice = open(loopback());
    const auto bob = open(loopback());
    bool called = false;
    bob->on_readable([&] { called = true; });
    ASSERT_TRUE(alice->send(bob->local_address(), base::as_bytes("x")));
    bob->close();
    context_.run_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(called);
    EXPECT_FALSE(bob->send(alice->local_address(), base::as_bytes("x")).has_value());
    base::Buffer buffer(16);
    EXPECT_FALSE(bob->receive(buffer).has_value());
}

TEST_F(UdpLinkTest, LinkDestroyedWithItsWaitDone_IsNotCalledBack) {
    const auto alice = open(loopback());
    auto bob = open(loopback());
    bool called_when_gone = false;
    bob->on_readable([&] { called_when_gone |= bob == nullptr; });
    alice->on_readable([&] { bob.reset(); });
    ASSERT_TRUE(alice->send(bob->local_address(), base::as_bytes("x")));
    ASSERT_TRUE(bob->send(alice->local_address(), base::as_bytes("x")));
    context_.run_for(std::chrono::milliseconds(20));
    EXPECT_EQ(bob, nullptr);
    EXPECT_FALSE(called_when_gone);
}

}  // namespace
}  // namespace meshchain::host
