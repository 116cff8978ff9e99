#include "host/message_inbox.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::host {

wire::Verdict MessageInbox::handle(base::Now, const wire::Ingress& from, wire::MessageType type,
                                   base::Bytes payload) {
    const crypto::PublicKey& origin = from.routed ? from.routed->origin : from.peer;
    runtime::Message message{.type = static_cast<std::uint16_t>(type)};
    message.source = from.routed ? from.routed->hops : 1;
    message.data.reserve(origin.bytes.size() + payload.size());
    message.data.assign(origin.bytes.begin(), origin.bytes.end());
    message.data.insert(message.data.end(), payload.begin(), payload.end());
    if (!queue_.push(std::move(message))) {
        ++dropped_;
        return wire::Verdict::ignore;
    }
    const auto rule = std::ranges::find(rules_, type, &wire::MessageRule::type);
    MESH_ASSERT(rule != rules_.end());
    return rule->message_class == wire::MessageClass::object ? wire::Verdict::relay
                                                             : wire::Verdict::keep;
}

std::expected<MessageInbox::Received, base::Error> MessageInbox::receive(base::Duration timeout) {
    MESH_TRY(const runtime::Message message, queue_.pop(timeout));
    Received received;
    received.type = static_cast<wire::MessageType>(message.type);
    received.hops = static_cast<std::uint8_t>(message.source);
    const base::Bytes data = message.data;
    const std::size_t key_bytes = received.from.bytes.size();
    std::ranges::copy(data.first(key_bytes), received.from.bytes.begin());
    received.payload = base::to_buffer(data.subspan(key_bytes));
    return received;
}

}  // namespace meshchain::host
