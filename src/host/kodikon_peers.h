#pragma once
// The Kodikon nodes that are present, and what each address may still send. Nobody there proves who
// he is, so the address that a datagram came from is all that can be held to a limit.
//
// Time:    every call takes `now`, which never goes backwards.
// Limits:  `peers_max` nodes, `ids_per_host_max` of one host. A present node is never pushed out by
//          newcomers from hosts that have as few; a host with several gives one up for a newcomer
//          whose host has none. Who is not in the table shares one budget with all others like it,
//          but is read as often as any host, so that nobody's flood keeps him out of the table.
// Threads: the owner's.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/link.h"
#include "base/lru_cache.h"
#include "base/token_bucket.h"

namespace meshchain::host {

using KodikonHost = std::array<std::byte, 16>;

/// What one host may say, or all strangers together.
struct KodikonBudget {
    KodikonBudget(base::Instant now, bool is_stranger);

    base::TokenBucket alerts;
    base::TokenBucket entries;
};

struct KodikonPeer {
    std::string id;
    base::LinkAddress address;
    base::Instant joined;
    base::Instant heard;
};

class KodikonPeers {
public:
    /// A node that was silent so long may be at another address now.
    static constexpr base::Duration settled_for = std::chrono::seconds(12);
    static constexpr std::size_t ids_per_host_max = 4;
    static constexpr std::size_t budgets_max = 256;
    /// A snapshot and a state every ten seconds, a heartbeat every five, and what a storm repeats
    /// of them.
    static constexpr base::Rate host_reading{12'000, 1'000};
    static constexpr base::Rate strangers_reading{60'000, 4'000};

    enum class Heard : std::uint8_t {
        known,
        joined,
        moved,            ///< was silent elsewhere
        elsewhere,        ///< present at another address: somebody uses its name
        too_many_a_host,  ///< as many names as a host may have
        full,             ///< no room
    };

    KodikonPeers(base::Instant now, std::size_t peers_max, base::Duration timeout)
        : peers_max_(peers_max),
          timeout_(timeout),
          strangers_(now, true),
          strangers_read_(now, strangers_reading) {}

    /// A node says at `address` that it is there.
    Heard hear(base::Instant now, const std::string& id, const base::LinkAddress& address);
    /// The next instant at which one of them is forgotten, if it stays silent.
    base::Instant poll_timeout() const;
    /// Forgets the silent ones.
    void handle_timeout(base::Instant now);

    const KodikonPeer* find(const std::string& id) const;
    bool has_host(const KodikonHost& host) const;
    /// Whether one more datagram from there is looked at.
    bool may_read(base::Instant now, const KodikonHost& host);
    KodikonBudget& budget(base::Instant now, const KodikonHost& host);
    const std::map<std::string, KodikonPeer>& all() const { return peers_; }

private:
    std::size_t count_of(const KodikonHost& host) const;
    bool make_room();

    const std::size_t peers_max_;
    const base::Duration timeout_;
    std::map<std::string, KodikonPeer> peers_;
    KodikonBudget strangers_;
    base::TokenBucket strangers_read_;
    base::LruCache<KodikonHost, base::TokenBucket> read_{budgets_max};
    /// Outlive a short absence, so that leaving and coming back refills nothing.
    base::LruCache<KodikonHost, KodikonBudget> budgets_{budgets_max};
};

}  // namespace meshchain::host
