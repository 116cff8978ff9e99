// When this node's own payments are said again, where air is all there is
// (docs/decisions/0187-payments-in-the-next-block.md).

#include <algorithm>

#include "chain/chain.h"

namespace meshchain::chain {

/// By chance, so that not all speak at once; the more time there is, the closer to the slot. Not
/// before `from`, and soon enough though the clock be set to another year.
base::Instant Chain::before_slot(base::Now now, wire::Slot slot, base::Instant from) {
    const base::Duration flood = flood_time();
    const base::Duration slot_time = base::Milliseconds{genesis_.block_time_ms};
    const std::uint32_t slots = slot.value - std::min(slot.value, this->slot(now).value);
    base::Duration left = engine_->schedule().start_of(slot) - now.wall;
    if (left < flood / 2) left += slot_time;
    left = std::min(left, (slots + 1) * slot_time);
    const base::Duration latest = std::max(left - flood / 4, base::Duration{});
    const base::Duration earliest = latest - std::min(latest / 2, flood);
    return std::max(from, now.instant + random_.between(earliest, latest));
}

void Chain::note_own_payment(base::Now now, const wire::Txid& payment) {
    if (!has_air_alone_) return;
    const base::Instant at = before_slot(now, {slot(now).value + 1}, now.instant);
    const base::Now then{at, now.wall + std::chrono::ceil<base::Milliseconds>(at - now.instant)};
    own_payments_.note({.id = payment, .at = at, .expected = {slot(then).value + 1}});
}

/// Where one of so many packets is lost, one of so many payments would wait for another slot. One
/// that is not in the block of that slot either was lost to its leader, or finds no room there.
void Chain::repeat_own_payments(base::Now now) {
    auto due = own_payments_.take_due(now.instant);
    if (due.empty()) return;
    const std::uint32_t current = slot(now).value;
    mempool_->remove_expired({current});
    // Where a flood takes as long as slots do, they pass meanwhile.
    const base::Duration slot_time = base::Milliseconds{genesis_.block_time_ms};
    const base::Instant soonest = now.instant + std::max(flood_time() / 2, slot_time / 4);
    for (OwnPayments::Payment& payment : due) {
        const auto* waiting = mempool_->find(payment.id);
        if (waiting == nullptr && !is_in_open_block(payment.id)) continue;
        const bool is_missed = current >= payment.expected.value;
        if (waiting == nullptr || (is_missed && store_->tip().slot < payment.expected)) {
            // It is in a block that may be reverted, or no block could have it yet.
            payment.at = before_slot(now, {current + 2}, soonest);
            own_payments_.note(payment);
            continue;
        }
        send({.type = Type::transaction,
              .payload = wire::encode(waiting->shortest),
              .only_on_air = true,
              .again = true,
              .missed = is_missed});
        const std::uint32_t slots = 1U << std::min(payment.missed, OwnPayments::doublings_max);
        payment.missed += is_missed;
        payment.expected = {current + 1};
        payment.at = before_slot(now, {current + 1 + slots}, soonest);
        own_payments_.note(payment);
    }
}

/// Of one that is in no block: no; neither of one that is FINAL, or if nobody can tell.
bool Chain::is_in_open_block(const wire::Txid& payment) const {
    const auto location = store_->find(payment);
    return location && *location && (*location)->height > final_height();
}

}  // namespace meshchain::chain
