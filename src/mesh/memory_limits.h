#pragma once
// How much memory a mesh can ever hold, table by table, whatever arrives: for `config show
// --limits`.

#include <vector>

#include "base/limit_line.h"
#include "mesh/options.h"

namespace meshchain::mesh {

/// `rules`: how many the node's rule table has.
std::vector<base::LimitLine> memory_limits(const Options& options, std::size_t rules);

}  // namespace meshchain::mesh
