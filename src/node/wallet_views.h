#pragma once
// What a node says about its wallet, as plain values (see node/views.h).

#include "node/views.h"
#include "wallet/coin.h"

namespace meshchain::node {

/// How far the wallet has read the chain that the node follows.
struct ScanView {
    wire::Height height;  ///< read up to here, or genesis
    wire::Height target;  ///< the node's tip
    bool reading = false;
    std::uint32_t percent() const {
        return target.value == 0
                   ? 100
                   : static_cast<std::uint32_t>(100 * std::uint64_t{height.value} / target.value);
    }
};

struct PaymentHistoryView {
    wallet::HistoryEntry entry;
    Certainty certainty = Certainty::unknown;
    std::uint32_t live_percent = 0;
    std::optional<base::WallTime> expires;  ///< of a payment that is in no block
};

/// Fees for a payment of usual size, by what waits in the mempool now.
struct FeesView {
    wire::FeeCode low;     ///< for who can wait
    wire::FeeCode normal;  ///< the next block has room for it
    wire::FeeCode high;    ///< before all that waits now
};

}  // namespace meshchain::node
