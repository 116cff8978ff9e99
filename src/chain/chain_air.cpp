// The air, where all hear what one says: short questions, and answers that serve many
// (docs/decisions/0177-frugal-on-the-air.md).

#include <algorithm>

#include "chain/chain.h"

namespace meshchain::chain {

using Type = wire::MessageType;

namespace {

constexpr base::Duration gateway_turn = std::chrono::seconds(1);
constexpr std::size_t first_to_answer = 4;

}  // namespace

wire::Verdict Chain::handle_air_question(base::Now now, const wire::Ingress& from,
                                         base::Bytes payload) {
    // On a session there are better ways to ask.
    if (!from.on_air) return wire::Verdict::ignore;
    const auto question = wire::parse_air_question(payload);
    if (!question) return wire::Verdict::punish;
    if (const auto* votes = std::get_if<wire::VoteRequest>(&*question)) {
        // Whoever answers it is heard by us as well, where air is all there is.
        return engine_->handle_vote_request(now.wall, *votes, has_air_alone_);
    }
    if (const auto* next = std::get_if<wire::NextBlockWish>(&*question)) {
        next_block_.note_asked(now.instant, flood_time());
        answer(now, *next);
        return wire::Verdict::keep;
    }
    const auto& wish = std::get<wire::BlockWish>(*question);
    downloads_.note_asked(now.instant, wish);
    if (wish.is_for_announcement()) named_wishes_.note_asked(now.instant, wish);
    answer(now, wish);
    return wire::Verdict::keep;
}

/// Whose block it is answers first, then validators, of whom there are fewer.
void Chain::answer(base::Now now, const wire::BlockWish& wish) {
    const auto hash = air_repair_.find(wish.block);
    if (!hash) return;
    const auto block = recent_block(*hash);
    if (!block) return;
    const bool is_ours = block->header.proposer == engine_->self();
    const std::uint8_t others_first = engine_->self().has_value() ? 1 : 3;
    if (wish.is_for_announcement()) {
        wire::Outgoing said{.type = Type::block,
                            .payload = *air_repair_.announcement(*hash),
                            .repeated = !is_ours,
                            .others_first = others_first,
                            .hurried = true};
        const auto whole = wire::parse_block_announcement(said.payload);
        const auto in_short = wish.missing == 0 && whole ? short_form(*whole, *hash) : std::nullopt;
        if (in_short) {
            said.type = Type::short_block;
            said.payload = wire::encode(*in_short);
            said.only_on_air = true;
        }
        return send(std::move(said));
    }
    // A gateway lets those who have nothing but the air go first.
    const base::Duration flood = std::max(flood_time(), gateway_turn);
    base::Instant turn = now.instant;
    if (!is_ours) {
        // A few have the first turn: each who does not hear another's answer gives one more.
        const std::size_t crowd = std::max<std::size_t>(peers_.size(), first_to_answer);
        const bool is_first = random_.below(crowd) < first_to_answer;
        turn += (is_first ? 1 : 3) * flood + random_.between({}, flood);
    }
    const std::size_t rows = std::min<std::size_t>(wish.missing, block->transactions.size());
    rows_ahead_.note_asked(wish.block);
    air_repair_.want_rows(*hash, rows, turn, flood);
}

/// FINAL or not: AirRepair knows no others by their names than the last that were announced.
std::optional<wire::Block> Chain::recent_block(const wire::Hash& hash) const {
    if (const BlockPool::Entry* pooled = pool_.find(hash)) return pooled->block;
    const auto stored = store_->block(hash);
    if (!stored || !*stored) return std::nullopt;
    return (*stored)->block;
}

/// Of what was announced here; what was dropped since, or lost to another, is not.
bool Chain::is_final(wire::BlockName name) const {
    const auto hash = air_repair_.find(name);
    if (!hash) return false;
    const auto header = store_->header(*hash);
    return header && *header && (*header)->height <= final_height();
}

void Chain::send_due_rows(base::Now now) {
    for (const AirRepair::Due& due : air_repair_.take_due(now.instant)) {
        const auto block = recent_block(due.block);
        if (!block) continue;
        send_rows(due.block, block->transactions, due.rows);
    }
}

void Chain::send_rows(const wire::Hash& hash,
                      const std::vector<wire::WireTransaction>& transactions, std::size_t rows) {
    const std::size_t count = transactions.size();
    for (std::size_t i = 0; i < rows && count <= UINT8_MAX; ++i) {
        // Two who answer at once hardly ever draw the same.
        const auto row = static_cast<std::uint8_t>(count + random_.below(256 - count));
        const auto bytes = make_row(transactions, row);
        if (!bytes) break;
        send({.type = Type::block_row,
              .payload = wire::encode(wire::BlockRow{wire::name_of(hash), row, *bytes}),
              .only_on_air = true});
    }
}

/// Somebody always lacks some of it where many are lost, and to ask takes longer than to tell. One
/// row of each who speaks, so that it costs nobody much, and who only follows first, where there
/// is somebody: validators need their air for votes.
void Chain::plan_rows_ahead(base::Now now, const wire::Hash& hash, wire::Slot slot,
                            std::size_t transactions) {
    constexpr int floods = 3;
    if (!has_air_alone_ || slot < this->slot(now)) return;
    rows_ahead_.note_block(wire::name_of(hash));
    const base::Duration window = floods * flood_time();
    base::Duration turn = random_.between({}, window);
    const consensus::ValidatorSet& validators = engine_->validators();
    const auto follows = [&](const crypto::PublicKey& peer) {
        return !validators.find_identity(peer).has_value();
    };
    if (engine_->self() && std::ranges::any_of(peers_, follows)) turn += window;
    air_repair_.plan_ahead(hash, rows_ahead_.rows(transactions), now.instant + turn);
}

void Chain::ask_on_air(const wire::AirQuestion& question) {
    send({.type = Type::air_ask, .payload = wire::encode(question), .only_on_air = true});
}

void Chain::send_vote(const wire::Vote& vote) {
    const auto short_form = has_air_alone_ ? wire::shorten(vote) : std::nullopt;
    if (!short_form) return send(Type::block_ack, wire::encode(vote));
    send(Type::short_vote, wire::encode(*short_form));
}

/// Whoever asks for votes of late rounds is likely to know what they are for, and asks for the
/// block if not. Older ones name it by its hash.
void Chain::repeat_vote(base::Now now, const wire::Vote& vote) {
    constexpr std::uint32_t rounds_late = 4;
    const wire::Round current = round(now);
    const bool is_late = vote.round.value + rounds_late > current.value;
    const auto short_form = has_air_alone_ && is_late ? wire::shorten(vote) : std::nullopt;
    send({.type = short_form ? Type::short_vote : Type::block_ack,
          .payload = short_form ? wire::encode(*short_form) : wire::encode(vote),
          .repeated = vote.validator != engine_->self(),
          .hurried = true});
}

/// The vote that is held here and was said again.
void Chain::note_repeated(base::Now now, const wire::ShortVote& vote) {
    const wire::Round round = wire::round_of(vote, this->round(now));
    if (round.value < vote.distance) return;
    for (const consensus::BlockRef& source : engine_->named(vote.source)) {
        for (const wire::Hash& target : named(vote.target)) {
            engine_->handle_repeated_vote(
                wire::expand(vote, round, source.slot, source.hash, target));
        }
    }
}

wire::Verdict Chain::handle_short_vote(base::Now now, const wire::Ingress& from,
                                       base::Bytes payload) {
    const auto vote = wire::parse_short_vote(payload);
    if (!vote) return wire::Verdict::punish;
    // A session has room for whole ones.
    if (!from.on_air || !engine_->validators().contains(vote->validator))
        return wire::Verdict::ignore;
    return judge(now, *vote);
}

/// Names that two blocks share are tried one after the other: only one of them was signed.
wire::Verdict Chain::judge(base::Now now, const wire::ShortVote& vote) {
    const wire::Round round = wire::round_of(vote, this->round(now));
    const auto latest = engine_->schedule().latest_round(now.wall);
    const bool is_past = round <= engine_->final().round;
    if (is_past || !latest || round > *latest || round.value < vote.distance)
        return wire::Verdict::ignore;
    const auto sources = engine_->named(vote.source);
    const auto targets = named(vote.target);
    for (const consensus::BlockRef& source : sources) {
        for (const wire::Hash& target : targets) {
            const wire::Vote whole = wire::expand(vote, round, source.slot, source.hash, target);
            const wire::Verdict verdict = engine_->handle_vote(now.wall, whole);
            if (verdict == wire::Verdict::punish) continue;
            if (verdict == wire::Verdict::relay && !has_air_alone_) {
                send({.type = Type::block_ack, .payload = wire::encode(whole), .not_on_air = true});
            }
            return verdict;
        }
    }
    if (!sources.empty() && !targets.empty()) return wire::Verdict::ignore;
    // Whoever is behind votes for it for ever.
    if (targets.empty() && is_final(vote.target)) return wire::Verdict::ignore;
    // Nothing of it was checked: whoever says it again is heard again.
    held_votes_.hold(vote);
    if (targets.empty() && has_air_alone_) want_voted(now, vote.target);
    return wire::Verdict::ignore;
}

void Chain::judge_held_votes(base::Now now) {
    for (const wire::ShortVote& vote : held_votes_.take()) judge(now, vote);
}

/// Known by consensus, waiting for a parent, or announced and on their way.
std::vector<wire::Hash> Chain::named(wire::BlockName name) const {
    std::vector<wire::Hash> found = pool_.named(name);
    for (const consensus::BlockRef& block : engine_->named(name)) {
        if (!pool_.contains(block.hash)) found.push_back(block.hash);
    }
    for (const auto& [hash, announced] : announced_) {
        if (wire::name_of(hash) == name && !is_known(hash)) found.push_back(hash);
    }
    return found;
}

wire::Verdict Chain::handle_block_row(base::Now now, const wire::Ingress& from,
                                      base::Bytes payload) {
    if (!from.on_air) return wire::Verdict::ignore;
    const auto row = wire::parse_block_row(payload);
    if (!row) return wire::Verdict::punish;
    if (is_true_row(*row)) air_repair_.note_row(*row);
    std::vector<wire::Hash> lacking;
    for (auto& [hash, announced] : announced_) {
        if (wire::name_of(hash) != row->block) continue;
        announced.rows.add(*row);
        lacking.push_back(hash);
    }
    for (const wire::Hash& hash : lacking) fill(now, hash);
    for (const wire::Hash& hash : lacking) {
        const auto still = announced_.find(hash);
        if (still != announced_.end())
            downloads_.note_row(now.instant, hash, still->second.rows.size());
    }
    return lacking.empty() ? wire::Verdict::ignore : wire::Verdict::keep;
}

/// Of a block that is here whole: a false one answers nobody.
bool Chain::is_true_row(const wire::BlockRow& row) const {
    const auto hash = air_repair_.find(row.block);
    const auto block = hash ? recent_block(*hash) : std::nullopt;
    if (!block || row.row < block->transactions.size()) return false;
    const auto bytes = make_row(block->transactions, row.row);
    return bytes && base::equal(*bytes, row.bytes);
}

void Chain::handle_repeat(base::Now now, wire::MessageType type, base::Bytes payload) {
    if (!engine_) return;
    if (type == Type::block_ack) {
        if (const auto vote = wire::parse_vote(payload)) engine_->handle_repeated_vote(*vote);
    }
    if (type == Type::short_vote) {
        if (const auto vote = wire::parse_short_vote(payload)) note_repeated(now, *vote);
    }
    // One that was given up before somebody voted for it, or whose name rests, which nobody asks
    // for but anybody may say.
    const bool lacks_some =
        downloads_.size() > announced_.size() || !named_wishes_.empty() || next_block_.is_behind();
    const wire::Ingress from{.peer = {}, .on_air = true};
    if (type == Type::short_block && lacks_some) {
        handle_short_block(now, from, payload);
        settle(now);
    } else if (type == Type::block && lacks_some) {
        const auto verdict = handle_announcement(now, from, payload);
        if (verdict == wire::Verdict::relay && !has_air_alone_) {
            repeat(type, {payload.begin(), payload.end()});
        }
        settle(now);
    }
}

/// Nobody asks for what lacks transactions and lost to a block of ours, unless somebody votes for
/// it or has built on it.
void Chain::forget_lost_announcements() {
    if (!has_air_alone_) return;
    std::erase_if(announced_, [&](const auto& item) {
        const auto& [hash, announced] = item;
        if (announced.ref.height > store_->tip().height || engine_->is_named(hash)) return false;
        if (!pool_.children(hash).empty()) return false;
        if (!held_blocks_.children_of(wire::name_of(hash)).empty()) return false;
        downloads_.forget(hash);
        return true;
    });
}

/// What a better or earlier leader said will be whole before anybody could use another.
bool Chain::is_one_under_way(const consensus::Duty& duty) const {
    if (!has_air_alone_) return false;
    return std::ranges::any_of(announced_, [&](const auto& item) {
        const wire::Slot slot = item.second.ref.slot;
        return slot > store_->tip().slot && slot.value + 1 >= duty.slot.value;
    });
}

std::size_t Chain::transactions_announced_max() const {
    return has_air_alone_ ? wire::ShortBlock::ids_max : SIZE_MAX;
}

}  // namespace meshchain::chain
