#include "chain/final_state.h"

#include "chain/consensus_of.h"
#include "chain/state_view.h"
#include "consensus/certificate.h"
#include "consensus/vote_store.h"
#include "ledger/fee_balance.h"

namespace meshchain::chain {
namespace {

std::unexpected<base::Error> wrong(std::string what) {
    return base::failure(base::Errc::corrupt, std::move(what), "final state",
                         "do not begin anything with this store; use another node's");
}

/// The header of FINAL commits to the state before it.
std::expected<void, base::Error> check_commitment(kv::Store& store, const ChainStore& chain,
                                                  const wire::Hash& block) {
    MESH_TRY(const auto stored, chain.block(block));
    if (!stored) return wrong("the FINAL block is missing");
    const wire::BlockHeader& header = stored->block.header;
    MESH_TRY(const auto before, StateView::open(store, chain, {header.height.value - 1}));
    if (before->digest() == header.parent_state) return {};
    return wrong("the state is not what the FINAL block commits to");
}

}  // namespace

std::expected<ledger::FinalState, base::Error> read_final_state(kv::Store& store,
                                                                kv::Table consensus_table,
                                                                const ledger::Genesis& genesis) {
    if (genesis.stakes) {
        return base::failure(base::Errc::unsupported, "its stakes can move", "final state",
                             "a successor of such a chain is not possible yet");
    }
    MESH_TRY(const auto chain, ChainStore::open(store, genesis));
    MESH_TRY(const auto votes, consensus::VoteStore(store, consensus_table).load());
    if (!votes.final) {
        return base::failure(base::Errc::not_found, "nothing is FINAL in this store", "final state",
                             "begin again with the same genesis instead");
    }
    const wire::Certificate& certificate = votes.final->certificate;
    MESH_CHECK(
        consensus::verify_certificate(chain->chain_id(), validators_of(genesis), certificate));
    const wire::Height height = votes.final->height;
    MESH_TRY(const auto hash, chain->hash_at(height));
    if (hash != certificate.final.block) return wrong("FINAL is not on the stored chain");
    MESH_CHECK(check_commitment(store, *chain, *hash));

    MESH_TRY(const auto view, StateView::open(store, *chain, height));
    ledger::FinalState state{{chain->chain_id(), height, *hash, view->digest()}, {}, view->fees()};
    crypto::SetHash counted;
    bool overflow = false;
    MESH_CHECK(view->each_coin([&](const wire::StateCoin& coin) {
        counted.add(ledger::coin_hash({coin.outpoint, coin.output}));
        wire::Amount& owned = state.coins[coin.output.owner];
        const auto sum = wire::add(owned, coin.output.amount);
        overflow = !sum;
        owned = sum.value_or(owned);
        return !overflow;
    }));
    for (const auto& [validator, amount] : state.fees) {
        ledger::add(ledger::FeeBalance{validator, amount}, counted);
    }
    if (overflow || counted.digest() != state.at.state) return wrong("coins are missing or wrong");
    return state;
}

}  // namespace meshchain::chain
