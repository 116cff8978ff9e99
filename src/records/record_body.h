#pragma once
// What the store asks of the body of a record of our kinds: whether it is in the form that
// docs/formats/record.md gives it, and in which share of what its origin may have it counts.
//
// Errors: none. What a body means is for who shows it.
// Format: docs/formats/record.md

#include "records/record_index.h"

namespace meshchain::records {

/// Tombstones have nothing to be judged, and bodies of other kinds are not ours to judge. Verifies
/// no signature.
bool is_well_formed(const wire::Record& record);

/// Of a record that is well formed.
Share share_of(const wire::Record& record);

}  // namespace meshchain::records
