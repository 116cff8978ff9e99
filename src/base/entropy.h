#pragma once
// Door to the outside: unpredictable bytes for keys and nonces.

#include "base/bytes.h"

namespace meshchain::base {

class Entropy {
public:
    virtual ~Entropy() = default;
    /// Fills `out` with unpredictable bytes. Cannot fail: a source that can must wait or abort.
    virtual void fill(MutableBytes out) = 0;
};

}  // namespace meshchain::base
