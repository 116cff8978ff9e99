#include "chain/block_pool.h"

#include <algorithm>

namespace meshchain::chain {

void BlockPool::add(const wire::Hash& hash, Entry entry) {
    entries_.insert_or_assign(hash, std::move(entry));
}

void BlockPool::mark_connected(const wire::Hash& hash) {
    const auto found = entries_.find(hash);
    if (found != entries_.end()) found->second.connected = true;
}

void BlockPool::trim() {
    const auto worth = [](const auto& item) {
        return std::pair(!item.second.connected, item.second.block.header.slot);
    };
    while (entries_.size() > blocks_max) {
        entries_.erase(std::ranges::max_element(entries_, {}, worth));
    }
}

std::vector<wire::Hash> BlockPool::named(wire::BlockName name) const {
    std::vector<wire::Hash> found;
    for (const auto& [hash, entry] : entries_) {
        if (wire::name_of(hash) == name) found.push_back(hash);
    }
    return found;
}

const BlockPool::Entry* BlockPool::find(const wire::Hash& hash) const {
    const auto found = entries_.find(hash);
    return found == entries_.end() ? nullptr : &found->second;
}

std::optional<BlockPool::Entry> BlockPool::take(const wire::Hash& hash) {
    auto node = entries_.extract(hash);
    if (node.empty()) return std::nullopt;
    return std::move(node.mapped());
}

std::vector<wire::Hash> BlockPool::children(const wire::Hash& parent) const {
    std::vector<wire::Hash> found;
    for (const auto& [hash, entry] : entries_) {
        if (entry.block.header.parent == parent) found.push_back(hash);
    }
    return found;
}

void BlockPool::prune(wire::Slot slot) {
    std::erase_if(entries_,
                  [&](const auto& item) { return item.second.block.header.slot <= slot; });
}

}  // namespace meshchain::chain
