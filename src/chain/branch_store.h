#pragma once
// Blocks above FINAL beside the applied chain that votes name. What proves a justified checkpoint
// outlives a restart, and proves nothing without the blocks that its votes are for; nobody else may
// have them (PROTOCOL.md P3, docs/decisions/0135-branches-that-prove.md).
//
// Ownership: the kv store outlives this; nothing else writes the table.
// Limits:    `unproven_max` blocks that were never executed here; beyond, the highest slots give
//            way, as what is lower is needed earlier; those of before a restart aside. Those that
//            were are as many as were taken back since FINAL.
// Errors:    those of kv, with nothing changed.
// Format:    docs/formats/chain-store.md

#include <expected>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "kv/store.h"
#include "wire/block.h"

namespace meshchain::chain {

class BranchStore {
public:
    static constexpr std::size_t unproven_max = 128;

    explicit BranchStore(kv::Store& store) : store_(&store) {}

    /// All of them, the lowest slot first; call it before anything else. Rows that do not parse
    /// are left out, and are gone with the next `prune`. None of them counts as executed, nor
    /// towards the limit.
    std::expected<std::vector<std::pair<wire::Hash, wire::Block>>, base::Error> load();
    /// Nothing where it is not kept or does not parse.
    std::expected<std::optional<wire::Block>, base::Error> block(const wire::Hash& hash) const;
    /// Durable on return. `executed`: its transactions are those of its header for certain, so it
    /// takes the place of what came from others under this name.
    std::expected<void, base::Error> keep(const wire::Hash& hash, const wire::Block& block,
                                          bool executed);
    /// Its transactions were not those of its header. Needs no room.
    std::expected<void, base::Error> erase(const wire::Hash& hash);
    /// Forgets those of `slot` and before, which FINAL has decided. Needs no room.
    std::expected<void, base::Error> prune(wire::Slot slot);
    bool contains(const wire::Hash& hash) const { return kept_.contains(hash); }
    /// Whether `keep` would have something to do, room aside.
    bool lacks(const wire::Hash& hash, bool executed) const {
        const auto found = kept_.find(hash);
        return found == kept_.end() || (executed && !found->second.executed);
    }
    /// Whether one of them was built on this block.
    bool has_child_of(const wire::Hash& hash) const { return parents_.contains(hash); }

private:
    struct Place {
        wire::Slot slot;
        wire::Hash parent;
        bool executed = false;
        bool loaded = false;  ///< from before the start, when it may have been executed
    };
    using Places = std::map<wire::Hash, Place>;

    std::optional<wire::Hash> victim(wire::Slot of) const;
    void forget(const wire::Hash& hash);
    void note(const wire::Hash& hash, const Place& place);

    kv::Store* store_;
    Places kept_;
    std::multiset<wire::Hash> parents_;
};

}  // namespace meshchain::chain
