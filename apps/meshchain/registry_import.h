#pragma once
// Many entries for a node that takes so many a minute: one JSON object a line, as POST /v1/registry
// takes them. Whoever begins again goes on where he was, for what is in already is left alone.
//
// Time:   waits by `sleep` while the node is full, at most `patience` without an entry going in.
// Errors: of a line that cannot be read or is refused, with its number; what stands before it is
//         in. Those of `post`.

#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "host/json.h"

namespace meshchain::app {

struct ImportCount {
    std::size_t entered = 0;    ///< new, or changed
    std::size_t unchanged = 0;  ///< in already
    std::size_t total() const { return entered + unchanged; }
};

struct ImportDoors {
    /// To /v1/registry.
    std::function<std::expected<host::Json, base::Error>(const host::Json&)> post;
    std::function<void(base::Duration)> sleep;
    /// Is told now and then how far it is, and whether the node makes it wait.
    std::function<void(const ImportCount&, bool waits)> tell;
};

/// How long the node, once full, is left alone; it makes room for some twenty entries meanwhile.
inline constexpr base::Duration import_pause = std::chrono::milliseconds(200);
inline constexpr base::Duration import_patience = std::chrono::minutes(1);

/// `name` is the file's, for errors.
std::expected<ImportCount, base::Error> import_lines(std::string_view lines,
                                                     const std::string& name,
                                                     const ImportDoors& doors);

}  // namespace meshchain::app
