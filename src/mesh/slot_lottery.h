#pragma once
// Who gets a slot when none is free and nobody has to leave: one newcomer in `draw_every` is drawn
// among all that asked in that time, each key with one lot however often it asks. Nobody can choose
// a key that wins, because the lots are drawn under a key of this node.
//
// Time:   handed in.
// Limits: one candidate, whatever asks.
// Source: docs/decisions/0066-slots-by-lot.md, row F1.

#include <optional>

#include "base/time.h"
#include "crypto/hash.h"
#include "crypto/identity.h"

namespace meshchain::mesh {

class SlotLottery {
public:
    /// Longer than two HELLOs of an honest newcomer are apart.
    static constexpr base::Duration draw_every = std::chrono::seconds(10);

    explicit SlotLottery(const crypto::ShortHashKey& secret) : secret_(secret) {}

    /// A newcomer that holds `key` asks, and there is no slot for it. True: it was drawn in the
    /// time before, and gets one now.
    bool enter(base::Instant now, const crypto::PublicKey& key);

private:
    struct Lot {
        crypto::PublicKey key;
        std::uint64_t number = 0;
    };

    crypto::ShortHashKey secret_;
    std::uint64_t draw_ = 0;
    std::optional<Lot> lowest_;  ///< of this draw
    std::optional<Lot> winner_;  ///< of the one before, until it comes
};

}  // namespace meshchain::mesh
