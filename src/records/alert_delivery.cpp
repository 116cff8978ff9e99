#include "records/alert_delivery.h"

#include <algorithm>

namespace meshchain::records {

void AlertDelivery::follow(base::Now now, const wire::RecordId& id, const AlertRank& rank,
                           base::Buffer bytes, base::Instant until) {
    if (followed_.size() >= followed_max && !followed_.contains(id)) {
        const auto lowest = std::ranges::min_element(
            followed_, {}, [](const auto& entry) { return entry.second.rank; });
        if (rank < lowest->second.rank) return;
        followed_.erase(lowest);
    }
    followed_.insert_or_assign(
        id, Followed{rank, std::move(bytes), now.instant + first_wait, until, first_wait});
}

std::vector<wire::Outgoing> AlertDelivery::due(base::Now now,
                                               const std::vector<crypto::PublicKey>& reachable,
                                               ReceiptBook& book) {
    std::erase_if(followed_, [&](const auto& entry) { return entry.second.until <= now.instant; });
    std::vector<std::pair<AlertRank, wire::RecordId>> order;
    for (const auto& [id, followed] : followed_) {
        if (followed.next <= now.instant) order.emplace_back(followed.rank, id);
    }
    std::ranges::sort(order, std::greater<>{});
    std::vector<wire::Outgoing> messages;
    for (const auto& [rank, id] : order) {
        book.expect(now, id, reachable);
        std::vector<crypto::PublicKey> missing = book.missing(id);
        // Whoever cannot be reached now may come back before the deadline.
        std::erase_if(missing, [&](const crypto::PublicKey& target) {
            return !std::ranges::binary_search(reachable, target);
        });
        send(now.instant, followed_.at(id), std::move(missing), messages);
    }
    return messages;
}

void AlertDelivery::send(base::Instant now, Followed& followed,
                         std::vector<crypto::PublicKey> missing,
                         std::vector<wire::Outgoing>& messages) {
    // From where the last turn ended, so that nobody waits behind those who never answer.
    std::ranges::rotate(missing, std::ranges::upper_bound(missing, followed.last));
    std::size_t brought = 0;
    for (; brought < missing.size() && messages.size() < at_once_max; ++brought) {
        messages.push_back(
            wire::routed_to(missing[brought], wire::MessageType::alert_direct, followed.bytes));
        followed.last = missing[brought];
    }
    followed.next = now + random_.between(followed.wait, followed.wait + followed.wait / 2);
    // Where nobody is missing in reach nothing is spent, and who comes is not to wait long.
    if (brought == missing.size()) {
        followed.wait = std::min(followed.wait * 2, brought > 0 ? longest_wait : idle_wait);
    }
}

base::Instant AlertDelivery::poll_timeout() const {
    base::Instant next = base::never;
    for (const auto& [id, followed] : followed_) {
        next = std::min({next, followed.next, followed.until});
    }
    return next;
}

}  // namespace meshchain::records
