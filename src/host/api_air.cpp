#include "host/api_air.h"

#include <algorithm>

#include "base/assert.h"
#include "chain/chain.h"
#include "host/radio_links.h"

namespace meshchain::host {

AirNotice::AirNotice(const ApiDoors& doors) : now_(doors.now().instant) {
    if (doors.node.neighbourhood().neighbours().empty()) ways_ = doors.radios.ways_out(now_);
}

Json AirNotice::add_to(Json answer, std::span<const wire::MessageRule> rules,
                       wire::MessageType type, std::size_t payload_bytes) const {
    const auto rule = std::ranges::find(rules, type, &wire::MessageRule::type);
    MESH_ASSERT(rule != rules.end());
    const auto wait = air_wait(ways_, now_, *rule, payload_bytes);
    if (!wait) return answer;
    Json told{{"radio", wait->radio}, {"reason", wait->reason}};
    if (wait->lasts) told["for_s"] = to_seconds(*wait->lasts);
    answer["waits_for_air"] = std::move(told);
    return answer;
}

Json AirNotice::add_to(Json answer, std::size_t transaction_bytes) const {
    return add_to(std::move(answer), chain::Chain::message_rules(), wire::MessageType::transaction,
                  transaction_bytes);
}

}  // namespace meshchain::host
