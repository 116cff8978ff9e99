#include "sim/final_history.h"

#include <algorithm>

#include "chain/stored_values.h"
#include "chain/tables.h"

namespace meshchain::sim {

FinalHistory::FinalHistory(const ledger::Genesis& genesis, std::size_t machines, Findings& findings,
                           std::set<crypto::PublicKey> dishonest)
    : chain_(ledger::chain_id(genesis)),
      supply_(ledger::supply(genesis)->units),
      stakes_(genesis, std::move(dishonest), findings),
      testimonies_(stakes_, findings),
      findings_(findings),
      seen_(machines, 0),
      seen_before_(machines, 0) {
    for (const ledger::Coin& coin : ledger::genesis_coins(genesis)) {
        coins_.emplace(coin.outpoint, coin.output);
    }
    if (genesis.stakes) return;
    for (const auto& validator : genesis.validators) fixed_stakes_ += validator.stake.units;
}

void FinalHistory::complain(std::size_t machine, std::string rule, std::string text) {
    findings_.add(std::move(rule), "machine " + std::to_string(machine) + ": " + std::move(text));
}

void FinalHistory::note_fork(std::size_t machine, std::string text) {
    forked_.insert(machine);
    if (!expects_forks_) complain(machine, "final-prefix", std::move(text));
}

void FinalHistory::look(std::size_t machine, const node::Node& node, base::Now now) {
    const node::StatusView status = node.status(now);
    const std::uint32_t final = status.final_height.value;
    if (forked_.contains(machine)) return;
    if (final < seen_[machine]) {
        complain(machine, "final-stays",
                 "said that height " + std::to_string(seen_[machine]) + " is FINAL, and now " +
                     std::to_string(final));
    }
    const std::uint32_t before = seen_[machine];
    follow(machine, node, status);
    if (seen_[machine] > before) seen_before_[machine] = before;
}

void FinalHistory::follow(std::size_t machine, const node::Node& node,
                          const node::StatusView& status) {
    const std::uint32_t final = status.final_height.value;
    if (status.role == wire::Role::light) {
        if (seen_[machine] < final) look_at_proof(machine, final, status.final_block);
        seen_[machine] = std::max(seen_[machine], final);
        return;
    }
    while (seen_[machine] < final && !forked_.contains(machine)) {
        const std::uint32_t next = seen_[machine] + 1;
        // Where only a damaged disk has come so far, another machine has to show it first.
        if (!look_at_block(machine, node, next, status.history_start.value)) return;
        seen_[machine] = next;
    }
}

void FinalHistory::look_at_proof(std::size_t machine, std::uint32_t height,
                                 const wire::Hash& block) {
    if (height > blocks_.size()) {
        proofs_[{height, machine}] = block;
    } else if (height > 0 && blocks_[height - 1] != block) {
        note_fork(machine,
                  "has a proof that another block is FINAL at height " + std::to_string(height));
    }
}

void FinalHistory::look_again(std::size_t machine, const node::Node& node, base::Now now) {
    seen_[machine] = 0;
    look(machine, node, now);
    if (forked_.contains(machine)) return;
    for (const auto& [txid, height] : transactions_) {
        if (height > seen_[machine]) continue;
        const auto view = node.transaction(txid);
        if (view && view->certainty == node::Certainty::final) continue;
        if (!view && is_excused(machine, view.error())) continue;
        complain(machine, "final-stays",
                 "does not call transaction " + crypto::to_hex(txid.hash) + " of height " +
                     std::to_string(height) + " FINAL");
    }
}

bool FinalHistory::look_at_block(std::size_t machine, const node::Node& node, std::uint32_t height,
                                 std::uint32_t history_start) {
    const auto block = node.block(wire::Height{height});
    if (!block) {
        // Pruned, or never fetched: it says so, and somebody has shown the block before.
        if (height <= history_start && height <= blocks_.size()) return true;
        if (is_excused(machine, block.error())) return height <= blocks_.size();
        complain(machine, "final-known",
                 "has no block at its FINAL height " + std::to_string(height) + ": " +
                     base::sentence(block.error()));
    } else if (height == blocks_.size() + 1) {
        return append(machine, node, *block);
    } else if (height > blocks_.size() || blocks_[height - 1] != block->hash) {
        note_fork(machine, "another block is FINAL at height " + std::to_string(height) + ": " +
                               crypto::to_hex(block->hash));
    }
    return true;
}

bool FinalHistory::append(std::size_t machine, const node::Node& node,
                          const node::BlockView& block) {
    const auto is_damaged = [&](const wire::Txid& txid) {
        const auto view = node.transaction(txid);
        return !view && is_excused(machine, view.error());
    };
    if (std::ranges::any_of(block.transactions, is_damaged)) return false;
    const wire::Hash& parent = blocks_.empty() ? chain_ : blocks_.back();
    if (block.header.parent != parent) {
        note_fork(machine, "the FINAL block at height " + std::to_string(blocks_.size() + 1) +
                               " is no child of the one before");
    }
    blocks_.push_back(block.hash);
    while (!proofs_.empty() && proofs_.begin()->first.first <= blocks_.size()) {
        const auto [height, light] = proofs_.begin()->first;
        look_at_proof(light, height, proofs_.begin()->second);
        proofs_.erase(proofs_.begin());
    }
    testimonies_.begin(block.header);
    stakes_.begin(block.header);
    for (const wire::Txid& txid : block.transactions) {
        const auto view = node.transaction(txid);
        if (!view || !view->transaction) {
            complain(machine, "final-known",
                     "cannot show the FINAL transaction " + crypto::to_hex(txid.hash));
            continue;
        }
        apply(txid, *view->transaction);
    }
    stakes_.end();
    return true;
}

void FinalHistory::apply(const wire::Txid& txid, const wire::Transaction& transaction) {
    const auto height = static_cast<std::uint32_t>(blocks_.size());
    const std::string what = "transaction " + crypto::to_hex(txid.hash) + " ";
    if (!transactions_.emplace(txid, height).second) findings_.add("spent-once", what + "twice");
    const auto& operation = transaction.body.operation;
    std::uint64_t in = operation ? wire::released(*operation).units : 0;
    for (const wire::Input& input : transaction.body.inputs) {
        const auto coin = coins_.find(input.outpoint);
        if (coin == coins_.end() || coin->second.amount != input.amount) {
            findings_.add("spent-once", what + "spends a coin that is not there");
            continue;
        }
        in += input.amount.units;
        coins_.erase(coin);
    }
    std::uint64_t out = transaction.body.fee.amount().units;
    if (operation) out += wire::bound(*operation).units;
    std::uint16_t index = 0;
    for (const wire::Output& output : transaction.body.outputs) {
        out += output.amount.units;
        coins_.emplace(wire::Outpoint{txid, index++}, output);
    }
    if (in != out) {
        findings_.add("supply",
                      what + "takes " + std::to_string(in) + " and gives " + std::to_string(out));
    }
    stakes_.apply(transaction.body, what);
    if (!operation) return;
    if (const auto* said = std::get_if<wire::Testimony>(&*operation)) testimonies_.apply(*said);
}

namespace {

/// Nothing when the disk is damaged, and says so.
std::optional<ledger::StakeRows> stake_rows(kv::Store& store) {
    ledger::StakeRows rows;
    const auto read =
        store.scan({.table = chain::tables::stakes}, [&](base::Bytes key, base::Bytes value) {
            rows.emplace(base::to_buffer(key), base::to_buffer(value));
            return true;
        });
    if (!read) return std::nullopt;
    return rows;
}

/// Those that can be read; that a damaged disk has others is not for here.
std::vector<wire::Roster> rosters(kv::Store& store) {
    std::vector<wire::Roster> all;
    const auto first = chain::roster_key(0);
    const auto read =
        store.scan({.table = chain::tables::epochs}, [&](base::Bytes key, base::Bytes value) {
            const bool is_roster = key.size() == first.size() && key.front() == first.front();
            auto roster = is_roster ? wire::parse_roster(value)
                                    : base::failure(base::Errc::not_found, "", "");
            if (roster) all.push_back(*std::move(roster));
            return true;
        });
    if (!read) all.clear();
    return all;
}

}  // namespace

void FinalHistory::check_stakes(std::size_t machine, kv::Store& store) {
    const auto rows = stake_rows(store);
    if (!rows || rows->empty()) return;
    const std::string whose = "machine " + std::to_string(machine);
    stakes_.compare(whose, *rows);
    for (const auto& roster : rosters(store)) testimonies_.compare(whose, roster);
}

void FinalHistory::check_supply(std::size_t machine, kv::Store& store) {
    std::uint64_t sum = fixed_stakes_;
    const auto rows = stake_rows(store);
    if (rows && !rows->empty()) {
        const auto total = ledger::stake_total(*rows);
        if (total) {
            sum += total->units;
        } else {
            complain(machine, "supply", base::sentence(total.error()));
        }
    }
    const auto coins = store.scan({.table = chain::tables::coins}, [&](base::Bytes, base::Bytes v) {
        const auto output = chain::parse_output(v);
        if (output) sum += output->amount.units;
        return output.has_value();
    });
    const auto fees = store.scan({.table = chain::tables::fees}, [&](base::Bytes, base::Bytes v) {
        const auto amount = chain::parse_amount(v);
        if (amount) sum += amount->units;
        return amount.has_value();
    });
    if (!coins || !fees) return;  // the disk is damaged, and says so
    if (sum != supply_) {
        complain(machine, "supply",
                 "holds " + std::to_string(sum) + " units of " + std::to_string(supply_));
    }
}

}  // namespace meshchain::sim
