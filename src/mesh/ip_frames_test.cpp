#include "mesh/ip_frames.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

namespace meshchain::mesh {
namespace {

/// Gives out what was put in.
class LoopLink final : public base::Link {
public:
    std::size_t datagram_bytes_max() const override { return datagram_bytes; }
    std::expected<void, base::Error> send(const std::optional<base::LinkAddress>&,
                                          base::Bytes datagram) override {
        waiting.push_back(base::to_buffer(datagram));
        return {};
    }
    std::optional<base::Datagram> receive(base::MutableBytes buffer) override {
        if (waiting.empty()) return std::nullopt;
        const base::Buffer datagram = std::move(waiting.front());
        waiting.pop_front();
        const std::size_t bytes = std::min(datagram.size(), buffer.size());
        std::ranges::copy_n(datagram.begin(), static_cast<std::ptrdiff_t>(bytes), buffer.begin());
        return base::Datagram{{}, false, bytes};
    }

    std::deque<base::Buffer> waiting;
    std::size_t datagram_bytes = 1'472;
};

constexpr wire::FrameHeader header{
    .type = wire::MessageType::block, .sender = {}, .timestamp = 1, .sequence = 2, .hop_limit = 3};

TEST(IpFrames, FrameCutShortAnywhere_IsCountedAndSkipped) {
    LoopLink link;
    IpFrames frames(link);
    const base::Buffer whole = wire::encode_frame(header, base::as_bytes("payload"));
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
        link.waiting.emplace_back(whole.begin(),
                                  whole.begin() + static_cast<std::ptrdiff_t>(bytes));
    }
    link.waiting.push_back(whole);
    const auto received = frames.receive();
    ASSERT_TRUE(received.has_value());
    EXPECT_EQ(base::as_text(received->frame.payload), "payload");
    EXPECT_EQ(frames.malformed_count(), whole.size());
}

TEST(IpFrames, DatagramLongerThanAnyFrame_IsCountedAndSkipped) {
    LoopLink link;
    IpFrames frames(link);
    base::Buffer datagram = wire::encode_frame(header, base::Buffer(wire::ip_payload_bytes_max));
    link.waiting.push_back(datagram);
    EXPECT_TRUE(frames.receive().has_value());
    datagram.push_back(std::byte{0});
    link.waiting.push_back(datagram);
    EXPECT_FALSE(frames.receive().has_value());
    EXPECT_EQ(frames.malformed_count(), 1U);
}

TEST(IpFrames, NarrowLink_NarrowsThePayload) {
    LoopLink link;
    const IpFrames frames(link);
    EXPECT_EQ(frames.payload_bytes_max(), wire::ip_payload_bytes_max);
    link.datagram_bytes = 100;
    EXPECT_EQ(frames.payload_bytes_max(), 80U);
    link.datagram_bytes = 20;
    EXPECT_EQ(frames.payload_bytes_max(), 0U);
}

}  // namespace
}  // namespace meshchain::mesh
