#include "chain/body_fetch.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::chain {

NonceSource::NonceSource(base::Random random) {
    base::FixedWriter out(key_);
    while (out.size() < key_.size()) out.u64(random.next());
}

std::uint64_t NonceSource::next() {
    std::array<std::byte, 8> bytes;
    base::FixedWriter(bytes).u64(++count_);
    return crypto::short_hash(key_, bytes);
}

BodyFetch::BodyFetch(const HeaderWalk& walk, SyncPeers& peers, NonceSource& nonces,
                     base::Duration request_timeout)
    : walk_(&walk),
      peers_(&peers),
      nonces_(&nonces),
      request_timeout_(request_timeout),
      next_(walk.first()),
      unasked_(walk.first().value),
      ready_end_(walk.first().value) {
    MESH_ASSERT(walk.is_done());
}

std::uint32_t BodyFetch::group_blocks() const {
    const std::size_t fitting = group_bytes / std::max<std::size_t>(1, body_bytes_);
    return static_cast<std::uint32_t>(std::clamp<std::size_t>(fitting, 1, wire::items_max));
}

std::pair<std::uint32_t, std::uint32_t> BodyFetch::choose_run() const {
    const std::uint32_t most = group_blocks();
    if (!again_.empty()) {
        const std::uint32_t from = *again_.begin();
        std::uint32_t count = 1;
        while (count < most && again_.contains(from + count)) ++count;
        return {from, count};
    }
    std::size_t expected = buffered_bytes_ + most * body_bytes_;
    for (const auto& [nonce, group] : groups_) expected += group.count * body_bytes_;
    if (expected > buffer_bytes_max) return {unasked_, 0};
    const std::uint32_t end =
        std::min(walk_->anchor().header.height.value, next_.value + ahead_max);
    if (unasked_ > end) return {unasked_, 0};
    return {unasked_, std::min(most, end - unasked_ + 1)};
}

std::optional<SyncQuery> BodyFetch::poll_request(base::Instant now) {
    if (groups_.size() >= groups_max) return std::nullopt;
    const auto [from, count] = choose_run();
    if (count == 0) return std::nullopt;
    const wire::Height last{from + count - 1};
    const auto peer = peers_->choose(now, last);
    if (!peer) return std::nullopt;
    for (std::uint32_t height = from; height < from + count; ++height) again_.erase(height);
    unasked_ = std::max(unasked_, from + count);
    peers_->note_asked(*peer);
    const std::uint64_t nonce = nonces_->next();
    groups_.insert_or_assign(
        nonce, Group{*peer, from, count, ItemTransfer(nonce, count), std::vector<bool>(count),
                     now + request_timeout_, now + SyncPeers::patience * request_timeout_});
    return SyncQuery{
        *peer,
        wire::BodiesRequest{nonce, {from}, static_cast<std::uint8_t>(count), walk_->at(last).hash}};
}

BodyFetch::Groups::iterator BodyFetch::find(const crypto::PublicKey& from, std::uint64_t nonce) {
    const auto group = groups_.find(nonce);
    return group != groups_.end() && group->second.peer == from ? group : groups_.end();
}

BodyFetch::Groups::iterator BodyFetch::give_up(Groups::iterator entry) {
    const Group& group = entry->second;
    for (std::uint32_t i = 0; i < group.count; ++i) {
        if (!group.taken[i]) again_.insert(group.from + i);
    }
    peers_->note_over(group.peer);
    return groups_.erase(entry);
}

bool BodyFetch::handle_items(base::Instant now, const crypto::PublicKey& from,
                             const wire::ItemsResponse& list) {
    const auto found = find(from, list.nonce);
    if (found == groups_.end()) return false;
    Group& group = found->second;
    if (list.items.empty()) {
        // It claimed more than it has, or pruned it. Others are asked; nobody is blamed for that.
        peers_->note_silent(now, from);
        give_up(found);
        return true;
    }
    if (!group.transfer.handle_list(list) ||
        (list.items.size() > 1 && group.transfer.bytes() > wire::answer_bytes_max)) {
        condemn(now, from);
        return true;
    }
    shorten(group, static_cast<std::uint32_t>(list.items.size()));
    group.deadline = std::min(now + request_timeout_, group.latest);
    if (!take_items(now, group)) return true;
    if (std::ranges::all_of(group.taken, std::identity{})) {
        peers_->note_delivered(from);
        give_up(found);
    }
    return true;
}

bool BodyFetch::handle_chunk(base::Instant now, const crypto::PublicKey& from,
                             const wire::SyncChunk& chunk) {
    const auto found = find(from, chunk.nonce);
    if (found == groups_.end()) return false;
    Group& group = found->second;
    if (!group.transfer.handle_chunk(chunk)) return false;
    group.deadline = std::min(now + request_timeout_ / 2, group.latest);
    if (!group.transfer.has_list() || !group.transfer.is_whole(chunk.item)) return true;
    if (!take_items(now, group)) return true;
    if (std::ranges::all_of(group.taken, std::identity{})) {
        peers_->note_delivered(from);
        give_up(found);
    }
    return true;
}

