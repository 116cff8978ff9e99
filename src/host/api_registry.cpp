// What was seen: entries of the registry, and searches here and over the mesh.

#include <cmath>

#include "host/api_records.h"

namespace meshchain::host {
namespace {

constexpr std::uint64_t entries_shown_max = 1'000;
constexpr std::uint64_t entry_lifetime_s = 7ULL * 24 * 3600;
constexpr std::uint64_t patience_ms_max = 60'000;
/// An embedding of 512 numbers, each with all its digits, and what goes with it.
constexpr std::size_t body_bytes_max = 32 * 1024;

base::Error no_number(std::string where, std::string advice) {
    return {base::Errc::malformed, "no number", std::move(where), std::move(advice)};
}

/// One of the numbers of an embedding, as a float.
std::expected<float, base::Error> read_value(const Json& number, std::size_t index) {
    const std::string which = "value " + std::to_string(index + 1) + " of " +
                              std::to_string(records::Embedding::dimensions);
    if (!number.is_number()) {
        return base::failure(base::Errc::malformed, which + " is no number", "embedding",
                             "write a list of 512 finite numbers");
    }
    const auto value = number.get<float>();
    if (std::isfinite(value)) return value;
    return base::failure(base::Errc::invalid_argument, which + " is too large for a float32",
                         "embedding", "write a list of 512 finite numbers");
}

/// 512 numbers, quantised. Absent: nothing.
std::expected<std::optional<records::Embedding>, base::Error> read_embedding(JsonObject& object) {
    const Json* list = object.child("embedding");
    if (list == nullptr || list->is_null()) return std::nullopt;
    if (!list->is_array()) {
        return base::failure(base::Errc::malformed, "no list", "embedding",
                             "write a list of 512 finite numbers");
    }
    if (list->size() != records::Embedding::dimensions) {
        return base::failure(base::Errc::invalid_argument,
                             std::to_string(list->size()) + " numbers", "embedding",
                             "an embedding has 512");
    }
    std::vector<float> numbers;
    for (const Json& number : *list) {
        MESH_TRY(const float value, read_value(number, numbers.size()));
        numbers.push_back(value);
    }
    auto embedding = records::quantise(numbers);
    if (!embedding) {
        embedding.error().where = "embedding";
        return std::unexpected(std::move(embedding).error());
    }
    return std::optional(*embedding);
}

/// The members of a JSON object as searches compare them.
std::expected<std::vector<std::string>, base::Error> read_members(const Json& json) {
    if (!json.is_object()) {
        return base::failure(base::Errc::malformed, "no object", "metadata",
                             R"(write the members that must be there, like {"colour":"blue"})");
    }
    std::vector<std::string> members;
    for (const auto& [name, value] : json.items()) {
        members.push_back(to_line(Json(name)) + ":" + to_line(value));
    }
    return members;
}

/// A number between two bounds; absent: `fallback`.
std::expected<double, base::Error> read_fraction(JsonObject& object, const char* name, double low,
                                                 double fallback) {
    const Json* number = object.child(name);
    if (number == nullptr) return fallback;
    const double value = number->is_number() ? number->get<double>() : std::nan("");
    if (value >= low && value <= 1) return value;
    return std::unexpected(
        no_number(name, low == 0 ? "write a number from 0 to 1" : "write a number from -1 to 1"));
}

/// The record in which this node says just that already, for more than half of `lifetime` to come.
std::optional<wire::RecordId> said_already(const ApiDoors& doors, records::RecordService& records,
                                           std::string_view hash,
                                           const records::RegistryEntry& entry,
                                           std::chrono::seconds lifetime,
                                           const records::Segment& segment) {
    const records::RegistryEntry fitted = records::fitted(hash, entry);
    if (!records::check(hash, fitted)) return std::nullopt;
    const records::Address address{wire::RecordKind::registry, records.store().self(),
                                   base::to_buffer(base::as_bytes(hash))};
    const records::Held* held = records.store().index().find(address);
    if (held == nullptr || held->tombstone || held->segment != segment) return std::nullopt;
    const auto due = base::unix_ms(doors.now().wall) / 1'000 + lifetime.count() / 2;
    if (std::int64_t{held->expires} <= due) return std::nullopt;
    const auto record = records.store().get(address);
    if (!record || !*record || (*record)->body != encode(fitted)) return std::nullopt;
    return held->id;
}

/// Body {"hash", "type", "owner", "confidence", "embedding", "metadata", "lifetime_s", "segment",
/// "if_changed"}.
Answer post_entry(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(records::RecordService * records, records_of(doors));
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    std::string hash;
    records::RegistryEntry entry;
    std::uint64_t lifetime_s = entry_lifetime_s;
    JsonObject object(json, "");
    object.require({"hash"});
    object.read("hash", hash);
    object.read("type", entry.type);
    object.read("owner", entry.owner);
    object.read("lifetime_s", lifetime_s);
    MESH_TRY(const double confidence, read_fraction(object, "confidence", 0, 0.5));
    entry.confidence =
        static_cast<std::uint16_t>(std::lround(confidence * records::RegistryEntry::certain));
    MESH_TRY(entry.embedding, read_embedding(object));
    if (const Json* metadata = object.child("metadata")) entry.metadata = to_line(*metadata);
    bool if_changed = false;
    object.read("if_changed", if_changed);
    MESH_TRY(const records::Segment segment, read_segment(object, doors, *records));
    MESH_CHECK(object.finish());
    const std::chrono::seconds lifetime(std::min(lifetime_s, lifetime_s_max));
    if (if_changed) {
        const auto said = said_already(doors, *records, hash, entry, lifetime, segment);
        if (said) return Json{{"id", crypto::to_hex(*said)}, {"entered", false}};
    }
    MESH_TRY(const wire::RecordId id,
             records->register_entry(doors.now(), hash, entry, lifetime, segment));
    return Json{{"id", crypto::to_hex(id)}, {"entered", true}};
}

/// Body {"hash"}: of an entry of this node.
Answer post_removal(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(records::RecordService * records, records_of(doors));
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    std::string hash;
    JsonObject object(json, "");
    object.require({"hash"});
    object.read("hash", hash);
    MESH_CHECK(object.finish());
    MESH_TRY(const wire::RecordId id,
             records->remove(doors.now(), wire::RecordKind::registry, base::as_bytes(hash)));
    return Json{{"id", crypto::to_hex(id)}};
}

Answer get_entries(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(records::RecordService * records, records_of(doors));
    MESH_CHECK(check_query(request,
                           {"hash", "type", "node", "metadata", "since_ms", "until_ms", "count"}));
    records::RegistryQuery query;
    const auto text = [&](const char* name) {
        const auto found = request.query.find(name);
        return found == request.query.end() ? std::string() : found->second;
    };
    query.hash = text("hash");
    query.type = text("type");
    if (const std::string node = text("node"); !node.empty()) {
        auto key = crypto::public_key_from_hex(node);
        if (!key) {
            key.error().where = "node";
            return std::unexpected(std::move(key).error());
        }
        query.node = *key;
    }
    if (const std::string metadata = text("metadata"); !metadata.empty()) {
        MESH_TRY(const Json json, parse_json(metadata, "metadata"));
        MESH_TRY(query.metadata, read_members(json));
        MESH_CHECK(records::check_metadata(query));
    }
    MESH_TRY(query.count, query_number(request, "count", 50, entries_shown_max));
    MESH_TRY(query.since_ms, query_number(request, "since_ms", 0, wire::HybridTime::ms_max));
    MESH_TRY(query.until_ms,
             query_number(request, "until_ms", wire::HybridTime::ms_max, wire::HybridTime::ms_max));
    MESH_TRY(const auto hits, records->search(query));
    return list_json("entries", hits);
}

/// Body {"hash", "type", "node", "metadata", "embedding", "count", "similarity_min",
/// "patience_ms"}.
Answer post_search(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(records::RecordService * records, records_of(doors));
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    records::RegistryQuery query;
    std::uint64_t count = 10;
    std::uint64_t patience_ms = 2'000;
    crypto::PublicKey node;
    JsonObject object(json, "");
    object.read("hash", query.hash);
    object.read("type", query.type);
    object.read_as("node", node, crypto::public_key_from_hex);
    if (const Json* metadata = object.child("metadata")) {
        MESH_TRY(query.metadata, read_members(*metadata));
    }
    object.read("count", count);
    object.read("patience_ms", patience_ms);
    MESH_TRY(const double least, read_fraction(object, "similarity_min", -1, -1));
    MESH_TRY(query.like, read_embedding(object));
    MESH_CHECK(object.finish());
    if (json.contains("node")) query.node = node;
    query.count = std::min<std::uint64_t>(count, entries_shown_max);
    query.similarity_min = static_cast<float>(least);
    MESH_TRY(const std::uint64_t number,
             records->search_mesh(
                 doors.now(), query,
                 std::chrono::milliseconds(std::min(patience_ms, patience_ms_max + 1))));
    MESH_TRY(const records::SearchView view, records->search_view(doors.now(), number));
    return to_json(view);
}

Answer get_search(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const records::RecordService* records, records_of(doors));
    MESH_TRY(const std::uint64_t number,
             parse_number(request.parameters.at(0), "search", UINT64_MAX));
    MESH_TRY(const records::SearchView view, records->search_view(doors.now(), number));
    return to_json(view);
}

Answer get_ownership(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const records::RecordService* records, records_of(doors));
    MESH_CHECK(check_query(request, {"hash"}));
    const auto hash = request.query.find("hash");
    if (hash == request.query.end() || hash->second.empty()) {
        return base::failure(base::Errc::invalid_argument, "no hash", "hash",
                             "say whose history is asked for: /v1/ownerships?hash=...");
    }
    return to_json(records->ownership(hash->second));
}

