#include "base/link.h"

#include <algorithm>
#include <charconv>

namespace meshchain::base {
namespace {

constexpr std::array<std::byte, 12> ipv4_prefix{
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},    std::byte{0},
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0xff}, std::byte{0xff}};

std::optional<unsigned> number(std::string_view text, unsigned maximum, int radix) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, radix);
    if (error != std::errc{} || end != text.data() + text.size() || value > maximum) return {};
    return value;
}

bool parse_ipv4(std::string_view text, std::array<std::byte, 16>& host) {
    std::ranges::copy(ipv4_prefix, host.begin());
    for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t dot = i < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos) return false;
        const auto value = number(text.substr(0, dot), 255, 10);
        if (!value) return false;
        host[12 + i] = static_cast<std::byte>(*value);
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    return true;
}

/// Groups of `text` written from the front of `groups`; nothing if it is not a group list.
std::optional<std::size_t> parse_groups(std::string_view text, std::array<unsigned, 8>& groups) {
    std::size_t count = 0;
    while (!text.empty()) {
        if (count == groups.size()) return {};
        const std::size_t colon = std::min(text.find(':'), text.size());
        const auto value = colon <= 4 ? number(text.substr(0, colon), 0xffff, 16) : std::nullopt;
        if (!value || colon + 1 == text.size()) return {};
        groups[count++] = *value;
        text.remove_prefix(std::min(colon + 1, text.size()));
    }
    return count;
}

bool parse_ipv6(std::string_view text, std::array<std::byte, 16>& host) {
    std::array<unsigned, 8> front{};
    std::array<unsigned, 8> back{};
    const std::size_t gap = text.find("::");
    const auto front_count = parse_groups(text.substr(0, std::min(gap, text.size())), front);
    const bool has_gap = gap != std::string_view::npos;
    const auto back_count =
        has_gap ? parse_groups(text.substr(gap + 2), back) : std::optional<std::size_t>{0};
    if (!front_count || !back_count) return false;
    const std::size_t total = *front_count + *back_count;
    if (has_gap ? total > 7 : total != 8) return false;
    std::copy_n(back.begin(), *back_count, front.end() - static_cast<std::ptrdiff_t>(*back_count));
    for (std::size_t i = 0; i < 8; ++i) {
        host[2 * i] = static_cast<std::byte>(front[i] >> 8);
        host[2 * i + 1] = static_cast<std::byte>(front[i] & 0xff);
    }
    return true;
}

std::string ipv6_text(const std::array<std::byte, 16>& host) {
    std::string text;
    for (std::size_t i = 0; i < 16; i += 2) {
        char group[5];
        const unsigned value =
            std::to_integer<unsigned>(host[i]) << 8 | std::to_integer<unsigned>(host[i + 1]);
        const auto [end, error] = std::to_chars(group, group + sizeof group, value, 16);
        text += (i == 0 ? "" : ":") + std::string(group, end);
    }
    return text;
}

}  // namespace

std::string to_string(const LinkAddress& address) {
    const std::string port = ":" + std::to_string(address.port);
    if (!std::ranges::equal(std::span(address.host).first<12>(), ipv4_prefix)) {
        return "[" + ipv6_text(address.host) + "]" + port;
    }
    std::string text;
    for (std::size_t i = 12; i < 16; ++i) {
        text += (i == 12 ? "" : ".") + std::to_string(std::to_integer<unsigned>(address.host[i]));
    }
    return text + port;
}

std::expected<LinkAddress, Error> parse_link_address(std::string_view text) {
    const auto malformed = [&] {
        return failure(Errc::malformed, "'" + std::string(text) + "' is no address with port",
                       "address", "write it like 192.0.2.7:4000 or [fe80::1]:4000");
    };
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return malformed();
    const auto port = number(text.substr(colon + 1), 65535, 10);
    std::string_view host = text.substr(0, colon);
    if (!port) return malformed();
    LinkAddress address{.host = {}, .port = static_cast<std::uint16_t>(*port)};
    if (host.starts_with('[') && host.ends_with(']')) {
        return parse_ipv6(host.substr(1, host.size() - 2), address.host)
                   ? std::expected<LinkAddress, Error>(address)
                   : malformed();
    }
    if (!parse_ipv4(host, address.host)) return malformed();
    return address;
}

}  // namespace meshchain::base
