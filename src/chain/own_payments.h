#pragma once
// This node's own payments that are to be said once more before the next slot begins, where air is
// all there is (row E6; docs/decisions/0187-payments-in-the-next-block.md).
//
// Time:   handed in; poll_timeout() says when to call take_due().
// Limits: payments_max; of more the oldest are said once only.

#include <algorithm>
#include <deque>
#include <vector>

#include "base/time.h"
#include "wire/transaction.h"

namespace meshchain::chain {

class OwnPayments {
public:
    static constexpr std::size_t payments_max = 64;

    void note(const wire::Txid& payment, base::Instant at) {
        if (waiting_.size() == payments_max) waiting_.pop_front();
        waiting_.push_back({payment, at});
    }
    std::vector<wire::Txid> take_due(base::Instant now) {
        std::vector<wire::Txid> due;
        for (const Waiting& waiting : waiting_) {
            if (waiting.at <= now) due.push_back(waiting.payment);
        }
        std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.at <= now; });
        return due;
    }
    base::Instant poll_timeout() const {
        base::Instant next = base::never;
        for (const Waiting& waiting : waiting_) next = std::min(next, waiting.at);
        return next;
    }

private:
    struct Waiting {
        wire::Txid payment;
        base::Instant at;
    };
    std::deque<Waiting> waiting_;
};

}  // namespace meshchain::chain
