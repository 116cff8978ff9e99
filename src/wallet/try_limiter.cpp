#include "wallet/try_limiter.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/cursor.h"
#include "crypto/hash.h"

namespace meshchain::wallet {
namespace {

constexpr std::string_view magic = "MCWT";
constexpr std::uint8_t version = 1;
constexpr std::size_t checksum_bytes = 8;

base::Buffer checksum(base::Bytes content) {
    const crypto::Hash hash = crypto::hash(content);
    return base::to_buffer(hash.span().first(checksum_bytes));
}

/// Two seconds after the first try over the free ones, and twice as long after each further.
base::Duration delay_after(std::uint32_t tries) {
    if (tries < TryLimiter::free_tries) return base::Duration::zero();
    const std::uint32_t doublings = std::min(tries - TryLimiter::free_tries + 1, 16U);
    return std::min<base::Duration>(TryLimiter::delay_max, std::chrono::seconds(1 << doublings));
}

}  // namespace

base::Buffer encode(const TryRecord& record) {
    base::Buffer bytes;
    base::Writer out(bytes);
    out.text(magic).u8(version).u32(record.passphrase).u32(record.pin);
    out.bytes(checksum(bytes));
    return bytes;
}

std::expected<TryRecord, base::Error> parse_try_record(base::Bytes bytes) {
    base::Reader in(bytes);
    const bool is_ours = base::as_text(in.take(magic.size())) == magic;
    const std::uint8_t found = in.u8();
    if (is_ours && in.ok() && found != version) {
        return base::failure(base::Errc::wrong_version, "version " + std::to_string(found),
                             "count of wrong tries", "use a program that knows this version");
    }
    if (!is_ours) in.fail();
    TryRecord record;
    record.passphrase = in.u32();
    record.pin = in.u32();
    const base::Bytes content = bytes.first(in.offset());
    const base::Bytes stated = in.take(checksum_bytes);
    MESH_CHECK(in.finish("count of wrong tries"));
    if (base::equal(stated, checksum(content))) return record;
    return base::failure(base::Errc::corrupt, "the checksum differs", "count of wrong tries",
                         "remove the file, and mistrust who could write it");
}

std::uint32_t TryLimiter::count(TryKind kind) const {
    return kind == TryKind::pin ? record_.pin : record_.passphrase;
}

base::Duration TryLimiter::delay(TryKind kind, base::Instant now) const {
    const base::Duration passed = std::max(base::Duration::zero(), now - last_);
    return std::max(base::Duration::zero(), delay_after(count(kind)) - passed);
}

std::expected<TryRecord, base::Error> TryLimiter::begin(TryKind kind, base::Instant now) {
    if (kind == TryKind::pin && is_pin_disabled()) {
        return base::failure(
            base::Errc::unauthorized,
            "the PIN is disabled after " + std::to_string(record_.pin) + " tries in vain", "wallet",
            "unlock once with the passphrase");
    }
    if (const base::Duration wait = delay(kind, now); wait > base::Duration::zero()) {
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
        return base::failure(base::Errc::unavailable,
                             std::to_string(count(kind)) + " tries were in vain", "wallet",
                             "try again in " + std::to_string(seconds) + " s");
    }
    std::uint32_t& tries = kind == TryKind::pin ? record_.pin : record_.passphrase;
    if (tries < std::numeric_limits<std::uint32_t>::max()) ++tries;
    last_ = now;
    return record_;
}

TryRecord TryLimiter::succeed(TryKind kind) {
    record_.pin = 0;
    if (kind == TryKind::passphrase) record_.passphrase = 0;
    return record_;
}

}  // namespace meshchain::wallet
