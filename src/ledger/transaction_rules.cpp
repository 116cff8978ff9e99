#include "ledger/transaction_rules.h"

#include <algorithm>
#include <ranges>

#include "ledger/stake_rules.h"

namespace meshchain::ledger {
namespace {

using base::Errc;
using base::Error;
using wire::Amount;
using wire::Output;

std::string units(Amount amount) { return std::to_string(amount.units) + " units"; }

std::string describe(const wire::Outpoint& outpoint) {
    return crypto::to_hex(outpoint.txid.hash) + ":" + std::to_string(outpoint.index);
}

/// What is judged: a body, the coins of its inputs and the signatures.
struct Candidate {
    const wire::TransactionBody& body;
    const std::vector<crypto::Signature>& signatures;
    const std::vector<Output>& coins;
};

std::expected<void, Error> check_expiry(wire::Expiry expiry, wire::Slot slot) {
    if (is_valid_at(expiry, slot)) return {};
    const std::uint32_t now = expiry_units(slot);
    const std::string what = "expiry " + std::to_string(expiry.units) + " at slot " +
                             std::to_string(slot.value) + ", where " + std::to_string(now) +
                             " to " + std::to_string(now + wire::Expiry::units_ahead_max) +
                             " is valid";
    if (expiry.units < now) {
        return base::failure(Errc::stale, what, "transaction", "issue it again from the same coin");
    }
    return base::failure(Errc::future, what, "transaction", "choose an earlier expiry");
}

/// Inputs equal outputs plus fee, and no sum leaves the range of amounts on the way.
std::expected<void, Error> check_amounts(const wire::TransactionBody& body) {
    std::optional<Amount> in = Amount{};
    for (const wire::Input& input : body.inputs) {
        if (in) in = add(*in, input.amount);
    }
    std::optional<Amount> out = body.fee.amount();
    if (body.operation) {
        if (in) in = add(*in, released(*body.operation));
        out = add(*out, bound(*body.operation));
    }
    for (const Output& output : body.outputs) {
        if (output.amount.units == 0) {
            return base::failure(Errc::invalid_argument, "an output of 0 units", "transaction");
        }
        if (out) out = add(*out, output.amount);
    }
    if (!in || !out) {
        return base::failure(Errc::invalid_argument, "a sum over the supply", "transaction");
    }
    if (*in != *out) {
        return base::failure(Errc::invalid_argument,
                             "spends " + units(*in) + " but pays " + units(*out) + " with its fee",
                             "transaction");
    }
    return {};
}

/// Calls `judge` with one signature per input, by the coin's owner, until it says no. The owner of
/// neighbouring inputs signs the same bytes with the same result, which is judged once.
template <class Judge>
bool each_signature(const Candidate& candidate, Judge&& judge) {
    for (std::size_t i = 0; i < candidate.coins.size(); ++i) {
        const crypto::PublicKey& owner = candidate.coins[i].owner;
        const crypto::Signature& signature = candidate.signatures[i];
        if (i > 0 && owner == candidate.coins[i - 1].owner &&
            signature == candidate.signatures[i - 1]) {
            continue;
        }
        if (!judge(owner, signature)) return false;
    }
    if (!candidate.body.operation) return true;
    auto signature = candidate.signatures.begin() + std::ssize(candidate.coins);
    return std::ranges::all_of(authorities(*candidate.body.operation),
                               [&](const auto& key) { return judge(key, *signature++); });
}

bool signatures_good(const Candidate& candidate, base::Bytes preimage) {
    return each_signature(candidate, [&](const auto& owner, const auto& signature) {
        return crypto::verify(owner, preimage, signature);
    });
}

void judge_later(const Candidate& candidate, base::Buffer preimage, SignatureQueue& later) {
    const base::Bytes kept = later.keep(std::move(preimage));
    each_signature(candidate, [&](const auto& owner, const auto& signature) {
        later.add(owner, kept, signature);
        return true;
    });
}

/// The candidate with its ids, if its signatures are good.
std::optional<CheckedTransaction> check_signatures(const wire::ChainId& chain,
                                                   const Candidate& candidate,
                                                   const VerifiedSet& verified,
                                                   SignatureQueue* later) {
    base::Buffer preimage = wire::preimage(chain, candidate.body);
    const wire::Txid txid{crypto::hash(preimage)};
    const wire::Wtxid wtxid = wire::wtxid(txid, candidate.signatures);
    if (!verified.contains(wtxid)) {
        if (later != nullptr) {
            judge_later(candidate, std::move(preimage), *later);
        } else if (!signatures_good(candidate, preimage)) {
            return std::nullopt;
        }
    }
    CheckedTransaction result;
    result.transaction = {candidate.body, candidate.signatures};
    result.txid = txid;
    result.wtxid = wtxid;
    result.fee = candidate.body.fee.amount();
    result.spent = candidate.coins;
    return result;
}

std::expected<CheckedTransaction, Error> check_compact(const wire::ChainId& chain,
                                                       const wire::CompactTransfer& transfer,
                                                       wire::Slot slot, const CoinView& view,
                                                       const VerifiedSet& verified,
                                                       SignatureQueue* later) {
    const std::string position = "short outpoint " + base::to_hex(transfer.input.bytes);
    MESH_CHECK(check_expiry(expiry_from_low_bits(transfer.expiry_low, slot), slot));
    MESH_TRY(const Candidates candidates, view.candidates(transfer.input));
    if (candidates.empty()) {
        return base::failure(Errc::not_found, "no unspent coin at " + position, "transaction");
    }
    Error reason{Errc::invalid_argument, "the coin at " + position + " cannot pay it",
                 "transaction", ""};
    const std::vector signatures{transfer.signature};
    for (const wire::Outpoint& outpoint : candidates) {
        MESH_TRY(const std::optional<Output> coin, view.coin(outpoint));
        if (!coin) {
            return base::failure(Errc::corrupt, position + " names a coin that is not there",
                                 "coin view");
        }
        const auto body = expand(transfer, outpoint, *coin, slot);
        if (!body || !check_amounts(*body)) continue;
        const std::vector coins{*coin};
        SignatureQueue* const queue = candidates.size() == 1 ? later : nullptr;
        auto checked = check_signatures(chain, {*body, signatures, coins}, verified, queue);
        if (checked) {
            checked->shortest = transfer;
            checked->shortest_bytes = wire::CompactTransfer::size;
            return *std::move(checked);
        }
        reason = {Errc::bad_signature, "not signed by the owner of the coin at " + position,
                  "transaction", ""};
    }
    return std::unexpected(std::move(reason));
}

/// The coins of all inputs, each of which names another one and states its amount.
std::expected<std::vector<Output>, Error> find_coins(const std::vector<wire::Input>& inputs,
                                                     const CoinView& view) {
    std::vector<Output> coins;
    for (auto input = inputs.begin(); input != inputs.end(); ++input) {
        const std::string name = describe(input->outpoint);
        if (std::any_of(inputs.begin(), input, [&](const wire::Input& earlier) {
                return earlier.outpoint == input->outpoint;
            })) {
            return base::failure(Errc::invalid_argument, "spends " + name + " twice",
                                 "transaction");
        }
        MESH_TRY(const std::optional<Output> coin, view.coin(input->outpoint));
        if (!coin) {
            return base::failure(Errc::not_found, "no unspent coin at " + name, "transaction");
        }
        if (coin->amount != input->amount) {
            return base::failure(Errc::invalid_argument,
                                 "states " + units(input->amount) + " for " + name +
                                     ", which holds " + units(coin->amount),
                                 "transaction");
        }
        coins.push_back(*coin);
    }
    return coins;
}

std::expected<void, Error> check_counts(const wire::Transaction& transaction) {
    const std::size_t inputs = transaction.body.inputs.size();
    const std::size_t outputs = transaction.body.outputs.size();
    if (const auto& operation = transaction.body.operation) {
        const bool fits =
            wire::is_free(*operation)
                ? inputs == 0 && outputs == 0 && transaction.body.fee == wire::FeeCode{}
                : inputs >= 1 && inputs <= wire::operation_inputs_max &&
                      outputs <= wire::operation_outputs_max;
        if (fits && transaction.signatures.size() == inputs + authority_count(*operation)) {
            return {};
        }
    } else if (inputs >= 1 && inputs <= wire::inputs_max && outputs >= 1 &&
               outputs <= wire::outputs_max && transaction.signatures.size() == inputs) {
        return {};
    }
    return base::failure(Errc::invalid_argument,
                         std::to_string(inputs) + " inputs, " + std::to_string(outputs) +
                             " outputs and " + std::to_string(transaction.signatures.size()) +
                             " signatures",
                         "transaction");
}

std::expected<CheckedTransaction, Error> check_long(const wire::ChainId& chain,
                                                    const wire::Transaction& transaction,
                                                    wire::Slot slot, const CoinView& view,
                                                    const VerifiedSet& verified,
                                                    SignatureQueue* later) {
    const wire::TransactionBody& body = transaction.body;
    MESH_CHECK(check_counts(transaction));
    MESH_CHECK(check_expiry(body.expiry, slot));
    MESH_CHECK(check_amounts(body));
    MESH_TRY(const std::vector<Output> coins, find_coins(body.inputs, view));
    StakeBook book(view);
    if (body.operation) MESH_CHECK(run(chain, *body.operation, book));
    auto checked = check_signatures(chain, {body, transaction.signatures, coins}, verified, later);
    if (!checked) {
        return base::failure(Errc::bad_signature,
                             "not signed by the owner of every coin it spends, or not by who must "
                             "agree to its operation",
                             "transaction");
    }
    checked->stakes = std::move(book).take();
    if (auto shorter =
            body.operation ? std::nullopt : wire::compact(chain, transaction, coins.front())) {
        checked->shortest = *shorter;
    } else {
        checked->shortest = transaction;
    }
    checked->shortest_bytes = encoded_bytes(checked->shortest);
    return *std::move(checked);
}

}  // namespace

std::expected<CheckedTransaction, Error> check(const wire::ChainId& chain,
                                               const wire::WireTransaction& transaction,
                                               wire::Slot slot, const CoinView& coins,
                                               const VerifiedSet& verified, SignatureQueue* later) {
    if (const auto* transfer = std::get_if<wire::CompactTransfer>(&transaction)) {
        return check_compact(chain, *transfer, slot, coins, verified, later);
    }
    return check_long(chain, std::get<wire::Transaction>(transaction), slot, coins, verified,
                      later);
}

bool is_rule_violation(const Error& error) {
    switch (error.code) {
        case Errc::not_found:
        case Errc::bad_signature:
        case Errc::stale:
        case Errc::future:
        case Errc::invalid_argument:
        case Errc::conflict:
        case Errc::too_large: return true;
        default: return false;
    }
}

std::vector<Coin> created_coins(const CheckedTransaction& transaction) {
    std::vector<Coin> coins;
    std::uint16_t index = 0;
    for (const Output& output : transaction.transaction.body.outputs) {
        coins.push_back({{transaction.txid, index++}, output});
    }
    return coins;
}

}  // namespace meshchain::ledger
