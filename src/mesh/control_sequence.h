#pragma once
// The numbers of our own control messages: an epoch, fixed for a run, above a counter. The epoch is
// greater than that of every earlier run and not behind the clock (PROTOCOL.md P1.3), and it is on
// disk before it is used, so that no number is ever signed twice.

#include <cstdint>
#include <expected>
#include <optional>

#include "base/time.h"
#include "kv/store.h"

namespace meshchain::mesh {

class ControlSequence {
public:
    /// Takes the next epoch and stores it in `table`.
    /// Errors: those of the store; corrupt (the stored epoch is none); full (no epoch is left).
    static std::expected<ControlSequence, base::Error> open(kv::Store& store, kv::Table table,
                                                            base::WallTime now);

    std::uint32_t epoch() const { return epoch_; }
    /// The counter under `epoch()`: 1, 2, … Nothing when 2^32 - 1 were used: restart to go on.
    std::optional<std::uint32_t> next();

private:
    explicit ControlSequence(std::uint32_t epoch) : epoch_(epoch) {}

    std::uint32_t epoch_;
    std::uint32_t counter_ = 0;
};

}  // namespace meshchain::mesh
