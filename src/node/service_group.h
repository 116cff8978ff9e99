#pragma once
// The services a node has besides its chain (rows G5, J7; ARCHITECTURE.md): joins their rules with
// the core's, hands them their frames, sends theirs, starts and stops them.
//
// The chain comes first: a service that floods gets its share and waits.
//
// Time:      every call takes `now`, whose instant never goes backwards.
// Ownership: services are borrowed and outlive the group.
// Limits:    services_max services; each may send frames_per_interval_max frames in an `interval`,
//            and has at most one timeout a timeout_interval, whatever it asks for.
// Errors:    a service's frame that cannot be sent is counted; one that never could be is logged.

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "mesh/mesh.h"
#include "node/lifecycle.h"
#include "node/views.h"
#include "wire/service.h"

namespace meshchain::node {

class ServiceGroup {
public:
    static constexpr std::size_t services_max = 16;
    static constexpr std::size_t frames_per_interval_max = 64;
    static constexpr base::Duration interval = std::chrono::milliseconds(20);
    static constexpr base::Duration timeout_interval = std::chrono::milliseconds(1);

    ServiceGroup(const std::vector<wire::Service*>& services, base::Log log);

    /// The one table of `first`, the rules of `core` and those of the services.
    /// Errors: full (too many services), exists (naming both owners of a type), invalid_argument (a
    /// handshake rule, and what build_rule_table refuses).
    std::expected<std::vector<wire::MessageRule>, base::Error> join_rules(
        std::span<const wire::MessageRule> first, const wire::Service& core);
    void add_to(LifecycleManager& lifecycle);

    bool owns(wire::MessageType type) const { return owner_of(type) != none; }
    /// `type` is one that a service owns.
    wire::Verdict handle(base::Now now, const wire::Ingress& from, wire::MessageType type,
                         base::Bytes payload);
    void handle_repeat(base::Now now, wire::MessageType type, base::Bytes payload);
    /// Calls those whose time has come; call in each step.
    void handle_timeout(base::Now now);
    base::Instant poll_timeout(base::Now now) const;

    /// Sends what the services have, each within its share.
    void send_frames(base::Now now, mesh::Mesh& mesh);
    /// Sends one frame in the name of the service that owns its type, at the cost of its share.
    std::expected<std::size_t, base::Error> send(base::Now now, mesh::Mesh& mesh,
                                                 const wire::Outgoing& frame);

    std::vector<ServiceView> views() const;

private:
    struct Member {
        wire::Service* service;
        ServiceView view;
        bool running = false;
        base::Instant timeout_from{};  ///< no timeout before
        base::Instant share_ends{};    ///< when its share is renewed
        std::size_t share_left = 0;
        bool waits = false;  ///< for a new share, with frames left
    };
    static constexpr std::uint8_t none = 0xff;

    std::uint8_t owner_of(wire::MessageType type) const {
        return owners_[static_cast<std::uint8_t>(type)];
    }
    std::expected<void, base::Error> claim(
        std::size_t index, std::span<const std::span<const wire::MessageRule>> taken);
    static void renew_share(base::Now now, Member& member);
    std::expected<std::size_t, base::Error> send_of(base::Now now, mesh::Mesh& mesh,
                                                    std::uint8_t index,
                                                    const wire::Outgoing& frame);

    base::Log log_;
    std::vector<Member> members_;
    std::array<std::uint8_t, 256> owners_;  ///< of each type: an index into members_, or `none`
};

}  // namespace meshchain::node
