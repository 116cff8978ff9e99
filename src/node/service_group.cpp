#include "node/service_group.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::node {
namespace {

std::string text_of(wire::MessageType type) { return std::to_string(static_cast<unsigned>(type)); }

base::Error rule_error(base::Errc code, std::string what, std::string_view service,
                       std::string advice) {
    return {code, std::move(what), "service " + std::string(service), std::move(advice)};
}

}  // namespace

ServiceGroup::ServiceGroup(const std::vector<wire::Service*>& services, base::Log log) : log_(log) {
    owners_.fill(none);
    for (wire::Service* service : services) {
        MESH_ASSERT(service != nullptr);
        Member member{.service = service, .view = {}};
        member.view.name = service->name();
        members_.push_back(std::move(member));
    }
}

std::expected<std::vector<wire::MessageRule>, base::Error> ServiceGroup::join_rules(
    std::span<const wire::MessageRule> first, const wire::Service& core) {
    if (members_.size() > services_max) {
        return base::failure(base::Errc::full,
                             std::to_string(members_.size()) + " services, of at most " +
                                 std::to_string(services_max),
                             "services", "let one service own several message types");
    }
    std::vector<std::span<const wire::MessageRule>> parts{first, core.rules()};
    for (std::size_t i = 0; i < members_.size(); ++i) {
        MESH_CHECK(claim(i, parts));
        parts.push_back(members_[i].service->rules());
    }
    return mesh::build_rule_table(parts);
}

std::expected<void, base::Error> ServiceGroup::claim(
    std::size_t index, std::span<const std::span<const wire::MessageRule>> taken) {
    const std::string_view name = members_[index].service->name();
    for (const wire::MessageRule& rule : members_[index].service->rules()) {
        if (rule.message_class == wire::MessageClass::handshake) {
            return std::unexpected(rule_error(base::Errc::invalid_argument,
                                              "type " + text_of(rule.type) + " is a handshake",
                                              name, "make it an object or a control message"));
        }
        const auto is_same = [&](const wire::MessageRule& other) {
            return other.type == rule.type;
        };
        std::uint8_t& owner = owners_[static_cast<std::uint8_t>(rule.type)];
        const bool is_cores = std::ranges::any_of(
            taken.first(2), [&](const auto& part) { return std::ranges::any_of(part, is_same); });
        if (owner != none || is_cores) {
            const std::string other =
                is_cores ? "the node's core (" + std::string(wire::name(rule.type)) + ")"
                         : "service " + members_[owner].view.name;
            return std::unexpected(rule_error(
                base::Errc::exists, "message type " + text_of(rule.type) + " belongs to " + other,
                name, "give it another number, of 128 to 239 for applications"));
        }
        owner = static_cast<std::uint8_t>(index);
    }
    return {};
}

void ServiceGroup::add_to(LifecycleManager& lifecycle) {
    for (Member& member : members_) {
        lifecycle.add({"service " + member.view.name,
                       [&member](base::Now now) -> std::expected<void, base::Error> {
                           MESH_CHECK(member.service->start(now));
                           member.running = true;
                           return {};
                       },
                       [&member](base::Now now) {
                           member.running = false;
                           member.service->stop(now);
                       }});
    }
}

wire::Verdict ServiceGroup::handle(base::Now now, const wire::Ingress& from, wire::MessageType type,
                                   base::Bytes payload) {
    Member& member = members_[owner_of(type)];
    if (!member.running) return wire::Verdict::ignore;
    ++member.view.received;
    return member.service->handle(now, from, type, payload);
}

void ServiceGroup::handle_repeat(base::Now now, wire::MessageType type, base::Bytes payload) {
    Member& member = members_[owner_of(type)];
    if (member.running) member.service->handle_repeat(now, type, payload);
}

void ServiceGroup::handle_timeout(base::Now now) {
    for (Member& member : members_) {
        if (!member.running || now.instant < member.timeout_from) continue;
        if (member.service->poll_timeout(now) > now.instant) continue;
        member.timeout_from = now.instant + timeout_interval;
        member.service->handle_timeout(now);
    }
}

base::Instant ServiceGroup::poll_timeout(base::Now now) const {
    base::Instant earliest = base::never;
    for (const Member& member : members_) {
        if (!member.running) continue;
        earliest =
            std::min(earliest, std::max(member.service->poll_timeout(now), member.timeout_from));
        if (member.waits) earliest = std::min(earliest, member.share_ends);
    }
    return earliest;
}

void ServiceGroup::renew_share(base::Now now, Member& member) {
    if (now.instant < member.share_ends) return;
    member.share_ends = now.instant + interval;
    member.share_left = frames_per_interval_max;
    member.waits = false;
}

void ServiceGroup::send_frames(base::Now now, mesh::Mesh& mesh) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
        Member& member = members_[i];
        if (!member.running) continue;
        renew_share(now, member);
        while (member.share_left > 0) {
            const auto frame = member.service->poll_frame(now);
            if (!frame) break;
            static_cast<void>(send_of(now, mesh, static_cast<std::uint8_t>(i), *frame));
        }
        // Nobody knows whether more waits without taking it, so a used up share counts as waiting.
        if (member.share_left == 0 && !member.waits) {
            member.waits = true;
            ++member.view.held_back;
        }
    }
}

std::expected<std::size_t, base::Error> ServiceGroup::send(base::Now now, mesh::Mesh& mesh,
                                                           const wire::Outgoing& frame) {
    const std::uint8_t owner = owner_of(frame.type);
    if (owner == none) {
        return base::failure(base::Errc::invalid_argument,
                             "no service owns message type " + text_of(frame.type), "services",
                             "give the node a service with a rule for it");
    }
    renew_share(now, members_[owner]);
    if (members_[owner].share_left == 0) {
        ++members_[owner].view.held_back;
        return base::failure(base::Errc::full,
                             std::to_string(frames_per_interval_max) + " messages left within " +
                                 std::to_string(interval / std::chrono::milliseconds(1)) + " ms",
                             "service " + members_[owner].view.name, "send it a little later");
    }
    return send_of(now, mesh, owner, frame);
}

std::expected<std::size_t, base::Error> ServiceGroup::send_of(base::Now now, mesh::Mesh& mesh,
                                                              std::uint8_t index,
                                                              const wire::Outgoing& frame) {
    Member& member = members_[index];
    --member.share_left;
    std::expected<std::size_t, base::Error> sent = std::unexpected(rule_error(
        base::Errc::invalid_argument, "message type " + text_of(frame.type) + " is not its own",
        member.view.name, "send only types that its rules name"));
    if (owner_of(frame.type) == index) sent = mesh.send(now, frame);
    if (sent) {
        ++(*sent > 0 ? member.view.sent : member.view.unsent);
    } else if (sent.error().code == base::Errc::invalid_argument) {
        ++member.view.refused;
        log_.warning("service " + member.view.name + ": " + base::sentence(sent.error()));
    } else {
        ++member.view.unsent;
    }
    return sent;
}

std::vector<ServiceView> ServiceGroup::views() const {
    std::vector<ServiceView> all;
    for (const Member& member : members_) all.push_back(member.view);
    return all;
}

}  // namespace meshchain::node
