#include "mesh/router.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::mesh {
namespace {

constexpr std::uint64_t in_flight_span_max = SequenceWindow::width;

std::chrono::seconds seconds_of(base::WallTime wall) {
    return std::chrono::duration_cast<std::chrono::seconds>(wall.time_since_epoch());
}

}  // namespace

Router::Router(const RouterLimits& limits, const crypto::PublicKey& self, std::uint32_t epoch,
               base::Now now)
    : limits_(limits),
      self_(self),
      sequence_(std::uint64_t{epoch} << 32),
      receipt_sequence_(sequence_ | std::uint64_t{1} << 31),
      started_(static_cast<std::uint32_t>(seconds_of(now.wall).count())),
      routes_(limits.routes_max) {}

std::expected<wire::RoutedMessage, base::Error> Router::begin(const wire::Destination& destination,
                                                              wire::MessageType type,
                                                              base::Bytes payload) {
    const bool is_far_ahead =
        !pending_.empty() && sequence_ + 1 - pending_.begin()->first >= in_flight_span_max;
    if (pending_.size() >= pending_max || is_far_ahead) {
        return base::failure(base::Errc::full,
                             std::to_string(pending_.size()) + " routed messages are under way",
                             "mesh", "send again when some have arrived");
    }
    wire::RoutedMessage message;
    message.origin = self_;
    message.sequence = ++sequence_;
    message.receipt_wanted = std::holds_alternative<crypto::PublicKey>(destination);
    message.destination = destination;
    message.type = type;
    message.payload = base::to_buffer(payload);
    return message;
}

wire::RoutedMessage Router::begin_receipt(const crypto::PublicKey& to,
                                          const wire::Receipt& receipt) {
    return begin_answer(to, wire::MessageType::receipt, wire::encode(receipt), receipt.attempt);
}

wire::RoutedMessage Router::begin_answer(const crypto::PublicKey& to, wire::MessageType type,
                                         base::Bytes payload, std::uint8_t attempt) {
    wire::RoutedMessage message;
    message.origin = self_;
    message.sequence = ++receipt_sequence_;
    message.attempt = attempt;  // so that the last attempt is answered by a flood too
    message.destination = to;
    message.type = type;
    message.payload = base::to_buffer(payload);
    return message;
}

void Router::note_sent(base::Instant now, const wire::RoutedMessage& message,
                       const std::optional<crypto::PublicKey>& via) {
    if (!message.receipt_wanted) return;
    Pending& pending = pending_[message.sequence];
    pending.message = message;
    pending.vias[message.attempt] = via;
    pending.sent[message.attempt] = now;
    pending.deadline = now + limits_.timeout * (1 << message.attempt);
}

std::optional<Router::Pending> Router::take_receipt(base::Instant now,
                                                    const crypto::PublicKey& from,
                                                    const wire::Receipt& receipt) {
    const auto found = pending_.find(receipt.sequence);
    if (found == pending_.end()) return std::nullopt;
    const Pending& pending = found->second;
    if (pending.message.destination != wire::Destination(from)) return std::nullopt;
    if (receipt.attempt > pending.message.attempt) return std::nullopt;
    if (const auto& via = pending.vias[receipt.attempt]) routes_.confirm(now, from, *via);
    return std::move(pending_.extract(found).mapped());
}

std::optional<Router::Pending> Router::take_overdue(base::Instant now) {
    const auto found = std::ranges::find_if(
        pending_, [now](const auto& item) { return item.second.deadline <= now; });
    if (found == pending_.end()) return std::nullopt;
    Pending& pending = found->second;
    const wire::RoutedMessage& message = pending.message;
    if (const auto& via = pending.vias[message.attempt]) {
        routes_.penalise(now, std::get<crypto::PublicKey>(message.destination), *via);
    }
    if (message.attempt + 1 >= wire::RoutedMessage::attempts_max) {
        return std::move(pending_.extract(found).mapped());
    }
    pending.deadline = base::never;  // until note_sent() of the next attempt
    return pending;
}

void Router::handle_peer_lost(base::Instant now, const crypto::PublicKey& peer) {
    for (auto& [sequence, pending] : pending_) {
        if (pending.vias[pending.message.attempt] == peer) {
            pending.deadline = std::min(pending.deadline, now);
        }
    }
}

base::Instant Router::poll_timeout() const {
    base::Instant next = base::never;
    for (const auto& [sequence, pending] : pending_) next = std::min(next, pending.deadline);
    return next;
}

bool Router::is_timely(base::Now now, const wire::RoutedMessage& message) const {
    const std::chrono::seconds age = seconds_of(now.wall) - std::chrono::seconds(message.issued);
    return age <= age_max && age >= -age_max;
}

bool Router::admit(base::Instant now, const crypto::PublicKey& origin) {
    OriginState* state = origins_.get(origin);
    if (state == nullptr) {
        origins_.put(origin, OriginState{{}, base::TokenBucket(now, per_origin), 0});
        state = origins_.get(origin);
    }
    return state->bucket.take(now);
}

bool Router::take_new(const wire::RoutedMessage& message) {
    OriginState* state = origins_.get(message.origin);
    MESH_ASSERT(state != nullptr);  // made by admit()
    // Whom we have not heard since our start may have said before it what we took then.
    if (state->window.highest() == 0 && message.issued < started_) return false;
    if (!state->window.is_new(message.sequence)) return false;
    state->window.take(message.sequence);
    return true;
}

bool Router::admit_type(base::Instant now, const crypto::PublicKey& origin,
                        const wire::MessageRule& rule) {
    const auto key = std::pair(origin, rule.type);
    if (types_.get(key) == nullptr) {
        types_.put(key,
                   base::TokenBucket(now, {rule.frames_per_minute_max, rule.frames_at_once()}));
    }
    return types_.get(key)->take(now);
}

void Router::note_refused(const wire::RoutedMessage& message) {
    if (OriginState* state = origins_.get(message.origin)) state->refused = message.sequence;
}

bool Router::was_refused(const wire::RoutedMessage& message) {
    const OriginState* state = origins_.get(message.origin);
    return state != nullptr && state->refused == message.sequence;
}

bool Router::is_flooded(const wire::RoutedMessage& message) {
    return !std::holds_alternative<crypto::PublicKey>(message.destination) ||
           message.attempt + 1 >= wire::RoutedMessage::attempts_max;
}

void Router::check_invariants() const {
    MESH_ASSERT(pending_.size() <= pending_max);
    MESH_ASSERT(routes_.size() <= routes_.capacity());
    for (const auto& [sequence, pending] : pending_) {
        MESH_ASSERT(pending.message.sequence == sequence && sequence <= sequence_);
        MESH_ASSERT(pending.message.attempt < wire::RoutedMessage::attempts_max);
    }
}

}  // namespace meshchain::mesh
