#pragma once
// The one table of message rules (PROTOCOL.md P1.8): each module states the rules of the types it
// owns, `node` joins them here, and mesh enforces them before it checks any signature.

#include <array>
#include <span>
#include <vector>

#include "base/error.h"
#include "wire/announcement.h"
#include "wire/control.h"
#include "wire/service.h"

namespace meshchain::mesh {

/// Exact payload sizes of mesh's own types.
inline constexpr std::size_t hello_payload_bytes =
    1 + 1 + 32 + 32 + 1 + 1 + std::tuple_size_v<wire::Cookie> + wire::ChainStatus::size +
    crypto::Signature::size;
inline constexpr std::size_t status_payload_bytes = wire::Heartbeat::size + crypto::Signature::size;
inline constexpr std::size_t cookie_payload_bytes = 1 + std::tuple_size_v<wire::Cookie>;
static_assert(cookie_payload_bytes <= hello_payload_bytes, "a COOKIE never amplifies");

inline constexpr std::size_t probe_payload_bytes_max = 256;

/// PEER_HELLO, STATUS, COOKIE, PEER_INFO, ROUTED, PROBE, RECEIPT, CLOCK_ASK and CLOCK_ANSWER.
std::span<const wire::MessageRule> mesh_rules();

/// Joins the modules' rules, ordered by type.
/// Errors: exists (two rules for one type), invalid_argument (a type that can never be assigned,
/// a size range that is empty or over ip_payload_bytes_max, a rate of zero, more at once than in a
/// minute).
std::expected<std::vector<wire::MessageRule>, base::Error> build_rule_table(
    std::span<const std::span<const wire::MessageRule>> parts);

/// The rule of `type` in a table made by build_rule_table, or nothing.
const wire::MessageRule* find_rule(std::span<const wire::MessageRule> table,
                                   wire::MessageType type);

}  // namespace meshchain::mesh
