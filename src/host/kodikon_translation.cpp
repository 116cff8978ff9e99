#include "host/kodikon_translation.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/cursor.h"
#include "base/utf8.h"
#include "host/json_document.h"

namespace meshchain::host {
namespace {

using records::Alert;
using records::RegistryEntry;

constexpr const char* mark_field = "kodikon";
constexpr const char* record_field = "meshchain_record";
/// Of an alert that RecordService::send_alert signs, whose key has eight bytes.
constexpr std::size_t alert_bytes_max = wire::record_body_bytes_max(8, false);
constexpr std::size_t state_bytes_max =
    wire::record_body_bytes_max(wire::Record::key_bytes_max, false);
/// Where Kodikon's programs put what a person should read, best first.
constexpr const char* text_fields[] = {"message",    "text",       "description", "title", "reason",
                                       "event_type", "alert_type", "event",       "type"};
/// Of an entry: read by themselves, or written anew at every hop, which would make each snapshot
/// look new.
constexpr std::string_view other_fields[] = {"hash_value",  "node_id",        "timestamp",
                                             "data_type",   "embedding",      "confidence",
                                             "last_update", "source_node_id", "metadata"};

/// Of what this program or the strict reader has checked before; null for anything else.
Json read(std::string_view text) {
    Json value = Json::parse(text, nullptr, false);
    return value.is_discarded() ? Json() : value;
}

const std::string* text_in(const Json& object, const char* field) {
    const auto found = object.find(field);
    return found != object.end() && found->is_string() ? found->get_ptr<const std::string*>()
                                                       : nullptr;
}

/// One line that a terminal may be given, whatever was in it.
std::string shown(const std::string& text, std::size_t bytes_max) {
    if (base::is_displayable(text)) return std::string(base::utf8_prefix(text, bytes_max));
    return Json(text).dump(-1, ' ', true).substr(0, bytes_max);
}

std::string hex_of(std::uint64_t number) {
    base::Buffer bytes;
    base::Writer(bytes).u64(number);
    return base::to_hex(bytes);
}

std::optional<std::uint64_t> number_of(const std::string& hex) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), number, 16);
    if (error != std::errc{} || end != hex.data() + hex.size()) return std::nullopt;
    return number;
}

std::string words_of(const Json& said) {
    if (said.is_string()) return said.get<std::string>();
    if (said.is_object()) {
        for (const char* field : text_fields) {
            const std::string* text = text_in(said, field);
            if (text != nullptr && !text->empty()) return *text;
        }
    }
    return said.is_null() || said.empty() ? std::string() : to_line(said);
}

/// Kodikon nodes put what an entry said into its metadata at every hop.
const Json& innermost(const Json& metadata, bool& is_from_bridge) {
    const Json* level = &metadata;
    while (level->is_object()) {
        is_from_bridge |= level->contains(record_field);
        const auto inner = level->find("metadata");
        if (inner == level->end() || !inner->is_object()) break;
        level = &*inner;
    }
    return *level;
}

bool is_of_bridge(const Json& entry, const char* field) {
    const std::string* id = text_in(entry, field);
    return id != nullptr && id->starts_with(kodikon_bridge_prefix);
}

std::optional<records::Embedding> read_embedding(const Json& value) {
    if (!value.is_array() || value.size() != records::Embedding::dimensions) return std::nullopt;
    std::vector<float> numbers;
    for (const Json& number : value) {
        if (!number.is_number()) return std::nullopt;
        const double value = number.get<double>();
        if (std::abs(value) > std::numeric_limits<float>::max()) return std::nullopt;
        numbers.push_back(static_cast<float>(value));
    }
    auto embedding = records::quantise(numbers);
    if (!embedding) return std::nullopt;
    return *embedding;
}

std::uint16_t read_confidence(const Json& entry) {
    const auto found = entry.find("confidence");
    const double value = found != entry.end() && found->is_number() ? found->get<double>() : 0.5;
    return static_cast<std::uint16_t>(
        std::lround(std::clamp(value, 0.0, 1.0) * RegistryEntry::certain));
}

