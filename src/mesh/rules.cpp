#include "mesh/rules.h"

#include <algorithm>

#include "mesh/router.h"
#include "wire/clock_question.h"

namespace meshchain::mesh {
namespace {

using wire::MessageClass;
using wire::MessageRule;
using wire::MessageType;

constexpr MessageRule own_rule(MessageType type, MessageClass message_class,
                               std::size_t payload_bytes, std::uint8_t priority,
                               bool on_radio = false) {
    const auto bytes = static_cast<std::uint16_t>(payload_bytes);
    return {type, message_class, bytes, bytes, 60, priority, on_radio};
}

/// A relay hands on what more than one origin may say at once.
constexpr std::uint32_t routed_at_once = 2 * Router::per_origin.burst;

constexpr std::array own_rules{
    own_rule(MessageType::peer_hello, MessageClass::handshake, hello_payload_bytes, 1),
    MessageRule{MessageType::peer_info, MessageClass::object, wire::announcement_bytes_min,
                wire::announcement_bytes_max, 1'200, 5, true},
    own_rule(MessageType::status, MessageClass::control, status_payload_bytes, 2, true),
    own_rule(MessageType::cookie, MessageClass::handshake, cookie_payload_bytes, 1),
    MessageRule{MessageType::routed, MessageClass::object,
                wire::routed_overhead_bytes - crypto::PublicKey::size, wire::ip_payload_bytes_max,
                1'200, 4, true, std::nullopt, routed_at_once},
    MessageRule{MessageType::probe, MessageClass::routed, 0, probe_payload_bytes_max, 120, 4, true},
    MessageRule{MessageType::receipt, MessageClass::routed, wire::Receipt::size,
                wire::Receipt::size, 1'200, 4, true},
    // Who cannot check its clock asks after 1, 2, 4 … slots, and of few at once.
    MessageRule{MessageType::clock_ask, MessageClass::routed, wire::ClockAsk::size,
                wire::ClockAsk::size, 30, 4, true, std::nullopt, 8},
    MessageRule{MessageType::clock_answer, MessageClass::routed, wire::ClockAnswer::size,
                wire::ClockAnswer::size, 30, 2, true, std::nullopt, 8},
};

/// From 240 on no number is assigned, nor 0x7B: Kodikon's JSON begins with it (P1.8).
constexpr bool is_assignable(MessageType type) {
    const auto number = static_cast<std::uint8_t>(type);
    return number < 240 && number != 0x7B;
}

std::expected<void, base::Error> check(const MessageRule& rule) {
    const std::string number = std::to_string(static_cast<unsigned>(rule.type));
    const auto refuse = [&](const char* what) {
        return base::failure(base::Errc::invalid_argument, "type " + number + " " + what,
                             "message rules", "correct the rule of the module that owns it");
    };
    if (!is_assignable(rule.type)) return refuse("is never assigned");
    if (rule.payload_bytes_min > rule.payload_bytes_max) return refuse("has an empty size range");
    if (rule.payload_bytes_max > wire::ip_payload_bytes_max) return refuse("exceeds a datagram");
    if (rule.message_class == MessageClass::routed &&
        rule.payload_bytes_max > wire::routed_payload_bytes_max) {
        return refuse("exceeds what a routed message carries");
    }
    if (rule.frames_per_minute_max == 0) return refuse("has a rate of zero");
    if (rule.frames_at_once_max > rule.frames_per_minute_max) {
        return refuse("lets more come at once than in a minute");
    }
    return {};
}

}  // namespace

std::span<const MessageRule> mesh_rules() { return own_rules; }

std::expected<std::vector<MessageRule>, base::Error> build_rule_table(
    std::span<const std::span<const MessageRule>> parts) {
    std::vector<MessageRule> table;
    for (const std::span<const MessageRule> part : parts) {
        for (const MessageRule& rule : part) {
            MESH_CHECK(check(rule));
            table.push_back(rule);
        }
    }
    std::ranges::sort(table, {}, &MessageRule::type);
    const auto twice = std::ranges::adjacent_find(table, {}, &MessageRule::type);
    if (twice != table.end()) {
        return base::failure(
            base::Errc::exists,
            "type " + std::to_string(static_cast<unsigned>(twice->type)) + " has two rules",
            "message rules", "give one of the two modules another type number");
    }
    return table;
}

const MessageRule* find_rule(std::span<const MessageRule> table, MessageType type) {
    const auto found = std::ranges::lower_bound(table, type, {}, &MessageRule::type);
    return found != table.end() && found->type == type ? &*found : nullptr;
}

}  // namespace meshchain::mesh
