#pragma once
// The simplest service: keeps the messages of some application types until a thread of the program
// takes them. What it is told to send goes through EmbeddedNode::send.
//
// Objects are relayed to the other peers, control messages are for us alone.
//
// Threads: receive from any; the rest is the node's.
// Limits:  runtime::MessageLimits of waiting messages; what finds no room is dropped and counted,
//          and is not relayed either.

#include <atomic>
#include <vector>

#include "host/thread_safe_queue.h"
#include "wire/service.h"

namespace meshchain::host {

class MessageInbox final : public wire::Service {
public:
    struct Received {
        /// Of a routed or control message its origin, which was verified. An object signs nothing
        /// of itself: this is the peer that handed it on.
        crypto::PublicKey from;
        std::uint8_t hops = 1;  ///< that a routed message travelled
        wire::MessageType type{};
        base::Buffer payload;
    };

    explicit MessageInbox(std::vector<wire::MessageRule> rules,
                          const runtime::MessageLimits& limits = {})
        : rules_(std::move(rules)), queue_(limits) {}

    /// The oldest message, waiting for one up to `timeout`. Errors: timeout.
    std::expected<Received, base::Error> receive(base::Duration timeout);
    std::uint64_t dropped() const { return dropped_; }

    // wire::Service
    std::string_view name() const override { return "inbox"; }
    std::span<const wire::MessageRule> rules() const override { return rules_; }
    std::expected<void, base::Error> start(base::Now) override { return {}; }
    void stop(base::Now) override {}
    wire::Verdict handle(base::Now now, const wire::Ingress& from, wire::MessageType type,
                         base::Bytes payload) override;
    void handle_timeout(base::Now) override {}
    std::optional<wire::Outgoing> poll_frame(base::Now) override { return std::nullopt; }
    base::Instant poll_timeout(base::Now) const override { return base::never; }

private:
    const std::vector<wire::MessageRule> rules_;
    ThreadSafeQueue queue_;
    std::atomic<std::uint64_t> dropped_ = 0;
};

}  // namespace meshchain::host
