#include "wallet/payment_uri.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/utf8.h"
#include "wallet/address.h"

namespace meshchain::wallet {
namespace {

constexpr std::string_view scheme = "meshchain:";
constexpr std::string_view must_be_understood = "req-";

std::unexpected<base::Error> refused(base::Errc code, std::string what, std::string advice) {
    return base::failure(code, std::move(what), "payment request", std::move(advice));
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// What RFC 3986 lets stand in a query without an escape, but for what parts its fields.
bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~").contains(c);
}

std::string escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (is_plain(c)) {
            out += c;
        } else {
            const auto byte = static_cast<std::byte>(c);
            out += "%" + base::to_hex({&byte, 1});
        }
    }
    return out;
}

std::expected<std::string, base::Error> unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const auto byte = base::from_hex(text.substr(i + 1, 2));
        if (!byte || byte->size() != 1) {
            return refused(base::Errc::malformed, "a broken escape in it", "copy it again");
        }
        out += base::as_text(*byte);
        i += 2;
    }
    return out;
}

std::expected<void, base::Error> read_amount(std::string_view value, PaymentRequest& request) {
    wire::Amount amount;
    const char* const end = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), end, amount.units);
    if (parsed.ec != std::errc{} || parsed.ptr != end || amount.units == 0 ||
        amount.units > wire::Amount::units_max) {
        return refused(base::Errc::malformed, "its amount is no whole number from 1 up",
                       "ask for the request again");
    }
    request.amount = amount;
    return {};
}

std::expected<void, base::Error> read_note(std::string_view value, PaymentRequest& request) {
    MESH_TRY(request.note, unescape(value));
    if (request.note.size() <= PaymentRequest::note_bytes_max &&
        base::is_displayable(request.note)) {
        return {};
    }
    return refused(base::Errc::malformed, "its note is too long or not for showing",
                   "ask for the request again");
}

std::expected<void, base::Error> read_chain(std::string_view value, PaymentRequest& request) {
    const auto bytes = base::from_hex(value);
    PaymentRequest::ChainTag tag{};
    if (!bytes || bytes->size() != tag.size()) {
        return refused(base::Errc::malformed, "its chain is not 16 hexadecimal digits",
                       "ask for the request again");
    }
    std::ranges::copy(*bytes, tag.begin());
    request.chain = tag;
    return {};
}

std::expected<void, base::Error> read_field(std::string_view field, PaymentRequest& request,
                                            std::set<std::string_view>& seen) {
    const std::size_t equals = std::min(field.find('='), field.size());
    const std::string_view name = field.substr(0, equals);
    const std::string_view value = field.substr(std::min(equals + 1, field.size()));
    if (!seen.insert(name).second) {
        return refused(base::Errc::malformed, "a part of it is given twice",
                       "ask for the request again");
    }
    if (name == "amount") return read_amount(value, request);
    if (name == "note") return read_note(value, request);
    if (name == "chain") return read_chain(value, request);
    if (!name.starts_with(must_be_understood)) return {};
    return refused(base::Errc::unsupported, "it demands something this program does not know",
                   "use a newer program");
}

}  // namespace

bool is_payment_uri(std::string_view text) {
    return text.size() >= scheme.size() &&
           std::ranges::equal(text.substr(0, scheme.size()), scheme, {}, lower);
}

std::expected<std::string, base::Error> encode_uri(const PaymentRequest& request) {
    if (request.note.size() > PaymentRequest::note_bytes_max) {
        return refused(base::Errc::too_large,
                       "a note of " + std::to_string(request.note.size()) + " bytes",
                       "use at most " + std::to_string(PaymentRequest::note_bytes_max));
    }
    if (!base::is_displayable(request.note)) {
        return refused(base::Errc::invalid_argument, "control characters in the note",
                       "write it in one line of UTF-8");
    }
    std::string text = std::string(scheme) + encode_address(request.payee);
    char separator = '?';
    const auto add = [&](std::string_view name, const std::string& value) {
        text += std::exchange(separator, '&') + std::string(name) + "=" + value;
    };
    if (request.amount) {
        if (request.amount->units == 0 || request.amount->units > wire::Amount::units_max) {
            return refused(base::Errc::invalid_argument,
                           "an amount of " + std::to_string(request.amount->units),
                           "allowed: 1 to " + std::to_string(wire::Amount::units_max));
        }
        add("amount", std::to_string(request.amount->units));
    }
    if (!request.note.empty()) add("note", escape(request.note));
    if (request.chain) add("chain", base::to_hex(*request.chain));
    return text;
}

std::expected<PaymentRequest, base::Error> parse_uri(std::string_view text) {
    if (text.size() > PaymentRequest::text_bytes_max) {
        return refused(base::Errc::too_large, std::to_string(text.size()) + " bytes",
                       "ask for the request again");
    }
    if (!is_payment_uri(text)) {
        return refused(base::Errc::malformed, "it does not begin with 'meshchain:'",
                       "copy all of it");
    }
    const std::string_view rest = text.substr(scheme.size());
    const std::size_t mark = std::min(rest.find('?'), rest.size());
    PaymentRequest request;
    MESH_TRY(request.payee, parse_address(rest.substr(0, mark)));
    std::set<std::string_view> seen;
    for (std::string_view fields = rest.substr(std::min(mark + 1, rest.size())); !fields.empty();) {
        const std::size_t end = std::min(fields.find('&'), fields.size());
        MESH_CHECK(read_field(fields.substr(0, end), request, seen));
        fields = fields.substr(std::min(end + 1, fields.size()));
    }
    return request;
}

}  // namespace meshchain::wallet
