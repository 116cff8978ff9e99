#pragma once
// The part of the handshake that deals with strangers (PROTOCOL.md P1.9): cookies we give, dials we
// make, and what we are willing to spend on either. Mesh does the sending and the signatures.
//
// Strangers share what we spend on them by host and by network (mesh/address_group.h).
//
// Limits: `dials_max` dials and `strangers_max` rate limits, whatever arrives; static peers have
//         their dials apart, so that no flood of hints can push them out.

#include <optional>
#include <span>
#include <vector>

#include "base/lru_cache.h"
#include "base/random.h"
#include "base/token_bucket.h"
#include "mesh/address_group.h"
#include "mesh/cookie_jar.h"
#include "mesh/fair_budget.h"
#include "mesh/options.h"

namespace meshchain::mesh {

class Handshake {
public:
    static constexpr std::size_t dials_max = 64;
    static constexpr std::size_t strangers_max = 256;
    /// Of one address: cookies, hints answered and HELLOs verified together.
    static constexpr base::Rate per_address{60, 12};
    static constexpr base::Rate hints_in_all{1'200, 40};
    static constexpr base::Rate cookies_in_all{60'000, 2'000};
    static constexpr base::Rate verifications_in_all{6'000, 200};

    Handshake(const Options& options, base::Entropy& entropy, base::Random random,
              base::Instant now);

    CookieJar& cookies() { return cookies_; }

    /// Whether to unicast our HELLO to the sender of a multicast one.
    bool may_answer_hint(base::Instant now, const Endpoint& from);
    /// Whether to answer a HELLO without a valid cookie by one.
    bool may_give_cookie(base::Instant now, const Endpoint& from);
    /// Whether to spend a signature check on a HELLO whose cookie is valid.
    bool may_verify(base::Instant now, const Endpoint& from);

    /// A HELLO left for `to` that may be answered by a COOKIE.
    void note_dialled(base::Instant now, const Endpoint& to);
    /// True iff a dial waits for a cookie from there: it is kept, and one HELLO may carry it back.
    bool take_cookie(base::Instant now, const Endpoint& from, const wire::Cookie& cookie);
    /// The last cookie we got from `to`; zero if none.
    wire::Cookie cookie_for(const Endpoint& to);
    /// From our last HELLO to the COOKIE that answered it; zero if none did.
    base::Duration round_trip(const Endpoint& to);

    bool is_static(const Endpoint& endpoint) const;
    /// Static peers that are due, whose next try is put off with growing intervals.
    std::vector<Endpoint> take_due(base::Instant now);
    /// Both sides hold a session: no cookie is waited for, and a static peer is dialled again only
    /// when that ends.
    void note_connected(const Endpoint& endpoint);
    void note_lost(base::Instant now, const Endpoint& endpoint);
    base::Instant poll_timeout() const;

    /// Refuses all from this address until then.
    void refuse(const Endpoint& endpoint, base::Instant until);
    bool is_refused(base::Instant now, const Endpoint& endpoint);

    std::size_t dials() const { return dials_.size(); }
    std::size_t strangers() const { return strangers_.size(); }

private:
    struct Dial {
        bool awaits_cookie = false;
        wire::Cookie cookie{};
        base::Instant sent{};
        base::Duration round_trip{};
    };
    struct StaticPeer {
        Endpoint endpoint;
        Dial dial;
        base::Instant next;
        base::Duration interval;
    };

    bool take_token(base::Instant now, const Endpoint& from, FairBudget& total);
    Dial* find_dial(const Endpoint& endpoint);
    StaticPeer* find_static(const Endpoint& endpoint);

    CookieJar cookies_;
    base::Random random_;
    base::Duration interval_min_;
    base::Duration interval_max_;
    crypto::ShortHashKey flow_key_;
    FairBudget hints_;
    FairBudget cookies_given_;
    FairBudget verifications_;
    base::LruCache<Endpoint, base::TokenBucket> strangers_{strangers_max};
    base::LruCache<Endpoint, Dial> dials_{dials_max};
    base::LruCache<Endpoint, base::Instant> refused_{strangers_max};
    std::vector<StaticPeer> static_peers_;
};

}  // namespace meshchain::mesh
