#include "chain/held_blocks.h"

#include <algorithm>
#include <utility>

namespace meshchain::chain {

HeldBlock* HeldBlocks::hold(HeldBlock held) {
    const auto here = std::ranges::find_if(blocks_, [&](const HeldBlock& known) {
        return known.block.name == held.block.name && known.block.signature == held.block.signature;
    });
    if (here != blocks_.end()) return &*here;
    const auto of_proposer = std::ranges::count_if(blocks_, [&](const HeldBlock& known) {
        return known.block.proposer == held.block.proposer;
    });
    if (of_proposer == of_proposer_max || blocks_.size() == blocks_max) return nullptr;
    return &blocks_.emplace_back(std::move(held));
}

std::vector<HeldBlock*> HeldBlocks::named(wire::BlockName name) {
    std::vector<HeldBlock*> found;
    for (HeldBlock& held : blocks_) {
        if (held.block.name == name) found.push_back(&held);
    }
    return found;
}

std::vector<HeldBlock*> HeldBlocks::children_of(wire::BlockName parent) {
    std::vector<HeldBlock*> found;
    for (HeldBlock& held : blocks_) {
        if (held.block.parent == parent) found.push_back(&held);
    }
    return found;
}

std::deque<HeldBlock> HeldBlocks::take(base::Instant now) {
    std::erase_if(blocks_, [&](const HeldBlock& held) { return held.until <= now; });
    return std::exchange(blocks_, {});
}

}  // namespace meshchain::chain
