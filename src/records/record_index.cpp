#include "records/record_index.h"

#include "base/assert.h"

namespace meshchain::records {

Address address_of(const wire::Record& record) { return {record.kind, record.origin, record.key}; }

const Held* RecordIndex::find(const Address& address) const {
    const auto found = by_address_.find(address);
    return found == by_address_.end() ? nullptr : &found->second;
}

const RecordIndex::ByAddress::value_type* RecordIndex::find(const wire::RecordId& id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
}

void RecordIndex::insert(const Address& address, const Held& held) {
    if (find(address) != nullptr) erase(address);
    if (is_refused(held.id)) forget(held.id);
    const auto [place, is_new] = by_address_.emplace(address, held);
    MESH_ASSERT(is_new);
    by_id_.emplace(held.id, &*place);
    const Group group{address.kind, address.origin, held.share};
    Members& members = groups_[group];
    members.by_sequence[held.sequence].insert(&place->first);
    count_group(group, members.count, members.count + 1);
    ++members.count;
    expiring_.emplace(held.expires, held.id);
    trees_[held.segment].insert(held.id.bytes);
    bytes_ += held.bytes;
}

void RecordIndex::erase(const Address& address) {
    const auto place = by_address_.find(address);
    MESH_ASSERT(place != by_address_.end());
    const Held& held = place->second;
    const Group group{place->first.kind, place->first.origin, held.share};
    Members& members = groups_.at(group);
    const auto same = members.by_sequence.find(held.sequence);
    same->second.erase(&place->first);
    if (same->second.empty()) members.by_sequence.erase(same);
    count_group(group, members.count, members.count - 1);
    if (--members.count == 0) groups_.erase(group);
    expiring_.erase({held.expires, held.id});
    trees_.at(held.segment).erase(held.id.bytes);
    bytes_ -= held.bytes;
    by_id_.erase(held.id);
    by_address_.erase(place);
}

void RecordIndex::count_group(const Group& group, std::size_t before, std::size_t after) {
    BySize& groups = by_size(standing(group.origin));
    if (before > 0) groups.erase({before, group});
    if (after > 0) groups.emplace(after, group);
}

std::size_t RecordIndex::count_of(const Group& group) const {
    const auto found = groups_.find(group);
    return found == groups_.end() ? 0 : found->second.count;
}

const Address& RecordIndex::oldest_of(const Group& group) const {
    const Members& members = groups_.at(group);
    return **members.by_sequence.begin()->second.begin();
}

std::optional<RecordIndex::Group> RecordIndex::fullest(Standing standing) const {
    const BySize& groups = by_size_[static_cast<std::size_t>(standing)];
    if (groups.empty()) return std::nullopt;
    return groups.rbegin()->second;
}

RecordIndex::Standing RecordIndex::standing(const crypto::PublicKey& origin) const {
    if (origin == own_) return Standing::own;
    return known_.contains(origin) ? Standing::known : Standing::stranger;
}

void RecordIndex::set_own(const crypto::PublicKey& origin) {
    MESH_ASSERT(by_address_.empty());
    own_ = origin;
}

void RecordIndex::set_known(const std::vector<crypto::PublicKey>& origins) {
    const std::set<crypto::PublicKey> before = std::move(known_);
    known_ = {origins.begin(), origins.end()};
    for (const crypto::PublicKey& origin : before) {
        if (!known_.contains(origin)) move_groups(origin, Standing::known, Standing::stranger);
    }
    for (const crypto::PublicKey& origin : known_) {
        if (!before.contains(origin)) move_groups(origin, Standing::stranger, Standing::known);
    }
}

void RecordIndex::move_groups(const crypto::PublicKey& origin, Standing from, Standing to) {
    if (origin == own_) return;
    // Groups are in order of their kinds, of which there are few.
    for (unsigned kind = 0; kind < 256; ++kind) {
        const Group first{static_cast<wire::RecordKind>(kind), origin};
        for (auto group = groups_.lower_bound(first);
             group != groups_.end() && group->first.kind == first.kind &&
             group->first.origin == origin;
             ++group) {
            by_size(from).erase({group->second.count, group->first});
            by_size(to).emplace(group->second.count, group->first);
        }
    }
}

const Address* RecordIndex::first_expired(std::uint32_t now) const {
    if (expiring_.empty() || expiring_.begin()->first > now) return nullptr;
    return &by_id_.at(expiring_.begin()->second)->first;
}

std::optional<std::uint32_t> RecordIndex::next_expiry() const {
    if (expiring_.empty()) return std::nullopt;
    return expiring_.begin()->first;
}

const coding::FingerprintTree& RecordIndex::tree(const Segment& segment) const {
    const auto found = trees_.find(segment);
    return found == trees_.end() ? empty_ : found->second;
}

void RecordIndex::refuse(const wire::RecordId& id, const Segment& segment, std::uint32_t until,
                         std::size_t refused_max) {
    if (find(id) != nullptr || is_refused(id) || refused_max == 0) return;
    while (refused_.size() >= refused_max) forget(refused_until_.begin()->second);
    refused_.emplace(id, Refused{segment, until});
    refused_until_.emplace(until, id);
    trees_[segment].insert(id.bytes);
}

void RecordIndex::forget(const wire::RecordId& refused) {
    const auto found = refused_.find(refused);
    trees_.at(found->second.segment).erase(refused.bytes);
    refused_until_.erase({found->second.until, refused});
    refused_.erase(found);
}

void RecordIndex::forget_refused(std::uint32_t now) {
    while (!refused_until_.empty() && refused_until_.begin()->first <= now) {
        forget(wire::RecordId(refused_until_.begin()->second));
    }
}

void RecordIndex::check_invariants() const {
    MESH_ASSERT(by_id_.size() == by_address_.size() && expiring_.size() == by_address_.size());
    std::size_t in_trees = 0;
    for (const auto& [segment, tree] : trees_) in_trees += tree.size();
    MESH_ASSERT(in_trees == by_address_.size() + refused_.size());
    std::size_t in_groups = 0;
    for (const auto& [group, members] : groups_) {
        in_groups += members.count;
        const auto rank = static_cast<std::size_t>(standing(group.origin));
        MESH_ASSERT(by_size_[rank].contains({members.count, group}));
    }
    MESH_ASSERT(in_groups == by_address_.size());
    std::uint64_t bytes = 0;
    for (const auto& [address, held] : by_address_) {
        bytes += held.bytes;
        MESH_ASSERT(by_id_.at(held.id)->first == address);
    }
    MESH_ASSERT(bytes == bytes_);
}

}  // namespace meshchain::records
