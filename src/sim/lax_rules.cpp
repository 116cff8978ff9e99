#include "sim/lax_rules.h"

#include <array>

#include "base/assert.h"
#include "mesh/rules.h"

namespace meshchain::sim {

std::vector<wire::MessageRule> lax_rules() {
    using enum wire::MessageType;
    std::vector<wire::MessageRule> rules;
    const auto add = [&](wire::MessageType type, wire::MessageClass message_class) {
        rules.push_back({type, message_class, 1, wire::ip_payload_bytes_max, 1'000'000, 3, false});
    };
    for (const auto type : {transaction, block, block_ack, evidence}) {
        add(type, wire::MessageClass::object);
    }
    for (const auto type : {sync_request, sync_response, vote_request, state_request,
                            state_response, reconcile, record_receipt}) {
        add(type, wire::MessageClass::control);
    }
    add(sync_data, wire::MessageClass::chunk);
    add(record, wire::MessageClass::chunk);
    const std::array parts{mesh::mesh_rules(), std::span<const wire::MessageRule>(rules)};
    auto table = mesh::build_rule_table(parts);
    MESH_ASSERT(table.has_value());
    return *std::move(table);
}

}  // namespace meshchain::sim
