#pragma once
// Attackers that lie about themselves: whom they hear directly, and the secret that they were bound
// to (docs/decisions/0134-testimony.md). Everything else they do by the rules, so nothing that they
// sign could be slashed, and no quorum is the worse for it. What they want is to lead more often.

#include "consensus/witness.h"
#include "sim/machine.h"

namespace meshchain::sim {

/// Lets everything pass: what it does happens inside the node.
class WitnessTamper : public Tamper, public consensus::Witness {
public:
    bool talks_to(std::size_t) const final { return true; }
    bool lets_in(base::Bytes) final { return true; }
    std::optional<base::Duration> lets_out(const std::optional<base::LinkAddress>&,
                                           base::Bytes) final {
        return base::Duration{};
    }
    consensus::Witness* witness() final { return this; }
    std::uint64_t acts() const final { return acts_; }

protected:
    void count() { ++acts_; }

private:
    std::uint64_t acts_ = 0;
};

/// Its votes claim what suits it, and so do the testimonies that are made of them. Each vote that
/// states something else than the truth counts.
class LyingTamper final : public WitnessTamper {
public:
    enum class Claim : std::uint8_t { everybody, nobody, friends };
    /// `friends`: seats of those who lie as well.
    LyingTamper(Claim claim, consensus::ValidatorBits friends) : claim_(claim), friends_(friends) {}

    consensus::ValidatorBits states(consensus::ValidatorBits heard,
                                    consensus::ValidatorBits others) override;
    bool testifies(std::uint32_t) override { return true; }

private:
    Claim claim_;
    consensus::ValidatorBits friends_;
};

/// Testifies in every other epoch, and so is bound in those in which it says nothing: then the seed
/// is drawn without the secret that it committed to. Each such epoch in which it made a block
/// counts.
class SecretiveTamper final : public WitnessTamper {
public:
    consensus::ValidatorBits states(consensus::ValidatorBits heard,
                                    consensus::ValidatorBits) override {
        return heard;
    }
    bool testifies(std::uint32_t epoch) override;

private:
    std::optional<std::uint32_t> withheld_in_;
};

}  // namespace meshchain::sim
