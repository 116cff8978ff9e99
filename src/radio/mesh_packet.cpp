#include "radio/mesh_packet.h"

#include <array>

#include "base/cursor.h"
#include "radio/nanopb.h"

namespace meshchain::radio {
namespace {

Content value_of(const mtpb_Data& message) {
    Content content;
    content.port = Port{message.portnum};
    content.payload = pb::bytes_of(message.payload);
    content.wants_response = message.want_response;
    content.destination = NodeNumber{message.dest};
    content.source = NodeNumber{message.source};
    content.request_id = message.request_id;
    content.reply_id = message.reply_id;
    if (message.has_bitfield) content.bitfield = message.bitfield;
    return content;
}

bool put(mtpb_Data& message, const Content& content) {
    message.portnum = static_cast<std::uint32_t>(content.port);
    message.want_response = content.wants_response;
    message.dest = static_cast<std::uint32_t>(content.destination);
    message.source = static_cast<std::uint32_t>(content.source);
    message.request_id = content.request_id;
    message.reply_id = content.reply_id;
    message.has_bitfield = content.bitfield.has_value();
    message.bitfield = content.bitfield.value_or(0);
    return pb::put_bytes(message.payload, content.payload);
}

}  // namespace

namespace pb {

Parsed<MeshPacket> value_of(const mtpb_MeshPacket& message) {
    if (message.id == 0) return std::unexpected(MeshFault::id);
    if (message.hop_limit > hops_max || message.hop_start > hops_max) {
        return std::unexpected(MeshFault::hops);
    }
    MeshPacket packet;
    switch (message.which_payload_variant) {
        case mtpb_MeshPacket_decoded_tag:
            packet.content = radio::value_of(message.payload_variant.decoded);
            break;
        case mtpb_MeshPacket_encrypted_tag:
            packet.content = Ciphertext{bytes_of(message.payload_variant.encrypted)};
            break;
        default: return std::unexpected(MeshFault::empty);
    }
    packet.from = NodeNumber{message.from};
    packet.to = NodeNumber{message.to};
    packet.channel = message.channel;
    packet.id = message.id;
    packet.rx_time = message.rx_time;
    packet.rx_snr = message.rx_snr;
    packet.rx_rssi = message.rx_rssi;
    packet.hop_limit = static_cast<std::uint8_t>(message.hop_limit);
    packet.hop_start = static_cast<std::uint8_t>(message.hop_start);
    packet.wants_ack = message.want_ack;
    packet.came_by_mqtt = message.via_mqtt;
    packet.is_pki = message.pki_encrypted;
    packet.public_key = bytes_of(message.public_key);
    return packet;
}

bool put(mtpb_MeshPacket& message, const MeshPacket& packet) {
    message.from = static_cast<std::uint32_t>(packet.from);
    message.to = static_cast<std::uint32_t>(packet.to);
    message.channel = packet.channel;
    message.id = packet.id;
    message.rx_time = packet.rx_time;
    message.rx_snr = packet.rx_snr;
    message.rx_rssi = packet.rx_rssi;
    message.hop_limit = packet.hop_limit;
    message.hop_start = packet.hop_start;
    message.want_ack = packet.wants_ack;
    message.via_mqtt = packet.came_by_mqtt;
    message.pki_encrypted = packet.is_pki;
    if (!put_bytes(message.public_key, packet.public_key)) return false;
    if (const auto* content = std::get_if<Content>(&packet.content)) {
        message.which_payload_variant = mtpb_MeshPacket_decoded_tag;
        return radio::put(message.payload_variant.decoded, *content);
    }
    message.which_payload_variant = mtpb_MeshPacket_encrypted_tag;
    return put_bytes(message.payload_variant.encrypted, std::get<Ciphertext>(packet.content).bytes);
}

User value_of(const mtpb_User& message) {
    return {.id = message.id,
            .long_name = message.long_name,
            .short_name = message.short_name,
            .hardware = message.hw_model,
            .role = message.role,
            .public_key = bytes_of(message.public_key),
            .is_unmessagable = message.is_unmessagable};
}

bool put(mtpb_User& message, const User& user) {
    message.hw_model = user.hardware;
    message.role = user.role;
    message.is_unmessagable = user.is_unmessagable;
    return put_text(message.id, user.id) && put_text(message.long_name, user.long_name) &&
           put_text(message.short_name, user.short_name) &&
           put_bytes(message.public_key, user.public_key);
}

DeviceMetrics value_of(const mtpb_DeviceMetrics& message) {
    DeviceMetrics metrics;
    if (message.has_channel_utilization) metrics.channel_utilization = message.channel_utilization;
    if (message.has_air_util_tx) metrics.air_util_tx = message.air_util_tx;
    return metrics;
}

mtpb_DeviceMetrics message_of(const DeviceMetrics& metrics) {
    mtpb_DeviceMetrics message = mtpb_DeviceMetrics_init_zero;
    message.has_channel_utilization = metrics.channel_utilization.has_value();
    message.channel_utilization = metrics.channel_utilization.value_or(0);
    message.has_air_util_tx = metrics.air_util_tx.has_value();
    message.air_util_tx = metrics.air_util_tx.value_or(0);
    return message;
}

}  // namespace pb

std::string to_text(NodeNumber number) {
    base::Buffer out;
    base::Writer(out).u32(static_cast<std::uint32_t>(number));
    return "!" + base::to_hex(out);
}

NodeNumber node_number_of(base::Bytes public_key) {
    std::uint32_t rest = 0xffffffff;
    for (const std::byte byte : public_key) {
        rest ^= std::to_integer<std::uint32_t>(byte);
        for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? 0xedb88320U : 0U);
    }
    return NodeNumber{~rest};
}

