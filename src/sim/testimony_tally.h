#pragma once
// What validators testified in the FINAL history, and what must have come of it in each election,
// counted outside the nodes (PROTOCOL.md P3 Epochs, Selection): how far each is heard, and who
// withheld the secret that it was bound to. It finds
//
//   testimony   a roster of a node that says anything else, or has other members
//
// Ownership: stakes and findings outlive it.
// Limits:    memory grows with the epochs.

#include "sim/stake_tally.h"
#include "wire/roster.h"

namespace meshchain::sim {

class TestimonyTally {
public:
    TestimonyTally(const StakeTally& stakes, Findings& findings)
        : stakes_(&stakes), findings_(&findings) {}

    /// The next FINAL block, before the stakes hear of it; then what its validator testifies.
    void begin(const wire::BlockHeader& header);
    void apply(const wire::Testimony& said);

    /// A node's roster says what the election of its epoch comes to here. One of an epoch that was
    /// not elected in this history is passed over.
    void compare(const std::string& whose, const wire::Roster& roster);

    /// 0 … 255, in the newest election; nothing for who is not in it.
    std::optional<unsigned> proximity(const crypto::PublicKey& key) const;
    /// In how many elections it counted as one that withheld.
    std::size_t withheld(const crypto::PublicKey& key) const;
    std::size_t elections() const { return elections_.size(); }

private:
    using Standing = wire::Roster::Standing;
    struct Said {
        crypto::PublicKey key;
        std::uint32_t epoch = 0;
        wire::Reception heard;
        bool revealed = false;
    };
    struct Standpoint {
        unsigned proximity = 0;
        Standing standing{};
    };
    using Election = std::map<crypto::PublicKey, Standpoint>;  ///< by validating key

    void elect(std::uint32_t ending);
    const Said* said_of(const StakeTally::Holder& holder) const;
    unsigned count_proximity(const StakeTally::Holder& of,
                             const std::vector<StakeTally::Holder>& all,
                             std::uint32_t ending) const;

    const StakeTally* stakes_;
    Findings* findings_;
    std::uint32_t epoch_ = 0;
    std::map<std::uint16_t, Said> said_;           ///< last, by seat
    std::map<std::uint32_t, Election> elections_;  ///< by the epoch of the roster
};

}  // namespace meshchain::sim
