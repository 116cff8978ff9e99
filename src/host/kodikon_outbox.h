#pragma once
// What a bridge sends to Kodikon nodes: that it is there, alerts, and entries in batches. Nothing
// that it heard from one of them is ever among it.
//
// Time:    a sign of life at once and every five seconds. Of datagrams 32 may leave together and
//          then 200 a second: what comes faster, Kodikon's threads lose.
// Limits:  `datagrams_max` wait; what finds no room is refused and counted by the caller.
// Path:    every message names us five times, which is Kodikon's hop limit: its nodes handle it and
//          do not pass it on, so none of ours becomes a storm among them.
// Threads: the owner's.

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "base/link.h"
#include "base/token_bucket.h"
#include "host/kodikon_message.h"

namespace meshchain::host {

class KodikonOutbox {
public:
    static constexpr base::Duration heartbeat_interval = std::chrono::seconds(5);
    /// Entries that become known together leave together.
    static constexpr base::Duration batch_wait = std::chrono::milliseconds(200);
    static constexpr std::size_t datagrams_max = 2'048;
    static constexpr std::size_t entries_max = 1'024;
    static constexpr std::size_t hops_max = 5;

    struct Departure {
        std::optional<base::LinkAddress> to;  ///< nothing: everybody, by broadcast
        base::Buffer bytes;
    };
    using Addresses = std::span<const base::LinkAddress>;

    /// Kodikon nodes will send to `address` and `port`, which we tell them.
    KodikonOutbox(base::Now now, std::string node_id, std::string address, std::uint16_t port);

    /// Whether there was room for all of them.
    bool send_alert(base::Now now, const std::string& payload, Addresses to);
    /// Takes an entry as JSON for the next batch, in place of an older one of this hash.
    bool add_entry(base::Now now, const std::string& hash, std::string entry);

    void handle_timeout(base::Now now, Addresses peers);
    /// Nothing while no datagram waits or may leave yet.
    std::optional<Departure> poll(base::Now now);
    base::Instant poll_timeout(base::Now now) const;
    std::uint64_t sent() const { return sent_; }
    std::uint64_t left_out() const { return left_out_; }

private:
    bool send(base::Now now, KodikonType type, std::string payload,
              std::optional<base::LinkAddress> to);
    void send_entries(base::Now now, Addresses peers);

    const std::string node_id_;
    const std::string address_;
    const std::uint16_t port_;
    std::deque<Departure> waiting_;
    base::TokenBucket pace_;
    base::Instant next_send_;
    base::Instant next_heartbeat_;
    base::Instant entries_at_ = base::never;
    std::map<std::string, std::string> entries_;
    std::uint64_t seq_ = 0;
    std::uint64_t version_ = 0;  ///< of the registry; Kodikon compares it with nothing
    std::uint64_t sent_ = 0;
    std::uint64_t left_out_ = 0;  ///< datagrams without room
};

}  // namespace meshchain::host
