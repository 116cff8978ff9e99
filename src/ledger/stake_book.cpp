#include "ledger/stake_book.h"

namespace meshchain::ledger {
namespace {

using base::Error;
using crypto::PublicKey;

template <class Parse>
auto parse_if(const std::expected<std::optional<base::Buffer>, Error>& value, Parse&& parse)
    -> std::expected<std::optional<typename decltype(parse(base::Bytes()))::value_type>, Error> {
    if (!value) return std::unexpected(value.error());
    if (!*value) return std::nullopt;
    MESH_TRY(auto parsed, parse(base::Bytes(**value)));
    return std::optional(std::move(parsed));
}

}  // namespace

std::expected<std::optional<base::Buffer>, Error> StakeBook::read(const base::Buffer& key) const {
    const auto written = writes_.find(key);
    if (written != writes_.end()) return written->second;
    return below_->stake_row(key);
}

std::expected<std::optional<Economy>, Error> StakeBook::economy() const {
    return parse_if(read(economy_key()), parse_economy);
}

std::expected<std::optional<Seat>, Error> StakeBook::seat(wire::ValidatorIndex index) const {
    const base::Buffer key = seat_key(index);
    return parse_if(read(key), [&](base::Bytes value) { return parse_seat(key, value); });
}

std::expected<std::optional<Seat>, Error> StakeBook::seat_of(const PublicKey& key) const {
    MESH_TRY(const auto place, used(key));
    if (!place || !place->seat) return std::nullopt;
    MESH_TRY(const auto found, seat(*place->seat));
    return found && found->key == key ? found : std::nullopt;
}

std::expected<std::optional<Told>, Error> StakeBook::told(const Seat& seat) const {
    const base::Buffer key = told_key(seat.index);
    MESH_TRY(const auto row, read(key));
    if (!row) return std::nullopt;
    MESH_TRY(Told told, parse_told(key, *row));
    return told.key == seat.key ? std::optional(told) : std::nullopt;
}

std::expected<std::optional<Bond>, Error> StakeBook::bond(const PublicKey& validator,
                                                          const PublicKey& owner) const {
    return parse_if(read(bond_key(validator, owner)), parse_bond);
}

std::expected<std::optional<Waiting>, Error> StakeBook::waiting(std::uint32_t epoch,
                                                                const PublicKey& validator,
                                                                const PublicKey& owner) const {
    const base::Buffer key = waiting_key(epoch, validator, owner);
    return parse_if(read(key), [&](base::Bytes value) { return parse_waiting(key, value); });
}

std::expected<std::optional<UsedKey>, Error> StakeBook::used(const PublicKey& used) const {
    const base::Buffer key = used_key(used);
    return parse_if(read(key), [&](base::Bytes value) { return parse_used_key(key, value); });
}

std::expected<bool, Error> StakeBook::is_only_staked(wire::ValidatorIndex index) const {
    for (std::uint16_t i = 0; i < wire::validators_max; ++i) {
        if (i == index.value) continue;
        MESH_TRY(const auto other, seat({i}));
        if (other && other->bonded != wire::Amount{}) return false;
    }
    return true;
}

}  // namespace meshchain::ledger
