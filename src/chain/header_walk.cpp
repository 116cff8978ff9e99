#include "chain/header_walk.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::chain {

HeaderWalk::HeaderWalk(Entry anchor, wire::Height final, HeaderHash header_hash,
                       AppliedAt applied_at)
    : final_(final),
      header_hash_(std::move(header_hash)),
      applied_at_(std::move(applied_at)),
      entries_{anchor} {
    MESH_ASSERT(entries_.front().header.height > final_);
    check_link();
}

std::uint16_t HeaderWalk::next_count() const {
    const std::uint32_t left = entries_.back().header.height.value - final_.value - 1;
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(left, wire::headers_max));
}

/// Whether the lowest header's parent is applied here, and if not, whether it still may be.
HeaderWalk::Step HeaderWalk::check_link() {
    const wire::BlockHeader& lowest = entries_.back().header;
    const wire::Height below{lowest.height.value - 1};
    const auto applied = applied_at_(below);
    is_done_ = applied == lowest.parent;
    is_contradiction_ = !is_done_ && below <= final_;
    return is_contradiction_ ? Step::contradiction : Step::progress;
}

HeaderWalk::Step HeaderWalk::take(const std::vector<wire::BlockHeader>& headers) {
    for (const wire::BlockHeader& header : headers) {
        if (is_done_) return Step::progress;
        const wire::BlockHeader& above = entries_.back().header;
        if (header_hash_(header) != above.parent) return Step::lie;
        // The hash is right, so more than 2/3 of the stake built on it: fields that cannot follow
        // each other are their fault, not that of the peer who shows it.
        if (header.height.value + 1 != above.height.value || header.slot >= above.slot) {
            is_contradiction_ = true;
            return Step::contradiction;
        }
        entries_.push_back({above.parent, header});
        if (check_link() == Step::contradiction) return Step::contradiction;
    }
    return Step::progress;
}

const HeaderWalk::Entry& HeaderWalk::at(wire::Height height) const {
    const std::uint32_t down = anchor().header.height.value - height.value;
    MESH_ASSERT(height <= anchor().header.height && down < entries_.size());
    return entries_[down];
}

}  // namespace meshchain::chain
