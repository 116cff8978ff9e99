#include "ledger/coin_overlay.h"

namespace meshchain::ledger {

std::expected<std::optional<wire::Output>, base::Error> CoinOverlay::coin(
    const wire::Outpoint& outpoint) const {
    if (is_spent(outpoint)) return std::nullopt;
    const auto found = created_.find(outpoint);
    if (found != created_.end()) return found->second;
    return below_->coin(outpoint);
}

std::expected<Candidates, base::Error> CoinOverlay::candidates(
    const wire::ShortOutpoint& position) const {
    MESH_TRY(const Candidates below, below_->candidates(position));
    return merge(below, position, false);
}

std::expected<std::optional<base::Buffer>, base::Error> CoinOverlay::stake_row(
    const base::Buffer& key) const {
    const auto found = stakes_.find(key);
    if (found != stakes_.end()) return found->second;
    return below_->stake_row(key);
}

void CoinOverlay::write(const StakeWrites& writes) {
    for (const auto& [key, value] : writes) stakes_[key] = value;
}

Candidates CoinOverlay::merge(const Candidates& below, const wire::ShortOutpoint& position,
                              bool with_spent) const {
    Candidates result;
    for (const wire::Outpoint& outpoint : below) {
        if (with_spent || !is_spent(outpoint)) result.insert(outpoint);
    }
    for (auto at = positions_.lower_bound({position, wire::Outpoint{}});
         at != positions_.end() && at->first == position; ++at) {
        if (with_spent || !is_spent(at->second)) result.insert(at->second);
    }
    return result;
}

std::expected<std::optional<wire::Output>, base::Error> CoinOverlay::BeforeSpends::coin(
    const wire::Outpoint& outpoint) const {
    const auto found = overlay_->created_.find(outpoint);
    if (found != overlay_->created_.end()) return found->second;
    return overlay_->below_->coin(outpoint);
}

std::expected<Candidates, base::Error> CoinOverlay::BeforeSpends::candidates(
    const wire::ShortOutpoint& position) const {
    MESH_TRY(const Candidates below, overlay_->below_->candidates(position));
    return overlay_->merge(below, position, true);
}

void CoinOverlay::spend(const wire::Outpoint& outpoint) {
    MESH_ASSERT(spent_.insert(outpoint).second);
}

void CoinOverlay::unspend(const wire::Outpoint& outpoint) {
    MESH_ASSERT(spent_.erase(outpoint) == 1);
}

std::expected<void, base::Error> CoinOverlay::create(const Coin& coin) {
    const wire::ShortOutpoint position = wire::short_outpoint(chain_, coin.outpoint);
    MESH_TRY(const Candidates taken, candidates(position));
    if (taken.full()) {
        return base::failure(base::Errc::conflict,
                             "four unspent outputs share the short outpoint " +
                                 base::to_hex(position.bytes) + " already",
                             "output", "pay with a different amount, fee or expiry");
    }
    MESH_ASSERT(created_.emplace(coin.outpoint, coin.output).second);
    positions_.emplace(position, coin.outpoint);
    return {};
}

void CoinOverlay::uncreate(const wire::Outpoint& outpoint) {
    MESH_ASSERT(created_.erase(outpoint) == 1);
    positions_.erase({wire::short_outpoint(chain_, outpoint), outpoint});
}

}  // namespace meshchain::ledger
