#pragma once
// A radio as its client sees it on the stream API, for tests: it shakes hands, has a queue of
// sixteen, drops what does not fit, and ignores the ids it has seen lately.

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "radio/stream_message.h"

namespace meshchain::radio::test {

class StreamRadio {
public:
    static constexpr std::size_t queue_size = 16;
    static constexpr NodeNumber number{0x0a0b0c0d};

    void handle_bytes(base::Bytes bytes) {
        while (!bytes.empty()) {
            bytes = bytes.subspan(reader_.handle_bytes(bytes));
            const auto message = reader_.poll_message();
            if (message && !is_deaf) handle(parse_to_radio(*message).value());
        }
    }
    base::Buffer poll_bytes() { return std::exchange(out_, {}); }
    std::uint64_t skipped_bytes() const { return reader_.skipped_bytes(); }

    void say(const decltype(FromRadio::news)& news) {
        const base::Buffer frame =
            frame_for_stream(encode(FromRadio{.id = ++said_, .news = news}).value());
        out_.insert(out_.end(), frame.begin(), frame.end());
    }
    void say_text(std::string_view text) {
        const base::Bytes bytes = base::as_bytes(text);
        out_.insert(out_.end(), bytes.begin(), bytes.end());
    }
    /// The first of the queue is on the air.
    void transmit() {
        if (queue.empty()) return;
        on_air.push_back(queue.front());
        queue.pop_front();
        say_status(0, on_air.back().id);
    }
    void reboot() {
        queue.clear();
        seen_.clear();
        say(Rebooted{});
    }
    void say_status(std::int32_t result, std::uint32_t id) {
        if (mute_statuses > 0) {
            --mute_statuses;
            return;
        }
        say(QueueStatus{.result = result,
                        .free = static_cast<std::uint32_t>(queue_size - queue.size()),
                        .size = queue_size,
                        .packet_id = id});
    }
    /// As heard from another node.
    MeshPacket heard(const Content& content, std::uint32_t channel = 1) {
        return {.from = NodeNumber{0x12345678},
                .channel = channel,
                .content = content,
                .id = ++said_ + 1'000,
                .hop_limit = 2,
                .hop_start = 3};
    }

    std::vector<Channel> channels{
        {.index = 0, .psk = {std::byte{1}}, .name = {}, .role = 1},
        {.index = 1, .psk = base::Buffer(16, std::byte{7}), .name = "village", .role = 2},
        {.index = 2, .psk = {}, .name = "old", .role = 0}};
    LoraConfig lora{.uses_preset = true, .region = 3, .hop_limit = 3, .may_transmit = true};
    std::deque<MeshPacket> queue;
    std::vector<MeshPacket> on_air;
    unsigned asked = 0;  ///< for its settings
    unsigned heartbeats = 0;
    unsigned handed = 0;         ///< packets, repeats included
    unsigned mute_statuses = 0;  ///< so many statuses are lost
    bool is_deaf = false;
    bool loses_my_info = false;

private:
    void handle(const ToRadio& message) {
        if (std::holds_alternative<WantConfig>(message)) {
            introduce(std::get<WantConfig>(message).nonce);
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
        say(OtherNews{});
        say(NodeInfo{.number = number,
                     .user = {},
                     .metrics = DeviceMetrics{.channel_utilization = 7.6F, .air_util_tx = 1}});
        for (const Channel& channel : channels) say(channel);
        say(lora);
        say(ConfigComplete{nonce});
        say_status(0, 0);
    }
    void submit(const MeshPacket& packet) {
        ++handed;
        if (std::ranges::find(seen_, packet.id) != seen_.end()) return;
        if (queue.size() == queue_size) return say_status(32, packet.id);
        seen_.push_back(packet.id);
        if (seen_.size() > 20) seen_.pop_front();
        queue.push_back(packet);
        say_status(0, packet.id);
    }

    StreamReader reader_;
    base::Buffer out_;
    std::deque<std::uint32_t> seen_;
    std::uint32_t said_ = 0;
};

}  // namespace meshchain::radio::test
