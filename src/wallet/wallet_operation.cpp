// Operations on stakes, paid for with own coins.

#include <algorithm>

#include "crypto/identity.h"
#include "wallet/wallet_parts.h"

namespace meshchain::wallet {
namespace {

std::unexpected<base::Error> refused(base::Errc code, std::string what, std::string advice) {
    return base::failure(code, std::move(what), "operation", std::move(advice));
}

}  // namespace

std::expected<crypto::Signature, base::Error> Wallet::sign_as(const crypto::PublicKey& key,
                                                              base::Bytes preimage,
                                                              const Cosign& cosign) const {
    if (const auto own = parts_->own_key(key)) return parts_->secret->at(*own).sign(preimage);
    if (const auto signature = cosign(key, preimage)) return *signature;
    return refused(base::Errc::unauthorized,
                   crypto::to_hex(key) + " must agree, whose secret is not here",
                   "do it where that key is");
}

std::expected<Payment, base::Error> Wallet::create_operation(const OperationOrder& order,
                                                             wire::Slot now_slot,
                                                             const Cosign& cosign) {
    MESH_CHECK(check_signing());
    if (!wire::is_valid_at(order.expiry, now_slot)) {
        return refused(base::Errc::invalid_argument,
                       "an expiry of " + std::to_string(order.expiry.units),
                       "choose one from now to 945 units of 64 slots ahead");
    }
    const auto out = wire::add(wire::bound(order.operation), order.fee.amount());
    if (!out) {
        return refused(base::Errc::invalid_argument, "more than any chain holds", "stake less");
    }
    const wire::Amount in = wire::released(order.operation);
    // A coin is spent in any case: it is what makes the operation unique.
    const wire::Amount missing = wire::subtract(*out, in).value_or(wire::Amount{});
    MESH_TRY(const std::vector<Coin> coins, choose_coins(std::max(missing, wire::Amount{1})));
    if (coins.size() > wire::operation_inputs_max) {
        return refused(base::Errc::too_large, "own coins are too small for it",
                       "join them first, by a payment to an address of this wallet");
    }
    wire::Transaction transaction;
    wire::TransactionBody& body = transaction.body;
    body.operation = order.operation;
    body.fee = order.fee;
    body.expiry = order.expiry;
    wire::Amount have = in;
    for (const Coin& coin : coins) {
        body.inputs.push_back({coin.outpoint, coin.amount});
        have = bounded_sum(have, coin.amount);
    }
    const wire::Amount left = wire::subtract(have, *out).value_or(wire::Amount{});
    if (left.units > 0) body.outputs = {{parts_->keys.keys[coins.front().key], left}};
    const base::Buffer preimage = wire::preimage(parts_->chain, body);
    for (const Coin& coin : coins) {
        transaction.signatures.push_back(parts_->secret->at(coin.key).sign(preimage));
    }
    for (const crypto::PublicKey& key : wire::authorities(order.operation)) {
        MESH_TRY(const crypto::Signature signature, sign_as(key, preimage, cosign));
        transaction.signatures.push_back(signature);
    }
    return keep_payment(transaction, coins);
}

}  // namespace meshchain::wallet
