#pragma once
// What every parser promises: whatever it accepts, encoding gives back, byte for byte.

#include <span>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/cursor.h"

namespace meshchain::wire::test {

template <class Parse>
void parse_then_encode(base::Bytes bytes, Parse&& parse) {
    const auto parsed = parse(bytes);
    if (parsed) MESH_ASSERT(base::equal(encode(*parsed), bytes));
}

}  // namespace meshchain::wire::test
