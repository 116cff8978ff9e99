#pragma once
// The demo's proof: every stopped node's store replayed from genesis (host/chain_audit.h), the
// results held against each other and against what was paid.

#include <span>

#include "meshchain/demo/payment_tracker.h"

namespace meshchain::app {

struct Accounts {
    std::uint32_t final_height = 0;       ///< the lowest of all nodes
    std::size_t payments_final = 0;       ///< in a FINAL block of every node
    std::size_t payments_while_down = 0;  ///< of those, sent while a node was dead
    std::vector<std::size_t> final_at;    ///< of each node: payments in its FINAL blocks
    bool tips_equal = false;
    bool coins_equal = false;
    bool supply_conserved = false;
    std::vector<std::string> problems;  ///< what did not agree, in sentences
};

Accounts settle(std::span<const DemoNode> nodes, const ledger::Genesis& genesis,
                std::span<const DemoPayment> payments);

}  // namespace meshchain::app
