#include "ledger/stake_rules.h"

#include <algorithm>

#include "crypto/identity.h"
#include "wire/misconduct.h"

namespace meshchain::ledger {
namespace {

using base::Errc;
using base::Error;
using crypto::PublicKey;
using wire::Amount;
using Result = std::expected<void, Error>;

constexpr const char* where = "operation";

std::unexpected<Error> refuse(Errc code, std::string what, std::string advice = "") {
    return base::failure(code, std::move(what), where, std::move(advice));
}

std::string units(Amount amount) { return std::to_string(amount.units) + " units"; }

/// Every sum is part of the supply.
Amount sum(Amount a, Amount b) {
    const auto result = wire::add(a, b);
    MESH_ASSERT(result.has_value());
    return *result;
}
Amount difference(Amount a, Amount b) {
    const auto result = wire::subtract(a, b);
    MESH_ASSERT(result.has_value());
    return *result;
}

Result check_key(const PublicKey& key, const char* name) {
    if (crypto::is_prime_order(key)) return {};
    return refuse(Errc::invalid_argument,
                  std::string(name) + " " + to_hex(key) + " is no valid public key");
}

Result check_minimum(Amount amount, const Economy& economy) {
    if (amount >= economy.stake_min) return {};
    return refuse(Errc::invalid_argument,
                  units(amount) + " is below the least stake, " + units(economy.stake_min),
                  "stake more at once");
}

/// What the wire does not carry is refused here too: who took nothing from a state would have made
/// a block that nobody else can read.
Result check_amount(const wire::Operation& operation) {
    const bool is_nothing = std::visit(
        [](const auto& one) {
            if constexpr (requires { one.amount; }) {
                return one.amount == Amount{};
            } else {
                return false;
            }
        },
        operation);
    if (!is_nothing) return {};
    return refuse(Errc::invalid_argument, "an operation moves at least one unit");
}

/// The state as one operation meets it.
class Run {
public:
    Run(const wire::ChainId& chain, const Economy& economy, StakeBook& book)
        : chain_(&chain), economy_(economy), book_(&book) {}

    Result operator()(const wire::Register& operation);
    Result operator()(const wire::Delegate& operation);
    Result operator()(const wire::Unbond& operation);
    Result operator()(const wire::Withdraw& operation);
    Result operator()(const wire::Claim& operation);
    Result operator()(const wire::Report& operation);
    Result operator()(const wire::Testimony& operation);

private:
    std::expected<Seat, Error> sound_seat(const PublicKey& validator) const;
    std::expected<wire::ValidatorIndex, Error> free_seat(const PublicKey& identity) const;
    bool is_vacant(const Seat& seat) const;
    Result raise_bond(Seat seat, const PublicKey& owner, Amount amount);
    void burn(Amount amount);

