#include "host/kodikon_outbox.h"

#include <utility>
#include <vector>

#include "base/assert.h"
#include "host/kodikon_translation.h"

namespace meshchain::host {
namespace {

constexpr base::Rate pace{12'000, 32};
/// What is around the entries of a datagram.
constexpr std::size_t envelope_bytes = 300;

double seconds(base::Now now) { return static_cast<double>(base::unix_ms(now.wall)) / 1'000; }

}  // namespace

KodikonOutbox::KodikonOutbox(base::Now now, std::string node_id, std::string address,
                             std::uint16_t port)
    : node_id_(std::move(node_id)),
      address_(std::move(address)),
      port_(port),
      pace_(now.instant, pace),
      next_send_(now.instant),
      next_heartbeat_(now.instant) {
    MESH_ASSERT(is_kodikon_id(node_id_) && !address_.empty());
}

bool KodikonOutbox::send(base::Now now, KodikonType type, std::string payload,
                         std::optional<base::LinkAddress> to) {
    if (waiting_.size() >= datagrams_max) {
        ++left_out_;
        return false;
    }
    auto bytes = encode(KodikonMessage{.type = type,
                                       .source = node_id_,
                                       .timestamp = seconds(now),
                                       .seq = ++seq_,
                                       .payload = std::move(payload),
                                       .path = std::vector<std::string>(hops_max, node_id_)});
    MESH_ASSERT(bytes.has_value());  // a record has no more than 1,180 bytes
    waiting_.push_back({to, *std::move(bytes)});
    return true;
}

bool KodikonOutbox::send_alert(base::Now now, const std::string& payload, Addresses to) {
    bool all = true;
    for (const base::LinkAddress& address : to) {
        all = send(now, KodikonType::alert, payload, address) && all;
    }
    return all;
}

bool KodikonOutbox::add_entry(base::Now now, const std::string& hash, std::string entry) {
    if (entries_.size() >= entries_max && !entries_.contains(hash)) return false;
    entries_[hash] = std::move(entry);
    if (entries_at_ == base::never) entries_at_ = now.instant + batch_wait;
    return true;
}

void KodikonOutbox::send_entries(base::Now now, Addresses peers) {
    entries_at_ = base::never;
    while (!entries_.empty()) {
        std::vector<std::pair<std::string, std::string>> batch;
        std::size_t bytes = envelope_bytes;
        while (!entries_.empty()) {
            const auto first = entries_.begin();
            bytes += first->first.size() + first->second.size() + 4;
            if (!batch.empty() && bytes > kodikon_datagram_bytes_aim) break;
            batch.emplace_back(first->first, std::move(first->second));
            entries_.erase(first);
        }
        const std::string payload = kodikon_registry_payload(batch, ++version_, seconds(now));
        for (const base::LinkAddress& peer : peers) {
            send(now, KodikonType::hash_registry, payload, peer);
        }
    }
}

void KodikonOutbox::handle_timeout(base::Now now, Addresses peers) {
    if (now.instant >= next_heartbeat_) {
        next_heartbeat_ = now.instant + heartbeat_interval;
        send(now, KodikonType::peer_discovery,
             kodikon_discovery_payload(node_id_, address_, port_, seconds(now)), std::nullopt);
        send(now, KodikonType::heartbeat, kodikon_heartbeat_payload(node_id_, seconds(now)),
             std::nullopt);
    }
    if (now.instant >= entries_at_) send_entries(now, peers);
}

std::optional<KodikonOutbox::Departure> KodikonOutbox::poll(base::Now now) {
    if (waiting_.empty() || now.instant < next_send_) return std::nullopt;
    if (!pace_.take(now.instant)) {
        next_send_ = now.instant + std::chrono::minutes(1) / pace.per_minute;
        return std::nullopt;
    }
    Departure next = std::move(waiting_.front());
    waiting_.pop_front();
    ++sent_;
    return next;
}

base::Instant KodikonOutbox::poll_timeout(base::Now now) const {
    const base::Instant due = std::min(next_heartbeat_, entries_at_);
    return waiting_.empty() ? due : std::min(due, std::max(next_send_, now.instant));
}

}  // namespace meshchain::host
