#include "wire/service.h"

#include "base/assert.h"

namespace meshchain::wire {

std::string_view name(Verdict verdict) {
    switch (verdict) {
        case Verdict::relay: return "relay";
        case Verdict::keep: return "keep";
        case Verdict::ignore: return "ignore";
        case Verdict::punish: return "punish";
    }
    return "unknown";
}

Outgoing routed_to(Destination destination, MessageType type, base::Buffer payload) {
    return {.type = type,
            .to = std::nullopt,
            .except = std::nullopt,
            .payload = std::move(payload),
            .destination = destination};
}

Outgoing reply_to(const Ingress& from, MessageType type, base::Buffer payload) {
    MESH_ASSERT(from.routed);
    return routed_to(from.routed->origin, type, std::move(payload));
}

}  // namespace meshchain::wire
