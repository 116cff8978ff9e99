#pragma once
// What a wallet is told about the chain, in values of wire: it knows no ledger.

#include <span>
#include <vector>

#include "wire/transaction.h"

namespace meshchain::wallet {

struct TransactionChange {
    wire::Txid txid;
    wire::TransactionBody body;
    std::vector<wire::Output> spent;  ///< the coins of body.inputs, in their order
};

/// A block put on top of the chain. Genesis is one too: height 0, slot 0, hash and the single txid
/// the chain id, no inputs, its allocations as outputs.
struct BlockChange {
    wire::Height height;
    wire::Slot slot;
    wire::Hash hash;
    std::vector<TransactionChange> transactions;
};

}  // namespace meshchain::wallet
