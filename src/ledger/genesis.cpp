#include "ledger/genesis.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "crypto/identity.h"
#include "wire/block.h"

namespace meshchain::ledger {
namespace {

using base::Errc;
using base::Error;
using crypto::PublicKey;

constexpr std::int64_t start_ms_max = 253'402'300'799'999;  ///< the end of the year 9999
constexpr std::uint32_t block_time_ms_min = 200;
constexpr std::uint32_t block_time_ms_max = 3'600'000;
constexpr std::uint32_t ranks = 3;
constexpr std::uint8_t slots_max = 64;
constexpr std::uint32_t block_bytes_limit_min = 1024;

template <class Number>
std::expected<void, Error> check_range(const char* field, Number value, Number low, Number high,
                                       Errc code = Errc::invalid_argument) {
    if (value >= low && value <= high) return {};
    return base::failure(
        code,
        std::to_string(value) + " is not " + std::to_string(low) + " to " + std::to_string(high),
        std::string("genesis ") + field, "correct the genesis file");
}

std::unexpected<Error> entry_failure(Errc code, std::string what, const char* list,
                                     std::size_t index, const char* field) {
    return base::failure(
        code, std::move(what),
        std::string("genesis ") + list + "[" + std::to_string(index) + "]." + field,
        "correct the genesis file");
}

std::expected<void, Error> check_key(const PublicKey& key, const char* list, std::size_t index,
                                     const char* field) {
    if (crypto::is_prime_order(key)) return {};
    return entry_failure(Errc::invalid_argument, to_hex(key) + " is no valid public key", list,
                         index, field);
}

std::expected<void, Error> check_parameters(const Genesis& genesis) {
    if (genesis.protocol_version != Genesis::protocol_version_known) {
        return base::failure(Errc::wrong_version,
                             "version " + std::to_string(genesis.protocol_version),
                             "genesis protocol_version", "use a program that knows this version");
    }
    MESH_CHECK(check_range("start", base::unix_ms(genesis.start), std::int64_t{1}, start_ms_max));
    MESH_CHECK(
        check_range("block_time_ms", genesis.block_time_ms, block_time_ms_min, block_time_ms_max));
    MESH_CHECK(check_range("rank_delay_ms", genesis.rank_delay_ms, std::uint32_t{1},
                           genesis.block_time_ms / ranks));
    MESH_CHECK(check_range("slots_per_round", genesis.slots_per_round, std::uint8_t{1}, slots_max));
    MESH_CHECK(
        check_range("vote_delay_slots", genesis.vote_delay_slots, std::uint8_t{1}, slots_max));
    MESH_CHECK(check_range("vote_lead_ms", genesis.vote_lead_ms, std::uint32_t{0},
                           genesis.block_time_ms - genesis.rank_delay_ms));
    MESH_CHECK(check_range("block_bytes_limit", genesis.block_bytes_limit, block_bytes_limit_min,
                           static_cast<std::uint32_t>(wire::block_bytes_limit_max)));
    MESH_CHECK(check_range("allocations", genesis.allocations.size(), std::size_t{0},
                           genesis_allocations_max, Errc::too_large));
    return check_range("validators", genesis.validators.size(), std::size_t{1},
                       wire::validators_max);
}

std::expected<void, Error> check_allocations(const std::vector<Allocation>& allocations) {
    for (std::size_t i = 0; i < allocations.size(); ++i) {
        MESH_CHECK(check_key(allocations[i].owner, "allocations", i, "owner"));
        if (allocations[i].amount.units == 0 ||
            allocations[i].amount.units > wire::Amount::units_max) {
            return entry_failure(Errc::invalid_argument,
                                 std::to_string(allocations[i].amount.units) + " is not 1 to " +
                                     std::to_string(wire::Amount::units_max),
                                 "allocations", i, "amount");
        }
        if (i > 0 && allocations[i] < allocations[i - 1]) {
            return entry_failure(Errc::invalid_argument, "out of order", "allocations", i, "owner");
        }
    }
    return {};
}

std::expected<void, Error> check_validator(const GenesisValidator& validator, std::size_t index) {
    constexpr const char* list = "validators";
    MESH_CHECK(check_key(validator.identity, list, index, "identity"));
    MESH_CHECK(check_key(validator.key, list, index, "key"));
    MESH_CHECK(check_key(validator.payout, list, index, "payout"));
    if (validator.stake.units >= 1 && validator.stake.units <= wire::Amount::units_max) return {};
    return entry_failure(Errc::invalid_argument,
                         std::to_string(validator.stake.units) + " is not 1 to " +
                             std::to_string(wire::Amount::units_max),
                         list, index, "stake");
}

std::expected<void, Error> check_validators(const std::vector<GenesisValidator>& validators) {
    std::set<PublicKey> keys;
    for (std::size_t i = 0; i < validators.size(); ++i) {
        MESH_CHECK(check_validator(validators[i], i));
        if (i > 0 && validators[i].identity == validators[i - 1].identity) {
            return entry_failure(Errc::exists, to_hex(validators[i].identity) + " appears twice",
                                 "validators", i, "identity");
        }
        if (i > 0 && validators[i].identity < validators[i - 1].identity) {
            return entry_failure(Errc::invalid_argument, "out of order", "validators", i,
                                 "identity");
        }
        if (!keys.insert(validators[i].key).second) {
            return entry_failure(Errc::exists, to_hex(validators[i].key) + " appears twice",
                                 "validators", i, "key");
        }
    }
    return {};
}

/// The rule of PROTOCOL.md P2.2 for the first coins. Only a genesis made to break it can.
std::expected<void, Error> check_short_outpoints(const Genesis& genesis) {
    const wire::ChainId chain = chain_id(genesis);
    std::map<wire::ShortOutpoint, std::size_t> counts;
    for (const Coin& coin : genesis_coins(genesis)) {
        if (++counts[short_outpoint(chain, coin.outpoint)] > Candidates::capacity) {
            return base::failure(Errc::conflict, "five coins share one short outpoint",
                                 "genesis allocations", "change the seed");
        }
    }
    return {};
}

/// So high a minimum bounds the number of bonds, and every validator can be bonded anew.
std::expected<void, Error> check_stakes(const Genesis& genesis) {
    if (!genesis.stakes) return {};
    const StakeRules& rules = *genesis.stakes;
    MESH_CHECK(check_range("stakes.unbond_epochs", rules.unbond_epochs,
                           StakeRules::unbond_epochs_min,
                           std::numeric_limits<std::uint16_t>::max()));
    MESH_CHECK(check_range("stakes.epoch_rounds", rules.epoch_rounds, StakeRules::epoch_rounds_min,
                           StakeRules::epoch_rounds_max));
    const std::uint64_t total = supply(genesis).value_or(wire::Amount{}).units;
    const std::uint64_t least = (total + StakeRules::bonds_max - 1) / StakeRules::bonds_max;
    std::uint64_t most = wire::Amount::units_max;
    for (const GenesisValidator& validator : genesis.validators) {
        most = std::min(most, validator.stake.units);
    }
    if (least > most) {
        return base::failure(Errc::invalid_argument,
                             std::to_string(most) + " is below a " +
                                 std::to_string(StakeRules::bonds_max) + "th of the supply",
                             "genesis validators.stake", "give every validator more stake");
    }
    return check_range("stakes.stake_min", rules.stake_min.units, least, most);
}

constexpr std::size_t predecessor_bytes = 32 + 4 + 32 + 32;
constexpr std::size_t stakes_bytes = 5 + 2 + 4;

}  // namespace

void sort_canonically(Genesis& genesis) {
    std::ranges::sort(genesis.allocations);
    std::ranges::sort(genesis.validators);
}

std::expected<void, Error> validate(const Genesis& genesis) {
    MESH_CHECK(check_parameters(genesis));
    MESH_CHECK(check_allocations(genesis.allocations));
    MESH_CHECK(check_validators(genesis.validators));
    if (!supply(genesis)) {
        return base::failure(
            Errc::too_large,
            "allocations and stakes exceed " + std::to_string(wire::Amount::units_max) + " units",
            "genesis supply", "hand out less");
    }
    if (genesis.predecessor) {
        MESH_CHECK(check_range("predecessor.height", genesis.predecessor->height.value,
                               std::uint32_t{1}, std::numeric_limits<std::uint32_t>::max()));
    }
    MESH_CHECK(check_stakes(genesis));
    return check_short_outpoints(genesis);
}

base::Buffer encode(const Genesis& genesis) {
    MESH_ASSERT(genesis.allocations.size() <= genesis_allocations_max);
    MESH_ASSERT(genesis.validators.size() <= wire::validators_max);
    base::Buffer out;
    base::Writer writer(out);
    writer.u16(genesis.protocol_version)
        .u64(static_cast<std::uint64_t>(base::unix_ms(genesis.start)))
        .u32(genesis.block_time_ms)
        .u32(genesis.rank_delay_ms)
        .u8(genesis.slots_per_round)
        .u8(genesis.vote_delay_slots)
        .u32(genesis.block_bytes_limit)
        .bytes(genesis.seed.bytes);
    writer.u16(static_cast<std::uint16_t>(genesis.allocations.size()));
    for (const Allocation& allocation : genesis.allocations) {
        writer.bytes(allocation.owner.bytes).u40(allocation.amount.units);
    }
    writer.u8(static_cast<std::uint8_t>(genesis.validators.size()));
    for (const GenesisValidator& validator : genesis.validators) {
        writer.bytes(validator.identity.bytes)
            .bytes(validator.key.bytes)
            .bytes(validator.payout.bytes)
            .u40(validator.stake.units);
    }
    // A chain without one ends here, as every chain did before there were any.
    if (const auto& from = genesis.predecessor) {
        writer.bytes(from->chain.bytes)
            .u32(from->height.value)
            .bytes(from->block.bytes)
            .bytes(from->state.bytes);
    }
    if (const auto& stakes = genesis.stakes) {
        writer.u40(stakes->stake_min.units).u16(stakes->unbond_epochs).u32(stakes->epoch_rounds);
    }
    if (genesis.vote_lead_ms != 0) writer.u32(genesis.vote_lead_ms);
    return out;
}

std::expected<Genesis, Error> parse_genesis(base::Bytes bytes) {
    constexpr std::size_t key_size = PublicKey::size;
    base::Reader in(bytes);
    Genesis genesis;
    genesis.protocol_version = in.u16();
    genesis.start = base::wall_from_unix_ms(static_cast<std::int64_t>(in.u64()));
    genesis.block_time_ms = in.u32();
    genesis.rank_delay_ms = in.u32();
    genesis.slots_per_round = in.u8();
    genesis.vote_delay_slots = in.u8();
    genesis.block_bytes_limit = in.u32();
    genesis.seed.bytes = in.array<wire::Hash::size>();
    const std::size_t allocation_count = in.u16();
    for (std::size_t i = 0; i < allocation_count && in.ok(); ++i) {
        const PublicKey owner{in.array<key_size>()};
        genesis.allocations.push_back({owner, wire::Amount{in.u40()}});
    }
    const std::size_t validator_count = in.u8();
    for (std::size_t i = 0; i < validator_count && in.ok(); ++i) {
        GenesisValidator validator;
        validator.identity.bytes = in.array<key_size>();
        validator.key.bytes = in.array<key_size>();
        validator.payout.bytes = in.array<key_size>();
        validator.stake.units = in.u40();
        genesis.validators.push_back(validator);
    }
    if (in.ok() && in.remaining() >= predecessor_bytes) {
        Predecessor& from = genesis.predecessor.emplace();
        from.chain = {in.array<wire::Hash::size>()};
        from.height = {in.u32()};
        from.block = {in.array<wire::Hash::size>()};
        from.state = {in.array<wire::Hash::size>()};
    }
    if (in.ok() && in.remaining() >= stakes_bytes) {
        StakeRules& stakes = genesis.stakes.emplace();
        stakes.stake_min = {in.u40()};
        stakes.unbond_epochs = in.u16();
        stakes.epoch_rounds = in.u32();
    }
    if (in.ok() && in.remaining() > 0) {
        genesis.vote_lead_ms = in.u32();
        if (in.ok() && genesis.vote_lead_ms == 0) {
            return base::failure(Errc::malformed, "a lead of 0 is written as no bytes",
                                 "genesis vote_lead_ms", "leave the last 4 bytes out");
        }
    }
    MESH_CHECK(in.finish("genesis"));
    MESH_CHECK(validate(genesis));
    return genesis;
}

wire::ChainId chain_id(const Genesis& genesis) {
    constexpr std::string_view domain = "mc/gen/1";
    base::Buffer prefix;
    base::Writer(prefix).u8(static_cast<std::uint8_t>(domain.size())).text(domain);
    return crypto::hash(prefix, encode(genesis));
}

std::optional<wire::Amount> supply(const Genesis& genesis) {
    std::optional<wire::Amount> total = wire::Amount{};
    for (const Allocation& allocation : genesis.allocations) {
        if (total) total = add(*total, allocation.amount);
    }
    for (const GenesisValidator& validator : genesis.validators) {
        if (total) total = add(*total, validator.stake);
    }
    return total;
}

std::vector<Coin> genesis_coins(const Genesis& genesis) {
    const wire::Txid txid{chain_id(genesis)};
    std::vector<Coin> coins;
    for (const Allocation& allocation : genesis.allocations) {
        const auto index = static_cast<std::uint16_t>(coins.size());
        coins.push_back({{txid, index}, {allocation.owner, allocation.amount}});
    }
    return coins;
}

wire::Roster genesis_roster(const Genesis& genesis, std::uint32_t epoch) {
    wire::Roster roster{epoch, {}, genesis.seed, {}};
    for (std::uint16_t index = 0; const GenesisValidator& validator : genesis.validators) {
        roster.members.push_back({{index++}, validator.identity, validator.key, validator.stake});
    }
    return roster;
}

StakeRows genesis_stakes(const Genesis& genesis) {
    StakeRows rows;
    if (!genesis.stakes) return rows;
    const auto put = [&](const auto& record) {
        StakeRow row = encode(record);
        rows.emplace(std::move(row.key), std::move(row.value));
    };
    Economy economy;
    economy.unbond_epochs = genesis.stakes->unbond_epochs;
    economy.stake_min = genesis.stakes->stake_min;
    economy.epoch_slots = epoch_slots(genesis);
    economy.next = wire::roster_hash(chain_id(genesis), genesis_roster(genesis, 1));
    put(economy);
    for (std::uint16_t index = 0; const GenesisValidator& validator : genesis.validators) {
        put(Seat{{index},
                 validator.identity,
                 validator.key,
                 validator.payout,
                 validator.stake,
                 {},
                 {},
                 false,
                 0});
        put(Bond{validator.key, validator.payout, validator.stake});
        put(UsedKey{validator.key, wire::ValidatorIndex{index}});
        ++index;
    }
    return rows;
}

crypto::SetHash genesis_state(const Genesis& genesis) {
    crypto::SetHash state;
    for (const Coin& coin : genesis_coins(genesis)) state.add(coin_hash(coin));
    for (const auto& [key, value] : genesis_stakes(genesis)) state.add(stake_hash(key, value));
    return state;
}

}  // namespace meshchain::ledger
