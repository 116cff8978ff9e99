#pragma once
// Strict JSON: what people write in files and programs send us. Comments are allowed; an unknown
// field, a field given twice and a wrong type are errors that name the field, never skipped.
//
// Limits: the caller bounds the text; nesting is bounded by depth_max.
// Errors: malformed, with line and column for what is no JSON, and the field for all else.
// For .cpp files only (see host/json.h).

#include <cstdint>
#include <expected>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "host/json.h"

namespace meshchain::host {

inline constexpr int json_depth_max = 16;

/// `source` names the document in errors: a path, or "request".
std::expected<Json, base::Error> parse_json(std::string_view text, std::string_view source);

/// One line, or indented for people. Text that is no UTF-8 is replaced rather than refused.
std::string to_line(const Json& value);
std::string to_page(const Json& value);

/// Reads the fields of one object and remembers what fails, so that a reader names all its fields
/// and asks once, with finish(). A field that is absent or wrong leaves its target as it was.
class JsonObject {
public:
    /// `path` names the object in errors: "" for the document, or like "network".
    JsonObject(const Json& value, std::string path);

    /// Absence of any of these is an error.
    void require(std::initializer_list<const char*> names);

    void read(const char* name, bool& out);
    void read(const char* name, std::string& out);
    void read(const char* name, std::uint64_t& out);
    void read(const char* name, std::uint32_t& out);
    void read(const char* name, std::uint16_t& out);
    void read(const char* name, std::uint8_t& out);
    void read_milliseconds(const char* name, base::Duration& out);
    /// A text that `parse` turns into the value: std::expected<T, base::Error>(std::string_view).
    template <class T, class Parse>
    void read_as(const char* name, T& out, Parse parse);

    /// The field for a reader of its own; nothing when absent.
    const Json* child(const char* name);
    /// The elements of an array field; empty when absent or wrong.
    std::vector<const Json*> children(const char* name, std::size_t count_max);
    /// Every field, for objects whose names are data.
    std::vector<std::pair<std::string, const Json*>> entries();

    /// Takes over a failure found elsewhere about this object.
    void fail(base::Error error);
    void absorb(std::expected<void, base::Error> result);
    void absorb(std::vector<base::Error> problems);
    /// "network.listen" for the field `listen` of `network`.
    std::string field_path(std::string_view name) const;

    /// The first failure, else the first field that nobody read.
    std::expected<void, base::Error> finish();
    /// All failures, and every field that nobody read.
    std::vector<base::Error> finish_all();

private:
    const Json* find(const char* name);
    const std::string* find_text(const char* name);
    void wrong_type(const char* name, const Json& value, std::string_view expected);
    std::optional<std::uint64_t> unsigned_number(const char* name, std::uint64_t maximum);

    const Json* object_ = nullptr;
    std::string path_;
    std::vector<std::string> known_;
    std::vector<base::Error> failures_;
};

template <class T, class Parse>
void JsonObject::read_as(const char* name, T& out, Parse parse) {
    const std::string* text = find_text(name);
    if (text == nullptr) return;
    auto value = parse(std::string_view(*text));
    if (value) {
        out = *std::move(value);
    } else {
        value.error().where = field_path(name);
        fail(std::move(value).error());
    }
}

}  // namespace meshchain::host
