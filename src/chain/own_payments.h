#pragma once
// This node's own payments that are to be said again, where air is all there is (row E6;
// docs/decisions/0187-payments-in-the-next-block.md): once more before the next slot begins, and
// then after blocks that could have had them and have not.
//
// Time:   handed in; poll_timeout() says when to call take_due().
// Limits: payments_max; of more the oldest are said no more.

#include <algorithm>
#include <deque>
#include <vector>

#include "base/time.h"
#include "wire/transaction.h"

namespace meshchain::chain {

class OwnPayments {
public:
    static constexpr std::size_t payments_max = 64;
    /// Of the slots between two times that one is said: who pays too little waits for long.
    static constexpr std::uint32_t doublings_max = 6;

    struct Payment {
        wire::Txid id;
        base::Instant at;          ///< when it is due
        wire::Slot expected{};     ///< whose block may have it, or a later one's
        std::uint32_t missed = 0;  ///< so many times it was not in a block that could have had it
    };

    void note(const Payment& payment) {
        if (waiting_.size() == payments_max) waiting_.pop_front();
        waiting_.push_back(payment);
    }
    std::vector<Payment> take_due(base::Instant now) {
        std::vector<Payment> due;
        for (const Payment& payment : waiting_) {
            if (payment.at <= now) due.push_back(payment);
        }
        std::erase_if(waiting_, [&](const Payment& payment) { return payment.at <= now; });
        return due;
    }
    base::Instant poll_timeout() const {
        base::Instant next = base::never;
        for (const Payment& payment : waiting_) next = std::min(next, payment.at);
        return next;
    }

private:
    std::deque<Payment> waiting_;
};

}  // namespace meshchain::chain
