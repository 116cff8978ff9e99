// Blocks as they are said on the air: rebuilt from what their parent left behind
// (docs/decisions/0178-short-blocks.md).

#include <algorithm>

#include "chain/chain.h"

namespace meshchain::chain {

using Type = wire::MessageType;

namespace {

constexpr int slots_held = 8;
constexpr int floods_held = 40;

}  // namespace

std::optional<wire::BlockHeader> Chain::header_of(const wire::Hash& hash) const {
    if (const wire::Block* block = unapplied(hash)) return block->header;
    const auto stored = store_->header(hash);
    return stored ? *stored : std::nullopt;
}

/// Of what is executed, or was and has been taken back.
std::optional<wire::Hash> Chain::state_after(const wire::Hash& hash, wire::Height height) const {
    if (hash == store_->tip().hash) return store_->state().digest();
    const auto applied = store_->hash_at(height);
    if (applied && *applied == hash) {
        const auto child = store_->hash_at({height.value + 1});
        if (!child || !*child) return std::nullopt;
        const auto header = store_->header(**child);
        if (!header || !*header) return std::nullopt;
        return (*header)->parent_state;
    }
    const auto reverted = std::ranges::find(reverted_states_, hash, &Reverted::block);
    if (reverted == reverted_states_.end()) return std::nullopt;
    return reverted->state;
}

/// A branch may come back, and what is built on it is said in short.
void Chain::note_reverting(const wire::Hash& tip) {
    std::erase_if(reverted_states_, [&](const Reverted& known) { return known.block == tip; });
    if (reverted_states_.size() == reverted_states_max) reverted_states_.pop_front();
    reverted_states_.push_back({tip, store_->state().digest()});
}

/// Nothing of what is not executed, or of whose header nothing is left here.
std::optional<wire::BlockParent> Chain::parent_named(const wire::Hash& hash) const {
    wire::BlockParent parent{.hash = hash, .height = {}, .certificate = {}, .state = {}};
    if (hash != chain_) {
        const auto header = header_of(hash);
        if (!header) return std::nullopt;
        parent.height = header->height;
        parent.epoch = header->epoch;
        parent.certificate = header->certificate;
    }
    const auto state = state_after(hash, parent.height);
    if (!state) return std::nullopt;
    parent.state = *state;
    return parent;
}

std::optional<wire::ShortBlock> Chain::short_form(const wire::BlockAnnouncement& announcement,
                                                  const wire::Hash& hash) const {
    const wire::Hash& parent = announcement.header.parent;
    if (parent == chain_) return wire::shorten(announcement, hash, 0, {});
    const auto header = header_of(parent);
    if (!header) return std::nullopt;
    return wire::shorten(announcement, hash, header->epoch, header->certificate);
}

/// In short where all hear it, whole on sessions.
void Chain::say_block(const wire::Hash& hash, const wire::BlockAnnouncement& announcement,
                      wire::Outgoing whole) {
    const auto said = short_form(announcement, hash);
    if (!said) return send(std::move(whole));
    wire::Outgoing in_short{.type = Type::short_block,
                            .payload = wire::encode(*said),
                            .repeated = whole.repeated,
                            .only_on_air = true};
    if (!has_air_alone_) {
        whole.not_on_air = true;
        send(std::move(whole));
    }
    send(std::move(in_short));
}

wire::Verdict Chain::handle_short_block(base::Now now, const wire::Ingress& from,
                                        base::Bytes payload) {
    auto block = wire::parse_short_block(payload);
    if (!block) return wire::Verdict::punish;
    // A session has room for the whole announcement.
    if (!from.on_air) return wire::Verdict::ignore;
    const base::Duration patience = std::max<base::Duration>(
        slots_held * base::Milliseconds{genesis_.block_time_ms}, floods_held * flood_time());
    return judge(now, {*std::move(block), from.claimed, now.instant + patience});
}

/// Costs no signature: what no leader could say is not even kept.
bool Chain::may_be_said(base::Now now, const wire::ShortBlock& block) const {
    if (block.slot <= engine_->final().slot || block.slot.value > slot(now).value + 1) return false;
    const consensus::Epochs& epochs = engine_->epochs();
    for (const std::uint32_t epoch : {epochs.now(), epochs.now() + 1}) {
        if (epoch != epochs.now() && !epochs.knows(epoch)) continue;
        const auto leaders =
            engine_->schedule().leaders(block.slot, epochs.set(epoch), epochs.seed(epoch));
        if (leaders.rank_of(block.proposer) == block.rank) return true;
    }
    return false;
}

/// Names that two parents share are tried one after the other: with the wrong one it has another
/// name itself.
wire::Verdict Chain::judge(base::Now now, HeldBlock heard) {
    const wire::ShortBlock& block = heard.block;
    if (!may_be_said(now, block)) return wire::Verdict::ignore;
    const std::vector<wire::Hash> parents = named(block.parent);
    // On a branch that FINAL has left: whoever is behind goes on building on it.
    if (parents.empty() && is_final(block.parent)) return wire::Verdict::ignore;
    bool is_judged = !parents.empty();
    for (const wire::Hash& hash : parents) {
        const auto parent = parent_named(hash);
        if (!parent) {
            is_judged = false;
            continue;
        }
        wire::BlockAnnouncement whole = wire::expand(block, *parent);
        const auto own = header_hash(whole.header);
        if (!own || wire::shorten(whole, *own, parent->epoch, parent->certificate) != block) {
            continue;
        }
        const wire::Ingress from{.peer = {}, .on_air = true, .claimed = heard.claimed};
        const wire::Verdict verdict = take_announcement(now, from, whole, Form::in_short);
        if (verdict == wire::Verdict::relay && !has_air_alone_) {
            send({.type = Type::block, .payload = wire::encode(whole), .not_on_air = true});
        }
        return verdict;
    }
    // Nothing of it was checked: whoever says it again is heard again.
    if (!is_judged) hold(now, std::move(heard), parents);
    return wire::Verdict::ignore;
}

/// Each question is asked for once: what nobody answers is asked for otherwise.
void Chain::hold(base::Now now, HeldBlock heard, std::span<const wire::Hash> parents) {
    const wire::BlockWish whole{heard.block.name, wire::BlockWish::whole};
    HeldBlock* const held = held_blocks_.hold(std::move(heard));
    if (!has_air_alone_) return;
    if (held == nullptr) {
        // Forged ones may have taken the room: the whole one needs none.
        named_wishes_.want(now.instant, whole, flood_time());
        return;
    }
    if (parents.empty()) {
        if (std::exchange(held->parent_asked, true)) return;
        const wire::BlockWish wish{held->block.parent, 0};
        if (named_wishes_.want(now.instant, wish, flood_time())) return;
    } else if (is_parent_awaited(held->block, parents)) {
        return;
    }
    want_whole(now, *held);
}

/// One that is on its way, or waits for its own, is executed once it is connected; one that is, and
/// still was not, lies on a branch that nobody follows here, and may never be.
bool Chain::is_parent_awaited(const wire::ShortBlock& block,
                              std::span<const wire::Hash> parents) const {
    if (parents.empty()) return named_wishes_.is_asking(block.parent);
    return std::ranges::any_of(
        parents, [&](const wire::Hash& hash) { return engine_->find_block(hash) == nullptr; });
}

void Chain::want_whole(base::Now now, HeldBlock& held) {
    if (std::exchange(held.whole_asked, true)) return;
    const wire::BlockWish wish{held.block.name, wire::BlockWish::whole};
    named_wishes_.want(now.instant, wish, flood_time());
}

/// Of what is held only the rest is asked for, while that may come: of a forged one it never does.
void Chain::want_voted(base::Now now, wire::BlockName name) {
    const std::vector<HeldBlock*> held = held_blocks_.named(name);
    const bool is_useless = std::ranges::any_of(held, [&](const HeldBlock* block) {
        return !is_parent_awaited(block->block, named(block->block.parent));
    });
    if (held.empty() || is_useless) {
        const std::uint8_t missing = held.empty() ? 0 : wire::BlockWish::whole;
        named_wishes_.want(now.instant, {name, missing}, flood_time());
    }
}

/// What others announced long ago nobody says again by its name. The whole announcement of a block
/// above it has the hash, under which any peer gives it.
void Chain::ask_named(base::Now now) {
    constexpr int tries = 2;
    for (const NamedWishes::Due& due : named_wishes_.take_due(now.instant)) {
        ask_on_air(due.wish);
        if (due.tries < tries) continue;
        // Each of them: the first may be forged.
        for (HeldBlock* child : held_blocks_.children_of(due.wish.block)) want_whole(now, *child);
    }
}

void Chain::judge_held_blocks(base::Now now) {
    while (std::exchange(held_blocks_due_, false)) {
        for (HeldBlock& held : held_blocks_.take(now.instant)) judge(now, std::move(held));
        fill_announced(now);
    }
}

}  // namespace meshchain::chain
