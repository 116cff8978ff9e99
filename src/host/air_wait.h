#pragma once
// Why a message does not leave a node that has nothing but radios, and for how long (row E9).

#include <optional>
#include <span>
#include <string_view>

#include "radio/air_outlook.h"
#include "wire/service.h"

namespace meshchain::host {

/// A radio, at one moment.
struct WayOut {
    bool is_up = false;
    bool listens_only = false;
    radio::AirOutlook air;
};

struct AirWait {
    std::size_t radio = 0;    ///< by its place in the configuration
    std::string_view reason;  ///< name(radio::AirtimeBudget::Reason), "listen_only" or "not_up"
    std::optional<base::Duration> lasts;  ///< if nothing else changes; nothing: not by waiting
};

/// Of an object of this node that is handed in at that moment, `now`: at the radio where it leaves
/// first. Nothing: it leaves by one of them at once, or there is none.
std::optional<AirWait> air_wait(std::span<const WayOut> ways, base::Instant now,
                                const wire::MessageRule& rule, std::size_t payload_bytes);

}  // namespace meshchain::host
