#include "chain/held_votes.h"

#include <algorithm>

namespace meshchain::chain {

void HeldVotes::hold(const wire::ShortVote& vote) {
    if (std::ranges::find(votes_, vote) != votes_.end()) return;
    const auto same = [&](const wire::ShortVote& held) { return held.validator == vote.validator; };
    if (std::ranges::count_if(votes_, same) == of_validator_max) {
        votes_.erase(std::ranges::find_if(votes_, same));
    }
    if (votes_.size() == votes_max) votes_.pop_front();
    votes_.push_back(vote);
}

bool NamedWishes::want(base::Instant now, wire::BlockWish wish, base::Duration turn) {
    if (const auto found = wishes_.find(wish.block); found != wishes_.end()) {
        Wish& known = found->second;
        const bool is_more = wish.missing > known.missing;
        const bool rests = known.rests_until && now < *known.rests_until;
        known.missing = std::max(known.missing, wish.missing);
        if (!known.rests_until && known.tries < tries_max) return true;
        if (!is_more && (rests || !known.rests_until)) return false;
        wishes_.erase(found);
    }
    if (wishes_.size() == names_max) {
        wishes_.erase(std::ranges::min_element(wishes_, {},
                                               [](const auto& item) { return item.second.age; }));
    }
    wishes_.emplace(wish.block, Wish{.ask_at = now + turn / 4 + random_.between({}, turn),
                                     .turn = turn,
                                     .age = ++count_,
                                     .missing = wish.missing});
    return true;
}

bool NamedWishes::is_asking(wire::BlockName name) const {
    const auto found = wishes_.find(name);
    return found != wishes_.end() && !found->second.rests_until && found->second.tries < tries_max;
}

bool NamedWishes::is_resting() const {
    return std::ranges::all_of(
        wishes_, [](const auto& item) { return item.second.rests_until.has_value(); });
}

void NamedWishes::note_asked(base::Instant now, wire::BlockWish asked) {
    const auto found = wishes_.find(asked.block);
    if (found == wishes_.end() || found->second.has_yielded || found->second.rests_until) return;
    if (asked.missing < found->second.missing) return;  // that answer is not enough
    Wish& wish = found->second;
    wish.has_yielded = true;
    wish.ask_at = std::max(wish.ask_at, now + 2 * wish.turn + random_.between({}, 2 * wish.turn));
}

std::vector<NamedWishes::Due> NamedWishes::take_due(base::Instant now) {
    std::vector<Due> due;
    for (auto& [name, wish] : wishes_) {
        if (now < wish.ask_at) continue;
        if (wish.tries++ == tries_max) {
            wish.rests_until = now + turns_of_rest * wish.turn;
            wish.ask_at = base::never;
            continue;
        }
        due.push_back({{name, wish.missing}, wish.tries});
        wish.has_yielded = false;
        wish.ask_at = now + 4 * wish.turn + random_.between({}, 4 * wish.turn);
    }
    return due;
}

base::Instant NamedWishes::poll_timeout() const {
    base::Instant next = base::never;
    for (const auto& [name, wish] : wishes_) next = std::min(next, wish.ask_at);
    return next;
}

}  // namespace meshchain::chain
