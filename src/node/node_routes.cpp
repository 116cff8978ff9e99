// The mesh around a node: who is where, and how far it is (rows F3, F9).

#include <algorithm>

#include "node/node_parts.h"

namespace meshchain::node {
namespace {

/// How many probes are remembered, under way or ended.
constexpr std::size_t probes_max = 256;
/// Of how many validators the clock is asked at once: enough for a third, few enough for the rule.
constexpr std::size_t clocks_asked_max = 8;

}  // namespace

TopologyView Node::topology(base::Now now) const {
    const Parts& parts = *parts_;
    TopologyView view;
    const mesh::Topology* topology = parts.mesh->topology();
    if (topology == nullptr) return view;
    std::map<wire::SegmentId, std::string> names;
    for (const std::string& name : parts.config.network.segments) {
        names[wire::segment_id(chain_id(), name)] = name;
    }
    view.near = topology->within().size();
    for (const crypto::PublicKey& key : topology->nodes()) {
        TopologyNodeView one;
        one.identity = key;
        one.node_id = crypto::to_hex(crypto::node_id(key));
        one.hops = topology->hops(key);
        if (key == parts.identity) {
            one.name = parts.config.node_name;
            one.role = parts.config.role;
            one.segments = parts.config.network.segments;
        } else if (const mesh::KnownNode* known = parts.mesh->announced()->find(key)) {
            one.name = known->announcement.name;
            one.role = known->announcement.role;
            one.expires_in = known->expires - now.instant;
            for (const wire::SegmentId& segment : known->announcement.segments) {
                const auto name = names.find(segment);
                one.segments.push_back(name != names.end() ? name->second
                                                           : base::to_hex(segment.bytes));
            }
        }
        view.nodes.push_back(std::move(one));
    }
    for (const auto& [a, b] : topology->edges()) {
        view.edges.emplace_back(crypto::to_hex(crypto::node_id(a)),
                                crypto::to_hex(crypto::node_id(b)));
    }
    return view;
}

std::expected<std::uint64_t, base::Error> Node::probe(base::Now now, const crypto::PublicKey& to) {
    Parts& parts = *parts_;
    if (!parts.lifecycle.is_running()) {
        return base::failure(base::Errc::closed, "the node does not run", "node", "start it first");
    }
    MESH_TRY(const std::uint64_t sequence,
             parts.mesh->send_routed(now, to, wire::MessageType::probe, {}));
    parts.probes[sequence] = {.sequence = sequence, .to = to};
    if (parts.probes.size() > probes_max) parts.probes.erase(parts.probes.begin());
    return sequence;
}

std::expected<ProbeView, base::Error> Node::probed(std::uint64_t sequence) const {
    const auto found = parts_->probes.find(sequence);
    if (found != parts_->probes.end()) return found->second;
    return base::failure(base::Errc::not_found, "no probe " + std::to_string(sequence), "probes",
                         "the last " + std::to_string(probes_max) + " are kept");
}

void Node::Parts::ask_clocks(base::Now now, const std::vector<crypto::PublicKey>& validators) {
    std::size_t asked = 0;
    for (const crypto::PublicKey& validator : validators) {
        if (asked == clocks_asked_max) return;
        if (mesh->is_connected(validator)) continue;  // its HELLO says it
        mesh->ask_clock(now, validator);
        ++asked;
    }
}

/// It shows what the clock was at a moment of the round trip, which a long one leaves in doubt:
/// whoever delays an answer must not set a clock by it. The civil time of this node stays as it is
/// (NodeClock follows those that it hears all along).
void Node::Parts::note_clock_answer(base::Now now, const mesh::ClockStated& answer) {
    const base::Milliseconds block_time{genesis.block_time_ms};
    if (!chain || answer.round_trip > block_time) return;
    const base::Duration into_slot =
        block_time * answer.slot_phase / 65'536 + answer.round_trip / 2;
    const auto slots = static_cast<std::uint32_t>(into_slot / block_time);
    chain->handle_clock_answer(now, answer.validator, wire::Slot{answer.slot.value + slots});
}

void Node::Parts::note_settled(const mesh::RoutedSettled& settled) {
    const auto found = probes.find(settled.sequence);
    if (found == probes.end()) return;
    ProbeView& probe = found->second;
    probe.state = mesh::name(settled.outcome);
    probe.attempts = settled.attempts;
    probe.hops_there = settled.hops_there;
    probe.hops_back = settled.hops_back;
    probe.round_trip = settled.round_trip;
}

}  // namespace meshchain::node
