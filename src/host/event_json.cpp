#include "host/event_json.h"

#include "crypto/identity.h"
#include "host/json_document.h"
#include "host/time_text.h"

namespace meshchain::host {
namespace {

using runtime::EventType;

/// What the number of an id means depends on the type.
void add_id(Json& json, EventType type, const runtime::EventId& id) {
    switch (type) {
        case EventType::peer_discovered:
        case EventType::peer_lost: {
            const crypto::PublicKey key{id.hash};
            json["node_id"] = crypto::to_hex(crypto::node_id(key));
            json["identity"] = crypto::to_hex(key);
            break;
        }
        case EventType::transaction_received:
        case EventType::transaction_validated:
        case EventType::transaction_added: json["txid"] = base::to_hex(id.hash); break;
        case EventType::block_approved:
            json["block"] = base::to_hex(id.hash);
            json["round"] = id.number;
            break;
        case EventType::block_received:
        case EventType::block_proposed:
        case EventType::block_validated:
        case EventType::block_added:
        case EventType::transaction_confirmed:
            json["block"] = base::to_hex(id.hash);
            json["height"] = id.number;
            break;
        default:
            json["id"] = base::to_hex(id.hash);
            json["number"] = id.number;
            break;
    }
}

}  // namespace

Json to_json(const runtime::Event& event, base::WallTime at) {
    Json json = {{"type", std::string(name(event.type))}, {"time", to_iso(at)}};
    if (event.type >= EventType::custom) {
        json["custom"] = unsigned(event.type) - unsigned(EventType::custom);
    }
    if (const auto* number = event.data.number()) {
        json[event.type == EventType::validator_selected ? "slot" : "number"] = *number;
    } else if (const auto* id = event.data.id()) {
        add_id(json, event.type, *id);
    } else if (const auto* search = event.data.search()) {
        json["search"] = std::to_string(search->number);  // 64 bits, as /v1/searches names it
        json["node_id"] = crypto::to_hex(crypto::NodeId{search->by});
        json["results"] = search->results;
        json["asked"] = search->asked;
        json["answered"] = search->answered;
        json["late"] = search->late;
        json["done"] = search->done;
    } else if (const auto* text = event.data.text()) {
        json["text"] = std::string(text->view());
    }
    return json;
}

}  // namespace meshchain::host
