#include "mesh/flood.h"

namespace meshchain::mesh {

ContentId content_id(wire::MessageType type, base::Bytes payload) {
    const std::array number{static_cast<std::byte>(type)};
    return crypto::hash(number, payload);
}

Flood::Novelty Flood::classify(const ContentId& id, std::uint8_t hop_limit) {
    const std::uint8_t* passed_on = seen_.get(id);
    if (passed_on == nullptr) return Novelty::unseen;
    return hop_limit > *passed_on ? Novelty::reaches_further : Novelty::seen;
}

}  // namespace meshchain::mesh
