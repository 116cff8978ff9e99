#include "chain/state_staging.h"

#include <algorithm>

#include "chain/consensus_of.h"
#include "chain/stored_values.h"
#include "ledger/fee_balance.h"

namespace meshchain::chain {
namespace {

using Result = std::expected<void, base::Error>;

base::Buffer range_key(std::uint8_t range) {
    base::Buffer key;
    base::Writer(key).bytes(meta_keys::staged).u8(range);
    return key;
}

/// The least key of a range of coins; for the one behind the last, nothing.
base::Buffer first_key(std::size_t range) {
    if (range >= wire::coin_ranges) return {};
    base::Buffer key(wire::outpoint_bytes);
    key[0] = static_cast<std::byte>(range << 2);
    return key;
}

std::unexpected<base::Error> corrupt(std::string what) {
    return base::failure(base::Errc::corrupt, std::move(what), "state from others",
                         "remove the store's file and start again");
}

/// giver's key or zeros ‖ done ‖ whether a last coin follows ‖ it.
base::Buffer encode_range(const StateStaging::Range& range) {
    base::Buffer out;
    base::Writer writer(out);
    writer.bytes(range.giver.value_or(crypto::PublicKey{}).bytes)
        .u8(range.done ? 1 : 0)
        .u8(range.last ? 1 : 0);
    if (range.last) writer.bytes(wire::encode(*range.last));
    return out;
}

std::expected<StateStaging::Range, base::Error> parse_range(base::Bytes bytes) {
    base::Reader in(bytes);
    StateStaging::Range range;
    const crypto::PublicKey giver{in.array<crypto::PublicKey::size>()};
    if (giver != crypto::PublicKey{}) range.giver = giver;
    range.done = in.u8() == 1;
    if (in.u8() == 1) {
        const auto last = parse_outpoint(in.rest());
        if (!last) return std::unexpected(last.error());
        range.last = *last;
    }
    MESH_CHECK(in.finish("range"));
    return range;
}

}  // namespace

StateStaging::StateStaging(kv::Store& store, const ledger::Genesis& genesis)
    : store_(&store),
      chain_(ledger::chain_id(genesis)),
      validators_(validators_of(genesis)),
      supply_(ledger::supply(genesis).value_or(wire::Amount{})) {}

std::expected<StateStaging::Phase, base::Error> StateStaging::phase_of(kv::Store& store) {
    MESH_TRY(const auto chain, store.get(tables::meta, meta_keys::chain));
    MESH_TRY(const auto staged, store.get(tables::meta, meta_keys::staged));
    if (chain) return staged ? Phase::installed : Phase::chain;
    return staged ? Phase::gathering : Phase::empty;
}

std::expected<StateStaging, base::Error> StateStaging::open(kv::Store& store,
                                                            const ledger::Genesis& genesis) {
    StateStaging staging(store, genesis);
    MESH_CHECK(staging.load());
    return staging;
}

Result StateStaging::load() {
    MESH_TRY(const auto target, store_->get(tables::meta, meta_keys::staged));
    if (!target) return {};
    auto parsed = restore_proven_final(*target, chain_, validators_);
    if (!parsed) {
        return base::failure(
            base::Errc::wrong_chain,
            "a state is being gathered here for another chain: " + base::sentence(parsed.error()),
            "state from others", "use the genesis this folder was made with");
    }
    target_ = *std::move(parsed);
    MESH_TRY(const Phase phase, phase_of(*store_));
    if (phase == Phase::installed) return {};
    for (std::uint8_t number = 0; number < ranges; ++number) MESH_CHECK(load_range(number));
    return {};
}

/// What lies behind the last noted coin was left by a drop that did not come to its end.
Result StateStaging::load_range(std::uint8_t number) {
    Range& range = ranges_.at(number);
    MESH_TRY(const auto row, store_->get(tables::meta, range_key(number)));
    if (row) {
        MESH_TRY(range, parse_range(*row));
    }
    if (number == wire::fee_range) {
        if (!range.done) return erase_all(tables::fees, {}, {});
        MESH_CHECK(store_->scan({tables::fees}, [&](base::Bytes key, base::Bytes value) {
            const auto amount = parse_amount(value);
            if (amount) count(range, wire::StateFees{{base::Reader(key).u16()}, *amount});
            return amount.has_value();
        }));
        return {};
    }
    const base::Buffer from = first_key(number);
    const base::Buffer to = first_key(number + std::size_t{1});
    bool left_over = false;
    MESH_CHECK(store_->scan({tables::coins, from, to}, [&](base::Bytes key, base::Bytes value) {
        const auto outpoint = parse_outpoint(key);
        const auto output = parse_output(value);
        left_over = !outpoint || !output || !range.last || *outpoint > *range.last;
        if (!left_over) count(range, wire::StateCoin{*outpoint, *output});
        return !left_over;
    }));
    return left_over ? drop(number) : Result{};
}

void StateStaging::count(Range& range, const wire::StateCoin& coin) const {
    range.state.add(ledger::coin_hash({coin.outpoint, coin.output}));
    range.units += coin.output.amount.units;
    ++range.entries;
}

void StateStaging::count(Range& range, const wire::StateFees& fees) const {
    ledger::add(ledger::FeeBalance{fees.validator, fees.amount}, range.state);
    range.units += fees.amount.units;
    ++range.entries;
}

Result StateStaging::erase_all(kv::Table table, base::Bytes from, base::Bytes to) {
    constexpr std::size_t at_once = 2048;
    for (;;) {
        kv::Batch batch;
        MESH_CHECK(
            store_->scan({table, from, to, false, at_once}, [&](base::Bytes key, base::Bytes) {
                if (table == tables::coins) {
                    const auto outpoint = parse_outpoint(key);
                    if (outpoint) batch.erase(tables::positions, position_key(chain_, *outpoint));
                }
                batch.erase(table, key);
                return true;
            }));
        if (batch.empty()) return {};
        batch.allow_reserve();
        MESH_CHECK(store_->commit(batch));
    }
}

Result StateStaging::clear() {
    batch_.clear();
    for (const kv::Table table : {tables::coins, tables::positions, tables::fees}) {
        MESH_CHECK(erase_all(table, {}, {}));
    }
    ranges_ = {};
    target_.reset();
    return finish(*store_);
}

Result StateStaging::finish(kv::Store& store) {
    kv::Batch batch;
    batch.erase(tables::meta, meta_keys::staged);
    for (std::uint8_t range = 0; range < ranges; ++range) {
        batch.erase(tables::meta, range_key(range));
    }
    return store.commit(batch);
}

Result StateStaging::begin(const ProvenFinal& target) {
    MESH_CHECK(clear());
    kv::Batch batch;
    batch.put(tables::meta, meta_keys::staged, encode(target));
    MESH_CHECK(store_->commit(batch));
    target_ = target;
    return {};
}

bool StateStaging::is_complete() const { return done_count() == ranges; }

std::size_t StateStaging::done_count() const {
    return static_cast<std::size_t>(std::ranges::count(ranges_, true, &Range::done));
}

std::size_t StateStaging::entries() const {
    std::size_t sum = 0;
    for (const Range& range : ranges_) sum += range.entries;
    return sum;
}

bool StateStaging::exceeds_supply() const {
    std::uint64_t units = validators_.total().units;
    for (const Range& range : ranges_) units += range.units;
    return units > supply_.units;
}

bool StateStaging::is_proven() const {
    if (!target_ || !is_complete()) return false;
    crypto::SetHash state;
    std::uint64_t units = validators_.total().units;
    for (const Range& range : ranges_) {
        state.add(range.state);
        units += range.units;
    }
    return units == supply_.units && state.digest() == target_->header.parent_state;
}

void StateStaging::put_range(std::uint8_t number) {
    batch_.put(tables::meta, range_key(number), encode_range(ranges_.at(number)));
}

std::expected<bool, base::Error> StateStaging::add(const wire::StatePage& page,
                                                   const crypto::PublicKey& giver) {
    Range& range = ranges_.at(page.range);
    if (!target_ || page.block != target_->hash() || range.done || page.after != range.last) {
        return false;
    }
    if (entries() + page.coins.size() > coins_max) {
        return base::failure(base::Errc::too_large, "over " + std::to_string(coins_max) + " coins",
                             "state from others", "start this node from genesis");
    }
    if (range.entries == 0) {
        range.giver = giver;
    } else if (range.giver != giver) {
        range.giver.reset();
    }
    for (const wire::StateCoin& coin : page.coins) {
        batch_.put(tables::coins, wire::encode(coin.outpoint), encode_output(coin.output));
        batch_.put(tables::positions, position_key(chain_, coin.outpoint), {});
        count(range, coin);
        range.last = coin.outpoint;
    }
    for (const wire::StateFees& fees : page.fees) {
        batch_.put(tables::fees, validator_key(fees.validator), encode_amount(fees.amount));
        count(range, fees);
    }
    range.done = page.last;
    put_range(page.range);
    if (batch_.size() >= 2 * buffered_max || is_complete()) MESH_CHECK(flush());
    return true;
}

Result StateStaging::flush() {
    if (batch_.empty()) return {};
    MESH_CHECK(store_->commit(batch_));
    batch_.clear();
    return {};
}

Result StateStaging::drop(std::uint8_t number) {
    MESH_CHECK(flush());
    kv::Batch batch;
    batch.erase(tables::meta, range_key(number));
    MESH_CHECK(store_->commit(batch));
    ranges_.at(number) = {};
    if (number == wire::fee_range) return erase_all(tables::fees, {}, {});
    return erase_all(tables::coins, first_key(number), first_key(number + std::size_t{1}));
}

std::expected<wire::Hash, base::Error> StateStaging::range_hash(std::uint8_t number) {
    MESH_CHECK(flush());
    wire::RangeHasher hasher;
    bool broken = false;
    if (number == wire::fee_range) {
        MESH_CHECK(store_->scan({tables::fees}, [&](base::Bytes key, base::Bytes value) {
            const auto amount = parse_amount(value);
            broken = !amount;
            if (amount) hasher.add(wire::StateFees{{base::Reader(key).u16()}, *amount});
            return !broken;
        }));
    } else {
        const base::Buffer from = first_key(number);
        const base::Buffer to = first_key(number + std::size_t{1});
        MESH_CHECK(store_->scan({tables::coins, from, to}, [&](base::Bytes key, base::Bytes value) {
            const auto outpoint = parse_outpoint(key);
            const auto output = parse_output(value);
            broken = !outpoint || !output;
            if (!broken) hasher.add(wire::StateCoin{*outpoint, *output});
            return !broken;
        }));
    }
    if (broken) return corrupt("a staged entry");
    return hasher.hash();
}

Result StateStaging::install(const wire::BlockHeader& parent) {
    MESH_ASSERT(is_proven() && batch_.empty());
    const wire::Hash hash = target_->header.parent;
    MESH_ASSERT(name_of(chain_, validators_, parent) == hash);
    crypto::SetHash state;
    for (const Range& range : ranges_) state.add(range.state);
    const Tip tip{hash, parent.height, parent.slot};
    kv::Batch batch;
    batch.put(tables::meta, meta_keys::chain, chain_.bytes);
    batch.put(tables::meta, meta_keys::tip, encode_tip(tip));
    batch.put(tables::meta, meta_keys::base, encode_tip(tip));
    batch.put(tables::meta, meta_keys::state, state.encode());
    batch.put(tables::heights, height_key(tip.height), hash.bytes);
    return store_->commit(batch);
}

}  // namespace meshchain::chain
