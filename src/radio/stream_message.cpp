#include "radio/stream_message.h"

#include "base/cursor.h"
#include "radio/nanopb.h"

namespace meshchain::radio {
namespace {

constexpr std::byte start1{0x94};
constexpr std::byte start2{0xc3};

NodeInfo value_of(const mtpb_NodeInfo& message) {
    NodeInfo info;
    info.number = NodeNumber{message.num};
    if (message.has_user) info.user = pb::value_of(message.user);
    if (message.has_device_metrics) info.metrics = pb::value_of(message.device_metrics);
    info.snr = message.snr;
    info.last_heard = message.last_heard;
    info.channel = message.channel;
    info.came_by_mqtt = message.via_mqtt;
    if (message.has_hops_away) info.hops_away = message.hops_away;
    return info;
}

LoraConfig value_of(const mtpb_LoRaConfig& message) {
    return {.uses_preset = message.use_preset,
            .preset = message.modem_preset,
            .bandwidth = message.bandwidth,
            .spreading_factor = message.spread_factor,
            .coding_rate = message.coding_rate,
            .region = message.region,
            .hop_limit = message.hop_limit,
            .may_transmit = message.tx_enabled};
}

Channel value_of(const mtpb_Channel& message) {
    const mtpb_ChannelSettings& settings = message.settings;
    return {.index = message.index,
            .psk = pb::bytes_of(settings.psk),
            .name = settings.name,
            .has_uplink = settings.uplink_enabled,
            .has_downlink = settings.downlink_enabled,
            .role = message.role};
}

QueueStatus value_of(const mtpb_QueueStatus& message) {
    return {.result = message.res,
            .free = message.free,
            .size = message.maxlen,
            .packet_id = message.mesh_packet_id};
}

/// Fills the variant of a message; false where a value does not fit its field.
class ToRadioWriter {
public:
    explicit ToRadioWriter(mtpb_ToRadio& message) : message_(message) {}

    bool operator()(const MeshPacket& packet) {
        message_.which_payload_variant = mtpb_ToRadio_packet_tag;
        return pb::put(message_.payload_variant.packet, packet);
    }
    bool operator()(const WantConfig& want) {
        message_.which_payload_variant = mtpb_ToRadio_want_config_id_tag;
        message_.payload_variant.want_config_id = want.nonce;
        return true;
    }
    bool operator()(const Disconnect&) {
        message_.which_payload_variant = mtpb_ToRadio_disconnect_tag;
        message_.payload_variant.disconnect = true;
        return true;
    }
    bool operator()(const Heartbeat& heartbeat) {
        message_.which_payload_variant = mtpb_ToRadio_heartbeat_tag;
        message_.payload_variant.heartbeat.nonce = heartbeat.nonce;
        return true;
    }

private:
    mtpb_ToRadio& message_;
};

class FromRadioWriter {
public:
    explicit FromRadioWriter(mtpb_FromRadio& message) : message_(message) {}

    bool operator()(const OtherNews&) { return true; }
    bool operator()(const MeshPacket& packet) {
        return pb::put(begin(mtpb_FromRadio_packet_tag).packet, packet);
    }
    bool operator()(const MyInfo& info) {
        begin(mtpb_FromRadio_my_info_tag).my_info.my_node_num =
            static_cast<std::uint32_t>(info.number);
        return true;
    }
    bool operator()(const NodeInfo& info) {
        mtpb_NodeInfo& out = begin(mtpb_FromRadio_node_info_tag).node_info;
        out.num = static_cast<std::uint32_t>(info.number);
        out.snr = info.snr;
        out.last_heard = info.last_heard;
        out.channel = info.channel;
        out.via_mqtt = info.came_by_mqtt;
        out.has_hops_away = info.hops_away.has_value();
        out.hops_away = info.hops_away.value_or(0);
        out.has_device_metrics = info.metrics.has_value();
        if (info.metrics) out.device_metrics = pb::message_of(*info.metrics);
        out.has_user = info.user.has_value();
        return !info.user || pb::put(out.user, *info.user);
    }
    bool operator()(const LoraConfig& config) {
        mtpb_Config& out = begin(mtpb_FromRadio_config_tag).config;
        out.which_payload_variant = mtpb_Config_lora_tag;
        out.payload_variant.lora = {.use_preset = config.uses_preset,
                                    .modem_preset = config.preset,
                                    .bandwidth = config.bandwidth,
                                    .spread_factor = config.spreading_factor,
                                    .coding_rate = config.coding_rate,
                                    .region = config.region,
                                    .hop_limit = config.hop_limit,
                                    .tx_enabled = config.may_transmit};
        return true;
    }
    bool operator()(const ConfigComplete& complete) {
        begin(mtpb_FromRadio_config_complete_id_tag).config_complete_id = complete.nonce;
        return true;
    }
    bool operator()(const Rebooted&) {
        begin(mtpb_FromRadio_rebooted_tag).rebooted = true;
        return true;
    }
    bool operator()(const Channel& channel) {
        mtpb_Channel& out = begin(mtpb_FromRadio_channel_tag).channel;
        out.index = channel.index;
        out.role = channel.role;
        out.has_settings = true;
        out.settings.uplink_enabled = channel.has_uplink;
        out.settings.downlink_enabled = channel.has_downlink;
        return pb::put_bytes(out.settings.psk, channel.psk) &&
               pb::put_text(out.settings.name, channel.name);
    }
    bool operator()(const QueueStatus& status) {
        begin(mtpb_FromRadio_queue_status_tag).queue_status = {.res = status.result,
                                                               .free = status.free,
                                                               .maxlen = status.size,
                                                               .mesh_packet_id = status.packet_id};
        return true;
    }

private:
    decltype(mtpb_FromRadio::payload_variant)& begin(pb_size_t tag) {
        message_.which_payload_variant = tag;
        return message_.payload_variant;
    }

