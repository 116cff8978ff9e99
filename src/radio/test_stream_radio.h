#pragma once
// A radio as its client sees it on the stream API, for tests: it shakes hands, has a queue of
// sixteen, drops what does not fit, refuses what is too long for a packet, ignores the ids it has
// seen lately, and forgets all that when it starts anew. Pure protocol: whoever owns it carries the
// bytes, and brings what is queued to the air (tests/radios/) or lets it lie.
//
// Unlike a real one it has no clock, never sends again for want_ack, and knows no keys: what is
// heard has been decrypted, and what a client has encrypted itself is ignored.
//
// Limits: queue_size packets for the air, heard_max for the client, statuses_max reports on the
//         queue that the client has not fetched; of the latter two the oldest are lost.
// Source: firmware 2.7.26 (PhoneAPI.cpp, MeshService.cpp, Router.cpp).
// Format: docs/formats/meshtastic.md

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/cursor.h"
#include "radio/stream_message.h"

namespace meshchain::radio::test {

class StreamRadio {
public:
    static constexpr std::size_t queue_size = 16;
    static constexpr std::size_t heard_max = 32;
    static constexpr std::size_t statuses_max = 2;
    static constexpr std::size_t ids_remembered = 20;
    static constexpr std::size_t payload_field_max = 233;
    static constexpr std::uint32_t too_large = 7;  ///< an error of port routing
    static constexpr std::uint32_t nodes_only = 69'421;
    static constexpr std::uint32_t without_nodes = 69'420;
    static constexpr Port admin{6};

    StreamRadio() = default;
    explicit StreamRadio(NodeNumber own) : number(own) {}

    /// A client has connected, in the place of any other. A TCP client starts with nothing.
    void handle_open() {
        reader_ = StreamReader();
        out_.clear();
        statuses_.clear();
        seen_.clear();
        is_introduced_ = false;
    }
    void handle_bytes(base::Bytes bytes) {
        while (!bytes.empty()) {
            bytes = bytes.subspan(reader_.handle_bytes(bytes));
            const auto message = reader_.poll_message();
            if (!message || is_deaf) continue;
            if (const auto parsed = parse_to_radio(*message)) handle(*parsed);
        }
    }
    /// For the client. Who has not asked for the settings hears nothing of the air.
    base::Buffer poll_bytes() {
        for (const QueueStatus& status : std::exchange(statuses_, {})) say(status);
        if (is_introduced_) {
            for (const MeshPacket& packet : std::exchange(heard_, {})) say(packet);
        }
        return std::exchange(out_, {});
    }
    std::uint64_t skipped_bytes() const { return reader_.skipped_bytes(); }

