#include "records/kind_rules.h"

#include <algorithm>

namespace meshchain::records {
namespace {

using namespace std::chrono_literals;
using wire::RecordKind;

constexpr std::uint16_t body_bytes_max = wire::record_body_bytes_max(0, false);

}  // namespace

KindRules::KindRules()
    : rules_{{.kind = RecordKind::state,
              .lifetime_max = 24h,
              .per_origin_max = 16,
              .body_bytes_max = body_bytes_max,
              .per_minute_max = 120},
             {.kind = RecordKind::registry,
              .lifetime_max = 24h * 400,
              .per_origin_max = 50'000,
              .body_bytes_max = body_bytes_max},
             {.kind = RecordKind::alert,
              .lifetime_max = 24h * 7,
              .per_origin_max = 256,
              .body_bytes_max = body_bytes_max,
              .per_minute_max = 60,
              .urgent = true},
             {.kind = RecordKind::acknowledgement,
              .lifetime_max = 24h * 7,
              .per_origin_max = 1'024,
              .body_bytes_max = 256,
              .per_minute_max = 120,
              .urgent = true},
             {.kind = RecordKind::ownership,
              .lifetime_max = 24h * 400,
              .per_origin_max = 16'384,
              .body_bytes_max = 512,
              .per_minute_max = 600}} {}

std::expected<KindRules, base::Error> KindRules::with(std::span<const KindRule> application) {
    KindRules rules;
    for (const KindRule& rule : application) {
        const auto number = static_cast<std::uint8_t>(rule.kind);
        if (!is_of_application(rule.kind)) {
            return base::failure(base::Errc::invalid_argument,
                                 "record kind " + std::to_string(number), "records",
                                 "applications have the kinds 128 to 239");
        }
        if (rule.lifetime_max <= 0s || rule.per_origin_max == 0 || rule.per_minute_max == 0 ||
            rule.body_bytes_max > body_bytes_max) {
            return base::failure(base::Errc::invalid_argument, "the rule of " + name(rule.kind),
                                 "records",
                                 "lifetime and number must be above zero, and a body has at most " +
                                     std::to_string(body_bytes_max) + " bytes");
        }
        if (rules.find(rule.kind) != nullptr) {
            return base::failure(base::Errc::exists, "a second rule for " + name(rule.kind),
                                 "records", "give each kind one rule");
        }
        rules.rules_.push_back(rule);
    }
    return rules;
}

const KindRule* KindRules::find(wire::RecordKind kind) const {
    const auto found = std::ranges::find(rules_, kind, &KindRule::kind);
    return found == rules_.end() ? nullptr : &*found;
}

}  // namespace meshchain::records
