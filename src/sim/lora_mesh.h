#pragma once
// Radios on one LoRa medium that flood packets as Meshtastic's firmware does: they wait for a free
// channel and a random number of slots, pass on what they hear for the first time with one hop
// less, the further ones first, and leave it to another that was quicker.
//
// Source: Meshtastic firmware 2.7 (RadioInterface, FloodingRouter, PacketHistory), role CLIENT.
// Time:   handed in, never falling.
// Limits: queue_max packets wait in a radio, history_max are remembered by it.

#include <deque>
#include <functional>
#include <memory>

#include "base/bytes.h"
#include "sim/event_queue.h"
#include "sim/lora_medium.h"

namespace meshchain::sim {

class LoraMesh {
public:
    static constexpr std::size_t queue_max = 16;
    static constexpr std::size_t history_max = 200;
    static constexpr std::uint8_t hop_limit_default = 3;

    LoraMesh(const LoraSetting& setting, const std::vector<Place>& places, base::Random random);

    /// A program hands a packet to its radio, for everybody. False: the radio's queue is full.
    /// Asserts that it is no longer than radio::payload_bytes_max.
    bool submit(base::Instant now, std::size_t radio, base::Bytes payload,
                std::uint8_t hop_limit = hop_limit_default);
    /// The same of anything that takes `packet_bytes` on the air, whatever stands for it here.
    bool submit_sized(base::Instant now, std::size_t radio, base::Bytes payload,
                      std::uint8_t hop_limit, std::size_t packet_bytes);
    /// The radio starts anew: what waits in it is lost. What is on the air goes on.
    void restart(std::size_t radio);
    /// `never` while nothing is under way.
    base::Instant poll_timeout() const { return queue_.next_time(); }
    void handle_timeout(base::Instant now);

    /// A packet that a radio heard for the first time, for its program.
    struct Delivery {
        std::size_t to;
        std::size_t from;
        std::uint8_t hops;       ///< 0: from the sender itself
        std::uint8_t hop_limit;  ///< that is left
        Decibel100 snr;
        std::shared_ptr<const base::Buffer> payload;
    };
    std::optional<Delivery> poll_delivery();
    /// A packet goes on the air.
    std::function<void(base::Bytes payload, std::size_t packet_bytes, bool is_relayed)> on_air;
    /// A radio hears its own packet, which another passes on.
    std::function<void(std::size_t radio, const base::Buffer& payload)> on_echo;

    std::size_t queued(std::size_t radio) const { return radios_.at(radio).waiting.size(); }
    /// Of these, the packets of others.
    std::size_t relays(std::size_t radio) const;
    /// Whether a packet of its own program has not left yet.
    bool has_own(std::size_t radio) const;
    /// What it sent, relayed packets included.
    base::Duration airtime(std::size_t radio) const { return radios_.at(radio).airtime; }
    LoraMedium& medium() { return medium_; }
    const LoraMedium& medium() const { return medium_; }

    struct Counts {
        std::uint64_t submitted = 0;
        std::uint64_t relayed = 0;
        std::uint64_t left_to_others = 0;  ///< not relayed, because somebody was quicker
        std::uint64_t dropped = 0;         ///< the queue was full
    };
    const Counts& counts() const { return counts_; }

private:
    struct PacketId {
        std::size_t from = 0;
        std::uint64_t number = 0;  ///< from 1 on
        friend bool operator==(const PacketId&, const PacketId&) = default;
    };
    struct Packet {
        PacketId id;
        std::uint8_t hop_limit = 0;
        std::uint8_t hops = 0;
        std::size_t packet_bytes = 0;  ///< on the air
        std::shared_ptr<const base::Buffer> payload;
    };
    struct Waiting {
        Packet packet;
        base::Instant ready;
    };
    struct Radio {
        std::deque<Waiting> waiting;
        std::optional<Packet> sending;
        std::vector<PacketId> history;
        std::size_t history_next = 0;
        base::Duration airtime{};
        base::Instant wakes = base::never;
    };
    /// A radio's packet ends, or it looks whether it may send one.
    struct Happening {
        std::size_t radio;
        bool is_end;
    };

    base::Duration slots(std::uint64_t count) const;
    base::Duration own_pause(base::Instant now, std::size_t radio);
    base::Duration relay_pause(Decibel100 snr);
    bool enqueue(base::Instant now, std::size_t radio, Packet packet, base::Duration pause);
    void schedule(base::Instant now, std::size_t radio);
    void try_to_send(base::Instant now, std::size_t radio);
    void finish_sending(base::Instant now, std::size_t radio);
    void hear(base::Instant now, std::size_t radio, const Packet& packet, Decibel100 snr);
    static bool note(Radio& radio, const PacketId& id);

    LoraMedium medium_;
    base::Duration slot_;
    std::vector<Radio> radios_;
    EventQueue<Happening> queue_;
    std::deque<Delivery> deliveries_;
    base::Random random_;
    std::uint64_t numbers_ = 0;
    Counts counts_;
};

}  // namespace meshchain::sim
