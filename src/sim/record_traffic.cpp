#include "sim/record_traffic.h"

#include "wire/message_type.h"

namespace meshchain::sim {
namespace {

using wire::MessageType;

/// How often neighbours compare, at most.
constexpr base::Duration compare_every = std::chrono::seconds(15);
/// To a node that lacks it a record goes once, and once more for each that was lost or that another
/// neighbour gave at the same time. At 30 % loss three times were seen.
constexpr std::uint64_t copies = 5;
/// What a node needs of its neighbours to compare, and to find each difference.
constexpr std::uint64_t messages = 4;
/// Of an alert, its receipt or a search, over several hops and tried several times.
constexpr std::uint64_t relays = 30;
/// Of what attackers send nearly all is dropped by its rate, and receipts leave several in one.
constexpr std::uint64_t attacks_an_answer = 10;

struct Bound {
    MessageType type;
    std::uint64_t datagrams;
};

std::array<Bound, 4> bounds_of(const Traffic& of_attackers, const RecordLoad& load) {
    const auto attacks = [&](MessageType type) {
        return of_attackers[static_cast<std::size_t>(type)].datagrams;
    };
    const std::uint64_t to_nodes = load.records * load.nodes;
    const std::uint64_t pairs = load.nodes * load.nodes / 2;
    const auto rounds = 1 + static_cast<std::uint64_t>(load.time / compare_every);
    // Whose disk was replaced may get each from every neighbour.
    const std::uint64_t records = copies * (to_nodes + load.starts * load.records);
    return {Bound{MessageType::record, records},
            Bound{MessageType::record_receipt,
                  records + attacks(MessageType::record) / attacks_an_answer},
            Bound{MessageType::reconcile, messages * (pairs * rounds + load.starts * load.nodes +
                                                      to_nodes + attacks(MessageType::reconcile))},
            Bound{MessageType::routed, relays * (to_nodes + load.nodes * rounds) +
                                           load.nodes * attacks(MessageType::routed)}};
}

}  // namespace

void check_record_traffic(const Traffic& all, const Traffic& of_attackers, const RecordLoad& load,
                          Findings& findings) {
    for (const Bound& bound : bounds_of(of_attackers, load)) {
        const auto type = static_cast<std::size_t>(bound.type);
        const std::uint64_t sent = all[type].datagrams - of_attackers[type].datagrams;
        if (sent <= bound.datagrams) continue;
        findings.add("record-storm", "honest nodes sent " + std::to_string(sent) + " " +
                                         type_name(type) + " for " + std::to_string(load.records) +
                                         " records of " + std::to_string(load.nodes) +
                                         " nodes, and should not send more than " +
                                         std::to_string(bound.datagrams));
    }
}

}  // namespace meshchain::sim
