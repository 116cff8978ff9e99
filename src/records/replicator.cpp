#include "records/replicator.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::records {
namespace {

using namespace std::chrono_literals;
using wire::MessageType;
using wire::Verdict;

constexpr base::Duration refresh_interval = 250ms;
/// How often who is within reach is looked up.
constexpr base::Duration known_interval = 5s;
/// The first repetition of an urgent record; each later one waits twice as long.
constexpr base::Duration first_patience = 250ms;
/// Receipts of others wait so long for more of them.
constexpr base::Duration gather_for = 50ms;
/// After something came from a neighbour, for the rest of what it has.
constexpr base::Duration again_after = 300ms;
/// After the last news of a record, before all of its receipts are passed on once more.
constexpr base::Duration retell_after = 400ms;
constexpr int retellings = 2;
/// What was sent to a neighbour is not sent again within this, though it says that it lacks it.
constexpr base::Duration under_way = 2s;

/// In the queues: what is not urgent below all that is.
constexpr std::uint8_t rank_of_others = 0;
constexpr std::uint8_t queue_rank(AlertPriority priority) {
    return static_cast<std::uint8_t>(static_cast<std::uint8_t>(priority) + 1);
}

}  // namespace

Replicator::Replicator(RecordStore& store, ReceiptBook& own, crypto::SigningKey self,
                       Options options, base::Random random)
    : store_(store), own_(own), self_(std::move(self)), options_(options), random_(random) {}

base::Duration Replicator::jittered(base::Duration usual) {
    return random_.between(usual - usual / 4, usual + usual / 4);
}

/// Follows the sessions that come and go.
void Replicator::refresh(base::Now now) {
    if (around_ == nullptr ||
        (refreshed_ != base::Instant{} && now.instant - refreshed_ < refresh_interval)) {
        return;
    }
    refreshed_ = now.instant;
    if (now.instant >= known_until_) {
        known_until_ = now.instant + known_interval;
        store_.set_known(around_->reachable());
    }
    const std::vector<crypto::PublicKey> present = around_->neighbours();
    if (std::ranges::equal(present, neighbours_, {}, {}, &Neighbours::value_type::first)) return;
    std::erase_if(neighbours_, [&](const auto& entry) {
        return !std::ranges::binary_search(present, entry.first);
    });
    for (const crypto::PublicKey& key : present) {
        if (neighbours_.contains(key)) continue;
        const bool begins = store_.self() < key;
        // A session is used by both ends a moment after its first frame.
        const base::Instant first = now.instant + random_.between(200ms, 1s);
        neighbours_.emplace(
            key, Neighbour{.next_summary = begins ? first : base::never, .begins = begins});
    }
}

Replicator::Neighbour* Replicator::find(const crypto::PublicKey& key) {
    const auto found = neighbours_.find(key);
    return found == neighbours_.end() ? nullptr : &found->second;
}

void Replicator::spread(base::Now now, const wire::Record& record,
                        const std::optional<crypto::PublicKey>& from) {
    refresh(now);
    if (around_ == nullptr) return;
    const wire::RecordId id = wire::record_id(store_.chain(), record);
    if (from && !RecordStore::is_fresh(now, record)) {
        // Whoever else lacks it finds out when it compares.
        for (auto& [key, neighbour] : neighbours_) {
            if (key == *from) continue;
            neighbour.next_summary = std::min(neighbour.next_summary, now.instant + jittered(2s));
        }
        return;
    }
    const bool urgent = store_.kinds().find(record.kind)->urgent;
    if (urgent && record.origin != store_.self()) tracked_.put(id, Tracked{.giver = from});
    const std::uint8_t rank = rank_of(record);
    for (const crypto::PublicKey& key : around_->onward(record.origin, from, record.segment)) {
        Neighbour* to = find(key);
        if (to == nullptr) continue;
        if (urgent) {
            enqueue_urgent(now, *to, id, rank);
        } else {
            enqueue(now, *to, id, rank);
        }
    }
}

/// Of an acknowledgement that of its alarm, if that is known; of an application's record the usual.
std::uint8_t Replicator::rank_of(const wire::Record& record) {
    if (!store_.kinds().find(record.kind)->urgent) return rank_of_others;
    if (record.kind == wire::RecordKind::alert) {
        if (record.tombstone) return queue_rank(AlertPriority::high);
        const auto alert = parse_alert(record.body);
        return queue_rank(alert ? alert->priority : AlertPriority::low);
    }
    if (record.kind != wire::RecordKind::acknowledgement) {
        return queue_rank(AlertPriority::normal);
    }
    const auto of = acknowledged_alert(record.key);
    const auto* held = of ? store_.index().find(*of) : nullptr;
    if (held == nullptr || held->first.kind != wire::RecordKind::alert) {
        return queue_rank(AlertPriority::high);
    }
    const auto alert = store_.get(*of);
    return alert && *alert ? rank_of(**alert) : queue_rank(AlertPriority::high);
}

