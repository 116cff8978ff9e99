#pragma once
// Blocks above FINAL beside the applied chain that votes name. What proves a justified checkpoint
// outlives a restart, and proves nothing without the blocks that its votes are for; nobody else may
// have them (PROTOCOL.md P3, docs/decisions/0135-branches-that-prove.md).
//
// Ownership: the kv store outlives this; nothing else writes the table.
// Limits:    `blocks_max`; beyond, the highest slots give way, as what is lower is needed earlier.
// Errors:    those of kv, with nothing changed.
// Format:    docs/formats/chain-store.md

#include <expected>
#include <map>
#include <utility>
#include <vector>

#include "kv/store.h"
#include "wire/block.h"

namespace meshchain::chain {

class BranchStore {
public:
    static constexpr std::size_t blocks_max = 128;

    explicit BranchStore(kv::Store& store) : store_(&store) {}

    /// All of them, the lowest slot first; call it before anything else. Rows that do not parse
    /// are left out, and are gone with the next `prune`.
    std::expected<std::vector<std::pair<wire::Hash, wire::Block>>, base::Error> load();
    /// Durable on return.
    std::expected<void, base::Error> keep(const wire::Hash& hash, const wire::Block& block);
    /// Forgets those of `slot` and before, which FINAL has decided. Needs no room.
    std::expected<void, base::Error> prune(wire::Slot slot);
    bool contains(const wire::Hash& hash) const { return kept_.contains(hash); }
    /// Whether one of them was built on this block.
    bool has_child_of(const wire::Hash& hash) const;

private:
    struct Place {
        wire::Slot slot;
        wire::Hash parent;
    };

    kv::Store* store_;
    std::map<wire::Hash, Place> kept_;
};

}  // namespace meshchain::chain
