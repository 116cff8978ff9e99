#include "radio/virtual_radio.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/cursor.h"
#include "base/utf8.h"

namespace meshchain::radio {
namespace {

constexpr std::size_t public_key_bytes = 32;
constexpr std::size_t long_name_bytes_max = 24;
constexpr std::size_t short_name_bytes_max = 4;
/// Numbers that firmware keeps for itself.
constexpr std::uint32_t reserved_numbers = 4;
/// Hardware that is nobody's product, and a node that passes on nothing for others.
constexpr std::uint32_t private_hardware = 255;
constexpr std::uint32_t role_client_mute = 1;
/// Allows gateways to put it on MQTT, and tells firmware 2.8 that we say so much.
constexpr std::uint32_t ok_to_mqtt = 1;
constexpr std::uint32_t wants_response_bit = 2;

std::unexpected<base::Error> refuse(std::string what, std::string advice) {
    return base::failure(base::Errc::invalid_argument, std::move(what), "meshtastic",
                         std::move(advice));
}

bool is_name(std::string_view text, std::size_t bytes_max) {
    return !text.empty() && text.size() <= bytes_max && base::is_displayable(text);
}

/// A channel's name is a part of MQTT's topics.
std::expected<void, base::Error> check_channel(const std::vector<ChannelSetting>& channels,
                                               std::size_t index) {
    const std::string& name = channels[index].name;
    if (!is_name(name, VirtualRadio::channel_name_bytes_max) ||
        name.find_first_of("/+#") != std::string::npos || name == "PKI") {
        return refuse("channel " + std::to_string(index) + " cannot be called \"" +
                          (base::is_displayable(name) ? name : base::to_hex(base::as_bytes(name))) +
                          "\"",
                      "use the radios' name, 1 to 11 bytes without / + #; "
                      "where they have none, that of their preset, such as LongFast");
    }
    const auto same = [&](const ChannelSetting& other) { return other.name == name; };
    if (std::ranges::count_if(channels, same) > 1) {
        return refuse("channel \"" + name + "\" is named twice", "name each channel once");
    }
    return {};
}

std::expected<void, base::Error> check_limits(const VirtualRadioOptions& options) {
    if (options.received_max == 0) {
        return refuse("no room for received packets, so that each would be dropped",
                      "keep at least 1 until it is fetched; 64 by default");
    }
    if (options.texts_max == 0) {
        return refuse("no room for texts of others, so that each would be dropped",
                      "keep at least 1 until it is fetched; 16 by default");
    }
    if (options.departures_max == 0) {
        return refuse("no room for packets that are to leave, so that none could be sent",
                      "keep at least 1 until it has left; 16 by default");
    }
    if (options.remembered_max == 0) {
        return refuse("no memory of packets seen, so that each copy would count as new",
                      "remember at least 1, better as many as arrive in some minutes; "
                      "1,024 by default");
    }
    if (options.node_info_every <= base::Duration::zero() &&
        options.node_info_gap <= base::Duration::zero()) {
        return refuse("no pause between two NodeInfos, so that they would be sent without end",
                      "set the interval, 3 hours by default, or the least gap, 5 minutes");
    }
    return {};
}

std::expected<void, base::Error> check(const VirtualRadioOptions& options) {
    if (options.channels.empty() || options.channels.size() > VirtualRadio::channels_max) {
        return refuse(std::to_string(options.channels.size()) + " channels",
                      "name 1 to 8 channels, the first being the one to send on");
    }
    for (std::size_t i = 0; i < options.channels.size(); ++i) {
        MESH_CHECK(check_channel(options.channels, i));
    }
    const auto is_for_texts = [&](const ChannelSetting& channel) {
        return channel.name == options.text_channel;
    };
    if (!options.text_channel.empty() && std::ranges::none_of(options.channels, is_for_texts)) {
        return refuse("texts for a channel that is not listed", "name one of the channels");
    }
    const auto port = static_cast<std::uint32_t>(options.port);
    if (port < private_port_min || port > private_port_max) {
        return refuse("port number " + std::to_string(port), "choose one of 258 to 511");
    }
    if (!is_name(options.long_name, long_name_bytes_max) ||
        !is_name(options.short_name, short_name_bytes_max)) {
        return refuse("a node's name that radios cannot show",
                      "use 1 to 24 bytes for the long name and 1 to 4 for the short one");
    }
    const NodeNumber number = node_number_of(options.public_key);
    if (options.public_key.size() != public_key_bytes || number == everybody ||
        static_cast<std::uint32_t>(number) < reserved_numbers) {
        return refuse("a public key that gives no node number", "generate another key");
    }
    if (options.hop_limit > hops_max) {
        return refuse("hop limit " + std::to_string(options.hop_limit), "choose 0 to 7");
    }
    return check_limits(options);
}

/// Firmware says it in either place.
bool asks(const Content& content) {
    return content.wants_response || (content.bitfield.value_or(0) & wants_response_bit) != 0;
}

VirtualRadio::Drop drop_of(MeshFault fault) {
    switch (fault) {
        case MeshFault::malformed: return VirtualRadio::Drop::malformed;
        case MeshFault::empty: return VirtualRadio::Drop::empty;
        case MeshFault::id: return VirtualRadio::Drop::id;
        case MeshFault::hops: return VirtualRadio::Drop::hops;
    }
    return VirtualRadio::Drop::malformed;
}

}  // namespace

std::expected<VirtualRadio, base::Error> VirtualRadio::create(VirtualRadioOptions options,
                                                              const ChannelCipher& cipher,
                                                              base::Entropy& entropy) {
    MESH_CHECK(check(options));
    std::vector<Channel> channels;
    for (const ChannelSetting& setting : options.channels) {
        auto key = channel_key_of(setting.psk);
        if (!key) {
            key.error().where = "key of channel \"" + setting.name + "\"";
            return std::unexpected(std::move(key).error());
        }
        const std::uint8_t hash = channel_hash(setting.name, *key);
        channels.push_back({setting.name, std::move(*key), hash});
    }
    return VirtualRadio(std::move(options), std::move(channels), cipher, entropy);
}

VirtualRadio::VirtualRadio(VirtualRadioOptions options, std::vector<Channel> channels,
                           const ChannelCipher& cipher, base::Entropy& entropy)
    : options_(std::move(options)),
      channels_(std::move(channels)),
      cipher_(&cipher),
      entropy_(&entropy),
      number_(node_number_of(options_.public_key)),
      seen_(options_.remembered_max),
      received_(options_.received_max),
      texts_(options_.texts_max),
      departures_(options_.departures_max) {
    const auto found = std::ranges::find(channels_, options_.text_channel, &Channel::name);
    if (found != channels_.end()) {
        text_channel_ = static_cast<std::size_t>(found - channels_.begin());
    }
}

void VirtualRadio::handle_up(base::Instant now) {
    is_up_ = true;
    if (!told_) announce_at_ = now;
}

void VirtualRadio::handle_down() {
    is_up_ = false;
    question_.reset();
    while (departures_.pop()) {
    }
}

void VirtualRadio::handle_envelope(base::Instant now, base::Bytes bytes) {
    const auto envelope = parse_service_envelope(bytes);
    if (!envelope) return drop(drop_of(envelope.error()));
    if (envelope->gateway_id == to_text(number_)) return drop(Drop::own);
    handle(now, envelope->packet, envelope->channel_id);
}

void VirtualRadio::handle_packet(base::Instant now, base::Bytes bytes) {
    const auto packet = parse_mesh_packet(bytes);
    if (!packet) return drop(drop_of(packet.error()));
    handle(now, *packet, {});
}

void VirtualRadio::handle(base::Instant now, const MeshPacket& packet, std::string_view channel) {
    if (const auto taken = take(now, packet, channel); !taken) drop(taken.error());
}

VirtualRadio::Judged<void> VirtualRadio::take(base::Instant now, const MeshPacket& packet,
                                              std::string_view channel) {
    if (packet.from == number_) return std::unexpected(Drop::own);
    if (packet.from == everybody || packet.from == NodeNumber{0}) {
        return std::unexpected(Drop::sender);
    }
    auto heard = open(packet, channel);
    if (!heard) return std::unexpected(heard.error());
    // Of two packets with one id the second is a copy, whatever it holds: so firmware has it.
    const std::pair key(packet.from, packet.id);
    if (seen_.contains(key)) return std::unexpected(Drop::repeated);
    if (packet.to != everybody && packet.to != number_) return std::unexpected(Drop::elsewhere);
    if (heard->content.port == Port::node_info) {
        seen_.put(key, true);
        if (!asks(heard->content)) return std::unexpected(Drop::port);
        question_ = Question{packet.from, packet.id, heard->channel};
        asked_ = now;
        return {};
    }
    if (heard->content.port == Port::text) return take_text(packet, *heard);
    if (heard->content.port != options_.port) return std::unexpected(Drop::port);
    if (received_.full()) return std::unexpected(Drop::full);
    seen_.put(key, true);
    ++stats_.received;
    MESH_ASSERT(received_.push({packet.from, packet.hop_limit, std::move(heard->content.payload)}));
    return {};
}

VirtualRadio::Judged<void> VirtualRadio::take_text(const MeshPacket& packet, Heard& heard) {
    if (heard.channel != text_channel_ || packet.to != everybody) {
        return std::unexpected(Drop::port);
    }
    if (texts_.full()) return std::unexpected(Drop::full);
    seen_.put({packet.from, packet.id}, true);
    MESH_ASSERT(texts_.push(std::string(base::as_text(heard.content.payload))));
    return {};
}

VirtualRadio::Judged<VirtualRadio::Heard> VirtualRadio::open(const MeshPacket& packet,
                                                             std::string_view channel) const {
    if (packet.is_pki || channel == "PKI") return std::unexpected(Drop::direct);
    const bool is_sealed = std::holds_alternative<Ciphertext>(packet.content);
    // In clear, the number of the channel is one of the sender's own counting.
    if (channel.empty() && !is_sealed) return std::unexpected(Drop::in_clear);
    Drop reason = Drop::channel;
    for (std::size_t i = 0; i < channels_.size(); ++i) {
        const bool is_meant =
            channel.empty() ? packet.channel == channels_[i].hash : channel == channels_[i].name;
        if (!is_meant) continue;
        auto content = decrypt(packet, channels_[i]);
        if (content) return Heard{std::move(*content), i};
        reason = content.error();
    }
    return std::unexpected(reason);
}

VirtualRadio::Judged<Content> VirtualRadio::decrypt(const MeshPacket& packet,
                                                    const Channel& channel) const {
    if (const auto* content = std::get_if<Content>(&packet.content)) {
        if (!channel.key.bytes.empty()) return std::unexpected(Drop::in_clear);
        return *content;
    }
    if (packet.channel != channel.hash) return std::unexpected(Drop::key);
    const auto clear = cipher_->crypt(channel.key, packet.from, packet.id,
                                      std::get<Ciphertext>(packet.content).bytes);
    if (!clear) return std::unexpected(Drop::key);
    // What another key gives is rarely a message, and hardly ever one of a known port.
    auto content = parse_content(*clear);
    if (!content || content->port == Port{0}) return std::unexpected(Drop::key);
    return *std::move(content);
}

std::expected<void, base::Error> VirtualRadio::send(base::Bytes payload, std::uint8_t hop_limit) {
    MESH_CHECK(queue(
        0, everybody, std::min(hop_limit, hops_max),
        {.port = options_.port, .payload = base::to_buffer(payload), .bitfield = ok_to_mqtt}));
    ++stats_.sent;
    return {};
}

std::optional<base::Error> VirtualRadio::text_fault() const {
    if (text_channel_) return std::nullopt;
    return base::Error{base::Errc::unsupported, "no channel for texts is set", "meshtastic",
                       "name one of the channels"};
}

std::expected<void, base::Error> VirtualRadio::send_text(std::string_view text,
                                                         std::uint8_t hop_limit) {
    if (auto fault = text_fault()) return std::unexpected(*std::move(fault));
    MESH_CHECK(queue(*text_channel_, everybody, std::min(hop_limit, hops_max),
                     {.port = Port::text,
                      .payload = base::to_buffer(base::as_bytes(text)),
                      .bitfield = ok_to_mqtt}));
    ++stats_.texts;
    return {};
}

std::uint32_t VirtualRadio::fresh_id() {
    // Unpredictable, so that nobody uses up an id before us; never one that was used lately: two
    // contents under one key and id would show each other.
    std::array<std::byte, 4> bytes{};
    for (;;) {
        entropy_->fill(bytes);
        const std::uint32_t id = base::Reader(bytes).u32();
        if (id != 0 && !seen_.contains({number_, id})) return id;
    }
}

std::expected<void, base::Error> VirtualRadio::queue(std::size_t channel, NodeNumber to,
                                                     std::uint8_t hop_limit,
                                                     const Content& content) {
    if (!is_up_) {
        return base::failure(base::Errc::unavailable, "nobody can hear us", "meshtastic",
                             "wait until the link is ready");
    }
    if (departures_.full()) {
        return base::failure(base::Errc::full, "the packets before have not left", "meshtastic",
                             "wait until the link is ready");
    }
    MESH_TRY(const base::Buffer clear, encode(content));
    const Channel& used = channels_[channel];
    MeshPacket packet{.from = number_,
                      .to = to,
                      .channel = used.hash,
                      .content = {},
                      .id = fresh_id(),
                      .hop_limit = hop_limit,
                      .hop_start = hop_limit,
                      .public_key = {}};
    MESH_TRY(base::Buffer sealed, cipher_->crypt(used.key, packet.from, packet.id, clear));
    packet.content = Ciphertext{std::move(sealed)};
    seen_.put({number_, packet.id}, true);
    MESH_ASSERT(departures_.push({used.name, std::move(packet)}));
    return {};
}

std::optional<ReceivedPacket> VirtualRadio::receive() {
    auto waiting = received_.pop();
    if (!waiting) return std::nullopt;
    borrowed_ = std::move(waiting->payload);
    return ReceivedPacket{
        .from = waiting->from, .hop_limit = waiting->hop_limit, .payload = borrowed_};
}

base::Instant VirtualRadio::node_info_at() const {
    const base::Instant due = question_ ? std::min(asked_, announce_at_) : announce_at_;
    if (due == base::never || !told_) return due;
    return std::max(due, *told_ + options_.node_info_gap);
}

base::Instant VirtualRadio::poll_timeout() const { return is_up_ ? node_info_at() : base::never; }

void VirtualRadio::handle_timeout(base::Instant now) {
    if (now < poll_timeout()) return;
    // Also when there is no room for it: then somebody learns of us at the next occasion.
    told_ = now;
    if (announce_at_ <= now) {
        announce_at_ = now + options_.node_info_every;
        // It answers whoever hears it.
        if (question_ && question_->channel == 0) question_.reset();
        send_node_info({.from = everybody, .id = 0, .channel = 0});
    } else {
        send_node_info(*std::exchange(question_, std::nullopt));
    }
}

void VirtualRadio::send_node_info(const Question& question) {
    const User user{.id = to_text(number_),
                    .long_name = options_.long_name,
                    .short_name = options_.short_name,
                    .hardware = private_hardware,
                    .role = role_client_mute,
                    .public_key = options_.public_key,
                    .is_unmessagable = true};
    auto payload = encode(user);
    MESH_ASSERT(payload.has_value());  // checked by create()
    const Content content{.port = Port::node_info,
                          .payload = std::move(*payload),
                          .request_id = question.id,
                          .bitfield = ok_to_mqtt};
    if (queue(question.channel, question.from, options_.hop_limit, content)) ++stats_.node_infos;
}

void VirtualRadio::check_invariants() const {
    MESH_ASSERT(seen_.size() <= options_.remembered_max);
    MESH_ASSERT(is_up_ || departures_.empty());
}

std::string_view name(VirtualRadio::Drop drop) {
    constexpr std::array<std::string_view, VirtualRadio::drops> names{
        "malformed", "empty",    "id",  "hops",      "own",  "sender",   "channel",
        "direct",    "in_clear", "key", "elsewhere", "port", "repeated", "full"};
    return names[static_cast<std::size_t>(drop)];
}

}  // namespace meshchain::radio
