#pragma once
// Attackers whose owner signs with the validator's own key what its node never said. The node
// itself is real and keeps to the rules, so what they say is well timed and fits the chain.
//
// A DoubleTamper tells every other machine another story: two votes of a round, two blocks of a
// slot. A ForkTamper proposes an empty block beside the one that its node would build on, so that
// what that one paid would be taken back. Neither needs a twin that hears others' clocks.

#include <map>
#include <set>

#include "ledger/genesis.h"
#include "sim/machine.h"
#include "wire/block.h"
#include "wire/frame.h"
#include "wire/vote.h"

namespace meshchain::sim {

/// Knows headers by what passes its port, and signs as the validator.
class SigningTamper : public Tamper {
public:
    SigningTamper(const ledger::Genesis& genesis, crypto::SigningKey key);

    bool talks_to(std::size_t) const override { return true; }
    bool lets_in(base::Bytes datagram) override;
    std::optional<base::Duration> lets_out(const std::optional<base::LinkAddress>&,
                                           base::Bytes datagram) override;
    std::uint64_t acts() const override { return acts_; }

protected:
    const wire::BlockHeader* header(const wire::Hash& block) const;
    bool is_own(const wire::Vote& vote) const;
    bool is_own(const wire::BlockHeader& header) const;
    void sign(wire::Vote& vote) const;
    void sign(wire::BlockHeader& header) const;
    /// The same frame with another payload.
    static base::Buffer with_payload(const wire::Frame& frame, base::Bytes payload);
    /// Each lie counts once, however many are told it.
    void count(const wire::Hash& lie);

private:
    void learn(base::Bytes datagram);

    wire::ChainId chain_;
    crypto::SigningKey key_;
    std::vector<crypto::PublicKey> seats_;
    std::map<wire::Hash, wire::BlockHeader> headers_;
    std::set<wire::Hash> told_;
    std::uint64_t acts_ = 0;
};

class DoubleTamper final : public SigningTamper {
public:
    using SigningTamper::SigningTamper;
    std::optional<base::Buffer> turn(const std::optional<base::LinkAddress>& to,
                                     base::Bytes datagram) override;
};

class ForkTamper final : public SigningTamper {
public:
    using SigningTamper::SigningTamper;
    /// It votes for nothing: its node's votes would tell of the block that it keeps to itself.
    std::optional<base::Duration> lets_out(const std::optional<base::LinkAddress>& to,
                                           base::Bytes datagram) override;
    std::optional<base::Buffer> turn(const std::optional<base::LinkAddress>& to,
                                     base::Bytes datagram) override;
};

/// Its votes and blocks leave so shortly before their time is over that some take them for timely
/// and others do not ("balancing" and "bouncing": Neu, Tas and Tse, 2021; Nakamura, 2019). It signs
/// nothing that could be slashed.
class BounceTamper final : public Tamper {
public:
    /// Slots are counted from `start`.
    BounceTamper(std::function<base::Instant()> now, base::Instant start, base::Duration slot,
                 base::Duration before)
        : now_(std::move(now)), start_(start), slot_(slot), before_(before) {}

    bool talks_to(std::size_t) const override { return true; }
    bool lets_in(base::Bytes) override { return true; }
    std::optional<base::Duration> lets_out(const std::optional<base::LinkAddress>&,
                                           base::Bytes datagram) override;
    std::uint64_t acts() const override { return acts_; }

private:
    std::function<base::Instant()> now_;
    base::Instant start_;
    base::Duration slot_;
    base::Duration before_;
    std::uint64_t acts_ = 0;
};

}  // namespace meshchain::sim
