#pragma once
// Messages over a radio (rows E6, E9): cut into packets where they have to be, sent when the
// airtime budget allows, joined where they arrive.
//
// Time:      handed in, never falling.
// Ownership: borrows the door; a received payload borrows from here until the next receive().
// Limits:    those of RadioOptions, whatever arrives or is to be sent.
// Errors:    what is none of ours is counted by its reason in stats().
// Format:    docs/formats/radio-frame.md

#include <map>

#include "radio/air_outlook.h"
#include "radio/airtime_budget.h"
#include "radio/bridge_policy.h"
#include "radio/outbox.h"
#include "radio/packet_link.h"
#include "radio/reassembly.h"
#include "radio/text_mirror.h"
#include "wire/air_link.h"

namespace meshchain::radio {

struct MirrorOptions {
    unsigned budget_percent = 25;  ///< of the radio's airtime
    TextMirror::Limits limits{};
};

struct RadioOptions {
    AirtimeOptions airtime;
    OutboxLimits outbox;
    ReassemblyLimits reassembly;
    bool listen_only = false;
    BridgePolicy bridge{};
    std::optional<MirrorOptions> mirror{};  ///< plain texts, which the link has a channel for
};

struct RadioStats {
    struct OfType {
        std::uint64_t packets = 0;
        std::uint64_t bytes = 0;  ///< on the air, Meshtastic's included
        base::Duration airtime{};
    };
    std::map<wire::MessageType, OfType> sent;  ///< by this node, relays of its packets left out
    OfType wishes;
    OfType texts;                   ///< plain ones for people
    OfType bridged;                 ///< of `sent`, what came by other links of this node
    std::uint64_t not_carried = 0;  ///< from them, by the bridge's policy
    std::uint64_t received = 0;
    std::array<std::uint64_t, packet_faults> faults{};
    std::uint64_t wishes_refused = 0;  ///< for what is not kept, or was repeated often enough
    std::uint64_t link_failures = 0;
};

/// What a rule's priority means on the air.
Priority priority_of(const wire::MessageRule& rule);

class RadioFrames final : public wire::AirLink {
public:
    RadioFrames(base::Instant now, const RadioOptions& options, PacketLink& link,
                base::Random random);

    std::expected<void, base::Error> send(base::Instant now, const wire::MessageRule& rule,
                                          const wire::FrameHeader& header, base::Bytes payload,
                                          const wire::Spoken& how) override;
    base::Instant free_at(base::Instant now, const wire::MessageRule& rule,
                          std::size_t payload_bytes) const override;
    base::Duration packet_time() const override {
        return budget_.airtime_of(link_.payload_bytes_max());
    }
    base::Duration patience() const override;
    std::optional<wire::HeardFrame> receive(base::Instant now) override;
    base::Instant poll_timeout() const override { return wakes_; }
    void handle_timeout(base::Instant now) override;

    /// A text for people, once any of those who know it has the air (text_mirror.h). Without a
    /// mirror it is dropped.
    void mirror(base::Instant now, Priority priority, MirrorText text, TextMirror::Knows knows);
    const std::optional<TextMirror>& texts() const { return texts_; }

    AirtimeBudget& budget() { return budget_; }
    const AirtimeBudget& budget() const { return budget_; }
    /// Why the most urgent of what waits has not left, and until when it will not.
    const std::optional<AirtimeBudget::Deferral>& deferral() const { return deferral_; }
    /// What something of this node that is handed in now would wait for.
    AirOutlook outlook(base::Instant now) const;
    std::size_t waiting() const { return outbox_.waiting(); }
    const Reassembly& reassembly() const { return reassembly_; }
    const RadioStats& stats() const { return stats_; }

    void check_invariants() const;

private:
    /// Nothing: it was no whole message.
    std::optional<wire::HeardFrame> handle_packet(base::Instant now,
                                                  const ReceivedPacket& received);
    std::optional<wire::HeardFrame> handle_piece(base::Instant now, const ReceivedPacket& received,
                                                 const Piece& piece);
    void handle_wish(base::Instant now, const Wish& wish);
    static wire::HeardFrame heard(const ReceivedPacket& received, const Message& message);

    /// What the radio is set to and says of the channel.
    void ask_link(base::Instant now);
    base::Duration window_of(std::size_t crowd) const;
    void end_hold_up(base::Instant now);
    /// Sends what may leave now.
    void pump(base::Instant now);
    bool may_leave(base::Instant now, Priority priority, std::size_t packet_bytes);
    bool transmit(base::Instant now, base::Bytes packet, std::uint8_t hop_limit, Priority priority,
                  RadioStats::OfType& stats);
    /// The budget of what is bridged, a part of all. Before anything of it was sent it is not
    /// there.
    AirtimeBudget& bridged_budget(base::Instant now);
    std::optional<AirtimeBudget::Deferral> bridged_deferral(base::Instant now,
                                                            const Outbox::Next& next) const;
    /// What leaves next of those for whom there is a share of the air left.
    std::optional<Outbox::Next> next_with_share(base::Instant now) const;
    bool send_next(base::Instant now, const Outbox::Next& next);
    AirtimeBudget part_of_budget(base::Instant now, unsigned percent) const;
    /// How urgent the text is that may leave by the share of texts.
    std::optional<Priority> next_text(base::Instant now) const;
    std::optional<AirtimeBudget::Deferral> text_deferral(base::Instant now,
                                                         Priority priority) const;
    bool send_text(base::Instant now, Priority priority);
    bool handle_taken(base::Instant now, base::Duration airtime, std::size_t packet_bytes,
                      Priority priority, bool is_taken, RadioStats::OfType& stats);
    base::Instant text_timeout(base::Instant now) const;
    void schedule(base::Instant now);

    RadioOptions options_;
    PacketLink& link_;
    AirtimeBudget budget_;
    std::optional<AirtimeBudget> bridged_;
    std::optional<TextMirror> texts_;
    std::optional<AirtimeBudget> text_budget_;
    base::Random random_;
    Outbox outbox_;
    Reassembly reassembly_;
    std::optional<AirtimeBudget::Deferral> deferral_;
    base::Instant retry_at_{};  ///< after the radio refused a packet
    base::Instant wakes_ = base::never;
    bool was_held_up_ = false;  ///< by others' use of the channel
    base::Buffer joined_;       ///< what the last message received borrows from
    RadioStats stats_;
};

}  // namespace meshchain::radio
