#include "mesh/announcement_table.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::mesh {
namespace {

std::chrono::seconds seconds_of(base::WallTime wall) {
    return std::chrono::duration_cast<std::chrono::seconds>(wall.time_since_epoch());
}

/// How long it is still valid by our clock; nothing if it is not, or comes from the future.
std::optional<std::chrono::seconds> remaining(base::Now now, const wire::Announcement& one) {
    const auto age = seconds_of(now.wall) - std::chrono::seconds(one.issued);
    if (age < -AnnouncementTable::clock_grace) return std::nullopt;
    const auto left = std::min(one.validity, one.validity + AnnouncementTable::clock_grace - age);
    if (left.count() <= 0) return std::nullopt;
    return left;
}

}  // namespace

AnnouncementTable::AnnouncementTable(std::size_t capacity,
                                     std::span<const ValidatorIdentity> validators)
    : capacity_(capacity) {
    MESH_ASSERT(capacity_ > 0);
    set_validators(validators);
}

void AnnouncementTable::set_validators(std::span<const ValidatorIdentity> validators) {
    validators_.clear();
    for (const ValidatorIdentity& validator : validators) validators_.insert(validator.key);
}

bool AnnouncementTable::is_news(base::Now now, const wire::Announcement& announcement) const {
    const KnownNode* known = find(announcement.identity);
    if (known != nullptr && announcement.sequence <= known->announcement.sequence) return false;
    return remaining(now, announcement).has_value();
}

AnnouncementTable::Result AnnouncementTable::take(base::Now now, wire::Announcement announcement,
                                                  base::Bytes bytes,
                                                  const crypto::PublicKey& ingress,
                                                  std::uint8_t hop_limit) {
    if (!is_news(now, announcement)) return Result::stale;
    const crypto::PublicKey key = announcement.identity;
    auto found = nodes_.find(key);
    if (found == nodes_.end()) {
        if (nodes_.size() >= capacity_ && !make_room(ingress, is_protected(key))) {
            return Result::crowded;
        }
        found = nodes_.emplace(key, KnownNode{{}, {}, {}, {}, 0, {}, {now.instant, updates}}).first;
    }
    KnownNode& node = found->second;
    if (!node.updates.take(now.instant)) return Result::too_often;
    node.expires = now.instant + *remaining(now, announcement);
    next_expiry_ = std::min(next_expiry_, node.expires);
    node.announcement = std::move(announcement);
    node.bytes = base::to_buffer(bytes);
    node.id = crypto::node_id(key);
    node.ingress = ingress;
    node.hop_limit = hop_limit;
    return Result::taken;
}

bool AnnouncementTable::make_room(const crypto::PublicKey& ingress, bool privileged) {
    std::map<crypto::PublicKey, std::size_t> brought;
    for (const auto& [key, node] : nodes_) {
        if (!is_protected(key)) ++brought[node.ingress];
    }
    if (brought.empty()) return false;
    const auto most = std::ranges::max_element(
        brought, {}, [](const auto& item) -> std::size_t { return item.second; });
    // One more would only push out what the same peer brought before, honest or not.
    const auto own = brought.find(ingress);
    if (!privileged && own != brought.end() && own->second >= most->second) return false;
    auto victim = nodes_.end();
    for (auto it = nodes_.begin(); it != nodes_.end(); ++it) {
        if (is_protected(it->first) || it->second.ingress != most->first) continue;
        if (victim == nodes_.end() || it->second.expires < victim->second.expires) victim = it;
    }
    MESH_ASSERT(victim != nodes_.end());
    nodes_.erase(victim);
    return true;
}

void AnnouncementTable::set_neighbour(const crypto::PublicKey& key, bool is_neighbour) {
    if (is_neighbour) {
        neighbours_.insert(key);
    } else {
        neighbours_.erase(key);
    }
}

bool AnnouncementTable::is_protected(const crypto::PublicKey& key) const {
    return validators_.contains(key) || neighbours_.contains(key) || talked_.contains(key);
}

bool AnnouncementTable::expire(base::Instant now) {
    // Asked at every step: the table is read only when something may have expired.
    if (now < next_expiry_) return false;
    const bool any =
        std::erase_if(nodes_, [&](const auto& item) { return item.second.expires <= now; }) > 0;
    next_expiry_ = base::never;
    for (const auto& [key, node] : nodes_) next_expiry_ = std::min(next_expiry_, node.expires);
    return any;
}

const KnownNode* AnnouncementTable::find(const crypto::PublicKey& key) const {
    const auto found = nodes_.find(key);
    return found == nodes_.end() ? nullptr : &found->second;
}

void AnnouncementTable::check_invariants() const {
    MESH_ASSERT(nodes_.size() <= capacity_);
    MESH_ASSERT(talked_.size() <= talked_max);
    for (const auto& [key, node] : nodes_) {
        MESH_ASSERT(node.announcement.identity == key);
        MESH_ASSERT(node.expires >= next_expiry_);
    }
}

}  // namespace meshchain::mesh
