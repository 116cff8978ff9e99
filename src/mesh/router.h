#pragma once
// Routed messages (row F9): our own until a receipt comes, those of others until they are handed
// up once, and through which neighbour each goes next. Decides; Mesh signs, verifies and sends.
//
// A message to one key takes the best way of the route table. Where none is known it is flooded,
// and the receipt teaches the way back. Without a receipt the origin tries again: the second time
// everybody on the way, the origin first, avoids the neighbour that failed; the third is a flood.
//
// Time:      every call takes `now`, which never goes backwards.
// Limits:    `pending_max` own messages under way; windows of `origins_max` origins; what
//            `trails_max` passing messages took. A sequence window tells 64 numbers apart, so no
//            new message starts while one 64 older is under way.
// Errors:    full.

#include <array>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/lru_cache.h"
#include "base/token_bucket.h"
#include "mesh/route_table.h"
#include "mesh/sequence_window.h"
#include "wire/routed.h"
#include "wire/service.h"

namespace meshchain::mesh {

struct RouterLimits {
    std::size_t routes_max = 10'000;
    base::Duration timeout = std::chrono::seconds(1);  ///< of the first attempt; then doubled
};

class Router {
public:
    static constexpr std::size_t pending_max = 32;
    static constexpr std::size_t origins_max = 2'048;
    static constexpr std::size_t trails_max = 2'048;
    /// Messages of one origin that we take or pass on, whoever brings them: five searches a second,
    /// with the receipts for answers in three parts.
    static constexpr base::Rate per_origin{1'200, 240};
    /// How old a message may be, and how far ahead of our clock.
    static constexpr std::chrono::seconds age_max = std::chrono::minutes(2);

    Router(const RouterLimits& limits, const crypto::PublicKey& self, std::uint32_t epoch,
           base::Now now);

    /// One of ours under way to one key.
    struct Pending {
        wire::RoutedMessage message;  ///< without signature
        std::array<std::optional<crypto::PublicKey>, wire::RoutedMessage::attempts_max> vias;
        std::array<base::Instant, wire::RoutedMessage::attempts_max> sent;
        base::Instant deadline = base::never;
    };

    /// Numbers a new message of ours. Errors: full (too many are under way).
    std::expected<wire::RoutedMessage, base::Error> begin(const wire::Destination& destination,
                                                          wire::MessageType type,
                                                          base::Bytes payload);
    /// The answer to a message of `to`. Receipts have numbers of their own: they repeat harmlessly,
    /// and waiting for one must not hold up those that we owe.
    wire::RoutedMessage begin_receipt(const crypto::PublicKey& to, const wire::Receipt& receipt);
    /// The same for an answer that is of use at once or never, to this attempt of a question.
    wire::RoutedMessage begin_answer(const crypto::PublicKey& to, wire::MessageType type,
                                     base::Bytes payload, std::uint8_t attempt);
    /// Numbered apart, handed up as often as they come, and without a receipt of their own.
    static bool is_answer(wire::MessageType type) {
        return type == wire::MessageType::receipt || type == wire::MessageType::clock_answer;
    }
    /// It left, to `via` or to everybody: a receipt is waited for if it wants one.
    void note_sent(base::Instant now, const wire::RoutedMessage& message,
                   const std::optional<crypto::PublicKey>& via);
    /// The message that a receipt of `from` ends; nothing if we wait for none like it.
    std::optional<Pending> take_receipt(base::Instant now, const crypto::PublicKey& from,
                                        const wire::Receipt& receipt);
    /// A message whose time is up, its way penalised: to be sent again as attempt + 1, unless that
    /// was the last.
    std::optional<Pending> take_overdue(base::Instant now);
    /// What went through this peer and is not answered is overdue at once.
    void handle_peer_lost(base::Instant now, const crypto::PublicKey& peer);
    base::Instant poll_timeout() const;

    /// By its own time and our clock, not too old and not from the future.
    bool is_timely(base::Now now, const wire::RoutedMessage& message) const;
    /// After its signature was verified: whether its origin keeps to its rate.
    bool admit(base::Instant now, const crypto::PublicKey& origin);
    /// After its signature was verified: whether it was never handed up here.
    bool take_new(const wire::RoutedMessage& message);
    /// Whether messages of this origin and type keep to the rate of their rule.
    bool admit_type(base::Instant now, const crypto::PublicKey& origin,
                    const wire::MessageRule& rule);
    void note_refused(const wire::RoutedMessage& message);
    bool was_refused(const wire::RoutedMessage& message);

    RouteTable& routes() { return routes_; }
    const RouteTable& routes() const { return routes_; }

    /// Where to pass on another's message to one key; nothing: to everybody. Penalises the way of
    /// an earlier attempt. `is_usable(peer)`: has a session, and is not where it came from.
    template <class Usable>
    std::optional<crypto::PublicKey> pass_on(base::Instant now, const wire::RoutedMessage& message,
                                             const Topology& topology, Usable&& is_usable) {
        const auto& destination = std::get<crypto::PublicKey>(message.destination);
        const TrailKey key{message.origin, message.sequence};
        if (Trail* trail = trails_.get(key); trail != nullptr && trail->attempt < message.attempt) {
            routes_.penalise(now, destination, trail->via);
            trails_.erase(key);
        }
        if (is_flooded(message)) return std::nullopt;
        const auto next = next_hop(now, message, topology, is_usable);
        if (!next) return std::nullopt;
        trails_.put(key, Trail{next->peer, message.attempt});
        return next->peer;
    }
    /// The best way for a message to one key among usable peers. A receipt or an answer goes back
    /// by the way that its message came.
    template <class Usable>
    std::optional<NextHop> next_hop(base::Instant now, const wire::RoutedMessage& message,
                                    const Topology& topology, Usable&& is_usable) {
        const auto& destination = std::get<crypto::PublicKey>(message.destination);
        if (is_answer(message.type)) {
            if (const auto back = routes_.latest(now, destination, is_usable)) return back;
        }
        routes_.refresh(now, destination, topology);
        return routes_.best(now, destination, is_usable);
    }
    /// To more than one key, or tried in vain twice.
    static bool is_flooded(const wire::RoutedMessage& message);

    std::size_t pending() const { return pending_.size(); }
    void check_invariants() const;

private:
    struct OriginState {
        SequenceWindow window;
        base::TokenBucket bucket;
        std::uint64_t refused = 0;  ///< sequence of the last message that was of no use
    };
    using TrailKey = std::pair<crypto::PublicKey, std::uint64_t>;
    struct Trail {
        crypto::PublicKey via;
        std::uint8_t attempt;
    };

    RouterLimits limits_;
    crypto::PublicKey self_;
    std::uint64_t sequence_;
    std::uint64_t receipt_sequence_;
    std::uint32_t started_;  ///< seconds since 1970 by our clock
    RouteTable routes_;
    std::map<std::uint64_t, Pending> pending_;
    base::LruCache<crypto::PublicKey, OriginState> origins_{origins_max};
    base::LruCache<std::pair<crypto::PublicKey, wire::MessageType>, base::TokenBucket> types_{
        origins_max};
    base::LruCache<TrailKey, Trail> trails_{trails_max};
};

}  // namespace meshchain::mesh
