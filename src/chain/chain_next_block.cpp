// Catching up on the air, one block after the other
// (docs/decisions/0190-one-block-after-the-other.md).

#include <algorithm>

#include "chain/chain.h"

namespace meshchain::chain {
namespace {

/// Blocks are read from the store for strangers no faster than that.
constexpr base::Duration read_pause = std::chrono::seconds(1);

}  // namespace

/// The block after our tip, or in turns after FINAL, in case our tip is on a branch of our own.
void Chain::ask_next_block(base::Now now) {
    if (!has_air_alone_ || now.instant < next_block_.poll_timeout()) return;
    const Tip& tip = store_->tip();
    const bool is_coming = std::ranges::any_of(announced_, [&](const auto& item) {
        return item.second.ref.parent == tip.hash && downloads_.is_wanted(item.first);
    });
    const unsigned tries = next_block_.take_due(now.instant, is_coming, flood_time());
    if (tries == 0) return;
    const auto final = store_->hash_at(final_height());
    const bool from_tip = tries % 2 == 1 || !final || !*final;
    const wire::Hash& after = from_tip ? tip.hash : **final;
    ask_on_air(wire::NextBlockWish{wire::name_of(after), from_tip ? tip.height : final_height()});
}

/// What is FINAL alone: there is one block after each.
void Chain::answer(base::Now now, const wire::NextBlockWish& wish) {
    if (wish.height >= final_height()) return;
    const auto held = store_->hash_at(wish.height);
    if (!held || !*held || wire::name_of(**held) != wish.after) return;
    const auto next = store_->hash_at({wish.height.value + 1});
    if (!next || !*next || !can_say(now, **next)) return;
    answer(now, wire::BlockWish{wire::name_of(**next), 0});
}

/// What was announced long ago is said again from the store.
bool Chain::can_say(base::Now now, const wire::Hash& hash) {
    if (air_repair_.announcement(hash) != nullptr) return true;
    if (now.instant < block_read_until_) return false;
    block_read_until_ = now.instant + read_pause;
    const auto stored = store_->block(hash);
    if (!stored || !*stored) return false;
    const auto effects = store_->effects_of(**stored);
    if (!effects) return false;
    wire::BlockAnnouncement announcement{.header = (*stored)->block.header, .short_ids = {}};
    for (const ledger::CheckedTransaction& checked : effects->transactions) {
        announcement.short_ids.push_back(wire::short_id(hash, checked.wtxid));
    }
    constexpr bool is_old = true;
    air_repair_.note_announcement(hash, wire::encode(announcement), is_old);
    return true;
}

}  // namespace meshchain::chain
