#include "host/json_document.h"

#include <algorithm>
#include <set>
#include <utility>

namespace meshchain::host {
namespace {

/// Numbers as they are; of what may hold a secret, such as the key of a channel, its kind alone.
std::string excerpt(const Json& value) {
    if (value.is_string()) return "a text";
    if (value.is_object()) return "an object";
    if (value.is_array()) return "a list";
    return to_line(value);
}

/// Watches the parser for what nlohmann lets pass: a field given twice, and nesting without end.
class Watcher {
public:
    bool operator()(int depth, nlohmann::json::parse_event_t event, const Json& parsed) {
        using Event = nlohmann::json::parse_event_t;
        if (depth > json_depth_max) problem_ = "nested deeper than allowed";
        if (event == Event::object_start) names_.emplace_back();
        if (event == Event::object_end && !names_.empty()) names_.pop_back();
        if (event == Event::key && !names_.empty()) {
            const auto& name = parsed.get_ref<const std::string&>();
            if (!names_.back().insert(name).second && problem_.empty()) {
                problem_ = "the field '" + name.substr(0, 60) + "' is given twice";
            }
        }
        return true;
    }
    const std::string& problem() const { return problem_; }

private:
    std::vector<std::set<std::string>> names_;
    std::string problem_;
};

/// nlohmann's text without its "[json.exception.parse_error.101] " in front, and without what it
/// read last, which may be a secret.
std::string plain_reason(std::string_view what) {
    const std::size_t bracket = what.find("] ");
    std::string reason(bracket == std::string_view::npos ? what : what.substr(bracket + 2));
    reason.resize(std::min(reason.find("; last read"), reason.size()));
    constexpr std::string_view prefix = "parse error ";
    return reason.starts_with(prefix) ? reason.substr(prefix.size()) : reason;
}

}  // namespace

std::expected<Json, base::Error> parse_json(std::string_view text, std::string_view source) {
    const std::string where(source);
    Watcher watcher;
    try {
        Json value = Json::parse(
            text,
            [&watcher](int depth, auto event, Json& parsed) {
                return watcher(depth, static_cast<nlohmann::json::parse_event_t>(event), parsed);
            },
            true, true);
        if (watcher.problem().empty()) return value;
        return base::failure(base::Errc::malformed, watcher.problem(), where,
                             "leave each field once, where it belongs");
    } catch (const nlohmann::json::exception& problem) {
        return base::failure(base::Errc::malformed, "no JSON: " + plain_reason(problem.what()),
                             where, "mend the text at that place");
    }
}

std::string to_line(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}
std::string to_page(const Json& value) {
    return value.dump(2, ' ', false, Json::error_handler_t::replace);
}

JsonObject::JsonObject(const Json& value, std::string path) : path_(std::move(path)) {
    if (value.is_object()) {
        object_ = &value;
        return;
    }
    fail({base::Errc::malformed, excerpt(value) + " is no object",
          path_.empty() ? "document" : path_, "write it as { \"field\": value, … }"});
}

std::string JsonObject::field_path(std::string_view name) const {
    return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

void JsonObject::fail(base::Error error) { failures_.push_back(std::move(error)); }

void JsonObject::absorb(std::expected<void, base::Error> result) {
    if (!result) fail(std::move(result).error());
}

void JsonObject::absorb(std::vector<base::Error> problems) {
    for (base::Error& problem : problems) fail(std::move(problem));
}

const Json* JsonObject::find(const char* name) {
    known_.emplace_back(name);
    if (object_ == nullptr) return nullptr;
    const auto found = object_->find(name);
    return found == object_->end() ? nullptr : &*found;
}

void JsonObject::require(std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (object_ == nullptr || object_->contains(name)) continue;
        fail({base::Errc::malformed, "missing", field_path(name), "add the field"});
    }
}

void JsonObject::wrong_type(const char* name, const Json& value, std::string_view expected) {
    fail({base::Errc::malformed, excerpt(value) + " is not " + std::string(expected),
          field_path(name), "write " + std::string(expected)});
}

void JsonObject::read(const char* name, bool& out) {
    const Json* value = find(name);
    if (value == nullptr) return;
    if (value->is_boolean()) {
        out = value->get<bool>();
    } else {
        wrong_type(name, *value, "true or false");
    }
}

const std::string* JsonObject::find_text(const char* name) {
    const Json* value = find(name);
    if (value == nullptr) return nullptr;
    if (value->is_string()) return value->get_ptr<const std::string*>();
    wrong_type(name, *value, "a text in quotes");
    return nullptr;
}

void JsonObject::read(const char* name, std::string& out) {
    if (const std::string* text = find_text(name)) out = *text;
}

std::optional<std::uint64_t> JsonObject::unsigned_number(const char* name, std::uint64_t maximum) {
    const Json* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number_unsigned() || value->get<std::uint64_t>() > maximum) {
        wrong_type(name, *value, "a whole number from 0 to " + std::to_string(maximum));
        return std::nullopt;
    }
    return value->get<std::uint64_t>();
}

void JsonObject::read(const char* name, std::uint64_t& out) {
    out = unsigned_number(name, UINT64_MAX).value_or(out);
}
void JsonObject::read(const char* name, std::uint32_t& out) {
    out = static_cast<std::uint32_t>(unsigned_number(name, UINT32_MAX).value_or(out));
}
void JsonObject::read(const char* name, std::uint16_t& out) {
    out = static_cast<std::uint16_t>(unsigned_number(name, UINT16_MAX).value_or(out));
}
void JsonObject::read(const char* name, std::uint8_t& out) {
    out = static_cast<std::uint8_t>(unsigned_number(name, UINT8_MAX).value_or(out));
}

void JsonObject::read_milliseconds(const char* name, base::Duration& out) {
    // The bound keeps the conversion to nanoseconds from overflowing; validate() has the real
    // range.
    constexpr std::uint64_t year_ms = 366ULL * 24 * 3600 * 1000;
    if (const auto value = unsigned_number(name, year_ms)) out = base::Milliseconds(*value);
}

const Json* JsonObject::child(const char* name) { return find(name); }

std::vector<const Json*> JsonObject::children(const char* name, std::size_t count_max) {
    const Json* value = find(name);
    if (value == nullptr) return {};
    if (!value->is_array() || value->size() > count_max) {
        wrong_type(name, *value, "a list of at most " + std::to_string(count_max));
        return {};
    }
    std::vector<const Json*> elements;
    for (const Json& element : *value) elements.push_back(&element);
    return elements;
}

std::vector<std::pair<std::string, const Json*>> JsonObject::entries() {
    std::vector<std::pair<std::string, const Json*>> all;
    if (object_ == nullptr) return all;
    for (const auto& [name, value] : object_->items()) {
        known_.push_back(name);
        all.emplace_back(name, &value);
    }
    return all;
}

std::expected<void, base::Error> JsonObject::finish() {
    std::vector<base::Error> found = finish_all();
    if (found.empty()) return {};
    return std::unexpected(std::move(found.front()));
}

std::vector<base::Error> JsonObject::finish_all() {
    std::vector<base::Error> found = std::exchange(failures_, {});
    if (object_ == nullptr) return found;
    std::string allowed;
    for (const std::string& known : known_) allowed += (allowed.empty() ? "" : ", ") + known;
    for (const auto& [name, value] : object_->items()) {
        if (std::ranges::find(known_, name) != known_.end()) continue;
        found.push_back({base::Errc::malformed, "unknown field", field_path(name),
                         "remove it; known here: " + allowed});
    }
    return found;
}

}  // namespace meshchain::host
