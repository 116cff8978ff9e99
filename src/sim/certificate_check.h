#pragma once
// Counts again what an honest node holds as proof of its FINAL, by rules of its own: votes of the
// next round with exactly this source, of different validators, each with the stake that the node's
// roster gives it (StakeTally looks at the stakes), no proximity, of the block's own epoch and of
// the one before (PROTOCOL.md P3, docs/decisions/0131-epoch-of-a-quorum.md). It finds
//
//   quorum   a certificate whose voters hold two thirds of the stake or less
//
// Ownership: genesis and findings outlive it.
// Limits:    one hash a machine. What a node has pruned, or what its disk lost, is not counted.

#include <map>

#include "kv/store.h"
#include "ledger/genesis.h"
#include "sim/findings.h"
#include "wire/roster.h"

namespace meshchain::sim {

class CertificateCheck {
public:
    CertificateCheck(const ledger::Genesis& genesis, Findings& findings)
        : genesis_(&genesis), findings_(&findings) {}

    /// The newest certificate in the tables of this machine, once.
    void look(std::size_t machine, kv::Store& store);
    /// Certificates counted so far.
    std::size_t counted() const { return counted_; }

private:
    std::optional<wire::Roster> roster(kv::Store& store, std::uint32_t epoch) const;

    const ledger::Genesis* genesis_;
    Findings* findings_;
    std::map<std::size_t, wire::Hash> seen_;  ///< by machine
    std::size_t counted_ = 0;
};

}  // namespace meshchain::sim
