#pragma once
// A node's own radio, over the stream API that it has on TCP and serial ports (row E5): asks the
// radio who it is and what it is set to, hands it packets one at a time, and takes those of others.
// Pure protocol: bytes in, bytes out; whoever owns the port carries them.
//
// A radio says of each packet whether it has taken it, and drops without a word when it is given
// too many. So one packet is on its way at a time, the next follows when the radio's queue has
// room, and silence means that it may be lost: it is handed over again under its id, of which a
// radio remembers the last twenty, also after it has started anew or the port was lost. One that
// was refused gets a new id, because of those the radio remembers the old one too. What the radio
// has taken it sends when the air is free; whether anybody hears it is not known here.
//
// Time:      handed in, never falling.
// Ownership: borrows the entropy; a received payload borrows until the next receive().
// Limits:    those of StreamOptions, whatever arrives; one message of the stream.
// Errors:    why it is of no use now is in fault(); what is of no use is counted by its reason.
// Source:    firmware 2.7.26 (StreamAPI.cpp, PhoneAPI.cpp), tried with the real one.
// Format:    docs/formats/meshtastic.md

#include <array>
#include <string>
#include <vector>

#include "base/entropy.h"
#include "base/ring_buffer.h"
#include "radio/packet_link.h"
#include "radio/stream_message.h"

namespace meshchain::radio {

struct StreamOptions {
    std::string channel = {};       ///< as the radio calls it ("LongFast"); empty: its primary one
    std::string text_channel = {};  ///< for plain texts, called likewise; empty: none
    Port port{private_port_min};
    /// What a radio takes; one with firmware 2.8 that signs broadcasts takes 165.
    std::size_t payload_bytes_max = radio::payload_bytes_max;
    bool is_serial = false;  ///< a radio on a serial port may sleep, and is woken first
    base::Duration wake_pause = std::chrono::milliseconds(100);
    base::Duration answer_within = std::chrono::seconds(10);  ///< then it is asked again
    unsigned tries_max = 3;                                   ///< then the connection is given up
    std::uint32_t room_min = 12;  ///< free places of 16 in its queue, for the next packet
    base::Duration room_within = std::chrono::seconds(60);     ///< its report of room may be lost
    base::Duration keep = std::chrono::minutes(5);             ///< a packet that it has not taken
    base::Duration heartbeat_every = std::chrono::minutes(5);  ///< it forgets who is silent for 15
    base::Duration silence_max = std::chrono::minutes(12);     ///< it answers heartbeats
    base::Duration short_life = std::chrono::seconds(30);      ///< of a connection
    std::size_t received_max = 64;                             ///< packets that wait for receive()
    std::size_t texts_max = 16;                                ///< that wait for receive_text()
};

class StreamLink final : public PacketLink {
public:
    /// Asserts a port and a size that are allowed: see check_stream().
    StreamLink(StreamOptions options, base::Entropy& entropy);

    /// The port is open.
    void handle_open(base::Instant now);
    void handle_bytes(base::Instant now, base::Bytes bytes);
    /// The port is closed, by whomever.
    void handle_close(base::Instant now);
    /// What is to be written now; empty: nothing.
    base::Buffer poll_bytes() { return std::exchange(out_, {}); }
    /// The radio does not answer: close the port, and open it anew after a pause.
    bool is_lost() const { return state_ == State::lost; }
    base::Instant poll_timeout() const;
    /// Call at or after poll_timeout().
    void handle_timeout(base::Instant now);

    /// 0 until the radio has said it.
    NodeNumber number() const override { return number_; }
    std::size_t payload_bytes_max() const override { return options_.payload_bytes_max; }
    bool is_ready() const override {
        return is_up() && !submission_ && has_room_ && !paused_until_;
    }
    /// Errors: unavailable (not ready), too_large.
    std::expected<void, base::Error> send(base::Instant now, base::Bytes payload,
                                          std::uint8_t hop_limit) override;
    std::optional<ReceivedPacket> receive() override;
    /// Nothing while up with the channel for texts.
    std::optional<base::Error> text_fault() const override;
    std::expected<void, base::Error> send_text(base::Instant now, std::string_view text,
                                               std::uint8_t hop_limit) override;
    std::optional<std::string> receive_text() override { return texts_.pop(); }
    bool has_received() const { return !received_.empty() || !texts_.empty(); }
    std::optional<unsigned> take_channel_use_percent(base::Instant now) override;
    /// Nothing as well for a preset that is not known here: nothing is sent then.
    std::optional<RadioSetting> setting() const override;

    /// It has answered, and has the channel.
    bool is_up() const { return state_ == State::up; }
    /// The radio's number of our channel, while up.
    std::uint32_t channel_index() const { return channel_; }
    const std::optional<base::Error>& fault() const { return fault_; }

