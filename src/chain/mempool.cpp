#include "chain/mempool.h"

#include <algorithm>

#include "crypto/merkle.h"
#include "ledger/stake_rules.h"

namespace meshchain::chain {
namespace {

using base::Errc;
using base::Error;
using ledger::CheckedTransaction;

FeeRate rate_of(const CheckedTransaction& transaction) {
    return {transaction.fee.units, transaction.shortest_bytes};
}

/// The owners whose coins it spends, each once.
std::set<crypto::PublicKey> keys_of(const CheckedTransaction& transaction) {
    std::set<crypto::PublicKey> keys;
    for (const wire::Output& coin : transaction.spent) keys.insert(coin.owner);
    return keys;
}

void count_down(std::map<crypto::PublicKey, std::size_t>& counts, const crypto::PublicKey& key) {
    const auto found = counts.find(key);
    MESH_ASSERT(found != counts.end());
    if (--found->second == 0) counts.erase(found);
}

std::size_t count_of(const std::map<crypto::PublicKey, std::size_t>& counts,
                     const crypto::PublicKey& key) {
    const auto found = counts.find(key);
    return found == counts.end() ? 0 : found->second;
}

/// What was verified before the mempool was emptied to be filled again.
class Remembered final : public ledger::VerifiedSet {
public:
    void add(const wire::Wtxid& id) { ids_.insert(id); }
    bool contains(const wire::Wtxid& id) const override { return ids_.contains(id); }

private:
    std::set<wire::Wtxid> ids_;
};

/// The row of stakes that an operation has for itself.
std::optional<base::Buffer> row_taken(const wire::Operation& operation) {
    if (const auto* one = std::get_if<wire::Withdraw>(&operation)) {
        return ledger::waiting_key(one->epoch, one->validator, one->owner);
    }
    if (const auto* one = std::get_if<wire::Claim>(&operation)) {
        return ledger::bond_key(one->validator, one->validator);
    }
    if (const auto* one = std::get_if<wire::Register>(&operation)) {
        return ledger::used_key(one->key);
    }
    return std::nullopt;
}

}  // namespace

bool Mempool::Rank::operator<(const Rank& other) const {
    if (score != other.score) return score < other.score;
    return arrival > other.arrival;
}

bool Mempool::Quota::covers(const Entry& entry) const {
    if (key && !keys_of(entry.transaction).contains(*key)) return false;
    return !ingress || entry.from == ingress;
}

Mempool::Mempool(const wire::ChainId& chain, const ledger::CoinView& coins, MempoolLimits limits)
    : chain_(chain), chain_coins_(&coins), limits_(limits), coins_(chain, coins) {}

std::expected<const CheckedTransaction*, Error> Mempool::submit(
    const wire::WireTransaction& transaction, wire::Slot slot, const Ingress& from) {
    const auto* whole = std::get_if<wire::Transaction>(&transaction);
    if (whole != nullptr && whole->body.inputs.empty()) {
        return base::failure(Errc::invalid_argument, "it spends no coin", "mempool",
                             "evidence is spread as such, not as a transaction");
    }
    auto checked = ledger::check(chain_, transaction, slot, coins_, *this);
    if (checked) {
        MESH_CHECK(check_alone(checked->transaction.body));
        return admit(*std::move(checked), from);
    }
    if (checked.error().code != Errc::not_found) return std::unexpected(std::move(checked).error());
    return std::unexpected(explain_missing_coin(transaction, slot, checked.error()));
}

/// Of operations that empty or take one row only the first can happen: the others would wait for
/// nothing, and pay nothing for it.
std::expected<void, Error> Mempool::check_alone(const wire::TransactionBody& body) const {
    const auto row = body.operation ? row_taken(*body.operation) : std::nullopt;
    if (!row) return {};
    for (const auto& [id, waiting] : entries_) {
        const auto& other = waiting.transaction.transaction.body.operation;
        if (!other || row_taken(*other) != row) continue;
        return base::failure(Errc::conflict,
                             "transaction " + crypto::to_hex(id.hash) + " waits to do the same",
                             "mempool", "wait until that one is final or expired");
    }
    return {};
}

/// A coin that is missing may be one that a transaction in here spends.
Error Mempool::explain_missing_coin(const wire::WireTransaction& transaction, wire::Slot slot,
                                    const Error& reason) const {
    const ledger::CoinOverlay::BeforeSpends unspent(coins_);
    const auto checked = ledger::check(chain_, transaction, slot, unspent, *this);
    if (!checked) return checked.error().code == Errc::not_found ? reason : checked.error();
    if (entries_.contains(checked->txid)) {
        return {Errc::exists,
                "transaction " + crypto::to_hex(checked->txid.hash) + " waits already", "mempool",
                ""};
    }
    return {Errc::conflict, "a waiting transaction spends a coin of it", "mempool",
            "wait until that one is final or expired"};
}

std::expected<const CheckedTransaction*, Error> Mempool::admit(CheckedTransaction transaction,
                                                               const Ingress& from) {
    Newcomer newcomer{std::move(transaction), from, {}};
    newcomer.parents = parents_of(newcomer.transaction);
    const Family kept = relatives(newcomer.parents, &Entry::parents);
    MESH_CHECK(check_chain(kept));
    const std::optional<Family> victims = find_victims(newcomer, kept);
    if (!victims) {
        return base::failure(Errc::full,
                             "a fee of " + std::to_string(newcomer.transaction.fee.units) +
                                 " for " + std::to_string(newcomer.transaction.shortest_bytes) +
                                 " bytes is below what others pay",
                             "mempool", "pay a higher fee, or try later");
    }
    MESH_CHECK(spend_and_create(newcomer.transaction));
    evicted_count_ += victims->size();
    remove_all(*victims);
    return insert(std::move(newcomer));
}

std::expected<void, Error> Mempool::check_chain(const Family& ancestors) const {
    bool fits = ancestors.size() < limits_.chain_max;
    for (const wire::Txid& id : ancestors) {
        fits = fits && descendants(id).size() < limits_.chain_max;
    }
    if (fits) return {};
    return base::failure(
        Errc::full,
        "over " + std::to_string(limits_.chain_max) + " waiting transactions depend on one another",
        "mempool", "wait for the next block");
}

std::optional<Mempool::Quota> Mempool::exceeded(const Newcomer& newcomer,
                                                const Family& doomed) const {
    const auto doomed_in = [&](const Quota& quota) {
        return static_cast<std::size_t>(std::ranges::count_if(
            doomed, [&](const wire::Txid& id) { return quota.covers(entry(id)); }));
    };
    for (const crypto::PublicKey& key : keys_of(newcomer.transaction)) {
        const Quota quota{key, {}};
        if (count_of(key_counts_, key) - doomed_in(quota) >= limits_.per_key_max) return quota;
    }
    if (newcomer.from) {
        const Quota quota{{}, newcomer.from};
        const std::size_t count = count_of(ingress_counts_, *newcomer.from);
        if (count - doomed_in(quota) >= limits_.per_ingress_max) return quota;
    }
    std::size_t bytes = bytes_ + newcomer.transaction.shortest_bytes;
    for (const wire::Txid& id : doomed) bytes -= entry(id).transaction.shortest_bytes;
    const std::size_t count = size() - doomed.size();
    if (count >= limits_.transactions_max || bytes > limits_.bytes_max) return Quota{};
    return std::nullopt;
}

/// What has to leave so that the newcomer fits: always what scores below it, and nothing that it
/// depends on. Nothing is removed yet, so a newcomer that does not get in displaces nobody.
std::optional<Mempool::Family> Mempool::find_victims(const Newcomer& newcomer,
                                                     const Family& kept) const {
    const FeeRate rate = rate_of(newcomer.transaction);
    Family doomed;
    while (const auto quota = exceeded(newcomer, doomed)) {
        const auto victim = std::ranges::find_if(by_score_, [&](const Rank& rank) {
            return rank.score >= rate ||
                   (!kept.contains(rank.txid) && !doomed.contains(rank.txid) &&
                    quota->covers(entry(rank.txid)));
        });
        if (victim == by_score_.end() || victim->score >= rate) return std::nullopt;
        doomed.merge(descendants(victim->txid));
    }
    return doomed;
}

std::expected<void, Error> Mempool::spend_and_create(const CheckedTransaction& transaction) {
    const auto& inputs = transaction.transaction.body.inputs;
    for (const wire::Input& input : inputs) coins_.spend(input.outpoint);
    const std::vector<ledger::Coin> coins = created_coins(transaction);
    for (auto coin = coins.begin(); coin != coins.end(); ++coin) {
        if (auto created = coins_.create(*coin); !created) {
            while (coin != coins.begin()) coins_.uncreate((--coin)->outpoint);
            for (const wire::Input& input : inputs) coins_.unspend(input.outpoint);
            return created;
        }
    }
    return {};
}

const CheckedTransaction* Mempool::insert(Newcomer newcomer) {
    const wire::Txid id = newcomer.transaction.txid;
    for (const wire::Txid& parent : newcomer.parents) entry(parent).children.insert(id);
    for (const wire::Input& input : newcomer.transaction.transaction.body.inputs) {
        MESH_ASSERT(spenders_.emplace(input.outpoint, id).second);
    }
    for (const crypto::PublicKey& key : keys_of(newcomer.transaction)) ++key_counts_[key];
    if (newcomer.from) ++ingress_counts_[*newcomer.from];
    by_wtxid_.emplace(newcomer.transaction.wtxid, id);
    bytes_ += newcomer.transaction.shortest_bytes;

    const FeeRate rate = rate_of(newcomer.transaction);
    const std::uint64_t arrival = arrivals_++;
    by_score_.insert({rate, arrival, id});
    const auto inserted = entries_.emplace(id, Entry{std::move(newcomer.transaction),
                                                     newcomer.from,
                                                     arrival,
                                                     std::move(newcomer.parents),
                                                     {},
                                                     rate});
    MESH_ASSERT(inserted.second);
    for (const wire::Txid& ancestor : ancestors(id)) rescore(ancestor);
    return &inserted.first->second.transaction;
}

void Mempool::rescore(const wire::Txid& id) {
    Entry& scored = entry(id);
    FeeRate package{0, 0};
    for (const wire::Txid& descendant : descendants(id)) {
        package.fee += entry(descendant).transaction.fee.units;
        package.bytes += entry(descendant).transaction.shortest_bytes;
    }
    MESH_ASSERT(by_score_.erase({scored.score, scored.arrival, id}) == 1);
    scored.score = std::max(rate_of(scored.transaction), package);
    by_score_.insert({scored.score, scored.arrival, id});
}

void Mempool::remove(const wire::Txid& id) {
    Family above = ancestors(id);
    above.erase(id);
    const auto found = entries_.find(id);
    const Entry gone = std::move(found->second);
    entries_.erase(found);
    by_score_.erase({gone.score, gone.arrival, id});
    by_wtxid_.erase(gone.transaction.wtxid);
    bytes_ -= gone.transaction.shortest_bytes;
    for (const wire::Txid& parent : gone.parents) entry(parent).children.erase(id);
    for (const wire::Txid& child : gone.children) entry(child).parents.erase(id);
    for (const wire::Input& input : gone.transaction.transaction.body.inputs) {
        spenders_.erase(input.outpoint);
        coins_.unspend(input.outpoint);
    }
    for (const ledger::Coin& coin : created_coins(gone.transaction)) {
        coins_.uncreate(coin.outpoint);
    }
    for (const crypto::PublicKey& key : keys_of(gone.transaction)) count_down(key_counts_, key);
    if (gone.from) count_down(ingress_counts_, *gone.from);
    for (const wire::Txid& ancestor : above) rescore(ancestor);
}

std::vector<wire::Txid> Mempool::remove_all(const Family& doomed) {
    std::vector<wire::Txid> removed;
    for (const Entry* victim : in_order(doomed)) removed.push_back(victim->transaction.txid);
    for (auto id = removed.rbegin(); id != removed.rend(); ++id) remove(*id);
    return removed;
}

std::vector<wire::Txid> Mempool::remove_included(const ledger::BlockEffects& block) {
    Family doomed;
    for (const CheckedTransaction& included : block.transactions) {
        included_.push_back({included.wtxid, included.shortest});
        if (included_.size() > limits_.included_max) included_.pop_front();
        if (entries_.contains(included.txid)) remove(included.txid);
        for (const wire::Input& input : included.transaction.body.inputs) {
            const auto spender = spenders_.find(input.outpoint);
            if (spender != spenders_.end()) doomed.merge(descendants(spender->second));
        }
    }
    if (!block.stakes.empty()) doomed.merge(impossible_operations());
    return remove_all(doomed);
}

/// Operations that the stakes of the tip do not allow any more, and what depends on them.
Mempool::Family Mempool::impossible_operations() const {
    Family doomed;
    for (const auto& [id, waiting] : entries_) {
        const auto& operation = waiting.transaction.transaction.body.operation;
        if (!operation) continue;
        ledger::StakeBook book(*chain_coins_);
        const auto possible = ledger::run(chain_, *operation, book);
        if (!possible && ledger::is_rule_violation(possible.error())) {
            doomed.merge(descendants(id));
        }
    }
    return doomed;
}

std::vector<wire::Txid> Mempool::remove_expired(wire::Slot slot) {
    Family doomed;
    for (const auto& [id, waiting] : entries_) {
        if (waiting.transaction.transaction.body.expiry.units < expiry_units(slot)) {
            doomed.merge(descendants(id));
        }
    }
    return remove_all(doomed);
}

std::vector<wire::Txid> Mempool::put_back(std::span<const CheckedTransaction> reverted,
                                          wire::Slot slot) {
    std::vector<std::pair<wire::WireTransaction, Ingress>> all;
    Family missing;
    Remembered verified;
    const auto keep = [&](const CheckedTransaction& transaction, const Ingress& from) {
        // A report is its proposer's own: it comes again from the proof that the engine keeps.
        if (transaction.transaction.body.inputs.empty()) return;
        // The long form does not depend on which coins share a short outpoint on the new tip.
        all.emplace_back(transaction.transaction, from);
        missing.insert(transaction.txid);
        verified.add(transaction.wtxid);
    };
    for (const CheckedTransaction& transaction : reverted) keep(transaction, {});
    Family held;
    for (const auto& [id, waiting] : entries_) held.insert(id);
    for (const Entry* waiting : in_order(held)) keep(waiting->transaction, waiting->from);

    const std::uint64_t evicted = evicted_count_;
    *this = Mempool(chain_, *chain_coins_, limits_);
    evicted_count_ = evicted;
    for (const auto& [transaction, from] : all) {
        auto checked = ledger::check(chain_, transaction, slot, coins_, verified);
        if (!checked) continue;
        const auto admitted = admit(*std::move(checked), from);
        if (admitted) missing.erase((*admitted)->txid);
    }
    return {missing.begin(), missing.end()};
}

std::vector<const CheckedTransaction*> Mempool::select(std::size_t bytes_limit,
                                                       wire::Slot slot) const {
    struct Package {
        FeeRate rate;  ///< of the transaction with its ancestors, which it brings along
        const Entry* last;
    };
    std::vector<Package> packages;
    for (const auto& [id, waiting] : entries_) {
        Package package{{0, 0}, &waiting};
        bool valid = true;
        for (const wire::Txid& ancestor : ancestors(id)) {
            const CheckedTransaction& member = entry(ancestor).transaction;
            package.rate.fee += member.fee.units;
            package.rate.bytes += member.shortest_bytes;
            valid = valid && is_valid_at(member.transaction.body.expiry, slot);
        }
        if (valid) packages.push_back(package);
    }
    std::ranges::sort(packages, [](const Package& a, const Package& b) {
        return a.rate != b.rate ? a.rate > b.rate : a.last->arrival < b.last->arrival;
    });

    std::vector<const CheckedTransaction*> selected;
    Family taken;
    for (const Package& package : packages) {
        Family needed = ancestors(package.last->transaction.txid);
        std::erase_if(needed, [&](const wire::Txid& id) { return taken.contains(id); });
        std::size_t bytes = 0;
        for (const wire::Txid& id : needed) bytes += entry(id).transaction.shortest_bytes;
        if (bytes > bytes_limit ||
            selected.size() + needed.size() > wire::BlockAnnouncement::transactions_max) {
            continue;
        }
        bytes_limit -= bytes;
        for (const Entry* member : in_order(needed)) selected.push_back(&member->transaction);
        taken.merge(needed);
    }
    return selected;
}

const CheckedTransaction* Mempool::find(const wire::Txid& id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second.transaction;
}

Mempool::Matched Mempool::match(const wire::Hash& block_hash,
                                std::span<const std::uint32_t> short_ids) const {
    struct Candidate {
        wire::Wtxid wtxid;
        const wire::WireTransaction* shortest;  ///< none: several have this id
    };
    std::map<std::uint32_t, Candidate> by_short_id;
    const auto add = [&](const wire::Wtxid& wtxid, const wire::WireTransaction& shortest) {
        const auto [at, inserted] =
            by_short_id.emplace(wire::short_id(block_hash, wtxid), Candidate{wtxid, &shortest});
        if (!inserted && at->second.wtxid != wtxid) at->second.shortest = nullptr;
    };
    for (const auto& [wtxid, txid] : by_wtxid_) add(wtxid, find(txid)->shortest);
    for (const Included& included : included_) add(included.wtxid, included.shortest);
    Matched result{std::vector<std::optional<wire::WireTransaction>>(short_ids.size()), {}};
    std::vector<wire::Hash> leaves;
    for (std::size_t i = 0; i < short_ids.size(); ++i) {
        const auto found = by_short_id.find(short_ids[i]);
        if (found == by_short_id.end() || found->second.shortest == nullptr) continue;
        result.transactions[i] = *found->second.shortest;
        leaves.push_back(found->second.wtxid.hash);
    }
    if (leaves.size() == short_ids.size()) result.root = crypto::merkle_root(leaves);
    return result;
}

const Mempool::Entry& Mempool::entry(const wire::Txid& id) const {
    const auto found = entries_.find(id);
    MESH_ASSERT(found != entries_.end());
    return found->second;
}

Mempool::Entry& Mempool::entry(const wire::Txid& id) {
    const auto found = entries_.find(id);
    MESH_ASSERT(found != entries_.end());
    return found->second;
}

Mempool::Family Mempool::relatives(const Family& first, Family Entry::* direction) const {
    Family found = first;
    std::vector<wire::Txid> open(first.begin(), first.end());
    while (!open.empty()) {
        const wire::Txid id = open.back();
        open.pop_back();
        for (const wire::Txid& next : entry(id).*direction) {
            if (found.insert(next).second) open.push_back(next);
        }
    }
    return found;
}

Mempool::Family Mempool::parents_of(const CheckedTransaction& transaction) const {
    Family parents;
    for (const wire::Input& input : transaction.transaction.body.inputs) {
        if (coins_.is_created(input.outpoint)) parents.insert(input.outpoint.txid);
    }
    return parents;
}

std::vector<const Mempool::Entry*> Mempool::in_order(const Family& ids) const {
    std::vector<const Entry*> result;
    for (const wire::Txid& id : ids) result.push_back(&entry(id));
    std::ranges::sort(result, {}, &Entry::arrival);
    return result;
}

void Mempool::check_invariants() const {
    MESH_ASSERT(size() <= limits_.transactions_max && bytes_ <= limits_.bytes_max);
    MESH_ASSERT(by_score_.size() == size() && by_wtxid_.size() == size());
    std::size_t bytes = 0;
    std::size_t inputs = 0;
    for (const auto& [id, waiting] : entries_) {
        const auto& body = waiting.transaction.transaction.body;
        bytes += waiting.transaction.shortest_bytes;
        inputs += body.inputs.size();
        MESH_ASSERT(by_score_.contains({waiting.score, waiting.arrival, id}));
        MESH_ASSERT(by_wtxid_.at(waiting.transaction.wtxid) == id);
        MESH_ASSERT(waiting.parents == parents_of(waiting.transaction));
        MESH_ASSERT(ancestors(id).size() <= limits_.chain_max);
        MESH_ASSERT(descendants(id).size() <= limits_.chain_max);
        for (const wire::Txid& parent : waiting.parents) {
            MESH_ASSERT(entry(parent).children.contains(id));
            MESH_ASSERT(entry(parent).arrival < waiting.arrival);
        }
        for (const wire::Input& input : body.inputs) {
            MESH_ASSERT(spenders_.at(input.outpoint) == id && coins_.is_spent(input.outpoint));
        }
    }
    MESH_ASSERT(bytes == bytes_ && inputs == spenders_.size());
    for (const auto& [key, count] : key_counts_) MESH_ASSERT(count <= limits_.per_key_max);
    for (const auto& [peer, count] : ingress_counts_) MESH_ASSERT(count <= limits_.per_ingress_max);
}

}  // namespace meshchain::chain
