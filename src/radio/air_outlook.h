#pragma once
// How long a message would wait for the air, if nothing else happened (row E9): the budget of a
// radio and what waits there at one moment, played forward.
//
// Ownership: copies; good for the moment it was made at.
// Limits:    no more packets than an Outbox holds.

#include <optional>
#include <vector>

#include "radio/airtime_budget.h"
#include "radio/outbox.h"

namespace meshchain::radio {

class AirOutlook {
public:
    /// `waiting`: as Outbox::ready() gives it at `now`.
    AirOutlook(base::Instant now, const AirtimeBudget& budget, std::vector<Outbox::Next> waiting,
               std::size_t bytes_a_packet)
        : now_(now),
          budget_(budget),
          waiting_(std::move(waiting)),
          bytes_a_packet_(bytes_a_packet) {}

    /// Of an object of this node that is handed in at that moment: until when not all of it has
    /// left, and what it waits for longest. Nothing: it leaves at once.
    std::optional<AirtimeBudget::Deferral> deferral(Priority priority,
                                                    std::size_t payload_bytes) const;

private:
    base::Instant now_;
    AirtimeBudget budget_;
    std::vector<Outbox::Next> waiting_;
    std::size_t bytes_a_packet_;
};

}  // namespace meshchain::radio