    enum class Drop : std::uint8_t {
        malformed,  ///< no such message, or a field that is longer than any radio sends
        empty,      ///< a packet without content
        id,         ///< 0
        hops,       ///< more than hops_max
        early,      ///< before we know the channel
        own,        ///< of this radio itself
        sealed,     ///< the radio has no key for it
        channel,    ///< another than ours
        elsewhere,  ///< for another node
        port,       ///< of another application
        full,       ///< nobody fetches what was received
    };
    static constexpr std::size_t drops = 11;
    struct Stats {
        std::uint64_t handshakes = 0;
        std::uint64_t received = 0;
        std::uint64_t sent = 0;      ///< packets that the radio has taken
        std::uint64_t resent = 0;    ///< handed over again
        std::uint64_t refused = 0;   ///< times that it did not take one
        std::uint64_t given_up = 0;  ///< packets that it never said to have taken
        std::uint64_t failed = 0;    ///< packets that it took and did not send, as it said
        std::array<std::uint64_t, drops> dropped{};

        std::uint64_t count(Drop drop) const { return dropped[static_cast<std::size_t>(drop)]; }
    };
    const Stats& stats() const { return stats_; }
    /// Of what came: log lines of a serial port, or noise.
    std::uint64_t skipped_bytes() const { return reader_.skipped_bytes(); }

    /// Asserts that no limit is exceeded.
    void check_invariants() const;

private:
    enum class State : std::uint8_t {
        closed,
        waking,
        asking,
        unfit,  ///< it has answered, but cannot send for us; we may still hear others
        up,
        lost,
    };
    struct Submission {
        MeshPacket packet;
        base::Instant since;
        base::Instant first_try{};  ///< of this connection
        unsigned tries = 0;
        bool is_text = false;
    };
    struct Waiting {
        NodeNumber from;
        std::uint8_t hop_limit;
        std::optional<std::uint8_t> hops;
        base::Buffer payload;
    };

    void ask(base::Instant now);
    void handle_message(base::Instant now, base::Bytes bytes);
    void handle(base::Instant now, const MyInfo& info);
    void handle(base::Instant now, const NodeInfo& info);
    void handle(base::Instant now, const LoraConfig& config);
    void handle(base::Instant now, const Channel& channel);
    void handle(base::Instant now, const ConfigComplete& complete);
    void handle(base::Instant now, const Rebooted& rebooted);
    void handle(base::Instant now, const QueueStatus& status);
    void handle(base::Instant now, const MeshPacket& packet);
    void handle(base::Instant, const OtherNews&) {}
    void handle_routing(base::Instant now, const Content& content);
    std::optional<base::Error> find_channel();
    const Channel* find_channel(const std::string& wanted) const;
    std::string channels_text() const;
    std::expected<void, base::Error> submit(base::Instant now, Port port, base::Bytes payload,
                                            std::uint8_t hop_limit);
    std::optional<Drop> take_text(const MeshPacket& packet, const Content& content);
    std::optional<Drop> take(const MeshPacket& packet, const Content& content);
    void note_metrics(const DeviceMetrics& metrics);
    void drop(Drop reason) { ++stats_.dropped[static_cast<std::size_t>(reason)]; }

    std::uint32_t draw_id();
    void write(base::Bytes message);
    void hand_over(base::Instant now);
    void give_up_submission(base::Instant now);
    void lose(base::Errc code, std::string what);
    void close_room(base::Instant now);
    std::string name_of(const Channel& channel) const;

    StreamOptions options_;
    base::Entropy& entropy_;
    State state_ = State::closed;
    StreamReader reader_;
    base::Buffer out_;
    std::optional<base::Error> fault_;
    Stats stats_;

    base::Instant opened_{};
    base::Instant heard_{};
    base::Instant written_{};
    base::Instant answer_by_{};  ///< while waking, asking, or handing over
    unsigned tries_ = 0;         ///< of asking
    unsigned short_lives_ = 0;   ///< connections in a row that the radio ended early

    NodeNumber number_{};
    std::vector<Channel> channels_;  ///< that are in use; 8 at most
    std::optional<LoraConfig> lora_;
    bool has_channel_ = false;
    std::uint32_t channel_ = 0;
    std::optional<std::uint32_t> text_channel_;

    std::optional<Submission> submission_;
    std::uint32_t last_id_ = 0;  ///< that the radio has taken
    bool has_room_ = true;
    base::Instant room_by_{};                    ///< without room: tried all the same
    base::Instant ask_room_at_{};                ///< without room: how much there is by now
    std::optional<base::Instant> paused_until_;  ///< it may not send, room or not
    std::optional<unsigned> use_percent_;
    base::RingBuffer<Waiting> received_;
    base::RingBuffer<std::string> texts_;
    base::Buffer borrowed_;
};

std::string_view name(StreamLink::Drop drop);

/// How radios number the preset of this modulation; nothing for one that they number nowhere.
std::optional<std::uint32_t> preset_number(const Modulation& modulation);

/// Errors: invalid_argument (says which setting, what is wrong with it and what to do).
std::expected<void, base::Error> check_stream(const StreamOptions& options);

}  // namespace meshchain::radio
