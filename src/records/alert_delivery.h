#pragma once
// Carries an important alert of ours to those whose receipt is missing, one by one over any way
// there is, until each has it or the deadline has come (row G4). The flood reaches nearly all
// within a second; this is for the others.
//
// Limits: `followed_max` alerts, the oldest goes; `at_once_max` messages each time.

#include <chrono>
#include <map>
#include <set>

#include "base/random.h"
#include "base/time.h"
#include "crypto/signature.h"
#include "wire/record.h"
#include "wire/service.h"

namespace meshchain::records {

class AlertDelivery {
public:
    static constexpr std::size_t followed_max = 64;
    static constexpr std::size_t at_once_max = 16;
    static constexpr base::Duration first_wait = std::chrono::seconds(2);
    static constexpr base::Duration longest_wait = std::chrono::minutes(1);
    static constexpr base::Duration deadline = std::chrono::minutes(15);

    explicit AlertDelivery(base::Random random) : random_(random) {}

    /// Whoever is reachable now is to get it. `bytes`: the record, at most what a ROUTED holds.
    void follow(base::Instant now, const wire::RecordId& id, base::Buffer bytes,
                const std::vector<crypto::PublicKey>& reachable);
    /// What is to be sent at `now`. `holders_of` gives who has sent a receipt, ascending.
    template <class HoldersOf>
    std::vector<wire::Outgoing> due(base::Instant now,
                                    const std::vector<crypto::PublicKey>& reachable,
                                    HoldersOf holders_of) {
        std::vector<wire::Outgoing> messages;
        for (auto next = followed_.begin(); next != followed_.end();) {
            if (next->second.next > now) {
                ++next;
            } else if (send(now, next->second, reachable, holders_of(next->first), messages)) {
                ++next;
            } else {
                next = followed_.erase(next);
            }
        }
        return messages;
    }
    base::Instant poll_timeout() const;

    /// Who was or became reachable while the alert was followed, ascending.
    std::vector<crypto::PublicKey> targets(const wire::RecordId& id) const;

private:
    struct Followed {
        base::Buffer bytes;
        std::set<crypto::PublicKey> targets;
        base::Instant next;
        base::Instant until;
        base::Duration wait;
        crypto::PublicKey last;  ///< to whom it was brought
    };

    bool send(base::Instant now, Followed& followed,
              const std::vector<crypto::PublicKey>& reachable,
              const std::vector<crypto::PublicKey>& holders, std::vector<wire::Outgoing>& messages);

    base::Random random_;
    std::map<wire::RecordId, Followed> followed_;
};

}  // namespace meshchain::records
