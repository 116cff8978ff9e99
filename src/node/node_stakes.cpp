// Stakes as this node's owner sees and moves them.

#include <algorithm>

#include "crypto/identity.h"
#include "ledger/stake_book.h"
#include "node/node_parts.h"

namespace meshchain::node {
namespace {

constexpr wire::Amount usual_fee{4};  // twice a payment's, for twice its bytes

std::unexpected<base::Error> refused(base::Errc code, std::string what, std::string advice) {
    return base::failure(code, std::move(what), "stake", std::move(advice));
}

}  // namespace

std::expected<ledger::StakeBook, base::Error> Node::Parts::stake_book() const {
    if (!genesis.stakes) {
        return refused(base::Errc::unsupported, "the stakes of this chain are those of genesis",
                       "only a genesis with a section `stakes` lets them move");
    }
    if (!chain) return std::unexpected(no_chain("stakes"));
    return ledger::StakeBook(chain->store());
}

/// Of keys of this wallet. There are a few thousand bonds at most, by the rules.
std::expected<std::vector<BondView>, base::Error> Node::Parts::own_bonds() const {
    std::vector<BondView> own;
    if (!wallet) return own;
    const auto& keys = wallet->key_file().keys;
    const auto is_own = [&](const ledger::Bond& bond) {
        return std::ranges::find(keys, bond.owner) != keys.end();
    };
    const base::Buffer waiting = ledger::waiting_row_prefix();
    const base::Buffer bonds = ledger::bond_key({}, {});  // its kind comes first
    MESH_TRY(const ledger::StakeRows rows, chain->store().stakes());
    for (const auto& [key, value] : rows) {
        if (key.front() == bonds.front()) {
            MESH_TRY(const ledger::Bond bond, ledger::parse_bond(value));
            if (is_own(bond)) own.push_back({bond.validator, bond.owner, bond.amount, {}});
        } else if (key.front() == waiting.front()) {
            MESH_TRY(const ledger::Waiting row, ledger::parse_waiting(key, value));
            if (!is_own(row.bond)) continue;
            own.push_back({row.bond.validator, row.bond.owner, row.bond.amount, row.epoch});
        }
    }
    return own;
}

std::expected<StakesView, base::Error> Node::stakes() const {
    const Parts& parts = *parts_;
    MESH_TRY(const ledger::StakeBook book, parts.stake_book());
    MESH_TRY(const auto economy, book.economy());
    StakesView view;
    view.epoch = economy->epoch;
    view.final_epoch = parts.chain->engine().epochs().now();
    view.rises_from = parts.chain->engine().epochs().rise_from().value_or(wire::Slot{});
    view.epoch_slots = economy->epoch_slots;
    view.unbond_epochs = economy->unbond_epochs;
    view.stake_min = economy->stake_min;
    view.burnt = economy->burnt;
    MESH_TRY(view.bonds, parts.own_bonds());
    return view;
}

/// All that may be had by now of one row; the oldest first.
std::expected<wire::Operation, base::Error> Node::Parts::withdrawal(
    const crypto::PublicKey& validator) const {
    MESH_TRY(const auto economy, chain->store().economy());
    MESH_TRY(const auto bonds, own_bonds());
    std::optional<std::uint32_t> next;
    for (const BondView& bond : bonds) {
        if (!bond.from_epoch || bond.validator != validator) continue;
        if (*bond.from_epoch <= economy->epoch) {
            return wire::Withdraw{validator, bond.owner, *bond.from_epoch, bond.amount};
        }
        next = std::min(next.value_or(*bond.from_epoch), *bond.from_epoch);
    }
    if (!next) return refused(base::Errc::not_found, "nothing waits there", "unbond first");
    return refused(base::Errc::future,
                   "it may be had from epoch " + std::to_string(*next) + " on, now is " +
                       std::to_string(economy->epoch),
                   "wait");
}

std::expected<wire::Operation, base::Error> Node::Parts::operation_of(const StakeOrder& order) {
    using Action = StakeOrder::Action;
    MESH_TRY(const ledger::StakeBook book, stake_book());
    if (!order.validator && !staking_key) {
        return refused(base::Errc::invalid_argument, "no validator is named",
                       "name one, or set role to validator and restart");
    }
    const crypto::PublicKey validator =
        order.validator ? *order.validator : staking_key->public_key();
    MESH_TRY(const auto seat, book.seat_of(validator));
    if (order.action == Action::enroll) {
        if (!staking_key || validator != staking_key->public_key()) {
            return refused(base::Errc::invalid_argument, "only this node itself can be enrolled",
                           "do it on the node that is to validate, with role validator");
        }
        MESH_TRY(const crypto::PublicKey payout, wallet->hand_out_address());
        return wire::Register{identity, validator, payout, order.amount};
    }
    if (!seat) {
        return refused(base::Errc::not_found,
                       "no validator has the key " + crypto::to_hex(validator),
                       "see `meshchain validators`");
    }
    if (order.action == Action::withdraw) return withdrawal(validator);
    if (order.action == Action::claim) {
        const bool all = order.amount == wire::Amount{};
        if (seat->earned == wire::Amount{}) {
            return refused(base::Errc::not_found, "this validator has earned no fees yet",
                           "see `meshchain validators`");
        }
        return wire::Claim{validator, seat->payout, all ? seat->earned : order.amount};
    }
    MESH_TRY(const auto bonds, own_bonds());
    const auto bond = std::ranges::find_if(
        bonds, [&](const BondView& one) { return !one.from_epoch && one.validator == validator; });
    if (order.action == Action::unbond) {
        if (bond == bonds.end()) {
            return refused(base::Errc::not_found, "this wallet has no stake there",
                           "see `meshchain stakes`");
        }
        return wire::Unbond{validator, bond->owner, order.amount};
    }
    if (bond != bonds.end()) return wire::Delegate{validator, bond->owner, order.amount};
    MESH_TRY(const crypto::PublicKey owner, wallet->hand_out_address());
    return wire::Delegate{validator, owner, order.amount};
}

std::optional<crypto::Signature> Node::Parts::cosign(const crypto::PublicKey& key,
                                                     base::Bytes preimage) const {
    for (const auto* signer : {&staking_identity, &staking_key}) {
        if (*signer && (*signer)->public_key() == key) return (*signer)->sign(preimage);
    }
    return std::nullopt;
}

std::expected<PaymentView, base::Error> Node::stake(base::Now system, const StakeOrder& order,
                                                    std::optional<wire::FeeCode> fee) {
    Parts& parts = *parts_;
    MESH_CHECK(parts.stake_book());
    MESH_TRY(wallet::Wallet* const wallet, parts.paying_wallet());
    const base::Now now = parts.clock->at(system.instant);
    MESH_TRY(const wire::Operation operation, parts.operation_of(order));
    const wire::Amount moved = std::max(wire::bound(operation), wire::released(operation));
    const wire::FeeCode code = fee.value_or(code_for(usual_fee));
    const wire::Slot slot = parts.chain->slot(now);
    const wire::Expiry expiry{wire::expiry_units(slot) + payment_life_units};
    MESH_TRY(const wallet::Payment payment,
             wallet->create_operation({operation, code, expiry}, slot,
                                      [&](const crypto::PublicKey& key, base::Bytes preimage) {
                                          return parts.cosign(key, preimage);
                                      }));
    const wire::Amount amount = moved == wire::Amount{} ? order.amount : moved;
    return parts.send_payment(now, {{}, amount, code, expiry}, payment);
}

}  // namespace meshchain::node
