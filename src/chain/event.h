#pragma once
// What the chain tells the node: typed results that the node turns into runtime events, wallet
// updates and scores (PROTOCOL.md P3a).

#include <variant>
#include <vector>

#include "chain/sync_progress.h"
#include "ledger/block_rules.h"
#include "wire/vote.h"

namespace meshchain::chain {

/// A block was executed and is the tip now.
struct BlockApplied {
    wire::Hash hash;
    wire::Height height;
    wire::Slot slot;
    bool own = false;  ///< proposed by this node
    std::vector<ledger::CheckedTransaction> transactions;
};
/// The tip was taken back; its transactions returned to the mempool where they still fit.
struct BlockReverted {
    wire::Hash hash;
    wire::Height height;
};
struct TransactionAccepted {
    ledger::CheckedTransaction transaction;
};
struct CheckpointJustified {
    wire::Checkpoint checkpoint;
};
/// Everything up to here is final.
struct CheckpointFinal {
    wire::Checkpoint checkpoint;
    wire::Height height;
};
/// This node led a slot.
struct ProposerSelected {
    wire::Slot slot;
};
/// This node voted.
struct BlockApproved {
    wire::Round round;
    wire::Hash target;
};
struct EvidenceFound {
    wire::ValidatorIndex validator;
};
struct SyncChanged {
    SyncState state;
};
/// A peer did not deliver, or delivered what does not verify.
struct PeerFault {
    crypto::PublicKey peer;
};
/// Consensus wants HELLOs exchanged, so that the clock can be checked.
struct HelloWanted {};
/// Of these validators one or more should say over several hops what their clocks show.
struct ClocksWanted {
    std::vector<crypto::PublicKey> validators;
};

using Event = std::variant<BlockApplied, BlockReverted, TransactionAccepted, CheckpointJustified,
                           CheckpointFinal, ProposerSelected, BlockApproved, EvidenceFound,
                           SyncChanged, PeerFault, HelloWanted, ClocksWanted>;

}  // namespace meshchain::chain