std::uint8_t Replicator::rank_of(const wire::RecordId& id) {
    const auto* held = store_.index().find(id);
    if (held == nullptr || !store_.kinds().find(held->first.kind)->urgent) return rank_of_others;
    const auto record = store_.get(id);
    return record && *record ? rank_of(**record) : rank_of_others;
}

void Replicator::enqueue(base::Now now, Neighbour& to, const wire::RecordId& id,
                         std::uint8_t rank) {
    if (to.waiting.contains(id) || to.unconfirmed.contains(id)) return;
    const base::Instant* sent = to.sent.get(id);
    if (sent != nullptr && now.instant - *sent < under_way) return;
    if (to.waiting.size() >= waiting_max) {
        ++stats_.dropped;
        const auto lower = to.waiting.below(rank);
        if (!lower) return;
        to.waiting.erase(*lower);
    }
    to.waiting.push(id, rank);
}

void Replicator::enqueue_urgent(base::Now now, Neighbour& to, const wire::RecordId& id,
                                std::uint8_t rank) {
    if (to.unconfirmed.contains(id)) return;
    if (to.unconfirmed.size() >= unconfirmed_max) {
        ++stats_.dropped;
        to.next_summary = std::min(to.next_summary, now.instant + jittered(2s));
        if (!make_way(to, rank)) return;
    }
    to.unconfirmed.emplace(id, Retry{.rank = rank});
    to.urgent.push(id, rank);
}

/// What ranks lower is left to reconciliation: of the lowest what was said most often.
bool Replicator::make_way(Neighbour& to, std::uint8_t rank) {
    const auto lowest = std::ranges::min_element(to.unconfirmed, {}, [](const auto& entry) {
        return std::pair(entry.second.rank, -int{entry.second.tries});
    });
    if (lowest->second.rank >= rank) return false;
    to.urgent.erase(lowest->first);
    to.unconfirmed.erase(lowest);
    return true;
}

Replicator::Received Replicator::handle_record(base::Now now, const crypto::PublicKey& from,
                                               base::Bytes payload) {
    refresh(now);
    auto record = wire::parse_record(payload);
    if (!record) return {Verdict::ignore, std::nullopt};
    const auto offer = store_.offer(now, *record);
    if (!offer || offer->outcome == Offer::Outcome::refused) return {Verdict::ignore, std::nullopt};
    const bool taken = offer->outcome == Offer::Outcome::taken;
    const wire::RecordId id = wire::record_id(store_.chain(), *record);
    if (Neighbour* giver = find(from)) {
        if (offer->outcome != Offer::Outcome::superseded &&
            store_.kinds().find(record->kind)->urgent) {
            confirm(from, id);
            if (giver->receipts.size() < unconfirmed_max) giver->receipts.push_back(receipt_of(id));
        }
        if (taken) {
            giver->next_summary =
                std::min(giver->next_summary, now.instant + jittered(again_after));
        }
    }
    // Under a borrowed address anybody repeats what is known: it earns nothing.
    if (!taken) return {Verdict::ignore, std::nullopt};
    spread(now, *record, from);
    return {Verdict::keep, std::move(*record)};
}

Receipt Replicator::receipt_of(const wire::RecordId& id) const {
    return sign_receipt(store_.chain(), id, self_);
}

Verdict Replicator::handle_reconcile(base::Now now, const crypto::PublicKey& from,
                                     base::Bytes body) {
    refresh(now);
    const auto message = parse_reconcile(body);
    if (!message) return Verdict::punish;
    Neighbour* neighbour = find(from);
    if (neighbour == nullptr || !store_.is_member(message->segment)) return Verdict::ignore;
    ReconcileAnswer answer = answer_reconciliation(
        *message, store_.index().tree(message->segment), random_.next(),
        [&](const wire::RecordId& id) { return store_.index().find(id) != nullptr; });
    for (base::Buffer& reply : answer.messages) {
        if (neighbour->messages.size() >= messages_max) {
            ++stats_.dropped;
            break;
        }
        neighbour->messages.push_back(std::move(reply));
    }
    for (const wire::RecordId& id : answer.to_send) enqueue(now, *neighbour, id, rank_of(id));
    return Verdict::keep;
}

Verdict Replicator::handle_receipts(base::Now now, const std::optional<crypto::PublicKey>& from,
                                    base::Bytes body) {
    const auto receipts = parse_receipts(body);
    if (!receipts) return Verdict::punish;
    if (around_ == nullptr) return Verdict::ignore;
    // Keys cost nothing: who is nowhere holds nothing.
    const std::vector<crypto::PublicKey> reachable = around_->reachable();
    for (const Receipt& receipt : *receipts) {
        const bool is_wanted_here = is_wanted(receipt, reachable);
        if (is_wanted_here && !is_genuine(store_.chain(), receipt)) return Verdict::punish;
        if (from && receipt.holder == *from) confirm(*from, receipt.record);
        if (is_wanted_here) note(now, receipt);
    }
    return Verdict::keep;
}

