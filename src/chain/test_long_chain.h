#pragma once
// For tests and benchmarks: a store with a long chain in it, every block and certificate signed by
// those who should have, made without a network.

#include <deque>
#include <functional>

#include "chain/consensus_of.h"
#include "chain/pending_blocks.h"
#include "consensus/schedule.h"
#include "consensus/vote_store.h"

namespace meshchain::chain::test {

class LongChain {
public:
    using KeyOf = std::function<crypto::SigningKey(const crypto::PublicKey&)>;
    struct Options {
        std::uint32_t blocks = 100;
        std::uint32_t transactions_each = 1;
        std::uint32_t final_every = 256;              ///< and the last block
        std::optional<crypto::PublicKey> payer = {};  ///< only his coins move; empty: everybody's
        kv::Table consensus_table{8};
    };

    /// Writes it into the empty `store`, a block a slot from slot 1 on.
    LongChain(kv::Store& store, const ledger::Genesis& genesis, KeyOf key_of, Options options)
        : genesis_(genesis),
          chain_(ledger::chain_id(genesis)),
          key_of_(std::move(key_of)),
          options_(options),
          validators_(validators_of(genesis)),
          schedule_(params_of(genesis), validators_) {
        auto opened = ChainStore::open(store, genesis);
        MESH_ASSERT(opened.has_value());
        store_ = *std::move(opened);
        consensus::VoteStore votes(store, {options.consensus_table, tables::certificates});
        for (const ledger::Coin& coin : ledger::genesis_coins(genesis)) {
            if (!options.payer || coin.output.owner == *options.payer) coins_.push_back(coin);
        }
        wire::Height final{};
        for (std::uint32_t height = 1; height <= options.blocks;) {
            height += fill_batch(height);
            const std::uint32_t made = height - 1;
            const bool due = made - final.value >= options.final_every || made == options.blocks;
            if (!due) continue;
            const auto written = votes.write_final(final, {{made}, certify()});
            MESH_ASSERT(written.has_value());
            final.value = made;
        }
    }

    const ChainStore& store() const { return *store_; }
    /// What a bare verifier would be handed: each transaction's key, message and signature.
    struct Signed {
        crypto::PublicKey key;
        base::Buffer message;
        crypto::Signature signature;
    };
    const std::vector<Signed>& signatures() const { return signatures_; }

private:
    class AllVerified final : public ledger::VerifiedSet {
    public:
        bool contains(const wire::Wtxid&) const override { return true; }
    };

    /// As many blocks as fit one batch, up to the next certificate.
    std::uint32_t fill_batch(std::uint32_t height) {
        const AllVerified verified;
        ledger::SignatureQueue none;
        PendingBlocks pending(*store_);
        std::uint32_t made = 0;
        while (height + made <= options_.blocks && (made == 0 || made < 128)) {
            wire::Block block = make_block(pending, height + made);
            const wire::Hash hash =
                wire::block_hash(chain_, block.header, validators_[block.header.proposer].key);
            const auto done = pending.execute(hash, std::move(block), verified, none);
            MESH_ASSERT(done.has_value());
            ++made;
        }
        const auto applied = store_->apply(pending.blocks(), pending.state());
        MESH_ASSERT(applied.has_value());
        return made;
    }

    wire::Block make_block(const PendingBlocks& parent, std::uint32_t height) {
        const AllVerified verified;
        const wire::Slot slot{height};
        const ledger::BlockContext context = parent.context();
        ledger::BlockBuilder builder(context, slot, parent, verified);
        for (std::uint32_t i = 0; i < options_.transactions_each; ++i) {
            const auto added = builder.add(pay(slot));
            MESH_ASSERT(added.has_value());
        }
        wire::Block block;
        block.header.height = {height};
        block.header.parent = context.parent;
        block.header.slot = slot;
        block.header.proposer = schedule_.leaders(slot).ranked()[0];
        block.header.transaction_root = builder.transaction_root();
        block.header.parent_state = context.parent_state;
        block.transactions = builder.transactions();
        const crypto::PublicKey& key = validators_[block.header.proposer].key;
        block.header.signature = key_of_(key).sign(wire::preimage(chain_, block.header, key));
        return block;
    }

    /// The oldest coin pays half of itself to the owner of the next one.
    wire::CompactTransfer pay(wire::Slot slot) {
        const ledger::Coin coin = coins_.front();
        coins_.pop_front();
        wire::TransactionBody body;
        body.inputs = {{coin.outpoint, coin.output.amount}};
        body.fee.code = 1;
        body.expiry.units = wire::expiry_units(slot) + 100;
        const wire::Amount half{coin.output.amount.units / 2};
        body.outputs = {
            {coins_.front().output.owner, half},
            {coin.output.owner, {coin.output.amount.units - half.units - body.fee.amount().units}}};
        base::Buffer message = wire::preimage(chain_, body);
        const auto signature = key_of_(coin.output.owner).sign(message);
        const wire::Txid txid{crypto::hash(message)};
        for (std::uint16_t i = 0; i < 2; ++i) coins_.push_back({{txid, i}, body.outputs[i]});
        signatures_.push_back({coin.output.owner, std::move(message), signature});
        const auto compact = wire::compact(chain_, {std::move(body), {signature}}, coin.output);
        MESH_ASSERT(compact.has_value());
        return *compact;
    }

    /// The tip, by everybody.
    wire::Certificate certify() const {
        const Tip& tip = store_->tip();
        const wire::Round round{schedule_.round_of(tip.slot).value + 1};
        wire::Certificate certificate{{round, tip.slot, tip.hash}, {}};
        for (std::uint16_t i = 0; i < validators_.size(); ++i) {
            wire::Vote vote;
            vote.validator = {i};
            vote.round = {round.value + 1};
            vote.source = certificate.final;
            vote.target = tip.hash;
            const crypto::PublicKey& key = validators_[{i}].key;
            vote.signature = key_of_(key).sign(wire::preimage(chain_, vote, key));
            certificate.votes.push_back(vote);
        }
        return certificate;
    }

    const ledger::Genesis genesis_;
    wire::ChainId chain_;
    KeyOf key_of_;
    Options options_;
    consensus::ValidatorSet validators_;
    consensus::Schedule schedule_;
    std::unique_ptr<ChainStore> store_;
    std::deque<ledger::Coin> coins_;
    std::vector<Signed> signatures_;
};

}  // namespace meshchain::chain::test
