#include "chain/state_view.h"

#include <algorithm>

#include "chain/stored_values.h"

namespace meshchain::chain {
namespace {

std::unexpected<base::Error> corrupt(std::string what) {
    return base::failure(base::Errc::corrupt, std::move(what), "state view",
                         "stop the node and run `meshchain store salvage`");
}

/// The least outpoint of a range, as a key.
base::Buffer first_key(std::uint8_t range) {
    base::Buffer key(wire::outpoint_bytes);
    key[0] = static_cast<std::byte>(range << 2);
    return key;
}

}  // namespace

std::expected<std::unique_ptr<StateView>, base::Error> StateView::open(kv::Store& store,
                                                                       const ChainStore& chain,
                                                                       wire::Height height) {
    MESH_TRY(auto view, begin(store, chain, height));
    while (!view->is_whole()) MESH_CHECK(view->undo_block(chain));
    return view;
}

std::expected<std::unique_ptr<StateView>, base::Error> StateView::begin(kv::Store& store,
                                                                        const ChainStore& chain,
                                                                        wire::Height height) {
    const wire::Height tip = chain.tip().height;
    if (height > tip || height < chain.base().height) {
        return base::failure(base::Errc::not_found,
                             "no state of height " + std::to_string(height.value) + " here",
                             "state view",
                             "history here goes from " + std::to_string(chain.base().height.value) +
                                 " to " + std::to_string(tip.value));
    }
    if (tip.value - height.value > blocks_undone_max) {
        return base::failure(base::Errc::too_large,
                             "height " + std::to_string(height.value) + " is " +
                                 std::to_string(tip.value - height.value) + " blocks back",
                             "state view",
                             "at most " + std::to_string(blocks_undone_max) + " are undone");
    }
    std::unique_ptr<StateView> view(new StateView());
    view->state_ = chain.state();
    MESH_TRY(view->fees_, chain.fees());
    view->at_ = chain.tip();
    view->height_ = height;
    MESH_TRY(view->view_, store.snapshot());
    return view;
}

std::expected<std::size_t, base::Error> StateView::undo(const ChainStore& chain,
                                                        std::size_t coins) {
    std::size_t undone = 0;
    do {
        if (is_whole()) break;
        MESH_TRY(const std::size_t some, undo_block(chain));
        undone += some;
    } while (undone < coins);
    return undone;
}

/// An empty block counts as one coin.
std::expected<std::size_t, base::Error> StateView::undo_block(const ChainStore& chain) {
    MESH_TRY(const auto stored, chain.block(at_.hash));
    if (!stored) return corrupt("block " + std::to_string(at_.height.value) + " is missing");
    MESH_TRY(const ledger::BlockEffects effects, chain.effects_of(*stored));
    for (const ledger::Coin& coin : effects.created) undone_[coin.outpoint] = std::nullopt;
    for (const ledger::Coin& coin : effects.spent) undone_[coin.outpoint] = coin.output;
    wire::Amount& earned = fees_[effects.proposer];
    const wire::Amount after = earned;
    const auto before = wire::subtract(after, effects.fees);
    if (!before) return corrupt("a fee balance is too small to take back");
    ledger::revert(effects, *before, after, state_);
    earned = *before;
    if (earned == wire::Amount{}) fees_.erase(effects.proposer);
    MESH_TRY(at_, chain.parent_of(*stored));
    return 1 + effects.created.size() + effects.spent.size();
}

std::expected<std::vector<wire::StateCoin>, base::Error> StateView::coins(
    std::uint8_t range, const std::optional<wire::Outpoint>& after, std::size_t count) {
    std::vector<wire::StateCoin> page;
    base::Buffer from = first_key(range);
    if (after) {
        from = base::to_buffer(wire::encode(*after));
        from.push_back({});  // the least key above it
    }
    const base::Buffer to = range + 1 < wire::coin_ranges
                                ? first_key(static_cast<std::uint8_t>(range + 1))
                                : base::Buffer();
    auto undone = after ? undone_.upper_bound(*after)
                        : undone_.lower_bound(*parse_outpoint(first_key(range)));
    const auto is_in_range = [&] {
        return undone != undone_.end() && wire::range_of(undone->first) == range;
    };
    const auto take_undone = [&] {
        if (undone->second && page.size() < count) page.push_back({undone->first, *undone->second});
        ++undone;
    };
    bool broken = false;
    MESH_CHECK(view_->scan({tables::coins, from, to}, [&](base::Bytes key, base::Bytes value) {
        const auto outpoint = parse_outpoint(key);
        const auto output = parse_output(value);
        broken = !outpoint || !output;
        if (broken) return false;
        while (is_in_range() && undone->first < *outpoint) take_undone();
        if (is_in_range() && undone->first == *outpoint) {
            take_undone();
        } else if (page.size() < count) {
            page.push_back({*outpoint, *output});
        }
        return page.size() < count;
    }));
    if (broken) return corrupt("a coin");
    while (is_in_range() && page.size() < count) take_undone();
    return page;
}

std::expected<void, base::Error> StateView::each_coin(
    const std::function<bool(const wire::StateCoin&)>& visit) {
    constexpr std::size_t at_once = 1024;
    for (std::uint8_t range = 0; range < wire::coin_ranges; ++range) {
        std::optional<wire::Outpoint> after;
        for (;;) {
            MESH_TRY(const auto some, coins(range, after, at_once));
            if (!std::ranges::all_of(some, visit)) return {};
            if (some.size() < at_once) break;
            after = some.back().outpoint;
        }
    }
    return {};
}

std::expected<wire::StatePage, base::Error> StateView::page(const wire::StatePageRequest& request) {
    wire::StatePage page{request.block, request.range, request.after, true, {}, {}};
    if (request.range == wire::fee_range) {
        page.after.reset();
        for (const auto& [validator, amount] : fees_) page.fees.push_back({validator, amount});
        return page;
    }
    MESH_TRY(page.coins, coins(request.range, request.after, wire::state_coins_max + 1));
    page.last = page.coins.size() <= wire::state_coins_max;
    if (!page.last) page.coins.pop_back();
    return page;
}

std::expected<wire::Hash, base::Error> StateView::range_hash(std::uint8_t range) {
    wire::RangeHasher hasher;
    if (range == wire::fee_range) {
        for (const auto& [validator, amount] : fees_) {
            hasher.add(wire::StateFees{validator, amount});
        }
        return hasher.hash();
    }
    constexpr std::size_t at_once = 1024;
    std::optional<wire::Outpoint> after;
    for (;;) {
        MESH_TRY(const auto some, coins(range, after, at_once));
        for (const wire::StateCoin& coin : some) hasher.add(coin);
        if (some.size() < at_once) return hasher.hash();
        after = some.back().outpoint;
    }
}

}  // namespace meshchain::chain
