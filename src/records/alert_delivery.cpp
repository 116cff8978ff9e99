#include "records/alert_delivery.h"

#include <algorithm>

namespace meshchain::records {

void AlertDelivery::follow(base::Instant now, const wire::RecordId& id, base::Buffer bytes,
                           const std::vector<crypto::PublicKey>& reachable) {
    if (followed_.size() >= followed_max) {
        followed_.erase(std::ranges::min_element(
            followed_, {}, [](const auto& entry) { return entry.second.until; }));
    }
    followed_.emplace(id, Followed{std::move(bytes),
                                   {reachable.begin(), reachable.end()},
                                   now + first_wait,
                                   now + deadline,
                                   first_wait,
                                   {}});
}

/// False when nobody is missing, or it is too late.
bool AlertDelivery::send(base::Instant now, Followed& followed,
                         const std::vector<crypto::PublicKey>& reachable,
                         const std::vector<crypto::PublicKey>& holders,
                         std::vector<wire::Outgoing>& messages) {
    if (now >= followed.until) return false;
    followed.targets.insert(reachable.begin(), reachable.end());
    std::vector<crypto::PublicKey> missing;
    for (const crypto::PublicKey& target : followed.targets) {
        if (!std::ranges::binary_search(holders, target)) missing.push_back(target);
    }
    // Whoever cannot be reached now may come back before the deadline.
    std::erase_if(missing, [&](const crypto::PublicKey& target) {
        return !std::ranges::binary_search(reachable, target);
    });
    // From where the last turn ended, so that nobody waits behind those who never answer.
    const auto after = std::ranges::upper_bound(missing, followed.last);
    std::ranges::rotate(missing, after);
    for (std::size_t i = 0; i < missing.size() && messages.size() < at_once_max; ++i) {
        messages.push_back(
            wire::routed_to(missing[i], wire::MessageType::alert_direct, followed.bytes));
        followed.last = missing[i];
    }
    followed.next = now + random_.between(followed.wait, followed.wait + followed.wait / 2);
    if (missing.size() <= at_once_max) followed.wait = std::min(followed.wait * 2, longest_wait);
    return true;
}

base::Instant AlertDelivery::poll_timeout() const {
    base::Instant next = base::never;
    for (const auto& [id, followed] : followed_) next = std::min(next, followed.next);
    return next;
}

std::vector<crypto::PublicKey> AlertDelivery::targets(const wire::RecordId& id) const {
    const auto found = followed_.find(id);
    if (found == followed_.end()) return {};
    return {found->second.targets.begin(), found->second.targets.end()};
}

}  // namespace meshchain::records
