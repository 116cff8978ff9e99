#pragma once
// An alarm (row G4), as the body of a record of kind alert; and what a person says who has seen it,
// as the body of an acknowledgement, whose key is the alert's name.
//
// Errors: of parse: malformed, wrong_version.
// Format: docs/formats/record.md

#include <optional>
#include <string>
#include <string_view>

#include "wire/record.h"

namespace meshchain::records {

enum class AlertPriority : std::uint8_t { low = 0, normal = 1, high = 2, critical = 3 };
std::string_view name(AlertPriority priority);
/// Nothing for a text that is none of them.
std::optional<AlertPriority> alert_priority(std::string_view text);

struct Alert {
    static constexpr std::size_t text_bytes_max = 512;

    AlertPriority priority = AlertPriority::normal;
    std::string text;     ///< displayable UTF-8 (base/utf8.h), not empty
    std::string payload;  ///< UTF-8 for programs, JSON by custom; may be empty
    friend bool operator==(const Alert&, const Alert&) = default;
};
/// Asserts that the text is as said.
base::Buffer encode(const Alert& alert);
std::expected<Alert, base::Error> parse_alert(base::Bytes body);

struct Acknowledgement {
    static constexpr std::size_t by_bytes_max = 64;
    static constexpr std::size_t note_bytes_max = 160;

    std::string by;    ///< who has seen it; displayable
    std::string note;  ///< displayable; may be empty
    friend bool operator==(const Acknowledgement&, const Acknowledgement&) = default;
};
base::Buffer encode(const Acknowledgement& acknowledgement);
std::expected<Acknowledgement, base::Error> parse_acknowledgement(base::Bytes body);

}  // namespace meshchain::records