std::string_view name(MeshFault fault) {
    constexpr std::array<std::string_view, mesh_faults> names{"malformed", "empty", "id", "hops"};
    return names[static_cast<std::size_t>(fault)];
}

Parsed<Content> parse_content(base::Bytes bytes) {
    const auto message = pb::decode<mtpb_Data>(bytes, mtpb_Data_fields);
    if (!message) return std::unexpected(MeshFault::malformed);
    return value_of(*message);
}

Parsed<MeshPacket> parse_mesh_packet(base::Bytes bytes) {
    const auto message = pb::decode<mtpb_MeshPacket>(bytes, mtpb_MeshPacket_fields);
    if (!message) return std::unexpected(MeshFault::malformed);
    return pb::value_of(*message);
}

Parsed<ServiceEnvelope> parse_service_envelope(base::Bytes bytes) {
    const auto message = pb::decode<mtpb_ServiceEnvelope>(bytes, mtpb_ServiceEnvelope_fields);
    if (!message) return std::unexpected(MeshFault::malformed);
    ServiceEnvelope envelope{
        .packet = {}, .channel_id = message->channel_id, .gateway_id = message->gateway_id};
    if (!message->has_packet || envelope.channel_id.empty() || envelope.gateway_id.empty()) {
        return std::unexpected(MeshFault::empty);
    }
    MESH_TRY(envelope.packet, pb::value_of(message->packet));
    return envelope;
}

Parsed<User> parse_user(base::Bytes bytes) {
    const auto message = pb::decode<mtpb_User>(bytes, mtpb_User_fields);
    if (!message) return std::unexpected(MeshFault::malformed);
    return pb::value_of(*message);
}

Parsed<std::optional<std::uint32_t>> parse_routing(base::Bytes bytes) {
    const auto message = pb::decode<mtpb_Routing>(bytes, mtpb_Routing_fields);
    if (!message) return std::unexpected(MeshFault::malformed);
    if (message->which_variant != mtpb_Routing_error_reason_tag) return std::nullopt;
    return message->variant.error_reason;
}

Parsed<std::optional<DeviceMetrics>> parse_telemetry(base::Bytes bytes) {
    const auto message = pb::decode<mtpb_Telemetry>(bytes, mtpb_Telemetry_fields);
    if (!message) return std::unexpected(MeshFault::malformed);
    if (!message->has_device_metrics) return std::nullopt;
    return pb::value_of(message->device_metrics);
}

std::expected<base::Buffer, base::Error> encode(const Content& content) {
    mtpb_Data message = mtpb_Data_init_zero;
    if (!put(message, content)) return pb::too_long("the payload");
    base::Buffer out = pb::encode<mtpb_Data_size>(message, mtpb_Data_fields);
    if (out.size() > Content::encoded_bytes_max) return pb::too_long("the payload");
    return out;
}

std::expected<base::Buffer, base::Error> encode(const MeshPacket& packet) {
    mtpb_MeshPacket message = mtpb_MeshPacket_init_zero;
    if (!pb::put(message, packet)) return pb::too_long("the packet's content or key");
    return pb::encode<mtpb_MeshPacket_size>(message, mtpb_MeshPacket_fields);
}

std::expected<base::Buffer, base::Error> encode(const ServiceEnvelope& envelope) {
    mtpb_ServiceEnvelope message = mtpb_ServiceEnvelope_init_zero;
    message.has_packet = true;
    if (!pb::put(message.packet, envelope.packet)) {
        return pb::too_long("the packet's content or key");
    }
    if (!pb::put_text(message.channel_id, envelope.channel_id) ||
        !pb::put_text(message.gateway_id, envelope.gateway_id)) {
        return pb::too_long("the name of the channel or of the gateway");
    }
    return pb::encode<mtpb_ServiceEnvelope_size>(message, mtpb_ServiceEnvelope_fields);
}

std::expected<base::Buffer, base::Error> encode(const User& user) {
    mtpb_User message = mtpb_User_init_zero;
    if (!pb::put(message, user)) return pb::too_long("a name or the key");
    return pb::encode<mtpb_User_size>(message, mtpb_User_fields);
}

base::Buffer encode_routing(std::uint32_t error) {
    mtpb_Routing message = mtpb_Routing_init_zero;
    message.which_variant = mtpb_Routing_error_reason_tag;
    message.variant.error_reason = error;
    return pb::encode<mtpb_Routing_size>(message, mtpb_Routing_fields);
}

base::Buffer encode_telemetry(const DeviceMetrics& metrics) {
    mtpb_Telemetry message = mtpb_Telemetry_init_zero;
    message.has_device_metrics = true;
    message.device_metrics = pb::message_of(metrics);
    return pb::encode<mtpb_Telemetry_size>(message, mtpb_Telemetry_fields);
}

}  // namespace meshchain::radio
