#include "sim/stake_tally.h"

#include <algorithm>

#include "wire/misconduct.h"

namespace meshchain::sim {

StakeTally::StakeTally(const ledger::Genesis& genesis, std::set<crypto::PublicKey> dishonest,
                       Findings& findings)
    : chain_(ledger::chain_id(genesis)),
      unbond_epochs_(genesis.stakes ? genesis.stakes->unbond_epochs : 0),
      dishonest_(std::move(dishonest)),
      findings_(findings) {
    if (!genesis.stakes) return;
    for (const auto& validator : genesis.validators) {
        const auto index = static_cast<std::uint16_t>(seats_.size());
        seats_[index] = {
            .identity = validator.identity, .key = validator.key, .bonded = validator.stake.units};
        bonds_[{validator.key, validator.payout}] = validator.stake.units;
    }
}

void StakeTally::complain(std::string rule, std::string text) {
    findings_.add(std::move(rule), what_ + ": " + std::move(text));
}

StakeTally::Seat* StakeTally::sound_seat(const crypto::PublicKey& key) {
    const auto found =
        std::ranges::find_if(seats_, [&](const auto& entry) { return entry.second.key == key; });
    if (gone_.contains(key)) {
        complain("slashed-once", "moves stake of a validator that was slashed");
        return nullptr;
    }
    if (found == seats_.end()) {
        complain("stake", "moves stake of a validator that is none");
        return nullptr;
    }
    return &found->second;
}

std::uint64_t StakeTally::bonded(const crypto::PublicKey& key) const {
    for (const auto& [index, seat] : seats_) {
        if (seat.key == key) return seat.bonded;
    }
    return 0;
}

std::vector<StakeTally::Holder> StakeTally::holders() const {
    std::vector<Holder> all;
    for (const auto& [index, seat] : seats_) all.push_back({index, seat.key, seat.bonded});
    return all;
}

bool StakeTally::is_vacant(const Seat& seat) const {
    return seat.bonded == 0 && seat.waiting == 0 && header_.epoch - seat.emptied >= unbond_epochs_;
}

void StakeTally::apply(const wire::TransactionBody& body, const std::string& what) {
    what_ = what;
    fees_ += body.fee.amount().units;
    if (!body.operation) return;
    if (!std::holds_alternative<wire::Testimony>(*body.operation)) ++operations_;
    std::visit([this](const auto& operation) { run(operation); }, *body.operation);
}

void StakeTally::end() {
    const std::uint64_t fees = std::exchange(fees_, 0);
    const auto seat = seats_.find(header_.proposer.value);
    if (seat == seats_.end()) return;  // stakes do not move on this chain
    (seat->second.slashed ? burnt_ : seat->second.earned) += fees;
}

void StakeTally::run(const wire::Register& operation) {
    if (gone_.contains(operation.key) || gone_identities_.contains(operation.identity)) {
        complain("slashed-once", "brings back who was slashed");
    }
    std::uint16_t index = 0;
    while (seats_.contains(index) && !is_vacant(seats_.at(index))) ++index;
    Seat& seat = seats_[index];
    burnt_ += seat.earned;
    seat = {.identity = operation.identity, .key = operation.key, .bonded = operation.amount.units};
    bonds_[{operation.key, operation.payout}] = operation.amount.units;
}

/// Moves nothing.
void StakeTally::run(const wire::Testimony& operation) {
    if (operation.seat != header_.proposer) complain("stake", "carries another's testimony");
}

void StakeTally::run(const wire::Delegate& operation) {
    Seat* const seat = sound_seat(operation.validator);
    if (seat == nullptr) return;
    seat->bonded += operation.amount.units;
    seat->emptied = 0;
    bonds_[{operation.validator, operation.owner}] += operation.amount.units;
}

void StakeTally::run(const wire::Unbond& operation) {
    Seat* const seat = sound_seat(operation.validator);
    if (seat == nullptr) return;
    const BondKey key{operation.validator, operation.owner};
    std::uint64_t& bond = bonds_[key];
    if (bond < operation.amount.units) return complain("stake", "takes back more than is bonded");
    bond -= operation.amount.units;
    seat->bonded -= operation.amount.units;
    seat->waiting += operation.amount.units;
    waiting_[{header_.epoch + unbond_epochs_, key}] += operation.amount.units;
}

void StakeTally::run(const wire::Withdraw& operation) {
    Seat* const seat = sound_seat(operation.validator);
    if (seat == nullptr) return;
    const auto row = waiting_.find({operation.epoch, {operation.validator, operation.owner}});
    if (row == waiting_.end() || row->second != operation.amount.units) {
        return complain("stake", "withdraws what does not wait");
    }
    if (header_.epoch < operation.epoch) complain("stake", "withdraws too early");
    waiting_.erase(row);
    seat->waiting -= operation.amount.units;
    if (seat->bonded == 0 && seat->waiting == 0) seat->emptied = header_.epoch;
}

void StakeTally::run(const wire::Claim& operation) {
    Seat* const seat = sound_seat(operation.validator);
    if (seat == nullptr) return;
    if (seat->earned < operation.amount.units) return complain("stake", "claims more than earned");
    seat->earned -= operation.amount.units;
}

void StakeTally::run(const wire::Report& operation) {
    const auto evidence = wire::parse_evidence(operation.evidence);
    const auto found = evidence ? seats_.find(wire::accused(*evidence).value) : seats_.end();
    if (found == seats_.end()) return complain("slashed-honest", "accuses nobody");
    Seat& seat = found->second;
    if (seat.slashed) return complain("slashed-once", "slashes a validator again");
    if (!wire::convicts(chain_, *evidence, seat.key)) {
        complain("slashed-honest", "slashes a validator without proof");
    } else if (!dishonest_.contains(seat.key)) {
        complain("slashed-honest", "slashes an honest validator");
    }
    burnt_ += seat.bonded + seat.waiting + seat.earned;
    gone_.insert(seat.key);
    gone_identities_.insert(seat.identity);
    seat.bonded = seat.waiting = seat.earned = 0;
    seat.slashed = true;
    seat.emptied = header_.epoch;
}

void StakeTally::compare(const std::string& whose, const ledger::StakeRows& rows) {
    what_ = whose;
    const base::Buffer seats = ledger::seat_key({});  // its kind comes first
    std::size_t count = 0;
    for (const auto& [key, value] : rows) {
        if (key == ledger::economy_key()) {
            const auto economy = ledger::parse_economy(value);
            if (!economy || economy->burnt.units != burnt_) {
                complain("stake",
                         "says that another amount was burnt than " + std::to_string(burnt_));
            }
        }
        if (key.front() != seats.front()) continue;
        ++count;
        const auto seat = ledger::parse_seat(key, value);
        const auto ours = seat ? seats_.find(seat->index.value) : seats_.end();
        if (ours == seats_.end() || seat->key != ours->second.key ||
            seat->bonded.units != ours->second.bonded ||
            seat->unbonding.units != ours->second.waiting ||
            seat->earned.units != ours->second.earned || seat->slashed != ours->second.slashed) {
            complain("stake", "has other stakes on a seat than the FINAL history gives");
        }
    }
    if (count != seats_.size()) complain("stake", "has " + std::to_string(count) + " seats");
}

}  // namespace meshchain::sim
