#include "chain/branch_store.h"

#include <algorithm>

#include "chain/tables.h"

namespace meshchain::chain {

std::expected<std::vector<std::pair<wire::Hash, wire::Block>>, base::Error> BranchStore::load() {
    kept_.clear();
    parents_.clear();
    std::vector<std::pair<wire::Hash, wire::Block>> blocks;
    MESH_CHECK(store_->scan({tables::branches}, [&](base::Bytes key, base::Bytes value) {
        wire::Hash hash;
        if (key.size() != hash.bytes.size()) return true;
        std::ranges::copy(key, hash.bytes.begin());
        auto block = wire::parse_block(value);
        Place place{.slot = {}, .parent = {}, .loaded = true};
        if (block) place.slot = block->header.slot;
        if (block) place.parent = block->header.parent;
        note(hash, place);
        if (block) blocks.emplace_back(hash, *std::move(block));
        return true;
    }));
    std::ranges::stable_sort(blocks, {}, [](const auto& item) { return item.second.header.slot; });
    return blocks;
}

std::expected<std::optional<wire::Block>, base::Error> BranchStore::block(
    const wire::Hash& hash) const {
    if (!contains(hash)) return std::nullopt;
    MESH_TRY(const auto value, store_->get(tables::branches, hash.bytes));
    if (!value) return std::nullopt;
    auto block = wire::parse_block(*value);
    if (!block) return std::nullopt;
    return *std::move(block);
}

/// Of those that were never executed, if there are too many: the highest. Zeros: the new one.
std::optional<wire::Hash> BranchStore::victim(wire::Slot of) const {
    std::size_t unproven = 0;
    auto highest = kept_.end();
    for (auto at = kept_.begin(); at != kept_.end(); ++at) {
        if (at->second.executed || at->second.loaded) continue;
        ++unproven;
        if (highest == kept_.end() || at->second.slot > highest->second.slot) highest = at;
    }
    if (unproven < unproven_max) return std::nullopt;
    return highest->second.slot > of ? highest->first : wire::Hash{};
}

std::expected<void, base::Error> BranchStore::keep(const wire::Hash& hash, const wire::Block& block,
                                                   bool executed) {
    if (!lacks(hash, executed)) return {};
    kv::Batch batch;
    // Its row among the blocks goes next: there may be no other copy.
    if (executed) batch.allow_reserve();
    const auto gone = executed ? std::nullopt : victim(block.header.slot);
    if (gone == wire::Hash{}) return {};
    if (gone) batch.erase(tables::branches, gone->bytes);
    batch.put(tables::branches, hash.bytes, wire::encode(block));
    MESH_CHECK(store_->commit(batch));
    if (gone) forget(*gone);
    forget(hash);
    note(hash, {block.header.slot, block.header.parent, executed});
    return {};
}

std::expected<void, base::Error> BranchStore::erase(const wire::Hash& hash) {
    if (!contains(hash)) return {};
    kv::Batch batch;
    batch.erase(tables::branches, hash.bytes);
    batch.allow_reserve();
    MESH_CHECK(store_->commit(batch));
    forget(hash);
    return {};
}

std::expected<void, base::Error> BranchStore::prune(wire::Slot slot) {
    while (true) {
        kv::Batch batch;
        std::vector<wire::Hash> gone;
        for (const auto& [hash, place] : kept_) {
            if (place.slot > slot) continue;
            batch.erase(tables::branches, hash.bytes);
            gone.push_back(hash);
            if (gone.size() == kv::batch_operations_max) break;
        }
        if (gone.empty()) return {};
        batch.allow_reserve();
        MESH_CHECK(store_->commit(batch));
        for (const wire::Hash& hash : gone) forget(hash);
    }
}

void BranchStore::forget(const wire::Hash& hash) {
    const auto found = kept_.find(hash);
    if (found == kept_.end()) return;
    const auto parent = parents_.find(found->second.parent);
    if (parent != parents_.end()) parents_.erase(parent);
    kept_.erase(found);
}

void BranchStore::note(const wire::Hash& hash, const Place& place) {
    kept_[hash] = place;
    parents_.insert(place.parent);
}

}  // namespace meshchain::chain
