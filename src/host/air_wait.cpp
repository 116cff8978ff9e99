#include "host/air_wait.h"

#include "radio/radio_frames.h"

namespace meshchain::host {
namespace {

using Reason = radio::AirtimeBudget::Reason;

/// At radio number `radio`.
std::optional<AirWait> wait_at(std::size_t radio, const WayOut& way, base::Instant now,
                               const wire::MessageRule& rule, std::size_t payload_bytes) {
    const auto forever = [radio](std::string_view reason) {
        return AirWait{radio, reason, std::nullopt};
    };
    if (way.listens_only) return forever("listen_only");
    if (payload_bytes > rule.payload_bytes_max) return forever(name(Reason::too_long));
    const auto deferral = way.air.deferral(radio::priority_of(rule), payload_bytes);
    if (deferral && deferral->until == base::never) return forever(name(deferral->reason));
    if (!way.is_up) return forever("not_up");
    if (!deferral) return std::nullopt;
    return AirWait{radio, name(deferral->reason), deferral->until - now};
}

}  // namespace

std::optional<AirWait> air_wait(std::span<const WayOut> ways, base::Instant now,
                                const wire::MessageRule& rule, std::size_t payload_bytes) {
    std::optional<AirWait> first;
    for (std::size_t i = 0; i < ways.size(); ++i) {
        const auto wait = wait_at(i, ways[i], now, rule, payload_bytes);
        if (!wait) return std::nullopt;
        const bool is_sooner =
            wait->lasts && (!first || !first->lasts || *wait->lasts < *first->lasts);
        if (!first || is_sooner) first = wait;
    }
    return first;
}

}  // namespace meshchain::host
