#pragma once
// Slows and counts wrong tries at a wallet's passphrase and PIN (row I3). Each try is counted on
// disk before it is made, so that neither a crash nor a restart gives one for nothing.
//
// Time:   every call takes `now`. After a restart the whole delay is waited for again, as the time
//         that passed is not known.
// Limits: pin_tries_max wrong PINs disable the PIN until the passphrase was given; the passphrase
//         is only ever slowed, up to delay_max, so nobody can lock its owner out.
// Format: docs/formats/wallet-tries.md

#include <cstdint>
#include <expected>

#include "base/bytes.h"
#include "base/time.h"

namespace meshchain::wallet {

/// Tries that did not succeed, or whose end is unknown, since the last that did.
struct TryRecord {
    std::uint32_t passphrase = 0;
    std::uint32_t pin = 0;
    friend bool operator==(const TryRecord&, const TryRecord&) = default;
};

base::Buffer encode(const TryRecord& record);
/// Errors: malformed, wrong_version, corrupt (the checksum differs).
std::expected<TryRecord, base::Error> parse_try_record(base::Bytes bytes);

enum class TryKind : std::uint8_t { passphrase, pin };

class TryLimiter {
public:
    static constexpr std::uint32_t pin_tries_max = 8;
    static constexpr std::uint32_t free_tries = 3;  ///< before the first delay
    static constexpr base::Duration delay_max = std::chrono::minutes(5);

    TryLimiter(const TryRecord& record, base::Instant now) : record_(record), last_(now) {}

    /// How long until a try may be made.
    base::Duration delay(TryKind kind, base::Instant now) const;
    /// Counts a try. What it returns must be on the disk before the try is made.
    /// Errors: unavailable (too soon, says how long to wait), unauthorized (the PIN is disabled).
    std::expected<TryRecord, base::Error> begin(TryKind kind, base::Instant now);
    /// The try begun last succeeded. Its passphrase enables the PIN again.
    TryRecord succeed(TryKind kind);

    const TryRecord& record() const { return record_; }
    bool is_pin_disabled() const { return record_.pin >= pin_tries_max; }

private:
    std::uint32_t count(TryKind kind) const;

    TryRecord record_;
    base::Instant last_;
};

}  // namespace meshchain::wallet
