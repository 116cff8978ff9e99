#pragma once
// What people with nothing but the phone app get to read (row E10): short plain texts on a channel
// of the radios. Says when which of them leaves; whoever owns it sends.
//
// Several gateways on a channel hold the same text. Each waits for a random time, longer for what
// is less urgent, and keeps silent when it has heard the text from another.
//
// Time:   handed in, never falling.
// Limits: those of Limits, whatever is to be said or heard. What is dropped is counted.
// Format: docs/formats/radio-frame.md#plain-texts

#include <deque>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/token_bucket.h"
#include "radio/airtime_budget.h"

namespace meshchain::radio {

/// One line that nobody can make two of: what is no UTF-8 becomes '?', and what could start a
/// line, move a cursor or turn the direction of what stands around it a space.
std::string one_line(std::string_view text);

/// A text of which the middle is a stranger's and may be cut, so that what is said about it stays.
struct MirrorText {
    std::string before;
    std::string middle;
    std::string after;

    /// At most `bytes_max` bytes, the middle cut between two characters and ended with "…".
    /// Asserts that the rest leaves room for that.
    std::string fitting(std::size_t bytes_max) const;
    /// Whether another gateway says this, be its packets shorter than ours or longer.
    bool is_said_by(std::string_view heard) const;
};

class TextMirror {
public:
    /// What every packet has room for; nobody's cut text is shorter than this by more than "…".
    static constexpr std::size_t bytes_min = 64;

    struct Limits {
        std::size_t waiting_max = 16;
        base::Rate rate{.per_minute = 4, .burst = 8};  ///< of texts that leave
        /// Between any two: radios refuse texts of a client that follow each other within 2 s.
        base::Duration gap = std::chrono::seconds(3);
        base::Duration stale_after = std::chrono::minutes(10);  ///< then it is news no more
        std::size_t heard_max = 16;  ///< texts of others that are remembered
    };
    TextMirror(base::Instant now, const Limits& limits, base::Random random);

    /// Who else may say it, and so when we do.
    enum class Knows : std::uint8_t {
        nobody_else,
        others_later,  ///< it began here: others leave us the first turn
        others_too,
    };
    /// `spread`: how much time the most urgent texts of all gateways get to be said by one.
    void say(base::Instant now, Priority priority, MirrorText text, Knows knows,
             base::Duration spread);
    /// Somebody said this on the channel.
    void handle_heard(base::Instant now, std::string_view text);

    /// The priority of what would leave now; nothing: none.
    std::optional<Priority> next(base::Instant now) const;
    /// Takes it out. Asserts that there is one.
    std::string take(base::Instant now, std::size_t bytes_max);
    /// When the next one may be ready or is to be dropped; `never`: none waits.
    base::Instant poll_timeout(base::Instant now) const;
    void handle_timeout(base::Instant now);

    std::size_t waiting() const { return waiting_.size(); }

    struct Stats {
        std::uint64_t said = 0;
        std::uint64_t said_by_others = 0;  ///< what this node would have said
        std::uint64_t over_rate = 0;       ///< dropped: too many wait
        std::uint64_t stale = 0;           ///< dropped: there was no air for it
        std::uint64_t foreign = 0;         ///< texts of others that are none of ours
    };
    const Stats& stats() const { return stats_; }
    void check_invariants() const;

private:
    struct Waiting {
        Priority priority;
        std::uint64_t order;
        MirrorText text;
        base::Instant from;
        base::Instant until;
        bool is_shared;  ///< other gateways have it, too
    };
    struct Heard {
        std::string text;
        base::Instant until;
    };
    const Waiting* first(base::Instant now) const;
    bool make_room(Priority priority);

    Limits limits_;
    base::Random random_;
    base::TokenBucket rate_;
    std::deque<Waiting> waiting_;
    std::deque<Heard> heard_;
    std::uint64_t orders_ = 0;
    base::Instant not_before_{};
    Stats stats_;
};

}  // namespace meshchain::radio
