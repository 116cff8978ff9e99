#pragma once
// An alarm (row G4), as the body of a record of kind alert; and what a person says who has seen it,
// as the body of an acknowledgement, whose key begins with the alert's name.
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

    /// Of one alert and one node, so many people are kept.
    static constexpr std::size_t people_max = 8;

    std::string by;    ///< who has seen it; displayable
    std::string note;  ///< displayable; may be empty
    friend bool operator==(const Acknowledgement&, const Acknowledgement&) = default;
};
base::Buffer encode(const Acknowledgement& acknowledgement);
std::expected<Acknowledgement, base::Error> parse_acknowledgement(base::Bytes body);

/// The key of the first person's acknowledgement at a node is the alert's name alone, as nodes of
/// earlier versions write and read it; that of each other has eight bytes of the hash of who it is
/// behind.
base::Buffer acknowledgement_key(const wire::RecordId& alert);
base::Buffer acknowledgement_key(const wire::RecordId& alert, std::string_view by);
/// Nothing for a key of neither form.
std::optional<wire::RecordId> acknowledged_alert(base::Bytes key);

}  // namespace meshchain::records