    mtpb_FromRadio& message_;
};

}  // namespace

Parsed<ToRadio> parse_to_radio(base::Bytes bytes) {
    const auto message = pb::decode<mtpb_ToRadio>(bytes, mtpb_ToRadio_fields);
    if (!message) return std::unexpected(MeshFault::malformed);
    const auto& variant = message->payload_variant;
    switch (message->which_payload_variant) {
        case mtpb_ToRadio_packet_tag: return pb::value_of(variant.packet);
        case mtpb_ToRadio_want_config_id_tag: return WantConfig{variant.want_config_id};
        case mtpb_ToRadio_disconnect_tag: return Disconnect{};
        case mtpb_ToRadio_heartbeat_tag: return Heartbeat{variant.heartbeat.nonce};
        default: return std::unexpected(MeshFault::empty);
    }
}

Parsed<FromRadio> parse_from_radio(base::Bytes bytes) {
    const auto message = pb::decode<mtpb_FromRadio>(bytes, mtpb_FromRadio_fields);
    if (!message) return std::unexpected(MeshFault::malformed);
    const auto& variant = message->payload_variant;
    FromRadio result{.id = message->id, .news = OtherNews{}};
    switch (message->which_payload_variant) {
        case mtpb_FromRadio_packet_tag: {
            MESH_TRY(result.news, pb::value_of(variant.packet));
            break;
        }
        case mtpb_FromRadio_my_info_tag:
            result.news = MyInfo{NodeNumber{variant.my_info.my_node_num}};
            break;
        case mtpb_FromRadio_node_info_tag: result.news = value_of(variant.node_info); break;
        case mtpb_FromRadio_config_tag:
            if (variant.config.which_payload_variant == mtpb_Config_lora_tag) {
                result.news = value_of(variant.config.payload_variant.lora);
            }
            break;
        case mtpb_FromRadio_config_complete_id_tag:
            result.news = ConfigComplete{variant.config_complete_id};
            break;
        case mtpb_FromRadio_rebooted_tag: result.news = Rebooted{}; break;
        case mtpb_FromRadio_channel_tag: result.news = value_of(variant.channel); break;
        case mtpb_FromRadio_queue_status_tag: result.news = value_of(variant.queue_status); break;
        default: break;
    }
    return result;
}

std::expected<base::Buffer, base::Error> encode(const ToRadio& message) {
    mtpb_ToRadio out = mtpb_ToRadio_init_zero;
    if (!std::visit(ToRadioWriter(out), message)) return pb::too_long("the packet's content");
    return pb::encode<mtpb_ToRadio_size>(out, mtpb_ToRadio_fields);
}

std::expected<base::Buffer, base::Error> encode(const FromRadio& message) {
    mtpb_FromRadio out = mtpb_FromRadio_init_zero;
    out.id = message.id;
    if (!std::visit(FromRadioWriter(out), message.news)) return pb::too_long("what it holds");
    return pb::encode<mtpb_FromRadio_size>(out, mtpb_FromRadio_fields);
}

base::Buffer frame_for_stream(base::Bytes message) {
    MESH_ASSERT(message.size() <= stream_message_max);
    base::Buffer out{start1, start2};
    base::Writer(out).u16(static_cast<std::uint16_t>(message.size())).bytes(message);
    return out;
}

std::size_t StreamReader::length() const {
    return base::Reader(base::Bytes(held_).subspan(2)).u16();
}

void StreamReader::resynchronise() {
    const auto next = std::ranges::find(held_.begin() + 1, held_.end(), start1);
    skipped_ += static_cast<std::uint64_t>(next - held_.begin());
    held_.erase(held_.begin(), next);
}

std::size_t StreamReader::handle_bytes(base::Bytes bytes) {
    if (is_whole_) {
        held_.clear();
        is_whole_ = false;
    }
    std::size_t taken = 0;
    while (taken < bytes.size() && !is_whole_) {
        held_.push_back(bytes[taken++]);
        // What was held back as a beginning may turn out to be noise around another one.
        while (!held_.empty() && (held_[0] != start1 || (held_.size() > 1 && held_[1] != start2) ||
                                  (held_.size() >= head_bytes && length() > stream_message_max))) {
            resynchronise();
        }
        is_whole_ = held_.size() >= head_bytes && held_.size() == head_bytes + length();
    }
    return taken;
}

std::optional<base::Bytes> StreamReader::poll_message() {
    if (!is_whole_ || held_.empty()) return std::nullopt;
    const base::Bytes message = base::Bytes(held_).subspan(head_bytes);
    return message;
}

}  // namespace meshchain::radio
