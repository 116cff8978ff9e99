#pragma once
// Short blocks that cannot be rebuilt yet: their parent is not here, or not executed (rows A5, J5;
// docs/decisions/0178-short-blocks.md).
//
// Time:   take() forgets those whose time is over.
// Limits: blocks_max, of each proposer whom they name of_proposer_max, as no signature was checked.
//         Where there is no room the newcomer is refused: whoever forges pushes out nobody's.

#include <deque>
#include <optional>
#include <vector>

#include "base/time.h"
#include "crypto/signature.h"
#include "wire/short_block.h"

namespace meshchain::chain {

struct HeldBlock {
    wire::ShortBlock block;
    std::optional<crypto::PublicKey> claimed;  ///< whose radio claims to have sent it
    base::Instant until;
    bool parent_asked = false;  ///< by its name
    bool whole_asked = false;   ///< its own announcement
};

class HeldBlocks {
public:
    static constexpr std::size_t blocks_max = 16;
    static constexpr std::ptrdiff_t of_proposer_max = 3;

    /// The held one, old or new, or nothing where there is no room. Of one name and signature the
    /// first is kept, as what is unsigned costs nothing to change. Borrowed until the next change.
    HeldBlock* hold(HeldBlock held);
    /// All of this name: any number can be forged. Borrowed as above.
    std::vector<HeldBlock*> named(wire::BlockName name);
    /// All that name this parent. Borrowed as above.
    std::vector<HeldBlock*> children_of(wire::BlockName parent);
    std::size_t size() const { return blocks_.size(); }
    /// All whose time is not over, to be tried again.
    std::deque<HeldBlock> take(base::Instant now);

private:
    std::deque<HeldBlock> blocks_;  ///< the oldest first
};

}  // namespace meshchain::chain
