#include "chain/branch_store.h"

#include <algorithm>

#include "chain/tables.h"

namespace meshchain::chain {

std::expected<std::vector<std::pair<wire::Hash, wire::Block>>, base::Error> BranchStore::load() {
    kept_.clear();
    std::vector<std::pair<wire::Hash, wire::Block>> blocks;
    MESH_CHECK(store_->scan({tables::branches}, [&](base::Bytes key, base::Bytes value) {
        wire::Hash hash;
        if (key.size() != hash.bytes.size()) return true;
        std::ranges::copy(key, hash.bytes.begin());
        auto block = wire::parse_block(value);
        kept_[hash] = block ? Place{block->header.slot, block->header.parent} : Place{};
        if (block) blocks.emplace_back(hash, *std::move(block));
        return true;
    }));
    std::ranges::stable_sort(blocks, {}, [](const auto& item) { return item.second.header.slot; });
    return blocks;
}

std::expected<void, base::Error> BranchStore::keep(const wire::Hash& hash,
                                                   const wire::Block& block) {
    if (contains(hash)) return {};
    kv::Batch batch;
    auto victim = kept_.end();
    if (kept_.size() >= blocks_max) {
        victim =
            std::ranges::max_element(kept_, {}, [](const auto& item) { return item.second.slot; });
        if (victim->second.slot <= block.header.slot) return {};
        batch.erase(tables::branches, victim->first.bytes);
    }
    batch.put(tables::branches, hash.bytes, wire::encode(block));
    MESH_CHECK(store_->commit(batch));
    if (victim != kept_.end()) kept_.erase(victim);
    kept_[hash] = {block.header.slot, block.header.parent};
    return {};
}

bool BranchStore::has_child_of(const wire::Hash& hash) const {
    return std::ranges::any_of(kept_, [&](const auto& item) { return item.second.parent == hash; });
}

std::expected<void, base::Error> BranchStore::prune(wire::Slot slot) {
    kv::Batch batch;
    for (const auto& [hash, place] : kept_) {
        if (place.slot <= slot) batch.erase(tables::branches, hash.bytes);
    }
    if (batch.empty()) return {};
    batch.allow_reserve();
    MESH_CHECK(store_->commit(batch));
    std::erase_if(kept_, [&](const auto& item) { return item.second.slot <= slot; });
    return {};
}

}  // namespace meshchain::chain
