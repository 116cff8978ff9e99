#include "host/chain_audit.h"

#include "chain/chain_store.h"
#include "chain/stored_values.h"
#include "consensus/certificate.h"
#include "consensus/schedule.h"
#include "consensus/vote_store.h"
#include "host/file_lock.h"
#include "host/folder_store.h"
#include "ledger/coin_set.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

using base::Error;
using Result = std::expected<void, Error>;

std::unexpected<Error> wrong(std::string what, const std::string& where) {
    return base::failure(base::Errc::corrupt, std::move(what), where,
                         "do not trust this store; let the node sync again from peers");
}

std::string at(wire::Height height) { return "block " + std::to_string(height.value); }

consensus::ValidatorSet validators_of(const ledger::Genesis& genesis) {
    std::vector<consensus::Validator> validators;
    for (const ledger::GenesisValidator& validator : genesis.validators) {
        validators.push_back({validator.identity, validator.key, validator.stake});
    }
    return consensus::ValidatorSet(std::move(validators));
}

consensus::Params params_of(const ledger::Genesis& genesis, const wire::ChainId& chain) {
    return {.chain = chain,
            .start = genesis.start,
            .block_time = base::Milliseconds(genesis.block_time_ms),
            .rank_delay = base::Milliseconds(genesis.rank_delay_ms),
            .slots_per_round = genesis.slots_per_round,
            .vote_delay = genesis.vote_delay_slots,
            .vote_lead = base::Milliseconds(genesis.vote_lead_ms),
            .seed = genesis.seed};
}

class Auditor {
public:
    Auditor(const ledger::Genesis& genesis, kv::Store& store, const chain::ChainStore& chain)
        : genesis_(genesis),
          store_(store),
          chain_(chain),
          validators_(validators_of(genesis)),
          schedule_(params_of(genesis, ledger::chain_id(genesis)), validators_),
          coins_(genesis),
          context_(ledger::context_after(genesis)) {
        audit_.chain = ledger::chain_id(genesis);
        audit_.tip = audit_.chain;
        audit_.stakes = validators_.total();
        for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
            rosters_.emplace(epoch, ledger::genesis_roster(genesis, epoch));
        }
    }

    std::expected<ChainAudit, Error> run() {
        if (chain_.base().height != wire::Height{}) MESH_CHECK(go_back_to_base());
        for (std::uint32_t height = chain_.base().height.value + 1;
             height <= chain_.tip().height.value; ++height) {
            MESH_CHECK(replay({height}));
        }
        MESH_CHECK(compare_tip());
        MESH_CHECK(compare_coins());
        MESH_CHECK(compare_index());
        MESH_CHECK(check_certificate());
        return std::move(audit_);
    }

