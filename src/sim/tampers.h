#pragma once
// How a node of ours becomes an attacker: its owner filters what comes in and goes out. The rest is
// the real node, so these attackers know the protocol as well as we do.
//
// Twins are those of Bano et al., "Twins: BFT Systems Made Robust" (2021): one key, two nodes, each
// deaf to what the other signs and to half of all transactions and blocks, each with an audience of
// its own. So they vote twice and propose twice, with all the skill of an honest node.

#include <set>

#include "ledger/genesis.h"
#include "sim/machine.h"
#include "wire/frame.h"

namespace meshchain::sim {

class TwinTamper final : public Tamper {
public:
    /// `genesis` outlives it.
    TwinTamper(bool is_second, std::set<std::size_t> audience, const ledger::Genesis& genesis,
               const crypto::PublicKey& validating_key);

    bool talks_to(std::size_t machine) const override { return audience_.contains(machine); }
    bool lets_in(base::Bytes datagram) override;
    std::optional<base::Duration> lets_out(const std::optional<base::LinkAddress>&,
                                           base::Bytes) override {
        return base::Duration{};
    }

private:
    bool is_for_other(base::Bytes payload) const;

    bool is_second_;
    std::set<std::size_t> audience_;
    wire::ValidatorIndex self_;
};

/// Messages of some types leave late, or never.
class MuteTamper final : public Tamper {
public:
    MuteTamper(std::set<wire::MessageType> types, std::optional<base::Duration> held)
        : types_(std::move(types)), held_(held) {}

    bool talks_to(std::size_t) const override { return true; }
    bool lets_in(base::Bytes) override { return true; }
    std::optional<base::Duration> lets_out(const std::optional<base::LinkAddress>& to,
                                           base::Bytes datagram) override;
    std::uint64_t acts() const override { return acts_; }

private:
    std::uint64_t acts_ = 0;
    std::set<wire::MessageType> types_;
    std::optional<base::Duration> held_;
};

}  // namespace meshchain::sim