Json details_of(const Json& entry, bool& is_from_bridge) {
    Json details = Json::object();
    if (const auto metadata = entry.find("metadata"); metadata != entry.end()) {
        const Json& said = innermost(*metadata, is_from_bridge);
        if (!said.empty()) details["metadata"] = said;
    }
    for (const auto& [field, value] : entry.items()) {
        if (std::ranges::find(other_fields, field) != std::end(other_fields)) continue;
        if (!value.empty()) details[field] = value;
    }
    return details;
}

std::optional<KodikonEntry> read_entry(const std::string& hash, const Json& entry) {
    if (!entry.is_object()) return std::nullopt;
    KodikonEntry read;
    read.hash = hash;
    read.is_from_bridge = is_of_bridge(entry, "node_id") || is_of_bridge(entry, "source_node_id");
    const std::string* type = text_in(entry, "data_type");
    read.entry.type = shown(type == nullptr ? "unknown" : *type, RegistryEntry::type_bytes_max);
    read.entry.confidence = read_confidence(entry);
    if (const auto found = entry.find("embedding"); found != entry.end() && !found->is_null()) {
        read.entry.embedding = read_embedding(*found);
        read.has_bad_embedding = !read.entry.embedding.has_value();
    }
    const std::string* node = text_in(entry, "node_id");
    Json metadata = {
        {mark_field, {{"node", node == nullptr ? "" : shown(*node, kodikon_id_bytes_max)}}}};
    const std::string without = to_line(metadata);
    const Json details = details_of(entry, read.is_from_bridge);
    for (const auto& [field, value] : details.items()) {
        metadata[field] = value;
    }
    const std::string whole = to_line(metadata);
    const std::string shortened = without.substr(0, without.size() - 1) +
                                  ",\"left_out_bytes\":" + std::to_string(whole.size()) + "}";
    const RegistryEntry seen = std::move(read.entry);
    for (const std::string& text : {whole, shortened}) {
        read.entry = seen;
        read.entry.metadata = text;
        // As it will be held: a copy that comes again is compared with that.
        read.entry = records::fitted(hash, std::move(read.entry));
        if (records::check(hash, read.entry)) return read;
        read.is_left_out = true;
    }
    return std::nullopt;
}

/// What programs of ours put beside a text: JSON by custom, and then it stays that.
Json details_in(std::string_view text) {
    Json value = read(text);
    return value.is_null() ? Json(std::string(text)) : value;
}

}  // namespace

bool is_kodikon_id(std::string_view id) {
    return !id.empty() && id.size() <= kodikon_id_bytes_max && base::is_displayable(id);
}

std::uint64_t kodikon_content(const KodikonMessage& message) {
    base::Buffer head;
    base::Writer(head)
        .u8(static_cast<std::uint8_t>(message.type))
        .u64(std::bit_cast<std::uint64_t>(message.timestamp))
        .u16(static_cast<std::uint16_t>(message.source.size()))
        .text(message.source);
    const crypto::Hash hash = crypto::hash(head, base::as_bytes(message.payload));
    return base::Reader(hash.span()).u64();
}

std::optional<KodikonMark> kodikon_mark(std::string_view json) {
    const Json value = read(json);
    if (!value.is_object() || !value.contains(mark_field)) return std::nullopt;
    KodikonMark mark;
    const Json& said = value[mark_field];
    if (!said.is_object()) return mark;
    if (const std::string* content = text_in(said, "content")) mark.content = number_of(*content);
    return mark;
}

std::optional<KodikonAlert> read_kodikon_alert(const KodikonMessage& message) {
    const Json payload = read(message.payload);
    const auto said = payload.find("alert");
    KodikonAlert read;
    read.is_from_bridge = payload.contains(record_field);
    read.alert.text =
        shown(said == payload.end() ? std::string() : words_of(*said), Alert::text_bytes_max);
    if (read.alert.text.empty()) return std::nullopt;
    if (const std::string* priority = text_in(payload, "priority")) {
        read.alert.priority =
            records::alert_priority(*priority).value_or(records::AlertPriority::normal);
    }
    Json json = {{mark_field,
                  {{"source", message.source},
                   {"timestamp", message.timestamp},
                   {"content", hex_of(kodikon_content(message))}}}};
    Json whole = json;
    whole["payload"] = payload;
    read.alert.payload = to_line(whole);
    if (encode(read.alert).size() <= alert_bytes_max) return read;
    read.is_left_out = true;
    json["left_out_bytes"] = message.payload.size();
    read.alert.payload = to_line(json);
    return read;
}

