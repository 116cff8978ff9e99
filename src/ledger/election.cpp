#include "ledger/election.h"

#include "base/cursor.h"
#include "ledger/proximity.h"

namespace meshchain::ledger {
namespace {

std::unexpected<base::Error> refuse(std::string what) {
    return base::failure(base::Errc::invalid_argument, std::move(what), "epoch");
}

/// H(`mc/seed/1` behind its length ‖ chain ‖ hash of the roster before ‖ what was revealed). The
/// roster before was fixed when this epoch began, so whoever proposes chooses by what he reveals,
/// and by nothing else.
wire::Hash draw_seed(const wire::ChainId& chain, const wire::Hash& before, const wire::Hash& mix) {
    constexpr std::string_view domain = "mc/seed/1";
    base::Buffer out;
    base::Writer(out)
        .u8(static_cast<std::uint8_t>(domain.size()))
        .text(domain)
        .bytes(chain.bytes)
        .bytes(before.bytes)
        .bytes(mix.bytes);
    return crypto::hash(out);
}

struct Candidate {
    Seat seat;
    std::optional<Told> told;
};

std::expected<std::vector<Candidate>, base::Error> candidates_in(const StakeBook& book) {
    std::vector<Candidate> all;
    for (std::uint16_t i = 0; i < wire::validators_max; ++i) {
        MESH_TRY(const auto seat, book.seat({i}));
        if (!seat || seat->bonded == wire::Amount{}) continue;
        MESH_TRY(const auto told, book.told(*seat));
        all.push_back({*seat, told});
    }
    return all;
}

std::uint8_t proximity_of(wire::ValidatorIndex seat, const std::vector<Candidate>& all,
                          std::uint32_t epoch) {
    std::vector<Hearer> others;
    for (const Candidate& other : all) {
        if (other.seat.index == seat) continue;
        const bool counts =
            other.told && other.told->epoch + std::uint64_t{testimony_epochs} > epoch;
        const std::uint8_t rounds = counts ? other.told->heard.rounds(seat) : std::uint8_t{0};
        others.push_back({other.seat.bonded, rounds});
    }
    return proximity(others);
}

wire::Roster::Standing standing_of(const std::optional<Told>& told, std::uint32_t epoch) {
    using Standing = wire::Roster::Standing;
    if (!told) return Standing::unbound;
    if (told->epoch != epoch) return Standing::withheld;
    return told->revealed ? Standing::revealed : Standing::unbound;
}

}  // namespace

std::expected<wire::Roster, base::Error> elect(const wire::ChainId& chain, const Economy& economy,
                                               wire::Slot slot, const StakeBook& book) {
    MESH_TRY(const auto candidates, candidates_in(book));
    if (candidates.empty()) return refuse("nobody has staked");
    wire::Roster roster{economy.epoch + 2, slot, draw_seed(chain, economy.next, economy.mix), {}};
    for (const Candidate& one : candidates) {
        roster.members.push_back({one.seat.index, one.seat.identity, one.seat.key, one.seat.bonded,
                                  proximity_of(one.seat.index, candidates, economy.epoch),
                                  standing_of(one.told, economy.epoch)});
    }
    return roster;
}

std::expected<wire::Roster, base::Error> raise_epoch(const wire::ChainId& chain, wire::Slot slot,
                                                     StakeBook& book) {
    MESH_TRY(auto economy, book.economy());
    if (!economy) return refuse("the stakes are those of genesis for ever");
    if (slot.value < std::uint64_t{economy->risen.value} + economy->epoch_slots) {
        return refuse("slot " + std::to_string(slot.value) + " is too early: the epoch rose in " +
                      std::to_string(economy->risen.value) + " and lasts " +
                      std::to_string(economy->epoch_slots) + " slots");
    }
    MESH_TRY(wire::Roster roster, elect(chain, *economy, slot, book));
    ++economy->epoch;
    economy->risen = slot;
    economy->mix = {};
    economy->next = wire::roster_hash(chain, roster);
    book.put(*economy);
    return roster;
}

}  // namespace meshchain::ledger
