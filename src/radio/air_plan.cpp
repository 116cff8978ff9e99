#include "radio/air_plan.h"

#include <algorithm>

#include "base/assert.h"
#include "radio/packet.h"
#include "wire/air_question.h"
#include "wire/announcement.h"
#include "wire/control.h"
#include "wire/short_block.h"
#include "wire/short_vote.h"

namespace meshchain::radio {
namespace {

using wire::MessageType;

constexpr base::Duration hour_of_plan = std::chrono::hours(1);
/// A node says where it stands so often, and who it is if it is no validator; such ones in a crowd
/// half as often.
constexpr unsigned statuses_an_hour = 2;
constexpr unsigned crowd = 10;
constexpr unsigned sayings_of_payment = 2;  ///< where air is all there is
/// As twenty simulated nodes of which each misses one packet of seven come to it
/// (docs/decisions/0188-two-payments-a-minute.md): one row for so many payments, and one of so many
/// votes once more.
constexpr unsigned payments_a_row = 2;
constexpr unsigned votes_a_repeat = 3;

unsigned divided_up(unsigned a, unsigned b) { return (a + b - 1) / b; }

/// Of so many who only follow, among this many nodes, together.
unsigned statuses_of_followers(unsigned followers, unsigned nodes) {
    const unsigned peers = std::clamp(nodes - 1, crowd, 2 * crowd);
    return divided_up(statuses_an_hour * followers * crowd, peers);
}

PlanLine line_of(MessageType type, std::size_t payload_bytes, unsigned an_hour, bool by_validators,
                 const AirtimeBudget& budget) {
    PlanLine line{.type = type,
                  .payload_bytes = payload_bytes,
                  .an_hour = an_hour,
                  .by_validators = by_validators};
    if (header_bytes + payload_bytes <= payload_bytes_max) {
        line.packets = 1;
        line.airtime = budget.airtime_of(header_bytes + payload_bytes);
        return line;
    }
    const coding::Cut cut =
        coding::cut_evenly(payload_bytes, payload_bytes_max - piece_overhead_bytes);
    line.packets = cut.pieces();
    line.airtime = budget.airtime_of(piece_overhead_bytes + cut.piece_bytes) *
                   static_cast<std::int64_t>(line.packets);
    return line;
}

/// In short, with a certificate, where that fits one packet.
PlanLine block_line(std::size_t payments, unsigned an_hour, const AirtimeBudget& budget) {
    const std::size_t ids = wire::BlockAnnouncement::short_id_bytes * payments;
    if (payments <= wire::ShortBlock::ids_max) {
        const std::size_t bytes = wire::ShortBlock::bytes_min + wire::Hash::size + ids;
        return line_of(MessageType::short_block, bytes, an_hour, true, budget);
    }
    return line_of(MessageType::block, wire::BlockHeader::size + 2 + ids, an_hour, true, budget);
}

}  // namespace

AirPlan plan(const Workload& workload, const AirtimeOptions& options) {
    MESH_ASSERT(workload.validators > 0 && workload.validators <= workload.nodes);
    MESH_ASSERT(workload.minutes_a_round > 0 && workload.payments_a_block > 0);
    const AirtimeBudget budget({}, options);
    const unsigned others = workload.nodes - workload.validators;
    const unsigned in_block = std::min(workload.payments, workload.payments_a_block);
    const unsigned blocks = divided_up(workload.payments, workload.payments_a_block);
    const unsigned votes = divided_up(60, workload.minutes_a_round) * workload.validators;
    const unsigned rows = workload.payments / payments_a_row;
    constexpr std::size_t row_bytes = wire::BlockRow::overhead_bytes + wire::CompactTransfer::size;
    constexpr std::size_t status_bytes =
        Origin::size + wire::Heartbeat::size + crypto::Signature::size;
    AirPlan made{.lines = {line_of(MessageType::transaction, wire::CompactTransfer::size,
                                   sayings_of_payment * workload.payments, false, budget),
                           block_line(in_block, blocks, budget),
                           line_of(MessageType::block_row, row_bytes, rows, false, budget),
                           line_of(MessageType::short_vote, wire::ShortVote::bytes_max,
                                   votes + votes / votes_a_repeat, true, budget),
                           line_of(MessageType::status, status_bytes,
                                   statuses_an_hour * workload.validators +
                                       statuses_of_followers(others, workload.nodes),
                                   false, budget),
                           line_of(MessageType::peer_info, wire::announcement_bytes_min,
                                   statuses_of_followers(others, workload.nodes), false, budget)}};
    made.given = budget.per_hour();
    base::Duration sent{};
    for (const PlanLine& line : made.lines) {
        const base::Duration all = line.airtime * static_cast<std::int64_t>(line.an_hour);
        sent += all;
        if (line.by_validators) {
            made.of_validator += all / workload.validators;
        } else if (line.type == MessageType::peer_info) {
            if (others > 0) made.of_other += all / others;
        } else {
            made.of_validator += all / workload.nodes;
            made.of_other += all / workload.nodes;
        }
    }
    const base::Duration on_air = sent * (1 + static_cast<std::int64_t>(workload.relays));
    made.channel_permille = static_cast<unsigned>(on_air / (hour_of_plan / 1000));
    return made;
}

}  // namespace meshchain::radio
