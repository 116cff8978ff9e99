#pragma once
// Carries an important alert of ours to those whose receipt is missing, one by one over any way
// there is, until each has it or the deadline has come (row G4). The flood reaches nearly all
// within a second; this is for the others.
//
// Time:      `now` never goes backwards.
// Ownership: the book outlives the call.
// Limits:    `followed_max` alerts: then the lowest priority and of these the oldest goes, never
// one
//            of a higher priority; `at_once_max` messages each time, those of higher priority
//            first.

#include <chrono>
#include <map>

#include "base/random.h"
#include "base/time.h"
#include "crypto/signature.h"
#include "records/receipt_book.h"
#include "wire/record.h"
#include "wire/service.h"

namespace meshchain::records {

class AlertDelivery {
public:
    static constexpr std::size_t followed_max = 64;
    static constexpr std::size_t at_once_max = 16;
    static constexpr base::Duration first_wait = std::chrono::seconds(3);
    static constexpr base::Duration longest_wait = std::chrono::minutes(1);
    /// While nobody in reach lacks it.
    static constexpr base::Duration idle_wait = std::chrono::seconds(8);
    static constexpr base::Duration deadline = std::chrono::minutes(15);

    explicit AlertDelivery(base::Random random) : random_(random) {}

    /// Whom the book expects is to get it until `until`. `bytes`: the record, at most what a ROUTED
    /// holds.
    void follow(base::Now now, const wire::RecordId& id, const AlertRank& rank, base::Buffer bytes,
                base::Instant until);
    void forget(const wire::RecordId& id) { followed_.erase(id); }
    bool is_followed(const wire::RecordId& id) const { return followed_.contains(id); }

    /// What is to be sent at `now`. Who is reachable now is expected from now on.
    std::vector<wire::Outgoing> due(base::Now now, const std::vector<crypto::PublicKey>& reachable,
                                    ReceiptBook& book);
    base::Instant poll_timeout() const;

private:
    struct Followed {
        AlertRank rank;
        base::Buffer bytes;
        base::Instant next;
        base::Instant until;
        base::Duration wait;
        crypto::PublicKey last{};  ///< to whom it was brought
    };

    void send(base::Instant now, Followed& followed, std::vector<crypto::PublicKey> missing,
              std::vector<wire::Outgoing>& messages);

    base::Random random_;
    std::map<wire::RecordId, Followed> followed_;
};

}  // namespace meshchain::records
