#include "radio/stream_radio.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/cursor.h"

namespace meshchain::radio {

void StreamRadio::handle_open() {
    reader_ = StreamReader();
    out_.clear();
    statuses_.clear();
    seen_.clear();
    is_introduced_ = false;
}

void StreamRadio::handle_bytes(base::Bytes bytes) {
    while (!bytes.empty()) {
        bytes = bytes.subspan(reader_.handle_bytes(bytes));
        const auto message = reader_.poll_message();
        if (!message || is_deaf) continue;
        if (const auto parsed = parse_to_radio(*message)) handle(*parsed);
    }
}

base::Buffer StreamRadio::poll_bytes() {
    for (const QueueStatus& status : std::exchange(statuses_, {})) say(status);
    if (is_introduced_) {
        for (const MeshPacket& packet : std::exchange(heard_, {})) say(packet);
    }
    return std::exchange(out_, {});
}

void StreamRadio::transmit() {
    if (queue.empty()) return;
    const std::uint32_t id = queue.front().id;
    queue.pop_front();
    say_status(0, id);
}

void StreamRadio::hear(const MeshPacket& packet) {
    note_node(packet);
    if (packet.to != everybody && packet.to != number) return;
    for_client(packet);
    if (packet.to == number && packet.wants_ack && has_room()) {
        queue.push_back(answer(packet.from, packet.id, 0));
    }
}

void StreamRadio::hear_echo(std::uint32_t id) {
    if (std::erase(awaited_, id) > 0) for_client(answer(number, id, 0));
}

void StreamRadio::say_metrics() {
    for_client({.from = number,
                .content = Content{.port = Port::telemetry, .payload = encode_telemetry(metrics)},
                .id = next_id()});
}

void StreamRadio::reboot() {
    ++reboots;
    queue.clear();
    heard_.clear();
    statuses_.clear();
    seen_.clear();
    awaited_.clear();
    is_introduced_ = false;
    say(Rebooted{});
}

void StreamRadio::say(const decltype(FromRadio::news)& news) {
    if (const auto message = encode(FromRadio{.id = ++said_, .news = news})) say_message(*message);
}

void StreamRadio::say_text(std::string_view text) {
    const base::Bytes bytes = base::as_bytes(text);
    out_.insert(out_.end(), bytes.begin(), bytes.end());
}

void StreamRadio::say_status(std::int32_t result, std::uint32_t id) {
    if (mute_statuses > 0) {
        --mute_statuses;
        return;
    }
    if (statuses_.size() == statuses_max) statuses_.pop_front();
    const std::size_t taken = std::min(queue_size, queue.size() + relays);
    statuses_.push_back({.result = result,
                         .free = static_cast<std::uint32_t>(queue_size - taken),
                         .size = queue_size,
                         .packet_id = id});
}

MeshPacket StreamRadio::heard(const Content& content, std::uint32_t channel) {
    return {.from = NodeNumber{0x12345678},
            .channel = channel,
            .content = content,
            .id = next_id(),
            .hop_limit = 2,
            .hop_start = 3};
}

void StreamRadio::check_invariants() const {
    MESH_ASSERT(queue.size() <= queue_size);
    MESH_ASSERT(heard_.size() <= heard_max);
    MESH_ASSERT(statuses_.size() <= statuses_max);
    MESH_ASSERT(seen_.size() <= ids_remembered);
    MESH_ASSERT(awaited_.size() <= queue_size);
    MESH_ASSERT(nodes_.size() <= nodes_max);
    for (const MeshPacket& packet : queue) {
        const auto* content = std::get_if<Content>(&packet.content);
        MESH_ASSERT(content != nullptr && encode(*content) && encode(packet));
        MESH_ASSERT(packet.from == number && packet.id != 0 && packet.hop_limit <= hops_max);
    }
}

void StreamRadio::handle(const ToRadio& message) {
    if (const auto* want = std::get_if<WantConfig>(&message)) {
        introduce(want->nonce);
    } else if (std::holds_alternative<Heartbeat>(message)) {
        ++heartbeats;
        say_status(0, 0);
    } else if (const auto* packet = std::get_if<MeshPacket>(&message)) {
        submit(*packet);
    }
}

void StreamRadio::introduce(std::uint32_t nonce) {
    ++asked;
    if (!std::exchange(loses_my_info, false)) say(MyInfo{number});
    say(NodeInfo{.number = number, .user = user, .metrics = metrics});
    if (nonce != nodes_only) say_settings();
    if (nonce != without_nodes) {
        for (const auto& [ignored, node] : nodes_) say(node);
    }
    say(ConfigComplete{nonce});
    is_introduced_ = true;
    say_status(0, 0);
}

void StreamRadio::say_settings() {
    say_metadata();
    for (const Channel& channel : channels) say(channel);
    say(lora);
}

/// Our own encoder has no words for it: FromRadio.metadata (13) with firmware_version (1).
void StreamRadio::say_metadata() {
    constexpr std::string_view version = "2.7.26";
    base::Buffer message;
    base::Writer(message).u8(13 << 3 | 2).u8(version.size() + 2).u8(1 << 3 | 2);
    base::Writer(message).u8(version.size()).bytes(base::as_bytes(version));
    say_message(message);
}

void StreamRadio::say_message(base::Bytes message) {
    const base::Buffer frame = frame_for_stream(message);
    out_.insert(out_.end(), frame.begin(), frame.end());
}

void StreamRadio::submit(MeshPacket packet) {
    ++handed;
    auto* content = std::get_if<Content>(&packet.content);
    if (content == nullptr || content->payload.size() > payload_field_max) return;
    // Remembered whatever becomes of it: one that was refused is ignored too when it is handed over
    // again under its id.
    if (!note_id(packet.id)) return;
    if (packet.to == number) return administer(*content);
    packet.from = number;
    if (packet.hop_limit == 0 && packet.wants_ack) {
        packet.hop_limit = static_cast<std::uint8_t>(lora.hop_limit);
    }
    packet.hop_start = packet.hop_limit;
    content->bitfield = content->wants_response ? 2 : 0;
    if (!encode(*content)) {
        say_status(too_large, packet.id);
        return for_client(answer(number, packet.id, too_large));
    }
    if (!has_room()) return say_status(queue_full, packet.id);
    queue.push_back(packet);
    if (packet.wants_ack) await_answer(packet.id);
    say_status(0, packet.id);
}

/// Of all that can be asked of a radio, AdminMessage.reboot_seconds (97), and that at once.
void StreamRadio::administer(const Content& content) {
    constexpr std::string_view reboot_seconds = "\x88\x06";
    const bool is_asked = base::as_text(content.payload).starts_with(reboot_seconds);
    if (content.port == admin && is_asked) reboot();
}

bool StreamRadio::note_id(std::uint32_t id) {
    if (std::ranges::find(seen_, id) != seen_.end()) return false;
    seen_.push_back(id);
    if (seen_.size() > ids_remembered) seen_.pop_front();
    return true;
}

void StreamRadio::note_node(const MeshPacket& packet) {
    const bool is_new = !nodes_.contains(packet.from);
    if (is_new && nodes_.size() == nodes_max) return;
    NodeInfo& node = nodes_[packet.from];
    node.number = packet.from;
    node.snr = packet.rx_snr;
    node.channel = packet.channel;
    if (packet.hop_start >= packet.hop_limit) {
        node.hops_away = packet.hop_start - packet.hop_limit;
    }
    const auto* content = std::get_if<Content>(&packet.content);
    if (content != nullptr && content->port == Port::node_info) {
        if (auto said = parse_user(content->payload)) node.user = std::move(*said);
    }
    if (is_new && is_introduced_) say(node);
}

void StreamRadio::await_answer(std::uint32_t id) {
    awaited_.push_back(id);
    if (awaited_.size() > queue_size) awaited_.pop_front();
}

MeshPacket StreamRadio::answer(NodeNumber to, std::uint32_t id, std::uint32_t error) {
    return {.from = number,
            .to = to,
            .content = Content{.port = Port::routing,
                               .payload = encode_routing(error),
                               .request_id = id,
                               .bitfield = 0},
            .id = next_id(),
            .hop_limit = static_cast<std::uint8_t>(lora.hop_limit),
            .hop_start = static_cast<std::uint8_t>(lora.hop_limit)};
}

void StreamRadio::for_client(const MeshPacket& packet) {
    if (heard_.size() == heard_max) heard_.pop_front();
    heard_.push_back(packet);
}

/// Of a packet of the radio's own; those of clients are drawn from all numbers.
std::uint32_t StreamRadio::next_id() {
    constexpr std::uint32_t apart = 1'000;
    if (++said_ + apart == 0) ++said_;  // no packet has the id 0
    return said_ + apart;
}

}  // namespace meshchain::radio
