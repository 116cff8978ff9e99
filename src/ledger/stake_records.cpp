#include "ledger/stake_records.h"

#include "base/cursor.h"

namespace meshchain::ledger {
namespace {

using base::Errc;
using base::Error;
using crypto::PublicKey;
using wire::Amount;

enum class Kind : std::uint8_t { economy = 1, seat = 2, bond = 3, waiting = 4, used = 5, told = 6 };

constexpr std::uint16_t no_seat = 0xffff;

base::Buffer key_of(Kind kind) { return {static_cast<std::byte>(kind)}; }

/// Two keys in 32 bytes, so that a row's key fits every store.
wire::Hash pair_hash(const PublicKey& validator, const PublicKey& owner) {
    return crypto::hash(validator.bytes, owner.bytes);
}

std::unexpected<Error> corrupt(std::string what) {
    return base::failure(Errc::corrupt, std::move(what), "stakes",
                         "stop the node and run `meshchain store salvage`");
}

std::expected<void, Error> finish(const base::Reader& in, const char* what) {
    if (in.finish(what)) return {};
    return corrupt(std::string("a stored ") + what + " does not parse");
}

PublicKey read_key(base::Reader& in) { return {in.array<PublicKey::size>()}; }

Kind kind_of(base::Bytes key) {
    return static_cast<Kind>(key.empty() ? 0 : base::Reader(key).u8());
}

/// What stands behind the kind.
base::Bytes behind_kind(base::Bytes key) {
    return key.subspan(std::min<std::size_t>(1, key.size()));
}

}  // namespace

base::Buffer economy_key() { return key_of(Kind::economy); }

base::Buffer seat_key(wire::ValidatorIndex index) {
    base::Buffer key = key_of(Kind::seat);
    base::Writer(key).u16(index.value);
    return key;
}

base::Buffer bond_key(const PublicKey& validator, const PublicKey& owner) {
    base::Buffer key = key_of(Kind::bond);
    base::Writer(key).bytes(pair_hash(validator, owner).bytes);
    return key;
}

base::Buffer waiting_key(std::uint32_t epoch, const PublicKey& validator, const PublicKey& owner) {
    base::Buffer key = key_of(Kind::waiting);
    base::Writer(key).u32(epoch).bytes(pair_hash(validator, owner).bytes);
    return key;
}

base::Buffer waiting_row_prefix() { return key_of(Kind::waiting); }

base::Buffer used_key(const PublicKey& key) {
    base::Buffer row = key_of(Kind::used);
    base::Writer(row).bytes(key.bytes);
    return row;
}

base::Buffer told_key(wire::ValidatorIndex seat) {
    base::Buffer key = key_of(Kind::told);
    base::Writer(key).u16(seat.value);
    return key;
}

StakeRow encode(const Economy& economy) {
    StakeRow row{economy_key(), {}};
    base::Writer(row.value)
        .u32(economy.epoch)
        .u16(economy.unbond_epochs)
        .u40(economy.stake_min.units)
        .u40(economy.burnt.units)
        .u32(economy.epoch_slots)
        .u32(economy.risen.value)
        .bytes(economy.next.bytes)
        .bytes(economy.mix.bytes);
    return row;
}

StakeRow encode(const Seat& seat) {
    StakeRow row{seat_key(seat.index), {}};
    base::Writer(row.value)
        .bytes(seat.identity.bytes)
        .bytes(seat.key.bytes)
        .bytes(seat.payout.bytes)
        .u40(seat.bonded.units)
        .u40(seat.unbonding.units)
        .u40(seat.earned.units)
        .u8(seat.slashed ? 1 : 0)
        .u32(seat.emptied);
    return row;
}

StakeRow encode(const Bond& bond) {
    StakeRow row{bond_key(bond.validator, bond.owner), {}};
    base::Writer(row.value)
        .bytes(bond.validator.bytes)
        .bytes(bond.owner.bytes)
        .u40(bond.amount.units);
    return row;
}

StakeRow encode(const Waiting& waiting) {
    return {waiting_key(waiting.epoch, waiting.bond.validator, waiting.bond.owner),
            encode(waiting.bond).value};
}

StakeRow encode(const UsedKey& used) {
    StakeRow row{used_key(used.key), {}};
    base::Writer(row.value).u16(used.seat ? used.seat->value : no_seat);
    return row;
}

StakeRow encode(const Told& told) {
    StakeRow row{told_key(told.seat), {}};
    base::Writer(row.value)
        .bytes(told.key.bytes)
        .u32(told.epoch)
        .bytes(told.heard.bytes)
        .bytes(told.commitment.bytes)
        .u8(told.revealed ? 1 : 0);
    return row;
}

std::expected<Economy, Error> parse_economy(base::Bytes value) {
    base::Reader in(value);
    Economy economy;
    economy.epoch = in.u32();
    economy.unbond_epochs = in.u16();
    economy.stake_min = {in.u40()};
    economy.burnt = {in.u40()};
    economy.epoch_slots = in.u32();
    economy.risen = {in.u32()};
    economy.next = {in.array<wire::Hash::size>()};
    economy.mix = {in.array<wire::Hash::size>()};
    MESH_CHECK(finish(in, "record of the chain's stakes"));
    return economy;
}

std::expected<Seat, Error> parse_seat(base::Bytes key, base::Bytes value) {
    base::Reader name(behind_kind(key));
    Seat seat;
    seat.index = {name.u16()};
    if (!name.finish("seat") || seat.index.value >= wire::validators_max) return corrupt("a seat");
    base::Reader in(value);
    seat.identity = read_key(in);
    seat.key = read_key(in);
    seat.payout = read_key(in);
    seat.bonded = {in.u40()};
    seat.unbonding = {in.u40()};
    seat.earned = {in.u40()};
    seat.slashed = in.u8() != 0;
    seat.emptied = in.u32();
    MESH_CHECK(finish(in, "seat"));
    return seat;
}

std::expected<Bond, Error> parse_bond(base::Bytes value) {
    base::Reader in(value);
    Bond bond;
    bond.validator = read_key(in);
    bond.owner = read_key(in);
    bond.amount = {in.u40()};
    MESH_CHECK(finish(in, "bond"));
    return bond;
}

std::expected<Waiting, Error> parse_waiting(base::Bytes key, base::Bytes value) {
    base::Reader name(behind_kind(key));
    Waiting waiting;
    waiting.epoch = name.u32();
    if (!name.ok()) return corrupt("a bond that waits");
    MESH_TRY(waiting.bond, parse_bond(value));
    return waiting;
}

std::expected<UsedKey, Error> parse_used_key(base::Bytes key, base::Bytes value) {
    base::Reader name(behind_kind(key));
    UsedKey used;
    used.key = read_key(name);
    base::Reader in(value);
    const std::uint16_t seat = in.u16();
    MESH_CHECK(finish(in, "key"));
    if (!name.finish("key") || (seat != no_seat && seat >= wire::validators_max)) {
        return corrupt("a key");
    }
    if (seat != no_seat) used.seat = wire::ValidatorIndex{seat};
    return used;
}

std::expected<Told, Error> parse_told(base::Bytes key, base::Bytes value) {
    base::Reader name(behind_kind(key));
    Told told;
    told.seat = {name.u16()};
    base::Reader in(value);
    told.key = read_key(in);
    told.epoch = in.u32();
    told.heard.bytes = in.array<wire::Reception::size>();
    told.commitment = {in.array<wire::Hash::size>()};
    told.revealed = in.u8() != 0;
    MESH_CHECK(finish(in, "testimony"));
    const bool is_seat = name.finish("testimony") && told.seat.value < wire::validators_max;
    if (!is_seat || !told.heard.is_sound()) return corrupt("a testimony");
    return told;
}

wire::Hash stake_hash(base::Bytes key, base::Bytes value) {
    constexpr std::string_view domain = "mc/stake/1";
    base::Buffer out;
    base::Writer(out)
        .u8(static_cast<std::uint8_t>(domain.size()))
        .text(domain)
        .u8(static_cast<std::uint8_t>(key.size()))
        .bytes(key)
        .bytes(value);
    return crypto::hash(out);
}

namespace {

/// What the bonds of one validating key come to.
struct Held {
    std::uint64_t bonded = 0;
    std::uint64_t waiting = 0;
};

/// Whether a seat says what its bonds say. Those of a slashed one are worth nothing.
bool agrees(const Seat& seat, const std::map<PublicKey, Held>& held) {
    if (seat.slashed) return seat.bonded == Amount{} && seat.unbonding == Amount{};
    const auto found = held.find(seat.key);
    const Held sums = found == held.end() ? Held{} : found->second;
    return seat.bonded.units == sums.bonded && seat.unbonding.units == sums.waiting;
}

}  // namespace

std::expected<Amount, Error> stake_total(const StakeRows& rows) {
    std::map<PublicKey, Held> held;
    std::vector<Seat> seats;
    std::uint64_t total = 0;
    for (const auto& [key, value] : rows) {
        switch (kind_of(key)) {
            case Kind::economy: {
                MESH_TRY(const Economy economy, parse_economy(value));
                total += economy.burnt.units;
                break;
            }
            case Kind::seat: {
                MESH_TRY(const Seat seat, parse_seat(key, value));
                total += seat.bonded.units + seat.unbonding.units + seat.earned.units;
                seats.push_back(seat);
                break;
            }
            case Kind::bond: {
                MESH_TRY(const Bond bond, parse_bond(value));
                held[bond.validator].bonded += bond.amount.units;
                break;
            }
            case Kind::waiting: {
                MESH_TRY(const Waiting waiting, parse_waiting(key, value));
                held[waiting.bond.validator].waiting += waiting.bond.amount.units;
                break;
            }
            case Kind::used: {
                MESH_CHECK(parse_used_key(key, value));
                break;
            }
            case Kind::told: {
                MESH_CHECK(parse_told(key, value));
                break;
            }
            default: return corrupt("a row of no kind");
        }
        if (total > Amount::units_max) return corrupt("stakes exceed the supply");
    }
    for (const Seat& seat : seats) {
        if (!agrees(seat, held)) {
            return corrupt("seat " + std::to_string(seat.index.value) + " and its bonds differ");
        }
    }
    return Amount{total};
}

}  // namespace meshchain::ledger
