#pragma once
// What tests say to a radio by hand, and how they read what it says.

#include <vector>

#include "radio/stream_message.h"

namespace meshchain::radio::test {

constexpr Port private_port{258};

inline base::Buffer framed(const ToRadio& message) {
    return frame_for_stream(encode(message).value());
}

inline MeshPacket packet_of(std::uint32_t id, std::size_t payload_bytes, Port port = private_port) {
    return {.content = Content{.port = port, .payload = base::Buffer(payload_bytes, std::byte{5})},
            .id = id,
            .hop_limit = 3};
}

/// So many packets in one row of bytes, with ids from 1 on.
inline base::Buffer packets_at_once(std::uint32_t count) {
    base::Buffer all;
    for (std::uint32_t id = 1; id <= count; ++id) {
        const base::Buffer frame = framed(packet_of(id, 20));
        all.insert(all.end(), frame.begin(), frame.end());
    }
    return all;
}

/// An app's wish to start a radio anew, at once: AdminMessage with reboot_seconds 0.
inline base::Buffer reboot_request(NodeNumber number) {
    MeshPacket packet = packet_of(4'711, 0, Port{6});
    packet.to = number;
    packet.content = Content{.port = Port{6}, .payload = base::from_hex("880600").value()};
    return framed(packet);
}

/// All that a radio has said, by kind.
class News {
public:
    void add(base::Bytes bytes) {
        while (!bytes.empty()) {
            bytes = bytes.subspan(reader_.handle_bytes(bytes));
            if (const auto message = reader_.poll_message()) {
                all.push_back(parse_from_radio(*message).value().news);
            }
        }
    }
    template <class Kind>
    std::vector<Kind> of() const {
        std::vector<Kind> found;
        for (const auto& news : all) {
            if (const auto* one = std::get_if<Kind>(&news)) found.push_back(*one);
        }
        return found;
    }
    /// The packets on a port.
    std::vector<MeshPacket> on(Port port) const {
        std::vector<MeshPacket> found = of<MeshPacket>();
        std::erase_if(found, [&](const MeshPacket& packet) {
            return std::get<Content>(packet.content).port != port;
        });
        return found;
    }

    std::vector<decltype(FromRadio::news)> all;

private:
    StreamReader reader_;
};

/// The error of port routing that a packet tells of.
inline std::uint32_t error_in(const MeshPacket& packet) {
    const auto& content = std::get<Content>(packet.content);
    return parse_routing(content.payload).value().value();
}
inline std::uint32_t request_in(const MeshPacket& packet) {
    return std::get<Content>(packet.content).request_id;
}

}  // namespace meshchain::radio::test
