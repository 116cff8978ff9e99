#pragma once
// Reading a request strictly: what is unknown or out of range is an error that names the field.
//
// For .cpp files of the API only: it includes host/json_document.h.

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "host/api_route.h"
#include "host/json_document.h"
#include "host/records_json.h"
#include "host/views_json.h"

namespace meshchain::host {

/// Errors: invalid_argument (no whole number up to `maximum`).
std::expected<std::uint64_t, base::Error> parse_number(std::string_view text,
                                                       std::string_view field,
                                                       std::uint64_t maximum);
/// A number of the query, or `fallback`. Unknown names in a query are for check_query.
std::expected<std::uint64_t, base::Error> query_number(const HttpRequest& request, const char* name,
                                                       std::uint64_t fallback,
                                                       std::uint64_t maximum);
/// Errors: invalid_argument (a name that is not among `known`).
std::expected<void, base::Error> check_query(const HttpRequest& request,
                                             std::initializer_list<std::string_view> known);

inline std::int64_t to_ms(base::Duration duration) {
    return std::chrono::duration_cast<base::Milliseconds>(duration).count();
}

inline double to_seconds(base::Duration duration) {
    return static_cast<double>(to_ms(duration)) / 1000;
}

/// {name: [each item as JSON]}
template <class Items>
Json list_json(const char* name, const Items& items) {
    Json all = Json::array();
    for (const auto& item : items) all.push_back(to_json(item));
    return {{name, std::move(all)}};
}

}  // namespace meshchain::host
