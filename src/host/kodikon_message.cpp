#include "host/kodikon_message.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/assert.h"
#include "host/json_document.h"

namespace meshchain::host {
namespace {

using base::Errc;

constexpr std::array<std::string_view, kodikon_types_count> type_names{"HEARTBEAT",
                                                                       "PEER_DISCOVERY",
                                                                       "NODE_STATE_SYNC",
                                                                       "SEARCH_QUERY",
                                                                       "ALERT",
                                                                       "HASH_REGISTRY",
                                                                       "ROUTE_BROADCAST",
                                                                       "ACK",
                                                                       "TRANSFER_EVENT",
                                                                       "OWNERSHIP_VOTE",
                                                                       "LOCATION_SIGNATURE",
                                                                       "FACE_SEARCH_REQUEST",
                                                                       "FACE_SEARCH_RESULT"};
constexpr std::array<std::string_view, 4> state_names{"ACTIVE", "IDLE", "PROCESSING", "OFFLINE"};
constexpr std::size_t source_bytes_max = 256;
constexpr const char* known_fields[] = {"type", "source", "timestamp", "seq", "payload", "path"};

std::unexpected<base::Error> malformed(std::string what, std::string where = "kodikon") {
    return base::failure(Errc::malformed, std::move(what), std::move(where),
                         "send one JSON object as Kodikon does, without NaN or Infinity");
}

/// Builds the value, and stops at the first thing that could not be given back as it was or that
/// would cost more than a datagram may.
class Builder final : public nlohmann::json_sax<Json> {
public:
    bool null() override { return add(nullptr); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(number_integer_t value) override { return add(value); }
    bool number_unsigned(number_unsigned_t value) override { return add(value); }
    bool number_float(number_float_t value, const string_t& text) override {
        if (!std::isfinite(value)) return fail("a number that is not finite");
        if (text.find_first_of(".eE") == string_t::npos) {
            return fail("a whole number that 64 bits do not hold");
        }
        return add(value);
    }
    bool string(string_t& value) override { return add(std::move(value)); }
    bool binary(binary_t&) override { return fail("bytes"); }
    bool start_object(std::size_t) override { return open(Json::object()); }
    bool start_array(std::size_t) override { return open(Json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        if (open_.back()->contains(name)) return fail("a field is given twice");
        if (open_.back()->size() >= kodikon_members_max) return fail("too many fields");
        name_ = std::move(name);
        return true;
    }
    bool parse_error(std::size_t position, const std::string&,
                     const nlohmann::detail::exception&) override {
        return fail("no JSON at byte " + std::to_string(position));
    }

    Json& root() { return root_; }
    const std::string& problem() const { return problem_; }

private:
    bool fail(std::string problem) {
        problem_ = std::move(problem);
        return false;
    }
    Json& place(Json value) {
        if (open_.empty()) return root_ = std::move(value);
        Json& parent = *open_.back();
        if (parent.is_object()) return parent[name_] = std::move(value);
        parent.push_back(std::move(value));
        return parent.back();
    }
    bool add(Json value) {
        place(std::move(value));
        return true;
    }
    bool open(Json value) {
        if (open_.size() >= kodikon_depth_max) return fail("nested deeper than allowed");
        open_.push_back(&place(std::move(value)));
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    Json root_;
    std::vector<Json*> open_;
    std::string name_;
    std::string problem_;
};

bool is_same_name(std::string_view text, std::string_view name) {
    return std::ranges::equal(text, name, [](char a, char b) {
        return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b;
    });
}

std::expected<KodikonType, base::Error> read_type(const Json& value) {
    std::size_t number = 0;
    if (value.is_number_unsigned()) {
        number = static_cast<std::size_t>(
            std::min<std::uint64_t>(value.get<std::uint64_t>(), kodikon_types_count + 1));
    } else if (value.is_string()) {
        const auto& text = value.get_ref<const std::string&>();
        const auto found = std::ranges::find_if(
            type_names, [&](std::string_view name) { return is_same_name(text, name); });
        number = static_cast<std::size_t>(found - type_names.begin()) + 1;
    } else {
        return malformed("neither a number nor a name", "type");
    }
    if (number >= 1 && number <= kodikon_types_count) return static_cast<KodikonType>(number);
    return base::failure(Errc::unsupported, "a type that Kodikon does not have", "type",
                         "it has 1 to 13");
}

std::expected<std::vector<std::string>, base::Error> read_path(const Json& value) {
    if (!value.is_array() || value.size() > kodikon_path_max) {
        return malformed("no list of at most " + std::to_string(kodikon_path_max), "path");
    }
    std::vector<std::string> path;
    for (const Json& step : value) {
        if (!step.is_string()) return malformed("a step that is no text", "path");
        path.push_back(step.get<std::string>());
    }
    return path;
}

std::expected<KodikonMessage, base::Error> read_message(const Json& json) {
    if (!json.is_object()) return malformed("no object");
    for (const char* field : {"type", "source", "timestamp", "payload"}) {
        if (!json.contains(field)) return malformed("missing", field);
    }
    KodikonMessage message;
    MESH_TRY(message.type, read_type(json["type"]));
    const Json& source = json["source"];
    if (!source.is_string() || source.get_ref<const std::string&>().empty() ||
        source.get_ref<const std::string&>().size() > source_bytes_max) {
        return malformed("no text of 1 to 256 bytes", "source");
    }
    message.source = source.get<std::string>();
    if (!json["timestamp"].is_number()) return malformed("no number", "timestamp");
    message.timestamp = json["timestamp"].get<double>();
    if (const auto seq = json.find("seq"); seq != json.end()) {
        if (!seq->is_number_unsigned()) return malformed("no whole number from 0 on", "seq");
        message.seq = seq->get<std::uint64_t>();
    }
    if (!json["payload"].is_object()) return malformed("no object", "payload");
    message.payload = json["payload"].dump();
    if (const auto path = json.find("path"); path != json.end()) {
        MESH_TRY(message.path, read_path(*path));
    }
    Json extra = Json::object();
    for (const auto& [field, value] : json.items()) {
        if (std::ranges::find(known_fields, field) == std::end(known_fields)) extra[field] = value;
    }
    if (!extra.empty()) message.extra = extra.dump();
    return message;
}

}  // namespace

std::string_view name(KodikonType type) { return type_names[static_cast<std::size_t>(type) - 1]; }

std::string_view name(KodikonNodeState state) {
    return state_names[static_cast<std::size_t>(state) - 1];
}

std::expected<KodikonMessage, base::Error> parse_kodikon(base::Bytes datagram) {
    if (datagram.size() > kodikon_bytes_max) {
        return base::failure(Errc::too_large, std::to_string(datagram.size()) + " bytes", "kodikon",
                             "a datagram has at most " + std::to_string(kodikon_bytes_max));
    }
    Builder builder;
    if (!Json::sax_parse(base::as_text(datagram), &builder)) return malformed(builder.problem());
    return read_message(builder.root());
}

std::expected<base::Buffer, base::Error> encode(const KodikonMessage& message) {
    Json json = {{"type", static_cast<unsigned>(message.type)},
                 {"source", message.source},
                 {"timestamp", message.timestamp},
                 {"seq", message.seq},
                 {"payload", Json::parse(message.payload, nullptr, false)},
                 {"path", message.path}};
    MESH_ASSERT(json["payload"].is_object());
    if (!message.extra.empty()) {
        const Json extra = Json::parse(message.extra, nullptr, false);
        MESH_ASSERT(extra.is_object());
        for (const auto& [field, value] : extra.items()) json[field] = value;
    }
    const std::string text = to_line(json);
    if (text.size() <= kodikon_bytes_max) return base::to_buffer(base::as_bytes(text));
    return base::failure(Errc::too_large, std::to_string(text.size()) + " bytes", "kodikon",
                         "a datagram has at most " + std::to_string(kodikon_bytes_max));
}

}  // namespace meshchain::host
