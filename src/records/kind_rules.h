#pragma once
// What may be said in a record of each kind: the one list, to which an application adds its own
// kinds (row J7).

#include <chrono>
#include <cstdint>
#include <expected>
#include <span>
#include <vector>

#include "base/error.h"
#include "wire/record.h"

namespace meshchain::records {

/// Numbers are of one origin; of alerts, of each priority of one origin (Share).
struct KindRule {
    wire::RecordKind kind{};
    std::chrono::seconds lifetime_max{};  ///< from stamp to expiry; more is refused
    std::uint32_t per_origin_max = 0;     ///< those with the highest sequences stay
    std::uint16_t body_bytes_max = 0;
    /// While they are new (RecordStore::fresh_for); what was dated earlier is limited
    /// by the number alone.
    std::uint32_t per_minute_max = 6'000;
    /// Passed on at once until each neighbour has said that it holds it, and kept on disk before
    /// that is said.
    bool urgent = false;
};

inline constexpr std::uint8_t application_kinds_from = 128;
inline constexpr std::uint8_t application_kinds_to = 239;
constexpr bool is_of_application(wire::RecordKind kind) {
    const auto number = static_cast<std::uint8_t>(kind);
    return number >= application_kinds_from && number <= application_kinds_to;
}

class KindRules {
public:
    /// Ours and those of an application.
    /// Errors: invalid_argument (a number outside 128-239, a limit of zero), exists (given twice).
    static std::expected<KindRules, base::Error> with(std::span<const KindRule> application);
    /// Ours alone.
    KindRules();

    const KindRule* find(wire::RecordKind kind) const;

private:
    std::vector<KindRule> rules_;
};

}  // namespace meshchain::records
