#pragma once
// Short votes that name blocks which are not here yet, and the names that are asked for on the air
// (row F4; docs/decisions/0177-frugal-on-the-air.md).
//
// Time:   poll_timeout() says when to call take_due().
// Limits: votes_max votes, of each validator the last of_validator_max, as nothing of them was
//         checked; names_max names, each asked for tries_max times. The oldest gives way.

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "wire/short_vote.h"

namespace meshchain::chain {

class HeldVotes {
public:
    static constexpr std::size_t votes_max = 64;
    static constexpr std::ptrdiff_t of_validator_max = 4;

    void hold(const wire::ShortVote& vote);
    bool empty() const { return votes_.empty(); }
    /// All of them, to be judged again.
    std::deque<wire::ShortVote> take() { return std::exchange(votes_, {}); }

private:
    std::deque<wire::ShortVote> votes_;  ///< the oldest first
};

/// Announcements of blocks that nothing is known of but a name. What nobody answers is let rest.
class NamedWishes {
public:
    static constexpr std::size_t names_max = 8;
    static constexpr int tries_max = 4;
    static constexpr int turns_of_rest = 64;

    explicit NamedWishes(base::Random random) : random_(random) {}

    /// `turn`: in which whoever is asked answers, and others ask the same.
    /// The whole one serves who wants any. Whether it is going to be asked for: not what rests, or
    /// was asked for as often as anything is.
    bool want(base::Instant now, wire::BlockWish wish, base::Duration turn);
    bool is_asking(wire::BlockName name) const;
    /// Somebody else asked for it: it waits for that answer, once between two questions of its own.
    void note_asked(base::Instant now, wire::BlockWish wish);
    void forget(wire::BlockName name) { wishes_.erase(name); }
    /// None lacks: what rests does.
    bool empty() const { return wishes_.empty(); }
    /// None is asked for any more.
    bool is_resting() const;
    struct Due {
        wire::BlockWish wish;
        int tries = 0;  ///< this one included
    };
    std::vector<Due> take_due(base::Instant now);
    base::Instant poll_timeout() const;

private:
    struct Wish {
        base::Instant ask_at;
        base::Duration turn;
        std::uint64_t age = 0;
        int tries = 0;
        bool has_yielded = false;
        std::uint8_t missing = 0;                    ///< as BlockWish has it
        std::optional<base::Instant> rests_until{};  ///< nobody has answered
    };
    base::Random random_;
    std::map<wire::BlockName, Wish> wishes_;
    std::uint64_t count_ = 0;
};

}  // namespace meshchain::chain
