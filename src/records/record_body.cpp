#include "records/record_body.h"

#include "base/utf8.h"
#include "records/alert.h"
#include "records/ownership.h"
#include "records/registry_entry.h"

namespace meshchain::records {

using wire::RecordKind;

bool is_well_formed(const wire::Record& record) {
    if (record.tombstone) return true;
    const std::string_view key = base::as_text(record.key);
    switch (record.kind) {
        case RecordKind::state: return base::is_displayable(key) && base::is_utf8(record.body);
        case RecordKind::registry:
            return !key.empty() && base::is_displayable(key) && parse_registry_entry(record.body);
        case RecordKind::alert: return parse_alert(record.body).has_value();
        case RecordKind::acknowledgement:
            return acknowledged_alert(record.key) && parse_acknowledgement(record.body);
        case RecordKind::ownership:
            return key.size() == OwnershipLink::Id::size && parse_ownership_link(record.body);
    }
    return true;
}

Share share_of(const wire::Record& record) {
    if (record.kind != RecordKind::alert) return Share::common;
    if (record.tombstone) return Share::withdrawn;
    const auto alert = parse_alert(record.body);
    switch (alert ? alert->priority : AlertPriority::low) {
        case AlertPriority::low: return Share::low;
        case AlertPriority::normal: return Share::normal;
        case AlertPriority::high: return Share::high;
        case AlertPriority::critical: return Share::critical;
    }
    return Share::low;
}

}  // namespace meshchain::records
