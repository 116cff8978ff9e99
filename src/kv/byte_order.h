#pragma once
// The order of keys for ordered containers; looks a span up without copying it.

#include "base/bytes.h"

namespace meshchain::kv {

struct ByteOrder {
    using is_transparent = void;
    bool operator()(base::Bytes a, base::Bytes b) const { return base::less(a, b); }
};

}  // namespace meshchain::kv
