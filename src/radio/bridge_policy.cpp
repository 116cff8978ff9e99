#include "radio/bridge_policy.h"

#include <algorithm>

namespace meshchain::radio {
namespace {

constexpr std::array<std::string_view, cargos> names{"votes", "blocks", "transactions", "records"};

}  // namespace

std::string_view name(Cargo cargo) { return names[static_cast<std::size_t>(cargo)]; }

std::optional<Cargo> cargo_of(std::string_view name) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) return std::nullopt;
    return static_cast<Cargo>(found - names.begin());
}

Cargo cargo_of(wire::MessageType type) {
    switch (type) {
        case wire::MessageType::block_ack:
        case wire::MessageType::short_vote:
        case wire::MessageType::evidence:
        case wire::MessageType::routed: return Cargo::votes;
        case wire::MessageType::block:
        case wire::MessageType::short_block: return Cargo::blocks;
        case wire::MessageType::transaction: return Cargo::transactions;
        default: return Cargo::records;
    }
}

}  // namespace meshchain::radio