KodikonEntries read_kodikon_entries(const KodikonMessage& message) {
    KodikonEntries read;
    const Json payload = host::read(message.payload);
    const auto add = [&](const std::string& hash, const Json& entry) {
        if (auto one = read_entry(hash, entry)) {
            read.entries.push_back(*std::move(one));
        } else {
            ++read.unreadable;
        }
    };
    if (const auto entries = payload.find("entries"); entries != payload.end()) {
        if (!entries->is_object()) {
            ++read.unreadable;
            return read;
        }
        for (const auto& [hash, entry] : entries->items()) add(hash, entry);
    } else if (const auto record = payload.find("record"); record != payload.end()) {
        const std::string* hash = record->is_object() ? text_in(*record, "hash_value") : nullptr;
        add(hash == nullptr ? std::string() : *hash, *record);
    } else {
        ++read.unreadable;
    }
    return read;
}

std::optional<std::string> read_kodikon_state(const KodikonMessage& message) {
    const Json payload = read(message.payload);
    const auto state = payload.find("state");
    const Json json = {{mark_field, {{"source", message.source}}},
                       {"state", state == payload.end() ? Json() : *state}};
    std::string text = to_line(json);
    if (text.size() > state_bytes_max) return std::nullopt;
    return text;
}

std::string kodikon_alert_payload(const Alert& alert, const KodikonOrigin& from) {
    Json said = {{"message", alert.text}, {"origin", base::to_hex(from.origin)}};
    Json payload = {{"alert", said},
                    {"priority", records::name(alert.priority)},
                    {"timestamp", from.seconds},
                    {record_field, crypto::to_hex(from.record)}};
    if (alert.payload.empty()) return to_line(payload);
    Json whole = payload;
    whole["alert"]["details"] = details_in(alert.payload);
    std::string text = to_line(whole);
    // The envelope around it has some 200 bytes.
    return text.size() <= kodikon_datagram_bytes_aim - 200 ? text : to_line(payload);
}

std::string kodikon_entry_json(const std::string& hash, const RegistryEntry& entry,
                               const KodikonOrigin& from, const std::string& node_id) {
    Json metadata = {{record_field, crypto::to_hex(from.record)},
                     {"origin", base::to_hex(from.origin)},
                     {"owner", entry.owner}};
    const std::string short_text = to_line(metadata);
    if (!entry.metadata.empty()) metadata["details"] = details_in(entry.metadata);
    if (to_line(metadata).size() > kodikon_datagram_bytes_aim - 700) metadata = read(short_text);
    const Json json = {{"hash_value", hash},
                       {"node_id", node_id},
                       {"timestamp", from.seconds},
                       {"data_type", entry.type},
                       {"embedding", nullptr},
                       {"metadata", std::move(metadata)},
                       {"ownership_history", Json::array()},
                       {"transfer_token", nullptr},
                       {"confidence", entry.confidence / static_cast<double>(entry.certain)},
                       {"last_update", from.seconds},
                       {"source_node_id", node_id},
                       {"location_signature", nullptr}};
    return to_line(json);
}

std::string kodikon_registry_payload(std::span<const std::pair<std::string, std::string>> entries,
                                     std::uint64_t version, double seconds) {
    Json list = Json::object();
    for (const auto& [hash, entry] : entries) list[hash] = read(entry);
    return to_line(
        Json{{"version", version}, {"entries", std::move(list)}, {"timestamp", seconds}});
}

std::string kodikon_heartbeat_payload(const std::string& node_id, double seconds) {
    return to_line(Json{{"node_id", node_id},
                        {"state", {{"software", "meshchain"}}},
                        {"version", 0},
                        {"timestamp", seconds}});
}

std::string kodikon_discovery_payload(const std::string& node_id, const std::string& address,
                                      std::uint16_t port, double seconds) {
    return to_line(Json{
        {"node_id", node_id}, {"port", port}, {"ip_address", address}, {"timestamp", seconds}});
}

}  // namespace meshchain::host
