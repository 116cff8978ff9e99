#include "ledger/election.h"

#include "base/cursor.h"

namespace meshchain::ledger {
namespace {

std::unexpected<base::Error> refuse(std::string what) {
    return base::failure(base::Errc::invalid_argument, std::move(what), "epoch");
}

/// H(`mc/seed/1` behind its length ‖ chain ‖ hash of the roster before ‖ digest of the state).
wire::Hash draw_seed(const wire::ChainId& chain, const wire::Hash& before,
                     const wire::Hash& state) {
    constexpr std::string_view domain = "mc/seed/1";
    base::Buffer out;
    base::Writer(out)
        .u8(static_cast<std::uint8_t>(domain.size()))
        .text(domain)
        .bytes(chain.bytes)
        .bytes(before.bytes)
        .bytes(state.bytes);
    return crypto::hash(out);
}

}  // namespace

std::expected<wire::Roster, base::Error> elect(const wire::ChainId& chain, const Economy& economy,
                                               const wire::Hash& state, wire::Slot slot,
                                               const StakeBook& book) {
    wire::Roster roster{economy.epoch + 2, slot, draw_seed(chain, economy.next, state), {}};
    for (std::uint16_t i = 0; i < wire::validators_max; ++i) {
        MESH_TRY(const auto seat, book.seat({i}));
        if (!seat || seat->bonded == wire::Amount{}) continue;
        roster.members.push_back({seat->index, seat->identity, seat->key, seat->bonded});
    }
    if (roster.members.empty()) return refuse("nobody has staked");
    return roster;
}

std::expected<wire::Roster, base::Error> raise_epoch(const wire::ChainId& chain,
                                                     const wire::Hash& parent_state,
                                                     wire::Slot slot, StakeBook& book) {
    MESH_TRY(auto economy, book.economy());
    if (!economy) return refuse("the stakes are those of genesis for ever");
    if (slot.value < std::uint64_t{economy->risen.value} + economy->epoch_slots) {
        return refuse("slot " + std::to_string(slot.value) + " is too early: the epoch rose in " +
                      std::to_string(economy->risen.value) + " and lasts " +
                      std::to_string(economy->epoch_slots) + " slots");
    }
    MESH_TRY(wire::Roster roster, elect(chain, *economy, parent_state, slot, book));
    ++economy->epoch;
    economy->risen = slot;
    economy->next = wire::roster_hash(chain, roster);
    book.put(*economy);
    return roster;
}

}  // namespace meshchain::ledger
