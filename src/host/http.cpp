#include "host/http.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <charconv>
#include <optional>

#include "host/json_document.h"

namespace meshchain::host {
namespace {

using base::Errc;

unsigned status_of(Errc code) {
    switch (code) {
        case Errc::malformed:
        case Errc::wrong_version:
        case Errc::wrong_chain:
        case Errc::bad_signature:
        case Errc::invalid_argument: return 400;
        case Errc::unauthorized: return 403;
        case Errc::not_found: return 404;
        case Errc::timeout: return 504;
        case Errc::exists:
        case Errc::conflict:
        case Errc::stale:
        case Errc::future:
        case Errc::full: return 409;
        case Errc::too_large: return 413;
        case Errc::unsupported: return 501;
        case Errc::closed:
        case Errc::locked:
        case Errc::unavailable: return 503;
        case Errc::io:
        case Errc::corrupt: return 500;
    }
    return 500;
}

std::optional<Errc> code_of(std::string_view text) {
    for (unsigned number = 0; number <= unsigned(Errc::unavailable); ++number) {
        if (base::name(static_cast<Errc>(number)) == text) return static_cast<Errc>(number);
    }
    return std::nullopt;
}

/// Percent-decoding; in queries `+` stands for a space. Nothing for a broken escape.
std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += plus_is_space && text[i] == '+' ? ' ' : text[i];
            continue;
        }
        unsigned value = 0;
        const std::string_view digits = text.substr(i + 1, 2);
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        if (error != std::errc{} || digits.size() != 2 || end != digits.data() + 2) return {};
        out += static_cast<char>(value);
        i += 2;
    }
    return out;
}

std::string string_or(const Json& object, const char* name, std::string fallback) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>()
                                                       : std::move(fallback);
}

}  // namespace

HttpResponse json_response(const Json& body, unsigned status) { return {status, to_line(body)}; }

Json to_json(const base::Error& error) {
    return {{"code", std::string(base::name(error.code))},
            {"what", error.what},
            {"where", error.where},
            {"advice", error.advice}};
}

HttpResponse error_response(const base::Error& error, unsigned status) {
    return json_response({{"error", to_json(error)}}, status);
}
HttpResponse error_response(const base::Error& error) {
    return error_response(error, status_of(error.code));
}

base::Error parse_error_response(const HttpResponse& response) {
    base::Error strange{Errc::unavailable,
                        "answered with HTTP status " + std::to_string(response.status),
                        "node's API", "look at the node's log"};
    const auto json = parse_json(response.body, "response");
    if (!json || !json->is_object() || !json->contains("error")) return strange;
    const Json& error = (*json)["error"];
    if (!error.is_object()) return strange;
    const auto code = code_of(string_or(error, "code", ""));
    if (!code) return strange;
    return {*code, string_or(error, "what", ""), string_or(error, "where", ""),
            string_or(error, "advice", "")};
}

/// "/a/b", maybe with a slash at the end.
static bool is_plain_path(std::string_view path) {
    if (!path.starts_with('/')) return false;
    for (const char c : path) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\') return false;
    }
    while (path.size() > 1) {
        path.remove_prefix(1);
        const std::string_view segment = path.substr(0, path.find('/'));
        if (segment.empty() || segment == "." || segment == "..") return false;
        path.remove_prefix(segment.size());
    }
    return true;
}

static bool has_encoded_slash(std::string_view text) {
    return text.find("%2f") != text.npos || text.find("%2F") != text.npos;
}

std::expected<HttpTarget, base::Error> parse_target(std::string_view target) {
    const auto malformed = [] {
        return base::failure(Errc::malformed, "the request's target cannot be read", "request",
                             "write it like /v1/blocks?from=3");
    };
    const std::size_t mark = std::min(target.find('?'), target.size());
    const auto path = decode(target.substr(0, mark), false);
    if (!path || !is_plain_path(*path)) return malformed();
    if (has_encoded_slash(target.substr(0, mark)) || target.contains('#')) return malformed();
    HttpTarget result{*path, {}};
    std::string_view rest = target.substr(std::min(mark + 1, target.size()));
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('&'), rest.size());
        const std::string_view pair = rest.substr(0, end);
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const auto name = decode(pair.substr(0, equals), true);
        const auto value = decode(pair.substr(std::min(equals + 1, pair.size())), true);
        if (!name || !value || !result.query.emplace(*name, *value).second) return malformed();
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return result;
}

bool matches(std::string_view pattern, std::string_view path,
             std::vector<std::string>& parameters) {
    parameters.clear();
    while (!pattern.empty() && !path.empty()) {
        const std::size_t pattern_end = std::min(pattern.find('/', 1), pattern.size());
        const std::size_t path_end = std::min(path.find('/', 1), path.size());
        const std::string_view expected = pattern.substr(0, pattern_end);
        const std::string_view found = path.substr(0, path_end);
        if (expected.starts_with("/{") && found.size() > 1) {
            parameters.emplace_back(found.substr(1));
        } else if (expected != found) {
            return false;
        }
        pattern.remove_prefix(pattern_end);
        path.remove_prefix(path_end);
    }
    return pattern.empty() && path.empty();
}

std::optional<std::string_view> host_name(std::string_view host) {
    const std::size_t colon = host.rfind(':');
    if (colon == std::string_view::npos || host.ends_with(']')) return host;
    const std::string_view port = host.substr(colon + 1);
    if (port.empty() || port.find_first_not_of("0123456789") != std::string_view::npos) return {};
    return host.substr(0, colon);
}

bool is_loopback_host(std::string_view host) {
    const auto name = host_name(host);
    if (!name) return false;
    // Names are case-insensitive (RFC 9110, 4.2.3).
    return *name == "127.0.0.1" || *name == "[::1]" || boost::beast::iequals(*name, "localhost");
}

static std::string_view reason_of(unsigned status) {
    switch (status) {
        case 200: return "OK";
        case 201: return "Created";
        case 202: return "Accepted";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 409: return "Conflict";
        case 413: return "Content Too Large";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        default: return "Answer";
    }
}

void write_head(std::string& out, const HttpResponse& response, bool keep_alive) {
    out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
    out.append(reason_of(response.status)).append("\r\nContent-Type: ");
    out.append(response.content_type);
    out.append("\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
    for (const auto& [name, value] : response.fields) {
        out.append(name).append(": ").append(value).append("\r\n");
    }
    if (response.source == nullptr) {
        out.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
    }
    out.append(keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
}

}  // namespace meshchain::host
