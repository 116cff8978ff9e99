#include "wallet/coin.h"

namespace meshchain::wallet {

std::string_view name(Direction direction) {
    switch (direction) {
        case Direction::incoming: return "incoming";
        case Direction::outgoing: return "outgoing";
        case Direction::self: return "self";
    }
    return "unknown";
}

std::string_view name(EntryState state) {
    switch (state) {
        case EntryState::pending: return "pending";
        case EntryState::live: return "live";
        case EntryState::final: return "final";
        case EntryState::dead: return "dead";
    }
    return "unknown";
}

}  // namespace meshchain::wallet
