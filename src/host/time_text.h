#pragma once
// Civil time and spans as people read them.

#include <expected>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace meshchain::host {

/// "2026-11-21T02:00:00.000Z".
std::string to_iso(base::WallTime time);
/// Parses that, fraction optional. Errors: malformed.
std::expected<base::WallTime, base::Error> parse_iso(std::string_view text);

/// "3 d 4 h", "12 min 5 s", "850 ms": the two largest units that say something.
std::string span_text(base::Duration span);

}  // namespace meshchain::host
