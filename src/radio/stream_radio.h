#pragma once
// A radio as its client sees it on the stream API, where there is none: it shakes hands, has a
// queue of sixteen, drops what does not fit, refuses what is too long for a packet, ignores the ids
// it has seen lately, and forgets all that when it starts anew. Pure protocol: whoever owns it
// carries the bytes, and brings what is queued to the air (sim/stream_radios.h) or lets it lie.
//
// Unlike a real one it has no clock, never sends again for want_ack, and knows no keys: what is
// heard has been decrypted, and what a client has encrypted itself is ignored.
//
// Ownership: spans are read before the call returns and never kept.
// Limits:    queue_size packets for the air, heard_max for the client, statuses_max reports on the
//            queue that the client has not fetched; of the latter two the oldest are lost.
//            nodes_max nodes are known; more than these are not noted. What a client asks for in
//            one handle_bytes() is answered in full: fetch that before the next.
// Errors:    nonsense of a client is passed over, as is what has no room in Meshtastic's fields.
// Source:    firmware 2.7.26 (PhoneAPI.cpp, MeshService.cpp, Router.cpp).
// Format:    docs/formats/meshtastic.md

#include <deque>
#include <map>
#include <string_view>
#include <vector>

#include "radio/stream_message.h"

namespace meshchain::radio {

class StreamRadio {
public:
    static constexpr std::size_t queue_size = 16;
    static constexpr std::size_t heard_max = 32;
    static constexpr std::size_t statuses_max = 2;
    static constexpr std::size_t nodes_max = 100;
    static constexpr std::size_t ids_remembered = 20;
    static constexpr std::size_t payload_field_max = 233;
    static constexpr std::uint32_t too_large = 7;  ///< an error of port routing
    static constexpr std::int32_t queue_full = 32;
    static constexpr std::uint32_t nodes_only = 69'421;
    static constexpr std::uint32_t without_nodes = 69'420;
    static constexpr Port admin{6};

    StreamRadio() = default;
    explicit StreamRadio(NodeNumber own) : number(own) {}

    /// A client has connected, in the place of any other. A TCP client starts with nothing.
    void handle_open();
    void handle_bytes(base::Bytes bytes);
    /// For the client. Who has not asked for the settings hears nothing of the air.
    base::Buffer poll_bytes();
    std::uint64_t skipped_bytes() const { return reader_.skipped_bytes(); }

    /// The first of the queue has been sent.
    void transmit();
    /// What the air has brought, be it for this node or not.
    void hear(const MeshPacket& packet);
    /// Another radio passes a packet of ours on: all that a broadcast ever has for an answer.
    void hear_echo(std::uint32_t id);
    /// Tells the client how busy the air is.
    void say_metrics();
    void reboot();

    // Public for tests, in which it says what no rule makes it say.
    void say(const decltype(FromRadio::news)& news);
    void say_text(std::string_view text);
    void say_status(std::int32_t result, std::uint32_t id);
    /// As heard from another node.
    MeshPacket heard(const Content& content, std::uint32_t channel = 1);

    void check_invariants() const;

    NodeNumber number{0x0a0b0c0d};
    std::vector<Channel> channels{
        {.index = 0, .psk = {std::byte{1}}, .name = {}, .role = 1},
        {.index = 1, .psk = base::Buffer(16, std::byte{7}), .name = "village", .role = 2},
        {.index = 2, .psk = {}, .name = "old", .role = 0}};
    LoraConfig lora{.uses_preset = true, .region = 3, .hop_limit = 3, .may_transmit = true};
    User user;
    DeviceMetrics metrics{.channel_utilization = 7.6F, .air_util_tx = 1};
    /// For the air, in clear: each holds a Content that a packet has room for.
    std::deque<MeshPacket> queue;
    std::size_t relays = 0;  ///< places of the queue that hold the packets of others

    unsigned asked = 0;  ///< for its settings
    unsigned heartbeats = 0;
    unsigned handed = 0;  ///< packets, repeats included
    unsigned reboots = 0;

    // Faults that a test plants.
    unsigned mute_statuses = 0;  ///< so many statuses are lost
    bool is_deaf = false;
    bool loses_my_info = false;

private:
    void handle(const ToRadio& message);
    void introduce(std::uint32_t nonce);
    void say_settings();
    void say_metadata();
    void say_message(base::Bytes message);
    void submit(MeshPacket packet);
    void administer(const Content& content);
    bool has_room() const { return queue.size() + relays < queue_size; }
    bool note_id(std::uint32_t id);
    void note_node(const MeshPacket& packet);
    void await_answer(std::uint32_t id);
    MeshPacket answer(NodeNumber to, std::uint32_t id, std::uint32_t error);
    void for_client(const MeshPacket& packet);
    std::uint32_t next_id();

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

}  // namespace meshchain::radio