/// Whether it says something new. Who is not in reach now may have been when the alarm was raised.
bool Replicator::is_wanted(const Receipt& receipt,
                           const std::vector<crypto::PublicKey>& reachable) {
    const bool is_reachable = std::ranges::binary_search(reachable, receipt.holder);
    if (own_.has(receipt.record)) {
        return !own_.is_holder(receipt.record, receipt.holder) &&
               (is_reachable || own_.is_expected(receipt.record, receipt.holder));
    }
    const Tracked* tracked = tracked_.get(receipt.record);
    return tracked != nullptr && is_reachable && !tracked->holders.contains(receipt.holder) &&
           tracked->holders.size() < holders_max;
}

void Replicator::note(base::Now now, const Receipt& receipt) {
    if (own_.has(receipt.record)) return own_.note(now, receipt);
    Tracked* tracked = tracked_.get(receipt.record);
    tracked->holders.emplace(receipt.holder, receipt.signature);
    if (!tracked->giver) return;
    tracked->to_tell.push_back(receipt.holder);
    to_tell_.insert(receipt.record);
    tell_at_ = std::min(tell_at_, now.instant + jittered(gather_for));
}

void Replicator::confirm(const crypto::PublicKey& to, const wire::RecordId& id) {
    Neighbour* neighbour = find(to);
    if (neighbour == nullptr) return;
    neighbour->unconfirmed.erase(id);
    neighbour->urgent.erase(id);
}

void Replicator::handle_timeout(base::Now now) {
    refresh(now);
    tell_holders(now);
    tell_again(now);
    for (auto& [key, neighbour] : neighbours_) {
        repeat_urgent(now, neighbour);
        if (neighbour.next_summary <= now.instant) begin(now, neighbour);
    }
}

void Replicator::repeat_urgent(base::Now now, Neighbour& to) {
    for (auto next = to.unconfirmed.begin(); next != to.unconfirmed.end();) {
        auto& [id, retry] = *next;
        if (retry.due > now.instant) {
            ++next;
            continue;
        }
        if (++retry.tries >= tries_max || store_.index().find(id) == nullptr) {
            next = to.unconfirmed.erase(next);
            continue;
        }
        retry.due = base::never;
        to.urgent.push(id, retry.rank);
        ++stats_.urgent_repeats;
        ++next;
    }
}

/// What holders further away have said, to whoever gave us the record.
void Replicator::tell_holders(base::Now now) {
    if (tell_at_ > now.instant) return;
    for (const wire::RecordId& id : to_tell_) {
        Tracked* tracked = tracked_.get(id);
        if (tracked == nullptr || !tracked->giver) continue;
        if (Neighbour* giver = find(*tracked->giver)) {
            for (const crypto::PublicKey& holder : tracked->to_tell) {
                giver->receipts.push_back({id, holder, tracked->holders.at(holder)});
            }
        }
        tracked->to_tell.clear();
        if (retellings_.size() >= tracked_max && !retellings_.contains(id)) continue;
        retellings_.insert_or_assign(id,
                                     Retelling{now.instant + jittered(retell_after), retellings});
    }
    to_tell_.clear();
    tell_at_ = base::never;
}

void Replicator::tell_again(base::Now now) {
    for (auto next = retellings_.begin(); next != retellings_.end();) {
        auto& [id, retelling] = *next;
        if (retelling.at > now.instant) {
            ++next;
            continue;
        }
        const Tracked* tracked = tracked_.get(id);
        Neighbour* giver = tracked != nullptr ? find(*tracked->giver) : nullptr;
        if (giver != nullptr && giver->receipts.size() < unconfirmed_max) {
            for (const auto& [holder, signature] : tracked->holders) {
                giver->receipts.push_back({id, holder, signature});
            }
        }
        retelling.at = now.instant + jittered(2 * retell_after);
        if (giver == nullptr || --retelling.left == 0) {
            next = retellings_.erase(next);
        } else {
            ++next;
        }
    }
}

void Replicator::begin(base::Now now, Neighbour& with) {
    with.next_summary =
        with.begins ? now.instant + jittered(options_.reconcile_interval) : base::never;
    const auto say = [&](const Segment& segment) {
        if (with.messages.size() >= messages_max) return;
        with.messages.push_back(
            begin_reconciliation(store_.index().tree(segment), segment, random_.next()));
        ++stats_.reconciliations;
    };
    say(std::nullopt);
    for (const wire::SegmentId& segment : store_.segments()) say(segment);
}

