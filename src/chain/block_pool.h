#pragma once
// Whole blocks that are not on the applied chain: side branches, and blocks whose parent is still
// on its way. The store holds applied blocks only, so a reorganisation leaves no orphan data there.
//
// Limits: `blocks_max` blocks after `trim`. Those that connect to nothing we know give way first,
//         and the highest slots before lower ones: what is lower is needed earlier, and all can be
//         fetched again. Every block in here carries the signature of its slot's leader.

#include <map>
#include <optional>
#include <vector>

#include "consensus/block_tree.h"

namespace meshchain::chain {

class BlockPool {
public:
    static constexpr std::size_t blocks_max = 512;

    struct Entry {
        wire::Block block;
        consensus::BlockRef ref;
        /// Put together from our mempool: if it fails, the fault may lie in a colliding short id.
        bool reconstructed = false;
        /// Who is to blame if it turns out not to execute; nobody for our own and reverted ones.
        std::optional<crypto::PublicKey> from;
        bool announce = false;  ///< to be relayed once it has proven right
        /// It was announced whole, also on the air: there others know that form.
        bool heard_whole = false;
        bool connected = false;  ///< its parent is known to consensus
        /// From the branches of our own store: whoever gave it then, it may never have executed.
        bool recalled = false;
    };

    void add(const wire::Hash& hash, Entry entry);
    bool contains(const wire::Hash& hash) const { return entries_.contains(hash); }
    /// Those whose hash begins so.
    std::vector<wire::Hash> named(wire::BlockName name) const;
    /// Borrowed until the next change.
    const Entry* find(const wire::Hash& hash) const;
    std::optional<Entry> take(const wire::Hash& hash);
    void mark_connected(const wire::Hash& hash);
    /// Brings it back to the limit. Not before what came last was tried.
    void trim();
    /// Names of the blocks whose parent is `parent`.
    std::vector<wire::Hash> children(const wire::Hash& parent) const;
    /// Drops everything of `slot` and before, which FINAL has decided.
    void prune(wire::Slot slot);
    std::size_t size() const { return entries_.size(); }

private:
    std::map<wire::Hash, Entry> entries_;
};

}  // namespace meshchain::chain