    void say(const decltype(FromRadio::news)& news) {
        say_message(encode(FromRadio{.id = ++said_, .news = news}).value());
    }
    void say_text(std::string_view text) {
        const base::Bytes bytes = base::as_bytes(text);
        out_.insert(out_.end(), bytes.begin(), bytes.end());
    }
    /// The first of the queue has been sent.
    void transmit() {
        if (queue.empty()) return;
        const std::uint32_t id = queue.front().id;
        queue.pop_front();
        say_status(0, id);
    }
    /// What the air has brought, be it for this node or not.
    void hear(const MeshPacket& packet) {
        note_node(packet);
        if (packet.to != everybody && packet.to != number) return;
        for_client(packet);
        if (packet.to == number && packet.wants_ack && has_room()) {
            queue.push_back(answer(packet.from, packet.id, 0));
        }
    }
    /// Another radio passes a packet of ours on: all that a broadcast ever has for an answer.
    void hear_echo(std::uint32_t id) {
        if (std::erase(awaited_, id) > 0) for_client(answer(number, id, 0));
    }
    void say_metrics() {
        for_client(
            {.from = number,
             .content = Content{.port = Port::telemetry, .payload = encode_telemetry(metrics)},
             .id = next_id()});
    }
    void reboot() {
        ++reboots;
        queue.clear();
        heard_.clear();
        statuses_.clear();
        seen_.clear();
        awaited_.clear();
        is_introduced_ = false;
        say(Rebooted{});
    }
    void say_status(std::int32_t result, std::uint32_t id) {
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
    /// As heard from another node.
    MeshPacket heard(const Content& content, std::uint32_t channel = 1) {
        return {.from = NodeNumber{0x12345678},
                .channel = channel,
                .content = content,
                .id = next_id(),
                .hop_limit = 2,
                .hop_start = 3};
    }

    NodeNumber number{0x0a0b0c0d};
    std::vector<Channel> channels{
        {.index = 0, .psk = {std::byte{1}}, .name = {}, .role = 1},
        {.index = 1, .psk = base::Buffer(16, std::byte{7}), .name = "village", .role = 2},
        {.index = 2, .psk = {}, .name = "old", .role = 0}};
    LoraConfig lora{.uses_preset = true, .region = 3, .hop_limit = 3, .may_transmit = true};
    User user;
    DeviceMetrics metrics{.channel_utilization = 7.6F, .air_util_tx = 1};
    std::deque<MeshPacket> queue;
    std::size_t relays = 0;  ///< places of the queue that hold the packets of others
    unsigned asked = 0;      ///< for its settings
    unsigned heartbeats = 0;
    unsigned handed = 0;  ///< packets, repeats included
    unsigned reboots = 0;
    unsigned mute_statuses = 0;  ///< so many statuses are lost
    bool is_deaf = false;
    bool loses_my_info = false;

private:
    void handle(const ToRadio& message) {
        if (const auto* want = std::get_if<WantConfig>(&message)) {
            introduce(want->nonce);
        } else if (std::holds_alternative<Heartbeat>(message)) {
            ++heartbeats;
            say_status(0, 0);
        } else if (const auto* packet = std::get_if<MeshPacket>(&message)) {
            submit(*packet);
        }
    }
    void introduce(std::uint32_t nonce) {
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
    void say_settings() {
        say_metadata();
        for (const Channel& channel : channels) say(channel);
        say(lora);
    }
    /// Our own encoder has no words for it: FromRadio.metadata (13) with firmware_version (1).
    void say_metadata() {
        constexpr std::string_view version = "2.7.26";
        base::Buffer message;
        base::Writer(message).u8(13 << 3 | 2).u8(version.size() + 2).u8(1 << 3 | 2);
        base::Writer(message).u8(version.size()).bytes(base::as_bytes(version));
        say_message(message);
    }
    void say_message(base::Bytes message) {
        const base::Buffer frame = frame_for_stream(message);
        out_.insert(out_.end(), frame.begin(), frame.end());
    }

    void submit(MeshPacket packet) {
        ++handed;
        auto* content = std::get_if<Content>(&packet.content);
        if (content == nullptr || content->payload.size() > payload_field_max) return;
        // Remembered whatever becomes of it: one that was refused is ignored too when it is
        // handed over again under its id.
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
        if (!has_room()) return say_status(32, packet.id);
        queue.push_back(packet);
        if (packet.wants_ack) await_answer(packet.id);
        say_status(0, packet.id);
    }
    /// Of all that can be asked of a radio, AdminMessage.reboot_seconds (97), and that at once.
    void administer(const Content& content) {
        constexpr std::string_view reboot_seconds = "\x88\x06";
        const bool is_asked = base::as_text(content.payload).starts_with(reboot_seconds);
        if (content.port == admin && is_asked) reboot();
    }
    bool has_room() const { return queue.size() + relays < queue_size; }
    bool note_id(std::uint32_t id) {
        if (std::ranges::find(seen_, id) != seen_.end()) return false;
        seen_.push_back(id);
        if (seen_.size() > ids_remembered) seen_.pop_front();
        return true;
    }
    void await_answer(std::uint32_t id) {
        awaited_.push_back(id);
        if (awaited_.size() > queue_size) awaited_.pop_front();
    }
    MeshPacket answer(NodeNumber to, std::uint32_t id, std::uint32_t error) {
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
    void for_client(const MeshPacket& packet) {
        if (heard_.size() == heard_max) heard_.pop_front();
        heard_.push_back(packet);
    }
    void note_node(const MeshPacket& packet) {
        const bool is_new = !nodes_.contains(packet.from);
        NodeInfo& node = nodes_[packet.from];
        node.number = packet.from;
        node.snr = packet.rx_snr;
        node.channel = packet.channel;
        node.hops_away = packet.hop_start - packet.hop_limit;
        const auto* content = std::get_if<Content>(&packet.content);
        if (content != nullptr && content->port == Port::node_info) {
            if (auto said = parse_user(content->payload)) node.user = std::move(*said);
        }
        if (is_new && is_introduced_) say(node);
    }
    /// Of a packet of the radio's own; those of clients are drawn from all numbers.
    std::uint32_t next_id() { return ++said_ + 1'000; }

    StreamReader reader_;
    base::Buffer out_;
    std::deque<QueueStatus> statuses_;
    std::deque<MeshPacket> heard_;
    std::deque<std::uint32_t> seen_;     ///< ids that the client gave
    std::deque<std::uint32_t> awaited_;  ///< of these, whose fate it wants to know
    std::map<NodeNumber, NodeInfo> nodes_;
    std::uint32_t said_ = 0;
    bool is_introduced_ = false;
};

}  // namespace meshchain::radio::test
