#pragma once
// What a network would cost in air, before anybody joins it (row E9): exact times of the packets it
// sends, against what each node is given.
//
// Limits: plain arithmetic on what is asked; asserts that nothing in it is zero that divides.

#include <vector>

#include "radio/airtime_budget.h"
#include "wire/message_type.h"

namespace meshchain::radio {

/// A network of nodes that have nothing but radios and have settled, in an hour. What gets lost and
/// is said again is counted as simulated villages come to it.
struct Workload {
    unsigned nodes = 20;
    unsigned validators = 7;         ///< among them, at least one
    unsigned payments = 60;          ///< an hour, of all nodes
    unsigned minutes_a_round = 6;    ///< each validator votes once
    unsigned payments_a_block = 10;  ///< when there are as many
    unsigned relays = 1;             ///< radios that repeat a packet, on the average
};

struct PlanLine {
    wire::MessageType type{};
    std::size_t payload_bytes = 0;
    std::size_t packets = 0;     ///< for one message
    base::Duration airtime{};    ///< of one message, without relays
    unsigned an_hour = 0;        ///< of all nodes
    bool by_validators = false;  ///< they alone send it
};

struct AirPlan {
    std::vector<PlanLine> lines;
    base::Duration of_validator{};  ///< that one has to send in an hour, if all send alike
    base::Duration of_other{};
    base::Duration given{};         ///< to each by its budget
    unsigned channel_permille = 0;  ///< of the hour, relays included
    /// Above this what can wait has half.
    static constexpr unsigned channel_permille_free = AirtimeBudget::bulk_halved_from_percent * 10;

    bool fits() const {
        return of_validator <= given && of_other <= given &&
               channel_permille < channel_permille_free;
    }
};

AirPlan plan(const Workload& workload, const AirtimeOptions& options);

}  // namespace meshchain::radio
