#include "kv/quota.h"

#include <string>

namespace meshchain::kv {

std::string_view name(QuotaLevel level) {
    switch (level) {
        case QuotaLevel::ok: return "ok";
        case QuotaLevel::warning_80: return "warning_80";
        case QuotaLevel::warning_95: return "warning_95";
        case QuotaLevel::full: return "full";
    }
    return "unknown";
}

QuotaLevel Quota::level() const {
    if (limit_bytes == 0) return QuotaLevel::ok;
    if (used_bytes >= limit_bytes) return QuotaLevel::full;
    if (used_bytes >= limit_bytes - limit_bytes / 20) return QuotaLevel::warning_95;
    if (used_bytes >= limit_bytes - limit_bytes / 5) return QuotaLevel::warning_80;
    return QuotaLevel::ok;
}

std::expected<void, base::Error> Quota::check(const Batch& batch) const {
    if (limit_bytes == 0 || batch.put_bytes() == 0) return {};
    const std::uint64_t room = limit_bytes + (batch.may_use_reserve() ? reserve_bytes() : 0);
    if (used_bytes <= room && batch.put_bytes() <= room - used_bytes) return {};
    return base::failure(base::Errc::full,
                         "quota of " + std::to_string(limit_bytes) +
                             " bytes: " + std::to_string(used_bytes) + " used, " +
                             std::to_string(batch.put_bytes()) + " asked for",
                         "kv store", "prune, or raise the quota");
}

}  // namespace meshchain::kv
