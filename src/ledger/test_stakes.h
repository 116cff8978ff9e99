#pragma once
// Operations on stakes, signed, for tests of the ledger and of what is built on it.

#include "ledger/test_payments.h"
#include "wire/vote.h"

namespace meshchain::ledger::test {

/// A genesis whose stakes can move: the validators of `genesis_with` hold seats 0 … .
inline Genesis genesis_with_stakes(std::uint32_t people, std::uint32_t coins_each,
                                   std::uint64_t units, std::uint32_t validators = 1) {
    Genesis genesis = genesis_with(people, coins_each, units, validators);
    genesis.stakes = StakeRules{{100}, StakeRules::unbond_epochs_min};
    return genesis;
}

/// The person whose key an `authority` is, among the people and the keys of validators below.
inline std::uint32_t person_of(const crypto::PublicKey& key) {
    static const std::map<crypto::PublicKey, std::uint32_t> numbers = [] {
        std::map<crypto::PublicKey, std::uint32_t> all;
        for (const std::uint32_t first : {0U, 1000U, 2000U, 3000U}) {
            for (std::uint32_t i = first; i < first + 40; ++i) all.emplace(public_key(i), i);
        }
        return all;
    }();
    return numbers.at(key);
}

/// Spends `coin` for the operation and a fee; what is left, and what the operation frees, goes back
/// to the coin's owner. Units that are missing make the transaction invalid, not this.
inline wire::Transaction operate(const wire::ChainId& chain, const Coin& coin,
                                 const wire::Operation& operation, std::uint32_t expiry_units = 10,
                                 std::uint8_t fee_code = 1) {
    wire::TransactionBody body;
    body.operation = operation;
    body.inputs = {{coin.outpoint, coin.output.amount}};
    body.fee.code = fee_code;
    body.expiry.units = expiry_units;
    const std::uint64_t in = coin.output.amount.units + released(operation).units;
    const std::uint64_t out = bound(operation).units + body.fee.amount().units;
    if (in > out) body.outputs = {{coin.output.owner, wire::Amount{in - out}}};
    std::vector<std::uint32_t> signers{person_of(coin.output.owner)};
    for (const auto& key : authorities(operation)) signers.push_back(person_of(key));
    return sign(chain, std::move(body), signers);
}

inline wire::Transaction report(const wire::Evidence& evidence, std::uint32_t expiry_units = 10) {
    wire::Transaction transaction;
    transaction.body.operation = wire::Report{encode(evidence)};
    transaction.body.expiry.units = expiry_units;
    return transaction;
}

/// Person `signer`, on seat `seat`, proposed twice in one slot.
inline wire::Evidence two_blocks(const wire::ChainId& chain, wire::ValidatorIndex seat,
                                 std::uint32_t signer, std::uint32_t slot = 5) {
    const auto header = [&](std::uint8_t number) {
        wire::BlockHeader made;
        made.height = {3};
        made.slot = {slot};
        made.proposer = seat;
        made.transaction_root.bytes.fill(std::byte{number});
        made.signature = person(signer).sign(preimage(chain, made, public_key(signer)));
        return made;
    };
    wire::BlockEvidence evidence{header(1), header(2)};
    const auto name = [&](const wire::BlockHeader& made) {
        return block_hash(chain, made, public_key(signer));
    };
    if (name(evidence.second) < name(evidence.first)) std::swap(evidence.first, evidence.second);
    return evidence;
}

}  // namespace meshchain::ledger::test