/// They were too large for one answer: the others are asked for again.
void BodyFetch::shorten(Group& group, std::uint32_t count) {
    for (std::uint32_t i = count; i < group.count; ++i) again_.insert(group.from + i);
    group.count = std::min(group.count, count);
    group.taken.resize(group.count);
}

/// False when the group's peer was condemned, and the group is gone.
bool BodyFetch::take_items(base::Instant now, Group& group) {
    for (std::uint32_t i = 0; i < group.count; ++i) {
        if (group.taken[i] || !group.transfer.is_whole(i)) continue;
        const base::Buffer bytes = group.transfer.take(i);
        auto transactions = wire::parse_block_body(bytes);
        if (!transactions) {
            condemn(now, crypto::PublicKey(group.peer));
            return false;
        }
        group.taken[i] = true;
        buffered_bytes_ += bytes.size();
        body_bytes_ = (7 * body_bytes_ + bytes.size()) / 8;
        bodies_.insert_or_assign(group.from + i,
                                 Body{*std::move(transactions), bytes.size(), group.peer});
    }
    while (bodies_.contains(ready_end_)) ++ready_end_;
    return true;
}

void BodyFetch::handle_timeout(base::Instant now) {
    for (auto entry = groups_.begin(); entry != groups_.end();) {
        const Group& group = entry->second;
        if (group.deadline > now) {
            ++entry;
            continue;
        }
        if (group.transfer.has_begun() && group.latest <= now) {
            peers_->note_silent(now, group.peer);  // it keeps us waiting, drop by drop
        } else if (group.transfer.has_begun()) {
            peers_->note_slow(group.peer);  // or the link loses much: nobody's fault
        } else {
            peers_->note_silent(now, group.peer);
            failures_.push_back(group.peer);
        }
        entry = give_up(entry);
    }
}

void BodyFetch::forget_peer(const crypto::PublicKey& peer) {
    for (auto entry = groups_.begin(); entry != groups_.end();) {
        entry = entry->second.peer == peer ? give_up(entry) : std::next(entry);
    }
}

void BodyFetch::abandon() {
    while (!groups_.empty()) give_up(groups_.begin());
}

/// Nothing of a liar's is used: what of it is honest comes again from others.
void BodyFetch::condemn(base::Instant now, const crypto::PublicKey& liar) {
    const crypto::PublicKey peer = liar;
    peers_->note_lie(now, peer);
    failures_.push_back(peer);
    forget_peer(peer);
    for (auto body = bodies_.begin(); body != bodies_.end();) {
        if (body->second.giver != peer) {
            ++body;
            continue;
        }
        again_.insert(body->first);
        ready_end_ = std::min(ready_end_, body->first);
        buffered_bytes_ -= body->second.bytes;
        body = bodies_.erase(body);
    }
}

base::Instant BodyFetch::poll_timeout(base::Instant now) const {
    base::Instant earliest = base::never;
    for (const auto& [nonce, group] : groups_) earliest = std::min(earliest, group.deadline);
    const auto [from, count] = choose_run();
    if (count == 0 || groups_.size() >= groups_max) return earliest;
    return std::min(earliest, peers_->next_choice(now, {from + count - 1}));
}

std::optional<crypto::PublicKey> BodyFetch::poll_failure() {
    if (failures_.empty()) return std::nullopt;
    const crypto::PublicKey peer = failures_.front();
    failures_.pop_front();
    return peer;
}

std::optional<wire::Hash> BodyFetch::hash_of(std::size_t skipped) const {
    if (skipped >= ready()) return std::nullopt;
    return walk_->at({static_cast<std::uint32_t>(next_.value + skipped)}).hash;
}

std::vector<ImportBlock> BodyFetch::blocks(std::size_t skipped, std::size_t count) const {
    std::vector<ImportBlock> blocks;
    const auto first = static_cast<std::uint32_t>(next_.value + skipped);
    for (auto body = bodies_.find(first);
         body != bodies_.end() && blocks.size() < count && body->first == first + blocks.size();
         ++body) {
        const HeaderWalk::Entry& entry = walk_->at({body->first});
        blocks.push_back({entry.hash, entry.header, body->second.transactions});
    }
    return blocks;
}

void BodyFetch::note_applied(std::size_t count) {
    for (; count > 0; --count, ++next_.value) {
        const auto body = bodies_.find(next_.value);
        MESH_ASSERT(body != bodies_.end());
        buffered_bytes_ -= body->second.bytes;
        bodies_.erase(body);
        rejected_.clear();
    }
}

void BodyFetch::reject(base::Instant now) {
    const auto body = bodies_.find(next_.value);
    MESH_ASSERT(body != bodies_.end());
    rejected_.insert(body->second.giver);
    condemn(now, body->second.giver);
}

}  // namespace meshchain::chain
