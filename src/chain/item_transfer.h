#pragma once
// One bulk answer on its way: a signed list of items, then their bytes in unsigned chunks, in any
// order (docs/decisions/0053-signed-list-unsigned-chunks.md).
//
// Limits: as many items as were asked for; `early_max` chunks that overtake their list.
// Errors: a list that breaks the limits is its signer's fault. A chunk that fits nothing is
// nobody's. Format: docs/formats/sync.md

#include <optional>
#include <vector>

#include "wire/sync.h"

namespace meshchain::chain {

class ItemTransfer {
public:
    static constexpr std::size_t early_max = 64;

    ItemTransfer(std::uint64_t nonce, std::size_t items_max)
        : nonce_(nonce), items_max_(items_max) {}

    std::uint64_t nonce() const { return nonce_; }
    bool has_list() const { return has_list_; }
    std::size_t size() const { return items_.size(); }
    /// Sum over the listed items.
    std::size_t bytes() const;
    /// Whether anything of it has come.
    bool has_begun() const { return has_begun_; }

    /// False: more items than were asked for, or another list than before.
    bool handle_list(const wire::ItemsResponse& list);
    /// Whether the chunk brought something.
    bool handle_chunk(const wire::SyncChunk& chunk);

    bool is_whole(std::size_t item) const { return items_[item].whole; }
    bool is_complete() const;
    /// The bytes of a whole item, once.
    base::Buffer take(std::size_t item);

private:
    struct Item {
        wire::ItemsResponse::Item listed;
        std::vector<base::Buffer> chunks;
        std::size_t missing = 0;
        base::Buffer bytes;
        bool whole = false;
    };

    bool place(const wire::SyncChunk& chunk);
    static bool join(Item& item);

    std::uint64_t nonce_;
    std::size_t items_max_;
    bool has_list_ = false;
    bool has_begun_ = false;
    std::vector<Item> items_;
    std::vector<wire::SyncChunk> early_;
};

}  // namespace meshchain::chain
