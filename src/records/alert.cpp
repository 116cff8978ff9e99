#include "records/alert.h"

#include "base/assert.h"
#include "base/utf8.h"
#include "wire/fields.h"

namespace meshchain::records {
namespace {

constexpr std::uint8_t alert_version = 1;
constexpr std::size_t by_hash_bytes = 8;
constexpr std::string_view priority_names[] = {"low", "normal", "high", "critical"};

std::string read_text(base::Reader& in, std::size_t bytes, std::size_t bytes_max) {
    if (bytes > bytes_max) in.fail();
    std::string text(base::as_text(in.take(bytes)));
    if (!base::is_displayable(text)) in.fail();
    return text;
}

}  // namespace

std::string_view name(AlertPriority priority) {
    return priority_names[static_cast<std::size_t>(priority)];
}

std::optional<AlertPriority> alert_priority(std::string_view text) {
    for (std::uint8_t i = 0; i < std::size(priority_names); ++i) {
        if (priority_names[i] == text) return static_cast<AlertPriority>(i);
    }
    return std::nullopt;
}

base::Buffer encode(const Alert& alert) {
    MESH_ASSERT(!alert.text.empty() && alert.text.size() <= Alert::text_bytes_max);
    base::Buffer out;
    base::Writer(out)
        .u8(alert_version)
        .u8(static_cast<std::uint8_t>(alert.priority))
        .u16(static_cast<std::uint16_t>(alert.text.size()))
        .text(alert.text)
        .text(alert.payload);
    return out;
}

std::expected<Alert, base::Error> parse_alert(base::Bytes body) {
    MESH_CHECK(wire::check_version(body, alert_version, "alert"));
    base::Reader in(body);
    in.u8();
    Alert alert;
    const std::uint8_t priority = in.u8();
    if (priority >= std::size(priority_names)) in.fail();
    if (in.ok()) alert.priority = static_cast<AlertPriority>(priority);
    alert.text = read_text(in, in.u16(), Alert::text_bytes_max);
    if (alert.text.empty()) in.fail();
    const base::Bytes payload = in.rest();
    if (!base::is_utf8(payload)) in.fail();
    alert.payload = std::string(base::as_text(payload));
    MESH_CHECK(in.finish("alert"));
    return alert;
}

base::Buffer encode(const Acknowledgement& acknowledgement) {
    MESH_ASSERT(acknowledgement.by.size() <= Acknowledgement::by_bytes_max);
    MESH_ASSERT(acknowledgement.note.size() <= Acknowledgement::note_bytes_max);
    base::Buffer out;
    base::Writer(out)
        .u8(alert_version)
        .u8(static_cast<std::uint8_t>(acknowledgement.by.size()))
        .text(acknowledgement.by)
        .u8(static_cast<std::uint8_t>(acknowledgement.note.size()))
        .text(acknowledgement.note);
    return out;
}

std::expected<Acknowledgement, base::Error> parse_acknowledgement(base::Bytes body) {
    MESH_CHECK(wire::check_version(body, alert_version, "acknowledgement"));
    base::Reader in(body);
    in.u8();
    Acknowledgement acknowledgement;
    acknowledgement.by = read_text(in, in.u8(), Acknowledgement::by_bytes_max);
    acknowledgement.note = read_text(in, in.u8(), Acknowledgement::note_bytes_max);
    MESH_CHECK(in.finish("acknowledgement"));
    return acknowledgement;
}

base::Buffer acknowledgement_key(const wire::RecordId& alert) {
    return base::to_buffer(alert.bytes);
}

base::Buffer acknowledgement_key(const wire::RecordId& alert, std::string_view by) {
    base::Buffer key = acknowledgement_key(alert);
    base::Writer(key).bytes(crypto::hash(base::as_bytes(by)).span().first(by_hash_bytes));
    return key;
}

std::optional<wire::RecordId> acknowledged_alert(base::Bytes key) {
    if (key.size() != wire::RecordId::size && key.size() != wire::RecordId::size + by_hash_bytes) {
        return std::nullopt;
    }
    base::Reader in(key);
    return wire::read_hash(in);
}

}  // namespace meshchain::records