/// Body {"hash", "action": "claim", "give", "accept" or "withdraw", "to", "note"}.
Answer post_ownership(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(records::RecordService * records, records_of(doors));
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    std::string hash;
    std::string action;
    std::string note;
    crypto::PublicKey to;
    JsonObject object(json, "");
    object.require({"hash", "action"});
    object.read("hash", hash);
    object.read("action", action);
    object.read("note", note);
    object.read_as("to", to, crypto::public_key_from_hex);
    MESH_CHECK(object.finish());
    if (json.contains("to") != (action == "give")) {
        return base::failure(base::Errc::invalid_argument,
                             action == "give" ? "nobody to give it to" : "'to' beside " + action,
                             "to", "name the identity of who gets it, when it is given");
    }
    if (!note.empty() && action != "claim" && action != "give") {
        return base::failure(base::Errc::invalid_argument, "'note' beside " + action, "note",
                             "a claim or a gift has one");
    }
    if (action == "claim") {
        MESH_CHECK(records->claim(doors.now(), hash, note));
    } else if (action == "give") {
        MESH_CHECK(records->give(doors.now(), hash, to, note));
    } else if (action == "accept") {
        MESH_CHECK(records->accept(doors.now(), hash));
    } else if (action == "withdraw") {
        MESH_CHECK(records->withdraw(doors.now(), hash));
    } else {
        return base::failure(base::Errc::invalid_argument, "no action '" + action + "'", "action",
                             "write claim, give, accept or withdraw");
    }
    return to_json(records->ownership(hash));
}

constexpr ApiRoute registry_route_list[] = {
    {.method = "GET", .path = "/v1/ownerships", .handle = get_ownership},
    {.method = "POST", .path = "/v1/ownerships", .handle = post_ownership, .changes = true},
    {.method = "GET", .path = "/v1/registry", .handle = get_entries},
    {.method = "POST",
     .path = "/v1/registry",
     .handle = post_entry,
     .body_bytes_max = body_bytes_max,
     .changes = true},
    {.method = "POST", .path = "/v1/registry/removals", .handle = post_removal, .changes = true},
    {.method = "POST",
     .path = "/v1/searches",
     .handle = post_search,
     .body_bytes_max = body_bytes_max,
     .changes = true},
    {.method = "GET", .path = "/v1/searches/{search}", .handle = get_search},
};

}  // namespace

std::span<const ApiRoute> registry_routes() { return registry_route_list; }

}  // namespace meshchain::host
