#include "host/api_request.h"

#include <algorithm>
#include <charconv>

namespace meshchain::host {

using base::Errc;
using base::Error;

std::expected<std::uint64_t, Error> parse_number(std::string_view text, std::string_view field,
                                                 std::uint64_t maximum) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    if (parsed.ec == std::errc{} && parsed.ptr == end && value <= maximum) return value;
    return base::failure(Errc::invalid_argument,
                         "'" + std::string(text.substr(0, 60)) + "' is not allowed",
                         std::string(field), "allowed: 0 to " + std::to_string(maximum));
}

std::expected<std::uint64_t, Error> query_number(const HttpRequest& request, const char* name,
                                                 std::uint64_t fallback, std::uint64_t maximum) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? fallback : parse_number(found->second, name, maximum);
}

std::expected<void, Error> check_query(const HttpRequest& request,
                                       std::initializer_list<std::string_view> known) {
    for (const auto& [name, value] : request.query) {
        if (std::ranges::find(known, name) != known.end()) continue;
        return base::failure(Errc::invalid_argument, "unknown", "query field " + name.substr(0, 60),
                             "leave it out");
    }
    return {};
}

}  // namespace meshchain::host