    const wire::ChainId* chain_;
    Economy economy_;
    StakeBook* book_;
};

std::expected<Seat, Error> Run::sound_seat(const PublicKey& validator) const {
    MESH_TRY(const auto seat, book_->seat_of(validator));
    if (!seat) return refuse(Errc::not_found, "no validator has the key " + to_hex(validator));
    if (seat->slashed) {
        return refuse(Errc::conflict, "validator " + to_hex(validator) + " was slashed",
                      "what was staked on it is lost");
    }
    return *seat;
}

/// Long enough for every set it was in, and every proof against it, to be of the past.
bool Run::is_vacant(const Seat& seat) const {
    return seat.bonded == Amount{} && seat.unbonding == Amount{} &&
           economy_.epoch - seat.emptied >= economy_.unbond_epochs;
}

std::expected<wire::ValidatorIndex, Error> Run::free_seat(const PublicKey& identity) const {
    std::optional<wire::ValidatorIndex> free;
    for (std::uint16_t i = 0; i < wire::validators_max; ++i) {
        MESH_TRY(const auto seat, book_->seat({i}));
        const bool vacant = !seat || is_vacant(*seat);
        if (!vacant && seat->identity == identity) {
            return refuse(Errc::conflict,
                          to_hex(identity) + " holds seat " + std::to_string(i) + " already");
        }
        if (vacant && !free) free = wire::ValidatorIndex{i};
    }
    if (!free)
        return refuse(Errc::conflict, "every seat is taken", "delegate to a validator instead");
    return *free;
}

void Run::burn(Amount amount) {
    economy_.burnt = sum(economy_.burnt, amount);
    book_->put(economy_);
}

Result Run::raise_bond(Seat seat, const PublicKey& owner, Amount amount) {
    MESH_CHECK(check_minimum(amount, economy_));
    MESH_TRY(const auto before, book_->bond(seat.key, owner));
    Bond bond = before.value_or(Bond{seat.key, owner, {}});
    // In a mempool, coins may wait of which only some can ever be in a block: more than the supply.
    const auto bonded = wire::add(bond.amount, amount);
    const auto total = wire::add(seat.bonded, amount);
    if (!bonded || !total) return refuse(Errc::conflict, "more would be staked than there is");
    bond.amount = *bonded;
    seat.bonded = *total;
    seat.emptied = 0;
    book_->put(bond);
    book_->put(seat);
    return {};
}

Result Run::operator()(const wire::Register& operation) {
    MESH_CHECK(check_key(operation.identity, "identity"));
    MESH_CHECK(check_key(operation.key, "key"));
    MESH_CHECK(check_key(operation.payout, "payout key"));
    MESH_CHECK(check_minimum(operation.amount, economy_));
    MESH_TRY(const auto used, book_->used(operation.key));
    if (used) {
        return refuse(Errc::conflict, "key " + to_hex(operation.key) + " was a validator's before",
                      "make a new validating key");
    }
    MESH_TRY(const auto slashed, book_->used(operation.identity));
    if (slashed) {
        return refuse(Errc::conflict, "identity " + to_hex(operation.identity) +
                                          " was slashed, or is a validating key");
    }
    MESH_TRY(const wire::ValidatorIndex index, free_seat(operation.identity));
    MESH_TRY(const auto before, book_->seat(index));
    if (before && before->earned != Amount{}) burn(before->earned);
    book_->put(UsedKey{operation.key, index});
    return raise_bond(
        {index, operation.identity, operation.key, operation.payout, {}, {}, {}, false, 0},
        operation.payout, operation.amount);
}

Result Run::operator()(const wire::Delegate& operation) {
    MESH_CHECK(check_key(operation.owner, "owner"));
    MESH_TRY(const Seat seat, sound_seat(operation.validator));
    if (is_vacant(seat)) {
        return refuse(Errc::conflict,
                      "validator " + to_hex(operation.validator) + " gave up its seat");
    }
    return raise_bond(seat, operation.owner, operation.amount);
}

Result Run::operator()(const wire::Unbond& operation) {
    MESH_TRY(Seat seat, sound_seat(operation.validator));
    MESH_TRY(const auto found, book_->bond(operation.validator, operation.owner));
    if (!found || found->amount < operation.amount) {
        return refuse(Errc::not_found, "the bond has " + units(found ? found->amount : Amount{}) +
                                           ", not " + units(operation.amount));
    }
    Bond bond = *found;
    bond.amount = difference(bond.amount, operation.amount);
    if (bond.amount != Amount{}) {
        MESH_CHECK(check_minimum(operation.amount, economy_));
        if (bond.amount < economy_.stake_min) {  // no fault of whoever passes it on
            return refuse(Errc::conflict,
                          units(bond.amount) + " would be left, less than the least stake, " +
                              units(economy_.stake_min),
                          "take back less, or everything");
        }
        book_->put(bond);
    } else {
        book_->erase(bond_key(bond.validator, bond.owner));
    }
    const std::uint32_t epoch = economy_.epoch + economy_.unbond_epochs;
    MESH_TRY(const auto before, book_->waiting(epoch, bond.validator, bond.owner));
    Waiting waiting = before.value_or(Waiting{epoch, {bond.validator, bond.owner, {}}});
    waiting.bond.amount = sum(waiting.bond.amount, operation.amount);
    book_->put(waiting);
    seat.bonded = difference(seat.bonded, operation.amount);
    if (seat.bonded == Amount{}) {
        MESH_TRY(const bool is_last, book_->is_only_staked(seat.index));
        if (is_last) {
            return refuse(Errc::conflict, "it is the last stake of the chain",
                          "wait until somebody else has staked");
        }
    }
    seat.unbonding = sum(seat.unbonding, operation.amount);
    book_->put(seat);
    return {};
}

Result Run::operator()(const wire::Withdraw& operation) {
    if (economy_.epoch < operation.epoch) {
        return refuse(Errc::future,
                      "it may be had from epoch " + std::to_string(operation.epoch) +
                          " on, now is " + std::to_string(economy_.epoch),
                      "wait");
    }
    MESH_TRY(Seat seat, sound_seat(operation.validator));
    MESH_TRY(const auto waiting,
             book_->waiting(operation.epoch, operation.validator, operation.owner));
    if (!waiting || waiting->bond.amount != operation.amount) {
        return refuse(Errc::not_found, units(waiting ? waiting->bond.amount : Amount{}) +
                                           " wait there, not " + units(operation.amount));
    }
    book_->erase(waiting_key(operation.epoch, operation.validator, operation.owner));
    seat.unbonding = difference(seat.unbonding, operation.amount);
    if (seat.bonded == Amount{} && seat.unbonding == Amount{}) seat.emptied = economy_.epoch;
    book_->put(seat);
    return {};
}

Result Run::operator()(const wire::Claim& operation) {
    MESH_TRY(Seat seat, sound_seat(operation.validator));
    if (seat.payout != operation.owner) {
        return refuse(Errc::invalid_argument,
                      to_hex(operation.owner) + " is not the validator's payout key");
    }
    if (seat.earned < operation.amount) {
        return refuse(Errc::not_found,
                      "it earned " + units(seat.earned) + ", not " + units(operation.amount));
    }
    seat.earned = difference(seat.earned, operation.amount);
    book_->put(seat);
    return {};
}

Result Run::operator()(const wire::Report& operation) {
    const auto evidence = wire::parse_evidence(operation.evidence);
    if (!evidence) return refuse(Errc::invalid_argument, "the evidence does not parse");
    MESH_TRY(const auto found, book_->seat(wire::accused(*evidence)));
    if (!found) return refuse(Errc::not_found, "nobody has the seat that the evidence accuses");
    Seat seat = *found;
    const Amount stake = sum(seat.bonded, seat.unbonding);
    if (seat.slashed || stake == Amount{}) {
        return refuse(Errc::conflict,
                      "validator " + to_hex(seat.key) + " has nothing left to lose");
    }
    if (!wire::convicts(*chain_, *evidence, seat.key)) {
        return refuse(Errc::bad_signature, "the evidence convicts nobody");
    }
    MESH_TRY(const bool is_last, book_->is_only_staked(seat.index));
    if (is_last && seat.bonded != Amount{}) {
        return refuse(Errc::conflict, "it is the last stake of the chain: nobody could vote then");
    }
    burn(sum(stake, seat.earned));
    seat.bonded = seat.unbonding = seat.earned = {};
    seat.slashed = true;
    seat.emptied = economy_.epoch;
    book_->put(seat);
    MESH_TRY(const auto used, book_->used(seat.identity));
    if (!used) book_->put(UsedKey{seat.identity, std::nullopt});  // it may be another seat's key
    return {};
}

/// Whoever is bound says what he is bound to or says nothing: so he has two seeds to choose from.
Result Run::operator()(const wire::Testimony& operation) {
    MESH_TRY(const auto seat, book_->seat(operation.seat));
    if (!seat || seat->slashed) return refuse(Errc::not_found, "nobody to testify has that seat");
    if (operation.epoch != economy_.epoch) {
        return refuse(Errc::conflict, "a testimony of epoch " + std::to_string(operation.epoch) +
                                          " in epoch " + std::to_string(economy_.epoch));
    }
    MESH_TRY(const auto before, book_->told(*seat));
    if (before && before->epoch == economy_.epoch) {
        return refuse(Errc::conflict, "validator " + to_hex(seat->key) + " testified already");
    }
    const bool is_kept = before ? wire::commitment_to(operation.reveal) == before->commitment
                                : operation.reveal == wire::Hash{};
    if (!is_kept) return refuse(Errc::invalid_argument, "not the secret that was committed to");
    book_->put(Told{operation.seat, seat->key, economy_.epoch, operation.heard,
                    operation.commitment, before.has_value()});
    if (!before) return {};
    const wire::Hash share = wire::share_of(seat->key, operation.reveal);
    for (std::size_t i = 0; i < share.bytes.size(); ++i) economy_.mix.bytes[i] ^= share.bytes[i];
    book_->put(economy_);
    return {};
}

}  // namespace

std::expected<void, Error> run(const wire::ChainId& chain, const wire::Operation& operation,
                               StakeBook& book) {
    MESH_TRY(const auto economy, book.economy());
    if (!economy) {
        return refuse(Errc::invalid_argument, "this chain keeps the stakes of its genesis",
                      "only a genesis with a section `stakes` has operations on stakes");
    }
    MESH_CHECK(check_amount(operation));
    StakeBook attempt = book;
    MESH_CHECK(std::visit(Run(chain, *economy, attempt), operation));
    book = std::move(attempt);
    return {};
}

std::expected<bool, Error> pay_fees(wire::ValidatorIndex proposer, Amount fees, StakeBook& book) {
    MESH_TRY(auto economy, book.economy());
    if (!economy) return false;
    if (fees == Amount{}) return true;
    MESH_TRY(auto seat, book.seat(proposer));
    if (!seat) return refuse(Errc::invalid_argument, "the proposer has no seat");
    if (seat->slashed) {
        economy->burnt = sum(economy->burnt, fees);
        book.put(*economy);
    } else {
        seat->earned = sum(seat->earned, fees);
        book.put(*seat);
    }
    return true;
}

}  // namespace meshchain::ledger
