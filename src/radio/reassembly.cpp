#include "radio/reassembly.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::radio {

Reassembly::Reassembly(const ReassemblyLimits& limits, base::Random random)
    : limits_(limits), random_(random), done_(limits.done_max) {
    MESH_ASSERT(limits.transfers_max > 0 && limits.transfers_of_one_max > 0);
}

std::optional<Reassembly::Joined> Reassembly::handle_piece(base::Instant now, NodeNumber sender,
                                                           const Piece& piece) {
    const Key key{sender, piece.transfer};
    if (done_.contains(key)) {
        refuse(Refusal::known);
        return std::nullopt;
    }
    if (piece.cut.message_bytes > limits_.message_bytes_max) {
        refuse(Refusal::too_long);
        return std::nullopt;
    }
    const auto known = transfers_.find(key);
    Transfer& transfer = known != transfers_.end() ? known->second : open(now, key, piece);
    if (transfer.type != piece.type || transfer.head != piece.head ||
        transfer.pieces.cut() != piece.cut) {
        refuse(Refusal::contradicts);
        return std::nullopt;
    }
    if (!transfer.pieces.add(piece.index, piece.bytes)) {
        refuse(Refusal::known);
        return std::nullopt;
    }
    note_piece(now, transfer, piece);
    if (transfer.pieces.missing() > 0) return std::nullopt;
    return finish(key);
}

Reassembly::Transfer& Reassembly::open(base::Instant now, const Key& key, const Piece& piece) {
    make_room(key.first);
    return transfers_
        .emplace(key, Transfer{.type = piece.type,
                               .head = piece.head,
                               .pieces = coding::PieceCollector(piece.cut),
                               .heard = now,
                               .gap = limits_.piece_gap,
                               .wish_at = now})
        .first->second;
}

void Reassembly::make_room(NodeNumber sender) {
    const auto is_its = [&](const auto& entry) { return entry.first.first == sender; };
    const auto of_one =
        static_cast<std::size_t>(std::count_if(transfers_.begin(), transfers_.end(), is_its));
    const bool is_its_share = of_one >= limits_.transfers_of_one_max;
    if (!is_its_share && transfers_.size() < limits_.transfers_max) return;
    auto least = transfers_.end();
    for (auto entry = transfers_.begin(); entry != transfers_.end(); ++entry) {
        if (is_its_share && !is_its(*entry)) continue;
        const auto worth = [](const Transfer& of) { return std::pair(of.gathered(), of.heard); };
        if (least == transfers_.end() || worth(entry->second) < worth(least->second)) least = entry;
    }
    transfers_.erase(least);
    refuse(Refusal::displaced);
}

void Reassembly::note_piece(base::Instant now, Transfer& transfer, const Piece& piece) {
    // Two pieces of one row of them tell how fast its sender may send.
    if (piece.rest < transfer.rest && now > transfer.heard) {
        transfer.gap = (now - transfer.heard) / (transfer.rest - piece.rest);
    }
    transfer.heard = now;
    transfer.rest = piece.rest;
    transfer.wishes = 0;
    const base::Duration pause = random_.between(limits_.pause / 2, limits_.pause);
    transfer.wish_at = now + transfer.gap * piece.rest + pause;
}

void Reassembly::handle_wish(base::Instant now, const Wish& wish) {
    const auto found = transfers_.find({wish.sender, wish.transfer});
    if (found == transfers_.end() || wish.missing < found->second.pieces.missing()) return;
    if (found->second.wishes < limits_.wishes_max) note_wish(now, found->second);
}

void Reassembly::note_wish(base::Instant now, Transfer& transfer) const {
    transfer.wish_at = now + (limits_.answer_in * (std::int64_t{1} << transfer.wishes));
    if (++transfer.wishes >= limits_.wishes_max) transfer.wish_at = base::never;
}

std::map<Reassembly::Key, Reassembly::Transfer>::const_iterator Reassembly::find_wishing(
    base::Instant now) const {
    return std::ranges::find_if(transfers_,
                                [&](const auto& entry) { return now >= entry.second.wish_at; });
}

Wish Reassembly::wish_of(const Key& key, const Transfer& transfer) {
    return {.type = transfer.type,
            .sender = key.first,
            .transfer = key.second,
            .missing = static_cast<std::uint8_t>(transfer.pieces.missing())};
}

std::optional<Wish> Reassembly::next_wish(base::Instant now) const {
    const auto found = find_wishing(now);
    if (found == transfers_.end()) return std::nullopt;
    return wish_of(found->first, found->second);
}

std::optional<Wish> Reassembly::poll_wish(base::Instant now) {
    const auto found = find_wishing(now);
    if (found == transfers_.end()) return std::nullopt;
    note_wish(now, transfers_.at(found->first));
    return wish_of(found->first, found->second);
}

base::Instant Reassembly::poll_timeout(base::Instant now) const {
    base::Instant next = base::never;
    for (const auto& [key, transfer] : transfers_) {
        next = std::min(next, transfer.heard + limits_.forget_after);
        if (transfer.wish_at > now) next = std::min(next, transfer.wish_at);
    }
    return next;
}

void Reassembly::handle_timeout(base::Instant now) {
    std::erase_if(transfers_, [&](const auto& entry) {
        const bool is_stale = now >= entry.second.heard + limits_.forget_after;
        if (is_stale) refuse(Refusal::forgotten);
        return is_stale;
    });
}

std::optional<Reassembly::Joined> Reassembly::finish(const Key& key) {
    const auto found = transfers_.find(key);
    Transfer& transfer = found->second;
    Joined joined{transfer.type, transfer.head, transfer.pieces.take_message()};
    transfers_.erase(found);
    if (transfer_id(joined.type, joined.head, joined.bytes) != key.second) {
        refuse(Refusal::untrue);
        return std::nullopt;
    }
    done_.put(key, true);
    return joined;
}

std::size_t Reassembly::bytes() const {
    std::size_t bytes = 0;
    for (const auto& [key, transfer] : transfers_) {
        bytes += transfer.gathered() * transfer.pieces.cut().piece_bytes;
    }
    return bytes;
}

void Reassembly::check_invariants() const {
    MESH_ASSERT(transfers_.size() <= limits_.transfers_max);
    std::map<NodeNumber, std::size_t> of_one;
    for (const auto& [key, transfer] : transfers_) {
        const std::size_t transfers = ++of_one[key.first];
        MESH_ASSERT(transfers <= limits_.transfers_of_one_max);
        MESH_ASSERT(transfer.pieces.cut().message_bytes <= limits_.message_bytes_max);
        MESH_ASSERT(transfer.pieces.missing() > 0 && transfer.wishes <= limits_.wishes_max);
    }
}

std::string_view name(Reassembly::Refusal refusal) {
    switch (refusal) {
        case Reassembly::Refusal::too_long: return "too_long";
        case Reassembly::Refusal::contradicts: return "contradicts";
        case Reassembly::Refusal::known: return "known";
        case Reassembly::Refusal::displaced: return "displaced";
        case Reassembly::Refusal::untrue: return "untrue";
        case Reassembly::Refusal::forgotten: return "forgotten";
    }
    return "unknown";
}

}  // namespace meshchain::radio
