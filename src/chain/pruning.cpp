// Forgetting blocks below a horizon. What a block needs to be shown, its transactions' inputs, lies
// in its undo record, so both go together (docs/decisions/0100-pruning-moves-the-base.md).

#include "chain/chain_store.h"
#include "chain/stored_values.h"

namespace meshchain::chain {

/// Adds to `batch` what forgets the block above `base`, and moves `base` there. Returns how many
/// rows that are.
std::expected<std::size_t, base::Error> ChainStore::forget_block(kv::Batch& batch,
                                                                 Tip& base) const {
    const wire::Height height{base.height.value + 1};
    MESH_TRY(const auto hash, hash_at(height));
    if (!hash) return damaged(tables::heights, height_key(height), "a height without a block");
    MESH_TRY(const auto stored, block(*hash));
    if (!stored) return damaged(tables::blocks, hash->bytes, "a height without its block");
    MESH_TRY(const auto transactions, expand(*stored));
    for (const wire::Transaction& transaction : transactions) {
        batch.erase(tables::transactions, wire::txid(chain_, transaction.body).hash.bytes);
    }
    batch.erase(tables::blocks, hash->bytes);
    batch.erase(tables::undo, hash->bytes);
    batch.erase(tables::heights, height_key(base.height));
    base = {*hash, height, stored->block.header.slot};
    return transactions.size() + 3;
}

std::expected<std::size_t, base::Error> ChainStore::prune(wire::Height height,
                                                          std::size_t operations_max) {
    MESH_ASSERT(height < tip_.height);
    if (height <= base_.height) return 0;
    kv::Batch batch;
    Tip base = base_;
    std::size_t rows = 0;
    while (base.height < height && rows < operations_max) {
        MESH_TRY(const std::size_t more, forget_block(batch, base));
        rows += more;
    }
    // A certificate proves nothing to anybody without the header of its block.
    const auto above = height_key({base.height.value + 1});
    MESH_CHECK(store_->scan({tables::certificates, {}, above, false, operations_max},
                            [&](base::Bytes key, base::Bytes) {
                                batch.erase(tables::certificates, key);
                                return true;
                            }));
    batch.put(tables::meta, meta_keys::base, encode_tip(base));
    batch.allow_reserve();
    MESH_CHECK(store_->commit(batch));
    const std::size_t gone = base.height.value - base_.height.value;
    base_ = base;
    return gone;
}

}  // namespace meshchain::chain
