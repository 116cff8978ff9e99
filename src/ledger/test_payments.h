#pragma once
// Keys, a genesis and signed payments for tests of the ledger and of what is built on it.

#include <map>
#include <utility>

#include "base/random.h"
#include "ledger/coin_set.h"

namespace meshchain::ledger::test {

/// The key of person `number`, always the same one.
inline crypto::SigningKey person(std::uint32_t number) {
    crypto::SigningKey::Seed seed{};
    base::FixedWriter(seed).u32(number);
    return crypto::SigningKey::from_seed(seed);
}
inline crypto::PublicKey public_key(std::uint32_t number) { return person(number).public_key(); }

/// The keys that sign in a `genesis_with`: of its people, and of its validators. Making a pair
/// costs as much as signing, so each is made once.
class KeyRing {
public:
    explicit KeyRing(std::uint32_t people, std::uint32_t validators = 1) {
        for (std::uint32_t i = 0; i < people; ++i) keys_.emplace(public_key(i), person(i));
        for (std::uint32_t i = 2000; i < 2000 + validators; ++i) {
            keys_.emplace(public_key(i), person(i));
        }
    }
    crypto::SigningKey operator()(const crypto::PublicKey& key) const {
        return keys_.at(key).clone();
    }

private:
    std::map<crypto::PublicKey, crypto::SigningKey> keys_;
};

/// Validators 1000 … with stake 100 each; every person of `people` owns `coins_each` coins of
/// `units`.
inline Genesis genesis_with(std::uint32_t people, std::uint32_t coins_each, std::uint64_t units,
                            std::uint32_t validators = 1) {
    Genesis genesis;
    genesis.start = base::wall_from_unix_ms(1'700'000'000'000);
    genesis.block_time_ms = 1000;
    genesis.rank_delay_ms = 300;
    for (std::uint32_t i = 0; i < people; ++i) {
        genesis.allocations.insert(genesis.allocations.end(), coins_each,
                                   {public_key(i), wire::Amount{units}});
    }
    for (std::uint32_t i = 0; i < validators; ++i) {
        genesis.validators.push_back(
            {public_key(1000 + i), public_key(2000 + i), public_key(3000 + i), wire::Amount{100}});
    }
    sort_canonically(genesis);
    return genesis;
}

/// The coins of `view` that person `number` owns, in outpoint order.
inline std::vector<Coin> coins_of(const CoinSet& view, std::uint32_t number) {
    const crypto::PublicKey owner = public_key(number);
    std::vector<Coin> coins;
    for (const auto& [outpoint, output] : view.coins()) {
        if (output.owner == owner) coins.push_back({outpoint, output});
    }
    return coins;
}

/// Signs `body` with one person for each input.
inline wire::Transaction sign(const wire::ChainId& chain, wire::TransactionBody body,
                              const std::vector<std::uint32_t>& signers) {
    const base::Buffer preimage = wire::preimage(chain, body);
    wire::Transaction transaction{std::move(body), {}};
    for (const std::uint32_t signer : signers) {
        transaction.signatures.push_back(person(signer).sign(preimage));
    }
    return transaction;
}

struct Payment {
    std::uint32_t from;
    std::uint32_t to;
    std::uint64_t units;
    std::uint8_t fee_code = 0;
    std::uint32_t expiry_units = 10;
};

/// Spends the one `coin`, of payment.from, with the change back to the same key.
inline wire::Transaction pay(const wire::ChainId& chain, const Coin& coin, Payment payment) {
    wire::TransactionBody body;
    body.inputs = {{coin.outpoint, coin.output.amount}};
    body.outputs = {{public_key(payment.to), wire::Amount{payment.units}}};
    body.fee.code = payment.fee_code;
    body.expiry.units = payment.expiry_units;
    const std::uint64_t spent = payment.units + body.fee.amount().units;
    if (spent < coin.output.amount.units) {
        body.outputs.push_back(
            {public_key(payment.from), wire::Amount{coin.output.amount.units - spent}});
    }
    return sign(chain, std::move(body), {payment.from});
}

/// The compact form of what `pay` makes.
inline wire::CompactTransfer pay_compact(const wire::ChainId& chain, const Coin& coin,
                                         Payment payment) {
    const auto compact = wire::compact(chain, pay(chain, coin, payment), coin.output);
    MESH_ASSERT(compact.has_value());
    return *compact;
}

/// Output `index` of a signed transaction, as the coin it will be.
inline Coin output_of(const wire::ChainId& chain, const wire::Transaction& transaction,
                      std::uint16_t index) {
    return {{wire::txid(chain, transaction.body), index}, transaction.body.outputs[index]};
}

/// A block of `transactions` on `context`, unsigned, with a header that fits them.
inline wire::Block block_of(const BlockContext& context, const CoinView& coins, wire::Slot slot,
                            const std::vector<wire::WireTransaction>& transactions) {
    const NothingVerified none;
    BlockBuilder builder(context, slot, coins, none);
    wire::Block block;
    for (const auto& transaction : transactions) {
        const auto added = builder.add(transaction);
        MESH_ASSERT(added.has_value());
    }
    block.header.height.value = context.parent_height.value + 1;
    block.header.parent = context.parent;
    block.header.slot = slot;
    block.header.transaction_root = builder.transaction_root();
    block.header.parent_state = context.parent_state;
    if (const auto claim = builder.epoch_claim(); claim && *claim) {
        block.header.epoch = (*claim)->epoch;
        block.header.certificate = (*claim)->next;
    }
    block.transactions = transactions;
    return block;
}

}  // namespace meshchain::ledger::test
