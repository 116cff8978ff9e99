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

void NamedWishes::want(base::Instant now, wire::BlockName name, base::Duration turn) {
    if (wishes_.contains(name)) return;
    if (wishes_.size() == names_max) {
        wishes_.erase(std::ranges::min_element(wishes_, {},
                                               [](const auto& item) { return item.second.age; }));
    }
    wishes_.emplace(
        name,
        Wish{.ask_at = now + turn / 4 + random_.between({}, turn), .turn = turn, .age = ++count_});
}

void NamedWishes::note_asked(base::Instant now, wire::BlockName name) {
    const auto found = wishes_.find(name);
    if (found == wishes_.end() || found->second.has_yielded) return;
    Wish& wish = found->second;
    wish.has_yielded = true;
    wish.ask_at = std::max(wish.ask_at, now + 2 * wish.turn + random_.between({}, 2 * wish.turn));
}

std::vector<wire::BlockName> NamedWishes::take_due(base::Instant now) {
    std::vector<wire::BlockName> due;
    for (auto at = wishes_.begin(); at != wishes_.end();) {
        const auto current = at++;
        Wish& wish = current->second;
        if (now < wish.ask_at) continue;
        if (wish.tries++ == tries_max) {
            wishes_.erase(current);
            continue;
        }
        due.push_back(current->first);
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