std::optional<wire::Outgoing> Replicator::frame_of(base::Now now, const crypto::PublicKey& to,
                                                   Neighbour& neighbour, const wire::RecordId& id) {
    const auto record = store_.get(id);
    if (!record || !*record) return std::nullopt;
    neighbour.sent.put(id, now.instant);
    base::Buffer bytes = wire::encode(**record);
    ++stats_.records_sent;
    stats_.bytes_sent += bytes.size();
    return wire::Outgoing{.type = MessageType::record, .to = to, .payload = std::move(bytes)};
}

std::optional<wire::Outgoing> Replicator::poll_receipts(Neighbours::iterator next) {
    auto& [key, neighbour] = *next;
    // What is confirmed is on disk.
    if (neighbour.receipts.empty() || !store_.flush()) return std::nullopt;
    const auto count =
        static_cast<std::ptrdiff_t>(std::min(neighbour.receipts.size(), receipts_max));
    const std::vector<Receipt> some(neighbour.receipts.begin(), neighbour.receipts.begin() + count);
    neighbour.receipts.erase(neighbour.receipts.begin(), neighbour.receipts.begin() + count);
    return wire::Outgoing{.type = MessageType::record_receipt, .to = key, .payload = encode(some)};
}

/// What reconciliation says.
std::optional<wire::Outgoing> Replicator::poll_messages(Neighbours::iterator next) {
    auto& [key, neighbour] = *next;
    if (neighbour.messages.empty()) return std::nullopt;
    base::Buffer body = std::move(neighbour.messages.front());
    neighbour.messages.pop_front();
    return wire::Outgoing{.type = MessageType::reconcile, .to = key, .payload = std::move(body)};
}

std::optional<wire::Outgoing> Replicator::poll_urgent_of(base::Now now, Neighbours::iterator next) {
    auto& [key, neighbour] = *next;
    while (const auto id = neighbour.urgent.pop()) {
        Retry& retry = neighbour.unconfirmed.at(*id);
        retry.due = now.instant + jittered(first_patience * (1 << retry.tries));
        if (auto frame = frame_of(now, key, neighbour, *id)) return frame;
    }
    return std::nullopt;
}

std::optional<wire::Outgoing> Replicator::poll_waiting(base::Now now, Neighbours::iterator next) {
    auto& [key, neighbour] = *next;
    while (!neighbour.waiting.empty()) {
        if (!bucket_) bucket_.emplace(now.instant, options_.records_rate);
        if (!bucket_->take(now.instant)) return std::nullopt;
        const auto id = neighbour.waiting.pop();
        if (auto frame = frame_of(now, key, neighbour, *id)) return frame;
    }
    return std::nullopt;
}

/// In turn, so that nobody starves.
template <class Poll>
std::optional<wire::Outgoing> Replicator::poll_in_turn(Poll poll) {
    auto next = served_ ? neighbours_.upper_bound(*served_) : neighbours_.begin();
    for (std::size_t i = 0; i < neighbours_.size(); ++i, ++next) {
        if (next == neighbours_.end()) next = neighbours_.begin();
        if (auto frame = poll(next)) {
            served_ = next->first;
            return frame;
        }
    }
    return std::nullopt;
}

std::optional<wire::Outgoing> Replicator::poll_urgent(base::Now now) {
    refresh(now);
    return poll_in_turn([&](auto neighbour) { return poll_urgent_of(now, neighbour); });
}

std::optional<wire::Outgoing> Replicator::poll_other(base::Now now) {
    refresh(now);
    // In turn, so that receipts of a storm do not keep what is missing from being found.
    constexpr unsigned kinds = 3;
    for (unsigned i = 0; i < kinds; ++i) {
        const unsigned kind = other_turn_++ % kinds;
        auto frame = poll_in_turn([&](auto neighbour) {
            if (kind == 0) return poll_receipts(neighbour);
            return kind == 1 ? poll_messages(neighbour) : poll_waiting(now, neighbour);
        });
        if (frame) return frame;
    }
    return std::nullopt;
}

base::Instant Replicator::poll_timeout(base::Now now) const {
    if (around_ == nullptr) return base::never;
    base::Instant next = std::min(refreshed_ + refresh_interval, tell_at_);
    for (const auto& [id, retelling] : retellings_) next = std::min(next, retelling.at);
    for (const auto& [key, neighbour] : neighbours_) {
        next = std::min(next, neighbour.next_summary);
        for (const auto& [id, retry] : neighbour.unconfirmed) next = std::min(next, retry.due);
        if (!neighbour.urgent.empty() || !neighbour.messages.empty() ||
            !neighbour.receipts.empty()) {
            return now.instant;
        }
        // Waiting for the budget: what is due is no timeout, but the next look for frames.
        if (!neighbour.waiting.empty()) next = std::min(next, now.instant + 5ms);
    }
    return next;
}

}  // namespace meshchain::records
