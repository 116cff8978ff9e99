#include "chain/item_transfer.h"

#include <algorithm>

namespace meshchain::chain {

std::size_t ItemTransfer::bytes() const {
    std::size_t total = 0;
    for (const Item& item : items_) total += item.listed.bytes;
    return total;
}

bool ItemTransfer::handle_list(const wire::ItemsResponse& list) {
    if (list.items.size() > items_max_) return false;
    if (has_list_) {
        return std::ranges::equal(items_, list.items, {}, &Item::listed);
    }
    has_list_ = true;
    has_begun_ = true;
    for (const wire::ItemsResponse::Item& listed : list.items) {
        const std::size_t chunks = wire::chunks_of(listed.bytes);
        items_.push_back({listed, std::vector<base::Buffer>(chunks), chunks, {}, false});
    }
    for (const wire::SyncChunk& chunk : early_) place(chunk);
    early_.clear();
    return true;
}

bool ItemTransfer::handle_chunk(const wire::SyncChunk& chunk) {
    if (chunk.nonce != nonce_) return false;
    if (has_list_) return place(chunk);
    if (early_.size() >= early_max) return false;
    early_.push_back(chunk);
    has_begun_ = true;
    return true;
}

bool ItemTransfer::place(const wire::SyncChunk& chunk) {
    if (chunk.item >= items_.size()) return false;
    Item& item = items_[chunk.item];
    if (chunk.chunk >= item.chunks.size() || item.whole) return false;
    const std::size_t begin = chunk.chunk * wire::SyncChunk::bytes_max;
    const std::size_t expected =
        std::min(wire::SyncChunk::bytes_max, std::size_t{item.listed.bytes} - begin);
    if (chunk.bytes.size() != expected || !item.chunks[chunk.chunk].empty()) return false;
    item.chunks[chunk.chunk] = chunk.bytes;
    return --item.missing > 0 || join(item);
}

/// Where somebody slipped a false chunk in, all of the item has to come again.
bool ItemTransfer::join(Item& item) {
    base::Buffer bytes;
    bytes.reserve(item.listed.bytes);
    for (const base::Buffer& chunk : item.chunks) {
        bytes.insert(bytes.end(), chunk.begin(), chunk.end());
    }
    if (crypto::hash(bytes) != item.listed.hash) {
        std::ranges::for_each(item.chunks, &base::Buffer::clear);
        item.missing = item.chunks.size();
        return false;
    }
    item.bytes = std::move(bytes);
    item.chunks.clear();
    item.whole = true;
    return true;
}

bool ItemTransfer::is_complete() const {
    return has_list_ && std::ranges::all_of(items_, &Item::whole);
}

base::Buffer ItemTransfer::take(std::size_t item) { return std::move(items_[item].bytes); }

}  // namespace meshchain::chain
