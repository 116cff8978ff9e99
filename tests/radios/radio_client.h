#pragma once
// What tests say to a radio by hand, and how they read what it says.

#include <vector>

#include "radio/stream_message.h"

namespace meshchain::tests {

constexpr radio::Port private_port{258};

inline base::Buffer framed(const radio::ToRadio& message) {
    return radio::frame_for_stream(radio::encode(message).value());
}

inline radio::MeshPacket packet_of(std::uint32_t id, std::size_t payload_bytes,
                                   radio::Port port = private_port) {
    return {.content =
                radio::Content{.port = port, .payload = base::Buffer(payload_bytes, std::byte{5})},
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
inline base::Buffer reboot_request(radio::NodeNumber number) {
    radio::MeshPacket packet = packet_of(4'711, 0, radio::Port{6});
    packet.to = number;
    packet.content =
        radio::Content{.port = radio::Port{6}, .payload = base::from_hex("880600").value()};
    return framed(packet);
}

/// All that a radio has said, by kind.
class News {
public:
    void add(base::Bytes bytes) {
        while (!bytes.empty()) {
            bytes = bytes.subspan(reader_.handle_bytes(bytes));
            if (const auto message = reader_.poll_message()) {
                all.push_back(radio::parse_from_radio(*message).value().news);
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
    std::vector<radio::MeshPacket> on(radio::Port port) const {
        std::vector<radio::MeshPacket> found = of<radio::MeshPacket>();
        std::erase_if(found, [&](const radio::MeshPacket& packet) {
            return std::get<radio::Content>(packet.content).port != port;
        });
        return found;
    }

    std::vector<decltype(radio::FromRadio::news)> all;

private:
    radio::StreamReader reader_;
};

/// The error of port routing that a packet tells of.
inline std::uint32_t error_in(const radio::MeshPacket& packet) {
    const auto& content = std::get<radio::Content>(packet.content);
    return radio::parse_routing(content.payload).value().value();
}
inline std::uint32_t request_in(const radio::MeshPacket& packet) {
    return std::get<radio::Content>(packet.content).request_id;
}

}  // namespace meshchain::tests
