#pragma once
// A Meshtastic node without a radio (rows E1, E3, E7): what its firmware would do where packets
// travel over MQTT or UDP multicast. It encrypts what we send for a channel, finds what is for us
// among what others say, and tells them who we are. Pure protocol: no sockets, no clock, no AES.
//
// What it sends leaves on the first channel; it listens on all of them. Other nodes learn of it by
// its NodeInfo: at the start, at an interval, and when they ask. Who asks is not proven, so however
// many do, they get no more than one answer each `node_info_gap`; radios learn from answers to
// others. That little is not counted against the airtime budget.
//
// Time:      handed in, never falling.
// Ownership: borrows the cipher and the entropy; a received payload borrows until the next one.
// Limits:    those of VirtualRadioOptions, whatever arrives.
// Errors:    what is of no use is counted by its reason: a flood of it builds no texts.
// Source:    firmware 2.7.26 (MQTT.cpp, UdpMulticastHandler.h, Router.cpp, NodeInfoModule.cpp);
//            what 2.8 drops is never sent.
// Format:    docs/formats/meshtastic.md

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/entropy.h"
#include "base/lru_cache.h"
#include "base/ring_buffer.h"
#include "base/time.h"
#include "radio/channel_key.h"
#include "radio/mesh_packet.h"
#include "radio/packet_link.h"

namespace meshchain::radio {

struct ChannelSetting {
    std::string name;  ///< 1 … 11 bytes; of a channel that has none, its preset's: "LongFast"
    base::Buffer psk;  ///< as set on the radios: see channel_key_of()
};

struct VirtualRadioOptions {
    std::vector<ChannelSetting> channels;
    Port port{private_port_min};  ///< of what is ours, private_port_min … private_port_max
    base::Buffer public_key;      ///< X25519, 32 bytes: the node's number follows from it
    std::string long_name = "MeshChain";
    std::string short_name = "MC";
    std::string text_channel = {};  ///< one of `channels`, for plain texts; empty: none
    std::uint8_t hop_limit = 3;     ///< of NodeInfo
    base::Duration node_info_every = std::chrono::hours(3);
    base::Duration node_info_gap = std::chrono::minutes(5);  ///< between any two
    std::size_t received_max = 64;                           ///< packets that wait for receive()
    std::size_t texts_max = 16;                              ///< that wait for receive_text()
    std::size_t departures_max = 16;     ///< packets that wait for poll_departure()
    std::size_t remembered_max = 1'024;  ///< of packets seen, so that copies are dropped
};

class VirtualRadio {
public:
    static constexpr std::size_t channels_max = 8;  ///< as many as a radio has
    static constexpr std::size_t channel_name_bytes_max = 11;

    /// Errors: invalid_argument, too_large (says which setting, what is wrong and what to do).
    static std::expected<VirtualRadio, base::Error> create(VirtualRadioOptions options,
                                                           const ChannelCipher& cipher,
                                                           base::Entropy& entropy);

    NodeNumber number() const { return number_; }
    const VirtualRadioOptions& options() const { return options_; }

    /// Others can hear us from now on: the first time, and when it has not been said for an
    /// interval, we tell them who we are.
    void handle_up(base::Instant now);
    /// They cannot: what waits to leave is dropped.
    void handle_down();

    /// A gateway published it.
    void handle_envelope(base::Instant now, base::Bytes bytes);
    /// It came without the name of a channel.
    void handle_packet(base::Instant now, base::Bytes bytes);

    /// Queues a packet of ours, encrypted. Errors: unavailable (down), full, too_large, io.
    std::expected<void, base::Error> send(base::Bytes payload, std::uint8_t hop_limit);
    /// A plain text on `text_channel`. Errors: unsupported (there is none), and those of send().
    std::expected<void, base::Error> send_text(std::string_view text, std::uint8_t hop_limit);
    bool is_full() const { return departures_.full(); }

    struct Departure {
        std::string channel;
        MeshPacket packet;
    };
    /// What is to be published now, until there is nothing.
    std::optional<Departure> poll_departure() { return departures_.pop(); }

