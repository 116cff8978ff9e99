#pragma once
// What a node with other links may carry from them onto this radio, and at what rate
// (docs/decisions/0176). The air is the slow side: nothing limits what goes from it to a network.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/message_type.h"

namespace meshchain::radio {

/// What an operator tells apart.
enum class Cargo : std::uint8_t {
    votes,  ///< with what voting needs: evidence, and questions about clocks
    blocks,
    transactions,
    records,  ///< messages of applications, and whatever else is an object
};
inline constexpr std::size_t cargos = 4;
std::string_view name(Cargo cargo);
std::optional<Cargo> cargo_of(std::string_view name);
Cargo cargo_of(wire::MessageType type);

struct BridgePolicy {
    std::array<bool, cargos> carries{true, true, true, true};
    /// Of this radio's airtime budget, for what came by other links. The rest is the node's own.
    std::uint32_t budget_percent = 50;

    bool carries_type(wire::MessageType type) const {
        return carries[static_cast<std::size_t>(cargo_of(type))];
    }
    friend bool operator==(const BridgePolicy&, const BridgePolicy&) = default;
};

}  // namespace meshchain::radio