private:
    /// Where history starts with a state from others, what it was follows from what is stored now
    /// and the blocks since; the first of them must commit to it.
    Result go_back_to_base() {
        std::map<wire::Outpoint, wire::Output> coins;
        bool broken = false;
        MESH_CHECK(store_.scan({chain::tables::coins}, [&](base::Bytes key, base::Bytes value) {
            const auto outpoint = chain::parse_outpoint(key);
            const auto output = chain::parse_output(value);
            broken = !outpoint || !output;
            if (!broken) coins.emplace(*outpoint, *output);
            return !broken;
        }));
        if (broken) return wrong("a coin does not parse", "coins");
        MESH_TRY(auto fees, chain_.fees());
        MESH_TRY(auto stakes, chain_.stakes());
        for (chain::Tip tip = chain_.tip(); tip.height > chain_.base().height;) {
            MESH_TRY(const auto stored, chain_.block(tip.hash));
            if (!stored) return wrong("missing", at(tip.height));
            MESH_TRY(const ledger::BlockEffects effects, chain_.effects_of(*stored));
            for (const ledger::Coin& coin : effects.created) {
                if (coins.erase(coin.outpoint) == 0) return wrong("its coin is missing", "coins");
            }
            for (const ledger::Coin& coin : effects.spent) coins[coin.outpoint] = coin.output;
            for (const ledger::StakeChange& row : effects.stakes) {
                stakes.erase(row.key);
                if (row.before) stakes.emplace(row.key, *row.before);
            }
            const auto before = wire::subtract(fees[effects.proposer], effects.fees);
            if (!before) return wrong("a fee balance is too small", "fees");
            fees[effects.proposer] = *before;
            if (*before == wire::Amount{}) fees.erase(effects.proposer);
            MESH_TRY(tip, chain_.parent_of(*stored));
        }
        coins_ = ledger::CoinSet(audit_.chain, coins, fees, stakes);
        const chain::Tip& base = chain_.base();
        audit_.height = base.height;
        audit_.tip = base.hash;
        context_.parent = base.hash;
        context_.parent_height = base.height;
        context_.parent_slot = base.slot;
        context_.parent_state = coins_.state();
        return {};
    }

    Result replay(wire::Height height) {
        MESH_TRY(const auto hash, chain_.hash_at(height));
        if (!hash) return wrong("missing in the height index", at(height));
        MESH_TRY(const auto stored, chain_.block(*hash));
        if (!stored) return wrong("missing", at(height));
        const wire::BlockHeader& header = stored->block.header;
        MESH_CHECK(check_proposer(header, *hash));
        auto effects = ledger::execute(context_, stored->block, coins_, ledger::NothingVerified());
        if (!effects) return wrong("not valid: " + sentence(effects.error()), at(height));
        coins_.apply(*effects);
        if (effects->elected) MESH_CHECK(note_elected(*effects->elected));
        for (const ledger::CheckedTransaction& transaction : effects->transactions) {
            audit_.transactions.emplace(transaction.txid, height);
        }
        audit_.height = height;
        audit_.tip = *hash;
        context_.parent = *hash;
        context_.parent_height = height;
        context_.parent_slot = header.slot;
        context_.parent_state = coins_.state();
        return {};
    }

    /// Whom a block elects is stored beside the state.
    Result note_elected(const wire::Roster& elected) {
        MESH_TRY(const auto stored, chain_.roster(elected.epoch));
        if (stored != elected) {
            return wrong("another roster was stored for epoch " + std::to_string(elected.epoch),
                         "epochs");
        }
        rosters_.insert_or_assign(elected.epoch, elected);
        return {};
    }

    /// What was elected below where history starts is taken from the store.
    std::expected<wire::Roster, Error> roster_of(std::uint32_t epoch) const {
        const auto known = rosters_.find(genesis_.stakes ? epoch : 0);
        if (known != rosters_.end()) return known->second;
        MESH_TRY(auto stored, chain_.roster(epoch));
        if (stored) return *std::move(stored);
        return wrong("the roster of epoch " + std::to_string(epoch) + " is missing", "epochs");
    }

    Result check_proposer(const wire::BlockHeader& header, const wire::Hash& hash) const {
        const std::string where = at(header.height);
        MESH_TRY(const wire::Roster roster, roster_of(header.epoch));
        const consensus::ValidatorSet set = consensus::set_of(roster);
        if (!set.contains(header.proposer)) return wrong("unknown proposer", where);
        if (schedule_.leaders(header.slot, set, roster.seed).rank_of(header.proposer) !=
            header.rank) {
            return wrong("its proposer did not lead that slot", where);
        }
        const crypto::PublicKey& key = set[header.proposer].key;
        if (wire::block_hash(audit_.chain, header, key) != hash) {
            return wrong("stored under another hash", where);
        }
        if (!crypto::verify(key, wire::preimage(audit_.chain, header, key), header.signature)) {
            return wrong("its signature is not the proposer's", where);
        }
        return {};
    }

    Result compare_tip() {
        audit_.state = coins_.state();
        if (chain_.tip().hash != audit_.tip) return wrong("another tip was stored", "tip");
        if (chain_.state().digest() != audit_.state) {
            return wrong("another state was stored", "tip");
        }
        return {};
    }

    Result compare_coins() {
        for (const auto& [outpoint, output] : coins_.coins()) {
            MESH_TRY(const auto stored, chain_.coin(outpoint));
            if (stored != output) return wrong("a coin is missing or differs", "coins");
        }
        audit_.coins = coins_.coins().size();
        MESH_TRY(const std::uint64_t stored_count, store_.count(chain::tables::coins));
        if (stored_count != audit_.coins) return wrong("there are coins too many", "coins");
        audit_.coins_total = coins_.total();
        audit_.history_start = chain_.base().height;
        for (const auto& [validator, amount] : coins_.fees()) audit_.fees.units += amount.units;
        MESH_TRY(const auto stored_fees, chain_.fees());
        if (stored_fees != coins_.fees()) return wrong("the fee balances differ", "fees");
        MESH_TRY(const auto stored_stakes, chain_.stakes());
        if (stored_stakes != coins_.stakes()) return wrong("the stakes differ", "stakes");
        if (genesis_.stakes) {
            MESH_TRY(audit_.stakes, ledger::stake_total(coins_.stakes()));
        }
        if (audit_.supply() != ledger::supply(genesis_)->units) {
            return wrong("coins, stakes and fees are not the supply", "supply");
        }
        return {};
    }

    Result compare_index() {
        for (const auto& [txid, height] : audit_.transactions) {
            MESH_TRY(const auto location, chain_.find(txid));
            if (!location || location->height != height) {
                return wrong("a transaction is missing or elsewhere", "transaction index");
            }
        }
        MESH_TRY(const std::uint64_t count, store_.count(chain::tables::transactions));
        if (count == audit_.transactions.size()) return {};
        return wrong("there are transactions too many", "transaction index");
    }

    /// FINAL is not believed either: votes of more than 2/3 of the stake must prove it.
    Result check_certificate() {
        MESH_TRY(const auto content, consensus::VoteStore(store_, node::tables::consensus).load());
        if (!content.final) return {};
        const wire::Certificate& certificate = content.final->certificate;
        MESH_CHECK(check_votes(certificate));
        MESH_TRY(const auto hash, chain_.hash_at(content.final->height));
        if (hash != certificate.final.block)
            return wrong("FINAL is not on the stored chain", "certificate");
        audit_.final_height = content.final->height;
        return {};
    }

    Result check_votes(const wire::Certificate& certificate) const {
        const auto judge = [&]() -> Result {
            if (!genesis_.stakes) {
                return consensus::verify_certificate(audit_.chain, validators_, certificate);
            }
            MESH_TRY(const auto epoch, chain_.epoch_of(certificate.final.block));
            if (!epoch) return wrong("FINAL is not on the stored chain", "certificate");
            MESH_TRY(auto rosters, consensus::rosters_around(chain_, *epoch));
            const consensus::Epochs epochs(std::move(rosters), ledger::epoch_slots(genesis_));
            return consensus::verify_certificate(audit_.chain, epochs, *epoch, certificate);
        };
        const Result judged = judge();
        if (judged) return {};
        return wrong("it does not hold: " + sentence(judged.error()), "certificate");
    }

    const ledger::Genesis& genesis_;
    kv::Store& store_;
    const chain::ChainStore& chain_;
    consensus::ValidatorSet validators_;
    consensus::Schedule schedule_;
    std::map<std::uint32_t, wire::Roster> rosters_;
    ledger::CoinSet coins_;
    ledger::BlockContext context_;
    ChainAudit audit_;
};

}  // namespace

std::expected<ChainAudit, Error> audit_chain(const std::filesystem::path& root) {
    MESH_TRY(const FileLock lock, FileLock::acquire(root));
    MESH_TRY(const auto folder, open_folder_store(root));
    MESH_TRY(const auto chain, chain::ChainStore::open(*folder.store, folder.genesis));
    auto audit = Auditor(folder.genesis, *folder.store, *chain).run();
    if (!audit) audit.error().where = root.string() + ", " + audit.error().where;
    return audit;
}

}  // namespace meshchain::host