    std::optional<ReceivedPacket> receive();
    /// What others say on `text_channel`.
    std::optional<std::string> receive_text() { return texts_.pop(); }
    bool has_received() const { return !received_.empty() || !texts_.empty(); }
    /// Why there is no channel for texts.
    std::optional<base::Error> text_fault() const;

    /// When the next NodeInfo is due; `never` while down.
    base::Instant poll_timeout() const;
    /// Call at or after poll_timeout().
    void handle_timeout(base::Instant now);

    enum class Drop : std::uint8_t {
        malformed,  ///< no such message, or a field that is longer than any radio sends
        empty,      ///< a packet without content, an envelope that lacks a part
        id,         ///< 0
        hops,       ///< more than hops_max
        own,        ///< ours, that came back
        sender,     ///< a number that no node has
        channel,    ///< none of ours
        direct,     ///< sealed for a public key
        in_clear,   ///< on a channel that has a key
        key,        ///< encrypted with another key than ours
        elsewhere,  ///< for another node
        port,       ///< of another application
        repeated,   ///< seen before
        full,       ///< nobody fetches what was received
    };
    static constexpr std::size_t drops = 14;
    struct Stats {
        std::uint64_t received = 0;
        std::uint64_t sent = 0;        ///< packets with a payload of ours
        std::uint64_t texts = 0;       ///< sent
        std::uint64_t node_infos = 0;  ///< sent, answers included
        std::array<std::uint64_t, drops> dropped{};

        std::uint64_t count(Drop drop) const { return dropped[static_cast<std::size_t>(drop)]; }
    };
    const Stats& stats() const { return stats_; }

    /// Asserts that no limit is exceeded.
    void check_invariants() const;

private:
    struct Channel {
        std::string name;
        ChannelKey key;
        std::uint8_t hash;
    };
    struct Question {
        NodeNumber from;
        std::uint32_t id;
        std::size_t channel;
    };
    struct Waiting {
        NodeNumber from;
        std::uint8_t hop_limit;
        base::Buffer payload;
    };
    /// What others said to us, and on which channel.
    struct Heard {
        Content content;
        std::size_t channel;
    };
    template <class Value>
    using Judged = std::expected<Value, Drop>;

    VirtualRadio(VirtualRadioOptions options, std::vector<Channel> channels,
                 const ChannelCipher& cipher, base::Entropy& entropy);

    /// `channel` is empty where packets come without one.
    void handle(base::Instant now, const MeshPacket& packet, std::string_view channel);
    Judged<void> take(base::Instant now, const MeshPacket& packet, std::string_view channel);
    Judged<Heard> open(const MeshPacket& packet, std::string_view channel) const;
    Judged<void> take_text(const MeshPacket& packet, Heard& heard);
    Judged<Content> decrypt(const MeshPacket& packet, const Channel& channel) const;
    void drop(Drop reason) { ++stats_.dropped[static_cast<std::size_t>(reason)]; }

    std::uint32_t fresh_id();
    std::expected<void, base::Error> queue(std::size_t channel, NodeNumber to,
                                           std::uint8_t hop_limit, const Content& content);
    base::Instant node_info_at() const;
    void send_node_info(const Question& question);

    VirtualRadioOptions options_;
    std::vector<Channel> channels_;
    std::optional<std::size_t> text_channel_;
    const ChannelCipher* cipher_;
    base::Entropy* entropy_;
    NodeNumber number_;
    bool is_up_ = false;
    std::optional<base::Instant> told_;  ///< when the last NodeInfo left
    base::Instant announce_at_ = base::never;
    std::optional<Question> question_;  ///< the newest that is not answered yet
    base::Instant asked_{};
    base::LruCache<std::pair<NodeNumber, std::uint32_t>, bool> seen_;
    base::RingBuffer<Waiting> received_;
    base::RingBuffer<std::string> texts_;
    base::RingBuffer<Departure> departures_;
    base::Buffer borrowed_;
    Stats stats_;
};

std::string_view name(VirtualRadio::Drop drop);

}  // namespace meshchain::radio
