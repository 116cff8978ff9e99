#include "host/records_json.h"

#include "crypto/identity.h"
#include "host/json_document.h"
#include "host/time_text.h"

namespace meshchain::host {
namespace {

constexpr std::size_t steps_shown_max = 1'000;

std::string stamp_text(std::uint64_t ms) {
    return to_iso(base::wall_from_unix_ms(static_cast<std::int64_t>(ms)));
}
std::string expiry_text(std::uint32_t seconds) {
    return stamp_text(std::uint64_t{seconds} * 1'000);
}

/// What is nested deeper is shown as text: our answers go around it, and readers have a limit.
constexpr int payload_depth_max = json_depth_max - 6;

int depth_of(const Json& value) {
    int deepest = 0;
    if (value.is_structured()) {
        for (const Json& part : value) deepest = std::max(deepest, 1 + depth_of(part));
    }
    return deepest;
}

/// What programs wrote: JSON where it is, and else a text.
Json payload_json(const std::string& text) {
    if (text.empty()) return nullptr;
    auto parsed = parse_json(text, "payload");
    return parsed && depth_of(*parsed) <= payload_depth_max ? *std::move(parsed) : Json(text);
}

Json keys_json(const std::vector<crypto::PublicKey>& keys) {
    Json list = Json::array();
    for (const crypto::PublicKey& key : keys) list.push_back(crypto::to_hex(crypto::node_id(key)));
    return list;
}

Json origin_json(const crypto::PublicKey& origin) {
    return {{"origin", crypto::to_hex(origin)},
            {"node_id", crypto::to_hex(crypto::node_id(origin))}};
}

Json hit_json(const records::SearchHit& hit) {
    Json json = origin_json(hit.origin);
    json["id"] = crypto::to_hex(hit.id);
    json["hash"] = hit.hash;
    json["type"] = hit.type;
    json["owner"] = hit.owner;
    json["confidence"] = static_cast<double>(hit.confidence) / records::RegistryEntry::certain;
    json["similarity"] = static_cast<double>(hit.similarity) / 10'000;
    json["time"] = stamp_text(hit.stamp_ms);
    return json;
}

}  // namespace

Json to_json(const records::AlertView& view) {
    Json seen = Json::array();
    for (const auto& by : view.seen) {
        seen.push_back({{"node_id", crypto::to_hex(crypto::node_id(by.node))},
                        {"by", by.acknowledgement.by},
                        {"note", by.acknowledgement.note},
                        {"time", stamp_text(by.stamp.ms)}});
    }
    Json json = origin_json(view.origin);
    json["id"] = crypto::to_hex(view.id);
    json["priority"] = name(view.alert.priority);
    json["text"] = view.alert.text;
    json["payload"] = payload_json(view.alert.payload);
    json["time"] = stamp_text(view.stamp.ms);
    json["expires"] = expiry_text(view.expires);
    json["reached"] = keys_json(view.holders);
    json["in_reach"] = keys_json(view.targets);
    json["acknowledged"] = std::move(seen);
    return json;
}

Json to_json(const records::StateView& state) {
    Json json = origin_json(state.origin);
    json["key"] = state.key;
    json["value"] = payload_json(state.text);
    json["sequence"] = state.sequence;
    json["time"] = stamp_text(state.stamp.ms);
    json["expires"] = expiry_text(state.expires);
    return json;
}

Json to_json(const records::RegistryHit& hit) {
    Json json = hit_json(search_hit(hit));
    json["metadata"] = payload_json(hit.entry.metadata);
    json["has_embedding"] = hit.entry.embedding.has_value();
    return json;
}

Json to_json(const records::OwnershipHistory& history) {
    Json steps = Json::array();
    for (const records::OwnershipStep& step : history.steps) {
        if (steps.size() == steps_shown_max) break;
        steps.push_back(
            {{"id", crypto::to_hex(step.id)},
             {"previous", step.link.is_claim() ? Json() : Json(crypto::to_hex(step.link.previous))},
             {"from", crypto::to_hex(step.link.from)},
             {"to", crypto::to_hex(step.link.to)},
             {"to_node_id", crypto::to_hex(crypto::node_id(step.link.to))},
             {"time", stamp_text(step.link.ms)},
             {"note", step.link.note},
             {"kept_by", keys_json(step.keepers)},
             {"accepted", step.accepted()},
             {"disputed", step.disputed},
             {"last", step.last}});
    }
    const std::size_t left_out = history.steps.size() - steps.size();
    return {{"steps", std::move(steps)}, {"left_out", left_out}, {"broken", history.broken}};
}

Json to_json(const records::SearchView& search) {
    Json hits = Json::array();
    for (const records::SearchHit& hit : search.hits) hits.push_back(hit_json(hit));
    return {{"search", std::to_string(search.number)},
            {"done", search.done},
            {"hits", std::move(hits)},
            {"asked", search.asked},
            {"answered", search.answered},
            {"late", search.late},
            {"searched", search.searched}};
}

Json to_json(const records::RecordsView& view) {
    Json refused = Json::object();
    for (std::size_t i = 1; i < view.store.refused.size(); ++i) {
        refused[std::string(name(static_cast<records::Refusal>(i)))] = view.store.refused[i];
    }
    return {{"records", view.records},
            {"bytes", view.bytes},
            {"origins", view.origins},
            {"registry_entries", view.registry_entries},
            {"embeddings", view.embeddings},
            {"taken", view.store.taken},
            {"known_already", view.store.known},
            {"superseded", view.store.superseded},
            {"conflicts", view.store.conflicts},
            {"expired", view.store.expired},
            {"evicted", view.store.evicted},
            {"refused", std::move(refused)},
            {"sent", view.replicator.records_sent},
            {"sent_bytes", view.replicator.bytes_sent},
            {"repeated", view.replicator.urgent_repeats},
            {"reconciliations", view.replicator.reconciliations},
            {"digests_on_air", view.digests_said},
            {"repeated_on_air", view.repeated_on_air},
            {"dropped", view.replicator.dropped},
            {"receipts", view.receipts.held},
            {"receipts_dropped", view.receipts.dropped},
            {"receipts_unsound", view.receipts.unsound}};
}

}  // namespace meshchain::host
