#include "radio/air_outlook.h"

namespace meshchain::radio {
namespace {

/// A radio that sends whatever it may, one packet after the other.
class Play {
public:
    Play(base::Instant now, const AirtimeBudget& budget) : now_(now), at_(now), budget_(budget) {}

    /// False: it never leaves, nor what is behind it.
    bool send(Priority priority, std::size_t packet_bytes) {
        const base::Duration airtime = budget_.airtime_of(packet_bytes);
        while (const auto held = budget_.deferral(at_, priority, airtime)) {
            if (held->until == base::never) {
                reason_ = held->reason;
                at_ = base::never;
                return false;
            }
            if (held->until - at_ > longest_) {
                longest_ = held->until - at_;
                reason_ = held->reason;
            }
            at_ = held->until;
        }
        budget_.spend(at_, airtime, priority);
        return true;
    }
    std::optional<AirtimeBudget::Deferral> deferral() const {
        if (at_ == now_) return std::nullopt;
        return AirtimeBudget::Deferral{at_, reason_};
    }

private:
    base::Instant now_;
    base::Instant at_;
    AirtimeBudget budget_;
    base::Duration longest_{};
    AirtimeBudget::Reason reason_{};
};

}  // namespace

std::optional<AirtimeBudget::Deferral> AirOutlook::deferral(Priority priority,
                                                            std::size_t payload_bytes) const {
    Play play(now_, budget_);
    for (const Outbox::Next& next : waiting_) {
        const bool is_first =
            next.priority < priority || (next.priority == priority && !next.bridged);
        if (is_first && !play.send(next.priority, next.packet_bytes)) return play.deferral();
    }
    const coding::Cut cut = cut_of(payload_bytes, bytes_a_packet_);
    if (cut.piece_bytes == 0) {
        play.send(priority, header_bytes + payload_bytes);
        return play.deferral();
    }
    for (std::size_t i = 0; i < cut.pieces(); ++i) {
        if (!play.send(priority, piece_overhead_bytes + cut.piece_bytes)) break;
    }
    return play.deferral();
}

}  // namespace meshchain::radio
